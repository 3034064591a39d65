// SPDX-License-Identifier: BSD-3-Clause
#ifndef PERSONA_STATE_H
#define PERSONA_STATE_H

/**
 * What a device remembers of its personas beyond a restart: failed PIN attempts, the lowest version that it may go back
 * to, which of two versions is being tried. Two copies, A and B: the older one is written anew with a higher
 * generation, so that a cut leaves the old state or the new one; the very first state is written twice, to both.
 * Authenticated under a secret of the device (keys.h: KEYS_STATE); putting back both copies of an earlier time is
 * noticed where a TPM keeps the generation.
 */

#include "crypto/keys.h"
#include "persona/store.h"

enum {
    STATE_FILE_MAX = 2048,   /* bytes of a copy */
    STATE_ATTEMPTS_MAX = 10, /* wrong PINs in a row, then the persona is locked out until it is recovered */
    STATE_FREE_ATTEMPTS = 3, /* of which the first ones are without delay */
    STATE_DELAY_MAX = 300,   /* seconds */
    STATE_TRIES_MAX = 3,     /* starts that a new version has to come up */
};

enum state_error {
    STATE_OK = 0,
    STATE_ABSENT,      /* no copy is there, or a first one that was cut: this device's first start */
    STATE_DAMAGED,     /* neither copy is good: altered, or of another device */
    STATE_ROLLED_BACK, /* older than what the TPM says: both copies were put back */
    STATE_FULL,        /* STORE_PERSONAS_MAX personas are there */
    STATE_LOCKED_OUT,  /* STATE_ATTEMPTS_MAX wrong PINs in a row */
    STATE_TOO_LONG,    /* the caller's buffer */
    STATE_FAILED,      /* the cryptographic library failed: no memory */
};

struct state_persona {
    uint8_t id[KEYS_ID_SIZE];
    uint32_t failed_attempts;  /* since the last right PIN */
    uint64_t minimum_version;  /* no older one is started */
    uint64_t slots_generation; /* the last one written; older slots were put back */
    uint64_t version;          /* that is known to come up; 0: none yet */
    uint64_t trying;           /* a newer version that is being tried; 0: none */
    uint32_t tries_left;       /* starts that it has left to come up */
};

struct state {
    uint64_t generation;
    uint64_t epoch; /* of delegations: the lowest that is not over */
    size_t persona_count;
    struct state_persona personas[STORE_PERSONAS_MAX];
};

/** A copy as it was read. */
struct state_copy {
    const uint8_t *data;
    size_t size; /* bytes; 0: it is not there */
};

/**
 * Takes the newer good copy.
 * @param state      all zero on failure
 * @param copies     A and B
 * @param secret     the device's, KEYS_SIZE bytes
 * @param device     KEYS_ID_SIZE bytes that name the device
 * @param generation the TPM's; 0: there is no TPM
 * @return STATE_OK, STATE_ABSENT, STATE_DAMAGED, STATE_ROLLED_BACK, STATE_FAILED
 */
__attribute__((warn_unused_result)) enum state_error state_open(struct state *state, const struct state_copy copies[2],
                                                                const uint8_t *secret, const uint8_t *device,
                                                                uint64_t generation);

/**
 * Makes the next copy.
 * @param state its generation goes up
 * @param file  room bytes; STATE_FILE_MAX is enough
 * @param size  its bytes; 0 on failure
 * @param copy  which one to overwrite: 0 for A, 1 for B; once it is on the disk, the TPM's generation is raised
 * @return STATE_OK, STATE_TOO_LONG, STATE_FAILED
 */
__attribute__((warn_unused_result)) enum state_error state_write(struct state *state, const uint8_t *secret,
                                                                 const uint8_t *device, uint8_t *file, size_t room,
                                                                 size_t *size, unsigned *copy);

/** @return what is remembered of a persona; NULL when nothing is */
struct state_persona *state_find(struct state *state, const uint8_t *id);

/** Begins to remember a persona; nothing changes if that is so already. @return STATE_OK, STATE_FULL */
__attribute__((warn_unused_result)) enum state_error state_add(struct state *state, const uint8_t *id);

/** Forgets a persona; nothing changes if it is not there. */
void state_remove(struct state *state, const uint8_t *id);

/**
 * Counts an attempt at a PIN, before it is made: the state is written in between, so that pulling the plug gains
 * nothing.
 * @return STATE_OK, STATE_LOCKED_OUT
 */
__attribute__((warn_unused_result)) enum state_error state_attempt(struct state_persona *persona);

/** Notes that the PIN was right, or that the persona was recovered. */
void state_attempt_good(struct state_persona *persona);

/** @return attempts left before it is locked out */
uint32_t state_attempts_left(const struct state_persona *persona);

/** @return seconds to wait before the next attempt, 0 to STATE_DELAY_MAX */
uint32_t state_delay_s(const struct state_persona *persona);

/** Begins to try a newer version. */
void state_try(struct state_persona *persona, uint64_t version);

/**
 * Says which version to start, and counts the start of one that is being tried; one that used up its tries is given up.
 * @return a version; 0: none is known
 */
uint64_t state_version_to_start(struct state_persona *persona);

/** Notes that the version being tried came up; from now on no version below `minimum` is started. */
void state_came_up(struct state_persona *persona, uint64_t version, uint64_t minimum);

/** @return the error's text, one line without a full stop; never NULL */
const char *state_error_text(enum state_error error);

#endif
