// SPDX-License-Identifier: BSD-3-Clause
#include "initrd.h"

#include "gunzip.h"
#include "little_endian.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <zlib.h>

/** What is left of the file. */
struct rest {
    const uint8_t *bytes;
    size_t size;
};

static bool begins_with(const struct rest *rest, const char *magic, size_t size) {
    return rest->size >= size && memcmp(rest->bytes, magic, size) == 0;
}

static void skip(struct rest *rest, size_t count) {
    rest->bytes += count;
    rest->size -= count;
}

static uint32_t little_endian_32(const uint8_t *bytes) { return (uint32_t)little_endian(bytes, 4); }

/* cpio, the "newc" format: a header of ASCII hexadecimal fields, the name, the contents, both padded to 4 bytes. */
enum {
    CPIO_HEADER_SIZE = 110,
    CPIO_FILE_SIZE_AT = 54,
    CPIO_NAME_SIZE_AT = 94,
    CPIO_FIELD_SIZE = 8,
    CPIO_ALIGNMENT = 4,
};

static bool is_cpio(const struct rest *rest) {
    return begins_with(rest, "070701", 6) || begins_with(rest, "070702", 6);
}

static bool hexadecimal(const uint8_t *digits, uint32_t *value) {
    *value = 0;
    for (size_t i = 0; i < CPIO_FIELD_SIZE; i++) {
        const uint8_t digit = digits[i];
        uint32_t nibble;
        if (digit >= '0' && digit <= '9') {
            nibble = digit - (uint32_t)'0';
        } else if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f') {
            nibble = (digit | 0x20) - (uint32_t)'a' + 10;
        } else {
            return false;
        }
        *value = *value << 4 | nibble;
    }
    return true;
}

static uint64_t cpio_padded(uint64_t size) { return (size + CPIO_ALIGNMENT - 1) / CPIO_ALIGNMENT * CPIO_ALIGNMENT; }

/** Skips one entry. @param last out: whether it was the archive's trailer, whose padding may be missing */
static enum initrd_error skip_cpio_entry(struct rest *rest, bool *last) {
    static const char trailer[] = "TRAILER!!!";
    uint32_t file_size;
    uint32_t name_size;
    if (rest->size < CPIO_HEADER_SIZE) {
        return INITRD_TRUNCATED;
    }
    if (!is_cpio(rest) || !hexadecimal(rest->bytes + CPIO_FILE_SIZE_AT, &file_size) ||
        !hexadecimal(rest->bytes + CPIO_NAME_SIZE_AT, &name_size) || name_size == 0) {
        return INITRD_DAMAGED;
    }
    const uint64_t name_end = (uint64_t)CPIO_HEADER_SIZE + name_size;
    if (name_end > rest->size) {
        return INITRD_TRUNCATED;
    }
    *last = name_size == sizeof(trailer) && memcmp(rest->bytes + CPIO_HEADER_SIZE, trailer, sizeof(trailer)) == 0;
    const uint64_t size = *last ? name_end : cpio_padded(cpio_padded(name_end) + file_size);
    if (size > rest->size) {
        return INITRD_TRUNCATED;
    }
    skip(rest, (size_t)size);
    return INITRD_OK;
}

static enum initrd_error skip_cpio(struct rest *rest) {
    bool last = false;
    while (!last) {
        const enum initrd_error error = skip_cpio_entry(rest, &last);
        if (error != INITRD_OK) {
            return error;
        }
    }
    return INITRD_OK;
}

static bool is_gzip(const struct rest *rest) { return begins_with(rest, "\x1f\x8b", 2); }

static enum initrd_error skip_gzip(struct rest *rest) {
    size_t consumed = 0;
    switch (gunzip_check(rest->bytes, rest->size, &consumed)) {
    case GUNZIP_OK:
        skip(rest, consumed);
        return INITRD_OK;
    case GUNZIP_TRUNCATED:
        return INITRD_TRUNCATED;
    case GUNZIP_NO_MEMORY:
        return INITRD_NO_MEMORY;
    default:
        return INITRD_DAMAGED;
    }
}

/* zstd frames (RFC 8878, 3.1.1). */
enum {
    ZSTD_MAGIC_SIZE = 4,
    ZSTD_SINGLE_SEGMENT = 1 << 5,
    ZSTD_RESERVED = 1 << 3,
    ZSTD_CHECKSUM = 1 << 2,
    ZSTD_BLOCK_HEADER_SIZE = 3,
    ZSTD_BLOCK_SIZE_MAX = 128 * 1024,
    ZSTD_BLOCK_RLE = 1,
    ZSTD_BLOCK_RESERVED = 3,
    ZSTD_CHECKSUM_SIZE = 4,
};

