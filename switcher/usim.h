// SPDX-License-Identifier: BSD-3-Clause
#ifndef SWITCHER_USIM_H
#define SWITCHER_USIM_H

/**
 * The virtual USIM beneath the personas, on the port flipside.usim: the card is crypto/usim's, its state in the flash
 * that the hand-over names. A flip costs nothing here: that a persona was suspended is seen at its next message. All
 * need the switcher lock.
 */

#include "arch.h"

/** Opens the card, before the first persona runs. What is wrong with it is told, and then it is refused to everyone. */
void usim_init(void);

/** Writes the card's state, before the machine goes off: what was accepted then costs no resynchronisation. */
void usim_stop(void);

/** The port's handlers, for channel.c: contracts are in virtio_console.h. */
void usim_started(unsigned persona);
void usim_opened(unsigned persona, bool open);
void usim_received(unsigned persona, const uint8_t *message, size_t size);

#endif
