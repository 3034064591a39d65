// SPDX-License-Identifier: BSD-3-Clause
#include <stdbool.h>
#include <string.h>

#include "crypto/hkdf.h"
#include "stream_format.h"

static enum stream_error write_header(struct stream_writer *writer, const struct stream_key *key, unsigned chunk_shift,
                                      struct random_stream *random) {
    struct stream_header header = {.chunk_shift = chunk_shift};
    uint8_t bytes[STREAM_HEADER_SIZE];
    if (random_bytes(random, header.salt, sizeof(header.salt)) != RANDOM_OK)
        return STREAM_NO_RANDOM;
    enum stream_error error = stream_open_key(&writer->aead, key, &header, header.commitment);
    if (error != STREAM_OK)
        return error;
    stream_header_write(&header, bytes);
    return writer->put(writer->context, bytes, sizeof(bytes)) ? STREAM_OK : STREAM_IO;
}

enum stream_error stream_write_open(struct stream_writer *writer, const struct stream_key *key, unsigned chunk_shift,
                                    uint8_t *chunk, struct random_stream *random, stream_put *put, void *context) {
    *writer = (struct stream_writer){.put = put, .context = context, .chunk = chunk};
    if (chunk_shift < STREAM_CHUNK_SHIFT_MIN || chunk_shift > STREAM_CHUNK_SHIFT_MAX)
        return STREAM_OUT_OF_RANGE;
    writer->chunk_size = (size_t)1 << chunk_shift;
    return write_header(writer, key, chunk_shift, random);
}

static enum stream_error write_chunk(struct stream_writer *writer, bool last) {
    uint8_t tag[AEAD_TAG_SIZE];
    struct aead_binding binding = stream_binding(writer->index++, last);
    if (aead_encrypt(&writer->aead, &binding, writer->chunk, writer->filled, writer->chunk, tag) != AEAD_OK)
        return STREAM_FAILED;
    bool good =
        writer->put(writer->context, writer->chunk, writer->filled) && writer->put(writer->context, tag, sizeof(tag));
    writer->filled = 0;
    return good ? STREAM_OK : STREAM_IO;
}

enum stream_error stream_write(struct stream_writer *writer, const void *data, size_t size) {
    const uint8_t *next = data;
    if (size > STREAM_SIZE_MAX - writer->index * writer->chunk_size - writer->filled)
        return STREAM_OUT_OF_RANGE;
    while (size > 0) {
        // A full chunk is kept until something follows, since the last one is sealed as such.
        enum stream_error error = writer->filled == writer->chunk_size ? write_chunk(writer, false) : STREAM_OK;
        if (error != STREAM_OK)
            return error;
        size_t room = writer->chunk_size - writer->filled;
        size_t piece = size < room ? size : room;
        memcpy(writer->chunk + writer->filled, next, piece);
        writer->filled += piece;
        next += piece;
        size -= piece;
    }
    return STREAM_OK;
}

enum stream_error stream_write_end(struct stream_writer *writer) { return write_chunk(writer, true); }

void stream_write_close(struct stream_writer *writer) {
    aead_close(&writer->aead);
    if (writer->chunk != NULL)
        crypto_wipe(writer->chunk, writer->chunk_size);
    crypto_wipe(writer, sizeof(*writer));
}
