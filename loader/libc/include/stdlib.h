// SPDX-License-Identifier: BSD-3-Clause
#ifndef LIBC_STDLIB_H
#define LIBC_STDLIB_H

/** The part of stdlib.h (ISO/IEC 9899:2018, 7.22) that the loader and its libraries use. */

#include <stddef.h>

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void free(void *block);
unsigned long strtoul(const char *restrict text, char **restrict end, int base);

#endif
