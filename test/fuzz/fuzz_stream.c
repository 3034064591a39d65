// SPDX-License-Identifier: BSD-3-Clause
/* An encrypted file, altered and of any length: what is read of it is what was written, or nothing. */
#include "crypto/stream.h"

#include <stdlib.h>
#include <string.h>

#include "known_random.h"
#include "patched.h"

enum { SHIFT = STREAM_CHUNK_SHIFT_MIN, CHUNK = 1 << SHIFT, PLAIN_SIZE = 2 * CHUNK + 100, ROOM = 5 * CHUNK };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct file {
    uint8_t bytes[ROOM];
    size_t size;
};

static struct file genuine;
static uint8_t plain[PLAIN_SIZE], chunk[CHUNK];
static const uint8_t content_key[STREAM_KEY_SIZE] = {9};
static const struct stream_key key = {content_key, "fuzz", 4};

static void require(bool condition) {
    if (!condition)
        abort();
}

static bool put(void *context, const void *data, size_t size) {
    struct file *file = context;
    memcpy(file->bytes + file->size, data, size);
    file->size += size;
    return true;
}

static bool get(void *context, uint64_t offset, void *data, size_t size) {
    const struct file *file = context;
    require(offset <= file->size && size <= file->size - offset);
    memcpy(data, file->bytes + offset, size);
    return true;
}

static void prepare(void) {
    struct random_stream random_numbers = known_random(5);
    struct stream_writer writer;
    if (genuine.size != 0)
        return;
    require(random_bytes(&random_numbers, plain, sizeof(plain)) == RANDOM_OK);
    require(stream_write_open(&writer, &key, SHIFT, chunk, &random_numbers, put, &genuine) == STREAM_OK);
    require(stream_write(&writer, plain, sizeof(plain)) == STREAM_OK);
    require(stream_write_end(&writer) == STREAM_OK);
    stream_write_close(&writer);
}

static void read_all(struct file *file) {
    static uint8_t output[ROOM];
    struct stream_reader reader;
    enum stream_error error = stream_read_open(&reader, &key, file->size, chunk, sizeof(chunk), get, file);
    require(error != STREAM_OK || reader.size == PLAIN_SIZE);
    for (size_t at = 0; error == STREAM_OK && at < PLAIN_SIZE; at += CHUNK / 2) {
        size_t piece = PLAIN_SIZE - at < CHUNK / 2 ? PLAIN_SIZE - at : CHUNK / 2;
        enum stream_error read = stream_read(&reader, at, output, piece);
        require(read == STREAM_OK ? memcmp(output, plain + at, piece) == 0 : read == STREAM_NOT_AUTHENTIC);
    }
    stream_read_close(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct file file;
    prepare();
    file = genuine;
    if (size >= 2) {
        size_t other_size = (data[0] | (size_t)data[1] << 8) % ROOM;
        if (data[0] % 4 == 0)
            file.size = other_size;
        patched(file.bytes, genuine.size, data + 2, size - 2);
    }
    read_all(&file);
    return 0;
}
