// SPDX-License-Identifier: BSD-3-Clause
#include "bundle.h"

#include <stdbool.h>
#include <string.h>

enum {
    HEADER_SIZE = 110,
    MAGIC_SIZE = 6,
    FIELD_DIGITS = 8,
    FIELDS = 13,
    FIELD_INODE = 0,
    FIELD_MODE = 1,
    FIELD_LINKS = 4,
    FIELD_FILE_SIZE = 6,
    FIELD_NAME_SIZE = 11,
    ALIGNMENT = 4,
    MODE_FILE = 0100400,
    ENTRIES = BUNDLE_PARTS + 1, /* `about` is the last */

    KIB = 1024,
    PLACE = 2 * 1024 * 1024,
    PLACES = 6,
    KERNEL_BEYOND_IMAGE = 16 * 1024 * 1024, /* bytes that a kernel may need beyond its Image: what starts as zeros */
};

static const char *const names[ENTRIES] = {"slots", "content.own", "kernel", "initrd", "about"};
static const char magic[] = "070701";
static const char trailer[] = "TRAILER!!!";

static size_t round_up(size_t size) { return (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1); }

static size_t entry_size(const char *name, size_t size) {
    return round_up(HEADER_SIZE + strlen(name) + 1) + round_up(size);
}

size_t bundle_size(const struct bundle *bundle) {
    size_t size = entry_size(names[BUNDLE_PARTS], sizeof(bundle->about)) + entry_size(trailer, 0);
    for (unsigned i = 0; i < BUNDLE_PARTS; i++) {
        if (bundle->parts[i].size > UINT32_MAX)
            return 0;
        size += entry_size(names[i], bundle->parts[i].size);
    }
    return size;
}

uint64_t bundle_room(const struct bundle *bundle, uint64_t kernel_unpacked, uint32_t pin_memory_kib) {
    /* The kernel twice, where it has to be unpacked, and what is compressed once more; a device tree; each part on a
     * boundary of its own. */
    uint64_t files = kernel_unpacked + KERNEL_BEYOND_IMAGE + (uint64_t)PLACES * PLACE;
    for (unsigned i = BUNDLE_KERNEL; i <= BUNDLE_INITRD; i++)
        files += bundle->parts[i].size + bundle->about.unpacked[i];
    uint64_t pin = (uint64_t)pin_memory_kib * KIB + PLACE;
    return files > pin ? files : pin;
}

static uint8_t *put_field(uint8_t *at, uint32_t value) {
    static const char digits[] = "0123456789abcdef";
    for (unsigned shift = FIELD_DIGITS * 4; shift > 0; shift -= 4)
        *at++ = (uint8_t)digits[value >> (shift - 4) & 15];
    return at;
}

static uint8_t *put_padded(uint8_t *at, const void *data, size_t size, size_t before) {
    size_t padding = round_up(before + size) - before - size;
    if (data != NULL)
        memcpy(at, data, size);
    memset(at + size, 0, padding);
    return at + size + padding;
}

static uint8_t *put_entry(uint8_t *at, const char *name, uint32_t inode, const void *contents, size_t size) {
    uint32_t fields[FIELDS] = {0};
    fields[FIELD_INODE] = inode;
    fields[FIELD_MODE] = inode == 0 ? 0 : MODE_FILE;
    fields[FIELD_LINKS] = 1;
    fields[FIELD_FILE_SIZE] = (uint32_t)size;
    fields[FIELD_NAME_SIZE] = (uint32_t)strlen(name) + 1;
    memcpy(at, magic, MAGIC_SIZE);
    at += MAGIC_SIZE;
    for (unsigned i = 0; i < FIELDS; i++)
        at = put_field(at, fields[i]);
    at = put_padded(at, name, strlen(name) + 1, HEADER_SIZE);
    return put_padded(at, contents, size, 0);
}

enum bundle_error bundle_write(const struct bundle *bundle, void *buffer, size_t room) {
    size_t size = bundle_size(bundle);
    uint8_t *at = buffer;
    if (size == 0 || size > room)
        return BUNDLE_TOO_LARGE;
    for (unsigned i = 0; i < BUNDLE_PARTS; i++)
        at = put_entry(at, names[i], i + 1, bundle->parts[i].bytes, bundle->parts[i].size);
    at = put_entry(at, names[BUNDLE_PARTS], BUNDLE_PARTS + 1, &bundle->about, sizeof(bundle->about));
    (void)put_entry(at, trailer, 0, NULL, 0);
    return BUNDLE_OK;
}

