// SPDX-License-Identifier: BSD-3-Clause
#ifndef TEST_FUZZ_PADDED_H
#define TEST_FUZZ_PADDED_H

/** For files of a fixed size, in which zeros follow the object. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/** @return whether data are the genuine object, and nothing but zeros after it */
static inline bool is_padded(const uint8_t *data, size_t size, const uint8_t *genuine, size_t genuine_size) {
    if (size < genuine_size || memcmp(data, genuine, genuine_size) != 0)
        return false;
    for (size_t i = genuine_size; i < size; i++)
        if (data[i] != 0)
            return false;
    return true;
}

static inline void require(bool condition) {
    if (!condition)
        abort();
}

#endif
