// SPDX-License-Identifier: BSD-3-Clause
#ifndef CRYPTO_STREAM_H
#define CRYPTO_STREAM_H

/**
 * Files of any length, encrypted in chunks with AES-256-GCM: written in one go, read anywhere (crypto/stream.cddl).
 *
 *     file  = header, chunk 0, chunk 1, ... last chunk
 *     chunk = ciphertext, tag; all chunks but the last hold chunk-size bytes; the last holds at least one, unless the
 *             file is empty
 *     prk   = HKDF-Extract(salt of the header, content key)
 *     key   = HKDF-Expand(prk, ["flipside stream 1: key", name, chunk shift])
 *     nonce = three bytes 0, one byte 1 for the last chunk and 0 for others, eight bytes number of the chunk,
 * big-endian
 *
 * Each file has a key of its own, since its header has a random salt: so a chunk of another file, of another persona or
 * in another place is not authentic. The last chunk is marked in its nonce, and opening a file checks it first: a file
 * that was cut or made longer is noticed at once. The commitment in the header (an output of HKDF beside the key) is
 * checked before anything is decrypted: it tells a wrong key or an altered header from an altered chunk, and makes sure
 * that a file opens with one key only.
 */

#include "crypto/aead.h"
#include "crypto/random.h"

#include <stdbool.h>

enum {
    STREAM_KEY_SIZE = 32,        /* bytes of a content key */
    STREAM_NAME_MAX = 128,       /* bytes of a file's name within its bundle */
    STREAM_HEADER_SIZE = 87,     /* bytes */
    STREAM_CHUNK_SHIFT_MIN = 12, /* chunks of 4 KiB */
    STREAM_CHUNK_SHIFT_MAX = 20, /* chunks of 1 MiB */
    STREAM_CHUNK_SHIFT = 16,     /* what is used when there is no reason for another */
    STREAM_SALT_SIZE = 32,       /* bytes */
    STREAM_COMMITMENT_SIZE = 32, /* bytes */
};

#define STREAM_SIZE_MAX (UINT64_C(1) << 44) /* bytes of a file */

enum stream_error {
    STREAM_OK = 0,
    STREAM_MALFORMED,  /* no header of this format */
    STREAM_WRONG_KEY,  /* another key, another name, or an altered header */
    STREAM_BAD_LENGTH, /* no file of this format has this length: cut, or made longer */
    STREAM_CUT,        /* the last chunk is not the last one: cut, made longer, or altered */
    STREAM_NOT_AUTHENTIC /* a chunk was altered, or is not of this place or file */,
    STREAM_OUT_OF_RANGE, /* beyond the end */
    STREAM_BAD_NAME,     /* a name that is too long */
    STREAM_IO,           /* the caller's function failed */
    STREAM_NO_RANDOM,    /* the generator failed */
    STREAM_FAILED,       /* the library failed: no memory */
};

/** What a file is encrypted with: a content key, and which of the files under it this is. */
struct stream_key {
    const uint8_t *key; /* STREAM_KEY_SIZE bytes */
    const void *name;   /* any bytes; a reader gives the same */
    size_t name_size;   /* bytes, at most STREAM_NAME_MAX */
};

/** Takes the next bytes of an encrypted file. @return false when that failed */
typedef bool stream_put(void *context, const void *data, size_t size);

/** Gives `size` bytes of an encrypted file from `offset`, no fewer. @return false when that failed */
typedef bool stream_get(void *context, uint64_t offset, void *data, size_t size);

/** A file being written; its owner closes it, which wipes it. */
struct stream_writer {
    struct aead aead;
    stream_put *put;
    void *context;
    uint8_t *chunk; /* the caller's */
    size_t chunk_size;
    size_t filled;
    uint64_t index;
};

