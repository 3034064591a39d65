// SPDX-License-Identifier: BSD-3-Clause
#define _POSIX_C_SOURCE 200809L
/* Any bytes as CBOR: what is read as items and written again is the same bytes. */
#include "crypto/cbor.h"

#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void copy(struct cbor_reader *reader, struct cbor_writer *writer, unsigned depth);

static void copy_items(struct cbor_reader *reader, struct cbor_writer *writer, uint64_t count, unsigned depth) {
    for (uint64_t i = 0; i < count && !reader->failed; i++)
        copy(reader, writer, depth + 1);
}

static void copy_string(struct cbor_reader *reader, struct cbor_writer *writer, bool is_text) {
    struct cbor_text text;
    if (!is_text) {
        struct cbor_bytes bytes = cbor_read_bytes(reader, SIZE_MAX);
        cbor_write_bytes(writer, bytes.start, bytes.size);
        return;
    }
    text = cbor_read_text(reader, SIZE_MAX);
    if (memchr(text.start, '\0', text.size) != NULL) {
        reader->failed = true;
        return;
    }
    char *copied = strndup(text.start, text.size);
    cbor_write_text(writer, copied);
    free(copied);
}

static void copy(struct cbor_reader *reader, struct cbor_writer *writer, unsigned depth) {
    uint64_t count;
    unsigned major = reader->left > 0 ? *reader->next >> 5 : 0;
    if (depth == DEEPEST) {
        reader->failed = true;
    } else if (major == 0) {
        cbor_write_uint(writer, cbor_read_uint(reader));
    } else if (major == 1) {
        cbor_write_int(writer, cbor_read_int(reader));
    } else if (major == 2 || major == 3) {
        copy_string(reader, writer, major == 3);
    } else if (major == 4) {
        cbor_write_array(writer, count = cbor_read_array(reader));
        copy_items(reader, writer, count, depth);
    } else if (major == 5) {
        cbor_write_map(writer, count = cbor_read_map(reader).left);
        for (uint64_t i = 0; i < count && !reader->failed; i++)
            copy_items(reader, writer, 2, depth);
    } else if (cbor_read_if_null(reader)) {
        cbor_write_null(writer);
    } else {
        cbor_write_bool(writer, cbor_read_bool(reader));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct cbor_reader skipped = cbor_read(data, size);
    struct cbor_reader reader = cbor_read(data, size);
    uint8_t *written = malloc(size + 16);
    struct cbor_writer writer = cbor_write(written, size + 16);
    struct cbor_bytes item = cbor_read_item(&skipped);

    copy(&reader, &writer, 0);
    if (!reader.failed &&
        (writer.failed || skipped.failed || writer.size != item.size || memcmp(written, data, writer.size) != 0))
        abort();
    free(written);
    return 0;
}
