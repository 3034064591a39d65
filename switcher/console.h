// SPDX-License-Identifier: BSD-3-Clause
#ifndef SWITCHER_CONSOLE_H
#define SWITCHER_CONSOLE_H

/** Text on a PL011 (DDI 0183) that the running persona owns too: written by polling, the persona's settings kept. */

#include "arch.h"

/** @param base PL011 base, 0 for no output at all */
void console_init(uint64_t base);

/**
 * Prints one text, whole even if several CPUs print. A line feed is sent as CR LF.
 * Conversions: %s string, %c char, %u uint32_t decimal, %d int32_t, %x uint32_t hexadecimal, %lu %lx uint64_t, %%.
 * A UART that does not send costs 20 ms at most and the rest of the text.
 */
__attribute__((format(printf, 1, 2))) void console_print(const char *format, ...);

#endif
