// SPDX-License-Identifier: BSD-3-Clause
#include "persona/delegation.h"

#include <string.h>

#include "crypto/cose_key.h"
#include "text.h"

/* persona/persona.cddl */
enum { FORMAT = 1, KEY_FORMAT = 1, KEY_KEY, KEY_ROLES, KEY_DEPTH, KEY_EPOCH, KEY_PERSONA, PAYLOAD_MAX = 256 };

const char *delegation_error_text(enum delegation_error error) {
    switch (error) {
    case DELEGATION_OK:
        return "no error";
    case DELEGATION_MALFORMED:
        return "a delegation is damaged";
    case DELEGATION_WRONG_ROOT:
        return "signed for another organisation";
    case DELEGATION_BROKEN:
        return "signed by a key that the organisation did not name";
    case DELEGATION_BAD_SIGNATURE:
        return "a delegation was altered";
    case DELEGATION_NOT_ALLOWED:
        return "signed by a key that may not sign this";
    case DELEGATION_TOO_DEEP:
        return "too many delegations in a row";
    case DELEGATION_TAKEN_BACK:
        return "the organisation has taken the signing key back";
    case DELEGATION_OTHER_PERSONA:
        return "signed by a key for another persona";
    case DELEGATION_FAILED:
        return "the cryptographic library failed";
    }
    return "unknown error";
}

enum cose_error delegation_write(const struct delegation *delegation, const struct p256_signer *signer, uint8_t *object,
                                 size_t room, size_t *size) {
    uint8_t payload[PAYLOAD_MAX];
    struct cbor_writer writer = cbor_write(payload, sizeof(payload));
    cbor_write_map(&writer, delegation->one_persona ? KEY_PERSONA : KEY_EPOCH);
    cbor_write_int(&writer, KEY_FORMAT);
    cbor_write_uint(&writer, FORMAT);
    cbor_write_int(&writer, KEY_KEY);
    cose_write_key(&writer, &delegation->key);
    cbor_write_int(&writer, KEY_ROLES);
    cbor_write_uint(&writer, delegation->roles);
    cbor_write_int(&writer, KEY_DEPTH);
    cbor_write_uint(&writer, delegation->depth);
    cbor_write_int(&writer, KEY_EPOCH);
    cbor_write_uint(&writer, delegation->epoch);
    if (delegation->one_persona) {
        cbor_write_int(&writer, KEY_PERSONA);
        cbor_write_bytes(&writer, delegation->persona, sizeof(delegation->persona));
    }
    struct cose_content content = {DELEGATION_TYPE, payload, writer.size};
    return cose_sign1_write(&content, signer, object, room, size);
}

static bool read_payload(struct delegation *delegation, struct cbor_bytes payload) {
    struct cbor_reader reader = cbor_read(payload.start, payload.size);
    struct cbor_map map = cbor_read_map(&reader);
    cbor_map_need(&reader, &map, KEY_FORMAT);
    bool good = cbor_read_uint(&reader) == FORMAT;
    cbor_map_need(&reader, &map, KEY_KEY);
    cose_read_key(&reader, &delegation->key);
    cbor_map_need(&reader, &map, KEY_ROLES);
    delegation->roles = (uint32_t)text_read_range(&reader, 1, DELEGATION_ROLE_ALL);
    cbor_map_need(&reader, &map, KEY_DEPTH);
    delegation->depth = (uint32_t)text_read_range(&reader, 0, DELEGATION_CHAIN_MAX);
    cbor_map_need(&reader, &map, KEY_EPOCH);
    delegation->epoch = cbor_read_uint(&reader);
    delegation->one_persona = cbor_map_has(&reader, &map, KEY_PERSONA);
    if (delegation->one_persona)
        cbor_read_exactly(&reader, delegation->persona, sizeof(delegation->persona));
    cbor_map_end(&reader, &map);
    return cbor_read_end(&reader) && good;
}

static bool read_signed(struct cose_sign1 *sign1, struct delegation *delegation, const uint8_t *data, size_t size) {
    memset(delegation, 0, sizeof(*delegation));
    if (cose_sign1_read(sign1, data, size) == COSE_OK && read_payload(delegation, sign1->payload))
        return true;
    memset(delegation, 0, sizeof(*delegation));
    return false;
}

enum delegation_error delegation_read(struct delegation *delegation, const uint8_t *data, size_t size) {
    struct cose_sign1 sign1;
    return read_signed(&sign1, delegation, data, size) ? DELEGATION_OK : DELEGATION_MALFORMED;
}

/* What has been granted so far along the chain. */
struct grant {
    struct p256_public key;
    uint32_t roles;
    uint32_t depth;
    bool is_root;
};

static enum delegation_error error_of(enum cose_error error, bool by_root) {
    switch (error) {
    case COSE_OK:
        return DELEGATION_OK;
    case COSE_WRONG_KEY:
        return by_root ? DELEGATION_WRONG_ROOT : DELEGATION_BROKEN;
    case COSE_WRONG_TYPE:
    case COSE_BAD_KEY:
        return DELEGATION_MALFORMED;
    case COSE_BAD_SIGNATURE:
        return DELEGATION_BAD_SIGNATURE;
    default:
        return DELEGATION_FAILED;
    }
}

static enum delegation_error follow_one(struct grant *grant, const struct delegation_trust *trust,
                                        struct cbor_bytes object, const uint8_t *persona) {
    struct cose_sign1 sign1;
    struct delegation next;
    if (!read_signed(&sign1, &next, object.start, object.size))
        return DELEGATION_MALFORMED;
    enum delegation_error error = error_of(cose_sign1_verify(&sign1, DELEGATION_TYPE, &grant->key), grant->is_root);
    if (error != DELEGATION_OK)
        return error;
    if (grant->depth == 0 || next.depth >= grant->depth)
        return DELEGATION_TOO_DEEP;
    if ((next.roles & ~grant->roles) != 0)
        return DELEGATION_NOT_ALLOWED;
    if (next.epoch < trust->epoch)
        return DELEGATION_TAKEN_BACK;
    if (next.one_persona && (persona == NULL || memcmp(next.persona, persona, sizeof(next.persona)) != 0))
        return DELEGATION_OTHER_PERSONA;
    *grant = (struct grant){.key = next.key, .roles = next.roles, .depth = next.depth};
    return DELEGATION_OK;
}

enum delegation_error delegation_follow(const struct delegation_trust *trust, const struct cbor_bytes *chain,
                                        size_t count, uint32_t role, const uint8_t *persona, struct p256_public *key) {
    struct grant grant = {trust->root, DELEGATION_ROLE_ALL, DELEGATION_CHAIN_MAX + 1, true};
    enum delegation_error error = count <= DELEGATION_CHAIN_MAX ? DELEGATION_OK : DELEGATION_TOO_DEEP;
    for (size_t i = 0; i < count && error == DELEGATION_OK; i++)
        error = follow_one(&grant, trust, chain[i], persona);
    if (error == DELEGATION_OK && (grant.roles & role) != role)
        error = DELEGATION_NOT_ALLOWED;
    memset(key, 0, sizeof(*key));
    if (error == DELEGATION_OK)
        *key = grant.key;
    return error;
}
