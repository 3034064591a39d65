// SPDX-License-Identifier: BSD-3-Clause
#include "persona/organisation.h"

#include <string.h>

#include "crypto/cose_key.h"
#include "text.h"

/* persona/persona.cddl */
enum { FORMAT = 1, KEY_FORMAT = 1, KEY_ROOT, KEY_NAME, KEY_EPOCH, PAYLOAD_MAX = 192 };

const char *organisation_error_text(enum organisation_error error) {
    switch (error) {
    case ORGANISATION_OK:
        return "no error";
    case ORGANISATION_MALFORMED:
        return "the organisation's file is damaged";
    case ORGANISATION_BAD_SIGNATURE:
        return "the organisation's file was altered";
    case ORGANISATION_FAILED:
        return "the cryptographic library failed";
    }
    return "unknown error";
}

enum cose_error organisation_write(const struct organisation *organisation, const struct p256_signer *root,
                                   uint8_t *file, size_t room, size_t *size) {
    uint8_t payload[PAYLOAD_MAX];
    struct cbor_writer writer = cbor_write(payload, sizeof(payload));
    cbor_write_map(&writer, KEY_EPOCH);
    cbor_write_int(&writer, KEY_FORMAT);
    cbor_write_uint(&writer, FORMAT);
    cbor_write_int(&writer, KEY_ROOT);
    cose_write_key(&writer, &root->public_key);
    cbor_write_int(&writer, KEY_NAME);
    cbor_write_text(&writer, organisation->name);
    cbor_write_int(&writer, KEY_EPOCH);
    cbor_write_uint(&writer, organisation->epoch);
    struct cose_content content = {ORGANISATION_TYPE, payload, writer.size};
    return cose_sign1_write(&content, root, file, room, size);
}

static bool read_payload(struct organisation *organisation, struct cbor_bytes payload) {
    struct cbor_reader reader = cbor_read(payload.start, payload.size);
    struct cbor_map map = cbor_read_map(&reader);
    cbor_map_need(&reader, &map, KEY_FORMAT);
    (void)text_read_range(&reader, FORMAT, FORMAT);
    cbor_map_need(&reader, &map, KEY_ROOT);
    cose_read_key(&reader, &organisation->root);
    cbor_map_need(&reader, &map, KEY_NAME);
    text_read(&reader, organisation->name, sizeof(organisation->name));
    cbor_map_need(&reader, &map, KEY_EPOCH);
    organisation->epoch = cbor_read_uint(&reader);
    cbor_map_end(&reader, &map);
    return cbor_read_end(&reader);
}

static enum organisation_error read_and_verify(struct organisation *organisation, const uint8_t *data, size_t size) {
    struct cose_sign1 sign1;
    if (cose_sign1_read(&sign1, data, text_unpadded(data, size)) != COSE_OK ||
        !read_payload(organisation, sign1.payload))
        return ORGANISATION_MALFORMED;
    switch (cose_sign1_verify(&sign1, ORGANISATION_TYPE, &organisation->root)) {
    case COSE_OK:
        return ORGANISATION_OK;
    case COSE_WRONG_TYPE:
    case COSE_BAD_KEY:
        return ORGANISATION_MALFORMED;
    case COSE_WRONG_KEY:
    case COSE_BAD_SIGNATURE:
        return ORGANISATION_BAD_SIGNATURE;
    default:
        return ORGANISATION_FAILED;
    }
}

enum organisation_error organisation_read(struct organisation *organisation, const uint8_t *data, size_t size) {
    memset(organisation, 0, sizeof(*organisation));
    enum organisation_error error = read_and_verify(organisation, data, size);
    if (error != ORGANISATION_OK)
        memset(organisation, 0, sizeof(*organisation));
    return error;
}
