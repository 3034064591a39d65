// SPDX-License-Identifier: BSD-3-Clause
// This device: its key, its organisation, and what it knows of encrypted personas.
#include <stdio.h>
#include <string.h>

#include "console.h"
#include "cpu.h"
#include "credential.h"
#include "entropy.h"
#include "session.h"
#include "tpm.h"

#define REQUEST_PATH "\\flipside\\device\\request"

enum {
    PIN_MEMORY_KIB = 64 * 1024, /* RFC 9106, 4: the second recommended option's */
    KIB = 1024,
    THUMBPRINT_GROUP = 4, /* bytes between two blanks */
};

static uint64_t clock_ns(void *context) {
    const uint64_t second = 1000000000, frequency = cpu_counter_frequency(), counter = cpu_counter();
    (void)context;
    return counter / frequency * second + counter % frequency * second / frequency;
}

/* A quarter of what is free, so that the personas' files still have room. */
static uint32_t pin_memory_kib(struct session *session) {
    uint64_t free_kib = 0;
    if (firmware_memory_map(&session->memory) != FIRMWARE_OK)
        return PIN_MEMORY_FLOOR;
    for (size_t i = 0; i < session->memory.count; i++)
        if (session->memory.ranges[i].kind == MEMORY_FREE)
            free_kib += session->memory.ranges[i].size / KIB;
    return free_kib / 4 < PIN_MEMORY_KIB ? (uint32_t)(free_kib / 4) : PIN_MEMORY_KIB;
}

static bool open_random(const struct session *session, const struct tpm_transport *tpm, struct random_stream *stream) {
    struct random_pool pool;
    enum random_error error = entropy_fill(&pool, session->tree, tpm);
    if (error == RANDOM_OK)
        error = random_stream_open(stream, &pool, "vault");
    random_wipe(&pool);
    return error == RANDOM_OK;
}

static const char *keeping_text(const struct session *session) {
    if (session->vault.keeping != ENROLMENT_TPM)
        return "in a file on the disk, for want of a TPM: whoever has the disk has it";
    return session->vault.guarded ? "sealed in the TPM" : "sealed in the TPM, whose lock-out has no password";
}

static void print_thumbprint(const uint8_t *thumbprint) {
    char text[3 * P256_THUMBPRINT_SIZE];
    size_t length = 0;
    for (size_t i = 0; i < P256_THUMBPRINT_SIZE; i++) {
        static const char digits[] = "0123456789abcdef";
        if (i > 0 && i % THUMBPRINT_GROUP == 0)
            text[length++] = ' ';
        text[length++] = digits[thumbprint[i] >> 4];
        text[length++] = digits[thumbprint[i] & 15];
    }
    console_print("  thumbprint   %.*s\n", (int)length, text);
}

void session_print_device(const struct session *session) {
    if (session->vault_error == VAULT_NO_ORGANISATION) {
        console_print("Device: of no organisation; there is no \\flipside\\organisation\n");
        return;
    }
    if (session->vault_error != VAULT_OK) {
        console_print("Device: %s\n", session->vault.reason);
        return;
    }
    console_print("Device of %s:\n", session->vault.organisation.name);
    print_thumbprint(session->vault.thumbprint);
    console_print("  its key is   %s\n", keeping_text(session));
    console_print("  enrolment    the request is " REQUEST_PATH "\n");
}

static void print_opened(const struct session *session) {
    if (session->vault_error == VAULT_NO_ORGANISATION)
        return;
    if (session->vault_error != VAULT_OK) {
        console_print("Encrypted personas can't be opened: %s\n", session->vault.reason);
        return;
    }
    if (session->vault.first_start)
        console_print("First start: this device has made its key; enrol it with " REQUEST_PATH "\n");
    if (session->vault.first_start || session->vault.keeping != ENROLMENT_TPM)
        console_print("The device's key is %s\n", keeping_text(session));
    if (session->vault.reason[0] != '\0')
        console_print("%s\n", session->vault.reason);
}

