// SPDX-License-Identifier: BSD-3-Clause
#ifndef LOADER_ELF_H
#define LOADER_ELF_H

/**
 * Loads the switcher: a static, position-independent AArch64 ELF image (System V gABI chapters 4 and 5, ELF for the Arm
 * 64-bit Architecture). Everything is bounds-checked before it is used; what the loader has no use for is refused.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ELF_SEGMENTS_MAX = 8,
    ELF_PAGE_SIZE = 4096, /* access rights are given by pages of this size */
};

enum elf_error {
    ELF_OK = 0,
    ELF_TRUNCATED,               /* a header, segment or table lies outside the file */
    ELF_NOT_ELF,                 /* no ELF magic, or not 64-bit little-endian version 1 */
    ELF_NOT_AARCH64,             /* another machine */
    ELF_NOT_PIE,                 /* not ET_DYN */
    ELF_BAD_HEADER,              /* header or program header entries of another size than the standard's */
    ELF_NO_SEGMENTS,             /* nothing to load */
    ELF_TOO_MANY_SEGMENTS,       /* more than ELF_SEGMENTS_MAX to load */
    ELF_BAD_SEGMENT,             /* larger in the file than in memory, beyond 2^64, misaligned, or out of order */
    ELF_SHARED_PAGE,             /* two segments lie in one page */
    ELF_WRITABLE_AND_EXECUTABLE, /* a segment is both */
    ELF_BAD_ENTRY,               /* the entry is in no executable segment */
    ELF_NEEDS_LINKER,            /* an interpreter, libraries or thread-local storage */
    ELF_BAD_DYNAMIC,             /* the dynamic section is malformed */
    ELF_BAD_RELOCATION,          /* not R_AARCH64_RELATIVE, or outside the image, or in an executable segment */
    ELF_BAD_DESTINATION,         /* destination too small, or run address not aligned */
};

/** What is mapped with one set of rights, in whole pages. Every segment is readable. */
struct elf_segment {
    uint64_t offset; /* bytes from the start of the loaded image, a multiple of ELF_PAGE_SIZE */
    uint64_t size;   /* bytes in memory, a multiple of ELF_PAGE_SIZE */
    bool writable;
    bool executable;
};

/** A checked image. Filled by elf_parse() only; the file must stay in memory until elf_load(). */
struct elf_image {
    uint64_t size;      /* bytes of memory that the loaded image takes, a multiple of ELF_PAGE_SIZE */
    uint64_t alignment; /* bytes: what the run address must be a multiple of, at least ELF_PAGE_SIZE */
    uint64_t entry;     /* bytes from the start of the loaded image */
    unsigned int segment_count;
    struct elf_segment segments[ELF_SEGMENTS_MAX]; /* in ascending order, none overlaps another */

    /* For elf_load(). */
    const uint8_t *file;
    uint64_t link_base;        /* address that the image was linked for */
    uint64_t relocation_count; /* of 24 bytes each */
    uint64_t relocations;      /* offset in the file */
    struct {
        uint64_t file_offset, file_size, offset; /* bytes; offset is from the start of the loaded image */
    } contents[ELF_SEGMENTS_MAX];
};

/**
 * Checks an image, its relocations included.
 * @param image filled when ELF_OK is returned
 * @param file the ELF file, at any alignment
 * @param size bytes of it
 * @return ELF_OK or any other of enum elf_error but ELF_BAD_DESTINATION
 */
__attribute__((warn_unused_result)) enum elf_error elf_parse(struct elf_image *image, const void *file, size_t size);

/**
 * Copies the segments, zeroes the rest and relocates for a run address.
 * @param image from elf_parse()
 * @param destination where the loader writes; image->size bytes are overwritten
 * @param destination_size bytes
 * @param run_address where the image will run, a multiple of image->alignment
 * @param entry out: the entry's address, within the image at run_address
 * @return ELF_OK or ELF_BAD_DESTINATION
 */
__attribute__((warn_unused_result)) enum elf_error elf_load(const struct elf_image *image, void *destination,
                                                            size_t destination_size, uint64_t run_address,
                                                            uint64_t *entry);

/** @return the error's text, one line without a full stop; never NULL */
const char *elf_error_text(enum elf_error error);

#endif