/** A file being read; its owner closes it, which wipes it. */
struct stream_reader {
    struct aead aead;
    stream_get *get;
    void *context;
    uint8_t *chunk; /* the caller's: where chunks are decrypted of which only a part is asked for */
    size_t chunk_size;
    uint64_t held; /* the chunk that it holds; UINT64_MAX: none */
    uint64_t size; /* of the plaintext, bytes */
};

/** @return the length of an encrypted file of `size` bytes, at most STREAM_SIZE_MAX */
uint64_t stream_encrypted_size(uint64_t size, unsigned chunk_shift);

/**
 * Begins a file and writes its header.
 * @param writer      to be closed also on failure
 * @param chunk_shift STREAM_CHUNK_SHIFT_MIN to STREAM_CHUNK_SHIFT_MAX: chunks of 1 << chunk_shift bytes
 * @param chunk       1 << chunk_shift bytes, which the writer uses until it is closed
 * @return STREAM_OK, STREAM_OUT_OF_RANGE (chunk_shift), STREAM_BAD_NAME, STREAM_IO, STREAM_NO_RANDOM, STREAM_FAILED
 */
__attribute__((warn_unused_result)) enum stream_error
stream_write_open(struct stream_writer *writer, const struct stream_key *key, unsigned chunk_shift, uint8_t *chunk,
                  struct random_stream *random, stream_put *put, void *context);

/**
 * Writes the next bytes.
 * @return STREAM_OK, STREAM_OUT_OF_RANGE (more than STREAM_SIZE_MAX in all), STREAM_IO, STREAM_FAILED
 */
__attribute__((warn_unused_result)) enum stream_error stream_write(struct stream_writer *writer, const void *data,
                                                                   size_t size);

/** Writes the last chunk, without which the file is not whole. @return STREAM_OK, STREAM_IO, STREAM_FAILED */
__attribute__((warn_unused_result)) enum stream_error stream_write_end(struct stream_writer *writer);

/** Wipes a writer and its chunk. */
void stream_write_close(struct stream_writer *writer);

/**
 * Reads a header.
 * @param header STREAM_HEADER_SIZE bytes
 * @param shift  the file's chunks have 1 << shift bytes
 * @return STREAM_OK, STREAM_MALFORMED
 */
__attribute__((warn_unused_result)) enum stream_error stream_chunk_shift(const uint8_t *header, unsigned *shift);

/**
 * Opens a file: checks its header, its length and its last chunk.
 * @param reader    to be closed also on failure; `size` is the plaintext's
 * @param file_size bytes of the encrypted file
 * @param chunk     chunk_room bytes, which the reader uses until it is closed
 * @param chunk_room at least the file's chunk size (stream_chunk_shift()); 1 << STREAM_CHUNK_SHIFT_MAX fits all
 * @return STREAM_OK, STREAM_MALFORMED, STREAM_WRONG_KEY, STREAM_BAD_LENGTH, STREAM_CUT, STREAM_OUT_OF_RANGE
 * (chunk_room), STREAM_BAD_NAME, STREAM_IO, STREAM_FAILED
 */
__attribute__((warn_unused_result)) enum stream_error stream_read_open(struct stream_reader *reader,
                                                                       const struct stream_key *key, uint64_t file_size,
                                                                       uint8_t *chunk, size_t chunk_room,
                                                                       stream_get *get, void *context);

/**
 * Reads plaintext. Whole chunks are read and decrypted where the caller wants them, without a copy.
 * @param data size bytes, all zero on failure
 * @return STREAM_OK, STREAM_OUT_OF_RANGE, STREAM_NOT_AUTHENTIC, STREAM_IO, STREAM_FAILED
 */
__attribute__((warn_unused_result)) enum stream_error stream_read(struct stream_reader *reader, uint64_t offset,
                                                                  void *data, size_t size);

/** Wipes a reader and its chunk. */
void stream_read_close(struct stream_reader *reader);

/** @return the error's text, one line without a full stop; never NULL */
const char *stream_error_text(enum stream_error error);

#endif
