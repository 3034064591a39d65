// SPDX-License-Identifier: BSD-3-Clause
// What of the C library mbedTLS wants where there is none: the cipher of AES-GCM, on a CPU without instructions for it,
// is one small piece at a time. All is used under one lock.
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { PIECES = 4, PIECE_SIZE = 512 };

static alignas(16) uint8_t pieces[PIECES][PIECE_SIZE];
static bool taken[PIECES];

void *calloc(size_t count, size_t size) {
    if (size != 0 && count > PIECE_SIZE / size)
        return NULL;
    for (size_t i = 0; i < PIECES; i++) {
        if (taken[i])
            continue;
        taken[i] = true;
        memset(pieces[i], 0, PIECE_SIZE);
        return pieces[i];
    }
    return NULL;
}

void free(void *piece) {
    for (size_t i = 0; i < PIECES; i++)
        if (piece == pieces[i])
            taken[i] = false;
}
