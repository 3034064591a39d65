// SPDX-License-Identifier: BSD-3-Clause
#ifndef PERSONA_MANIFEST_H
#define PERSONA_MANIFEST_H

/**
 * What a persona consists of, signed by the organisation (persona/persona.cddl). A manifest file holds the delegations
 * from the root to the key that signed, and the signed manifest: whoever knows the root's public key can check it, with
 * no other file. The components' digests are of the encrypted files as they are stored, so that a store is checked
 * without any secret; the files' headers commit to the key, so that what they decrypt to is just as fixed.
 */

#include "crypto/digest.h"
#include "persona/delegation.h"

enum {
    MANIFEST_SIZE_MAX = 32768, /* bytes of a manifest file */
    MANIFEST_ID_SIZE = 16,     /* bytes, random */
    MANIFEST_COMPONENTS_MAX = 8,
    MANIFEST_BOARDS_MAX = 8,
    MANIFEST_DEVICES_MAX = 256,
};

#define MANIFEST_TYPE "application/vnd.flipside.manifest+cbor"
#define MANIFEST_COMPONENT_SIZE_MAX (UINT64_C(1) << 44) /* bytes */

enum manifest_error {
    MANIFEST_OK = 0,
    MANIFEST_MALFORMED,      /* not a manifest in this format, or a value out of its bounds */
    MANIFEST_TOO_LONG,       /* more than MANIFEST_SIZE_MAX bytes, or than the caller's buffer */
    MANIFEST_NOT_TRUSTED,    /* the chain of delegations is not good: struct manifest_fault says why */
    MANIFEST_WRONG_SIGNER,   /* signed by another key than its delegations lead to */
    MANIFEST_BAD_SIGNATURE,  /* altered */
    MANIFEST_WRONG_PERSONA,  /* of another persona than expected */
    MANIFEST_WRONG_BOARD,    /* not for this kind of board */
    MANIFEST_WRONG_DEVICE,   /* not for this device */
    MANIFEST_TOO_OLD,        /* a version below the minimum that this device has recorded */
    MANIFEST_NO_COMPONENT,   /* a component that it does not have */
    MANIFEST_WRONG_SIZE,     /* a component's file has another size */
    MANIFEST_WRONG_DIGEST,   /* a component's file was altered */
    MANIFEST_SIGNING_FAILED, /* the signer failed */
    MANIFEST_FAILED,         /* the cryptographic library failed: no memory */
};

enum manifest_kind {
    MANIFEST_KERNEL = 1, /* exactly one */
    MANIFEST_INITRD = 2, /* at most one */
    MANIFEST_ROOT = 3,   /* at most one: the image of the root file system */
};

enum manifest_unlock {
    MANIFEST_UNLOCK_DEVICE = 1, /* the device alone opens it */
    MANIFEST_UNLOCK_PIN = 2,    /* the user's PIN is needed */
};

enum manifest_packing {
    MANIFEST_AS_IT_IS = 0,
    MANIFEST_LZ4 = 1, /* one LZ4 frame of the kind that loader/unlz4.h knows */
};

struct manifest_component {
    enum manifest_kind kind;
    char file[CONFIG_FILE_NAME_SIZE];
    uint64_t size;   /* bytes of the encrypted file */
    uint64_t memory; /* bytes of RAM that it takes once it is loaded; 0 for what is not loaded */
    uint8_t digest[DIGEST_SIZE];
    enum manifest_packing packing; /* of what is encrypted */
    uint64_t unpacked;             /* bytes that it decompresses to; 0: it is not compressed */
};

