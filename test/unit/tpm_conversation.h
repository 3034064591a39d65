// SPDX-License-Identifier: BSD-3-Clause
#ifndef TPM_CONVERSATION_H
#define TPM_CONVERSATION_H

/* All that is ever said to a TPM, in steps, and a TPM that answers from a list. With the same answers and the same
 * random numbers it is the same conversation each time. */

#include <string.h>

#include "crypto/tpm.h"
#include "hex.h"
#include "known_random.h"

enum {
    CONVERSATION_STEPS = 14,
    CONVERSATION_ANSWERS_MAX = 64,
};

/** All of it is plain data: a copy is a place to go back to. */
struct conversation {
    struct tpm tpm;
    struct tpm_transport transport;
    struct random_stream random;
    struct tpm_blob blob;
    char manufacturer[TPM_MANUFACTURER_SIZE];
    struct tpm_lockout lockout;
    uint8_t bytes[16];
    uint8_t unsealed[TPM_SECRET_SIZE];
    uint64_t value;
};

static const uint8_t conversation_secret[TPM_SECRET_SIZE] = "what only this TPM gives out....";

static inline void conversation_begin(struct conversation *talk, const struct tpm_transport *transport) {
    memset(talk, 0, sizeof(*talk));
    talk->transport = *transport;
    talk->random = known_random(90);
}

static inline enum tpm_error expect_error(enum tpm_error error, enum tpm_error expected) {
    return error == expected ? TPM_OK : error == TPM_OK ? TPM_FAILED : error;
}

static inline enum tpm_error conversation_step(struct conversation *talk, unsigned step) {
    const struct tpm_auth auth = {(const uint8_t *)"123456", 6};
    const struct tpm_limits limits = {10, 3600, 86400};
    struct tpm *tpm = &talk->tpm;
    switch (step) {
    case 0:
        return tpm_open(tpm, &talk->transport, &talk->random);
    case 1:
        return tpm_flush_left(tpm);
    case 2:
        return tpm_manufacturer(tpm, talk->manufacturer);
    case 3:
        return tpm_lockout(tpm, &talk->lockout);
    case 4:
        return tpm_random(tpm, talk->bytes, sizeof(talk->bytes));
    case 5: // which begins the session
        return expect_error(tpm_counter_read(tpm, 1, &talk->value), TPM_NO_COUNTER);
    case 6:
        return tpm_seal(tpm, &auth, conversation_secret, &talk->blob);
    case 7:
        return tpm_unseal(tpm, talk->blob.bytes, talk->blob.size, &auth, talk->unsealed);
    case 8:
        return tpm_counter_make(tpm, 1, &talk->value);
    case 9:
        return tpm_counter_raise(tpm, 1, &talk->value);
    case 10:
        return tpm_counter_remove(tpm, 1);
    case 11:
        return tpm_guard(tpm, NULL, &auth, &limits);
    case 12:
        return tpm_lift_lockout(tpm, &auth);
    default:
        tpm_close(tpm);
        return TPM_OK;
    }
}

/** A TPM that gives answers from a list, one after the other, whatever is said to it. */
struct canned {
    const uint8_t *answers[CONVERSATION_ANSWERS_MAX];
    size_t sizes[CONVERSATION_ANSWERS_MAX]; /* 0: it does not answer */
    size_t count;
    size_t next;
    unsigned waits;
};

static inline size_t canned_submit(void *context, const uint8_t *command, size_t size, uint8_t *response,
                                   size_t capacity) {
    struct canned *canned = context;
    (void)command;
    (void)size;
    if (canned->next >= canned->count)
        return 0;
    size_t answer = canned->next++;
    size_t fits = canned->sizes[answer] < capacity ? canned->sizes[answer] : capacity;
    if (fits != 0)
        memcpy(response, canned->answers[answer], fits);
    return fits;
}

static inline void canned_wait(void *context, unsigned milliseconds) {
    struct canned *canned = context;
    (void)milliseconds;
    canned->waits++;
}

#endif
