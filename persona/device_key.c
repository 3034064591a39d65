// SPDX-License-Identifier: BSD-3-Clause
#include "persona/device_key.h"

#include <string.h>

#include "crypto/aead.h"
#include "crypto/cose_key.h"
#include "crypto/digest.h"
#include "crypto/hkdf.h"
#include "text.h"

/* persona/persona.cddl */
enum {
    FORMAT = 1,
    PLAIN_ITEMS = 5,
    SEALED_ITEMS = 7,
    BOTH_SIZE = P256_SIZE + KEYS_SIZE, /* scalar, secret */
    WRAPPED_SIZE = BOTH_SIZE + KEY_WRAP_OVERHEAD,
    DIGEST_ITEM = 2 + DIGEST_SIZE,
};

_Static_assert((int)TPM_SECRET_SIZE == (int)AEAD_KEY_SIZE, "what the TPM seals wraps the key");

const char *device_key_error_text(enum device_key_error error) {
    switch (error) {
    case DEVICE_KEY_OK:
        return "no error";
    case DEVICE_KEY_ABSENT:
        return "there is no device key yet";
    case DEVICE_KEY_DAMAGED:
        return "the device's key is damaged";
    case DEVICE_KEY_TPM:
        return "the TPM with the device's key failed";
    case DEVICE_KEY_NO_TPM:
        return "the device's key is sealed in a TPM that is not there";
    case DEVICE_KEY_OTHER:
        return "the device's key is sealed in another TPM, or this one was cleared";
    case DEVICE_KEY_NO_ROOM:
        return "the device's key is too long";
    case DEVICE_KEY_NO_RANDOM:
        return "no random numbers";
    case DEVICE_KEY_FAILED:
        return "the cryptographic library failed";
    }
    return "unknown error";
}

enum device_key_error device_key_make(struct device_key *key, struct random_stream *random) {
    memset(key, 0, sizeof(*key));
    key->keeping = ENROLMENT_FILE;
    if (random_bytes(random, key->secret, sizeof(key->secret)) != RANDOM_OK)
        return DEVICE_KEY_NO_RANDOM;
    enum p256_error error = p256_generate(&key->key, random);
    if (error == P256_OK)
        return DEVICE_KEY_OK;
    device_key_wipe(key);
    return error == P256_NO_RANDOM ? DEVICE_KEY_NO_RANDOM : DEVICE_KEY_FAILED;
}

static void write_plain(struct cbor_writer *writer, const struct device_key *key, const uint8_t *both) {
    cbor_write_array(writer, PLAIN_ITEMS);
    cbor_write_uint(writer, FORMAT);
    cbor_write_uint(writer, ENROLMENT_FILE);
    cose_write_key(writer, &key->key.public_key);
    cbor_write_bytes(writer, both, BOTH_SIZE);
}

static enum device_key_error write_sealed(struct cbor_writer *writer, struct device_key *key, const uint8_t *both,
                                          struct tpm *tpm, struct random_stream *random, enum tpm_error *tpm_error) {
    uint8_t wrapping[TPM_SECRET_SIZE], wrapped[WRAPPED_SIZE];
    struct tpm_blob blob = {0};
    if (random_bytes(random, wrapping, sizeof(wrapping)) != RANDOM_OK)
        return DEVICE_KEY_NO_RANDOM;
    *tpm_error = tpm_identity(tpm, key->tpm);
    if (*tpm_error == TPM_OK)
        *tpm_error = tpm_seal(tpm, NULL, wrapping, &blob);
    bool good = *tpm_error == TPM_OK && key_wrap(wrapping, both, BOTH_SIZE, wrapped) == AEAD_OK;
    crypto_wipe(wrapping, sizeof(wrapping));
    if (!good)
        return *tpm_error != TPM_OK ? DEVICE_KEY_TPM : DEVICE_KEY_FAILED;
    cbor_write_array(writer, SEALED_ITEMS);
    cbor_write_uint(writer, FORMAT);
    cbor_write_uint(writer, ENROLMENT_TPM);
    cose_write_key(writer, &key->key.public_key);
    cbor_write_bytes(writer, wrapped, sizeof(wrapped));
    cbor_write_bytes(writer, key->tpm, sizeof(key->tpm));
    cbor_write_bytes(writer, blob.bytes, blob.size);
    key->keeping = ENROLMENT_TPM;
    return DEVICE_KEY_OK;
}

