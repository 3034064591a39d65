// SPDX-License-Identifier: BSD-3-Clause
#ifndef LOADER_LITTLE_ENDIAN_H
#define LOADER_LITTLE_ENDIAN_H

/** Numbers of the files that the loader reads; they lie at any address. */

#include <stdint.h>

/**
 * @param bytes the number, its least significant byte first
 * @param count of bytes: up to 8
 */
static inline uint64_t little_endian(const uint8_t *bytes, unsigned count) {
    uint64_t value = 0;
    for (unsigned i = count; i > 0; i--)
        value = value << 8 | bytes[i - 1];
    return value;
}

#endif
