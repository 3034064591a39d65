// SPDX-License-Identifier: BSD-3-Clause
#ifndef PERSONA_GRANT_H
#define PERSONA_GRANT_H

/**
 * How a persona's key comes to a device (persona/persona.cddl): sealed to the device's key and to the organisation's
 * escrow key, signed by the organisation, with the delegations from its root. Each grant to a device for a persona has
 * a higher number than the one before, and a device takes each once. The first one gives the persona (an issue); a
 * later one, after a lost PIN, gives the same key again (a recovery), which takes a signing key of another role.
 */

#include "persona/manifest.h"
#include "persona/slots.h"

enum {
    GRANT_SIZE_MAX = 4096, /* bytes of a grant's file, which is padded with zeros to this */
};

#define GRANT_TYPE "application/vnd.flipside.grant+cbor"

enum grant_error {
    GRANT_OK = 0,
    GRANT_ABSENT,         /* nothing but zeros: none, or it was taken */
    GRANT_MALFORMED,      /* not a grant in this format */
    GRANT_NOT_TRUSTED,    /* the chain of delegations is not good: struct grant_fault says why */
    GRANT_WRONG_SIGNER,   /* signed by another key than its delegations lead to */
    GRANT_BAD_SIGNATURE,  /* altered */
    GRANT_WRONG_PERSONA,  /* for another persona */
    GRANT_WRONG_DEVICE,   /* for another device */
    GRANT_TAKEN,          /* this one, or a later one, was taken already */
    GRANT_WRONG_KEY,      /* what is sealed is not the persona's key that it says, or that this device knows */
    GRANT_TOO_LONG,       /* the caller's buffer */
    GRANT_NO_RANDOM,      /* the generator failed */
    GRANT_SIGNING_FAILED, /* the signer failed */
    GRANT_UNAVAILABLE,    /* the TPM with the device's key did not do it */
    GRANT_FAILED,         /* the cryptographic library failed: no memory */
};

/** What a grant is for, and so which role signs it. */
enum grant_kind {
    GRANT_ISSUE = 1,    /* DELEGATION_ROLE_MANIFEST: a persona that the device does not have */
    GRANT_RECOVERY = 2, /* DELEGATION_ROLE_COMMAND: a persona that it has, whose PIN was lost */
};

struct grant {
    enum grant_kind kind;
    uint8_t id[KEYS_ID_SIZE];             /* the persona's */
    uint8_t device[P256_THUMBPRINT_SIZE]; /* of the device's key */
    uint8_t check[KEYS_SIZE];             /* of the persona's key: KEYS_CHECK */
    uint64_t number;                      /* at least 1 */
    enum manifest_unlock unlock;          /* whether the user sets a PIN */
    struct slot device_slot;              /* SLOT_DEVICE */
    struct slot escrow_slot;              /* SLOT_ESCROW */
};

/** Which error, and more of it. */
struct grant_fault {
    enum grant_error error;
    enum delegation_error delegation; /* of GRANT_NOT_TRUSTED */
};

/** Whom a grant is for. */
struct grant_target {
    const struct p256_public *device;
    const struct p256_public *escrow; /* the organisation's escrow key */
};

/**
 * Fills in check, device and both slots; kind, id, number and unlock are there already.
 * @param persona_key KEYS_SIZE bytes
 * @return GRANT_OK, GRANT_MALFORMED (no such key), GRANT_NO_RANDOM, GRANT_FAILED
 */
__attribute__((warn_unused_result)) enum grant_error grant_seal(struct grant *grant, const uint8_t *persona_key,
                                                                const struct grant_target *target,
                                                                struct random_stream *random);

/**
 * Signs a grant and writes the file, not padded.
 * @param chain chain_count signed delegations, the root's first, that lead to the signer
 * @param file  room bytes; GRANT_SIZE_MAX is enough
 * @param size  its bytes; 0 on failure
 * @return GRANT_OK, GRANT_MALFORMED (a value out of its bounds), GRANT_TOO_LONG, GRANT_SIGNING_FAILED
 */
__attribute__((warn_unused_result)) enum grant_error grant_write(const struct grant *grant,
                                                                 const struct cbor_bytes *chain, size_t chain_count,
                                                                 const struct p256_signer *signer, uint8_t *file,
                                                                 size_t room, size_t *size);

/**
 * Reads and verifies a grant's file, padded with zeros or not.
 * @param grant all zero on failure
 * @return GRANT_OK, GRANT_ABSENT, GRANT_MALFORMED, GRANT_NOT_TRUSTED, GRANT_WRONG_SIGNER, GRANT_BAD_SIGNATURE,
 *         GRANT_FAILED
 */
__attribute__((warn_unused_result)) struct grant_fault
grant_open(struct grant *grant, const struct delegation_trust *trust, const uint8_t *data, size_t size);

/** Reads a grant without verifying it, to show what it says. @return GRANT_OK, GRANT_ABSENT, GRANT_MALFORMED */
__attribute__((warn_unused_result)) enum grant_error grant_read(struct grant *grant, const uint8_t *data, size_t size);

/**
 * Checks that a grant is meant for this place.
 * @param id     the persona's, KEYS_ID_SIZE bytes
 * @param device thumbprint of the device's key
 * @param number of the last grant that was taken; 0: none was
 * @return GRANT_OK, GRANT_WRONG_PERSONA, GRANT_WRONG_DEVICE, GRANT_TAKEN
 */
__attribute__((warn_unused_result)) enum grant_error grant_check(const struct grant *grant, const uint8_t *id,
                                                                 const uint8_t *device, uint64_t number);

/**
 * Opens one of a grant's slots and compares the key with what the grant says of it.
 * @param type        SLOT_DEVICE or SLOT_ESCROW
 * @param agreer      with that key
 * @param persona_key KEYS_SIZE bytes, all zero on failure; the caller wipes it
 * @return GRANT_OK, GRANT_WRONG_DEVICE, GRANT_WRONG_KEY, GRANT_UNAVAILABLE, GRANT_NO_RANDOM, GRANT_FAILED
 */
__attribute__((warn_unused_result)) enum grant_error
grant_open_key(const struct grant *grant, enum slot_type type, const struct p256_agreer *agreer, uint8_t *persona_key);

/** @return the error's text, one line without a full stop; never NULL */
const char *grant_error_text(enum grant_error error);

/** @return the same with the reason why a grant is not trusted */
const char *grant_fault_text(struct grant_fault fault);

#endif
