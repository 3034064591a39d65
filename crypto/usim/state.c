// SPDX-License-Identifier: BSD-3-Clause
#include "usim/state.h"

#include <string.h>

#include "crypto/hkdf.h"
#include "state_format.h"

/* How many numbers an opening goes on. */
enum { OPENING = 2 };

static uint64_t highest(const struct aka_array *array) { return aka_sqn_ms(array) >> AKA_IND_BITS; }

static uint64_t greater(uint64_t a, uint64_t b) { return a > b ? a : b; }

static uint64_t add(uint64_t seq, uint64_t more, uint64_t most) { return seq + more < most ? seq + more : most; }

void usim_state_begin(struct usim_state *state, const struct usim_profile *profile) {
    memset(state, 0, sizeof(*state));
    state->generation = profile->generation;
    memcpy(state->iccid, profile->iccid, sizeof(state->iccid));
    state->array = profile->array;
    state->stage = USIM_READY;
    state->anchor.limit = AKA_SEQ_MAX;
    state->mark = highest(&profile->array);
    for (size_t i = 0; i < USIM_PINS; i++) {
        state->pins[i] = (struct usim_pin){
            .enabled = profile->pins[i].enabled, .tries = USIM_PIN_TRIES, .puk_tries = USIM_PUK_TRIES};
        memcpy(state->pins[i].value, profile->pins[i].value, USIM_PIN_SIZE);
        memcpy(state->pins[i].puk, profile->pins[i].puk, USIM_PIN_SIZE);
    }
}

/* ---- Records */

static enum usim_error write_record(struct usim_store *store, const struct usim_state *state, unsigned copy) {
    uint8_t plain[STATE_PLAIN_SIZE], record[USIM_RECORD_SIZE];
    enum usim_error error = state_encode(state, plain) ? USIM_OK : USIM_NO_ROOM;
    if (error == USIM_OK)
        error = usim_seal(store->key, SEAL_STATE, plain, sizeof(plain), record);
    crypto_wipe(plain, sizeof(plain));
    if (error != USIM_OK)
        return error;
    return store->storage.write(store->storage.context, copy, record) ? USIM_OK : USIM_STORAGE;
}

/* @return USIM_NO_STATE when there is no good record in this copy */
static enum usim_error read_record(const struct usim_store *store, unsigned copy, struct usim_state *state) {
    uint8_t plain[STATE_PLAIN_SIZE], record[USIM_RECORD_SIZE];
    if (!store->storage.read(store->storage.context, copy, record))
        return USIM_STORAGE;
    enum usim_error error = usim_unseal(store->key, SEAL_STATE, record, plain, sizeof(plain));
    if (error == USIM_NOT_AUTHENTIC)
        return USIM_NO_STATE;
    if (error == USIM_OK && !state_decode(state, plain))
        error = USIM_NO_STATE;
    crypto_wipe(plain, sizeof(plain));
    return error;
}

/* ---- Saving */

/* Until all of it is done nothing may be answered that relies on it: after a failure nobody knows what is stored. */
static enum usim_error save_as(struct usim_store *store, struct usim_state *state, uint64_t number) {
    unsigned copy = 1 - store->newest;
    if (store->failed)
        return USIM_STORAGE;
    state->number = number;
    enum usim_error error = write_record(store, state, copy);
    store->failed = error != USIM_OK;
    store->newest = copy;
    return error;
}

enum usim_error usim_state_save(struct usim_store *store, struct usim_state *state) {
    return save_as(store, state, state->number + 1);
}

void usim_state_make_room(struct usim_store *store, struct usim_state *state) {
    const struct usim_storage *storage = &store->storage;
    /* After a failure the other copy may be the only good one. */
    if (storage->has_room == NULL || store->failed)
        return;
    if (!storage->has_room(storage->context, store->newest) && usim_state_save(store, state) != USIM_OK)
        return;
    if (!storage->has_room(storage->context, 1 - store->newest))
        storage->make_room(storage->context, 1 - store->newest);
}

bool usim_state_rests(const struct usim_store *store) {
    return store->storage.rests == NULL || store->storage.rests(store->storage.context);
}

