// SPDX-License-Identifier: BSD-3-Clause
#ifndef CRYPTO_TPM_H
#define CRYPTO_TPM_H

/**
 * A TPM 2.0: secrets that only this TPM gives out, behind an authorisation value that it lets nobody try often, and
 * counters that only go up. Commands and responses are those of the TPM 2.0 Library Specification, part 3; clauses are
 * given by the commands' names. How the keys are used is in crypto/tpm.md.
 *
 * The TPM and the bus to it are not trusted: every response is parsed with all bounds checked. All that matters goes
 * through a session (TPM2_StartAuthSession) whose key is salted to the storage parent, a P-256 key that never leaves
 * the TPM: authorisation values do not cross the bus, secrets cross it encrypted (AES-128-CFB, part 1, 19.3), and
 * commands and responses bear an HMAC (part 1, 17.6). Who only listens learns nothing; who alters is noticed.
 *
 * Limits: who sits on the bus when a secret is sealed, or alters the blob as well, can stand in for the TPM with a
 * parent of his own: a blob says which parent it is of, and a caller keeps tpm_identity() where it is authenticated.
 * What tpm_lockout() and tpm_random() say is not authenticated.
 *
 * Nothing is allocated here; mbedTLS allocates for HMAC and for the curve.
 */

#include "crypto/random.h"

#include <stdbool.h>

enum {
    TPM_COMMAND_MAX = 256,   /* bytes: U-Boot passes no longer ones on (COMMAND_BUFFER_SIZE in lib/tpm-utils.h) */
    TPM_RESPONSE_MAX = 1024, /* bytes */
    TPM_AUTH_MAX = 32,       /* bytes of an authorisation value */
    TPM_SECRET_SIZE = 32,    /* bytes of a sealed secret */
    TPM_IDENTITY_SIZE = 32,  /* bytes */
    TPM_BLOB_MAX = 288,      /* bytes of a sealed secret's blob */
    TPM_RANDOM_MAX = 32,     /* bytes at once */
    TPM_COUNTERS_MAX = 256,
    TPM_TEXT_SIZE = 160,      /* bytes of tpm_lockout_text(), with the NUL */
    TPM_DIGEST_BYTES = 32,    /* SHA-256: of names, nonces and session keys */
    TPM_MANUFACTURER_SIZE = 5 /* bytes, with the NUL */
};

enum tpm_error {
    TPM_OK = 0,
    TPM_NO_ANSWER,     /* the transport failed */
    TPM_BAD_ANSWER,    /* not a response to this command */
    TPM_NOT_AUTHENTIC, /* a response that was altered on its way, or is not of this TPM */
    TPM_BUSY,          /* "try again" for longer than 5 seconds */
    TPM_BROKEN,        /* its self-test failed */
    TPM_UNSUPPORTED,   /* it has not the command, algorithm or curve */
    TPM_OWNED,         /* the owner hierarchy has a password, or is disabled */
    TPM_WRONG_AUTH,    /* another authorisation value; tpm_lockout() tells how many attempts are left */
    TPM_LOCKED_OUT,    /* too many wrong ones; tpm_lockout() tells for how long */
    TPM_OTHER,         /* the blob is of another TPM, or this one was cleared since */
    TPM_BAD_BLOB,      /* not a blob, altered, or sealed the other way (with or without authorisation value) */
    TPM_BAD_ARGUMENT,  /* authorisation value or counter number out of bounds */
    TPM_NO_COUNTER,    /* no such counter: never made, removed, or the TPM was cleared */
    TPM_BAD_COUNTER,   /* the counter's index has something else */
    TPM_FULL,          /* no room for another object, session or counter */
    TPM_REFUSED,       /* any other response code: `code` has it */
    TPM_NO_RANDOM,     /* the generator failed, or none was given */
    TPM_FAILED,        /* the cryptographic library failed: no memory */
};

/** The way to a TPM. */
struct tpm_transport {
    void *context; /* given back to the functions */

    /**
     * Sends a command and waits for its response.
     * @param response capacity bytes
     * @return bytes of the response, at most capacity; 0 when there is none
     */
    size_t (*submit)(void *context, const uint8_t *command, size_t size, uint8_t *response, size_t capacity);

    /** Waits before a command is sent again. */
    void (*wait)(void *context, unsigned milliseconds);
};

