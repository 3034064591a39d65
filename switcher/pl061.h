// SPDX-License-Identifier: BSD-3-Clause
#ifndef SWITCHER_PL061_H
#define SWITCHER_PL061_H

/** The power key on an input of a PL061 (DDI 0190): both edges interrupt, so that long and short presses can be told
 * apart. */

#include "attention.h"

/** @param key base != 0 */
void pl061_init(const struct handover_power_key *key);

/** Acknowledges the interrupt and looks at the line. @return a press when the key was released; long by the hand-over's
 * long_press_ms */
enum attention_press pl061_interrupt(void);

#endif
