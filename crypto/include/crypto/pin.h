// SPDX-License-Identifier: BSD-3-Clause
#ifndef CRYPTO_PIN_H
#define CRYPTO_PIN_H

/** PINs and passphrases made costly to guess: Argon2id (RFC 9106), version 0x13, one lane. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PIN_SIZE_MAX = 128,           /* bytes of a PIN or a passphrase */
    PIN_SALT_MIN = 8,             /* bytes */
    PIN_SALT_SIZE = 16,           /* bytes */
    PIN_KEY_SIZE = 32,            /* bytes of what it is made to */
    PIN_MEMORY_MIN = 8,           /* KiB */
    PIN_MEMORY_FLOOR = 8192,      /* KiB, below which no less time is bought */
    PIN_MEMORY_MAX = 1024 * 1024, /* KiB */
    PIN_PASSES_MAX = 1024,
    PIN_WORK_MAX = 8 * 1024 * 1024, /* KiB times passes: some seconds of a fast CPU, ten minutes of the slowest */
};

enum pin_error {
    PIN_OK = 0,
    PIN_BAD_COST,  /* cost or salt out of the bounds above */
    PIN_TOO_LONG,  /* more than PIN_SIZE_MAX bytes */
    PIN_NO_MEMORY, /* less memory free than the cost asks for */
    PIN_FAILED,    /* the library failed */
};

struct pin_cost {
    uint32_t memory_kib;
    uint32_t passes;
};

/** @return whether a cost is one to believe before it is authenticated: within the bounds above */
__attribute__((warn_unused_result)) bool pin_cost_is_good(struct pin_cost cost);

/** A clock that only goes forward, in nanoseconds. */
typedef uint64_t pin_clock(void *context);

/**
 * Makes a key of a PIN. All memory that it worked in is wiped.
 * @param pin  size bytes, at most PIN_SIZE_MAX
 * @param salt salt_size bytes, PIN_SALT_MIN to PIN_SALT_SIZE; random
 * @param key  PIN_KEY_SIZE bytes, all zero on failure; the caller wipes it
 * @return any enum pin_error
 */
__attribute__((warn_unused_result)) enum pin_error pin_stretch(const void *pin, size_t size, const uint8_t *salt,
                                                               size_t salt_size, struct pin_cost cost, uint8_t *key);

/**
 * Finds what this machine can do in a time: as much memory as allowed, then as many passes as there is time for; less
 * memory if one pass takes longer, but not less than PIN_MEMORY_FLOOR unless no more is free: so a slow machine takes
 * longer than limit_ns rather than have a PIN that is tried cheaply elsewhere. An attempt takes about as long as one
 * calibration run, so this takes up to twice it.
 * @param memory_kib the most memory, KiB
 * @param limit_ns   the longest that an attempt may take, nanoseconds
 * @param cost       all zero on failure
 * @return any enum pin_error
 */
__attribute__((warn_unused_result)) enum pin_error
pin_calibrate(uint32_t memory_kib, uint64_t limit_ns, pin_clock *clock, void *context, struct pin_cost *cost);

/** @return the error's text, one line without a full stop; never NULL */
const char *pin_error_text(enum pin_error error);

#endif