/* The user is told when the TPM is not reached as usual, if there is anything to be kept in it. */
static void print_tpm_way(const struct session *session, enum tpm_way way) {
    const unsigned long registers = (unsigned long)firmware_tpm_registers(session->tree);
    if (session->vault_error == VAULT_NO_ORGANISATION)
        return;
    if (way == TPM_WAY_REGISTERS)
        console_print("TPM: the firmware does not drive it; it is reached through its registers at 0x%lx\n", registers);
    if (firmware_tpm_fault() != NULL)
        console_print("TPM: its registers at 0x%lx can't be used: %s\n", registers, firmware_tpm_fault());
}

void session_open_vault(struct session *session) {
    static struct tpm_transport transport;
    static struct random_stream random;
    session->vault_error = VAULT_NO_ORGANISATION;
    if (!session->store_found)
        return;
    const enum tpm_way way = firmware_tpm(session->tree, &transport);
    const struct tpm_transport *tpm = way == TPM_WAY_FIRMWARE || way == TPM_WAY_REGISTERS ? &transport : NULL;
    const struct vault_setup setup = {
        .files = session->access,
        .write = files_writing(&session->files),
        .tpm = tpm,
        .random = open_random(session, tpm, &random) ? &random : NULL,
        .board = session->board.name,
        .clock = clock_ns,
        .pin_memory_kib = pin_memory_kib(session),
    };
    session->vault_error = vault_open(&session->vault, &setup);
    print_tpm_way(session, way);
    print_opened(session);
}

/* What the picker and the memory plan need while it is locked. */
static void note_manifest(struct session *session, size_t index, const struct manifest *manifest) {
    struct store_persona *entry = &session->store.personas[index];
    struct session_persona *persona = &session->personas[index];
    const struct manifest_component *kernel = manifest_component(manifest, MANIFEST_KERNEL);
    const struct manifest_component *initrd = manifest_component(manifest, MANIFEST_INITRD);
    session_take_manifest(session, index, manifest);
    entry->kernel_size = kernel->size;
    entry->initrd_size = initrd != NULL ? initrd->size : 0;
    persona->kernel_need = kernel->memory;
    persona->initrd_need =
        (initrd != NULL ? initrd->memory : 0) + credential_size(SESSION_CREDENTIAL, KEYS_VOLUME_SIZE);
}

void session_take_manifest(struct session *session, size_t index, const struct manifest *manifest) {
    struct store_persona *entry = &session->store.personas[index];
    (void)snprintf(entry->config.title, sizeof(entry->config.title), "%s", manifest->title);
    (void)snprintf(entry->config.command_line, sizeof(entry->config.command_line), "%s", manifest->command_line);
    (void)snprintf(session->personas[index].version, SESSION_VERSION_SIZE, "%lu", (unsigned long)manifest->version);
    entry->config.memory = manifest->memory;
    entry->config.prewarm = manifest->prewarm_s != 0;
    entry->config.prewarm_s = manifest->prewarm_s;
    entry->config.alarm_flip = manifest->alarm_flip;
    memcpy(session->personas[index].id, manifest->id, sizeof(manifest->id));
    session->personas[index].flip_timeout_s = manifest->flip_timeout_s;
}

enum vault_status session_look(struct session *session, size_t index) {
    static struct vault_persona look;
    const struct store_persona *entry = &session->store.personas[index];
    struct session_persona *persona = &session->personas[index];
    if (vault_look(&session->vault, entry->name, &look) != VAULT_OK) {
        session_mark(session, index, SESSION_REFUSED, "%s", session->vault.reason);
        return VAULT_CANT_BE_OPENED;
    }
    persona->attempts_left = look.status == VAULT_ASKS_PIN ? look.attempts_left : 0;
    persona->delay_s = look.delay_s;
    persona->recovery = look.recovery;
    persona->code = look.code;
    if (persona->kernel_file.memory != NULL || persona->unpacked.memory != NULL)
        return look.status;
    if (look.manifest != NULL)
        note_manifest(session, index, look.manifest);
    session_mark(session, index,
                 look.status == VAULT_IS_LOCKED_OUT    ? SESSION_LOCKED_OUT
                 : look.status == VAULT_CANT_BE_OPENED ? SESSION_REFUSED
                                                       : SESSION_LOCKED,
                 "%s", look.reason);
    return look.status;
}
