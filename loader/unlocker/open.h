// SPDX-License-Identifier: BSD-3-Clause
#ifndef UNLOCKER_OPEN_H
#define UNLOCKER_OPEN_H

/**
 * From a bundle and a PIN to a kernel and an initrd that are ready to start, in the memory of the persona's own
 * partition. Pure: the same on the host, where it is tested.
 */

#include "bundle.h"
#include "crypto/keys.h"
#include "crypto/tpm.h"
#include "kernel_image.h"

enum open_error {
    OPEN_OK = 0,
    OPEN_WRONG_PIN,
    OPEN_NEEDS_TPM,      /* the PIN is bound to a TPM, which is not here, or to another one */
    OPEN_TPM_LOCKED_OUT, /* the TPM takes no PIN for a while */
    OPEN_TPM_FAILED,
    OPEN_NO_MEMORY, /* less memory than the PIN's cost, or kernel and initrd, need */
    OPEN_DAMAGED,   /* a file was altered, or is of another persona or version */
    OPEN_FAILED,    /* the library failed */
};

enum {
    OPEN_UNIT = 2 * 1024 * 1024,      /* bytes: where a kernel and a device tree begin is a multiple */
    OPEN_TREE_ROOM = 2 * 1024 * 1024, /* bytes kept for the device tree (Linux, Documentation/arch/arm64/booting.rst) */
    OPEN_UP_SIZE = 2 * KEYS_SIZE + 1, /* bytes of an up-token in hexadecimal digits, with the NUL */
};

/** Memory that may be written to, and where its start is for the hardware. */
struct open_memory {
    uint8_t *bytes;
    uint64_t physical; /* a multiple of OPEN_UNIT, as is `bytes` */
    size_t size;
};

/** Where things came to lie, physical addresses, all in the memory that was given. */
struct open_result {
    uint64_t kernel; /* its entry */
    uint64_t kernel_end;
    uint64_t tree; /* OPEN_TREE_ROOM bytes, free */
    uint64_t initrd;
    uint64_t initrd_end;
    char up[OPEN_UP_SIZE]; /* what the system writes down when it has come up; a secret of the persona */
};

/**
 * Opens the persona's key.
 * @param pin         pin_size bytes
 * @param tpm         open; NULL: there is none
 * @param persona_key KEYS_SIZE bytes, all zero on failure; the caller wipes it
 * @return OPEN_OK, OPEN_WRONG_PIN, OPEN_NEEDS_TPM, OPEN_TPM_LOCKED_OUT, OPEN_TPM_FAILED, OPEN_NO_MEMORY, OPEN_DAMAGED,
 *         OPEN_FAILED
 */
__attribute__((warn_unused_result)) enum open_error open_key(const struct bundle *bundle, const void *pin,
                                                             size_t pin_size, struct tpm *tpm, uint8_t *persona_key);

/**
 * Decrypts and unpacks the kernel, decrypts the initrd and puts the archive with the volume's key file behind it.
 * @param persona_key KEYS_SIZE bytes
 * @param memory      all of it may be written to
 * @return OPEN_OK, OPEN_NO_MEMORY, OPEN_DAMAGED, OPEN_FAILED
 */
__attribute__((warn_unused_result)) enum open_error open_files(const struct bundle *bundle, const uint8_t *persona_key,
                                                               const struct open_memory *memory,
                                                               struct open_result *result);

/** @return the error's text, one line without a full stop; never NULL */
const char *open_error_text(enum open_error error);

#endif
