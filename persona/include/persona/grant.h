// SPDX-License-Identifier: BSD-3-Clause
#ifndef PERSONA_GRANT_H
#define PERSONA_GRANT_H

/**
 * How a persona's key comes to a device (persona/persona.cddl): sealed to the device's key and to the organisation's
 * escrow key, signed by the organisation, with the delegations from its root. Each grant to a device for a persona has
 * a higher number than the one before, and a device takes each once. The first one gives the persona (an issue); a
 * later one, after a lost PIN, gives the same key again (a recovery), which takes a signing key of another role.
 *
 * Where the user sets a PIN, whoever takes the grant chooses it: so a grant that was caught on its way and a device
 * that was stolen would be enough. Such a grant therefore asks for an activation code (activation.h) besides, unless
 * the administrator says otherwise: that is the default, since she expects that a PIN protects from the first day, and
 * who hands devices out in person can leave it away with `--no-activation-code`. What is sealed to the device is then
 * not the persona's key, but that wrapped (A256KW) under a key made of the code:
 *
 *     HKDF-Expand(Argon2id(the code's 16 symbols; salt, cost), "flipside activation 1")
 *
 * Of the code the grant has the salt and the cost only; whether one is right shows to nobody but the device's key. With
 * the unlock policy `device` there is no code: such a persona opens for whoever has the device anyhow.
 */

#include "persona/activation.h"
#include "persona/manifest.h"
#include "persona/slots.h"

enum {
    GRANT_SIZE_MAX = 4096,                    /* bytes of a grant's file, which is padded with zeros to this */
    GRANT_CODE_KEY_SIZE = 32,                 /* bytes of what is made of an activation code */
    GRANT_CODE_PASSES = 4,                    /* of Argon2id, over ... */
    GRANT_CODE_MEMORY_KIB = PIN_MEMORY_FLOOR, /* ... little memory, since any device must have it: the code is long */
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
    GRANT_CODE_NEEDED,    /* it asks for an activation code */
    GRANT_WRONG_CODE,     /* another code */
    GRANT_NO_MEMORY,      /* less memory free than the code's cost asks for */
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
    bool activation;                      /* MANIFEST_UNLOCK_PIN: it asks for a code besides the device's key */
    uint8_t salt[PIN_SALT_SIZE];          /* of the code */
    struct pin_cost cost;
    struct slot device_slot; /* SLOT_DEVICE */
    struct slot escrow_slot; /* SLOT_ESCROW */
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
    const char *code;                 /* its activation code, ACTIVATION_SYMBOLS symbols; NULL: it asks for none */
    struct pin_cost cost;             /* of the code; all zero: GRANT_CODE_MEMORY_KIB and GRANT_CODE_PASSES */
};

/**
 * Fills in check, device, what is of the code, and both slots; kind, id, number and unlock are there already.
 * @param persona_key KEYS_SIZE bytes
 * @return GRANT_OK, GRANT_MALFORMED (no such key; a code where no PIN is set), GRANT_NO_RANDOM, GRANT_NO_MEMORY,
 *         GRANT_FAILED
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
 * Makes of an activation code what grant_open_key() takes.
 * @param code     ACTIVATION_SYMBOLS symbols
 * @param code_key GRANT_CODE_KEY_SIZE bytes, all zero on failure; the caller wipes it
 * @return GRANT_OK, GRANT_NO_MEMORY, GRANT_FAILED
 */
__attribute__((warn_unused_result)) enum grant_error grant_code_key(const struct grant *grant, const char *code,
                                                                    uint8_t *code_key);

/**
 * Opens one of a grant's slots and compares the key with what the grant says of it.
 * @param type        SLOT_DEVICE or SLOT_ESCROW
 * @param agreer      with that key
 * @param code_key    of grant_code_key(), for SLOT_DEVICE of a grant that asks for a code; else not looked at
 * @param persona_key KEYS_SIZE bytes, all zero on failure; the caller wipes it
 * @return GRANT_OK, GRANT_WRONG_DEVICE, GRANT_WRONG_KEY, GRANT_CODE_NEEDED, GRANT_WRONG_CODE, GRANT_UNAVAILABLE,
 *         GRANT_NO_RANDOM, GRANT_FAILED
 */
__attribute__((warn_unused_result)) enum grant_error grant_open_key(const struct grant *grant, enum slot_type type,
                                                                    const struct p256_agreer *agreer,
                                                                    const uint8_t *code_key, uint8_t *persona_key);

/** @return the error's text, one line without a full stop; never NULL */
const char *grant_error_text(enum grant_error error);

/** @return the same with the reason why a grant is not trusted */
const char *grant_fault_text(struct grant_fault fault);

#endif
