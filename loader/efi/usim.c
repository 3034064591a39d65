// SPDX-License-Identifier: BSD-3-Clause
// The device's USIM: its profile for the switcher, and the flash that its state is in, or the memory.
#include <string.h>

#include "board/cfi_flash.h"
#include "console.h"
#include "session.h"
#include "usim/flash.h"
#include "usim/volatile.h"

static uint32_t bus_read(uint64_t address) { return *(const volatile uint32_t *)(uintptr_t)address; }

static void bus_write(uint64_t address, uint32_t value) { *(volatile uint32_t *)(uintptr_t)address = value; }

/* The firmware has its variables at the bank's other end, and does nothing with it while this runs. */
static bool open_flash(const struct session *session, struct cfi_flash *chips) {
    static const struct cfi_bus bus = {bus_read, bus_write};
    const struct tree_range *bank = &session->board.usim_state.range;
    enum cfi_error error = cfi_open_last(chips, &bus, bank->base, bank->size, USIM_COPIES);
    if (error == CFI_OK && (chips->block_size < USIM_RECORD_SIZE || chips->block_size % BOARD_PAGE_SIZE != 0))
        error = CFI_BAD_ADDRESS;
    if (error != CFI_OK)
        console_print("USIM: %s\n", cfi_error_text(error));
    return error == CFI_OK;
}

static void print_usim(const struct vault_usim *usim, bool forgets) {
    const char *more = usim->begun ? ", new on this device" : "";
    console_print("USIM: card %s, generation %lu%s\n", usim->iccid, (unsigned long)usim->generation,
                  forgets ? ", remembers only that it was used: this board keeps nothing else" : more);
}

/* A board that has no such flash keeps nothing over a power-off; one whose flash does not work is refused its USIM. */
static bool open_storage(const struct session *session, struct cfi_flash *chips, struct usim_storage *storage) {
    static struct usim_flash flash;
    static uint8_t memory[USIM_VOLATILE_SIZE];
    *storage = usim_volatile_storage(memory);
    if (session->board.usim_state.range.size == 0)
        return true;
    if (!open_flash(session, chips))
        return false;
    flash = (struct usim_flash){chips, chips->block_size, cfi_read, cfi_program, cfi_erase, cfi_rests, {0}};
    *storage = usim_flash_storage(&flash);
    return true;
}

_Static_assert((int)REGION_USIM_MEMORY == (int)USIM_VOLATILE_SIZE, "the region has room for it");

/* What keeps the vault from opening was told. */
static void print_closed(const struct session *session) {
    uint64_t size = 0;
    if (session->access.size(session->access.context, "device/usim", &size) == STORE_FILE_OK)
        console_print("No USIM in this start, for the same reason\n");
}

void session_open_usim(struct session *session) {
    static struct cfi_flash chips;
    struct usim_storage storage;
    char reason[STORE_REASON_SIZE];
    session->usim_part = (struct region_usim){0};
    if (session->vault_error != VAULT_OK) {
        print_closed(session);
        return;
    }
    bool works = open_storage(session, &chips, &storage);
    if (!vault_usim_open(&session->vault, works ? &storage : NULL, &session->usim, reason)) {
        console_print("No USIM in this start: %s\n", reason);
        return;
    }
    if (session->usim.size == 0)
        return;
    print_usim(&session->usim, storage.forgets);
    session->usim_part = (struct region_usim){.profile = session->usim.profile,
                                              .size = session->usim.size,
                                              .memory = storage.forgets ? storage.context : NULL,
                                              .flash = chips.base,
                                              .flash_block_size = chips.block_size,
                                              .flash_lanes = chips.lanes};
    memcpy(session->usim_part.state_key, session->usim.state_key, sizeof(session->usim_part.state_key));
}
