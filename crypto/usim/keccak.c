// SPDX-License-Identifier: BSD-3-Clause
#include "keccak.h"

#include <stddef.h>

enum { LANES = 25, ROUNDS = 24 };

static uint64_t rotate(uint64_t lane, unsigned by) { return by == 0 ? lane : lane << by | lane >> (64 - by); }

/* 3.2.1 */
static void theta(uint64_t *a) {
    uint64_t parity[5];
    for (size_t x = 0; x < 5; x++)
        parity[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
    for (size_t x = 0; x < 5; x++) {
        uint64_t d = parity[(x + 4) % 5] ^ rotate(parity[(x + 1) % 5], 1);
        for (size_t y = 0; y < LANES; y += 5)
            a[x + y] ^= d;
    }
}

/* 3.2.2 and 3.2.3 together: each lane is rotated on its way to its new place. */
static void rho_pi(uint64_t *a) {
    size_t x = 1, y = 0;
    uint64_t carried = a[1];
    for (unsigned t = 0; t < ROUNDS; t++) {
        size_t to_x = y, to_y = (2 * x + 3 * y) % 5;
        uint64_t next = a[to_x + 5 * to_y];
        a[to_x + 5 * to_y] = rotate(carried, (t + 1) * (t + 2) / 2 % 64);
        carried = next;
        x = to_x;
        y = to_y;
    }
}

/* 3.2.4 */
static void chi(uint64_t *a) {
    for (size_t y = 0; y < LANES; y += 5) {
        uint64_t row[5];
        for (size_t x = 0; x < 5; x++)
            row[x] = a[x + y];
        for (size_t x = 0; x < 5; x++)
            a[x + y] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
    }
}

/* 3.2.5: the next bit of the linear feedback shift register x^8 + x^6 + x^5 + x^4 + 1. */
static unsigned next_bit(unsigned *shift) {
    unsigned bit = *shift & 1u;
    *shift = *shift << 1 ^ (*shift >> 7) * 0x171u;
    return bit;
}

static uint64_t iota(unsigned *shift) {
    uint64_t constant = 0;
    for (unsigned j = 0; j < 7; j++)
        constant |= (uint64_t)next_bit(shift) << ((1u << j) - 1);
    return constant;
}

void keccak_f1600(uint8_t *state) {
    uint64_t a[LANES] = {0};
    unsigned shift = 1;
    for (size_t i = 0; i < KECCAK_SIZE; i++)
        a[i / 8] |= (uint64_t)state[i] << i % 8 * 8;
    for (unsigned round = 0; round < ROUNDS; round++) {
        theta(a);
        rho_pi(a);
        chi(a);
        a[0] ^= iota(&shift);
    }
    for (size_t i = 0; i < KECCAK_SIZE; i++)
        state[i] = (uint8_t)(a[i / 8] >> i % 8 * 8);
}
