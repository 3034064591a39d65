// SPDX-License-Identifier: BSD-3-Clause
#ifndef ATTACK_REGISTERS_H
#define ATTACK_REGISTERS_H

/** Registers as a way from one persona to the other. */

#include <stdint.h>

/** Right after an entry by PSCI: notes each register that holds what it should not, for the attack `registers`. */
void registers_look(void);

/** SYSTEM_SUSPEND with a pattern in every register that can be written. @return 0 after the resume, or PSCI's error */
int64_t registers_fill_and_suspend(void);

#endif
