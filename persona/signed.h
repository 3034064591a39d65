// SPDX-License-Identifier: BSD-3-Clause
#ifndef SIGNED_H
#define SIGNED_H

/* What is signed for an organisation: delegations, the root's first, and behind them an object signed by the key that
 * they lead to. In a file these are two items, an array of byte strings and a byte string. */

#include "persona/delegation.h"

struct signed_object {
    struct cbor_bytes chain[DELEGATION_CHAIN_MAX];
    size_t chain_count;
    struct cose_sign1 sign1;
};

/* What an object has to be signed as. */
struct signed_claim {
    const char *type;       /* content type */
    uint32_t role;          /* DELEGATION_ROLE_* */
    const uint8_t *persona; /* KEYS_ID_SIZE bytes; NULL: for none in particular */
};

/* Reads both items; what is wrong sets the reader's `failed`. size_max: bytes of the object */
void signed_read(struct cbor_reader *reader, struct signed_object *object, size_t size_max);

/* Writes both items. chain: chain_count delegations; object: the signed one, size bytes */
void signed_write(struct cbor_writer *writer, const struct cbor_bytes *chain, size_t chain_count, const uint8_t *object,
                  size_t size);

/* Follows the delegations and verifies the signature. Where the delegations are not good, that is returned, also when
 * there are none and the root did not sign; else DELEGATION_OK, and *error is of cose_sign1_verify(). */
__attribute__((warn_unused_result)) enum delegation_error signed_verify(const struct signed_object *object,
                                                                        const struct delegation_trust *trust,
                                                                        const struct signed_claim *claim,
                                                                        enum cose_error *error);

#endif
