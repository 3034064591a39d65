// SPDX-License-Identifier: BSD-3-Clause
#include "key_file.h"

#include <string.h>

#include "crypto/aead.h"
#include "crypto/cbor.h"
#include "crypto/hkdf.h"

enum { ITEMS = 8, FORMAT = 2, KIND_MAX = 16, WRAPPED_SIZE = KEY_FILE_SECRET_SIZE + AEAD_TAG_SIZE };

static const char format_name[] = "flipside key file";

struct key_file {
    uint8_t fingerprint[KEY_FILE_FINGERPRINT_SIZE];
    uint8_t salt[PIN_SALT_SIZE];
    struct pin_cost cost;
    uint8_t nonce[AEAD_NONCE_SIZE];
    uint8_t wrapped[WRAPPED_SIZE];
};

/* All but the wrapped secret, which it is bound to. @return bytes */
static size_t write_start(const struct key_file *file, const char *kind, uint8_t *bytes) {
    struct cbor_writer writer = cbor_write(bytes, KEY_FILE_MAX);
    cbor_write_array(&writer, ITEMS);
    cbor_write_text(&writer, format_name);
    cbor_write_uint(&writer, FORMAT);
    cbor_write_text(&writer, kind);
    cbor_write_bytes(&writer, file->fingerprint, sizeof(file->fingerprint));
    cbor_write_bytes(&writer, file->salt, sizeof(file->salt));
    cbor_write_array(&writer, 2);
    cbor_write_uint(&writer, file->cost.memory_kib);
    cbor_write_uint(&writer, file->cost.passes);
    cbor_write_bytes(&writer, file->nonce, sizeof(file->nonce));
    return writer.size;
}

static bool open_cipher(struct aead *aead, const struct key_file *file, const struct passphrase *passphrase) {
    uint8_t key[PIN_KEY_SIZE];
    enum pin_error error =
        pin_stretch(passphrase->text, passphrase->size, file->salt, sizeof(file->salt), file->cost, key);
    if (error != PIN_OK)
        cli_error("passphrase: %s", pin_error_text(error));
    bool good = error == PIN_OK && aead_open(aead, key) == AEAD_OK;
    crypto_wipe(key, sizeof(key));
    return good;
}

bool key_file_write(const char *path, const char *kind, const uint8_t *secret, const uint8_t *fingerprint,
                    const struct key_file_lock *lock, struct random_stream *random) {
    uint8_t bytes[KEY_FILE_MAX];
    struct key_file file = {.cost = lock->cost};
    struct aead aead = {0};
    if (random_bytes(random, file.salt, sizeof(file.salt)) != RANDOM_OK ||
        random_bytes(random, file.nonce, sizeof(file.nonce)) != RANDOM_OK)
        return false;
    memcpy(file.fingerprint, fingerprint, sizeof(file.fingerprint));
    struct cbor_writer writer = cbor_write(bytes, sizeof(bytes));
    writer.size = write_start(&file, kind, bytes);
    struct aead_binding binding = {.data = bytes, .data_size = writer.size};
    memcpy(binding.nonce, file.nonce, sizeof(binding.nonce));
    bool good = open_cipher(&aead, &file, lock->passphrase) &&
                aead_encrypt(&aead, &binding, secret, KEY_FILE_SECRET_SIZE, file.wrapped,
                             file.wrapped + KEY_FILE_SECRET_SIZE) == AEAD_OK;
    aead_close(&aead);
    cbor_write_bytes(&writer, file.wrapped, sizeof(file.wrapped));
    return good && !writer.failed && file_write(path, bytes, writer.size, true);
}

static bool parse(struct key_file *file, const char *kind, const uint8_t *bytes, size_t size) {
    struct cbor_reader reader = cbor_read(bytes, size);
    (void)cbor_read_array_of(&reader, ITEMS, ITEMS);
    bool known = cbor_text_equal(cbor_read_text(&reader, sizeof(format_name) - 1), format_name);
    known = cbor_read_uint(&reader) == FORMAT && known;
    known = cbor_text_equal(cbor_read_text(&reader, KIND_MAX), kind) && known;
    cbor_read_exactly(&reader, file->fingerprint, sizeof(file->fingerprint));
    cbor_read_exactly(&reader, file->salt, sizeof(file->salt));
    (void)cbor_read_array_of(&reader, 2, 2);
    uint64_t memory_kib = cbor_read_uint(&reader);
    uint64_t passes = cbor_read_uint(&reader);
    known = known && memory_kib <= UINT32_MAX && passes <= UINT32_MAX;
    file->cost = (struct pin_cost){(uint32_t)memory_kib, (uint32_t)passes};
    cbor_read_exactly(&reader, file->nonce, sizeof(file->nonce));
    cbor_read_exactly(&reader, file->wrapped, sizeof(file->wrapped));
    return cbor_read_end(&reader) && known;
}

static bool decrypt(const struct key_file *file, const char *kind, const struct passphrase *passphrase,
                    uint8_t *secret) {
    uint8_t start[KEY_FILE_MAX];
    struct aead aead = {0};
    struct aead_binding binding = {.data = start, .data_size = write_start(file, kind, start)};
    memcpy(binding.nonce, file->nonce, sizeof(binding.nonce));
    bool good =
        open_cipher(&aead, file, passphrase) && aead_decrypt(&aead, &binding, file->wrapped, KEY_FILE_SECRET_SIZE,
                                                             secret, file->wrapped + KEY_FILE_SECRET_SIZE) == AEAD_OK;
    aead_close(&aead);
    return good;
}

enum cli_exit key_file_read(const char *path, const char *kind, const struct passphrase *passphrase,
                            const uint8_t *fingerprint, uint8_t *secret) {
    uint8_t bytes[KEY_FILE_MAX];
    struct key_file file;
    size_t size = 0;
    memset(secret, 0, KEY_FILE_SECRET_SIZE);
    if (!file_read(path, bytes, sizeof(bytes), &size))
        return CLI_FAILED;
    if (!parse(&file, kind, bytes, size)) {
        cli_error("%s: not the file of a %s key", path, kind);
        return CLI_REFUSED;
    }
    if (!decrypt(&file, kind, passphrase, secret)) {
        cli_error("%s: wrong passphrase, or the file was altered", path);
        return CLI_REFUSED;
    }
    if (memcmp(file.fingerprint, fingerprint, sizeof(file.fingerprint)) == 0)
        return CLI_GOOD;
    crypto_wipe(secret, KEY_FILE_SECRET_SIZE);
    cli_error("%s: the public keys beside it were altered, or are of another organisation", path);
    return CLI_REFUSED;
}