/** A TPM in use, with the storage parent and the session once they are needed. A secret: tpm_close() wipes it. */
struct tpm {
    struct tpm_transport transport;
    struct random_stream *random;
    uint32_t code;    /* the last response code, as the TPM gave it (part 2, 6.6): for messages */
    uint32_t parent;  /* handle; 0: not made yet */
    uint32_t session; /* handle; 0: not begun yet */
    uint8_t identity[TPM_IDENTITY_SIZE];
    uint8_t session_key[TPM_DIGEST_BYTES];
    uint8_t nonce_tpm[TPM_DIGEST_BYTES];
    size_t nonce_tpm_size;
    uint8_t nonce_caller[TPM_DIGEST_BYTES];
    uint8_t command[TPM_COMMAND_MAX];
    uint8_t response[TPM_RESPONSE_MAX];
};

/** What the TPM says of wrong authorisation values (part 1, 17.8). */
struct tpm_lockout {
    bool locked;
    bool guarded;        /* a password is asked for to lift it; else whoever has the TPM in hand can: tpm_guard() */
    uint32_t failures;   /* counted now; goes down by one with each interval, and by no right value */
    uint32_t allowed;    /* failures from which on it is locked */
    uint32_t left;       /* attempts until then */
    uint32_t interval_s; /* seconds for a failure to be forgotten, so at most until the next attempt; 0: never */
    uint32_t recovery_s; /* seconds after a wrong lockout password */
};

/** How many wrong authorisation values a TPM takes. */
struct tpm_limits {
    uint32_t allowed;    /* wrong ones, then it is locked; not 0 */
    uint32_t interval_s; /* seconds for one to be forgotten; not 0: that would switch the protection off */
    uint32_t recovery_s; /* seconds without an attempt after a wrong password; 0: until the next start */
};

/** An authorisation value: a secret of the caller's. Zeros at its end do not count (part 1, 17.6.4.3). */
struct tpm_auth {
    const uint8_t *value;
    size_t size; /* bytes, 1 to TPM_AUTH_MAX; not all may be zero */
};

/** A sealed secret: of use only to the TPM that made it. */
struct tpm_blob {
    size_t size;                 /* bytes */
    uint8_t bytes[TPM_BLOB_MAX]; /* crypto/tpm.cddl */
};

/**
 * Begins to use a TPM; starts it if the firmware did not (TPM2_Startup).
 * @param tpm       to be closed also on failure
 * @param transport copied
 * @param random    for nonces and keys, used until tpm_close(); NULL: tpm_lockout() and tpm_random() only
 * @return TPM_OK, TPM_NO_ANSWER, TPM_BAD_ANSWER, TPM_BUSY, TPM_BROKEN, TPM_REFUSED
 */
__attribute__((warn_unused_result)) enum tpm_error tpm_open(struct tpm *tpm, const struct tpm_transport *transport,
                                                            struct random_stream *random);

/**
 * Ends the use: frees what it holds in the TPM (TPM2_FlushContext), prepares it for power-off (TPM2_Shutdown), wipes
 * the structure. Needed even after success: a TPM that loses power without it counts one wrong authorisation value.
 */
void tpm_close(struct tpm *tpm);

/**
 * Frees what an earlier use left in the TPM that was cut off before tpm_close(): transient objects and loaded sessions,
 * of which a TPM has room for three each (TPM2_GetCapability of handles, TPM2_FlushContext). Only for who has the TPM
 * to himself, and before anything else after tpm_open(): nobody's handles are spared.
 * @return as of tpm_lockout()
 */
__attribute__((warn_unused_result)) enum tpm_error tpm_flush_left(struct tpm *tpm);

/** Reads the maker's four letters. @param text TPM_MANUFACTURER_SIZE bytes @return as of tpm_lockout() */
__attribute__((warn_unused_result)) enum tpm_error tpm_manufacturer(struct tpm *tpm, char *text);

/**
 * Reads the state of the protection against guessing (TPM2_GetCapability).
 * @param lockout all zero on failure
 * @return TPM_OK, TPM_NO_ANSWER, TPM_BAD_ANSWER, TPM_BUSY, TPM_BROKEN, TPM_REFUSED
 */
__attribute__((warn_unused_result)) enum tpm_error tpm_lockout(struct tpm *tpm, struct tpm_lockout *lockout);

/** Writes a lock-out state as a user wants it: attempts left, or how long to wait. @param text TPM_TEXT_SIZE bytes */
void tpm_lockout_text(const struct tpm_lockout *lockout, char *text);

/**
 * Guards the lock-out (TPM2_DictionaryAttackParameters, TPM2_HierarchyChangeAuth): sets its limits and the password for
 * lifting it. Without a password anyone who has the TPM in hand lifts it as often as he likes, and tries all PINs. The
 * password belongs where a lost PIN's recovery is, never on the device.
 * @param old      NULL: there is no password yet
 * @param password the new one
 * @return as of tpm_seal(), TPM_WRONG_AUTH (old), TPM_LOCKED_OUT (after a wrong password, for recovery_s)
 */
