// SPDX-License-Identifier: BSD-3-Clause
#ifndef LOADER_INITRD_H
#define LOADER_INITRD_H

/**
 * Tells a whole initial RAM disk from a truncated or foreign file, before a kernel panics over it (Linux,
 * Documentation/driver-api/early-userspace/buffer-format.rst: cpio archives, compressed or not, one after the other,
 * with zero bytes between).
 *
 * cpio archives are walked to their trailer, gzip is decompressed (checksum and length), zstd frames, lz4 blocks and
 * xz streams are walked by their lengths. bzip2, lzma and lzo are recognised only.
 */

#include <stddef.h>

enum initrd_error {
    INITRD_OK = 0,
    INITRD_EMPTY,     /* no byte, or only zeros */
    INITRD_UNKNOWN,   /* neither cpio nor a compression that kernels know */
    INITRD_TRUNCATED, /* ends in the middle of an archive or of compressed data */
    INITRD_DAMAGED,   /* a header, length or checksum is wrong, or rubbish follows */
    INITRD_NO_MEMORY, /* no memory for decompression */
};

/**
 * Checks an initial RAM disk as far as that can be done without unpacking it.
 * @param file the whole file
 * @param size bytes of it
 * @return INITRD_OK or any other of enum initrd_error
 */
__attribute__((warn_unused_result)) enum initrd_error initrd_check(const void *file, size_t size);

/** @return the error's text, one line without a full stop; never NULL */
const char *initrd_error_text(enum initrd_error error);

#endif
