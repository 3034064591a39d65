// SPDX-License-Identifier: BSD-3-Clause
// Memory for the libraries: small pieces on a stack that is given back whole, one large piece at a time (Argon2's).
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hkdf.h"
#include "machine.h"

enum { SMALL_ROOM = 512 * 1024, SMALL_MAX = 64 * 1024, ALIGNMENT = 64 };

static _Alignas(ALIGNMENT) uint8_t small[SMALL_ROOM];
static size_t used, last; /* `last`: where the newest piece begins */
static uint8_t *large;
static size_t large_room;
static int large_used;

void heap_open(void *memory, size_t size) {
    large = memory;
    large_room = size;
    heap_reset();
}

void heap_reset(void) {
    crypto_wipe(small, used);
    used = last = 0;
    large_used = 0;
}

void *malloc(size_t size) {
    if (size > SMALL_MAX) {
        if (large_used || size > large_room)
            return NULL;
        large_used = 1;
        return large;
    }
    size_t rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (rounded > sizeof(small) - used)
        return NULL;
    last = used;
    used += rounded;
    return small + last;
}

void *calloc(size_t count, size_t size) {
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        return NULL;
    void *block = malloc(total);
    if (block != NULL)
        memset(block, 0, total);
    return block;
}

void free(void *block) {
    if (block == large)
        large_used = 0;
    else if (block == small + last && used > last)
        used = last;
}
