// SPDX-License-Identifier: BSD-3-Clause
#include <stdbool.h>
#include <string.h>

#include "crypto/cbor.h"
#include "crypto/hkdf.h"
#include "stream_format.h"

static const char format_name[] = "flipside stream";

enum { FORMAT_VERSION = 1, HEADER_ITEMS = 5 };

const char *stream_error_text(enum stream_error error) {
    switch (error) {
    case STREAM_OK:
        return "no error";
    case STREAM_MALFORMED:
        return "not an encrypted file";
    case STREAM_WRONG_KEY:
        return "of another key or persona, or its header was altered";
    case STREAM_BAD_LENGTH:
        return "cut or made longer";
    case STREAM_CUT:
        return "cut, made longer or altered at its end";
    case STREAM_NOT_AUTHENTIC:
        return "altered";
    case STREAM_OUT_OF_RANGE:
        return "beyond the end";
    case STREAM_BAD_NAME:
        return "a name that is too long";
    case STREAM_IO:
        return "reading or writing failed";
    case STREAM_NO_RANDOM:
        return "no random numbers";
    case STREAM_FAILED:
        return "the cryptographic library failed";
    }
    return "unknown error";
}

static void write_start(struct cbor_writer *writer, const struct stream_header *header) {
    cbor_write_array(writer, HEADER_ITEMS);
    cbor_write_text(writer, format_name);
    cbor_write_uint(writer, FORMAT_VERSION);
    cbor_write_uint(writer, header->chunk_shift);
    cbor_write_bytes(writer, header->salt, sizeof(header->salt));
}

void stream_header_write(const struct stream_header *header, uint8_t *bytes) {
    struct cbor_writer writer = cbor_write(bytes, STREAM_HEADER_SIZE);
    write_start(&writer, header);
    cbor_write_bytes(&writer, header->commitment, sizeof(header->commitment));
}

enum stream_error stream_header_read(struct stream_header *header, const uint8_t *bytes) {
    struct cbor_reader reader = cbor_read(bytes, STREAM_HEADER_SIZE);
    (void)cbor_read_array_of(&reader, HEADER_ITEMS, HEADER_ITEMS);
    struct cbor_text name = cbor_read_text(&reader, sizeof(format_name) - 1);
    uint64_t version = cbor_read_uint(&reader);
    uint64_t shift = cbor_read_uint(&reader);
    cbor_read_exactly(&reader, header->salt, sizeof(header->salt));
    cbor_read_exactly(&reader, header->commitment, sizeof(header->commitment));
    if (!cbor_read_end(&reader) || !cbor_text_equal(name, format_name) || version != FORMAT_VERSION ||
        shift < STREAM_CHUNK_SHIFT_MIN || shift > STREAM_CHUNK_SHIFT_MAX)
        return STREAM_MALFORMED;
    header->chunk_shift = (unsigned)shift;
    return STREAM_OK;
}

enum stream_error stream_chunk_shift(const uint8_t *header, unsigned *shift) {
    struct stream_header read;
    enum stream_error error = stream_header_read(&read, header);
    *shift = error == STREAM_OK ? read.chunk_shift : 0;
    return error;
}

/* One of the two outputs of the file's pseudorandom key; crypto/stream.cddl: key-info. */
static bool expand(const uint8_t *prk, const char *use, const struct stream_key *key,
                   const struct stream_header *header, uint8_t *output) {
    uint8_t info[64 + STREAM_NAME_MAX + STREAM_HEADER_SIZE];
    struct cbor_writer writer = cbor_write(info, sizeof(info));
    cbor_write_array(&writer, 3);
    cbor_write_text(&writer, use);
    cbor_write_bytes(&writer, key->name, key->name_size);
    cbor_write_uint(&writer, header->chunk_shift);
    return !writer.failed && hkdf_expand(prk, info, writer.size, output, HKDF_KEY_SIZE) == HKDF_OK;
}

_Static_assert((int)AEAD_KEY_SIZE == (int)HKDF_KEY_SIZE && (int)STREAM_COMMITMENT_SIZE == (int)HKDF_KEY_SIZE,
               "both outputs have one size");

enum stream_error stream_open_key(struct aead *aead, const struct stream_key *key, const struct stream_header *header,
                                  uint8_t *commitment) {
    uint8_t prk[HKDF_KEY_SIZE];
    uint8_t file_key[AEAD_KEY_SIZE] = {0};
    if (key->name_size > STREAM_NAME_MAX)
        return STREAM_BAD_NAME;
    bool good = hkdf_extract(header->salt, sizeof(header->salt), key->key, STREAM_KEY_SIZE, prk) == HKDF_OK &&
                expand(prk, "flipside stream 1: key", key, header, file_key) &&
                expand(prk, "flipside stream 1: commitment", key, header, commitment);
    if (good)
        good = aead_open(aead, file_key) == AEAD_OK;
    crypto_wipe(prk, sizeof(prk));
    crypto_wipe(file_key, sizeof(file_key));
    return good ? STREAM_OK : STREAM_FAILED;
}

struct aead_binding stream_binding(uint64_t index, bool last) {
    struct aead_binding binding = {.nonce = {[3] = last ? 1 : 0}};
    for (unsigned i = 0; i < sizeof(index); i++)
        binding.nonce[AEAD_NONCE_SIZE - 1 - i] = (uint8_t)(index >> 8 * i);
    return binding;
}

uint64_t stream_encrypted_size(uint64_t size, unsigned chunk_shift) {
    uint64_t chunks = size == 0 ? 1 : ((size - 1) >> chunk_shift) + 1;
    return STREAM_HEADER_SIZE + size + chunks * AEAD_TAG_SIZE;
}
