// SPDX-License-Identifier: BSD-3-Clause
#ifndef USIM_STATE_H
#define USIM_STATE_H

/**
 * What changes on a card, and how it is kept so that no challenge is ever accepted twice and no PIN is tried for free.
 *
 * Two copies of one size lie behind a small interface; the one that is not the newest is written anew, with the next
 * number. Opening writes a record two numbers on, which makes worthless all that a power cut may have left at the
 * number between.
 *
 * Sequence numbers are written ahead: while the card is in use its record holds a mark that no SEQ was accepted beyond.
 * After an unclean stop all of the array is the mark, so that the next challenge is answered with AUTS once; a clean
 * stop writes the array itself.
 *
 * Who puts back both copies of an earlier time is met by an anchor, which is kept elsewhere (anchor.h). Each power-on
 * has a number in it, and a limit that no SEQ is accepted beyond. usim_card_prepare() trusts only the record that ended
 * the last power-on. Another one of the last power-on may be older than what was accepted since: all of the array
 * becomes that power-on's limit. One of an earlier power-on is refused. Where there is no anchor (usim_card_open()
 * alone), all of this holds for power cuts, but not for whoever puts back both copies.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "usim/anchor.h"
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

/**
 * How far the limit of a power-on is ahead of what was accepted, at most; at least half of it. A network whose SEQ
 * follows a clock of 0.1 s jumps that half in 38 days. It is what an unclean stop takes of 2^43.
 */
#define USIM_RESERVE (UINT64_C(1) << 26)

/** Where the copies are. Each function returns false when it failed, and otherwise when it is done for good. */
struct usim_storage {
    void *context;
    bool (*read)(void *context, unsigned copy, uint8_t *record);        /* USIM_RECORD_SIZE bytes */
    bool (*write)(void *context, unsigned copy, const uint8_t *record); /* USIM_RECORD_SIZE bytes */
    bool forgets; /* all of it at power-off: usim_card_prepare() begins anew each time, without PINs */

    /* Where write() may have to do first what takes long; else NULL. It is begun ahead then, and waited for only by who
     * writes before it is over. */
    bool (*rests)(void *context);                   /* whether nothing is under way; looks once */
    bool (*has_room)(void *context, unsigned copy); /* whether whatever a command writes to a copy goes at once */
    void (*make_room)(void *context, unsigned copy);
};

/** What a record is good for. */
enum usim_stage {
    USIM_IN_USE = 0,  /* its array is behind: all that holds is the mark */
    USIM_READY = 1,   /* its array holds for whoever opens it next in this power-on */
    USIM_STOPPED = 2, /* its array holds, and nothing came after it in its power-on */
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
    enum usim_stage stage;
    uint64_t generation;
    char iccid[USIM_ICCID_DIGITS + 1];
    struct usim_anchor anchor; /* limit AKA_SEQ_MAX: there is none */
    uint64_t mark; /* the highest SEQ that may have been accepted; above the limit: one that was refused for it */
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
 * @param state its number is the one of the newest record that was there, so that all of them are older; 0: none
 * @return USIM_OK, USIM_STORAGE, USIM_FAILED, USIM_NO_ROOM
 */
__attribute__((warn_unused_result)) enum usim_error usim_state_create(struct usim_store *store,
                                                                      struct usim_state *state);

/**
 * Reads the state, and writes it ahead: afterwards what was read is worthless.
 * @param store   its storage and key are set
 * @param profile whose state it must be
 * @param state   all zero on failure
 * @return USIM_OK, USIM_NO_STATE, USIM_OTHER_PROFILE, USIM_STORAGE, USIM_FAILED, USIM_NO_ROOM
 */
__attribute__((warn_unused_result)) enum usim_error
usim_state_open(struct usim_store *store, const struct usim_profile *profile, struct usim_state *state);

/**
 * Reads the newest record and writes nothing, to tell whose it is.
 * @param state all zero on failure
 * @return USIM_OK, USIM_NO_STATE, USIM_STORAGE, USIM_FAILED
 */
__attribute__((warn_unused_result)) enum usim_error usim_state_look(struct usim_store *store, struct usim_state *state);

/** @return whether a state is of this profile, and of this generation of it */
bool usim_state_is_of(const struct usim_state *state, const struct usim_profile *profile);

/**
 * Makes a state that was read, or begun, the first one of the next power-on. It is not stored yet.
 * @param anchor of the last power-on; becomes the next one's
 * @param begun  the state was begun, and is no record's
 */
void usim_state_start(struct usim_state *state, struct usim_anchor *anchor, bool begun);

/** Moves the mark ahead of a SEQ that is beyond it; at most to the limit, unless that SEQ is beyond the limit, too. */
void usim_state_reserve(struct usim_state *state, uint64_t seq);

/** Stores the state. @return USIM_OK, USIM_STORAGE, USIM_FAILED, USIM_NO_ROOM; then the store is of no more use */
__attribute__((warn_unused_result)) enum usim_error usim_state_save(struct usim_store *store, struct usim_state *state);

/**
 * Behind what was written: begins to make room for what is written next, in the copy that is not the newest, and makes
 * that the newest before where it is the other one that needs room.
 */
void usim_state_make_room(struct usim_store *store, struct usim_state *state);

/** @return whether a state is stored at once; false: what made room is under way */
bool usim_state_rests(const struct usim_store *store);

/** Stores a state that usim_state_start() made of a record. As usim_state_save(). */
__attribute__((warn_unused_result)) enum usim_error usim_state_restart(struct usim_store *store,
                                                                       struct usim_state *state);

/** Stores the state when the card is not used any more: its array holds. As usim_state_save(). */
__attribute__((warn_unused_result)) enum usim_error usim_state_close(struct usim_store *store,
                                                                     struct usim_state *state);

#endif
