// SPDX-License-Identifier: BSD-3-Clause
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

/** SHA-256 (FIPS 180-4) of data that comes in pieces, and HMAC (RFC 2104) of one piece. */

#include <mbedtls/sha256.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DIGEST_SIZE = 32,  /* bytes */
    MAC_KEY_SIZE = 32, /* bytes */
};

/** A digest being computed; digest_end() ends it in any case. */
struct digest {
    mbedtls_sha256_context sha256;
    bool failed;
};

/** Begins a digest. */
void digest_begin(struct digest *digest);

/** Adds the next bytes. */
void digest_add(struct digest *digest, const void *data, size_t size);

/**
 * Ends a digest.
 * @param result DIGEST_SIZE bytes
 * @return false when the library failed
 */
__attribute__((warn_unused_result)) bool digest_end(struct digest *digest, uint8_t *result);

/** Computes the digest of one piece. @return false when the library failed */
__attribute__((warn_unused_result)) bool digest_of(const void *data, size_t size, uint8_t *result);

/**
 * Computes HMAC-SHA-256.
 * @param key MAC_KEY_SIZE bytes
 * @param mac DIGEST_SIZE bytes
 * @return false when the library failed: no memory
 */
__attribute__((warn_unused_result)) bool mac_of(const uint8_t *key, const void *data, size_t size, uint8_t *mac);

/** Compares in constant time: for secrets, MACs and whatever else an attacker must not learn byte by byte. */
__attribute__((warn_unused_result)) bool crypto_equal(const void *a, const void *b, size_t size);

#endif
