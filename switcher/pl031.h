// SPDX-License-Identifier: BSD-3-Clause
#ifndef SWITCHER_PL031_H
#define SWITCHER_PL031_H

/**
 * The real-time clock: a PL031 (DDI 0224) for each persona, out of the one that the board has.
 *
 * The real one's counter is only ever read; a persona that sets its clock moves its own offset. The real match register
 * has the next alarm of all personas, also of those that are suspended. All but pl031_holds need the switcher lock.
 */

#include "arch.h"

/** A persona's clock; all zero at its first start: the real one's time and no alarm. */
struct pl031 {
    uint32_t offset; /* seconds that its counter is ahead of the real one, modulo 2^32 */
    uint32_t load;   /* RTCLR */
    uint32_t match;  /* RTCMR */
    bool unmasked;   /* RTCIMSC: its alarm interrupts */
    bool raw;        /* RTCRIS: its counter has come to the match */
};

/** Takes the real clock over, with its interrupt off; does nothing on a board that has none. */
void pl031_init(void);

/** @return whether an address lies in the clock's registers. The lock is not needed */
bool pl031_holds(uint64_t address);

/**
 * Carries out the running persona's read of a register.
 * @param address that pl031_holds()
 * @param size    bytes
 * @return 0 where there is no register, or by another size than 4
 */
uint64_t pl031_read(uint64_t address, unsigned size);

/** Carries out the running persona's write; ignored where there is nothing to write, or by another size than 4. */
void pl031_write(uint64_t address, unsigned size, uint64_t value);

/**
 * Handles the real clock's interrupt, and no other. The running persona gets its alarm as an interrupt. One that is
 * suspended gets it when it is entered again; the user is told, and a flip to it asked for if its description says so.
 * @param intid the acknowledged Group 0 interrupt
 */
void pl031_interrupt(uint32_t intid);

/** A persona ended or starts afresh: it has no alarm any more; its time goes on, as a battery's clock does. */
void pl031_reset(unsigned persona);

#endif
