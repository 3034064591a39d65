// SPDX-License-Identifier: BSD-3-Clause
#ifndef CRYPTO_COSE_KEY_H
#define CRYPTO_COSE_KEY_H

/** Public keys as COSE_Key (RFC 9052 7, RFC 9053 7.1.1): kty, crv, x, y and nothing else; crypto/cose.cddl. */

#include "crypto/cbor.h"
#include "crypto/p256.h"

/** Writes a key: at most P256_COSE_KEY_SIZE bytes. */
void cose_write_key(struct cbor_writer *writer, const struct p256_public *key);

/** Reads a key; failed is set when it is another kind of key. It is not checked to be a point: p256_check(). */
void cose_read_key(struct cbor_reader *reader, struct p256_public *key);

#endif
