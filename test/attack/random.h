// SPDX-License-Identifier: BSD-3-Clause
#ifndef ATTACK_RANDOM_H
#define ATTACK_RANDOM_H

/** Numbers that look random and are the same in each run (xorshift64*). */

#include <stdint.h>

#define RANDOM_SEED UINT64_C(0x9e3779b97f4a7c15)

/** @param state a seed that is not 0 at first @return the next number */
static inline uint64_t random_next(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

#endif
