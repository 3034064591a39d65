// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "cose_format.h"
#include "crypto/cose_key.h"
#include "crypto/hkdf.h"

enum {
    HEADER_MAX = 8 + COSE_TYPE_MAX,
    WRAPPED_SIZE = AEAD_KEY_SIZE + KEY_WRAP_OVERHEAD,
    KEY_BITS = AEAD_KEY_SIZE * 8,
};

/* RFC 9053 6.4.1, as the recipient's protected header: {1: -31} */
static const uint8_t recipient_header[] = {0xa1, 0x01, 0x38, 0x1e};

/* A recipient as it was read. */
struct recipient {
    uint8_t key_id[P256_THUMBPRINT_SIZE];
    struct p256_public ephemeral;
    uint8_t wrapped[WRAPPED_SIZE];
};

/* RFC 9053 5.2: COSE_KDF_Context without identities of parties; the header says what kind of agreement it is. */
static size_t write_kdf_context(uint8_t *context, size_t room) {
    struct cbor_writer writer = cbor_write(context, room);
    cbor_write_array(&writer, 4);
    cbor_write_int(&writer, COSE_A256KW);
    for (unsigned party = 0; party < 2; party++) {
        cbor_write_array(&writer, 3);
        for (unsigned i = 0; i < 3; i++)
            cbor_write_null(&writer);
    }
    cbor_write_array(&writer, 2);
    cbor_write_uint(&writer, KEY_BITS);
    cbor_write_bytes(&writer, recipient_header, sizeof(recipient_header));
    return writer.size;
}

/* RFC 9053 5.1: the key that wraps the content's key. */
static enum cose_error derive(const uint8_t *shared, uint8_t *wrapping) {
    uint8_t context[64];
    uint8_t key[HKDF_KEY_SIZE];
    size_t size = write_kdf_context(context, sizeof(context));
    enum hkdf_error error = hkdf_extract(NULL, 0, shared, P256_SIZE, key);
    if (error == HKDF_OK)
        error = hkdf_expand(key, context, size, wrapping, AEAD_KEY_SIZE);
    crypto_wipe(key, sizeof(key));
    return error == HKDF_OK ? COSE_OK : COSE_FAILED;
}

static enum cose_error error_of_aead(enum aead_error error) {
    if (error == AEAD_OK)
        return COSE_OK;
    return error == AEAD_NOT_AUTHENTIC ? COSE_NOT_AUTHENTIC : COSE_FAILED;
}

/* RFC 9052 5.3: Enc_structure. */
static size_t write_structure(uint8_t *structure, size_t room, struct cbor_bytes header,
                              const struct cose_external *external) {
    struct cbor_writer writer = cbor_write(structure, room);
    cbor_write_array(&writer, 3);
    cbor_write_text(&writer, "Encrypt");
    cbor_write_bytes(&writer, header.start, header.size);
    cbor_write_bytes(&writer, external->data, external->size);
    return writer.failed ? 0 : writer.size;
}

static enum cose_error wrap_for(const struct p256_public *recipient, const uint8_t *content_key,
                                struct random_stream *random, struct recipient *to) {
    struct p256_private ephemeral;
    uint8_t shared[P256_SIZE];
    uint8_t wrapping[AEAD_KEY_SIZE];
    enum cose_error error = cose_error_of_key(p256_generate(&ephemeral, random));
    if (error == COSE_OK)
        error = cose_error_of_key(p256_agree(&ephemeral, recipient, random, shared));
    if (error == COSE_OK)
        error = derive(shared, wrapping);
    if (error == COSE_OK)
        error = error_of_aead(key_wrap(wrapping, content_key, AEAD_KEY_SIZE, to->wrapped));
    if (error == COSE_OK)
        error = cose_error_of_key(p256_thumbprint(recipient, to->key_id));
    to->ephemeral = ephemeral.public_key;
    p256_wipe(&ephemeral);
    crypto_wipe(shared, sizeof(shared));
    crypto_wipe(wrapping, sizeof(wrapping));
    return error;
}

static enum cose_error write_recipient(struct cbor_writer *writer, const struct p256_public *key,
                                       const uint8_t *content_key, struct random_stream *random) {
    struct recipient recipient;
    enum cose_error error = wrap_for(key, content_key, random, &recipient);
    if (error != COSE_OK)
        return error;
    cbor_write_array(writer, 3);
    cbor_write_bytes(writer, recipient_header, sizeof(recipient_header));
    cbor_write_map(writer, 2);
    cbor_write_int(writer, COSE_HEADER_KEY_ID);
    cbor_write_bytes(writer, recipient.key_id, sizeof(recipient.key_id));
    cbor_write_int(writer, COSE_HEADER_EPHEMERAL_KEY);
    cose_write_key(writer, &recipient.ephemeral);
    cbor_write_bytes(writer, recipient.wrapped, sizeof(recipient.wrapped));
    return writer->failed ? COSE_NO_ROOM : COSE_OK;
}

