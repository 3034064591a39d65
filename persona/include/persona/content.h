// SPDX-License-Identifier: BSD-3-Clause
#ifndef PERSONA_CONTENT_H
#define PERSONA_CONTENT_H

/**
 * The key that a version's files are encrypted with: random, the same for all devices that get the version, so that the
 * files are too (persona/persona.cddl). It travels sealed to the devices' keys. A device that has the persona open
 * wraps it under the persona's key and forgets the sealed one: from then on it takes the PIN to read the files.
 */

#include "crypto/cose.h"
#include "crypto/keys.h"
#include "crypto/stream.h"

enum {
    CONTENT_WRAPPED_SIZE_MAX = 80, /* bytes of a wrapped content key's file */
};

enum content_error {
    CONTENT_OK = 0,
    CONTENT_MALFORMED,     /* not a content key's file */
    CONTENT_WRONG_DEVICE,  /* sealed to other devices */
    CONTENT_WRONG_VERSION, /* of another persona or version */
    CONTENT_NOT_AUTHENTIC, /* altered, or of another persona or version */
    CONTENT_NO_ROOM,       /* the caller's buffer is too small */
    CONTENT_NO_RANDOM,     /* the generator failed */
    CONTENT_UNAVAILABLE,   /* the TPM with the device's key did not do it */
    CONTENT_FAILED,        /* the library failed: no memory */
};

/** Which version's files. */
struct content_version {
    uint8_t id[KEYS_ID_SIZE]; /* the persona's */
    uint64_t version;
};

/**
 * Seals a content key to devices.
 * @param key     STREAM_KEY_SIZE bytes
 * @param devices count keys, 1 to COSE_RECIPIENTS_MAX
 * @param file    room bytes
 * @param size    its bytes; 0 on failure
 * @return CONTENT_OK, CONTENT_NO_ROOM, CONTENT_MALFORMED (no such key), CONTENT_NO_RANDOM, CONTENT_FAILED
 */
__attribute__((warn_unused_result)) enum content_error
content_seal(const uint8_t *key, const struct content_version *version, const struct p256_public *devices, size_t count,
             struct random_stream *random, uint8_t *file, size_t room, size_t *size);

/**
 * Opens a content key that was sealed to a device.
 * @param key STREAM_KEY_SIZE bytes, all zero on failure; the caller wipes it
 * @return CONTENT_OK, CONTENT_MALFORMED, CONTENT_WRONG_DEVICE, CONTENT_NOT_AUTHENTIC, CONTENT_NO_RANDOM,
 *         CONTENT_UNAVAILABLE, CONTENT_FAILED
 */
__attribute__((warn_unused_result)) enum content_error content_unseal(const uint8_t *file, size_t size,
                                                                      const struct content_version *version,
                                                                      const struct p256_agreer *device, uint8_t *key);

/**
 * Wraps a content key under a persona's key.
 * @param persona_key KEYS_SIZE bytes
 * @param file        room bytes; CONTENT_WRAPPED_SIZE_MAX is enough
 * @return CONTENT_OK, CONTENT_NO_ROOM, CONTENT_FAILED
 */
__attribute__((warn_unused_result)) enum content_error content_wrap(const uint8_t *key,
                                                                    const struct content_version *version,
                                                                    const uint8_t *persona_key, uint8_t *file,
                                                                    size_t room, size_t *size);

/**
 * Opens a content key that was wrapped under a persona's key; its file is padded with zeros or not.
 * @return CONTENT_OK, CONTENT_MALFORMED, CONTENT_WRONG_VERSION, CONTENT_NOT_AUTHENTIC, CONTENT_FAILED
 */
__attribute__((warn_unused_result)) enum content_error content_unwrap(const uint8_t *file, size_t size,
                                                                      const struct content_version *version,
                                                                      const uint8_t *persona_key, uint8_t *key);

/**
 * Says what a file of a version is called where its stream key is derived: so none passes for another.
 * @param kind enum manifest_kind
 * @param name STREAM_NAME_MAX bytes
 * @return bytes of the name
 */
size_t content_name(const struct content_version *version, unsigned kind, uint8_t *name);

/** @return the error's text, one line without a full stop; never NULL */
const char *content_error_text(enum content_error error);

#endif
