// SPDX-License-Identifier: BSD-3-Clause
#ifndef PERSONA_DEVICE_KEY_H
#define PERSONA_DEVICE_KEY_H

/**
 * A device's private key and secret in its file (persona/persona.cddl): wrapped by a key that is sealed in the TPM, or
 * plain where there is none, and the file says which. Whoever has the disk has a plain one.
 */

#include "crypto/keys.h"
#include "crypto/p256.h"
#include "crypto/tpm.h"
#include "persona/enrolment.h"

enum {
    DEVICE_KEY_SIZE_MAX = 768, /* bytes of what is in the file; the rest is zeros */
};

enum device_key_error {
    DEVICE_KEY_OK = 0,
    DEVICE_KEY_ABSENT,  /* nothing but zeros */
    DEVICE_KEY_DAMAGED, /* not a device's key, altered, or cut while it was written */
    DEVICE_KEY_TPM,     /* the TPM did not seal or unseal: its error says why */
    DEVICE_KEY_NO_TPM,  /* it is sealed, and there is no TPM */
    DEVICE_KEY_OTHER,   /* it is sealed in another TPM, or this one was cleared */
    DEVICE_KEY_NO_ROOM, /* the caller's buffer */
    DEVICE_KEY_NO_RANDOM,
    DEVICE_KEY_FAILED, /* the cryptographic library failed: no memory */
};

/** A secret: its owner wipes it with device_key_wipe(). */
struct device_key {
    enum enrolment_keeping keeping;
    struct p256_private key;
    uint8_t secret[KEYS_SIZE];      /* of which the state's MAC is derived */
    uint8_t tpm[TPM_IDENTITY_SIZE]; /* ENROLMENT_TPM: which one */
};

/** Makes a key and a secret; all zero on failure. @return DEVICE_KEY_OK, DEVICE_KEY_NO_RANDOM, DEVICE_KEY_FAILED */
__attribute__((warn_unused_result)) enum device_key_error device_key_make(struct device_key *key,
                                                                          struct random_stream *random);

/**
 * Writes the file; seals it in the TPM if there is one, and says so in key->keeping.
 * @param tpm       NULL: there is none
 * @param tpm_error why the TPM did not do it
 * @param file      room bytes; DEVICE_KEY_SIZE_MAX is enough
 * @param size      its bytes; 0 on failure
 * @return DEVICE_KEY_OK, DEVICE_KEY_TPM, DEVICE_KEY_NO_ROOM, DEVICE_KEY_NO_RANDOM, DEVICE_KEY_FAILED
 */
__attribute__((warn_unused_result)) enum device_key_error device_key_write(struct device_key *key, struct tpm *tpm,
                                                                           struct random_stream *random,
                                                                           enum tpm_error *tpm_error, uint8_t *file,
                                                                           size_t room, size_t *size);

/**
 * Opens a file, padded with zeros or not.
 * @param key    all zero on failure
 * @param tpm    NULL: there is none
 * @param random hides the computation's course
 * @return any enum device_key_error but DEVICE_KEY_NO_ROOM
 */
__attribute__((warn_unused_result)) enum device_key_error device_key_open(struct device_key *key, struct tpm *tpm,
                                                                          struct random_stream *random,
                                                                          enum tpm_error *tpm_error,
                                                                          const uint8_t *file, size_t size);

/**
 * Reads of a file, without opening it, whose it is and where the key is kept.
 * @return DEVICE_KEY_OK, DEVICE_KEY_ABSENT, DEVICE_KEY_DAMAGED
 */
__attribute__((warn_unused_result)) enum device_key_error
device_key_look(const uint8_t *file, size_t size, struct p256_public *key, enum enrolment_keeping *keeping);

/** Wipes a key. */
void device_key_wipe(struct device_key *key);

/** @return the error's text, one line without a full stop; never NULL */
const char *device_key_error_text(enum device_key_error error);

#endif
