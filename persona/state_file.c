// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "crypto/cbor.h"
#include "crypto/digest.h"
#include "crypto/hkdf.h"
#include "persona/state.h"
#include "text.h"

/* persona/persona.cddl */
enum { FORMAT = 1, ITEMS = 5, PERSONA_ITEMS = 7, MAC_ITEM = 2 + DIGEST_SIZE };

static void read_persona(struct cbor_reader *reader, struct state_persona *persona) {
    (void)cbor_read_array_of(reader, PERSONA_ITEMS, PERSONA_ITEMS);
    cbor_read_exactly(reader, persona->id, sizeof(persona->id));
    persona->failed_attempts = (uint32_t)text_read_range(reader, 0, STATE_ATTEMPTS_MAX);
    persona->minimum_version = cbor_read_uint(reader);
    persona->slots_generation = cbor_read_uint(reader);
    persona->version = cbor_read_uint(reader);
    persona->trying = cbor_read_uint(reader);
    persona->tries_left = (uint32_t)text_read_range(reader, 0, STATE_TRIES_MAX);
}

static bool read_state(struct state *state, const struct state_copy *copy) {
    struct cbor_reader reader = cbor_read(copy->data, copy->size);
    uint8_t mac[DIGEST_SIZE];
    memset(state, 0, sizeof(*state));
    (void)cbor_read_array_of(&reader, ITEMS, ITEMS);
    (void)text_read_range(&reader, FORMAT, FORMAT);
    state->generation = cbor_read_uint(&reader);
    state->epoch = cbor_read_uint(&reader);
    state->persona_count = (size_t)cbor_read_array_of(&reader, 0, STORE_PERSONAS_MAX);
    for (size_t i = 0; i < state->persona_count; i++)
        read_persona(&reader, &state->personas[i]);
    cbor_read_exactly(&reader, mac, sizeof(mac));
    return cbor_read_end(&reader);
}

static bool mac_copy(const uint8_t *secret, const uint8_t *device, const uint8_t *data, size_t size, uint8_t *mac) {
    uint8_t key[KEYS_SIZE];
    bool good = keys_derive(secret, KEYS_STATE, device, 0, key, sizeof(key)) == KEYS_OK && mac_of(key, data, size, mac);
    crypto_wipe(key, sizeof(key));
    return good;
}

static enum state_error open_copy(struct state *state, const struct state_copy *copy, const uint8_t *secret,
                                  const uint8_t *device) {
    uint8_t mac[DIGEST_SIZE];
    if (copy->size == 0)
        return STATE_ABSENT;
    if (!read_state(state, copy))
        return STATE_DAMAGED;
    if (!mac_copy(secret, device, copy->data, copy->size - MAC_ITEM, mac))
        return STATE_FAILED;
    return crypto_equal(mac, copy->data + copy->size - DIGEST_SIZE, sizeof(mac)) ? STATE_OK : STATE_DAMAGED;
}

/* A damaged copy without another is the very first write, which is done to both, cut short. */
static enum state_error result_of(enum state_error first, enum state_error second) {
    if (first == STATE_OK || second == STATE_OK)
        return STATE_OK;
    if (first == STATE_FAILED || second == STATE_FAILED)
        return STATE_FAILED;
    return first == STATE_ABSENT || second == STATE_ABSENT ? STATE_ABSENT : STATE_DAMAGED;
}

enum state_error state_open(struct state *state, const struct state_copy copies[2], const uint8_t *secret,
                            const uint8_t *device, uint64_t generation) {
    struct state other;
    enum state_error first = open_copy(state, &copies[0], secret, device);
    enum state_error second = open_copy(&other, &copies[1], secret, device);
    if (second == STATE_OK && (first != STATE_OK || other.generation > state->generation))
        *state = other;
    enum state_error error = result_of(first, second);
    // With a TPM that knows of a state, a disk without one was emptied.
    if ((error == STATE_OK && state->generation < generation) || (error == STATE_ABSENT && generation > 0))
        error = STATE_ROLLED_BACK;
    if (error != STATE_OK)
        memset(state, 0, sizeof(*state));
    return error;
}

static void write_persona(struct cbor_writer *writer, const struct state_persona *persona) {
    cbor_write_array(writer, PERSONA_ITEMS);
    cbor_write_bytes(writer, persona->id, sizeof(persona->id));
    cbor_write_uint(writer, persona->failed_attempts);
    cbor_write_uint(writer, persona->minimum_version);
    cbor_write_uint(writer, persona->slots_generation);
    cbor_write_uint(writer, persona->version);
    cbor_write_uint(writer, persona->trying);
    cbor_write_uint(writer, persona->tries_left);
}

enum state_error state_write(struct state *state, const uint8_t *secret, const uint8_t *device, uint8_t *file,
                             size_t room, size_t *size, unsigned *copy) {
    struct cbor_writer writer = cbor_write(file, room);
    uint8_t mac[DIGEST_SIZE];
    *size = 0;
    *copy = (unsigned)((state->generation + 1) % 2);
    cbor_write_array(&writer, ITEMS);
    cbor_write_uint(&writer, FORMAT);
    cbor_write_uint(&writer, state->generation + 1);
    cbor_write_uint(&writer, state->epoch);
    cbor_write_array(&writer, state->persona_count);
    for (size_t i = 0; i < state->persona_count; i++)
        write_persona(&writer, &state->personas[i]);
    if (!writer.failed && !mac_copy(secret, device, file, writer.size, mac))
        return STATE_FAILED;
    cbor_write_bytes(&writer, mac, sizeof(mac));
    if (writer.failed)
        return STATE_TOO_LONG;
    state->generation++;
    *size = writer.size;
    return STATE_OK;
}