struct manifest {
    uint8_t id[MANIFEST_ID_SIZE];
    char name[CONFIG_NAME_SIZE];
    char title[CONFIG_TITLE_SIZE];
    uint64_t version;         /* at least 1 */
    uint64_t minimum_version; /* a device that has this manifest takes none older; at most `version` */
    char command_line[CONFIG_COMMAND_LINE_SIZE];
    struct config_memory memory; /* its share of the machine's memory */
    enum manifest_unlock unlock;
    uint32_t flip_timeout_s; /* 0: the terminal's */
    uint32_t prewarm_s;      /* started at power-on and suspended when it is up, in this time; 0: it is not */
    bool alarm_flip;         /* an alarm of its clock that comes due while it is suspended asks for a flip to it */
    size_t board_count;
    char boards[MANIFEST_BOARDS_MAX][CONFIG_NAME_SIZE];
    size_t component_count;
    struct manifest_component components[MANIFEST_COMPONENTS_MAX];
    size_t device_count;    /* 0: for all devices that were given its key */
    const uint8_t *devices; /* thumbprints of their keys, device_count times P256_THUMBPRINT_SIZE + 2 bytes, encoded */
};

/** What a manifest is to be good for. */
struct manifest_target {
    const char *board;     /* NULL: any */
    const uint8_t *device; /* P256_THUMBPRINT_SIZE bytes; NULL: any */
    const uint8_t *id;     /* MANIFEST_ID_SIZE bytes; NULL: any */
    uint64_t version;      /* the recorded minimum; 0: none is recorded */
};

/** Which error, and more of it. */
struct manifest_fault {
    enum manifest_error error;
    enum delegation_error delegation; /* of MANIFEST_NOT_TRUSTED */
};

/**
 * Reads and verifies a manifest file.
 * @param manifest all zero on failure; its `devices` point into data
 * @return MANIFEST_OK, MANIFEST_MALFORMED, MANIFEST_TOO_LONG, MANIFEST_NOT_TRUSTED, MANIFEST_WRONG_SIGNER,
 *         MANIFEST_BAD_SIGNATURE, MANIFEST_FAILED
 */
__attribute__((warn_unused_result)) struct manifest_fault
manifest_open(struct manifest *manifest, const struct delegation_trust *trust, const uint8_t *data, size_t size);

/** @return whether data has a manifest file's form; nothing is verified */
bool manifest_is_one(const uint8_t *data, size_t size);

/**
 * Checks that a verified manifest is meant for this place.
 * @return MANIFEST_OK, MANIFEST_WRONG_PERSONA, MANIFEST_WRONG_BOARD, MANIFEST_WRONG_DEVICE, MANIFEST_TOO_OLD
 */
__attribute__((warn_unused_result)) enum manifest_error manifest_check(const struct manifest *manifest,
                                                                       const struct manifest_target *target);

/** @return the component of a kind; NULL when there is none */
const struct manifest_component *manifest_component(const struct manifest *manifest, enum manifest_kind kind);

/**
 * Checks a component's file.
 * @param size   bytes of the file
 * @param digest SHA-256 of the file, DIGEST_SIZE bytes; NULL: only the size is checked
 * @return MANIFEST_OK, MANIFEST_NO_COMPONENT, MANIFEST_WRONG_SIZE, MANIFEST_WRONG_DIGEST
 */
__attribute__((warn_unused_result)) enum manifest_error manifest_check_component(const struct manifest *manifest,
                                                                                 enum manifest_kind kind, uint64_t size,
                                                                                 const uint8_t *digest);

/**
 * Signs a manifest and writes the file.
 * @param devices manifest->device_count thumbprints, P256_THUMBPRINT_SIZE bytes each (manifest->devices is not looked
 * at)
 * @param chain   chain_count signed delegations, the root's first, that lead to the signer
 * @param file    room bytes
 * @param size    its bytes; 0 on failure
 * @return MANIFEST_OK, MANIFEST_MALFORMED (a value out of its bounds), MANIFEST_TOO_LONG, MANIFEST_SIGNING_FAILED
 */
__attribute__((warn_unused_result)) enum manifest_error
manifest_write(const struct manifest *manifest, const uint8_t *devices, const struct cbor_bytes *chain,
               size_t chain_count, const struct p256_signer *signer, uint8_t *file, size_t room, size_t *size);

/** @return the error's text, one line without a full stop; never NULL */
const char *manifest_error_text(enum manifest_error error);

/** @return the same with the reason why a manifest is not trusted */
const char *manifest_fault_text(struct manifest_fault fault);

#endif
