// SPDX-License-Identifier: BSD-3-Clause
// The device's USIM: its profile for the switcher, and the flash that its state is in.
#include <string.h>

#include "board/cfi_flash.h"
#include "console.h"
#include "session.h"
#include "usim/flash.h"

static uint32_t bus_read(uint64_t address) { return *(const volatile uint32_t *)(uintptr_t)address; }

static void bus_write(uint64_t address, uint32_t value) { *(volatile uint32_t *)(uintptr_t)address = value; }

/* The firmware has its variables at the bank's other end, and does nothing with it while this runs. */
static bool open_flash(const struct session *session, struct cfi_flash *chips) {
    static const struct cfi_bus bus = {bus_read, bus_write};
    const struct tree_range *bank = &session->board.usim_state.range;
    if (bank->size == 0)
        return false;
    enum cfi_error error = cfi_open_last(chips, &bus, bank->base, bank->size, USIM_COPIES);
    if (error == CFI_OK && (chips->block_size < USIM_RECORD_SIZE || chips->block_size % BOARD_PAGE_SIZE != 0))
        error = CFI_BAD_ADDRESS;
    if (error != CFI_OK)
        console_print("USIM: %s\n", cfi_error_text(error));
    return error == CFI_OK;
}

static void print_usim(const struct vault_usim *usim) {
    console_print("USIM: card %s, generation %lu%s\n", usim->iccid, (unsigned long)usim->generation,
                  usim->begun ? ", new on this device" : "");
}

void session_open_usim(struct session *session) {
    static struct cfi_flash chips;
    static struct usim_flash flash;
    char reason[STORE_REASON_SIZE];
    session->usim_part = (struct region_usim){0};
    if (session->vault_error != VAULT_OK)
        return;
    bool have_flash = open_flash(session, &chips);
    flash = (struct usim_flash){&chips, chips.block_size, cfi_read, cfi_program, cfi_erase};
    const struct usim_storage storage = usim_flash_storage(&flash);
    if (!vault_usim_open(&session->vault, have_flash ? &storage : NULL, &session->usim, reason)) {
        console_print("No USIM in this start: %s\n", reason);
        return;
    }
    if (session->usim.size == 0)
        return;
    print_usim(&session->usim);
    session->usim_part = (struct region_usim){.profile = session->usim.profile,
                                              .size = session->usim.size,
                                              .flash = chips.base,
                                              .flash_block_size = chips.block_size,
                                              .flash_lanes = chips.lanes};
    memcpy(session->usim_part.state_key, session->usim.state_key, sizeof(session->usim_part.state_key));
}
