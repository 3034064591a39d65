// SPDX-License-Identifier: BSD-3-Clause
#ifndef TEST_UNIT_PSEUDORANDOM_H
#define TEST_UNIT_PSEUDORANDOM_H

/** Reproducible sequences for property tests (SplitMix64): the same seed, the same case, on every machine. */

#include <stdint.h>

struct pseudorandom {
    uint64_t state;
};

static inline uint64_t pseudorandom_next(struct pseudorandom *random) {
    random->state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t mixed = random->state;
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

/** @return a number from 0 to limit - 1; limit is not 0 */
static inline uint64_t pseudorandom_below(struct pseudorandom *random, uint64_t limit) {
    return pseudorandom_next(random) % limit;
}

#endif
