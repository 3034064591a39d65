// SPDX-License-Identifier: BSD-3-Clause
#ifndef USIM_STATE_H
#define USIM_STATE_H

/**
 * What changes on a card, and how it is kept so that no challenge is ever accepted twice and no PIN is tried for free.
 *
 * Two copies of one size lie behind a small interface; the one that is not the newest is written anew. Each has a
 * number, which a monotonic counter (a TPM's) follows: write the record with the next number, raise the counter, and
 * only then give the answer. A record below the counter was put back, and is refused.
 *
 * Sequence numbers are written ahead: while the card is in use its record is "not clean", and holds a mark that no SEQ
 * was accepted beyond. After an unclean stop all of the array is the mark, so that the next challenge is answered with
 * AUTS once; a clean stop writes the array itself. Opening writes a record two numbers on, which makes worthless all
 * that a power cut may have left at the number between.
 *
 * Without a counter all of this holds for power cuts, but not for whoever puts back both copies of an earlier time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "usim/gba.h"
#include "usim/profile.h"
#include "usim/seal.h"

enum {
    USIM_RECORD_SIZE = 4096, /* bytes of a copy */
    USIM_COPIES = 2,
    USIM_FILES_SIZE = 3072, /* bytes of all files' contents */
};

/** How far the mark is written ahead of the SEQ that needs it: one write for so many authentications. */
#define USIM_AHEAD UINT64_C(1024)

/** Where the copies are. Each function returns false when it failed, and otherwise when it is done for good. */
struct usim_storage {
    void *context;
    bool (*read)(void *context, unsigned copy, uint8_t *record);        /* USIM_RECORD_SIZE bytes */
    bool (*write)(void *context, unsigned copy, const uint8_t *record); /* USIM_RECORD_SIZE bytes */
    bool (*count)(void *context, uint64_t *count);                      /* NULL: there is no counter */
    bool (*advance)(void *context);                                     /* raises the counter by one */
};

struct usim_pin {
    bool enabled;
    uint8_t value[USIM_PIN_SIZE];
    uint8_t puk[USIM_PIN_SIZE];
    uint8_t tries;     /* left */
    uint8_t puk_tries; /* left */
};

/** Wiped by its owner: PINs and Ks. */
struct usim_state {
    uint64_t number; /* of the record that it was read from, or written to */
    bool clean;
    uint64_t generation;
    char iccid[USIM_ICCID_DIGITS + 1];
    uint64_t mark; /* the highest SEQ that may have been accepted */
    struct aka_array array;
    struct usim_pin pins[USIM_PINS];
    struct gba gba;
    uint8_t files[USIM_FILES_SIZE];
};

/** A storage with what is known of it. Wiped by its owner: the key. */
struct usim_store {
    struct usim_storage storage;
    uint8_t key[SEAL_KEY_SIZE];
    unsigned newest; /* copy */
    bool failed;     /* nothing more is written, and nothing is answered that needs it */
};

/** The state that a profile begins with; its files are empty. */
void usim_state_begin(struct usim_state *state, const struct usim_profile *profile);

/**
 * Stores the state of a profile that is new on this device; what was stored is worthless after it.
 * @return USIM_OK, USIM_STORAGE, USIM_FAILED, USIM_NO_ROOM
 */
__attribute__((warn_unused_result)) enum usim_error usim_state_create(struct usim_store *store,
                                                                      struct usim_state *state);

/**
 * Reads the state, and writes it ahead: afterwards what was read is worthless.
 * @param store   its storage and key are set
 * @param profile whose state it must be
 * @param state   all zero on failure
 * @return USIM_OK, USIM_NO_STATE, USIM_ROLLED_BACK, USIM_OTHER_PROFILE, USIM_STORAGE, USIM_FAILED, USIM_NO_ROOM
 */
__attribute__((warn_unused_result)) enum usim_error
usim_state_open(struct usim_store *store, const struct usim_profile *profile, struct usim_state *state);

/**
 * Reads the newest record and writes nothing, to tell whose it is.
 * @param state all zero on failure
 * @return USIM_OK, USIM_NO_STATE, USIM_STORAGE, USIM_FAILED
 */
__attribute__((warn_unused_result)) enum usim_error usim_state_look(struct usim_store *store, struct usim_state *state);

/** Stores the state. @return USIM_OK, USIM_STORAGE, USIM_FAILED, USIM_NO_ROOM; then the store is of no more use */
__attribute__((warn_unused_result)) enum usim_error usim_state_save(struct usim_store *store, struct usim_state *state);

/** Stores the state when the card is not used any more: its array holds. As usim_state_save(). */
__attribute__((warn_unused_result)) enum usim_error usim_state_close(struct usim_store *store,
                                                                     struct usim_state *state);

#endif