static enum device_key_error end_file(struct cbor_writer *writer, size_t *size) {
    uint8_t digest[DIGEST_SIZE];
    if (!digest_of(writer->start, writer->size, digest))
        return DEVICE_KEY_FAILED;
    cbor_write_bytes(writer, digest, sizeof(digest));
    *size = writer->failed ? 0 : writer->size;
    return writer->failed ? DEVICE_KEY_NO_ROOM : DEVICE_KEY_OK;
}

enum device_key_error device_key_write(struct device_key *key, struct tpm *tpm, struct random_stream *random,
                                       enum tpm_error *tpm_error, uint8_t *file, size_t room, size_t *size) {
    struct cbor_writer writer = cbor_write(file, room);
    uint8_t both[BOTH_SIZE];
    enum device_key_error error = DEVICE_KEY_OK;
    *size = 0;
    *tpm_error = TPM_OK;
    key->keeping = ENROLMENT_FILE;
    memcpy(both, key->key.scalar, P256_SIZE);
    memcpy(both + P256_SIZE, key->secret, KEYS_SIZE);
    if (tpm == NULL)
        write_plain(&writer, key, both);
    else
        error = write_sealed(&writer, key, both, tpm, random, tpm_error);
    crypto_wipe(both, sizeof(both));
    return error == DEVICE_KEY_OK ? end_file(&writer, size) : error;
}

/* A file as it was read. */
struct file {
    enum enrolment_keeping keeping;
    struct p256_public key;
    uint8_t plain[BOTH_SIZE];
    uint8_t wrapped[WRAPPED_SIZE];
    uint8_t tpm[TPM_IDENTITY_SIZE];
    struct cbor_bytes blob; /* points into the file */
};

static bool read_items(struct file *file, const uint8_t *data, size_t size) {
    struct cbor_reader reader = cbor_read(data, size);
    uint8_t digest[DIGEST_SIZE];
    uint64_t items = cbor_read_array_of(&reader, PLAIN_ITEMS, SEALED_ITEMS);
    (void)text_read_range(&reader, FORMAT, FORMAT);
    file->keeping = (enum enrolment_keeping)text_read_range(&reader, ENROLMENT_TPM, ENROLMENT_FILE);
    cose_read_key(&reader, &file->key);
    if (file->keeping == ENROLMENT_FILE) {
        cbor_read_exactly(&reader, file->plain, sizeof(file->plain));
    } else {
        cbor_read_exactly(&reader, file->wrapped, sizeof(file->wrapped));
        cbor_read_exactly(&reader, file->tpm, sizeof(file->tpm));
        file->blob = cbor_read_bytes(&reader, TPM_BLOB_MAX);
    }
    cbor_read_exactly(&reader, digest, sizeof(digest));
    return cbor_read_end(&reader) && items == (file->keeping == ENROLMENT_FILE ? PLAIN_ITEMS : SEALED_ITEMS);
}

static enum device_key_error read_file(struct file *file, const uint8_t *data, size_t size) {
    uint8_t digest[DIGEST_SIZE];
    memset(file, 0, sizeof(*file));
    if (text_is_blank(data, size))
        return DEVICE_KEY_ABSENT;
    size = text_unpadded(data, size);
    if (size <= DIGEST_ITEM || !read_items(file, data, size))
        return DEVICE_KEY_DAMAGED;
    if (!digest_of(data, size - DIGEST_ITEM, digest))
        return DEVICE_KEY_FAILED;
    return memcmp(digest, data + size - DIGEST_SIZE, sizeof(digest)) == 0 ? DEVICE_KEY_OK : DEVICE_KEY_DAMAGED;
}

