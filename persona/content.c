// SPDX-License-Identifier: BSD-3-Clause
#include "persona/content.h"

#include <string.h>

#include "crypto/hkdf.h"
#include "text.h"

/* persona/persona.cddl */
#define CONTENT_TYPE "application/vnd.flipside.content-key"

enum { FORMAT = 1, ITEMS = 4, CONTEXT_MAX = 64, WRAPPED_SIZE = STREAM_KEY_SIZE + KEY_WRAP_OVERHEAD };

const char *content_error_text(enum content_error error) {
    switch (error) {
    case CONTENT_OK:
        return "no error";
    case CONTENT_MALFORMED:
        return "the content key is damaged";
    case CONTENT_WRONG_DEVICE:
        return "the content key is for other devices";
    case CONTENT_WRONG_VERSION:
        return "the content key is of another persona or version";
    case CONTENT_NOT_AUTHENTIC:
        return "the content key was altered, or is of another persona or version";
    case CONTENT_NO_ROOM:
        return "the content key is too long";
    case CONTENT_NO_RANDOM:
        return "no random numbers";
    case CONTENT_UNAVAILABLE:
        return "the TPM with the device's key failed";
    case CONTENT_FAILED:
        return "the cryptographic library failed";
    }
    return "unknown error";
}

static enum content_error error_of(enum cose_error error) {
    switch (error) {
    case COSE_OK:
        return CONTENT_OK;
    case COSE_MALFORMED:
    case COSE_WRONG_TYPE:
    case COSE_BAD_KEY:
        return CONTENT_MALFORMED;
    case COSE_NO_RECIPIENT:
        return CONTENT_WRONG_DEVICE;
    case COSE_NOT_AUTHENTIC:
        return CONTENT_NOT_AUTHENTIC;
    case COSE_NO_ROOM:
        return CONTENT_NO_ROOM;
    case COSE_NO_RANDOM:
        return CONTENT_NO_RANDOM;
    case COSE_UNAVAILABLE:
        return CONTENT_UNAVAILABLE;
    default:
        return CONTENT_FAILED;
    }
}

static size_t write_context(const struct content_version *version, uint8_t *context) {
    struct cbor_writer writer = cbor_write(context, CONTEXT_MAX);
    cbor_write_array(&writer, 3);
    cbor_write_text(&writer, "flipside content 1");
    cbor_write_bytes(&writer, version->id, sizeof(version->id));
    cbor_write_uint(&writer, version->version);
    return writer.size;
}

enum content_error content_seal(const uint8_t *key, const struct content_version *version,
                                const struct p256_public *devices, size_t count, struct random_stream *random,
                                uint8_t *file, size_t room, size_t *size) {
    uint8_t context[CONTEXT_MAX];
    struct cose_external external = {context, write_context(version, context)};
    struct cose_content content = {CONTENT_TYPE, key, STREAM_KEY_SIZE};
    return error_of(cose_encrypt_write(&content, &external, devices, count, random, file, room, size));
}

enum content_error content_unseal(const uint8_t *file, size_t size, const struct content_version *version,
                                  const struct p256_agreer *device, uint8_t *key) {
    uint8_t context[CONTEXT_MAX];
    struct cose_external external = {context, write_context(version, context)};
    struct cose_encrypt encrypt;
    size_t key_size = 0;
    memset(key, 0, STREAM_KEY_SIZE);
    enum cose_error error = cose_encrypt_read(&encrypt, file, size);
    if (error == COSE_OK)
        error = cose_encrypt_open(&encrypt, CONTENT_TYPE, &external, device, key, STREAM_KEY_SIZE, &key_size);
    if (error == COSE_OK && key_size != STREAM_KEY_SIZE)
        error = COSE_MALFORMED;
    if (error != COSE_OK)
        crypto_wipe(key, STREAM_KEY_SIZE);
    return error == COSE_NO_ROOM ? CONTENT_MALFORMED : error_of(error);
}

enum content_error content_wrap(const uint8_t *key, const struct content_version *version, const uint8_t *persona_key,
                                uint8_t *file, size_t room, size_t *size) {
    uint8_t wrapping[KEYS_SIZE];
    uint8_t wrapped[WRAPPED_SIZE];
    struct cbor_writer writer = cbor_write(file, room);
    bool good =
        keys_derive(persona_key, KEYS_CONTENT, version->id, version->version, wrapping, sizeof(wrapping)) == KEYS_OK &&
        key_wrap(wrapping, key, STREAM_KEY_SIZE, wrapped) == AEAD_OK;
    crypto_wipe(wrapping, sizeof(wrapping));
    *size = 0;
    if (!good)
        return CONTENT_FAILED;
    cbor_write_array(&writer, ITEMS);
    cbor_write_uint(&writer, FORMAT);
    cbor_write_bytes(&writer, version->id, sizeof(version->id));
    cbor_write_uint(&writer, version->version);
    cbor_write_bytes(&writer, wrapped, sizeof(wrapped));
    *size = writer.failed ? 0 : writer.size;
    return writer.failed ? CONTENT_NO_ROOM : CONTENT_OK;
}

static enum content_error read_wrapped(const uint8_t *file, size_t size, const struct content_version *version,
                                       uint8_t *wrapped) {
    struct content_version read;
    struct cbor_reader reader = cbor_read(file, text_unpadded(file, size));
    (void)cbor_read_array_of(&reader, ITEMS, ITEMS);
    bool known = cbor_read_uint(&reader) == FORMAT;
    cbor_read_exactly(&reader, read.id, sizeof(read.id));
    read.version = cbor_read_uint(&reader);
    cbor_read_exactly(&reader, wrapped, WRAPPED_SIZE);
    if (!cbor_read_end(&reader) || !known)
        return CONTENT_MALFORMED;
    bool same = memcmp(read.id, version->id, sizeof(read.id)) == 0 && read.version == version->version;
    return same ? CONTENT_OK : CONTENT_WRONG_VERSION;
}

enum content_error content_unwrap(const uint8_t *file, size_t size, const struct content_version *version,
                                  const uint8_t *persona_key, uint8_t *key) {
    uint8_t wrapping[KEYS_SIZE];
    uint8_t wrapped[WRAPPED_SIZE];
    memset(key, 0, STREAM_KEY_SIZE);
    enum content_error error = read_wrapped(file, size, version, wrapped);
    if (error != CONTENT_OK)
        return error;
    if (keys_derive(persona_key, KEYS_CONTENT, version->id, version->version, wrapping, sizeof(wrapping)) != KEYS_OK)
        return CONTENT_FAILED;
    enum aead_error unwrapped = key_unwrap(wrapping, wrapped, key, STREAM_KEY_SIZE);
    crypto_wipe(wrapping, sizeof(wrapping));
    if (unwrapped == AEAD_OK)
        return CONTENT_OK;
    return unwrapped == AEAD_NOT_AUTHENTIC ? CONTENT_NOT_AUTHENTIC : CONTENT_FAILED;
}

size_t content_name(const struct content_version *version, unsigned kind, uint8_t *name) {
    struct cbor_writer writer = cbor_write(name, STREAM_NAME_MAX);
    cbor_write_array(&writer, 4);
    cbor_write_text(&writer, "flipside file 1");
    cbor_write_bytes(&writer, version->id, sizeof(version->id));
    cbor_write_uint(&writer, version->version);
    cbor_write_uint(&writer, kind);
    return writer.size;
}
