// SPDX-License-Identifier: BSD-3-Clause
// Beside any malloc(): the loader's, the unlocker's.
#include <stdlib.h>
#include <string.h>

void *calloc(size_t count, size_t size) {
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        return NULL;
    void *block = malloc(total);
    if (block != NULL)
        memset(block, 0, total);
    return block;
}
