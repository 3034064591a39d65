// SPDX-License-Identifier: BSD-3-Clause
#ifndef GUEST_H
#define GUEST_H

/**
 * What the programs that measure inside a persona share. Times are values of the virtual counter: the switcher leaves
 * its offset 0, so that those of two personas compare; CNTFRQ_EL0 ticks are a second.
 */

#include <stdint.h>

/** @return CNTVCT_EL0, not before what precedes it */
uint64_t counter(void);

/** Ends the program with a text and the reason in errno. */
__attribute__((noreturn)) void fail(const char *what);

/** Ends the program with its usage. */
__attribute__((noreturn)) void usage(const char *text);

/** @return the number that text is; ends the program if it is none from least to most */
unsigned long number(const char *text, unsigned long least, unsigned long most);

/** Prints "leaving TIME" and waits until the console has it, then restarts the machine. @param command of reboot(2) */
__attribute__((noreturn)) void leave(int command);

#endif
