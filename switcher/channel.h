// SPDX-License-Identifier: BSD-3-Clause
#ifndef SWITCHER_CHANNEL_H
#define SWITCHER_CHANNEL_H

/**
 * The channel between a persona and the switcher: one virtio console a persona, with the ports that channel.c lists.
 * A port more is an entry more there, and its number here. All need the switcher lock.
 */

#include "arch.h"

enum channel_port { CHANNEL_CONTROL, CHANNEL_USIM, CHANNEL_PORTS };

/** Brings a persona's channel to its reset state; called at each start of the persona. */
void channel_start(unsigned persona);

/** @return whether an address lies in the channel's registers. The lock is not needed */
bool channel_holds(uint64_t address);

/** Carries out the running persona's read of a register. @param address that channel_holds() @param size bytes */
uint64_t channel_read(uint64_t address, unsigned size);

/** Carries out the running persona's write to a register; what came with it is dealt with at once. */
void channel_write(uint64_t address, unsigned size, uint64_t value);

/**
 * Sends a message to the running persona.
 * @param message size bytes, at most VIRTIO_CONSOLE_OUTGOING_SIZE - 2
 * @return false: nobody there has the port open, or it does not read; the message is dropped
 */
bool channel_send(enum channel_port port, const uint8_t *message, size_t size);

/** @return whether a program in the running persona has the port open */
bool channel_is_open(enum channel_port port);

#endif
