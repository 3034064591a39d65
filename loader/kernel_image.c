// SPDX-License-Identifier: BSD-3-Clause
#include "kernel_image.h"

#include "gunzip.h"
#include "little_endian.h"

#include <string.h>

enum {
    /* The arm64 Image's header (Documentation/arch/arm64/booting.rst). */
    HEADER_SIZE = 64,
    TEXT_OFFSET_AT = 8,
    IMAGE_SIZE_AT = 16,
    FLAGS_AT = 24,
    MAGIC_AT = 56,
    PE_OFFSET_AT = 60,
    FLAG_BIG_ENDIAN = 1 << 0,
    FLAG_PAGE_SIZE_SHIFT = 1,
    FLAG_PAGE_SIZE_MASK = 3,
    FLAG_ANYWHERE = 1 << 3,

    /* The PE header that an EFI stub adds (Microsoft PE format). */
    PE_SIGNATURE_SIZE = 4,
    PE_SECTION_COUNT_AT = 6,
    PE_OPTIONAL_SIZE_AT = 20,
    PE_HEADER_SIZE = 24,
    PE_SECTION_SIZE = 40,
    PE_SECTION_RAW_SIZE_AT = 16,
    PE_SECTION_RAW_AT = 20,

    /* The zboot header (drivers/firmware/efi/libstub/zboot-header.S). */
    ZBOOT_TYPE_AT = 4,
    ZBOOT_PAYLOAD_AT = 8,
    ZBOOT_PAYLOAD_SIZE_AT = 12,
    ZBOOT_COMPRESSION_AT = 24,

    GZIP_SIZE_MIN = 18,
    GZIP_TRAILER_LENGTH_SIZE = 4,

    LOAD_ALIGNMENT = 2 * 1024 * 1024,
    PAGE = 4096,
};

static const uint64_t IMAGE_SIZE_MAX = UINT64_C(1) << 32; /* far beyond any kernel; keeps sums from wrapping */

static bool has_bytes(const uint8_t *at, const char *bytes, size_t count) { return memcmp(at, bytes, count) == 0; }

static bool is_arm64_image(const uint8_t *header) { return has_bytes(header + MAGIC_AT, "ARM\x64", 4); }

static bool is_zboot(const uint8_t *header) {
    return has_bytes(header, "MZ", 2) && has_bytes(header + ZBOOT_TYPE_AT, "zimg", 4);
}

static bool is_gzip(const uint8_t *header) { return has_bytes(header, "\x1f\x8b\x08", 3); }

/** Reads the Image's header; unpacked_size is known by then. */
static enum kernel_image_error parse_header(struct kernel_image *image, const uint8_t *header) {
    static const uint32_t page_sizes[] = {0, 4096, 16384, 65536};
    const uint64_t flags = little_endian(header + FLAGS_AT, 8);
    const uint64_t image_size = little_endian(header + IMAGE_SIZE_AT, 8);
    if ((flags & FLAG_BIG_ENDIAN) != 0) {
        return KERNEL_IMAGE_BIG_ENDIAN;
    }
    if (image_size == 0) {
        return KERNEL_IMAGE_TOO_OLD;
    }
    image->text_offset = little_endian(header + TEXT_OFFSET_AT, 8);
    if (image_size < HEADER_SIZE || image_size > IMAGE_SIZE_MAX || image->text_offset >= LOAD_ALIGNMENT ||
        image->text_offset % PAGE != 0) {
        return KERNEL_IMAGE_BAD_HEADER;
    }
    image->memory_size = image_size > image->unpacked_size ? image_size : image->unpacked_size;
    image->page_size = page_sizes[flags >> FLAG_PAGE_SIZE_SHIFT & FLAG_PAGE_SIZE_MASK];
    image->placed_anywhere = (flags & FLAG_ANYWHERE) != 0;
    return KERNEL_IMAGE_OK;
}

/** The arm64 header does not say how long the file is, but the PE sections do. */
static enum kernel_image_error check_sections(const uint8_t *file, size_t size) {
    const uint64_t pe = little_endian(file + PE_OFFSET_AT, 4);
    if (pe > size || size - pe < PE_HEADER_SIZE) {
        return KERNEL_IMAGE_TRUNCATED;
    }
    if (!has_bytes(file + pe, "PE\0\0", PE_SIGNATURE_SIZE)) {
        return KERNEL_IMAGE_BAD_HEADER;
    }
    const uint64_t count = little_endian(file + pe + PE_SECTION_COUNT_AT, 2);
    const uint64_t sections = pe + PE_HEADER_SIZE + little_endian(file + pe + PE_OPTIONAL_SIZE_AT, 2);
    if (sections + count * PE_SECTION_SIZE > size) {
        return KERNEL_IMAGE_TRUNCATED;
    }
    for (uint64_t i = 0; i < count; i++) {
        const uint8_t *section = file + sections + i * PE_SECTION_SIZE;
        const uint64_t raw_size = little_endian(section + PE_SECTION_RAW_SIZE_AT, 4);
        if (raw_size > 0 && little_endian(section + PE_SECTION_RAW_AT, 4) + raw_size > size) {
            return KERNEL_IMAGE_TRUNCATED;
        }
    }
    return KERNEL_IMAGE_OK;
}

static enum kernel_image_error open_raw(struct kernel_image *image, const uint8_t *file, size_t size) {
    *image = (struct kernel_image){
        .format = KERNEL_IMAGE_RAW, .unpacked_size = size, .contents = file, .contents_size = size};
    if (has_bytes(file, "MZ", 2)) { /* an instruction without effect that makes a PE file of the kernel */
        const enum kernel_image_error error = check_sections(file, size);
        if (error != KERNEL_IMAGE_OK) {
            return error;
        }
    }
    return parse_header(image, file);
}