__attribute__((warn_unused_result)) enum tpm_error tpm_guard(struct tpm *tpm, const struct tpm_auth *old,
                                                             const struct tpm_auth *password,
                                                             const struct tpm_limits *limits);

/**
 * Lifts a lock-out (TPM2_DictionaryAttackLockReset): no wrong value is counted any more.
 * @param password NULL: there is none
 * @return as of tpm_guard()
 */
__attribute__((warn_unused_result)) enum tpm_error tpm_lift_lockout(struct tpm *tpm, const struct tpm_auth *password);

/**
 * Gets random bytes (TPM2_GetRandom): one more input for a pool, never the only one.
 * @param output size bytes, all zero on failure
 * @param size   at most TPM_RANDOM_MAX
 * @return TPM_OK, TPM_NO_ANSWER, TPM_BAD_ANSWER, TPM_BUSY, TPM_BROKEN, TPM_BAD_ARGUMENT (size), TPM_REFUSED
 */
__attribute__((warn_unused_result)) enum tpm_error tpm_random(struct tpm *tpm, uint8_t *output, size_t size);

/**
 * Names a TPM by its storage parent (TPM2_CreatePrimary): SHA-256 of the parent's public area. It is the same each time
 * until the TPM is cleared.
 * @param identity TPM_IDENTITY_SIZE bytes, all zero on failure
 * @return TPM_OK, TPM_NO_ANSWER, TPM_BAD_ANSWER, TPM_BUSY, TPM_BROKEN, TPM_UNSUPPORTED, TPM_OWNED, TPM_FULL,
 *         TPM_REFUSED, TPM_FAILED
 */
__attribute__((warn_unused_result)) enum tpm_error tpm_identity(struct tpm *tpm, uint8_t *identity);

/**
 * Seals a secret (TPM2_Create).
 * @param auth   what is asked for to unseal it, each wrong one counting towards the lock-out; NULL: nothing
 * @param secret TPM_SECRET_SIZE bytes
 * @param blob   size 0 on failure
 * @return as of tpm_identity(), TPM_NOT_AUTHENTIC, TPM_BAD_ARGUMENT, TPM_NO_RANDOM
 */
__attribute__((warn_unused_result)) enum tpm_error tpm_seal(struct tpm *tpm, const struct tpm_auth *auth,
                                                            const uint8_t *secret, struct tpm_blob *blob);

/**
 * Unseals a secret (TPM2_Load, TPM2_Unseal).
 * @param blob   blob_size bytes
 * @param auth   NULL: the secret was sealed without one
 * @param secret TPM_SECRET_SIZE bytes, all zero on failure; the caller wipes it
 * @return as of tpm_seal(), TPM_BAD_BLOB, TPM_OTHER, TPM_WRONG_AUTH, TPM_LOCKED_OUT
 */
__attribute__((warn_unused_result)) enum tpm_error tpm_unseal(struct tpm *tpm, const uint8_t *blob, size_t blob_size,
                                                              const struct tpm_auth *auth, uint8_t *secret);

/**
 * Makes a counter unless it is there (TPM2_NV_DefineSpace of a TPM_NT_COUNTER, TPM2_NV_Increment). A new one does not
 * begin at 0 but above all counters that the TPM ever had, so that removing one puts nothing back.
 * @param number below TPM_COUNTERS_MAX: which of our counters
 * @param value  its value now
 * @return as of tpm_seal(), TPM_BAD_COUNTER, TPM_FULL
 */
__attribute__((warn_unused_result)) enum tpm_error tpm_counter_make(struct tpm *tpm, uint32_t number, uint64_t *value);

/** Reads a counter (TPM2_NV_ReadPublic, TPM2_NV_Read). @return as of tpm_counter_make(), TPM_NO_COUNTER */
__attribute__((warn_unused_result)) enum tpm_error tpm_counter_read(struct tpm *tpm, uint32_t number, uint64_t *value);

/** Raises a counter by one and reads it (TPM2_NV_Increment). @return as of tpm_counter_read() */
__attribute__((warn_unused_result)) enum tpm_error tpm_counter_raise(struct tpm *tpm, uint32_t number, uint64_t *value);

/** Removes a counter (TPM2_NV_UndefineSpace): what relied on it is lost. @return as of tpm_counter_read() */
__attribute__((warn_unused_result)) enum tpm_error tpm_counter_remove(struct tpm *tpm, uint32_t number);

/** @return the error's text, one line without a full stop; never NULL */
const char *tpm_error_text(enum tpm_error error);

#endif
