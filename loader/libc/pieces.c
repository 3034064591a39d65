// SPDX-License-Identifier: BSD-3-Clause
#include "pieces.h"

/* Before each piece, free or not; they follow one another without a gap. */
struct piece {
    size_t size; /* bytes with this header, a multiple of PIECES_ALIGNMENT */
    size_t used;
};
_Static_assert(sizeof(struct piece) == PIECES_ALIGNMENT, "what follows is aligned");

static bool is_end(const struct pieces *pieces, const struct piece *piece) {
    return (const uint8_t *)piece == pieces->memory + pieces->size;
}

static struct piece *next(struct piece *piece) { return (struct piece *)(void *)((uint8_t *)piece + piece->size); }

void pieces_open(struct pieces *pieces, void *memory, size_t size) {
    *pieces = (struct pieces){memory, size};
    *(struct piece *)memory = (struct piece){.size = size};
}

/* Free neighbours become one. */
static void join(const struct pieces *pieces, struct piece *piece) {
    for (struct piece *more = next(piece); !is_end(pieces, more) && more->used == 0; more = next(piece))
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

void *pieces_take(struct pieces *pieces, size_t size) {
    if (size > pieces->size)
        return NULL;
    size_t wanted = sizeof(struct piece) + ((size + PIECES_ALIGNMENT - 1) & ~(size_t)(PIECES_ALIGNMENT - 1));
    for (struct piece *piece = (struct piece *)(void *)pieces->memory; !is_end(pieces, piece); piece = next(piece)) {
        if (piece->used != 0)
            continue;
        join(pieces, piece);
        if (piece->size >= wanted)
            return take(piece, wanted);
    }
    return NULL;
}

bool pieces_hold(const struct pieces *pieces, const void *piece) {
    uintptr_t at = (uintptr_t)piece, begin = (uintptr_t)pieces->memory;
    return at >= begin && at - begin < pieces->size;
}

void pieces_give(void *piece) { ((struct piece *)piece - 1)->used = 0; }