/* What is left to be read. */
struct rest {
    const uint8_t *bytes;
    size_t size;
};

struct entry {
    const char *name; /* ends with a NUL */
    struct bundle_part contents;
};

static bool digit_of(uint8_t byte, uint32_t *digit) {
    if (byte >= '0' && byte <= '9')
        *digit = (uint32_t)byte - '0';
    else if (byte >= 'a' && byte <= 'f')
        *digit = (uint32_t)byte - 'a' + 10;
    else
        return false;
    return true;
}

static bool field_of(const struct rest *rest, unsigned field, uint32_t *value) {
    const uint8_t *at = rest->bytes + MAGIC_SIZE + (size_t)field * FIELD_DIGITS;
    *value = 0;
    for (unsigned i = 0; i < FIELD_DIGITS; i++) {
        uint32_t digit = 0;
        if (!digit_of(at[i], &digit))
            return false;
        *value = *value << 4 | digit;
    }
    return true;
}

static bool take_entry(struct rest *rest, struct entry *entry) {
    uint32_t name_size = 0;
    uint32_t file_size = 0;
    if (rest->size < HEADER_SIZE || memcmp(rest->bytes, magic, MAGIC_SIZE) != 0 ||
        !field_of(rest, FIELD_NAME_SIZE, &name_size) || !field_of(rest, FIELD_FILE_SIZE, &file_size))
        return false;
    size_t contents = round_up((size_t)HEADER_SIZE + name_size);
    size_t end = contents + round_up(file_size);
    if (name_size == 0 || contents > rest->size || end > rest->size || rest->bytes[HEADER_SIZE + name_size - 1] != '\0')
        return false;
    entry->name = (const char *)rest->bytes + HEADER_SIZE;
    entry->contents = (struct bundle_part){rest->bytes + contents, file_size};
    rest->bytes += end;
    rest->size -= end;
    return true;
}

static bool is_text(const char *text, size_t size) { return memchr(text, '\0', size) != NULL; }

static bool take_about(struct bundle *bundle, const struct bundle_part *contents) {
    if (contents->size != sizeof(bundle->about))
        return false;
    memcpy(&bundle->about, contents->bytes, sizeof(bundle->about));
    return is_text(bundle->about.name, sizeof(bundle->about.name)) &&
           is_text(bundle->about.title, sizeof(bundle->about.title));
}

static bool take_part(struct bundle *bundle, const struct entry *entry, unsigned *found) {
    for (unsigned i = 0; i < ENTRIES; i++) {
        if (strcmp(entry->name, names[i]) != 0)
            continue;
        if ((*found >> i & 1) != 0)
            return false;
        *found |= 1U << i;
        if (i == BUNDLE_PARTS)
            return take_about(bundle, &entry->contents);
        bundle->parts[i] = entry->contents;
        return true;
    }
    return false;
}

static bool take_all(struct bundle *bundle, struct rest rest) {
    struct entry entry;
    unsigned found = 0;
    while (take_entry(&rest, &entry)) {
        if (strcmp(entry.name, trailer) == 0)
            return found == (1U << ENTRIES) - 1;
        if (!take_part(bundle, &entry, &found))
            return false;
    }
    return false;
}

enum bundle_error bundle_read(struct bundle *bundle, const void *data, size_t size) {
    memset(bundle, 0, sizeof(*bundle));
    if (take_all(bundle, (struct rest){data, size}))
        return BUNDLE_OK;
    memset(bundle, 0, sizeof(*bundle));
    return BUNDLE_DAMAGED;
}

const char *bundle_error_text(enum bundle_error error) {
    switch (error) {
    case BUNDLE_OK:
        return "no error";
    case BUNDLE_TOO_LARGE:
        return "the files are too large to be handed over";
    case BUNDLE_DAMAGED:
        return "what the loader handed over is damaged";
    }
    return "unknown error";
}
