// SPDX-License-Identifier: BSD-3-Clause
#include "cbor_format.h"

#include <string.h>

struct cbor_writer cbor_write(uint8_t *data, size_t room) {
    return (struct cbor_writer){.start = data, .room = room};
}

uint8_t *cbor_write_space(struct cbor_writer *writer, size_t size) {
    if (size > writer->room - writer->size)
        writer->failed = true;
    if (writer->failed)
        return NULL;
    writer->size += size;
    return writer->start + writer->size - size;
}

void cbor_write_raw(struct cbor_writer *writer, const void *items, size_t size) {
    uint8_t *space = cbor_write_space(writer, size);
    if (space != NULL && size > 0)
        memcpy(space, items, size);
}

static void write_byte(struct cbor_writer *writer, uint8_t value) { cbor_write_raw(writer, &value, 1); }

static void write_head(struct cbor_writer *writer, unsigned major, uint64_t value) {
    unsigned information = (unsigned)value;
    unsigned bytes = 0;
    if (value >= CBOR_INLINE_END) {
        information = value >> 8 == 0 ? 24 : value >> 16 == 0 ? 25 : value >> 32 == 0 ? 26 : CBOR_LARGEST;
        bytes = 1u << (information - CBOR_INLINE_END);
    }
    write_byte(writer, (uint8_t)(major << 5 | information));
    while (bytes-- > 0)
        write_byte(writer, (uint8_t)(value >> bytes * 8));
}

void cbor_write_uint(struct cbor_writer *writer, uint64_t value) { write_head(writer, CBOR_UINT, value); }

void cbor_write_int(struct cbor_writer *writer, int64_t value) {
    if (value < 0)
        write_head(writer, CBOR_NEGATIVE, (uint64_t)(-1 - value));
    else
        write_head(writer, CBOR_UINT, (uint64_t)value);
}

void cbor_write_bool(struct cbor_writer *writer, bool value) { write_byte(writer, value ? CBOR_TRUE : CBOR_FALSE); }

void cbor_write_null(struct cbor_writer *writer) { write_byte(writer, CBOR_NULL); }

void cbor_write_array(struct cbor_writer *writer, uint64_t count) { write_head(writer, CBOR_ARRAY, count); }

void cbor_write_map(struct cbor_writer *writer, uint64_t count) { write_head(writer, CBOR_MAP, count); }

void cbor_write_tag(struct cbor_writer *writer, uint64_t tag) { write_head(writer, CBOR_TAG, tag); }

void cbor_write_text(struct cbor_writer *writer, const char *text) {
    size_t size = 0;
    while (text[size] != '\0')
        size++;
    write_head(writer, CBOR_TEXT, size);
    cbor_write_raw(writer, text, size);
}

void cbor_write_bytes_head(struct cbor_writer *writer, uint64_t size) { write_head(writer, CBOR_BYTES, size); }

void cbor_write_bytes(struct cbor_writer *writer, const void *bytes, size_t size) {
    cbor_write_bytes_head(writer, size);
    cbor_write_raw(writer, bytes, size);
}
