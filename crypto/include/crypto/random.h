// SPDX-License-Identifier: BSD-3-Clause
#ifndef CRYPTO_RANDOM_H
#define CRYPTO_RANDOM_H

/**
 * Random bytes at boot: all the entropy that there is goes into one pool, and each use gets bytes of its own from it,
 * by HKDF with SHA-256. Whoever knows one use's bytes learns nothing of another's.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RANDOM_POOL_SIZE = 32,        /* bytes */
    RANDOM_LABEL_MAX = 63,        /* bytes of a label or a persona's name, without the final NUL */
    RANDOM_OUTPUT_MAX = 255 * 32, /* bytes at once */
};

/** A secret: wiped by its owner with random_wipe(). */
struct random_pool {
    uint8_t key[RANDOM_POOL_SIZE];
    bool has_entropy; /* not only what can be guessed went into it */
};

/** One source of entropy: EFI's random number protocol, the firmware's seeds, a counter. */
struct random_input {
    const void *data;
    size_t size;    /* bytes; 0: the source had nothing */
    bool guessable; /* a counter, a time: it is mixed in, but is no entropy */
};

enum random_error {
    RANDOM_OK = 0,
    RANDOM_NO_ENTROPY, /* all inputs are empty; for keys: or guessable */
    RANDOM_BAD_LABEL,  /* empty label, or label or persona longer than RANDOM_LABEL_MAX */
    RANDOM_TOO_LONG,   /* more than RANDOM_OUTPUT_MAX bytes asked for */
    RANDOM_FAILED,     /* the cryptographic library failed: no memory */
};

/**
 * Fills a pool from all inputs, which the caller then wipes.
 * @param pool   all zero on failure
 * @param inputs in a fixed order: the same inputs in the same order give the same pool
 * @param count  of inputs
 * @return RANDOM_OK, RANDOM_NO_ENTROPY, RANDOM_FAILED
 */
__attribute__((warn_unused_result)) enum random_error random_init(struct random_pool *pool,
                                                                  const struct random_input *inputs, size_t count);

/**
 * Derives the bytes of one use. The same pool, label and persona give the same bytes.
 * @param label   what they are for, such as "kaslr-seed"
 * @param persona whom they are for; "" when for nobody in particular
 * @param output  size bytes, all zero on failure
 * @return RANDOM_OK, RANDOM_BAD_LABEL, RANDOM_TOO_LONG, RANDOM_FAILED
 */
__attribute__((warn_unused_result)) enum random_error random_derive(const struct random_pool *pool, const char *label,
                                                                    const char *persona, void *output, size_t size);

/** A generator for any number of bytes; what it gave can't be found again from it. A secret, as the pool. */
struct random_stream {
    uint8_t key[RANDOM_POOL_SIZE];
};

/**
 * Opens a generator of one use. Keys are made with it, so that it needs entropy, where random_derive() takes what there
 * is.
 * @param stream all zero on failure; wiped by its owner with random_stream_wipe()
 * @param label  what it is for; two with one label from one pool give the same bytes
 * @return RANDOM_OK, RANDOM_NO_ENTROPY, RANDOM_BAD_LABEL, RANDOM_FAILED
 */
__attribute__((warn_unused_result)) enum random_error
random_stream_open(struct random_stream *stream, const struct random_pool *pool, const char *label);

/**
 * Gives the next bytes.
 * @param output size bytes, all zero on failure
 * @return RANDOM_OK, RANDOM_FAILED
 */
__attribute__((warn_unused_result)) enum random_error random_bytes(struct random_stream *stream, void *output,
                                                                   size_t size);

/** Wipes a generator. */
void random_stream_wipe(struct random_stream *stream);

/** Wipes a pool. */
void random_wipe(struct random_pool *pool);

/** @return the error's text, one line without a full stop; never NULL */
const char *random_error_text(enum random_error error);

#endif
