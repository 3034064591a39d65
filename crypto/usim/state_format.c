// SPDX-License-Identifier: BSD-3-Clause
#include "state_format.h"

#include <string.h>

#include "crypto/cbor.h"

enum { FORMAT = 4, ITEMS = 11, ANCHOR_ITEMS = 3, LENGTH_SIZE = 2 };

static void write_pin(struct cbor_writer *writer, const struct usim_pin *pin) {
    cbor_write_array(writer, 5);
    cbor_write_bool(writer, pin->enabled);
    cbor_write_bytes(writer, pin->value, USIM_PIN_SIZE);
    cbor_write_bytes(writer, pin->puk, USIM_PIN_SIZE);
    cbor_write_uint(writer, pin->tries);
    cbor_write_uint(writer, pin->puk_tries);
}

static void write_anchor(struct cbor_writer *writer, const struct usim_anchor *anchor) {
    cbor_write_array(writer, ANCHOR_ITEMS);
    cbor_write_uint(writer, anchor->issue);
    cbor_write_uint(writer, anchor->start);
    cbor_write_uint(writer, anchor->limit);
}

bool state_encode(const struct usim_state *state, uint8_t *plain) {
    struct cbor_writer writer = cbor_write(plain + LENGTH_SIZE, STATE_PLAIN_SIZE - LENGTH_SIZE);
    memset(plain, 0, STATE_PLAIN_SIZE);
    cbor_write_array(&writer, ITEMS);
    cbor_write_uint(&writer, FORMAT);
    cbor_write_uint(&writer, state->number);
    cbor_write_uint(&writer, (uint64_t)state->stage);
    cbor_write_uint(&writer, state->generation);
    cbor_write_text(&writer, state->iccid);
    write_anchor(&writer, &state->anchor);
    cbor_write_uint(&writer, state->mark);
    cbor_write_array(&writer, AKA_INDS);
    for (size_t i = 0; i < AKA_INDS; i++)
        cbor_write_uint(&writer, state->array.seq[i]);
    cbor_write_array(&writer, USIM_PINS);
    for (size_t i = 0; i < USIM_PINS; i++)
        write_pin(&writer, &state->pins[i]);
    cbor_write_array(&writer, 2);
    cbor_write_bytes(&writer, state->gba.ks, state->gba.ks_size);
    cbor_write_bytes(&writer, state->gba.rand, AKA_RAND_SIZE);
    cbor_write_bytes(&writer, state->files, USIM_FILES_SIZE);
    plain[0] = (uint8_t)(writer.size >> 8);
    plain[1] = (uint8_t)writer.size;
    return !writer.failed;
}

static uint64_t read_most(struct cbor_reader *reader, uint64_t most) {
    uint64_t value = cbor_read_uint(reader);
    reader->failed |= value > most;
    return value;
}

static void read_anchor(struct cbor_reader *reader, struct usim_anchor *anchor) {
    (void)cbor_read_array_of(reader, ANCHOR_ITEMS, ANCHOR_ITEMS);
    anchor->issue = cbor_read_uint(reader);
    anchor->start = cbor_read_uint(reader);
    anchor->limit = read_most(reader, AKA_SEQ_MAX);
}

static void read_pin(struct cbor_reader *reader, struct usim_pin *pin) {
    (void)cbor_read_array_of(reader, 5, 5);
    pin->enabled = cbor_read_bool(reader);
    cbor_read_exactly(reader, pin->value, USIM_PIN_SIZE);
    cbor_read_exactly(reader, pin->puk, USIM_PIN_SIZE);
    pin->tries = (uint8_t)read_most(reader, USIM_PIN_TRIES);
    pin->puk_tries = (uint8_t)read_most(reader, USIM_PUK_TRIES);
}

static void read_gba(struct cbor_reader *reader, struct gba *gba) {
    (void)cbor_read_array_of(reader, 2, 2);
    struct cbor_bytes ks = cbor_read_bytes(reader, GBA_KS_MAX);
    gba->ks_size = reader->failed ? 0 : ks.size;
    if (gba->ks_size > 0)
        memcpy(gba->ks, ks.start, ks.size);
    cbor_read_exactly(reader, gba->rand, AKA_RAND_SIZE);
}

bool state_decode(struct usim_state *state, const uint8_t *plain) {
    size_t size = (size_t)plain[0] << 8 | plain[1];
    struct cbor_reader reader = cbor_read(plain + LENGTH_SIZE, size);
    memset(state, 0, sizeof(*state));
    if (size > STATE_PLAIN_SIZE - LENGTH_SIZE)
        return false;
    (void)cbor_read_array_of(&reader, ITEMS, ITEMS);
    reader.failed |= cbor_read_uint(&reader) != FORMAT;
    state->number = cbor_read_uint(&reader);
    state->stage = (enum usim_stage)read_most(&reader, USIM_STOPPED);
    state->generation = cbor_read_uint(&reader);
    struct cbor_text iccid = cbor_read_text(&reader, USIM_ICCID_DIGITS);
    if (!reader.failed && iccid.size > 0)
        memcpy(state->iccid, iccid.start, iccid.size);
    read_anchor(&reader, &state->anchor);
    state->mark = read_most(&reader, AKA_SEQ_MAX);
    (void)cbor_read_array_of(&reader, AKA_INDS, AKA_INDS);
    for (size_t i = 0; i < AKA_INDS; i++)
        state->array.seq[i] = read_most(&reader, AKA_SEQ_MAX);
    (void)cbor_read_array_of(&reader, USIM_PINS, USIM_PINS);
    for (size_t i = 0; i < USIM_PINS; i++)
        read_pin(&reader, &state->pins[i]);
    read_gba(&reader, &state->gba);
    cbor_read_exactly(&reader, state->files, USIM_FILES_SIZE);
    return cbor_read_end(&reader);
}
