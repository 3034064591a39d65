// SPDX-License-Identifier: BSD-3-Clause
#ifndef USIM_CURVES_H
#define USIM_CURVES_H

/* Diffie-Hellman on the two curves of SUCI, in constant time and without allocation; mbedTLS's allocates. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CURVE_SIZE = 32 /* bytes of a scalar or coordinate */, CURVE_COMPRESSED_SIZE = 33 };

/* RFC 7748 5. u == NULL: the base point. */
void curve_x25519(const uint8_t *scalar, const uint8_t *u, uint8_t *shared);

/* The public key of a private one, compressed (SEC 1 2.3.3). @return false: the scalar is 0 or not below the order */
__attribute__((warn_unused_result)) bool curve_p256_public(const uint8_t *scalar, uint8_t *compressed);

/* SEC 1 3.3.1: x of scalar * key. key: 33 or 65 bytes. @return false: the key is not on the curve, or the scalar wrong
 */
__attribute__((warn_unused_result)) bool curve_p256_shared(const uint8_t *scalar, const uint8_t *key, size_t size,
                                                           uint8_t *shared);

bool curve_p256_is_key(const uint8_t *key, size_t size);

#endif
