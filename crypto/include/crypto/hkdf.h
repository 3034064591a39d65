// SPDX-License-Identifier: BSD-3-Clause
#ifndef CRYPTO_HKDF_H
#define CRYPTO_HKDF_H

/** HKDF with SHA-256 (RFC 5869), on mbedTLS. */

#include <stddef.h>
#include <stdint.h>

enum {
    HKDF_KEY_SIZE = 32,         /* bytes of a pseudorandom key */
    HKDF_OUTPUT_MAX = 255 * 32, /* bytes (RFC 5869 2.3) */
};

enum hkdf_error {
    HKDF_OK = 0,
    HKDF_TOO_LONG, /* more than HKDF_OUTPUT_MAX bytes asked for */
    HKDF_FAILED,   /* the library failed: no memory */
};

/**
 * Extracts a pseudorandom key (RFC 5869 2.2).
 * @param salt      salt_size bytes; NULL with size 0 for none
 * @param input     keying material, input_size bytes
 * @param key       HKDF_KEY_SIZE bytes; the caller wipes it
 * @return HKDF_OK, HKDF_FAILED
 */
__attribute__((warn_unused_result)) enum hkdf_error hkdf_extract(const void *salt, size_t salt_size, const void *input,
                                                                 size_t input_size, uint8_t *key);

/**
 * Expands a pseudorandom key (RFC 5869 2.3).
 * @param key         HKDF_KEY_SIZE bytes
 * @param info        what the output is for, info_size bytes
 * @param output      output_size bytes, all zero on failure
 * @return HKDF_OK, HKDF_TOO_LONG, HKDF_FAILED
 */
__attribute__((warn_unused_result)) enum hkdf_error hkdf_expand(const uint8_t *key, const void *info, size_t info_size,
                                                                void *output, size_t output_size);

/** Overwrites a secret so that no compiler leaves it out. */
void crypto_wipe(void *secret, size_t size);

#endif