static bool is_zstd(const struct rest *rest) { return begins_with(rest, "\x28\xb5\x2f\xfd", ZSTD_MAGIC_SIZE); }

/** @return bytes of the frame header that follows the magic (RFC 8878, 3.1.1.1) */
static size_t zstd_header_size(uint8_t descriptor) {
    static const uint8_t dictionary_size[] = {0, 1, 2, 4};
    static const uint8_t content_size[] = {0, 2, 4, 8};
    const bool single_segment = (descriptor & ZSTD_SINGLE_SEGMENT) != 0;
    const size_t content = descriptor >> 6 == 0 && single_segment ? 1 : content_size[descriptor >> 6];
    return 1u + (single_segment ? 0u : 1u) + dictionary_size[descriptor & 3] + content;
}

static enum initrd_error skip_zstd_block(struct rest *rest, bool *last) {
    if (rest->size < ZSTD_BLOCK_HEADER_SIZE) {
        return INITRD_TRUNCATED;
    }
    const uint8_t *bytes = rest->bytes;
    const uint32_t header = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16;
    const uint32_t type = header >> 1 & 3;
    const uint32_t size = header >> 3;
    *last = (header & 1) != 0;
    if (type == ZSTD_BLOCK_RESERVED || (type != ZSTD_BLOCK_RLE && size > ZSTD_BLOCK_SIZE_MAX)) {
        return INITRD_DAMAGED;
    }
    const size_t stored = ZSTD_BLOCK_HEADER_SIZE + (type == ZSTD_BLOCK_RLE ? 1u : size);
    if (stored > rest->size) {
        return INITRD_TRUNCATED;
    }
    skip(rest, stored);
    return INITRD_OK;
}

static enum initrd_error skip_zstd(struct rest *rest) {
    if (rest->size < ZSTD_MAGIC_SIZE + 1) {
        return INITRD_TRUNCATED;
    }
    const uint8_t descriptor = rest->bytes[ZSTD_MAGIC_SIZE];
    const size_t header_size = ZSTD_MAGIC_SIZE + zstd_header_size(descriptor);
    if ((descriptor & ZSTD_RESERVED) != 0) {
        return INITRD_DAMAGED;
    }
    if (header_size > rest->size) {
        return INITRD_TRUNCATED;
    }
    skip(rest, header_size);
    bool last = false;
    while (!last) {
        const enum initrd_error error = skip_zstd_block(rest, &last);
        if (error != INITRD_OK) {
            return error;
        }
    }
    const size_t checksum = (descriptor & ZSTD_CHECKSUM) != 0 ? ZSTD_CHECKSUM_SIZE : 0;
    if (checksum > rest->size) {
        return INITRD_TRUNCATED;
    }
    skip(rest, checksum);
    return INITRD_OK;
}

/* lz4, the legacy format, which is the one that kernels read: a magic, then blocks with their length before them. */
enum {
    LZ4_MAGIC_SIZE = 4,
    LZ4_LENGTH_SIZE = 4,
    LZ4_BLOCK_SIZE_MAX = 8 * 1024 * 1024 + 8 * 1024 * 1024 / 255 + 16, /* 8 MiB that do not compress */
};

static bool is_lz4(const struct rest *rest) { return begins_with(rest, "\x02\x21\x4c\x18", LZ4_MAGIC_SIZE); }

static enum initrd_error skip_lz4(struct rest *rest) {
    skip(rest, LZ4_MAGIC_SIZE);
    while (rest->size > 0 && !is_lz4(rest)) {
        if (rest->size < LZ4_LENGTH_SIZE) {
            return INITRD_TRUNCATED;
        }
        const uint32_t length = little_endian_32(rest->bytes);
        if (length == 0) {
            return INITRD_OK; /* padding */
        }
        if (length > LZ4_BLOCK_SIZE_MAX) {
            return INITRD_DAMAGED;
        }
        if (length > rest->size - LZ4_LENGTH_SIZE) {
            return INITRD_TRUNCATED;
        }
        skip(rest, LZ4_LENGTH_SIZE + length);
    }
    return INITRD_OK;
}

/* xz (The .xz File Format 1.2): the lengths stand at the end, so it is the end that is checked. */
enum {
    XZ_MAGIC_SIZE = 6,
    XZ_HEADER_SIZE = 12,
    XZ_FOOTER_SIZE = 12,
    XZ_FLAGS_SIZE = 2,
    XZ_HEADER_CRC_AT = 8,
    XZ_BACKWARD_AT = 4,
    XZ_FOOTER_FLAGS_AT = 8,
    XZ_FOOTER_MAGIC_AT = 10,
    XZ_CRC_SIZE = 4,
};

