// SPDX-License-Identifier: BSD-3-Clause
#ifndef KNOWN_RANDOM_H
#define KNOWN_RANDOM_H

/* A generator that gives the same bytes in each run. */

#include <stdlib.h>

#include "crypto/random.h"

/** @param seed other bytes for another one */
static inline struct random_stream known_random(unsigned seed) {
    struct random_input input = {.data = &seed, .size = sizeof(seed)};
    struct random_pool pool;
    struct random_stream stream;
    if (random_init(&pool, &input, 1) != RANDOM_OK || random_stream_open(&stream, &pool, "test") != RANDOM_OK)
        abort();
    return stream;
}

#endif