static void write_header(struct cbor_writer *writer, const char *type) {
    cbor_write_map(writer, 2);
    cbor_write_int(writer, COSE_HEADER_ALGORITHM);
    cbor_write_int(writer, COSE_A256GCM);
    cbor_write_int(writer, COSE_HEADER_CONTENT_TYPE);
    cbor_write_text(writer, type);
}

/* The ciphertext and its tag, straight to where they belong. */
static enum cose_error write_ciphertext(struct cbor_writer *writer, const struct cose_content *content,
                                        const uint8_t *key, const struct aead_binding *binding) {
    struct aead aead;
    cbor_write_bytes_head(writer, content->size + AEAD_TAG_SIZE);
    uint8_t *ciphertext = cbor_write_space(writer, content->size + AEAD_TAG_SIZE);
    if (ciphertext == NULL)
        return COSE_NO_ROOM;
    enum aead_error error = aead_open(&aead, key);
    if (error == AEAD_OK)
        error = aead_encrypt(&aead, binding, content->payload, content->size, ciphertext, ciphertext + content->size);
    aead_close(&aead);
    return error_of_aead(error);
}

static enum cose_error write_body(struct cbor_writer *writer, const struct cose_content *content,
                                  const struct cose_external *external, const uint8_t *key,
                                  struct random_stream *random) {
    uint8_t header[HEADER_MAX];
    uint8_t structure[COSE_EXTERNAL_MAX + HEADER_MAX + 16];
    struct aead_binding binding = {.data = structure};
    struct cbor_writer header_writer = cbor_write(header, sizeof(header));

    write_header(&header_writer, content->type);
    struct cbor_bytes header_bytes = {header, header_writer.size};
    binding.data_size = write_structure(structure, sizeof(structure), header_bytes, external);
    if (header_writer.failed || binding.data_size == 0)
        return COSE_NO_ROOM;
    if (random_bytes(random, binding.nonce, sizeof(binding.nonce)) != RANDOM_OK)
        return COSE_NO_RANDOM;
    cbor_write_bytes(writer, header, header_writer.size);
    cbor_write_map(writer, 1);
    cbor_write_int(writer, COSE_HEADER_IV);
    cbor_write_bytes(writer, binding.nonce, sizeof(binding.nonce));
    return write_ciphertext(writer, content, key, &binding);
}

enum cose_error cose_encrypt_write(const struct cose_content *content, const struct cose_external *external,
                                   const struct p256_public *recipients, size_t count, struct random_stream *random,
                                   uint8_t *object, size_t room, size_t *size) {
    uint8_t key[AEAD_KEY_SIZE];
    struct cbor_writer writer = cbor_write(object, room);

    *size = 0;
    if (content->size > COSE_PAYLOAD_MAX || count == 0 || count > COSE_RECIPIENTS_MAX)
        return COSE_NO_ROOM;
    if (random_bytes(random, key, sizeof(key)) != RANDOM_OK)
        return COSE_NO_RANDOM;
    cbor_write_tag(&writer, COSE_ENCRYPT_TAG);
    cbor_write_array(&writer, 4);
    enum cose_error error = write_body(&writer, content, external, key, random);
    cbor_write_array(&writer, count);
    for (size_t i = 0; i < count && error == COSE_OK; i++)
        error = write_recipient(&writer, &recipients[i], key, random);
    crypto_wipe(key, sizeof(key));
    if (error == COSE_OK)
        *size = writer.size;
    return error;
}

static void read_recipient(struct cbor_reader *reader, struct recipient *recipient) {
    (void)cbor_read_array_of(reader, 3, 3);
    struct cbor_bytes header = cbor_read_bytes(reader, sizeof(recipient_header));
    if (!cbor_bytes_equal(header, recipient_header, sizeof(recipient_header)))
        reader->failed = true;
    struct cbor_map map = cbor_read_map(reader);
    cbor_map_need(reader, &map, COSE_HEADER_KEY_ID);
    cbor_read_exactly(reader, recipient->key_id, sizeof(recipient->key_id));
    cbor_map_need(reader, &map, COSE_HEADER_EPHEMERAL_KEY);
    cose_read_key(reader, &recipient->ephemeral);
    cbor_map_end(reader, &map);
    cbor_read_exactly(reader, recipient->wrapped, sizeof(recipient->wrapped));
}

static bool read_header(struct cose_encrypt *encrypt) {
    struct cbor_reader reader = cbor_read(encrypt->protected_header.start, encrypt->protected_header.size);
    struct cbor_map map = cbor_read_map(&reader);
    cbor_map_need(&reader, &map, COSE_HEADER_ALGORITHM);
    if (cbor_read_int(&reader) != COSE_A256GCM)
        return false;
    cbor_map_need(&reader, &map, COSE_HEADER_CONTENT_TYPE);
    encrypt->type = cbor_read_text(&reader, COSE_TYPE_MAX);
    cbor_map_end(&reader, &map);
    return cbor_read_end(&reader);
}

