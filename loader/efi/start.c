// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "console.h"
#include "cpu.h"
#include "entropy.h"
#include "pci.h"
#include "scrub.h"
#include "session.h"

enum {
    MIB = 1024 * 1024,
    PCI_HOSTS_MAX = 8,
    ADDRESSES_MAX = HANDOVER_QUIET_MAX,
};

static bool make_seeds(struct session *session) {
    struct random_pool pool;
    enum random_error error = entropy_fill(&pool, session->tree, NULL);
    if (!pool.has_entropy)
        console_print("Warning: the firmware has no random numbers; the personas' seeds can be guessed\n");
    for (uint32_t i = 0; i < session->request.persona_count && error == RANDOM_OK; i++) {
        struct region_persona *persona = &session->request.personas[i];
        error = random_derive(&pool, "kaslr-seed", persona->name, persona->kaslr_seed, sizeof(persona->kaslr_seed));
        if (error == RANDOM_OK)
            error = random_derive(&pool, "rng-seed", persona->name, persona->rng_seed, sizeof(persona->rng_seed));
    }
    random_wipe(&pool);
    /* The USIM makes keys of its seed: it is of the vault's generator, which there is only with entropy. */
    if (error == RANDOM_OK && session->usim_part.size != 0)
        error = session->vault_error != VAULT_OK ? RANDOM_NO_ENTROPY
                                                 : random_bytes(session->vault.setup.random, session->request.usim.seed,
                                                                sizeof(session->request.usim.seed));
    if (error != RANDOM_OK)
        console_print("Seeds: %s\n", random_error_text(error));
    return error == RANDOM_OK;
}

static struct handover_quiet quiet[HANDOVER_QUIET_MAX];

static bool add_quiet(struct session *session, const uint64_t *addresses, size_t count, uint32_t kind) {
    if (count > HANDOVER_QUIET_MAX - session->request.quiet_count)
        return false;
    for (size_t i = 0; i < count; i++)
        quiet[session->request.quiet_count++] = (struct handover_quiet){.address = addresses[i], .kind = kind};
    return true;
}

static uint32_t read_config(void *context, uint64_t address) {
    (void)context;
    return *(const volatile uint32_t *)(uintptr_t)address;
}

static bool list_functions(struct session *session) {
    static uint64_t addresses[ADDRESSES_MAX];
    struct board_pci_host hosts[PCI_HOSTS_MAX];
    size_t host_count = 0;
    if (!board_pci_hosts(&session->board, hosts, PCI_HOSTS_MAX, &host_count))
        return false;
    for (size_t i = 0; i < host_count; i++) {
        size_t count = 0;
        enum pci_error error = pci_find_functions(&hosts[i], read_config, NULL, addresses, ADDRESSES_MAX, &count);
        if (error != PCI_OK) {
            console_print("PCI: %s\n", pci_error_text(error));
            return false;
        }
        if (!add_quiet(session, addresses, count, HANDOVER_QUIET_PCI_COMMAND))
            return false;
    }
    return true;
}

/* virtio 1.2, 4.2.2: DeviceID 0 is a transport with no device, and none can be plugged in later. */
static size_t keep_present(uint64_t *addresses, size_t count) {
    const uint64_t status = 0x70, device_id = 0x08;
    size_t present = 0;
    for (size_t i = 0; i < count; i++)
        if (read_config(NULL, addresses[i] - status + device_id) != 0)
            addresses[present++] = addresses[i];
    return present;
}

/* Where the switcher looks, before a flip, for devices that still do DMA. */
static bool list_quiet(struct session *session) {
    uint64_t addresses[ADDRESSES_MAX];
    size_t count = 0;
    session->request.quiet = quiet;
    session->request.quiet_count = 0;
    if (board_quiet_virtio_mmio(&session->board, addresses, ADDRESSES_MAX, &count) &&
        add_quiet(session, addresses, keep_present(addresses, count), HANDOVER_QUIET_VIRTIO_MMIO) &&
        list_functions(session))
        return true;
    console_print("More shared devices than the %u that the switcher can watch\n", HANDOVER_QUIET_MAX);
    return false;
}

