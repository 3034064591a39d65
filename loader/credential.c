// SPDX-License-Identifier: BSD-3-Clause
#include "credential.h"

#include <stdbool.h>
#include <string.h>

#define DIRECTORY ".extra"
#define CREDENTIALS DIRECTORY "/credentials"
#define TRAILER "TRAILER!!!"

enum {
    HEADER_SIZE = 110,
    FIELD_DIGITS = 8,
    PATH_SIZE = sizeof(CREDENTIALS) + 1 + CREDENTIAL_NAME_MAX, /* with the final NUL */
    MODE_DIRECTORY = 0040555,
    MODE_FILE = 0100400,
};

static size_t round_up(size_t size) { return (size + CREDENTIAL_ALIGNMENT - 1) & ~(size_t)(CREDENTIAL_ALIGNMENT - 1); }

uint64_t credential_offset(uint64_t initrd_size) {
    return (initrd_size + CREDENTIAL_ALIGNMENT - 1) & ~(uint64_t)(CREDENTIAL_ALIGNMENT - 1);
}

static bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_';
}

static bool is_name(const char *name) {
    size_t length = 0;
    for (; length <= CREDENTIAL_NAME_MAX && name[length] != '\0'; length++)
        if (!is_name_character(name[length]))
            return false;
    return length > 0 && length <= CREDENTIAL_NAME_MAX && name[0] != '.';
}

static enum credential_error check(const char *name, size_t secret_size) {
    if (!is_name(name))
        return CREDENTIAL_BAD_NAME;
    return secret_size > CREDENTIAL_SIZE_MAX ? CREDENTIAL_TOO_LONG : CREDENTIAL_OK;
}

static size_t entry_size(size_t path_length, size_t contents_size) {
    return round_up(HEADER_SIZE + path_length + 1) + round_up(contents_size);
}

size_t credential_size(const char *name, size_t secret_size) {
    if (check(name, secret_size) != CREDENTIAL_OK)
        return 0;
    return entry_size(strlen(DIRECTORY), 0) + entry_size(strlen(CREDENTIALS), 0) +
           entry_size(strlen(CREDENTIALS) + 1 + strlen(name), secret_size) + entry_size(strlen(TRAILER), 0);
}

/** What is written of an archive so far; room was checked before. */
struct archive {
    uint8_t *at;
    uint32_t inode; /* of the last entry: none may be like another */
};

static void put_field(struct archive *archive, uint32_t value) {
    static const char digits[] = "0123456789abcdef";
    for (unsigned shift = FIELD_DIGITS * 4; shift > 0; shift -= 4)
        *archive->at++ = (uint8_t)digits[value >> (shift - 4) & 15];
}

/* Copies and pads with zeros to the next boundary, `before` bytes of the same piece being there already. */
static void put_padded(struct archive *archive, const void *data, size_t size, size_t before) {
    size_t padding = round_up(before + size) - before - size;
    if (size > 0)
        memcpy(archive->at, data, size);
    memset(archive->at + size, 0, padding);
    archive->at += size + padding;
}

static void put_entry(struct archive *archive, const char *path, uint32_t mode, const void *contents, size_t size) {
    const size_t path_size = strlen(path) + 1;
    const uint32_t links = mode == MODE_DIRECTORY ? 2 : 1;
    const uint32_t fields[] = {archive->inode++,    mode, 0, 0, links, 0, (uint32_t)size, 0, 0, 0, 0,
                               (uint32_t)path_size, 0};
    memcpy(archive->at, "070701", 6);
    archive->at += 6;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        put_field(archive, fields[i]);
    put_padded(archive, path, path_size, HEADER_SIZE);
    put_padded(archive, contents, size, 0);
}

enum credential_error credential_write(const char *name, const void *secret, size_t secret_size, void *buffer,
                                       size_t room, size_t *size) {
    char path[PATH_SIZE] = CREDENTIALS "/";
    struct archive archive = {.at = buffer, .inode = 1};
    enum credential_error error = check(name, secret_size);
    *size = 0;
    if (error != CREDENTIAL_OK)
        return error;
    if (room < credential_size(name, secret_size))
        return CREDENTIAL_NO_ROOM;
    memcpy(path + strlen(path), name, strlen(name) + 1);
    put_entry(&archive, DIRECTORY, MODE_DIRECTORY, NULL, 0);
    put_entry(&archive, CREDENTIALS, MODE_DIRECTORY, NULL, 0);
    put_entry(&archive, path, MODE_FILE, secret, secret_size);
    archive.inode = 0;
    put_entry(&archive, TRAILER, 0, NULL, 0);
    *size = (size_t)(archive.at - (uint8_t *)buffer);
    return CREDENTIAL_OK;
}

const char *credential_error_text(enum credential_error error) {
    switch (error) {
    case CREDENTIAL_OK:
        return "no error";
    case CREDENTIAL_BAD_NAME:
        return "not a credential's name";
    case CREDENTIAL_TOO_LONG:
        return "the credential is too long";
    case CREDENTIAL_NO_ROOM:
        return "no room for the credential";
    }
    return "unknown error";
}
