// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "crypto/cbor.h"
#include "crypto/digest.h"
#include "persona/state.h"
#include "text.h"

/* persona/persona.cddl */
enum { FORMAT = 1, ITEMS = 7, USIM_ITEMS = 3, COUNTER_ITEMS = 2, PERSONA_ITEMS = 10, MAC_ITEM = 2 + DIGEST_SIZE };

static void read_persona(struct cbor_reader *reader, struct state_persona *persona) {
    (void)cbor_read_array_of(reader, PERSONA_ITEMS, PERSONA_ITEMS);
    cbor_read_exactly(reader, persona->id, sizeof(persona->id));
    cbor_read_exactly(reader, persona->check, sizeof(persona->check));
    persona->grant = cbor_read_uint(reader);
    persona->failed_attempts = (uint32_t)text_read_range(reader, 0, STATE_ATTEMPTS_MAX);
    persona->minimum_version = cbor_read_uint(reader);
    persona->slots_generation = cbor_read_uint(reader);
    persona->version = cbor_read_uint(reader);
    persona->trying = cbor_read_uint(reader);
    persona->tries_left = (uint32_t)text_read_range(reader, 0, STATE_TRIES_MAX);
    persona->given_up = cbor_read_uint(reader);
}

static void read_counter(struct cbor_reader *reader, struct state *state) {
    state->counted = !cbor_read_if_null(reader);
    if (!state->counted)
        return;
    (void)cbor_read_array_of(reader, COUNTER_ITEMS, COUNTER_ITEMS);
    state->counter_base = cbor_read_uint(reader);
    cbor_read_exactly(reader, state->tpm, sizeof(state->tpm));
}

/* Where there never was a USIM there is no such item. */
static void read_usim(struct cbor_reader *reader, struct usim_anchor *usim) {
    (void)cbor_read_array_of(reader, USIM_ITEMS, USIM_ITEMS);
    usim->issue = cbor_read_uint(reader);
    usim->start = text_read_range(reader, 1, UINT64_MAX);
    usim->limit = cbor_read_uint(reader);
}

static bool read_state(struct state *state, const uint8_t *data, size_t size) {
    struct cbor_reader reader = cbor_read(data, size);
    uint8_t mac[DIGEST_SIZE];
    memset(state, 0, sizeof(*state));
    uint64_t items = cbor_read_array_of(&reader, ITEMS, ITEMS + 1);
    (void)text_read_range(&reader, FORMAT, FORMAT);
    state->generation = cbor_read_uint(&reader);
    state->epoch = cbor_read_uint(&reader);
    cbor_read_exactly(&reader, state->root, sizeof(state->root));
    read_counter(&reader, state);
    state->persona_count = (size_t)cbor_read_array_of(&reader, 0, STORE_PERSONAS_MAX);
    for (size_t i = 0; i < state->persona_count; i++)
        read_persona(&reader, &state->personas[i]);
    if (items > ITEMS)
        read_usim(&reader, &state->usim);
    cbor_read_exactly(&reader, mac, sizeof(mac));
    return cbor_read_end(&reader);
}

static enum state_error peek_copy(struct state *state, const struct state_copy *copy, size_t *size) {
    memset(state, 0, sizeof(*state));
    *size = text_unpadded(copy->data, copy->size);
    if (copy->size == 0 || text_is_blank(copy->data, copy->size))
        return STATE_ABSENT;
    return read_state(state, copy->data, *size) ? STATE_OK : STATE_DAMAGED;
}

static enum state_error open_copy(struct state *state, const struct state_copy *copy, const uint8_t *secret,
                                  const uint8_t *device) {
    uint8_t mac[KEYS_MAC_SIZE];
    size_t size = 0;
    enum state_error error = peek_copy(state, copy, &size);
    if (error != STATE_OK)
        return error;
    if (keys_mac(secret, KEYS_STATE, device, copy->data, size - MAC_ITEM, mac) != KEYS_OK)
        return STATE_FAILED;
    return crypto_equal(mac, copy->data + size - DIGEST_SIZE, sizeof(mac)) ? STATE_OK : STATE_DAMAGED;
}

/* A damaged copy without another is the very first write, which is done to both, cut short. */
static enum state_error result_of(enum state_error first, enum state_error second) {
    if (first == STATE_OK || second == STATE_OK)
        return STATE_OK;
    if (first == STATE_FAILED || second == STATE_FAILED)
        return STATE_FAILED;
    return first == STATE_ABSENT || second == STATE_ABSENT ? STATE_ABSENT : STATE_DAMAGED;
}

static uint64_t counted_generation(const struct state *state, uint64_t value) { return value - state->counter_base; }