static enum kernel_image_error from_gunzip(enum gunzip_error error) {
    switch (error) {
    case GUNZIP_OK:
        return KERNEL_IMAGE_OK;
    case GUNZIP_TRUNCATED:
        return KERNEL_IMAGE_TRUNCATED;
    case GUNZIP_NO_MEMORY:
        return KERNEL_IMAGE_NO_MEMORY;
    case GUNZIP_DAMAGED:
    case GUNZIP_TOO_LARGE: /* larger than its own length field says */
        return KERNEL_IMAGE_DAMAGED;
    }
    return KERNEL_IMAGE_DAMAGED;
}

static enum kernel_image_error open_gzip(struct kernel_image *image, enum kernel_image_format format,
                                         const uint8_t *data, size_t size) {
    uint8_t header[HEADER_SIZE];
    if (size < GZIP_SIZE_MIN) {
        return KERNEL_IMAGE_TRUNCATED;
    }
    const enum gunzip_error error = gunzip_start(data, size, header, sizeof(header));
    if (error != GUNZIP_OK) {
        return from_gunzip(error);
    }
    if (!is_arm64_image(header)) {
        return KERNEL_IMAGE_NOT_ARM64;
    }
    *image = (struct kernel_image){.format = format,
                                   .unpacked_size =
                                       little_endian(data + size - GZIP_TRAILER_LENGTH_SIZE, GZIP_TRAILER_LENGTH_SIZE),
                                   .contents = data,
                                   .contents_size = size};
    const enum kernel_image_error header_error = parse_header(image, header);
    if (header_error == KERNEL_IMAGE_OK && image->unpacked_size > little_endian(header + IMAGE_SIZE_AT, 8)) {
        return KERNEL_IMAGE_DAMAGED; /* a cut file ends in anything: it must not ask for gigabytes */
    }
    return header_error;
}

static enum kernel_image_error open_zboot(struct kernel_image *image, const uint8_t *file, size_t size) {
    const uint64_t offset = little_endian(file + ZBOOT_PAYLOAD_AT, 4);
    const uint64_t payload_size = little_endian(file + ZBOOT_PAYLOAD_SIZE_AT, 4);
    if (!has_bytes(file + ZBOOT_COMPRESSION_AT, "gzip", sizeof("gzip"))) {
        return KERNEL_IMAGE_COMPRESSION;
    }
    if (offset > size || payload_size > size - offset) {
        return KERNEL_IMAGE_TRUNCATED;
    }
    return open_gzip(image, KERNEL_IMAGE_ZBOOT, file + offset, (size_t)payload_size);
}

enum kernel_image_error kernel_image_open(struct kernel_image *image, const void *file, size_t size) {
    const uint8_t *bytes = file;
    if (size < HEADER_SIZE) {
        return KERNEL_IMAGE_TOO_SHORT;
    }
    if (is_zboot(bytes)) {
        return open_zboot(image, bytes, size);
    }
    if (is_arm64_image(bytes)) {
        return open_raw(image, bytes, size);
    }
    return is_gzip(bytes) ? open_gzip(image, KERNEL_IMAGE_GZIP, bytes, size) : KERNEL_IMAGE_UNKNOWN;
}

enum kernel_image_error kernel_image_unpack(const struct kernel_image *image, void *buffer, size_t size) {
    if (size < image->unpacked_size) {
        return KERNEL_IMAGE_BUFFER_TOO_SMALL;
    }
    if (image->format == KERNEL_IMAGE_RAW) {
        memcpy(buffer, image->contents, image->contents_size);
        return KERNEL_IMAGE_OK;
    }
    size_t produced = 0;
    size_t consumed = 0;
    const enum gunzip_error error =
        gunzip(image->contents, image->contents_size, buffer, (size_t)image->unpacked_size, &produced, &consumed);
    if (error != GUNZIP_OK) {
        return from_gunzip(error);
    }
    const bool whole = produced == image->unpacked_size && consumed == image->contents_size;
    return whole ? KERNEL_IMAGE_OK : KERNEL_IMAGE_DAMAGED;
}

const char *kernel_image_error_text(enum kernel_image_error error) {
    switch (error) {
    case KERNEL_IMAGE_OK:
        return "no error";
    case KERNEL_IMAGE_TOO_SHORT:
        return "kernel is too short to be one";
    case KERNEL_IMAGE_UNKNOWN:
        return "kernel is of no known format";
    case KERNEL_IMAGE_TRUNCATED:
        return "kernel is truncated";
    case KERNEL_IMAGE_DAMAGED:
        return "kernel is damaged or truncated: it does not decompress";
    case KERNEL_IMAGE_COMPRESSION:
        return "kernel is compressed by something else than gzip";
    case KERNEL_IMAGE_NOT_ARM64:
        return "kernel is not for arm64";
    case KERNEL_IMAGE_BIG_ENDIAN:
        return "kernel is big-endian";
    case KERNEL_IMAGE_TOO_OLD:
        return "kernel is older than Linux 3.17";
    case KERNEL_IMAGE_BAD_HEADER:
        return "kernel header is damaged";
    case KERNEL_IMAGE_NO_MEMORY:
        return "no memory to decompress the kernel";
    case KERNEL_IMAGE_BUFFER_TOO_SMALL:
        return "no room for the kernel";
    }
    return "unknown error";
}