static void read_recipients(struct cbor_reader *reader, struct cose_encrypt *encrypt) {
    struct recipient recipient;
    encrypt->recipient_count = (size_t)cbor_read_array_of(reader, 1, COSE_RECIPIENTS_MAX);
    encrypt->recipients.start = reader->next;
    for (size_t i = 0; i < encrypt->recipient_count; i++)
        read_recipient(reader, &recipient);
    encrypt->recipients.size = (size_t)(reader->next - encrypt->recipients.start);
}

enum cose_error cose_encrypt_read(struct cose_encrypt *encrypt, const uint8_t *data, size_t size) {
    struct cbor_reader reader = cbor_read(data, size);
    memset(encrypt, 0, sizeof(*encrypt));
    cbor_read_tag(&reader, COSE_ENCRYPT_TAG);
    (void)cbor_read_array_of(&reader, 4, 4);
    encrypt->protected_header = cbor_read_bytes(&reader, HEADER_MAX);
    struct cbor_map unprotected = cbor_read_map(&reader);
    cbor_map_need(&reader, &unprotected, COSE_HEADER_IV);
    cbor_read_exactly(&reader, encrypt->iv, sizeof(encrypt->iv));
    cbor_map_end(&reader, &unprotected);
    encrypt->ciphertext = cbor_read_bytes(&reader, COSE_PAYLOAD_MAX + AEAD_TAG_SIZE);
    read_recipients(&reader, encrypt);
    if (cbor_read_end(&reader) && encrypt->ciphertext.size >= AEAD_TAG_SIZE && read_header(encrypt))
        return COSE_OK;
    memset(encrypt, 0, sizeof(*encrypt));
    return COSE_MALFORMED;
}

static enum cose_error find_recipient(const struct cose_encrypt *encrypt, const struct p256_public *key,
                                      struct recipient *recipient) {
    struct cbor_reader reader = cbor_read(encrypt->recipients.start, encrypt->recipients.size);
    uint8_t key_id[P256_THUMBPRINT_SIZE];
    if (p256_thumbprint(key, key_id) != P256_OK)
        return COSE_FAILED;
    for (size_t i = 0; i < encrypt->recipient_count; i++) {
        read_recipient(&reader, recipient);
        if (!reader.failed && memcmp(key_id, recipient->key_id, sizeof(key_id)) == 0)
            return COSE_OK;
    }
    return COSE_NO_RECIPIENT;
}

static enum cose_error unwrap(const struct recipient *recipient, const struct p256_agreer *agreer,
                              uint8_t *content_key) {
    uint8_t shared[P256_SIZE];
    uint8_t wrapping[AEAD_KEY_SIZE];
    enum cose_error error = cose_error_of_key(agreer->agree(agreer->context, &recipient->ephemeral, shared));
    if (error == COSE_OK)
        error = derive(shared, wrapping);
    if (error == COSE_OK)
        error = error_of_aead(key_unwrap(wrapping, recipient->wrapped, content_key, AEAD_KEY_SIZE));
    crypto_wipe(shared, sizeof(shared));
    crypto_wipe(wrapping, sizeof(wrapping));
    return error;
}

static enum cose_error decrypt(const struct cose_encrypt *encrypt, const struct cose_external *external,
                               const uint8_t *key, uint8_t *payload) {
    uint8_t structure[COSE_EXTERNAL_MAX + HEADER_MAX + 16];
    struct aead_binding binding = {.data = structure};
    struct aead aead;
    size_t size = encrypt->ciphertext.size - AEAD_TAG_SIZE;

    memcpy(binding.nonce, encrypt->iv, sizeof(binding.nonce));
    binding.data_size = write_structure(structure, sizeof(structure), encrypt->protected_header, external);
    if (binding.data_size == 0)
        return COSE_NO_ROOM;
    enum aead_error error = aead_open(&aead, key);
    if (error == AEAD_OK)
        error =
            aead_decrypt(&aead, &binding, encrypt->ciphertext.start, size, payload, encrypt->ciphertext.start + size);
    aead_close(&aead);
    return error_of_aead(error);
}

enum cose_error cose_encrypt_open(const struct cose_encrypt *encrypt, const char *type,
                                  const struct cose_external *external, const struct p256_agreer *agreer,
                                  uint8_t *payload, size_t room, size_t *size) {
    struct recipient recipient;
    uint8_t key[AEAD_KEY_SIZE];

    *size = 0;
    memset(payload, 0, room);
    if (!cbor_text_equal(encrypt->type, type))
        return COSE_WRONG_TYPE;
    if (encrypt->ciphertext.size - AEAD_TAG_SIZE > room)
        return COSE_NO_ROOM;
    enum cose_error error = find_recipient(encrypt, &agreer->public_key, &recipient);
    if (error == COSE_OK)
        error = unwrap(&recipient, agreer, key);
    if (error == COSE_OK)
        error = decrypt(encrypt, external, key, payload);
    crypto_wipe(key, sizeof(key));
    if (error == COSE_OK)
        *size = encrypt->ciphertext.size - AEAD_TAG_SIZE;
    return error;
}
