// SPDX-License-Identifier: BSD-3-Clause
#include "note.h"

#include <stdlib.h>

#include "signed.h"

static bool put(const struct record *record, const uint8_t *object, size_t object_size, uint8_t *note, size_t room,
                size_t *size) {
    uint8_t delegation[DELEGATION_SIZE_MAX];
    struct cbor_bytes chain;
    struct p256_public key;
    struct cbor_writer writer = cbor_write(note, room);
    if (!org_key_delegation(record, DELEGATION_ROLE_COMMAND, &chain, delegation, &key))
        return false;
    cbor_write_array(&writer, 2);
    signed_write(&writer, &chain, 1, object, object_size);
    *size = writer.size;
    return !writer.failed;
}

bool note_write(const struct record *record, const struct org_key *signing, const struct cose_content *content,
                uint8_t *note, size_t room, size_t *size) {
    size_t object_room = content->size + COSE_SIGN1_OVERHEAD, object_size = 0;
    uint8_t *object = malloc(object_room);
    enum cose_error error = COSE_FAILED;
    if (object != NULL)
        error = cose_sign1_write(content, &signing->signer, object, object_room, &object_size);
    if (error != COSE_OK)
        cli_error("signing: %s", cose_error_text(error));
    bool good = error == COSE_OK && put(record, object, object_size, note, room, size);
    free(object);
    return good;
}

enum cli_exit note_read(const struct delegation_trust *trust, const char *what, const char *type,
                        struct cbor_bytes note, struct cbor_bytes *payload) {
    const struct signed_claim claim = {.type = type, .role = DELEGATION_ROLE_COMMAND};
    struct signed_object object = {.chain_count = 0};
    struct cbor_reader reader = cbor_read(note.start, note.size);
    enum cose_error error = COSE_MALFORMED;
    enum delegation_error delegation = DELEGATION_OK;
    (void)cbor_read_array_of(&reader, 2, 2);
    signed_read(&reader, &object, note.size);
    if (cbor_read_end(&reader))
        delegation = signed_verify(&object, trust, &claim, &error);
    *payload = object.sign1.payload;
    if (delegation == DELEGATION_OK && error == COSE_OK)
        return CLI_GOOD;
    cli_error("%s: %s", what, delegation != DELEGATION_OK ? delegation_error_text(delegation) : cose_error_text(error));
    return CLI_REFUSED;
}

struct delegation_trust note_trust(const struct record *record) {
    return (struct delegation_trust){record->root, record->epoch};
}
