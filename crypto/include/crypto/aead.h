// SPDX-License-Identifier: BSD-3-Clause
#ifndef CRYPTO_AEAD_H
#define CRYPTO_AEAD_H

/** AES-256-GCM (NIST SP 800-38D) and AES-256 key wrap (RFC 3394). */

#include <mbedtls/gcm.h>
#include <stddef.h>
#include <stdint.h>

enum {
    AEAD_KEY_SIZE = 32,        /* bytes */
    AEAD_NONCE_SIZE = 12,      /* bytes */
    AEAD_TAG_SIZE = 16,        /* bytes */
    KEY_WRAP_OVERHEAD = 8,     /* bytes by which a wrapped key is longer */
    KEY_WRAP_PLAIN_MAX = 1024, /* bytes */
    AEAD_SIZE_MAX = 1 << 30,   /* bytes of a message */
    AEAD_POWERS = 16,          /* of the hash key that are kept */
};

enum aead_error {
    AEAD_OK = 0,
    AEAD_NOT_AUTHENTIC, /* another key, nonce or additional data, or altered */
    AEAD_FAILED,        /* the library failed: no memory */
};

/** What the CPU's own instructions work with. */
struct aead_schedule {
    uint8_t round_keys[15 * 16];
    uint8_t powers[AEAD_POWERS * 16];
};

/** A key made ready for many messages; its owner closes it, which wipes it. */
struct aead {
    const struct gcm_implementation *hardware; /* NULL: mbedTLS does it */
    union {
        struct aead_schedule schedule;
        mbedtls_gcm_context gcm;
    };
};

/** What a message is bound to: never twice the same nonce under one key when sealing. */
struct aead_binding {
    uint8_t nonce[AEAD_NONCE_SIZE];
    const void *data; /* additional authenticated data */
    size_t data_size; /* bytes */
};

/**
 * Makes a key ready.
 * @param aead to be closed also on failure
 * @param key  AEAD_KEY_SIZE bytes
 * @return AEAD_OK, AEAD_FAILED
 */
__attribute__((warn_unused_result)) enum aead_error aead_open(struct aead *aead, const uint8_t *key);

/** Wipes a key. */
void aead_close(struct aead *aead);

/**
 * Encrypts.
 * @param output size bytes; may be the input
 * @param tag    AEAD_TAG_SIZE bytes
 * @return AEAD_OK, AEAD_FAILED
 */
__attribute__((warn_unused_result)) enum aead_error aead_encrypt(struct aead *aead, const struct aead_binding *binding,
                                                                 const uint8_t *input, size_t size, uint8_t *output,
                                                                 uint8_t *tag);

/**
 * Decrypts and checks, the tag in constant time.
 * @param output size bytes, all zero unless authentic; may be the input
 * @param tag    AEAD_TAG_SIZE bytes
 * @return AEAD_OK, AEAD_NOT_AUTHENTIC, AEAD_FAILED
 */
__attribute__((warn_unused_result)) enum aead_error aead_decrypt(struct aead *aead, const struct aead_binding *binding,
                                                                 const uint8_t *input, size_t size, uint8_t *output,
                                                                 const uint8_t *tag);

/**
 * Wraps a key by another (RFC 3394 2.2.1).
 * @param wrapping AEAD_KEY_SIZE bytes
 * @param key      size bytes: a multiple of 8, 16 to KEY_WRAP_PLAIN_MAX
 * @param wrapped  size + KEY_WRAP_OVERHEAD bytes; may not overlap the key
 * @return AEAD_OK, AEAD_FAILED
 */
__attribute__((warn_unused_result)) enum aead_error key_wrap(const uint8_t *wrapping, const uint8_t *key, size_t size,
                                                             uint8_t *wrapped);

/**
 * Unwraps a key (RFC 3394 2.2.2).
 * @param wrapped size + KEY_WRAP_OVERHEAD bytes
 * @param key     size bytes, all zero unless AEAD_OK
 * @param size    as of key_wrap()
 * @return AEAD_OK, AEAD_NOT_AUTHENTIC, AEAD_FAILED
 */
__attribute__((warn_unused_result)) enum aead_error key_unwrap(const uint8_t *wrapping, const uint8_t *wrapped,
                                                               uint8_t *key, size_t size);

#endif
