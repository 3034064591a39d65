// SPDX-License-Identifier: BSD-3-Clause
#ifndef SWITCHER_TRAP_H
#define SWITCHER_TRAP_H

/** What vectors.S calls at an exception to EL2. Each works on the frame with which this CPU then returns to EL1. */

#include "arch.h"

/** A synchronous exception of a persona: calls, accesses outside its own, trapped registers. */
void trap_sync(struct trap_frame *frame);

/** A Group 0 interrupt: attention, the EL2 timer, or an order to stop. */
void trap_fiq(struct trap_frame *frame);

/**
 * Anything else, the switcher's own faults included: printed; the persona in whose time it happened is cut off.
 * @param kind index of the vector, 0 to 15 (Arm ARM, D1.3.1)
 * @return the frame to go on with; does not return where no persona is left
 */
struct trap_frame *trap_unexpected(struct trap_frame *frame, unsigned kind);

#endif
