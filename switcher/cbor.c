// SPDX-License-Identifier: BSD-3-Clause
#include "switcher/cbor.h"

/* RFC 8949 3, 3.1 */
enum {
    MAJOR_UINT = 0,
    MAJOR_TEXT = 3,
    MAJOR_ARRAY = 4,
    INLINE_END = 24, /* below it the value is in the first byte */
    LARGEST = 27,    /* eight bytes follow */
};

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

static uint64_t read_argument(struct cbor_reader *reader, unsigned information) {
    uint64_t value = 0;
    unsigned bytes = 1u << (information - INLINE_END);
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | read_byte(reader);
    /* 4.2.1: what fits a shorter form must be in it. */
    uint64_t least = bytes == 1 ? INLINE_END : UINT64_C(1) << (bytes * 4);
    reader->failed |= value < least;
    return reader->failed ? 0 : value;
}

static uint64_t read_head(struct cbor_reader *reader, unsigned major) {
    uint8_t first = read_byte(reader);
    unsigned information = first & 0x1f;
    if (first >> 5 != major || information > LARGEST)
        reader->failed = true;
    if (reader->failed || information < INLINE_END)
        return reader->failed ? 0 : information;
    return read_argument(reader, information);
}

uint64_t cbor_read_uint(struct cbor_reader *reader) { return read_head(reader, MAJOR_UINT); }

uint64_t cbor_read_array(struct cbor_reader *reader) { return read_head(reader, MAJOR_ARRAY); }

struct cbor_text cbor_read_text(struct cbor_reader *reader, size_t most) {
    uint64_t size = read_head(reader, MAJOR_TEXT);
    if (size > most || size > reader->left)
        reader->failed = true;
    if (reader->failed)
        return (struct cbor_text){"", 0};
    struct cbor_text text = {(const char *)reader->next, (size_t)size};
    reader->next += size;
    reader->left -= (size_t)size;
    return text;
}

bool cbor_read_end(const struct cbor_reader *reader) { return !reader->failed && reader->left == 0; }

struct cbor_writer cbor_write(uint8_t *data, size_t room) {
    return (struct cbor_writer){.start = data, .room = room};
}

static void write_byte(struct cbor_writer *writer, uint8_t value) {
    if (writer->size == writer->room)
        writer->failed = true;
    else
        writer->start[writer->size++] = value;
}

static void write_head(struct cbor_writer *writer, unsigned major, uint64_t value) {
    unsigned information = (unsigned)value;
    unsigned bytes = 0;
    if (value >= INLINE_END) {
        information = value >> 8 == 0 ? 24 : value >> 16 == 0 ? 25 : value >> 32 == 0 ? 26 : LARGEST;
        bytes = 1u << (information - INLINE_END);
    }
    write_byte(writer, (uint8_t)(major << 5 | information));
    while (bytes-- > 0)
        write_byte(writer, (uint8_t)(value >> bytes * 8));
}

void cbor_write_uint(struct cbor_writer *writer, uint64_t value) { write_head(writer, MAJOR_UINT, value); }

void cbor_write_array(struct cbor_writer *writer, uint64_t count) { write_head(writer, MAJOR_ARRAY, count); }

void cbor_write_text(struct cbor_writer *writer, const char *text) {
    size_t size = 0;
    while (text[size] != '\0')
        size++;
    write_head(writer, MAJOR_TEXT, size);
    for (size_t i = 0; i < size; i++)
        write_byte(writer, (uint8_t)text[i]);
}
