// SPDX-License-Identifier: BSD-3-Clause
#include "text.h"

#include <string.h>

bool text_is_blank(const uint8_t *file, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (file[i] != 0)
            return false;
    return true;
}

size_t text_unpadded(const uint8_t *file, size_t size) {
    struct cbor_reader reader = cbor_read(file, size);
    struct cbor_bytes item = cbor_read_item(&reader);
    return !reader.failed && text_is_blank(reader.next, reader.left) ? item.size : 0;
}

uint64_t text_read_range(struct cbor_reader *reader, uint64_t least, uint64_t most) {
    uint64_t value = cbor_read_uint(reader);
    if (value < least || value > most)
        reader->failed = true;
    return reader->failed ? 0 : value;
}

void text_read(struct cbor_reader *reader, char *to, size_t size) {
    struct cbor_text text = cbor_read_text(reader, size - 1);
    if (!config_is_text(text.start, text.size))
        reader->failed = true;
    size_t kept = reader->failed ? 0 : text.size;
    memcpy(to, text.start, kept);
    to[kept] = '\0';
}

void text_read_name(struct cbor_reader *reader, char *to) {
    text_read(reader, to, CONFIG_NAME_SIZE);
    if (!config_is_name(to))
        reader->failed = true;
}

void text_read_file_name(struct cbor_reader *reader, char *to) {
    text_read(reader, to, CONFIG_FILE_NAME_SIZE);
    if (!config_is_file_name(to, strlen(to)))
        reader->failed = true;
}
