// SPDX-License-Identifier: BSD-3-Clause
// Memory for the libraries: small pieces by first fit, and one large piece at a time (Argon2's).
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "crypto/hkdf.h"
#include "machine.h"

enum { SMALL_ROOM = 512 * 1024, SMALL_MAX = 64 * 1024, ALIGNMENT = 16 };

/* Before each piece, free or not; they follow one another without a gap. */
struct piece {
    size_t size; /* bytes with this header, a multiple of ALIGNMENT */
    size_t used;
};
_Static_assert(sizeof(struct piece) == ALIGNMENT, "what follows is aligned");

static _Alignas(ALIGNMENT) uint8_t small[SMALL_ROOM];
static uint8_t *large;
static size_t large_room;
static bool large_used;

static struct piece *first(void) { return (struct piece *)(void *)small; }

static bool is_end(const struct piece *piece) { return (const uint8_t *)piece == small + sizeof(small); }

static struct piece *next(struct piece *piece) { return (struct piece *)(void *)((uint8_t *)piece + piece->size); }

void heap_open(void *memory, size_t size) {
    large = memory;
    large_room = size;
    heap_reset();
}

void heap_reset(void) {
    crypto_wipe(small, sizeof(small));
    *first() = (struct piece){.size = sizeof(small)};
    large_used = false;
}

/* Free neighbours become one. */
static void join(struct piece *piece) {
    for (struct piece *more = next(piece); !is_end(more) && more->used == 0; more = next(piece))
        piece->size += more->size;
}

static void *take(struct piece *piece, size_t size) {
    if (piece->size > size + sizeof(struct piece)) {
        struct piece *rest = (struct piece *)(void *)((uint8_t *)piece + size);
        *rest = (struct piece){.size = piece->size - size};
        piece->size = size;
    }
    piece->used = 1;
    return piece + 1;
}

static void *take_small(size_t size) {
    size_t wanted = sizeof(struct piece) + ((size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1));
    for (struct piece *piece = first(); !is_end(piece); piece = next(piece)) {
        if (piece->used != 0)
            continue;
        join(piece);
        if (piece->size >= wanted)
            return take(piece, wanted);
    }
    return NULL;
}

void *malloc(size_t size) {
    if (size <= SMALL_MAX)
        return take_small(size);
    if (large_used || size > large_room)
        return NULL;
    large_used = true;
    return large;
}

void free(void *block) {
    if (block == NULL)
        return;
    if (block == large)
        large_used = false;
    else
        ((struct piece *)block - 1)->used = 0;
}
