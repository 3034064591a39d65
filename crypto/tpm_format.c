// SPDX-License-Identifier: BSD-3-Clause
#include "tpm_format.h"

#include <string.h>

struct tpm_reader tpm_read(const uint8_t *data, size_t size) {
    return (struct tpm_reader){data, size, false};
}

struct tpm_bytes tpm_get_bytes(struct tpm_reader *reader, size_t size) {
    if (reader->failed || size > reader->left) {
        reader->failed = true;
        return (struct tpm_bytes){reader->next, 0};
    }
    struct tpm_bytes bytes = {reader->next, size};
    reader->next += size;
    reader->left -= size;
    return bytes;
}

static uint64_t get(struct tpm_reader *reader, size_t size) {
    struct tpm_bytes bytes = tpm_get_bytes(reader, size);
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.size; i++)
        value = value << 8 | bytes.start[i];
    return value;
}

uint8_t tpm_get_u8(struct tpm_reader *reader) { return (uint8_t)get(reader, 1); }

uint16_t tpm_get_u16(struct tpm_reader *reader) { return (uint16_t)get(reader, 2); }

uint32_t tpm_get_u32(struct tpm_reader *reader) { return (uint32_t)get(reader, 4); }

uint64_t tpm_get_u64(struct tpm_reader *reader) { return get(reader, 8); }

struct tpm_bytes tpm_get_sized(struct tpm_reader *reader, size_t most) {
    size_t size = tpm_get_u16(reader);
    if (size > most)
        reader->failed = true;
    return tpm_get_bytes(reader, size);
}

bool tpm_read_end(const struct tpm_reader *reader) { return !reader->failed && reader->left == 0; }

struct tpm_writer tpm_write(uint8_t *data, size_t room) {
    return (struct tpm_writer){data, room, 0, false};
}

void tpm_put_bytes(struct tpm_writer *writer, const void *bytes, size_t size) {
    if (writer->failed || size > writer->room - writer->size) {
        writer->failed = true;
        return;
    }
    if (size != 0)
        memcpy(writer->start + writer->size, bytes, size);
    writer->size += size;
}

void tpm_put_u8(struct tpm_writer *writer, uint8_t value) { tpm_put_bytes(writer, &value, 1); }

void tpm_put_u16(struct tpm_writer *writer, uint32_t value) {
    const uint8_t bytes[] = {(uint8_t)(value >> 8), (uint8_t)value};
    tpm_put_bytes(writer, bytes, sizeof(bytes));
}

void tpm_put_u32(struct tpm_writer *writer, uint32_t value) {
    tpm_put_u16(writer, value >> 16);
    tpm_put_u16(writer, value & 0xffff);
}

void tpm_put_sized(struct tpm_writer *writer, const void *bytes, size_t size) {
    if (size > UINT16_MAX)
        writer->failed = true;
    tpm_put_u16(writer, (uint32_t)(size & UINT16_MAX));
    tpm_put_bytes(writer, bytes, size);
}