static bool is_xz(const struct rest *rest) {
    return begins_with(rest,
                       "\xfd"
                       "7zXZ\0",
                       XZ_MAGIC_SIZE);
}

static uint32_t crc_of(const uint8_t *bytes, size_t size) {
    return (uint32_t)crc32(0, bytes, (unsigned int)size); /* sizes are those of headers and indexes */
}

static enum initrd_error check_xz_index(const struct rest *rest, size_t end, uint64_t index_size) {
    if (index_size > end - XZ_HEADER_SIZE - XZ_FOOTER_SIZE) {
        return INITRD_DAMAGED;
    }
    const uint8_t *index = rest->bytes + end - XZ_FOOTER_SIZE - index_size;
    const size_t covered = (size_t)index_size - XZ_CRC_SIZE;
    const bool good = index[0] == 0 && little_endian_32(index + covered) == crc_of(index, covered);
    return good ? INITRD_OK : INITRD_DAMAGED;
}

static enum initrd_error skip_xz(struct rest *rest) {
    size_t end = rest->size;
    while (end > 0 && rest->bytes[end - 1] == 0) {
        end--;
    }
    if (end < XZ_HEADER_SIZE + XZ_FOOTER_SIZE) {
        return INITRD_TRUNCATED;
    }
    const uint8_t *flags = rest->bytes + XZ_MAGIC_SIZE;
    const uint8_t *footer = rest->bytes + end - XZ_FOOTER_SIZE;
    if (little_endian_32(rest->bytes + XZ_HEADER_CRC_AT) != crc_of(flags, XZ_FLAGS_SIZE)) {
        return INITRD_DAMAGED;
    }
    if (memcmp(footer + XZ_FOOTER_MAGIC_AT, "YZ", 2) != 0) {
        return INITRD_TRUNCATED;
    }
    if (little_endian_32(footer) != crc_of(footer + XZ_BACKWARD_AT, XZ_FOOTER_MAGIC_AT - XZ_BACKWARD_AT)) {
        return INITRD_DAMAGED;
    }
    const uint64_t index_size = ((uint64_t)little_endian_32(footer + XZ_BACKWARD_AT) + 1) * 4;
    const enum initrd_error error = check_xz_index(rest, end, index_size);
    skip(rest, rest->size);
    return error;
}

static bool is_recognised_only(const struct rest *rest) {
    return begins_with(rest, "BZh", 3) || begins_with(rest, "\x5d\0\0", 3) || begins_with(rest, "\x89LZO", 4);
}

static enum initrd_error skip_recognised(struct rest *rest) {
    skip(rest, rest->size);
    return INITRD_OK;
}

static const struct {
    bool (*recognise)(const struct rest *rest);
    enum initrd_error (*skip)(struct rest *rest);
} FORMATS[] = {
    {is_cpio, skip_cpio}, {is_gzip, skip_gzip}, {is_zstd, skip_zstd},
    {is_lz4, skip_lz4},   {is_xz, skip_xz},     {is_recognised_only, skip_recognised},
};

static enum initrd_error skip_archive(struct rest *rest) {
    for (size_t i = 0; i < sizeof(FORMATS) / sizeof(FORMATS[0]); i++) {
        if (FORMATS[i].recognise(rest)) {
            return FORMATS[i].skip(rest);
        }
    }
    return INITRD_UNKNOWN;
}

enum initrd_error initrd_check(const void *file, size_t size) {
    struct rest rest = {file, size};
    bool found = false;
    for (;;) {
        while (rest.size > 0 && rest.bytes[0] == 0) {
            skip(&rest, 1);
        }
        if (rest.size == 0) {
            return found ? INITRD_OK : INITRD_EMPTY;
        }
        const enum initrd_error error = skip_archive(&rest);
        if (error != INITRD_OK) {
            return found && error == INITRD_UNKNOWN ? INITRD_DAMAGED : error;
        }
        found = true;
    }
}

const char *initrd_error_text(enum initrd_error error) {
    switch (error) {
    case INITRD_OK:
        return "no error";
    case INITRD_EMPTY:
        return "initrd is empty";
    case INITRD_UNKNOWN:
        return "initrd is of no known format";
    case INITRD_TRUNCATED:
        return "initrd is truncated";
    case INITRD_DAMAGED:
        return "initrd is damaged";
    case INITRD_NO_MEMORY:
        return "no memory to check the initrd";
    }
    return "unknown error";
}