static bool find_chosen(struct session *session, size_t chosen) {
    for (uint32_t i = 0; i < session->request.persona_count; i++) {
        if (session->request_index[i] != chosen)
            continue;
        session->request.first_persona = i;
        return true;
    }
    console_print("%s does not fit any more\n", session->store.personas[chosen].name);
    return false;
}

static void report(struct session *session, const struct region_fault *fault) {
    char text[STORE_REASON_SIZE];
    region_fault_text(fault, text, sizeof(text));
    console_print("%s\n", text);
    for (uint32_t i = 0; i < session->request.persona_count; i++)
        if (fault->persona == session->request.personas[i].name)
            session_mark(session, session->request_index[i], SESSION_DAMAGED, "%s", text);
}

static enum firmware_error leave(const struct session *session, const struct firmware_memory **memory) {
    struct memory_range wanted[STORE_PERSONAS_MAX + 1];
    size_t count = 0;
    wanted[count++] = (struct memory_range){session->plan.switcher_base, session->plan.switcher_size, MEMORY_FREE};
    for (uint32_t i = 0; i < session->request.persona_count; i++) {
        const struct tree_range *partition = &session->request.personas[i].partition;
        wanted[count++] = (struct memory_range){partition->base, partition->size, MEMORY_FREE};
    }
    return firmware_leave(wanted, count, memory);
}

static void print_what_starts(const struct region_request *request) {
    console_print("Starting the switcher");
    for (uint32_t i = 0; i < request->persona_count; i++)
        if (i != request->first_persona && request->personas[i].prewarm_ms != 0)
            console_print(", preparing %s (up to %u s)", request->personas[i].name,
                          request->personas[i].prewarm_ms / 1000);
    console_print(", then %s\n", request->personas[request->first_persona].name);
}

/* The region is the firmware's to give: it is claimed before it is written to, and given back if that fails. */
static void fill_and_leave(struct session *session) {
    struct region region = {0};
    const struct clear_range kept = {session->plan.switcher_base, session->plan.switcher_size};
    const struct firmware_memory *last_map = NULL;
    void *memory = (void *)(uintptr_t)session->plan.switcher_base;
    struct region_fault fault =
        region_fill(&region, &session->request, memory, session->plan.switcher_base, session->plan.switcher_size);
    if (fault.error != REGION_OK) {
        report(session, &fault);
        return;
    }
    print_what_starts(&session->request);
    enum firmware_error error = leave(session, &last_map);
    if (error != FIRMWARE_OK) {
        console_print("%s\n", firmware_error_text(error));
        return;
    }
    scrub_memory(last_map, &kept, (void *)(uintptr_t)region.clear);
    cpu_clean(memory, session->plan.switcher_size);
    cpu_clean((const void *)(uintptr_t)cpu_hand_over,
              (uint64_t)((uintptr_t)cpu_hand_over_end - (uintptr_t)cpu_hand_over));
    cpu_hand_over(region.handover, region.entry, region.clear);
}

static void start(struct session *session, size_t chosen) {
    session_plan(session, false); /* the firmware may have taken memory while the user was choosing */
    if (!find_chosen(session, chosen) || !session_check_dma(session) || !make_seeds(session) || !list_quiet(session))
        return;
    console_print("Memory: switcher %lu MB", (unsigned long)(session->plan.switcher_size / MIB));
    for (uint32_t i = 0; i < session->request.persona_count; i++)
        console_print(", %s %lu MB", session->request.personas[i].name,
                      (unsigned long)(session->request.personas[i].partition.size / MIB));
    console_print("\n");
    enum firmware_error error = firmware_claim(session->plan.switcher_base, session->plan.switcher_size);
    if (error != FIRMWARE_OK) {
        console_print("%s\n", firmware_error_text(error));
        return;
    }
    vault_close(&session->vault); /* wipes the device's key; the TPM is prepared for power-off */
    fill_and_leave(session);
    memset((void *)(uintptr_t)session->plan.switcher_base, 0, session->plan.switcher_size); /* personas' files */
    session_open_vault(session);
    firmware_free((void *)(uintptr_t)session->plan.switcher_base, session->plan.switcher_size);
}

void session_start(struct session *session, size_t chosen) {
    session_leave_locked(session);
    start(session, chosen);
    session_take_back(session);
}
