// SPDX-License-Identifier: BSD-3-Clause
#include "cbor_format.h"

#include <string.h>

enum { DEEPEST = 8 };

struct cbor_reader cbor_read(const uint8_t *data, size_t size) {
    return (struct cbor_reader){.next = data, .left = size};
}

static uint8_t read_byte(struct cbor_reader *reader) {
    if (reader->left == 0)
        reader->failed = true;
    if (reader->failed)
        return 0;
    reader->left--;
    return *reader->next++;
}

/* @return the bytes' place, NULL when there are fewer */
static const uint8_t *take(struct cbor_reader *reader, uint64_t size) {
    if (size > reader->left)
        reader->failed = true;
    if (reader->failed)
        return NULL;
    const uint8_t *start = reader->next;
    reader->next += size;
    reader->left -= (size_t)size;
    return start;
}

static uint64_t read_argument(struct cbor_reader *reader, unsigned information) {
    uint64_t value = 0;
    if (information < CBOR_INLINE_END)
        return information;
    if (information > CBOR_LARGEST) {
        reader->failed = true;
        return 0;
    }
    unsigned bytes = 1u << (information - CBOR_INLINE_END);
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | read_byte(reader);
    /* 4.2.1: what fits a shorter form must be in it. */
    uint64_t least = bytes == 1 ? CBOR_INLINE_END : UINT64_C(1) << (bytes * 4);
    reader->failed |= value < least;
    return reader->failed ? 0 : value;
}

static uint64_t read_head(struct cbor_reader *reader, unsigned major) {
    uint8_t first = read_byte(reader);
    if (first >> 5 != major)
        reader->failed = true;
    return reader->failed ? 0 : read_argument(reader, first & 0x1f);
}

static bool next_is(const struct cbor_reader *reader, uint8_t first) {
    return !reader->failed && reader->left > 0 && *reader->next == first;
}

uint64_t cbor_read_uint(struct cbor_reader *reader) { return read_head(reader, CBOR_UINT); }

int64_t cbor_read_int(struct cbor_reader *reader) {
    bool negative = reader->left > 0 && *reader->next >> 5 == CBOR_NEGATIVE;
    uint64_t value = read_head(reader, negative ? CBOR_NEGATIVE : CBOR_UINT);
    if (value > INT64_MAX)
        reader->failed = true;
    if (reader->failed)
        return 0;
    return negative ? -1 - (int64_t)value : (int64_t)value;
}

bool cbor_read_bool(struct cbor_reader *reader) {
    bool value = next_is(reader, CBOR_TRUE);
    if (!value && !next_is(reader, CBOR_FALSE))
        reader->failed = true;
    (void)read_byte(reader);
    return value;
}

bool cbor_read_if_null(struct cbor_reader *reader) {
    bool is_null = next_is(reader, CBOR_NULL);
    if (is_null)
        (void)read_byte(reader);
    return is_null;
}

void cbor_read_null(struct cbor_reader *reader) {
    if (!cbor_read_if_null(reader))
        reader->failed = true;
}

uint64_t cbor_read_array(struct cbor_reader *reader) { return read_head(reader, CBOR_ARRAY); }

uint64_t cbor_read_array_of(struct cbor_reader *reader, uint64_t least, uint64_t most) {
    uint64_t items = cbor_read_array(reader);
    if (items < least || items > most)
        reader->failed = true;
    return reader->failed ? 0 : items;
}

void cbor_read_tag(struct cbor_reader *reader, uint64_t tag) {
    if (read_head(reader, CBOR_TAG) != tag)
        reader->failed = true;
}

/* @return an empty string that is not NULL when failed */
static struct cbor_bytes read_string(struct cbor_reader *reader, unsigned major, size_t most) {
    static const uint8_t nothing;
    uint64_t size = read_head(reader, major);
    if (size > most)
        reader->failed = true;
    const uint8_t *start = take(reader, size);
    return start == NULL ? (struct cbor_bytes){&nothing, 0} : (struct cbor_bytes){start, (size_t)size};
}

struct cbor_text cbor_read_text(struct cbor_reader *reader, size_t most) {
    struct cbor_bytes bytes = read_string(reader, CBOR_TEXT, most);
    return (struct cbor_text){(const char *)bytes.start, bytes.size};
}

struct cbor_bytes cbor_read_bytes(struct cbor_reader *reader, size_t most) {
    return read_string(reader, CBOR_BYTES, most);
}

void cbor_read_exactly(struct cbor_reader *reader, uint8_t *to, size_t size) {
    struct cbor_bytes bytes = cbor_read_bytes(reader, size);
    if (bytes.size != size)
        reader->failed = true;
    if (reader->failed)
        memset(to, 0, size);
    else
        memcpy(to, bytes.start, size);
}

struct cbor_map cbor_read_map(struct cbor_reader *reader) {
    return (struct cbor_map){.left = read_head(reader, CBOR_MAP)};
}

bool cbor_map_has(struct cbor_reader *reader, struct cbor_map *map, int64_t key) {
    struct cbor_reader ahead = *reader;
    if (reader->failed || map->left == 0 || cbor_read_int(&ahead) != key || ahead.failed)
        return false;
    *reader = ahead;
    map->left--;
    return true;
}

void cbor_map_need(struct cbor_reader *reader, struct cbor_map *map, int64_t key) {
    if (!cbor_map_has(reader, map, key))
        reader->failed = true;
}

void cbor_map_end(struct cbor_reader *reader, const struct cbor_map *map) {
    if (map->left != 0)
        reader->failed = true;
}

/* 3.3: simple values below 32 are in the first byte; floating point has 2, 4 or 8 bytes of any value. */
static void skip_simple(struct cbor_reader *reader, unsigned information) {
    if (information > CBOR_LARGEST || (information == CBOR_INLINE_END && read_byte(reader) < 32))
        reader->failed = true;
    else if (information > CBOR_INLINE_END)
        (void)take(reader, UINT64_C(1) << (information - CBOR_INLINE_END));
}

static void skip(struct cbor_reader *reader, unsigned depth) {
    uint8_t first = read_byte(reader);
    unsigned major = first >> 5;
    if (depth == DEEPEST)
        reader->failed = true;
    if (reader->failed)
        return;
    if (major == CBOR_SIMPLE) {
        skip_simple(reader, first & 0x1f);
        return;
    }
    uint64_t value = read_argument(reader, first & 0x1f);
    if (major == CBOR_BYTES || major == CBOR_TEXT)
        (void)take(reader, value);
    uint64_t items = major == CBOR_TAG ? 1 : major == CBOR_ARRAY || major == CBOR_MAP ? value : 0;
    for (uint64_t i = 0; i < items && !reader->failed; i++) {
        skip(reader, depth + 1);
        if (major == CBOR_MAP)
            skip(reader, depth + 1);
    }
}

struct cbor_bytes cbor_read_item(struct cbor_reader *reader) {
    const uint8_t *start = reader->next;
    skip(reader, 0);
    return (struct cbor_bytes){start, reader->failed ? 0 : (size_t)(reader->next - start)};
}

bool cbor_read_end(const struct cbor_reader *reader) { return !reader->failed && reader->left == 0; }

bool cbor_text_equal(struct cbor_text text, const char *other) {
    for (size_t i = 0; i < text.size; i++)
        if (other[i] == '\0' || other[i] != text.start[i])
            return false;
    return other[text.size] == '\0';
}

bool cbor_bytes_equal(struct cbor_bytes bytes, const void *other, size_t size) {
    return bytes.size == size && memcmp(bytes.start, other, size) == 0;
}
