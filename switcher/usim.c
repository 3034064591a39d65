// SPDX-License-Identifier: BSD-3-Clause
#include "usim.h"

#include "board/cfi_flash.h"
#include "channel.h"
#include "console.h"
#include "crypto/hkdf.h"
#include "switcher.h"
#include "usim/flash.h"
#include "usim/port.h"
#include "usim/volatile.h"

static struct usim_port port;
static struct usim_port_wear wear[HANDOVER_PERSONAS_MAX];

void usim_init(void) {
    static struct usim_card card;
    static struct cfi_flash chips;
    static struct usim_flash flash;
    const struct handover_usim *from = &switcher.handover->usim;
    if (from->profile.size == 0)
        return;
    chips = (struct cfi_flash){{arch_read32, arch_write32}, from->flash, from->flash_block_size, from->flash_lanes, 0};
    flash = (struct usim_flash){&chips, from->flash_block_size, cfi_read, cfi_program, cfi_erase, cfi_rests, {0}};
    const struct usim_port_setup setup = {
        (const uint8_t *)from->profile.base, from->profile.size, from->state_key, from->seed,
        from->flash_lanes != 0 ? usim_flash_storage(&flash) : usim_volatile_storage((uint8_t *)from->flash)};
    enum usim_error error = usim_port_open(&port, &card, &setup);
    if (error != USIM_OK)
        console_print("flipside: the USIM cannot be used: %s\n", usim_error_text(error));
}

void usim_stop(void) {
    if (arch_vectors_save())
        usim_port_close(&port);
}

void usim_started(unsigned persona) { (void)persona; }

void usim_opened(unsigned persona, bool open) {
    (void)persona, (void)open;
    port.session = 0; /* nobody's: the card's own code may use the persona's vector registers, so it waits */
}

/* When it came into its state is another time for each persona and each time that it runs. */
void usim_received(unsigned persona, const uint8_t *message, size_t size) {
    const struct persona *sender = &switcher.personas[persona];
    const uint32_t use = sender->description->usim;
    const enum usim_access access = use == HANDOVER_USIM_READ ? USIM_READ_ONLY : USIM_AUTHENTICATE;
    const uint64_t now = arch_counter() / arch_counter_frequency();
    const struct usim_port_user user = {use != HANDOVER_USIM_NONE, access, sender->since, &wear[persona], now};
    uint8_t answer[USIM_PORT_ANSWER_MAX] = {USIM_PORT_REFUSED};
    size_t count = 1;
    /* In streaming mode there are no vectors to compute with; a kernel has left it when a message is sent. */
    if (arch_vectors_save()) {
        count = usim_port_answer(&port, &user, message, size, answer);
        arch_vectors_restore();
    }
    (void)channel_send(CHANNEL_USIM, answer, count);
    crypto_wipe(answer, sizeof answer);
}
