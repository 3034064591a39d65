// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "cose_format.h"
#include "crypto/digest.h"

enum { HEADER_MAX = 9 + COSE_TYPE_MAX + P256_THUMBPRINT_SIZE, PREFIX_MAX = HEADER_MAX + 32 };

/* RFC 9052 4.4: the digest of Sig_structure, whose payload is not copied. */
static enum cose_error digest_structure(struct cbor_bytes protected_header, struct cbor_bytes payload,
                                        uint8_t *digest) {
    uint8_t prefix[PREFIX_MAX];
    struct cbor_writer writer = cbor_write(prefix, sizeof(prefix));
    struct digest running;

    cbor_write_array(&writer, 4);
    cbor_write_text(&writer, "Signature1");
    cbor_write_bytes(&writer, protected_header.start, protected_header.size);
    cbor_write_bytes(&writer, NULL, 0);
    cbor_write_bytes_head(&writer, payload.size);
    if (writer.failed)
        return COSE_NO_ROOM;
    digest_begin(&running);
    digest_add(&running, prefix, writer.size);
    digest_add(&running, payload.start, payload.size);
    return digest_end(&running, digest) ? COSE_OK : COSE_FAILED;
}

static enum cose_error write_header(struct cbor_writer *writer, const char *type, const struct p256_public *key) {
    uint8_t key_id[P256_THUMBPRINT_SIZE];
    enum p256_error error = p256_thumbprint(key, key_id);
    cbor_write_map(writer, 3);
    cbor_write_int(writer, COSE_HEADER_ALGORITHM);
    cbor_write_int(writer, COSE_ES256);
    cbor_write_int(writer, COSE_HEADER_CONTENT_TYPE);
    cbor_write_text(writer, type);
    cbor_write_int(writer, COSE_HEADER_KEY_ID);
    cbor_write_bytes(writer, key_id, sizeof(key_id));
    if (error != P256_OK)
        return cose_error_of_key(error);
    return writer->failed ? COSE_NO_ROOM : COSE_OK;
}

enum cose_error cose_sign1_write(const struct cose_content *content, const struct p256_signer *signer, uint8_t *object,
                                 size_t room, size_t *size) {
    uint8_t header[HEADER_MAX];
    uint8_t digest[P256_DIGEST_SIZE];
    uint8_t signature[P256_SIGNATURE_SIZE];
    struct cbor_writer header_writer = cbor_write(header, sizeof(header));
    struct cbor_writer writer = cbor_write(object, room);

    *size = 0;
    if (content->size > COSE_PAYLOAD_MAX || strlen(content->type) > COSE_TYPE_MAX)
        return COSE_NO_ROOM;
    enum cose_error error = write_header(&header_writer, content->type, &signer->public_key);
    if (error == COSE_OK)
        error = digest_structure((struct cbor_bytes){header, header_writer.size},
                                 (struct cbor_bytes){content->payload, content->size}, digest);
    if (error == COSE_OK)
        error = cose_error_of_key(signer->sign(signer->context, digest, signature));
    if (error != COSE_OK)
        return error;
    cbor_write_tag(&writer, COSE_SIGN1_TAG);
    cbor_write_array(&writer, 4);
    cbor_write_bytes(&writer, header, header_writer.size);
    cbor_write_map(&writer, 0);
    cbor_write_bytes(&writer, content->payload, content->size);
    cbor_write_bytes(&writer, signature, sizeof(signature));
    *size = writer.failed ? 0 : writer.size;
    return writer.failed ? COSE_NO_ROOM : COSE_OK;
}

static bool read_header(struct cose_sign1 *sign1) {
    struct cbor_reader reader = cbor_read(sign1->protected_header.start, sign1->protected_header.size);
    struct cbor_map map = cbor_read_map(&reader);
    cbor_map_need(&reader, &map, COSE_HEADER_ALGORITHM);
    if (cbor_read_int(&reader) != COSE_ES256)
        return false;
    cbor_map_need(&reader, &map, COSE_HEADER_CONTENT_TYPE);
    sign1->type = cbor_read_text(&reader, COSE_TYPE_MAX);
    cbor_map_need(&reader, &map, COSE_HEADER_KEY_ID);
    cbor_read_exactly(&reader, sign1->key_id, sizeof(sign1->key_id));
    cbor_map_end(&reader, &map);
    return cbor_read_end(&reader);
}

enum cose_error cose_sign1_read(struct cose_sign1 *sign1, const uint8_t *data, size_t size) {
    struct cbor_reader reader = cbor_read(data, size);
    memset(sign1, 0, sizeof(*sign1));
    cbor_read_tag(&reader, COSE_SIGN1_TAG);
    (void)cbor_read_array_of(&reader, 4, 4);
    sign1->protected_header = cbor_read_bytes(&reader, HEADER_MAX);
    struct cbor_map unprotected = cbor_read_map(&reader);
    cbor_map_end(&reader, &unprotected);
    sign1->payload = cbor_read_bytes(&reader, COSE_PAYLOAD_MAX);
    cbor_read_exactly(&reader, sign1->signature, sizeof(sign1->signature));
    if (cbor_read_end(&reader) && read_header(sign1))
        return COSE_OK;
    memset(sign1, 0, sizeof(*sign1));
    return COSE_MALFORMED;
}

enum cose_error cose_sign1_verify(const struct cose_sign1 *sign1, const char *type, const struct p256_public *key) {
    uint8_t digest[P256_DIGEST_SIZE];
    uint8_t key_id[P256_THUMBPRINT_SIZE];

    if (!cbor_text_equal(sign1->type, type))
        return COSE_WRONG_TYPE;
    if (p256_thumbprint(key, key_id) != P256_OK)
        return COSE_FAILED;
    if (memcmp(key_id, sign1->key_id, sizeof(key_id)) != 0)
        return COSE_WRONG_KEY;
    enum cose_error error = digest_structure(sign1->protected_header, sign1->payload, digest);
    if (error != COSE_OK)
        return error;
    return cose_error_of_key(p256_verify(key, digest, sign1->signature));
}
