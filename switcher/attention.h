// SPDX-License-Identifier: BSD-3-Clause
#ifndef SWITCHER_ATTENTION_H
#define SWITCHER_ATTENTION_H

/**
 * Attention: the keys that only the switcher sees, and what a press of them leads to.
 *
 *   idle --press--> asked --persona suspends--> (flip) --> idle
 *                   asked --time is over-----> unanswered, the user is told, the persona stays
 *   asked --press--> asked still; from 2 s after the last press the button is pressed again, in case that one was lost
 *   unanswered --press--> asked again;  asked or unanswered --long press--> cut off
 *   idle --long press--> the log and the state of the personas on the console
 * A persona with an agent is asked over its channel, and with the button only if it has not answered after 2 s; its
 * agent may also refuse (asked -> idle), and ask by itself for a flip to a persona of its choice.
 * A persona that is being prepared (prewarm.h) is asked from its start on: whenever it suspends, that is the answer,
 * and any press is told as a cut-off. While the running persona is asleep a press flips at once, a long press only
 * wakes it.
 *
 * Sources (pl061.c, virtio_keyboard.c) turn their hardware's interrupts into presses; this file decides. All need the
 * switcher lock.
 */

#include "arch.h"
#include "switcher/handover.h"

enum attention_press { ATTENTION_NONE, ATTENTION_SHORT, ATTENTION_LONG };

enum attention_state { ATTENTION_IDLE, ATTENTION_ASKED, ATTENTION_UNANSWERED };

enum { ATTENTION_NEXT = HANDOVER_PERSONAS_MAX }; /* for a target: the next persona in order */

/** What the caller (trap.c, on the CPU that took the FIQ) is to do now. */
enum attention_action {
    ATTENTION_DO_NOTHING,
    ATTENTION_DO_ASK,     /* pend the flip button: done already; told for the log */
    ATTENTION_DO_CUT_OFF, /* stop the running persona and enter the next */
    ATTENTION_DO_REPORT,  /* print log and states */
    ATTENTION_DO_TIMEOUT, /* the persona did not answer: the user is to be told */
};

/** Sets the sources up. @param handover checked; boards without a key or keyboard have base 0 */
void attention_init(const struct handover *handover);

/**
 * Handles one of the switcher's SPIs or its timer.
 * @param intid the acknowledged Group 0 interrupt
 * @return what to do; ATTENTION_DO_NOTHING for interrupts that are no press
 */
enum attention_action attention_interrupt(uint32_t intid);

/** Carries out a press in the present state; what attention_interrupt does with what a source reports. */
enum attention_action attention_press(enum attention_press press);

/**
 * Looks at one source without acting on it: used while the persona is asleep, when FIQs are masked at EL2.
 * @param intid the Group 0 interrupt that was acknowledged at the GIC
 * @return the press seen; ATTENTION_NONE for the timer, which is stopped, and for foreign interrupts
 */
enum attention_press attention_poll(uint32_t intid);

/**
 * Sets this CPU's timer for a request under way, since the CPU that had it goes off. Called on the CPU that the
 * switcher's interrupts are routed to from now on.
 */
void attention_cpu_changed(void);

/**
 * Takes the next suspend of the running persona, just started, for a wish to flip; presses and asks nothing.
 * ATTENTION_DO_TIMEOUT comes at the deadline, ATTENTION_DO_CUT_OFF with a press.
 * @param target   index of another persona
 * @param deadline counter
 */
void attention_prewarm(unsigned target, uint64_t deadline);

/** Asks the persona of attention_prewarm() to suspend now, with as much time for it as for any flip. */
void attention_prewarmed(void);

/**
 * Asks for a flip on behalf of the running persona itself; does nothing while that is being prepared.
 * @param target index of another persona
 */
void attention_request(unsigned target);

/** The running persona's agent says that it suspends now. @return false: no flip is asked for */
__attribute__((warn_unused_result)) bool attention_acknowledged(void);

/**
 * The running persona's agent does not want to flip: back to idle; but one that is being prepared stays asked.
 * @return false: no flip is asked for
 */
__attribute__((warn_unused_result)) bool attention_refused(void);

/** @return index of the persona that attention_request() named, while that request is under way; else ATTENTION_NEXT */
unsigned attention_target(void);

/** @return whether a flip is asked for: the next SYSTEM_SUSPEND is the answer */
bool attention_flip_requested(void);

/** Back to idle and the timer stopped: a flip was done, refused or given up. */
void attention_clear(void);

#endif
