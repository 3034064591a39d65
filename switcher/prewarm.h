// SPDX-License-Identifier: BSD-3-Clause
#ifndef SWITCHER_PREWARM_H
#define SWITCHER_PREWARM_H

/**
 * Prewarming, once at power-on: each persona that the hand-over gives a time for it is started, and suspended when its
 * agent says that it is up; then the chosen persona starts, and stays. What went before makes the first flip to the
 * others as fast as every later one.
 *
 *   started --agent says up--> asked --suspends--> the next one, or last the chosen one, is started
 * One that suspends by itself is taken for ready; one that resets starts again in the time that is left; one that turns
 * itself off stays off. One that is not up in its time, or does not suspend in a flip's, is stopped and is then as if
 * it had not been started. A press of a key ends prewarming: the running persona is stopped in the same way, and the
 * chosen one starts at once. All need the switcher lock.
 */

#include "arch.h"

/** Begins, once switcher.handover is there. @return index of the persona to start first */
unsigned prewarm_first(void);

/** @return whether the running persona is being prepared */
bool prewarm_under_way(void);

/** @return index of the persona to start after the one that is being prepared */
unsigned prewarm_next(void);

/**
 * Told of every start of a persona, when it is the running one.
 * @return whether it is to be prepared: the user has been told of its start
 */
bool prewarm_started(unsigned index);

/** Goes on with the persona that is being prepared, if one is, after its request to suspend was given up. */
void prewarm_resume(void);

/** The running persona's agent says that it is up: if it is being prepared, it is asked to suspend. */
void prewarm_up(void);

/**
 * Stops the persona that is being prepared, and enters another.
 * @param hurry the user wants to go on: enters the chosen persona; else the time is over: enters the next one
 * @return false: none is being prepared
 */
__attribute__((warn_unused_result)) bool prewarm_give_up(bool hurry, struct trap_frame *frame);

#endif
