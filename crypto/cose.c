// SPDX-License-Identifier: BSD-3-Clause
#include "cose_format.h"
#include "crypto/cose_key.h"

const char *cose_error_text(enum cose_error error) {
    switch (error) {
    case COSE_OK:
        return "no error";
    case COSE_MALFORMED:
        return "not an object of this kind";
    case COSE_WRONG_TYPE:
        return "an object for another purpose";
    case COSE_WRONG_KEY:
        return "signed by another key";
    case COSE_BAD_KEY:
        return "a key that is not on P-256";
    case COSE_BAD_SIGNATURE:
        return "the signature is wrong: altered";
    case COSE_NO_RECIPIENT:
        return "sealed to other keys";
    case COSE_NOT_AUTHENTIC:
        return "altered, or sealed for something else";
    case COSE_NO_ROOM:
        return "too long";
    case COSE_NO_RANDOM:
        return "no random numbers";
    case COSE_UNAVAILABLE:
        return "the token or TPM with the key failed";
    case COSE_FAILED:
        return "the cryptographic library failed";
    }
    return "unknown error";
}

enum cose_error cose_error_of_key(enum p256_error error) {
    switch (error) {
    case P256_OK:
        return COSE_OK;
    case P256_BAD_KEY:
        return COSE_BAD_KEY;
    case P256_BAD_SIGNATURE:
        return COSE_BAD_SIGNATURE;
    case P256_NO_RANDOM:
        return COSE_NO_RANDOM;
    case P256_UNAVAILABLE:
        return COSE_UNAVAILABLE;
    case P256_FAILED:
        break;
    }
    return COSE_FAILED;
}

void cose_write_key(struct cbor_writer *writer, const struct p256_public *key) {
    cbor_write_map(writer, 4);
    cbor_write_int(writer, COSE_KEY_TYPE);
    cbor_write_int(writer, COSE_KEY_TYPE_EC2);
    cbor_write_int(writer, COSE_KEY_CURVE);
    cbor_write_int(writer, COSE_KEY_CURVE_P256);
    cbor_write_int(writer, COSE_KEY_X);
    cbor_write_bytes(writer, key->x, sizeof(key->x));
    cbor_write_int(writer, COSE_KEY_Y);
    cbor_write_bytes(writer, key->y, sizeof(key->y));
}

static void expect(struct cbor_reader *reader, struct cbor_map *map, int64_t key, int64_t value) {
    cbor_map_need(reader, map, key);
    if (cbor_read_int(reader) != value)
        reader->failed = true;
}

void cose_read_key(struct cbor_reader *reader, struct p256_public *key) {
    struct cbor_map map = cbor_read_map(reader);
    expect(reader, &map, COSE_KEY_TYPE, COSE_KEY_TYPE_EC2);
    expect(reader, &map, COSE_KEY_CURVE, COSE_KEY_CURVE_P256);
    cbor_map_need(reader, &map, COSE_KEY_X);
    cbor_read_exactly(reader, key->x, sizeof(key->x));
    cbor_map_need(reader, &map, COSE_KEY_Y);
    cbor_read_exactly(reader, key->y, sizeof(key->y));
    cbor_map_end(reader, &map);
}
