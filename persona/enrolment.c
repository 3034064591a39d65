// SPDX-License-Identifier: BSD-3-Clause
#include "persona/enrolment.h"

#include <string.h>

#include "crypto/cose_key.h"
#include "text.h"

/* persona/persona.cddl */
enum { FORMAT = 1, KEY_FORMAT = 1, KEY_KEY, KEY_BOARD, KEY_KEEPING, PAYLOAD_MAX = 160 };

const char *enrolment_error_text(enum enrolment_error error) {
    switch (error) {
    case ENROLMENT_OK:
        return "no error";
    case ENROLMENT_MALFORMED:
        return "not a device's request to be enrolled";
    case ENROLMENT_BAD_SIGNATURE:
        return "the device's request was altered";
    case ENROLMENT_FAILED:
        return "the cryptographic library failed";
    }
    return "unknown error";
}

enum cose_error enrolment_write(const struct enrolment *enrolment, const struct p256_signer *signer, uint8_t *object,
                                size_t room, size_t *size) {
    uint8_t payload[PAYLOAD_MAX];
    struct cbor_writer writer = cbor_write(payload, sizeof(payload));
    cbor_write_map(&writer, KEY_KEEPING);
    cbor_write_int(&writer, KEY_FORMAT);
    cbor_write_uint(&writer, FORMAT);
    cbor_write_int(&writer, KEY_KEY);
    cose_write_key(&writer, &signer->public_key);
    cbor_write_int(&writer, KEY_BOARD);
    cbor_write_text(&writer, enrolment->board);
    cbor_write_int(&writer, KEY_KEEPING);
    cbor_write_uint(&writer, (uint64_t)enrolment->keeping);
    struct cose_content content = {ENROLMENT_TYPE, payload, writer.size};
    return cose_sign1_write(&content, signer, object, room, size);
}

static bool read_payload(struct enrolment *enrolment, struct cbor_bytes payload) {
    struct cbor_reader reader = cbor_read(payload.start, payload.size);
    struct cbor_map map = cbor_read_map(&reader);
    cbor_map_need(&reader, &map, KEY_FORMAT);
    (void)text_read_range(&reader, FORMAT, FORMAT);
    cbor_map_need(&reader, &map, KEY_KEY);
    cose_read_key(&reader, &enrolment->key);
    cbor_map_need(&reader, &map, KEY_BOARD);
    text_read_name(&reader, enrolment->board);
    cbor_map_need(&reader, &map, KEY_KEEPING);
    enrolment->keeping = (enum enrolment_keeping)text_read_range(&reader, ENROLMENT_TPM, ENROLMENT_FILE);
    cbor_map_end(&reader, &map);
    return cbor_read_end(&reader);
}

static enum enrolment_error read_and_verify(struct enrolment *enrolment, const uint8_t *data, size_t size) {
    struct cose_sign1 sign1;
    if (cose_sign1_read(&sign1, data, text_unpadded(data, size)) != COSE_OK || !read_payload(enrolment, sign1.payload))
        return ENROLMENT_MALFORMED;
    switch (cose_sign1_verify(&sign1, ENROLMENT_TYPE, &enrolment->key)) {
    case COSE_OK:
        return ENROLMENT_OK;
    case COSE_WRONG_TYPE:
    case COSE_BAD_KEY:
        return ENROLMENT_MALFORMED;
    case COSE_WRONG_KEY:
    case COSE_BAD_SIGNATURE:
        return ENROLMENT_BAD_SIGNATURE;
    default:
        return ENROLMENT_FAILED;
    }
}

enum enrolment_error enrolment_read(struct enrolment *enrolment, const uint8_t *data, size_t size) {
    memset(enrolment, 0, sizeof(*enrolment));
    enum enrolment_error error = read_and_verify(enrolment, data, size);
    if (error != ENROLMENT_OK)
        memset(enrolment, 0, sizeof(*enrolment));
    return error;
}
