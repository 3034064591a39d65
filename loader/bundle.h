// SPDX-License-Identifier: BSD-3-Clause
#ifndef LOADER_BUNDLE_H
#define LOADER_BUNDLE_H

/**
 * What the unlocker finds beside it in the partition of a persona that is still locked: the persona's files as they are
 * on the disk, whose signatures and digests the loader has checked, and what it cannot find out for itself. It is
 * handed over where a kernel has its initrd, and has the form of one: a cpio archive ("newc").
 *
 * Pure: from parts in memory to bytes, and back.
 */

#include <stddef.h>
#include <stdint.h>

#include "persona/config.h"

enum {
    BUNDLE_ID_SIZE = 16,    /* bytes: KEYS_ID_SIZE */
    BUNDLE_CHECK_SIZE = 32, /* bytes: KEYS_SIZE */
    BUNDLE_SEED_SIZE = 32,  /* bytes */
};

enum bundle_kind {
    BUNDLE_SLOTS = 0, /* file of slots (slots.h) */
    BUNDLE_CONTENT,   /* content key, wrapped under the persona's (content.h) */
    BUNDLE_KERNEL,    /* encrypted (stream.h) */
    BUNDLE_INITRD,    /* the same; may be empty: none */
    BUNDLE_PARTS,
};

enum bundle_error {
    BUNDLE_OK = 0,
    BUNDLE_TOO_LARGE, /* a part of 4 GiB or more, which cpio can't say, or the buffer is too small */
    BUNDLE_DAMAGED,   /* not such an archive: cut, or a part is missing or comes twice */
};

/** What is no file. */
struct bundle_about {
    uint8_t id[BUNDLE_ID_SIZE];       /* the persona's */
    uint8_t check[BUNDLE_CHECK_SIZE]; /* of its key (KEYS_CHECK), as the device's state has it */
    uint64_t version;                 /* of its files */
    char name[CONFIG_NAME_SIZE];
    char title[CONFIG_TITLE_SIZE];
    uint32_t failed_attempts;        /* at its PIN, since the last right one */
    uint32_t flip_button;            /* INTID that is pended when the persona is asked to suspend */
    uint64_t distributor;            /* base of the interrupt controller's */
    uint64_t console;                /* base of the PL011 */
    uint64_t tpm;                    /* base of the TPM's registers (TIS, locality 0); 0: the PIN is not bound to one */
    uint8_t seed[BUNDLE_SEED_SIZE];  /* random: for the TPM's sessions */
    uint64_t unpacked[BUNDLE_PARTS]; /* bytes of what a part decompresses to (unlz4.h); 0: it is not compressed */
};

struct bundle_part {
    const uint8_t *bytes;
    size_t size;
};

struct bundle {
    struct bundle_about about;
    struct bundle_part parts[BUNDLE_PARTS];
};

/** @return bytes that bundle_write() needs; 0: too large */
size_t bundle_size(const struct bundle *bundle);

/**
 * Says how much memory it takes to open a bundle, beside its own.
 * @param kernel_unpacked bytes of the kernel's Image
 * @param pin_memory_kib  KiB that an attempt at the PIN takes
 */
uint64_t bundle_room(const struct bundle *bundle, uint64_t kernel_unpacked, uint32_t pin_memory_kib);

/**
 * Writes a bundle. A part whose bytes are NULL is left to be filled, where bundle_read() then says.
 * @param buffer room bytes
 * @return BUNDLE_OK, BUNDLE_TOO_LARGE
 */
__attribute__((warn_unused_result)) enum bundle_error bundle_write(const struct bundle *bundle, void *buffer,
                                                                   size_t room);

/**
 * Reads a bundle.
 * @param bundle its parts point into data; all zero on failure
 * @return BUNDLE_OK, BUNDLE_DAMAGED
 */
__attribute__((warn_unused_result)) enum bundle_error bundle_read(struct bundle *bundle, const void *data, size_t size);

/** @return the error's text, one line without a full stop; never NULL */
const char *bundle_error_text(enum bundle_error error);

#endif
