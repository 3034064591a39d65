// SPDX-License-Identifier: BSD-3-Clause
#ifndef SWITCHER_CONSOLE_H
#define SWITCHER_CONSOLE_H

/** Text on a PL011 (DDI 0183) that the running persona owns too: written by polling, the persona's settings kept. */

#include "arch.h"

/** @param base PL011 base, 0 for no output at all */
void console_init(uint64_t base);

/**
 * Prints one text. Conversions: %s string, %u uint32_t decimal, %d int32_t, %x uint32_t hexadecimal, %lu %lx uint64_t, %c char, %%.
 * A line feed is sent as CR LF.
 */
__attribute__((format(printf, 1, 2))) void console_print(const char *format, ...);

#endif
