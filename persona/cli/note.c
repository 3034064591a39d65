// SPDX-License-Identifier: BSD-3-Clause
#include "note.h"

#include "persona/delegation.h"

bool note_write(const struct org_key *signing, const struct cose_content *content, uint8_t *object, size_t room,
                size_t *size) {
    enum cose_error error = cose_sign1_write(content, &signing->signer, object, room, size);
    if (error != COSE_OK)
        cli_error("the record: %s", cose_error_text(error));
    return error == COSE_OK;
}

enum cli_exit note_read(const struct record *record, const char *what, const char *type, struct cbor_bytes object,
                        struct cbor_bytes *payload) {
    uint8_t delegation[DELEGATION_SIZE_MAX];
    struct cbor_bytes chain;
    struct p256_public key;
    struct cose_sign1 sign1;
    if (!org_key_delegation(record, DELEGATION_ROLE_COMMAND, &chain, delegation, &key))
        return CLI_REFUSED;
    enum cose_error error = cose_sign1_read(&sign1, object.start, object.size);
    if (error == COSE_OK)
        error = cose_sign1_verify(&sign1, type, &key);
    *payload = sign1.payload;
    if (error == COSE_OK)
        return CLI_GOOD;
    cli_error("%s/%s: %s", record->directory, what, cose_error_text(error));
    return CLI_REFUSED;
}
