// SPDX-License-Identifier: BSD-3-Clause
#ifndef USIM_KDF_H
#define USIM_KDF_H

/* HMAC-SHA-256 (RFC 2104) of several pieces, and what is derived by it; mbedTLS's own allocates. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kdf_piece {
    const void *data;
    size_t size; /* bytes */
};

/* key: at most 64 bytes; mac: DIGEST_SIZE bytes. */
__attribute__((warn_unused_result)) bool kdf_hmac(const uint8_t *key, size_t key_size, const struct kdf_piece *pieces,
                                                  size_t count, uint8_t *mac);

/* TS 33.220 B.2: HMAC over FC, then each parameter and its length in two bytes. At most 4 parameters. */
__attribute__((warn_unused_result)) bool kdf_33220(const uint8_t *key, size_t key_size, uint8_t fc,
                                                   const struct kdf_piece *parameters, size_t count, uint8_t *derived);

/* ANSI X9.63 with SHA-256 (SEC 1 3.6.1). */
__attribute__((warn_unused_result)) bool kdf_x963(const uint8_t *shared, size_t shared_size, const uint8_t *info,
                                                  size_t info_size, uint8_t *out, size_t size);

#endif
