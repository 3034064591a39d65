// SPDX-License-Identifier: BSD-3-Clause
#define _POSIX_C_SOURCE 200809L
#include "usim_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "crypto/cbor.h"
#include "crypto/hkdf.h"

/* persona/cli/cli.cddl */
enum { FORMAT = 1, INDEX_ITEMS = 2, ROW_ITEMS = 3, ROW_SIZE = 1 + 9 + 9 + 1 + AEAD_NONCE_SIZE, HEAD_SIZE = 16 };

enum { ROWS_MAX = 1 << 24 };

bool usim_rows_add(struct usim_rows *rows, const struct usim_row *row) {
    struct usim_row *larger = array_with_room(rows->rows, sizeof(*larger), rows->count, &rows->room);
    if (larger == NULL)
        return false;
    rows->rows = larger;
    rows->rows[rows->count++] = *row;
    return true;
}

void usim_rows_free(struct usim_rows *rows) {
    if (rows->rows != NULL)
        crypto_wipe(rows->rows, rows->room * sizeof(*rows->rows));
    free(rows->rows);
    *rows = (struct usim_rows){.rows = NULL};
}

static bool parse(const uint8_t *plain, size_t size, struct usim_rows *rows) {
    struct cbor_reader reader = cbor_read(plain, size);
    (void)cbor_read_array_of(&reader, INDEX_ITEMS, INDEX_ITEMS);
    bool good = cbor_read_uint(&reader) == FORMAT;
    uint64_t count = cbor_read_array_of(&reader, 0, ROWS_MAX), last = 0;
    for (uint64_t i = 0; i < count && good; i++) {
        struct usim_row row;
        (void)cbor_read_array_of(&reader, ROW_ITEMS, ROW_ITEMS);
        row.iccid = cbor_read_uint(&reader);
        row.imsi = cbor_read_uint(&reader);
        cbor_read_exactly(&reader, row.tag.bytes, sizeof(row.tag.bytes));
        good = !reader.failed && (i == 0 || row.iccid > last) && usim_rows_add(rows, &row);
        last = row.iccid;
    }
    return good && cbor_read_end(&reader);
}

static bool unseal(const struct usim_directory *directory, const char *path, size_t size, struct usim_rows *rows) {
    size_t plain_size = size - SEAL_OVERHEAD, got = 0;
    uint8_t *sealed = malloc(size), *plain = malloc(plain_size);
    bool good = sealed != NULL && plain != NULL && file_read(path, sealed, size, &got) && got == size &&
                usim_unseal(directory->key, SEAL_INDEX, sealed, plain, plain_size) == USIM_OK &&
                parse(plain, plain_size, rows);
    if (plain != NULL)
        crypto_wipe(plain, plain_size);
    free(plain);
    free(sealed);
    return good;
}

static bool index_path(const struct usim_directory *directory, char *path) {
    return path_of(path, "%s/usim.index", directory->path);
}

bool usim_index_read(const struct usim_directory *directory, struct usim_rows *rows) {
    char path[CLI_PATH_SIZE];
    struct stat status;
    if (!index_path(directory, path))
        return false;
    bool there = stat(path, &status) == 0;
    if (!there && errno == ENOENT)
        return true;
    if (there && S_ISREG(status.st_mode) && status.st_size > SEAL_OVERHEAD &&
        status.st_size <= HEAD_SIZE + (off_t)ROW_SIZE * ROWS_MAX + SEAL_OVERHEAD &&
        unseal(directory, path, (size_t)status.st_size, rows))
        return true;
    cli_error("%s: altered or damaged; all profiles are read instead", path);
    rows->count = 0;
    return false;
}

static int compare(const void *left, const void *right) {
    uint64_t a = ((const struct usim_row *)left)->iccid, b = ((const struct usim_row *)right)->iccid;
    return a < b ? -1 : a > b;
}

const struct usim_row *usim_index_find(const struct usim_rows *rows, uint64_t iccid, const struct usim_tag *tag) {
    const struct usim_row wanted = {.iccid = iccid};
    if (rows->count == 0)
        return NULL;
    const struct usim_row *row = bsearch(&wanted, rows->rows, rows->count, sizeof(wanted), compare);
    return row != NULL && memcmp(row->tag.bytes, tag->bytes, sizeof(tag->bytes)) == 0 ? row : NULL;
}

static size_t encode(const struct usim_rows *rows, uint8_t *plain, size_t room) {
    struct cbor_writer writer = cbor_write(plain, room);
    cbor_write_array(&writer, INDEX_ITEMS);
    cbor_write_uint(&writer, FORMAT);
    cbor_write_array(&writer, rows->count);
    for (size_t i = 0; i < rows->count; i++) {
        cbor_write_array(&writer, ROW_ITEMS);
        cbor_write_uint(&writer, rows->rows[i].iccid);
        cbor_write_uint(&writer, rows->rows[i].imsi);
        cbor_write_bytes(&writer, rows->rows[i].tag.bytes, sizeof(rows->rows[i].tag.bytes));
    }
    return writer.failed ? 0 : writer.size;
}

bool usim_index_write(const struct usim_directory *directory, struct usim_rows *rows) {
    char path[CLI_PATH_SIZE];
    size_t room = HEAD_SIZE + rows->count * ROW_SIZE;
    if (rows->count == 0 || rows->count > ROWS_MAX)
        return true;
    uint8_t *plain = malloc(room), *sealed = malloc(room + SEAL_OVERHEAD);
    qsort(rows->rows, rows->count, sizeof(*rows->rows), compare);
    size_t size = plain == NULL || sealed == NULL ? 0 : encode(rows, plain, room);
    bool good = size > 0 && usim_seal(directory->key, SEAL_INDEX, plain, size, sealed) == USIM_OK &&
                index_path(directory, path) && file_write(path, sealed, size + SEAL_OVERHEAD, true);
    if (plain != NULL)
        crypto_wipe(plain, room);
    free(plain);
    free(sealed);
    return good;
}
