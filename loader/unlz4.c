// SPDX-License-Identifier: BSD-3-Clause
#include "unlz4.h"

#include "little_endian.h"

#include <lz4.h>
#include <stdbool.h>
#include <string.h>

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

/* LZ4 Frame Format Description 1.6.4. */
enum {
    FLAGS_AT = 4, /* FLG: where what the header's checksum covers begins */
    BLOCK_SIZE_AT = 5,
    CONTENT_SIZE_AT = 6,
    CHECKSUM_AT = 14,
    HEADER_SIZE = 15,
    FLAGS = 1 << 6 | 1 << 5 | 1 << 3, /* version 1; blocks are independent; the content's size is there */
    BLOCK_SIZE_SHIFT = 4,
    BLOCK_SIZE_FIRST = 4, /* 64 KiB */
    BLOCK_SIZE_LAST = 7,  /* 4 MiB */
    LENGTH_SIZE = 4,
};

#define MAGIC UINT32_C(0x184d2204)
#define STORED (UINT32_C(1) << 31) /* in a block's length: it is not compressed */

/** What is left of a frame, and of the buffer. */
struct rest {
    const uint8_t *bytes;
    size_t size;
    uint8_t *to;
    size_t room;
    size_t block_size; /* bytes of the content in each block but the last */
};

const char *unlz4_error_text(enum unlz4_error error) {
    switch (error) {
    case UNLZ4_OK:
        return "no error";
    case UNLZ4_UNKNOWN:
        return "compressed in a way that is not known here";
    case UNLZ4_WRONG_SIZE:
        return "does not decompress to the size that the manifest says";
    case UNLZ4_TRUNCATED:
        return "the compressed data end too early";
    case UNLZ4_DAMAGED:
        return "the compressed data are damaged";
    }
    return "unknown error";
}

static bool header_is_good(const uint8_t *header) {
    const uint32_t sum = XXH32(header + FLAGS_AT, CHECKSUM_AT - FLAGS_AT, 0);
    return little_endian(header, LENGTH_SIZE) == MAGIC && header[FLAGS_AT] == FLAGS &&
           header[CHECKSUM_AT] == (uint8_t)(sum >> 8);
}

static enum unlz4_error read_header(struct rest *rest) {
    const uint8_t *header = rest->bytes;
    if (rest->size < HEADER_SIZE)
        return UNLZ4_TRUNCATED;
    const unsigned size = header[BLOCK_SIZE_AT] >> BLOCK_SIZE_SHIFT;
    if (!header_is_good(header) || size < BLOCK_SIZE_FIRST || size > BLOCK_SIZE_LAST ||
        header[BLOCK_SIZE_AT] != size << BLOCK_SIZE_SHIFT)
        return UNLZ4_UNKNOWN;
    if (little_endian(header + CONTENT_SIZE_AT, 8) != rest->room)
        return UNLZ4_WRONG_SIZE;
    rest->block_size = (size_t)1 << (8 + 2 * size);
    rest->bytes += HEADER_SIZE;
    rest->size -= HEADER_SIZE;
    return UNLZ4_OK;
}

/* A block holds neither more nor less than there is room for, up to its whole size. */
static bool unpack(struct rest *rest, size_t length, bool stored) {
    const size_t wanted = rest->room < rest->block_size ? rest->room : rest->block_size;
    bool good = length <= rest->block_size;
    if (good && stored) {
        good = length == wanted;
        memcpy(rest->to, rest->bytes, good ? wanted : 0);
    } else if (good) {
        const int written = LZ4_decompress_safe((const char *)rest->bytes, (char *)rest->to, (int)length, (int)wanted);
        good = written >= 0 && (size_t)written == wanted;
    }
    rest->to += wanted;
    rest->room -= wanted;
    return good;
}

/* @param end out: it was the mark behind the last block */
static enum unlz4_error read_block(struct rest *rest, bool *end) {
    if (rest->size < LENGTH_SIZE)
        return UNLZ4_TRUNCATED;
    const uint32_t word = (uint32_t)little_endian(rest->bytes, LENGTH_SIZE);
    const size_t length = word & ~STORED;
    rest->bytes += LENGTH_SIZE;
    rest->size -= LENGTH_SIZE;
    *end = word == 0;
    if (*end || rest->room == 0)
        return *end && rest->room == 0 && rest->size == 0 ? UNLZ4_OK : UNLZ4_DAMAGED;
    if (length > rest->size)
        return UNLZ4_TRUNCATED;
    if (!unpack(rest, length, (word & STORED) != 0))
        return UNLZ4_DAMAGED;
    rest->bytes += length;
    rest->size -= length;
    return UNLZ4_OK;
}

enum unlz4_error unlz4(const void *data, size_t size, void *buffer, size_t buffer_size) {
    struct rest rest = {.bytes = data, .size = size, .to = buffer, .room = buffer_size};
    bool end = false;
    enum unlz4_error error = read_header(&rest);
    while (error == UNLZ4_OK && !end)
        error = read_block(&rest, &end);
    return error;
}