static enum device_key_error error_of_tpm(enum tpm_error error) {
    if (error == TPM_OK)
        return DEVICE_KEY_OK;
    return error == TPM_OTHER ? DEVICE_KEY_OTHER : error == TPM_BAD_BLOB ? DEVICE_KEY_DAMAGED : DEVICE_KEY_TPM;
}

static enum device_key_error unseal(const struct file *file, struct tpm *tpm, enum tpm_error *tpm_error,
                                    uint8_t *both) {
    uint8_t wrapping[TPM_SECRET_SIZE], identity[TPM_IDENTITY_SIZE];
    if (tpm == NULL)
        return DEVICE_KEY_NO_TPM;
    *tpm_error = tpm_identity(tpm, identity);
    if (*tpm_error == TPM_OK && memcmp(identity, file->tpm, sizeof(identity)) != 0)
        *tpm_error = TPM_OTHER;
    if (*tpm_error == TPM_OK)
        *tpm_error = tpm_unseal(tpm, file->blob.start, file->blob.size, NULL, wrapping);
    if (*tpm_error != TPM_OK)
        return error_of_tpm(*tpm_error);
    enum aead_error error = key_unwrap(wrapping, file->wrapped, both, BOTH_SIZE);
    crypto_wipe(wrapping, sizeof(wrapping));
    if (error == AEAD_OK)
        return DEVICE_KEY_OK;
    return error == AEAD_NOT_AUTHENTIC ? DEVICE_KEY_DAMAGED : DEVICE_KEY_FAILED;
}

static enum device_key_error take(struct device_key *key, const struct file *file, const uint8_t *both,
                                  struct random_stream *random) {
    enum p256_error error = p256_from_scalar(&key->key, both, random);
    memcpy(key->secret, both + P256_SIZE, sizeof(key->secret));
    memcpy(key->tpm, file->tpm, sizeof(key->tpm));
    key->keeping = file->keeping;
    if (error == P256_BAD_KEY)
        return DEVICE_KEY_DAMAGED;
    if (error != P256_OK)
        return error == P256_NO_RANDOM ? DEVICE_KEY_NO_RANDOM : DEVICE_KEY_FAILED;
    return memcmp(&key->key.public_key, &file->key, sizeof(file->key)) == 0 ? DEVICE_KEY_OK : DEVICE_KEY_DAMAGED;
}

enum device_key_error device_key_open(struct device_key *key, struct tpm *tpm, struct random_stream *random,
                                      enum tpm_error *tpm_error, const uint8_t *data, size_t size) {
    struct file file;
    uint8_t both[BOTH_SIZE] = {0};
    memset(key, 0, sizeof(*key));
    *tpm_error = TPM_OK;
    enum device_key_error error = read_file(&file, data, size);
    if (error == DEVICE_KEY_OK && file.keeping == ENROLMENT_FILE)
        memcpy(both, file.plain, sizeof(both));
    else if (error == DEVICE_KEY_OK)
        error = unseal(&file, tpm, tpm_error, both);
    if (error == DEVICE_KEY_OK)
        error = take(key, &file, both, random);
    crypto_wipe(both, sizeof(both));
    crypto_wipe(&file, sizeof(file));
    if (error != DEVICE_KEY_OK)
        device_key_wipe(key);
    return error;
}

enum device_key_error device_key_look(const uint8_t *data, size_t size, struct p256_public *key,
                                      enum enrolment_keeping *keeping) {
    struct file file;
    enum device_key_error error = read_file(&file, data, size);
    *key = file.key;
    *keeping = file.keeping;
    crypto_wipe(&file, sizeof(file));
    return error;
}

void device_key_wipe(struct device_key *key) { crypto_wipe(key, sizeof(*key)); }
