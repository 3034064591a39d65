// SPDX-License-Identifier: BSD-3-Clause
#ifndef PERSONA_STATE_H
#define PERSONA_STATE_H

/**
 * What a device remembers beyond a restart: whose it is, and of each persona failed PIN attempts, the last grant, the
 * lowest version that it may go back to, which of two versions is being tried; of its USIMs the last issue and how far
 * the card may go. Two copies, A and B: the older one is
 * written anew with a higher generation, so that a cut leaves the old state or the new one; the very first state is
 * written twice, to both. Authenticated under a secret of the device (keys.h: KEYS_STATE); putting back both copies of
 * an earlier time is noticed where a counter of a TPM is raised with each generation.
 */

#include "crypto/keys.h"
#include "crypto/tpm.h"
#include "persona/store.h"
#include "usim/anchor.h"

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
    STATE_NO_TPM,      /* its generation is kept by a TPM, and there is none */
    STATE_OTHER_TPM,   /* the TPM is another one, or was cleared */
    STATE_NO_COUNTER,  /* the TPM's counter was removed */
    STATE_FULL,        /* STORE_PERSONAS_MAX personas are there */
    STATE_LOCKED_OUT,  /* STATE_ATTEMPTS_MAX wrong PINs in a row */
    STATE_TOO_LONG,    /* the caller's buffer */
    STATE_FAILED,      /* the cryptographic library failed: no memory */
};

struct state_persona {
    uint8_t id[KEYS_ID_SIZE];
    uint8_t check[KEYS_SIZE];  /* of its key (KEYS_CHECK); all zero: wiped from this device */
    uint64_t grant;            /* number of the last one that was taken */
    uint32_t failed_attempts;  /* since the last right PIN */
    uint64_t minimum_version;  /* no older one is started */
    uint64_t slots_generation; /* the last one written; older slots were put back */
    uint64_t version;          /* that is known to come up; 0: none yet */
    uint64_t trying;           /* a newer version that is being tried; 0: none */
    uint32_t tries_left;       /* starts that it has left to come up */
    uint64_t given_up;         /* the newest version that did not come up; 0: none */
};

struct state {
    uint64_t generation;
    uint64_t epoch;                 /* of delegations: the lowest that is not over */
    uint8_t root[KEYS_SIZE];        /* thumbprint of the organisation's root key */
    bool counted;                   /* a TPM's counter is raised with each generation */
    uint64_t counter_base;          /* counted: what it had at generation 0 */
    uint8_t tpm[TPM_IDENTITY_SIZE]; /* counted: which TPM */
    struct usim_anchor usim;        /* all zero: there never was one */
    size_t persona_count;
    struct state_persona personas[STORE_PERSONAS_MAX];
};

/** A copy as it was read, padded with zeros or not; nothing but zeros is as none. */
struct state_copy {
    const uint8_t *data;
    size_t size; /* bytes; 0: it is not there */
};

/** What became of the counter. */
enum state_counter_kind {
    STATE_COUNTER_NONE = 0, /* there is no TPM */
    STATE_COUNTER_MISSING,  /* the TPM has no such counter */
    STATE_COUNTER_VALUE,
};

struct state_counter {
    enum state_counter_kind kind;
    uint64_t value;     /* STATE_COUNTER_VALUE */
    const uint8_t *tpm; /* TPM_IDENTITY_SIZE bytes; NULL: there is none */
};

/** Which version to start. */
struct state_choice {
    uint64_t version; /* 0: there is none */
    bool trial;       /* it has not come up yet */
    bool fell_back;   /* a newer one is there, which did not come up */
};

/**
 * Takes the newer good copy.
 * @param state   all zero on failure
 * @param copies  A and B
 * @param secret  the device's, KEYS_SIZE bytes
 * @param device  KEYS_ID_SIZE bytes that name the device
 * @param counter believed only if the state says that it is in use
 * @return STATE_OK, STATE_ABSENT, STATE_DAMAGED, STATE_ROLLED_BACK, STATE_NO_TPM, STATE_OTHER_TPM, STATE_NO_COUNTER,
 *         STATE_FAILED
 */
__attribute__((warn_unused_result)) enum state_error state_open(struct state *state, const struct state_copy copies[2],
                                                                const uint8_t *secret, const uint8_t *device,
                                                                const struct state_counter *counter);

/**
 * Reads the newer copy that can be read, without authenticating it: to show it, and to choose where a new version goes.
 * @param state all zero on failure
 * @return STATE_OK, STATE_ABSENT, STATE_DAMAGED
 */
__attribute__((warn_unused_result)) enum state_error state_peek(struct state *state, const struct state_copy copies[2]);

/**
 * Makes the next copy. Until state_written() is called the next one has the same generation and the same place: after a
 * write that failed it is that copy that may be damaged, and the other one that counts.
 * @param file room bytes; STATE_FILE_MAX is enough
 * @param size its bytes; 0 on failure
 * @param copy which one to overwrite: 0 for A, 1 for B
 * @return STATE_OK, STATE_TOO_LONG, STATE_FAILED
 */
__attribute__((warn_unused_result)) enum state_error state_write(const struct state *state, const uint8_t *secret,
                                                                 const uint8_t *device, uint8_t *file, size_t room,
                                                                 size_t *size, unsigned *copy);

/** Notes that the copy is on the disk; where generations are counted, the TPM's counter is to be raised now. */
void state_written(struct state *state);

/** @return by how much the counter lags behind the generation: 1 after a cut between both, else 0 */
uint64_t state_counter_lag(const struct state *state, uint64_t value);

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

/**
 * Says which version to start. One that is newer than what came up is tried: each start of it is counted, and when
 * STATE_TRIES_MAX are used up it is given up. Where there is no other to go back to, nothing is counted nor given up.
 * @param newest of the versions that are there and good; 0: none is
 * @param other  the older one; 0: none
 */
__attribute__((warn_unused_result)) struct state_choice state_choose(struct state_persona *persona, uint64_t newest,
                                                                     uint64_t other);

/** Notes that a version came up; from now on none below `minimum` is started. */
void state_came_up(struct state_persona *persona, uint64_t version, uint64_t minimum);

/** @return the error's text, one line without a full stop; never NULL */
const char *state_error_text(enum state_error error);

#endif
