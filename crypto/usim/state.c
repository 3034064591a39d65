// SPDX-License-Identifier: BSD-3-Clause
#include "usim/state.h"

#include <string.h>

#include "crypto/hkdf.h"
#include "state_format.h"

/* How many numbers an opening goes on. */
enum { OPENING = 2 };

void usim_state_begin(struct usim_state *state, const struct usim_profile *profile) {
    memset(state, 0, sizeof(*state));
    state->generation = profile->generation;
    memcpy(state->iccid, profile->iccid, sizeof(state->iccid));
    state->array = profile->array;
    state->mark = aka_sqn_ms(&profile->array) >> AKA_IND_BITS;
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
    memset(state, 0, sizeof(*state));
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

static enum usim_error count_of(const struct usim_store *store, uint64_t otherwise, uint64_t *count) {
    *count = otherwise;
    if (store->storage.count == NULL)
        return USIM_OK;
    return store->storage.count(store->storage.context, count) ? USIM_OK : USIM_STORAGE;
}

static enum usim_error advance_to(const struct usim_store *store, uint64_t number) {
    uint64_t count = number;
    enum usim_error error = count_of(store, number, &count);
    for (; error == USIM_OK && count < number; count++)
        error = store->storage.advance(store->storage.context) ? USIM_OK : USIM_STORAGE;
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
    if (error == USIM_OK)
        error = advance_to(store, number);
    store->failed = error != USIM_OK;
    store->newest = copy;
    return error;
}

enum usim_error usim_state_save(struct usim_store *store, struct usim_state *state) {
    return save_as(store, state, state->number + 1);
}

enum usim_error usim_state_close(struct usim_store *store, struct usim_state *state) {
    state->clean = true;
    state->mark = aka_sqn_ms(&state->array) >> AKA_IND_BITS;
    return usim_state_save(store, state);
}

enum usim_error usim_state_create(struct usim_store *store, struct usim_state *state) {
    uint64_t count = 0;
    state->clean = true;
    store->failed = false;
    enum usim_error error = count_of(store, 0, &count);
    for (unsigned copy = 0; error == USIM_OK && copy < USIM_COPIES; copy++) {
        store->newest = 1 - copy;
        error = save_as(store, state, count + OPENING);
    }
    return error;
}

/* ---- Opening */

static enum usim_error newest_record(struct usim_store *store, struct usim_state *state) {
    uint64_t number[USIM_COPIES] = {0};
    bool found[USIM_COPIES];
    for (unsigned copy = 0; copy < USIM_COPIES; copy++) {
        enum usim_error error = read_record(store, copy, state);
        if (error != USIM_OK && error != USIM_NO_STATE)
            return error;
        found[copy] = error == USIM_OK;
        number[copy] = state->number;
    }
    if (!found[0] && !found[1])
        return USIM_NO_STATE;
    store->newest = found[1] && (!found[0] || number[1] > number[0]) ? 1 : 0;
    return read_record(store, store->newest, state);
}

/* The counter may be behind by what was cut, and never ahead. */
static enum usim_error check_number(const struct usim_store *store, const struct usim_state *state) {
    uint64_t count = 0;
    enum usim_error error = count_of(store, state->number, &count);
    if (error != USIM_OK)
        return error;
    return state->number >= count && state->number - count <= OPENING ? USIM_OK : USIM_ROLLED_BACK;
}

static bool is_of(const struct usim_state *state, const struct usim_profile *profile) {
    return state->generation == profile->generation && memcmp(state->iccid, profile->iccid, sizeof(state->iccid)) == 0;
}

static void write_ahead(struct usim_state *state) {
    if (!state->clean)
        for (size_t ind = 0; ind < AKA_INDS; ind++)
            state->array.seq[ind] = state->mark;
    state->clean = false;
    state->mark = state->mark < AKA_SEQ_MAX - USIM_AHEAD ? state->mark + USIM_AHEAD : AKA_SEQ_MAX;
}

enum usim_error usim_state_open(struct usim_store *store, const struct usim_profile *profile,
                                struct usim_state *state) {
    store->failed = false;
    enum usim_error error = newest_record(store, state);
    if (error == USIM_OK)
        error = check_number(store, state);
    if (error == USIM_OK && !is_of(state, profile))
        error = USIM_OTHER_PROFILE;
    /* First the counter follows the record, so that no older one can be gone on from. */
    if (error == USIM_OK)
        error = advance_to(store, state->number);
    if (error == USIM_OK) {
        write_ahead(state);
        error = save_as(store, state, state->number + OPENING);
    }
    if (error != USIM_OK)
        crypto_wipe(state, sizeof(*state));
    return error;
}

enum usim_error usim_state_look(struct usim_store *store, struct usim_state *state) {
    enum usim_error error = newest_record(store, state);
    if (error != USIM_OK)
        crypto_wipe(state, sizeof(*state));
    return error;
}
