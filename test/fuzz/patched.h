// SPDX-License-Identifier: BSD-3-Clause
#ifndef TEST_FUZZ_PATCHED_H
#define TEST_FUZZ_PATCHED_H

/**
 * Inputs made from a good file: random bytes seldom get past a magic number, but random changes of a good file do. The
 * fuzzer's data are patches of PATCH_SIZE bytes: two of offset, one of width (1 to 8), eight of value.
 */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { PATCH_SIZE = 11 };

/** Applies the patches to a copy of the good file. */
static inline void patched(uint8_t *file, size_t file_size, const uint8_t *data, size_t size) {
    for (; size >= PATCH_SIZE; data += PATCH_SIZE, size -= PATCH_SIZE) {
        const size_t offset = (data[0] | (size_t)data[1] << 8) % file_size;
        const size_t width = data[2] % 8u + 1;
        memcpy(file + offset, data + 3, width < file_size - offset ? width : file_size - offset);
    }
}

#endif
