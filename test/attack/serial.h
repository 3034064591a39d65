// SPDX-License-Identifier: BSD-3-Clause
#ifndef ATTACK_SERIAL_H
#define ATTACK_SERIAL_H

/** The PL011 (DDI 0183), polled. */

#include <stdint.h>

/** Takes the line as whoever had it before left it. @param base of the PL011; 0: nothing is printed */
void serial_open(uint64_t base);

/** @return the next character typed, or -1 */
int serial_read(void);

void serial_write(char character);

/** Prints formatted text of at most 255 characters. */
__attribute__((format(printf, 1, 2))) void serial_print(const char *format, ...);

#endif
