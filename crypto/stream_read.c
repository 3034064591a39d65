// SPDX-License-Identifier: BSD-3-Clause
#include <stdbool.h>
#include <string.h>

#include "crypto/digest.h"
#include "crypto/hkdf.h"
#include "stream_format.h"

static uint64_t chunk_count(const struct stream_reader *reader) {
    return reader->size == 0 ? 1 : (reader->size - 1) / reader->chunk_size + 1;
}

static size_t size_of_chunk(const struct stream_reader *reader, uint64_t index) {
    uint64_t left = reader->size - index * reader->chunk_size;
    return left < reader->chunk_size ? (size_t)left : reader->chunk_size;
}

/* The one plaintext size that a file of this length has. */
static enum stream_error find_size(struct stream_reader *reader, uint64_t file_size) {
    uint64_t with_tag = reader->chunk_size + AEAD_TAG_SIZE;
    if (file_size < STREAM_HEADER_SIZE + AEAD_TAG_SIZE)
        return STREAM_BAD_LENGTH;
    uint64_t body = file_size - STREAM_HEADER_SIZE;
    uint64_t chunks = (body - 1) / with_tag + 1;
    uint64_t last = body - (chunks - 1) * with_tag;
    if (last < AEAD_TAG_SIZE || (last == AEAD_TAG_SIZE && chunks > 1))
        return STREAM_BAD_LENGTH;
    reader->size = body - chunks * AEAD_TAG_SIZE;
    return reader->size <= STREAM_SIZE_MAX ? STREAM_OK : STREAM_BAD_LENGTH;
}

static enum stream_error read_chunk(struct stream_reader *reader, uint64_t index, uint8_t *data) {
    uint8_t tag[AEAD_TAG_SIZE];
    size_t size = size_of_chunk(reader, index);
    uint64_t offset = STREAM_HEADER_SIZE + index * (reader->chunk_size + AEAD_TAG_SIZE);
    struct aead_binding binding = stream_binding(index, index == chunk_count(reader) - 1);
    if ((size > 0 && !reader->get(reader->context, offset, data, size)) ||
        !reader->get(reader->context, offset + size, tag, sizeof(tag)))
        return STREAM_IO;
    enum aead_error error = aead_decrypt(&reader->aead, &binding, data, size, data, tag);
    if (error == AEAD_OK)
        return STREAM_OK;
    return error == AEAD_NOT_AUTHENTIC ? STREAM_NOT_AUTHENTIC : STREAM_FAILED;
}

static enum stream_error hold(struct stream_reader *reader, uint64_t index) {
    if (reader->held == index)
        return STREAM_OK;
    reader->held = UINT64_MAX;
    enum stream_error error = read_chunk(reader, index, reader->chunk);
    if (error == STREAM_OK)
        reader->held = index;
    else
        crypto_wipe(reader->chunk, reader->chunk_size);
    return error;
}

static enum stream_error open_header(struct stream_reader *reader, const struct stream_key *key, size_t chunk_room) {
    uint8_t bytes[STREAM_HEADER_SIZE];
    uint8_t commitment[STREAM_COMMITMENT_SIZE];
    struct stream_header header;
    if (!reader->get(reader->context, 0, bytes, sizeof(bytes)))
        return STREAM_IO;
    enum stream_error error = stream_header_read(&header, bytes);
    if (error != STREAM_OK)
        return error;
    if (chunk_room >> header.chunk_shift == 0)
        return STREAM_OUT_OF_RANGE;
    reader->chunk_size = (size_t)1 << header.chunk_shift;
    error = stream_open_key(&reader->aead, key, &header, commitment);
    if (error != STREAM_OK)
        return error;
    return crypto_equal(commitment, header.commitment, sizeof(commitment)) ? STREAM_OK : STREAM_WRONG_KEY;
}

enum stream_error stream_read_open(struct stream_reader *reader, const struct stream_key *key, uint64_t file_size,
                                   uint8_t *chunk, size_t chunk_room, stream_get *get, void *context) {
    *reader = (struct stream_reader){.get = get, .context = context, .chunk = chunk, .held = UINT64_MAX};
    if (file_size < STREAM_HEADER_SIZE)
        return STREAM_MALFORMED;
    enum stream_error error = open_header(reader, key, chunk_room);
    if (error == STREAM_OK)
        error = find_size(reader, file_size);
    if (error == STREAM_OK)
        error = hold(reader, chunk_count(reader) - 1);
    return error == STREAM_NOT_AUTHENTIC ? STREAM_CUT : error;
}

/* As much as there is in one chunk. */
static enum stream_error read_piece(struct stream_reader *reader, uint64_t offset, uint8_t *data, size_t size,
                                    size_t *done) {
    uint64_t index = offset / reader->chunk_size;
    size_t skip = (size_t)(offset % reader->chunk_size);
    size_t there = size_of_chunk(reader, index) - skip;
    *done = size < there ? size : there;
    if (skip == 0 && *done == there && reader->held != index)
        return read_chunk(reader, index, data);
    enum stream_error error = hold(reader, index);
    if (error == STREAM_OK)
        memcpy(data, reader->chunk + skip, *done);
    return error;
}

enum stream_error stream_read(struct stream_reader *reader, uint64_t offset, void *data, size_t size) {
    enum stream_error error = STREAM_OK;
    size_t piece = 0;
    if (offset > reader->size || size > reader->size - offset) {
        memset(data, 0, size);
        return STREAM_OUT_OF_RANGE;
    }
    for (size_t done = 0; done < size && error == STREAM_OK; done += piece)
        error = read_piece(reader, offset + done, (uint8_t *)data + done, size - done, &piece);
    if (error != STREAM_OK)
        crypto_wipe(data, size);
    return error;
}

void stream_read_close(struct stream_reader *reader) {
    aead_close(&reader->aead);
    if (reader->chunk != NULL)
        crypto_wipe(reader->chunk, reader->chunk_size);
    crypto_wipe(reader, sizeof(*reader));
}
