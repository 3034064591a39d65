// SPDX-License-Identifier: BSD-3-Clause
#ifndef LIBC_STDIO_H
#define LIBC_STDIO_H

/** Formatting only (ISO/IEC 9899:2018, 7.21.6.5); there are no streams. */

#include <stdarg.h>
#include <stddef.h>

/**
 * Conversions: %s %c %d %i %u %x %X %p %%; flags - and 0; width, precision (of %s) and their *; lengths hh h l ll z j.
 * @return the length that the whole text needs, without its NUL
 */
__attribute__((format(printf, 3, 4))) int snprintf(char *restrict text, size_t size, const char *restrict format, ...);
__attribute__((format(printf, 3, 0))) int vsnprintf(char *restrict text, size_t size, const char *restrict format,
                                                    va_list arguments);

#endif
