// SPDX-License-Identifier: BSD-3-Clause
#ifndef SWITCHER_FLIP_H
#define SWITCHER_FLIP_H

/**
 * The flip engine: which persona runs. All need the switcher lock; all work on the only CPU that is on, and change the
 * frame with which this CPU leaves EL2.
 */

#include "switcher.h"

/** @return index of the persona that a flip goes to: the next one in order; the running one when there is no other */
unsigned flip_target(void);

/** Asks the running persona to make way, on its own agent's behalf or for an alarm. @param target another persona */
void flip_ask(unsigned target);

/**
 * Enters a persona: resumes a suspended one, starts any other (the running one too) from its pristine copy.
 * Where it was suspended on another CPU, that one is started and this one is ordered off (cpu_stop_if_ordered).
 * @param index of the persona; the running one has been suspended, ended or cut off
 */
void flip_enter(unsigned index, struct trap_frame *frame);

/** Starts the running persona afresh (SYSTEM_RESET), whatever its CPUs do. */
void flip_reset(struct trap_frame *frame);

/** Has this CPU, just started by the firmware, begin where the running persona wants it to. @return false: it was not
 * asked for */
__attribute__((warn_unused_result)) bool flip_start_cpu(struct trap_frame *frame);

/** Stops the running persona against its will and enters the next. */
void flip_cut_off(struct trap_frame *frame);

/**
 * Stops the running persona, whatever it does, and enters another.
 * @param left the state that it is left in
 * @param next index of the other
 */
void flip_stop(enum persona_state left, unsigned next, struct trap_frame *frame);

/** Ends the running persona; enters another that has state to lose, else turns the machine off. */
void flip_off(struct trap_frame *frame);

/**
 * Carries out SYSTEM_SUSPEND: flips if asked for, else sleeps until a wake-up interrupt.
 * @param entry, context where the persona resumes
 * @return false: refused, a shared device is not at rest; the frame is as it was
 */
__attribute__((warn_unused_result)) bool flip_suspend(uint64_t entry, uint64_t context, struct trap_frame *frame);

#endif
