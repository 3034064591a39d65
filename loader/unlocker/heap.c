// SPDX-License-Identifier: BSD-3-Clause
// Memory for the libraries: small pieces, and one large piece at a time (Argon2's).
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "crypto/hkdf.h"
#include "machine.h"
#include "pieces.h"

enum { SMALL_ROOM = 512 * 1024, SMALL_MAX = 64 * 1024 };

static _Alignas(PIECES_ALIGNMENT) uint8_t memory[SMALL_ROOM];
static struct pieces small;
static uint8_t *large;
static size_t large_room;
static bool large_used;

void heap_open(void *room, size_t size) {
    large = room;
    large_room = size;
    heap_reset();
}

void heap_reset(void) {
    crypto_wipe(memory, sizeof(memory));
    pieces_open(&small, memory, sizeof(memory));
    large_used = false;
}

void *malloc(size_t size) {
    if (size <= SMALL_MAX)
        return pieces_take(&small, size);
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
        pieces_give(block);
}
