// SPDX-License-Identifier: BSD-3-Clause
#include "console.h"
#include "session.h"
#include "tpm.h"

enum { MIB = 1024 * 1024 };

static void print_range(const char *what, uint64_t base, uint64_t size, const char *note) {
    console_print("  %-12s 0x%010lx-0x%010lx %8lu KB  %s\n", what, (unsigned long)base,
                  (unsigned long)(base + size - 1), (unsigned long)(size / 1024), note);
}

static void print_memory(const struct session *session) {
    console_print("RAM that personas can use, %lu MB:\n", (unsigned long)(session->plan.usable / MIB));
    for (size_t i = 0; i < session->memory.count; i++)
        print_range("", session->memory.ranges[i].base, session->memory.ranges[i].size,
                    session->memory.ranges[i].kind == MEMORY_FREE ? "free" : "free once the firmware is left");
}

static void print_plan(const struct session *session) {
    if (session->request.persona_count == 0)
        return;
    console_print("Plan:\n");
    print_range("switcher", session->plan.switcher_base, session->plan.switcher_size,
                "image, stacks, tables, copies of kernels and initrds");
    for (uint32_t i = 0; i < session->request.persona_count; i++) {
        const struct region_persona *persona = &session->request.personas[i];
        print_range(persona->name, persona->partition.base, persona->partition.size,
                    memory_fit_text(session->plan.personas[i].fit));
    }
}

/* Static: too large for the stack that the firmware gives. */
static struct board_mapping mappings[BOARD_MAPPINGS_MAX];

static void print_reach(const struct session *session) {
    for (uint32_t i = 0; i < session->request.persona_count; i++) {
        size_t count = 0;
        const char *name = session->request.personas[i].name;
        console_print("Devices that %s reaches:\n", name);
        if (!board_visible_ranges(&session->board, name, mappings, BOARD_MAPPINGS_MAX, &count))
            return;
        for (size_t at = 0; at < count; at++)
            print_range("", mappings[at].range.base, mappings[at].range.size,
                        mappings[at].read_only ? "read only" : "");
    }
}

static void print_board(const struct session *session) {
    const struct board *board = &session->board;
    console_print("Devices of the board:\n");
    for (uint32_t i = 0; i < board->device_count; i++) {
        static const char *const policies[] = {
            [BOARD_HIDDEN] = "hidden", [BOARD_SHARED] = "shared", [BOARD_EXCLUSIVE] = "only for"};
        const struct board_device *device = &board->devices[i];
        console_print("  %-12s %-44s %s %s\n", device->name, device->path, policies[device->policy], device->persona);
    }
    print_range("GIC", board->gic.distributor.base, board->gic.distributor.size, board->gic.path);
    if (board->power_key.base != 0)
        console_print("  power key    %s, pin %u, INTID %u\n", board->power_key.path, board->power_key.pin,
                      board->power_key.intid);
    if (board->keyboard.base != 0)
        console_print("  key chord    %s, %u keys, INTID %u\n", board->keyboard.path, board->keyboard.chord_length,
                      board->keyboard.intid);
    if (board->clock.base != 0)
        console_print("  clock        %s, INTID %u, the personas' %u\n", board->clock.path, board->clock.intid,
                      board->clock.persona_intid);
    console_print("  flip button  INTID %u\n", board->flip_button_intid);
    if (board->channel.base != 0)
        console_print("  channel      0x%lx, INTID %u\n", board->channel.base, board->channel.intid);
}

static enum tpm_error read_tpm(const struct tpm_transport *transport, char *manufacturer, struct tpm_lockout *lockout) {
    static struct tpm tpm;
    enum tpm_error error = tpm_open(&tpm, transport, NULL);
    if (error == TPM_OK)
        error = tpm_manufacturer(&tpm, manufacturer);
    if (error == TPM_OK)
        error = tpm_lockout(&tpm, lockout);
    tpm_close(&tpm);
    return error;
}

static void print_tpm(const struct session *session) {
    struct tpm_transport transport;
    struct tpm_lockout lockout;
    char manufacturer[TPM_MANUFACTURER_SIZE], text[TPM_TEXT_SIZE];
    enum tpm_way way = firmware_tpm(session->tree, &transport);
    const char *through = way == TPM_WAY_FIRMWARE ? "through the firmware" : "through its registers";
    if (way == TPM_WAY_NONE || way == TPM_WAY_BLOCKED) {
        console_print("TPM: none%s%s\n", way == TPM_WAY_BLOCKED ? " that can be reached: " : "",
                      way == TPM_WAY_BLOCKED ? firmware_tpm_fault() : "");
        return;
    }
    enum tpm_error error = read_tpm(&transport, manufacturer, &lockout);
    if (error != TPM_OK) {
        const char *fault = firmware_tpm_fault();
        console_print("TPM: reached %s; %s%s%s\n", through, tpm_error_text(error), fault != NULL ? ": " : "",
                      fault != NULL ? fault : "");
        return;
    }
    tpm_lockout_text(&lockout, text);
    console_print("TPM: made by %s, reached %s; %s%s\n", manufacturer, through, text,
                  lockout.guarded ? "" : "; no password guards its lock-out yet");
}

void session_print_detail(const struct session *session) {
    print_memory(session);
    print_plan(session);
    print_board(session);
    print_reach(session);
    session_print_device(session);
    print_tpm(session);
}
