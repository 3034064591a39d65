// SPDX-License-Identifier: BSD-3-Clause
#ifndef CRYPTO_RECORD_LOG_H
#define CRYPTO_RECORD_LOG_H

/**
 * One small state that survives power loss, kept as a log of sealed records in two erase blocks of NOR flash.
 *
 * Records of one size follow one another in a block: sequence number, nonce and size in clear, then the content under
 * AES-256-GCM, the tag last, so that a record that was cut is none. The newest that is authentic counts. When a block
 * is full the other one is erased and gets the next record; so the newest record is never in a block that is erased.
 * What an old image of the whole flash says is authentic, too: that it is old has to be told by something that is no
 * part of it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/aead.h"

enum {
    RECORD_LOG_BLOCKS = 2,
    RECORD_LOG_CONTENT_MAX = 16384, /* bytes */
    RECORD_LOG_SALT_SIZE = 8,       /* bytes */
    RECORD_LOG_WORD = 4,            /* bytes that are programmed at once */
};

/** The flash, through its driver. Offsets are bytes from the start of the first block, multiples of RECORD_LOG_WORD. */
struct record_flash {
    void *context;
    uint32_t block_size; /* bytes, a multiple of RECORD_LOG_WORD */
    uint32_t (*read)(void *context, uint32_t offset);
    /** Programs a word, which can only clear bits. @return false: the flash says that it failed */
    bool (*program)(void *context, uint32_t offset, uint32_t word);
    /** Sets every bit of a block. @return as program() */
    bool (*erase)(void *context, unsigned block);
};

enum record_log_error {
    RECORD_LOG_OK = 0,
    RECORD_LOG_EMPTY,    /* no error at the first start: there is no authentic record */
    RECORD_LOG_BAD_SIZE, /* content of no bytes, above RECORD_LOG_CONTENT_MAX, or too large for a block */
    RECORD_LOG_BROKEN,   /* the flash does not keep what is written to it */
    RECORD_LOG_FAILED,   /* the library failed */
};

/** The log; all of it is its own. */
struct record_log {
    struct record_flash flash;
    struct aead aead;
    uint8_t salt[RECORD_LOG_SALT_SIZE];
    uint32_t writes;   /* since the start: with the salt, no nonce twice */
    uint32_t size;     /* bytes of content */
    uint64_t sequence; /* of the newest record; 0: none */
    uint32_t newest;   /* offset of it */
    uint32_t next;     /* offset where the next record is tried */
};

/**
 * Finds the newest record.
 * @param log     to be closed also on failure
 * @param flash   copied
 * @param key     AEAD_KEY_SIZE bytes, for this log alone
 * @param salt    RECORD_LOG_SALT_SIZE random bytes, new at each start
 * @param content size bytes: the newest record's, when RECORD_LOG_OK is returned; else zero
 * @param size    bytes of content, the same at each start
 * @return RECORD_LOG_OK, RECORD_LOG_EMPTY, RECORD_LOG_BAD_SIZE, RECORD_LOG_FAILED
 */
__attribute__((warn_unused_result)) enum record_log_error record_log_open(struct record_log *log,
                                                                          const struct record_flash *flash,
                                                                          const uint8_t *key, const uint8_t *salt,
                                                                          void *content, size_t size);

/**
 * Writes a record and reads it back. Cut at any point, the old or the new one is found at the next start.
 * @param content as many bytes as record_log_open() was told
 * @return RECORD_LOG_OK; RECORD_LOG_BROKEN, RECORD_LOG_FAILED: the newest record is the one before
 */
__attribute__((warn_unused_result)) enum record_log_error record_log_append(struct record_log *log,
                                                                            const void *content);

/** Wipes the key. */
void record_log_close(struct record_log *log);

/** @return the error's text, one line without a full stop; never NULL */
const char *record_log_error_text(enum record_log_error error);

#endif
