// SPDX-License-Identifier: BSD-3-Clause
#include "gunzip.h"

#include <stdbool.h>
#include <stdlib.h>

#define ZLIB_CONST /* input is not written to */
#include <zlib.h>

enum {
    GZIP_ONLY = 16 + 15, /* windowBits: the gzip format, with the largest window */
    SCRATCH_SIZE = 32 * 1024,
    CHUNK_MAX = 1 << 30, /* zlib counts in unsigned int */
};

struct member {
    z_stream stream;
    size_t left; /* bytes of data not yet given to the stream */
    bool ended;
};

static void *allocate(void *opaque, unsigned int count, unsigned int size) {
    (void)opaque;
    return calloc(count, size);
}

static void release(void *opaque, void *block) {
    (void)opaque;
    free(block);
}

static unsigned int chunk_of(size_t size) { return size < CHUNK_MAX ? (unsigned int)size : CHUNK_MAX; }

static enum gunzip_error member_start(struct member *member, const void *data, size_t size) {
    *member = (struct member){.stream = {.next_in = data, .zalloc = allocate, .zfree = release}, .left = size};
    switch (inflateInit2(&member->stream, GZIP_ONLY)) {
    case Z_OK:
        return GUNZIP_OK;
    case Z_MEM_ERROR:
        return GUNZIP_NO_MEMORY;
    default:
        return GUNZIP_DAMAGED;
    }
}

/** Decompresses until the buffer is full or the member has ended. */
static enum gunzip_error member_read(struct member *member, uint8_t *buffer, size_t size, size_t *produced) {
    z_stream *stream = &member->stream;
    size_t room = size;
    stream->next_out = buffer;
    for (;;) {
        const unsigned int in = chunk_of(member->left);
        const unsigned int out = chunk_of(room);
        stream->avail_in = in;
        stream->avail_out = out;
        const int result = inflate(stream, Z_NO_FLUSH);
        member->left -= in - stream->avail_in;
        room -= out - stream->avail_out;
        *produced = size - room;
        if (result == Z_STREAM_END) {
            member->ended = true;
            return GUNZIP_OK;
        }
        if (result == Z_MEM_ERROR) {
            return GUNZIP_NO_MEMORY;
        }
        if (result != Z_OK && result != Z_BUF_ERROR) {
            return GUNZIP_DAMAGED;
        }
        if (result == Z_BUF_ERROR) { /* neither more input nor more room */
            return room == 0 ? GUNZIP_OK : GUNZIP_TRUNCATED;
        }
    }
}

enum gunzip_error gunzip(const void *data, size_t size, void *buffer, size_t buffer_size, size_t *produced,
                         size_t *consumed) {
    struct member member;
    enum gunzip_error error = member_start(&member, data, size);
    if (error != GUNZIP_OK) {
        return error;
    }
    error = member_read(&member, buffer, buffer_size, produced);
    *consumed = size - member.left;
    (void)inflateEnd(&member.stream); /* its only error is a stream that is none */
    if (error == GUNZIP_OK && !member.ended) {
        return member.left == 0 ? GUNZIP_TRUNCATED : GUNZIP_TOO_LARGE;
    }
    return error;
}

enum gunzip_error gunzip_start(const void *data, size_t size, void *buffer, size_t buffer_size) {
    struct member member;
    size_t produced = 0;
    enum gunzip_error error = member_start(&member, data, size);
    if (error != GUNZIP_OK) {
        return error;
    }
    error = member_read(&member, buffer, buffer_size, &produced);
    (void)inflateEnd(&member.stream);
    return error == GUNZIP_OK && produced < buffer_size ? GUNZIP_DAMAGED : error;
}

enum gunzip_error gunzip_check(const void *data, size_t size, size_t *consumed) {
    struct member member;
    uint8_t *scratch = malloc(SCRATCH_SIZE);
    if (scratch == NULL) {
        return GUNZIP_NO_MEMORY;
    }
    enum gunzip_error error = member_start(&member, data, size);
    if (error != GUNZIP_OK) {
        free(scratch);
        return error;
    }
    while (error == GUNZIP_OK && !member.ended) {
        size_t produced;
        error = member_read(&member, scratch, SCRATCH_SIZE, &produced);
    }
    *consumed = size - member.left;
    (void)inflateEnd(&member.stream);
    free(scratch);
    return error;
}
