// SPDX-License-Identifier: BSD-3-Clause
#ifndef PERSONA_USIM_FILE_H
#define PERSONA_USIM_FILE_H

/**
 * The file device/usim of a device (persona/persona.cddl): a USIM's profile, as it was issued or as the device keeps
 * it. What is issued is sealed to the device's key, then signed by the organisation in a role that may command devices,
 * with the delegations from its root. Each issue to a device has a higher number than those before it; the device takes
 * it once, and keeps it with its number, sealed under its own secret, in the same place.
 */

#include "persona/delegation.h"
#include "usim/seal.h"

enum {
    USIM_FILE_SIZE = 12288, /* bytes of the file, padded with zeros to this */
};

#define USIM_FILE_ISSUE_TYPE "application/vnd.flipside.usim-issue+cbor"
#define USIM_FILE_PROFILE_TYPE "application/vnd.flipside.usim-profile+cbor"

enum usim_file_error {
    USIM_FILE_OK = 0,
    USIM_FILE_ABSENT,        /* nothing but zeros: this device has no USIM */
    USIM_FILE_MALFORMED,     /* not such a file */
    USIM_FILE_NOT_TRUSTED,   /* not signed for this organisation, or by a key that may not */
    USIM_FILE_BAD_SIGNATURE, /* altered */
    USIM_FILE_WRONG_DEVICE,  /* sealed to, or kept by, another device; or what is kept was altered */
    USIM_FILE_NO_ROOM,       /* the caller's buffer */
    USIM_FILE_NO_RANDOM,     /* the generator failed */
    USIM_FILE_SIGNING_FAILED,
    USIM_FILE_UNAVAILABLE, /* the TPM with the device's key did not do it */
    USIM_FILE_FAILED,      /* the cryptographic library failed: no memory */
};

/** Who issues, and to whom. */
struct usim_file_issue {
    const struct p256_public *device;
    uint64_t number;                /* at least 1 */
    const struct cbor_bytes *chain; /* chain_count signed delegations, the root's first, that lead to the signer */
    size_t chain_count;
    const struct p256_signer *signer;
    struct random_stream *random;
};

/**
 * Writes a file that issues a profile to a device, not padded.
 * @param profile size bytes, as usim_profile_write() makes them
 * @param file    room bytes; USIM_FILE_SIZE is enough
 * @param written its bytes; 0 on failure
 * @return USIM_FILE_OK, USIM_FILE_NO_ROOM, USIM_FILE_NO_RANDOM, USIM_FILE_SIGNING_FAILED, USIM_FILE_FAILED
 */
__attribute__((warn_unused_result)) enum usim_file_error usim_file_write_issue(const struct usim_file_issue *issue,
                                                                               const uint8_t *profile, size_t size,
                                                                               uint8_t *file, size_t room,
                                                                               size_t *written);

/**
 * Writes a file as the device keeps it, not padded.
 * @param key    SEAL_KEY_SIZE bytes, derived from the device's secret
 * @param number of its issue
 * @return USIM_FILE_OK, USIM_FILE_NO_ROOM, USIM_FILE_FAILED
 */
__attribute__((warn_unused_result)) enum usim_file_error usim_file_write_kept(const uint8_t *key, uint64_t number,
                                                                              const uint8_t *profile, size_t size,
                                                                              uint8_t *file, size_t room,
                                                                              size_t *written);

/** What a file has. */
struct usim_file {
    uint64_t number; /* of the issue */
    bool issued;     /* it is as it was issued, and so is to be taken and kept */
    size_t size;     /* bytes of the profile */
};

/** Who opens. */
struct usim_file_opener {
    const struct delegation_trust *trust;
    const struct p256_agreer *agreer; /* with the device's key */
    const uint8_t *key;               /* as of usim_file_write_kept() */
};

/**
 * Opens a file, padded with zeros or not.
 * @param data    size bytes
 * @param profile room bytes, all zero on failure; a secret, wiped by the caller
 * @param file    all zero on failure
 * @return any enum usim_file_error but USIM_FILE_SIGNING_FAILED
 */
__attribute__((warn_unused_result)) enum usim_file_error usim_file_open(const struct usim_file_opener *opener,
                                                                        const uint8_t *data, size_t size,
                                                                        uint8_t *profile, size_t room,
                                                                        struct usim_file *file);

/** @return the error's text, one line without a full stop; never NULL */
const char *usim_file_error_text(enum usim_file_error error);

#endif
