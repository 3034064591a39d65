// SPDX-License-Identifier: BSD-3-Clause
#include "signed.h"

void signed_read(struct cbor_reader *reader, struct signed_object *object, size_t size_max) {
    object->chain_count = (size_t)cbor_read_array_of(reader, 0, DELEGATION_CHAIN_MAX);
    for (size_t i = 0; i < object->chain_count; i++)
        object->chain[i] = cbor_read_bytes(reader, DELEGATION_SIZE_MAX);
    struct cbor_bytes bytes = cbor_read_bytes(reader, size_max);
    if (reader->failed || cose_sign1_read(&object->sign1, bytes.start, bytes.size) != COSE_OK)
        reader->failed = true;
}

void signed_write(struct cbor_writer *writer, const struct cbor_bytes *chain, size_t chain_count, const uint8_t *object,
                  size_t size) {
    cbor_write_array(writer, chain_count);
    for (size_t i = 0; i < chain_count; i++)
        cbor_write_bytes(writer, chain[i].start, chain[i].size);
    cbor_write_bytes(writer, object, size);
}

enum delegation_error signed_verify(const struct signed_object *object, const struct delegation_trust *trust,
                                    const struct signed_claim *claim, enum cose_error *error) {
    struct p256_public signer;
    *error = COSE_FAILED;
    enum delegation_error delegation =
        delegation_follow(trust, object->chain, object->chain_count, claim->role, claim->persona, &signer);
    if (delegation != DELEGATION_OK)
        return delegation;
    *error = cose_sign1_verify(&object->sign1, claim->type, &signer);
    // Without delegations the one who has to have signed is the root itself.
    return *error == COSE_WRONG_KEY && object->chain_count == 0 ? DELEGATION_WRONG_ROOT : DELEGATION_OK;
}
