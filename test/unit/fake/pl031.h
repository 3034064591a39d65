// SPDX-License-Identifier: BSD-3-Clause
#ifndef FAKE_PL031_H
#define FAKE_PL031_H

/**
 * A PL031 (DDI 0224) for the fake machine: a counter that time moves, a match register that compares for equality only,
 * a level interrupt. A write to its counter fails the test.
 */

#include "gicv3.h"

#define FAKE_CLOCK_BASE UINT64_C(0x09010000)
#define FAKE_CLOCK_INTID 34u

struct fake_clock {
    uint32_t counter, match;
    bool enabled, unmasked, raw;
    size_t accesses;
    unsigned ticks_at; /* as many readings of the counter from now it goes on by a second; 0: never */
};

extern struct fake_clock fake_clock;

/** Puts the clock, as a firmware may leave it, into the machine. */
void fake_clock_init(void);

/** Time passes. */
void fake_clock_advance(uint32_t seconds);

#endif
