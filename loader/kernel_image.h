// SPDX-License-Identifier: BSD-3-Clause
#ifndef LOADER_KERNEL_IMAGE_H
#define LOADER_KERNEL_IMAGE_H

/**
 * Kernels as distributions ship them: the raw arm64 Image (Linux, Documentation/arch/arm64/booting.rst), with or
 * without its EFI stub's PE header; the same compressed by gzip; and the EFI zboot image around a gzip payload
 * (Linux, drivers/firmware/efi/libstub/zboot-header.S).
 *
 * First kernel_image_open() on the file in memory tells how much memory is needed, then kernel_image_unpack() writes
 * the Image. The kernel goes to a 2 MiB aligned address plus text_offset, and memory_size bytes from there are its own.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kernel_image_error {
    KERNEL_IMAGE_OK = 0,
    KERNEL_IMAGE_TOO_SHORT,   /* shorter than a kernel's header */
    KERNEL_IMAGE_UNKNOWN,     /* none of the known formats */
    KERNEL_IMAGE_TRUNCATED,   /* the file ends before what its headers announce */
    KERNEL_IMAGE_DAMAGED,     /* the compressed data are wrong, or longer or shorter than they say */
    KERNEL_IMAGE_COMPRESSION, /* a zboot image compressed by something else than gzip */
    KERNEL_IMAGE_NOT_ARM64,   /* decompresses, but to no arm64 Image */
    KERNEL_IMAGE_BIG_ENDIAN,
    KERNEL_IMAGE_TOO_OLD,          /* image_size is 0: before Linux 3.17 */
    KERNEL_IMAGE_BAD_HEADER,       /* sizes or offsets in the header that make no sense */
    KERNEL_IMAGE_NO_MEMORY,        /* no memory for decompression */
    KERNEL_IMAGE_BUFFER_TOO_SMALL, /* buffer below unpacked_size */
};

enum kernel_image_format {
    KERNEL_IMAGE_RAW = 1,
    KERNEL_IMAGE_GZIP,
    KERNEL_IMAGE_ZBOOT,
};

/** A recognised kernel. The file must stay in memory until it is unpacked. */
struct kernel_image {
    enum kernel_image_format format;
    uint64_t unpacked_size;  /* bytes that kernel_image_unpack() writes */
    uint64_t memory_size;    /* bytes from the load address that the kernel uses, unpacked_size or more */
    uint64_t text_offset;    /* bytes from a 2 MiB boundary to the load address */
    uint32_t page_size;      /* bytes: 4096, 16384 or 65536; 0: not said */
    bool placed_anywhere;    /* false: a kernel before Linux 4.6 that can't use RAM below its load address */
    const uint8_t *contents; /* the Image or the gzip data in the file */
    size_t contents_size;    /* bytes */
};

/**
 * Recognises a kernel and finds out its sizes; decompresses no more than its header.
 * @param image filled when KERNEL_IMAGE_OK is returned
 * @param file the whole file
 * @param size bytes of it
 * @return KERNEL_IMAGE_OK or any other of enum kernel_image_error but KERNEL_IMAGE_BUFFER_TOO_SMALL
 */
__attribute__((warn_unused_result)) enum kernel_image_error kernel_image_open(struct kernel_image *image,
                                                                              const void *file, size_t size);

/**
 * Writes the Image. The gzip checksum is checked.
 * @param image from kernel_image_open()
 * @param buffer where to; may not overlap the file
 * @param size bytes of the buffer, image->unpacked_size or more; no byte beyond unpacked_size is written
 * @return KERNEL_IMAGE_OK, KERNEL_IMAGE_DAMAGED, KERNEL_IMAGE_TRUNCATED, KERNEL_IMAGE_NO_MEMORY or
 *         KERNEL_IMAGE_BUFFER_TOO_SMALL
 */
__attribute__((warn_unused_result)) enum kernel_image_error kernel_image_unpack(const struct kernel_image *image,
                                                                                void *buffer, size_t size);

/** @return the error's text, one line without a full stop; never NULL */
const char *kernel_image_error_text(enum kernel_image_error error);

#endif
