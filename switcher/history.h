// SPDX-License-Identifier: BSD-3-Clause
#ifndef SWITCHER_HISTORY_H
#define SWITCHER_HISTORY_H

/** The last flips and requests for one, stage by stage with their times. All need the switcher lock. */

#include "arch.h"

enum { HISTORY_ENTRIES = 8 };

/** How far a request came. The values are part of the control protocol (control.cddl). */
enum history_stage {
    HISTORY_ASKED = 1,
    HISTORY_ACKNOWLEDGED, /* an agent said that it suspends */
    HISTORY_SUSPENDING,   /* SYSTEM_SUSPEND entered */
    HISTORY_FLIPPED,      /* from here on it is over */
    HISTORY_REFUSED,      /* by an agent, or a device was not at rest */
    HISTORY_TIMED_OUT,
    HISTORY_GIVEN_UP, /* the persona ended in another way */
};

enum { HISTORY_TIMES = HISTORY_FLIPPED };

struct history_entry {
    unsigned from, to; /* indices of personas */
    enum history_stage stage;
    uint64_t times[HISTORY_TIMES]; /* counter at HISTORY_ASKED to HISTORY_FLIPPED; 0: did not happen */
};

/**
 * Notes that a request came to a stage. HISTORY_ASKED begins a new one; so does HISTORY_SUSPENDING when none is under
 * way, which is how a sleeping persona flips. Any other stage means nothing then.
 * @param from, to indices of personas; used when a request begins
 */
void history_note(enum history_stage stage, unsigned from, unsigned to);

/** Reads an entry. @param age 0 for the newest @return false: there is none so old */
__attribute__((warn_unused_result)) bool history_get(unsigned age, struct history_entry *entry);

#endif