uint64_t state_counter_lag(const struct state *state, uint64_t value) {
    return state->counted ? state->generation - counted_generation(state, value) : 0;
}

static enum state_error check_counter(const struct state *state, const struct state_counter *counter) {
    if (!state->counted)
        return STATE_OK;
    if (counter->tpm == NULL)
        return STATE_NO_TPM;
    if (memcmp(state->tpm, counter->tpm, sizeof(state->tpm)) != 0)
        return STATE_OTHER_TPM;
    // One that was made anew begins above what it was, but only the TPM's word says that it is ours.
    if (counter->kind != STATE_COUNTER_VALUE || counter->value < state->counter_base)
        return STATE_NO_COUNTER;
    return state->generation < counted_generation(state, counter->value) ? STATE_ROLLED_BACK : STATE_OK;
}

static enum state_error take_newer(struct state *state, const struct state *other, enum state_error first,
                                   enum state_error second) {
    if (second == STATE_OK && (first != STATE_OK || other->generation > state->generation))
        *state = *other;
    enum state_error error = result_of(first, second);
    if (error != STATE_OK)
        memset(state, 0, sizeof(*state));
    return error;
}

enum state_error state_peek(struct state *state, const struct state_copy copies[2]) {
    struct state other;
    size_t size = 0;
    enum state_error first = peek_copy(state, &copies[0], &size);
    enum state_error second = peek_copy(&other, &copies[1], &size);
    return take_newer(state, &other, first, second);
}

enum state_error state_open(struct state *state, const struct state_copy copies[2], const uint8_t *secret,
                            const uint8_t *device, const struct state_counter *counter) {
    struct state other;
    enum state_error first = open_copy(state, &copies[0], secret, device);
    enum state_error second = open_copy(&other, &copies[1], secret, device);
    enum state_error error = take_newer(state, &other, first, second);
    if (error == STATE_OK)
        error = check_counter(state, counter);
    if (error != STATE_OK)
        memset(state, 0, sizeof(*state));
    return error;
}

static void write_persona(struct cbor_writer *writer, const struct state_persona *persona) {
    cbor_write_array(writer, PERSONA_ITEMS);
    cbor_write_bytes(writer, persona->id, sizeof(persona->id));
    cbor_write_bytes(writer, persona->check, sizeof(persona->check));
    cbor_write_uint(writer, persona->grant);
    cbor_write_uint(writer, persona->failed_attempts);
    cbor_write_uint(writer, persona->minimum_version);
    cbor_write_uint(writer, persona->slots_generation);
    cbor_write_uint(writer, persona->version);
    cbor_write_uint(writer, persona->trying);
    cbor_write_uint(writer, persona->tries_left);
    cbor_write_uint(writer, persona->given_up);
}

static void write_counter(struct cbor_writer *writer, const struct state *state) {
    if (!state->counted) {
        cbor_write_null(writer);
        return;
    }
    cbor_write_array(writer, COUNTER_ITEMS);
    cbor_write_uint(writer, state->counter_base);
    cbor_write_bytes(writer, state->tpm, sizeof(state->tpm));
}

static void write_usim(struct cbor_writer *writer, const struct usim_anchor *usim) {
    cbor_write_array(writer, USIM_ITEMS);
    cbor_write_uint(writer, usim->issue);
    cbor_write_uint(writer, usim->start);
    cbor_write_uint(writer, usim->limit);
}

enum state_error state_write(const struct state *state, const uint8_t *secret, const uint8_t *device, uint8_t *file,
                             size_t room, size_t *size, unsigned *copy) {
    struct cbor_writer writer = cbor_write(file, room);
    uint8_t mac[KEYS_MAC_SIZE];
    *size = 0;
    *copy = (unsigned)((state->generation + 1) % 2);
    cbor_write_array(&writer, state->usim.start == 0 ? ITEMS : ITEMS + 1);
    cbor_write_uint(&writer, FORMAT);
    cbor_write_uint(&writer, state->generation + 1);
    cbor_write_uint(&writer, state->epoch);
    cbor_write_bytes(&writer, state->root, sizeof(state->root));
    write_counter(&writer, state);
    cbor_write_array(&writer, state->persona_count);
    for (size_t i = 0; i < state->persona_count; i++)
        write_persona(&writer, &state->personas[i]);
    if (state->usim.start != 0)
        write_usim(&writer, &state->usim);
    if (!writer.failed && keys_mac(secret, KEYS_STATE, device, file, writer.size, mac) != KEYS_OK)
        return STATE_FAILED;
    cbor_write_bytes(&writer, mac, sizeof(mac));
    if (writer.failed)
        return STATE_TOO_LONG;
    *size = writer.size;
    return STATE_OK;
}

void state_written(struct state *state) { state->generation++; }