/* Never beyond what another place remembers: a mark in between would be of no use after a rollback. */
void usim_state_reserve(struct usim_state *state, uint64_t seq) {
    if (seq > state->mark)
        state->mark = seq > state->anchor.limit ? seq : add(seq, USIM_AHEAD, state->anchor.limit);
}

/* A SEQ that was refused is remembered: the next power-on's limit is beyond it. */
enum usim_error usim_state_close(struct usim_store *store, struct usim_state *state) {
    state->stage = USIM_STOPPED;
    if (state->mark <= state->anchor.limit)
        state->mark = highest(&state->array);
    return usim_state_save(store, state);
}

enum usim_error usim_state_create(struct usim_store *store, struct usim_state *state) {
    enum usim_error error = USIM_OK;
    const uint64_t number = state->number + OPENING;
    store->failed = false;
    for (unsigned copies = 0; error == USIM_OK && copies < USIM_COPIES; copies++)
        error = save_as(store, state, number);
    return error;
}

/* ---- Opening */

static enum usim_error newest_record(struct usim_store *store, struct usim_state *state) {
    uint64_t number[USIM_COPIES]; /* 0: no good record, since OPENING goes before the first one */
    for (unsigned copy = 0; copy < USIM_COPIES; copy++) {
        enum usim_error error = read_record(store, copy, state);
        if (error != USIM_OK && error != USIM_NO_STATE)
            return error;
        number[copy] = error == USIM_OK ? state->number : 0;
    }
    store->newest = number[1] > number[0] ? 1 : 0;
    return read_record(store, store->newest, state);
}

bool usim_state_is_of(const struct usim_state *state, const struct usim_profile *profile) {
    return state->generation == profile->generation && memcmp(state->iccid, profile->iccid, sizeof(state->iccid)) == 0;
}

static void lift(struct usim_state *state, uint64_t seq) {
    for (size_t ind = 0; ind < AKA_INDS; ind++)
        state->array.seq[ind] = seq;
}

enum usim_error usim_state_restart(struct usim_store *store, struct usim_state *state) {
    return save_as(store, state, state->number + OPENING);
}

enum usim_error usim_state_open(struct usim_store *store, const struct usim_profile *profile,
                                struct usim_state *state) {
    store->failed = false;
    enum usim_error error = newest_record(store, state);
    if (error == USIM_OK && !usim_state_is_of(state, profile))
        error = USIM_OTHER_PROFILE;
    if (error == USIM_OK) {
        if (state->stage == USIM_IN_USE)
            lift(state, state->mark);
        state->stage = USIM_IN_USE;
        state->mark = add(state->mark, USIM_AHEAD, greater(state->mark, state->anchor.limit));
        error = usim_state_restart(store, state);
    }
    if (error != USIM_OK)
        crypto_wipe(state, sizeof(*state));
    return error;
}

/* ---- Power-ons */

/* Whether nothing can have been accepted that the array does not know of. */
static bool holds(const struct usim_state *state, const struct usim_anchor *last, bool begun) {
    return begun ? last->start == 0 : state->stage == USIM_STOPPED && state->anchor.start == last->start;
}

void usim_state_start(struct usim_state *state, struct usim_anchor *anchor, bool begun) {
    uint64_t used = greater(state->mark > state->anchor.limit ? state->mark : 0, highest(&state->array));
    if (!holds(state, anchor, begun)) {
        used = greater(state->mark, anchor->limit);
        lift(state, used);
    }
    if (anchor->limit < add(used, USIM_RESERVE / 2, AKA_SEQ_MAX))
        anchor->limit = add(used, USIM_RESERVE, AKA_SEQ_MAX);
    anchor->start++;
    state->anchor = *anchor;
    state->stage = USIM_READY;
    state->mark = highest(&state->array);
}

enum usim_error usim_state_look(struct usim_store *store, struct usim_state *state) {
    enum usim_error error = newest_record(store, state);
    if (error != USIM_OK)
        crypto_wipe(state, sizeof(*state));
    return error;
}
