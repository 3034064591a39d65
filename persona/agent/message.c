// SPDX-License-Identifier: BSD-3-Clause
#include "message.h"

#include <string.h>

#include "crypto/cbor.h"

/* The fewest items of the arrays that a later version may make longer. */
enum { STATUS_ITEMS = 6, PERSONA_ITEMS = 4, FLIP_ITEMS = 3 + TIMES };

static struct message_bytes finish(struct message_bytes bytes, const struct cbor_writer *writer) {
    bytes.size = writer->failed ? 0 : writer->size;
    return bytes;
}

struct message_bytes message_plain(enum message_kind kind) {
    struct message_bytes bytes;
    struct cbor_writer writer = cbor_write(bytes.data, sizeof bytes.data);
    cbor_write_array(&writer, 1);
    cbor_write_uint(&writer, kind);
    return finish(bytes, &writer);
}

static void write_text(struct cbor_writer *writer, const char *text) {
    char cut[MESSAGE_TEXT_MAX + 1];
    size_t size = strnlen(text, MESSAGE_TEXT_MAX);
    memcpy(cut, text, size);
    cut[size] = '\0';
    cbor_write_text(writer, cut);
}

struct message_bytes message_with_text(enum message_kind kind, const char *text) {
    struct message_bytes bytes;
    struct cbor_writer writer = cbor_write(bytes.data, sizeof bytes.data);
    cbor_write_array(&writer, 2);
    cbor_write_uint(&writer, kind);
    write_text(&writer, text);
    return finish(bytes, &writer);
}

static struct message_bytes with_number_and_text(enum message_kind kind, uint64_t number, const char *text) {
    struct message_bytes bytes;
    struct cbor_writer writer = cbor_write(bytes.data, sizeof bytes.data);
    cbor_write_array(&writer, 3);
    cbor_write_uint(&writer, kind);
    cbor_write_uint(&writer, number);
    write_text(&writer, text);
    return finish(bytes, &writer);
}

struct message_bytes message_hello(const char *agent) {
    return with_number_and_text(MESSAGE_HELLO, MESSAGE_VERSION, agent);
}

struct message_bytes message_local_error(const char *text) {
    return with_number_and_text(MESSAGE_ERROR, MESSAGE_LOCAL, text);
}

/* Of an array of which known items were read; behind them is what a later version has put there. */
static void end_array(struct cbor_reader *reader, uint64_t items, uint64_t known) {
    for (uint64_t i = known; i < items && !reader->failed; i++)
        (void)cbor_read_item(reader);
}

static unsigned read_below(struct cbor_reader *reader, uint64_t end) {
    uint64_t value = cbor_read_uint(reader);
    if (value >= end)
        reader->failed = true;
    return reader->failed ? 0 : (unsigned)value;
}

static void read_name(struct cbor_reader *reader, char name[MESSAGE_NAME_MAX + 1]) {
    struct cbor_text text = cbor_read_text(reader, MESSAGE_NAME_MAX);
    for (size_t i = 0; i < text.size; i++)
        if (strchr("abcdefghijklmnopqrstuvwxyz0123456789-", text.start[i]) == NULL || text.start[i] == '\0')
            reader->failed = true;
    reader->failed |= text.size == 0;
    memcpy(name, text.start, text.size);
    name[text.size] = '\0';
}

/* Whoever shows it may do so as it is. */
static void read_text(struct cbor_reader *reader, char *to) {
    struct cbor_text text = cbor_read_text(reader, MESSAGE_TEXT_MAX);
    for (size_t i = 0; i < text.size; i++)
        to[i] = (char)(text.start[i] >= ' ' && text.start[i] <= '~' ? text.start[i] : '?');
    to[text.size] = '\0';
}

static void read_persona(struct cbor_reader *reader, struct message_persona *persona) {
    uint64_t items = cbor_read_array_of(reader, PERSONA_ITEMS, UINT64_MAX);
    read_name(reader, persona->name);
    persona->state = (enum message_state)read_below(reader, STATES);
    persona->since = cbor_read_uint(reader);
    persona->agent = read_below(reader, 2) == 1;
    end_array(reader, items, PERSONA_ITEMS);
}

static void read_flip(struct cbor_reader *reader, unsigned personas, struct message_flip *flip) {
    uint64_t items = cbor_read_array_of(reader, FLIP_ITEMS, UINT64_MAX);
    flip->from = read_below(reader, personas);
    flip->to = read_below(reader, personas);
    flip->stage = (enum message_stage)read_below(reader, STAGES);
    reader->failed |= flip->stage == 0;
    for (unsigned i = 0; i < TIMES; i++)
        flip->times[i] = cbor_read_uint(reader);
    end_array(reader, items, FLIP_ITEMS);
}

static void read_status(struct cbor_reader *reader, struct message_status *status) {
    status->now = cbor_read_uint(reader);
    status->self = read_below(reader, MESSAGE_PERSONAS_MAX);
    status->persona_count = (unsigned)cbor_read_array_of(reader, 1, MESSAGE_PERSONAS_MAX);
    for (unsigned i = 0; i < status->persona_count; i++)
        read_persona(reader, &status->personas[i]);
    reader->failed |= status->self >= status->persona_count;
    status->flip_count = (unsigned)cbor_read_array_of(reader, 0, MESSAGE_FLIPS_MAX);
    for (unsigned i = 0; i < status->flip_count; i++)
        read_flip(reader, status->persona_count, &status->flips[i]);
    uint64_t counters = cbor_read_array_of(reader, COUNTERS, UINT64_MAX);
    for (unsigned i = 0; i < COUNTERS; i++)
        status->counters[i] = cbor_read_uint(reader);
    end_array(reader, counters, COUNTERS);
}

bool message_read(const uint8_t *data, size_t size, struct message *message) {
    struct cbor_reader reader = cbor_read(data, size);
    memset(message, 0, sizeof *message);
    uint64_t items = cbor_read_array(&reader);
    uint64_t known = 1;
    message->kind = (enum message_kind)read_below(&reader, MESSAGE_DONE + 1);
    if (message->kind == MESSAGE_HELLO || message->kind == MESSAGE_ERROR) {
        message->number = cbor_read_uint(&reader);
        known++;
    }
    if (message->kind == MESSAGE_FLIP_REQUEST || message->kind == MESSAGE_ERROR) {
        read_text(&reader, message->text);
        known++;
    }
    if (message->kind == MESSAGE_STATUS_REPLY) {
        read_status(&reader, &message->status);
        known = STATUS_ITEMS;
        end_array(&reader, items, known);
    }
    bool whole = message->kind == MESSAGE_STATUS_REPLY ? items >= known : items == known;
    bool from_switcher = message->kind == MESSAGE_HELLO || message->kind >= MESSAGE_FLIP_REQUEST;
    return whole && from_switcher && message->kind != MESSAGE_INHIBIT && cbor_read_end(&reader);
}

bool message_read_client(const uint8_t *data, size_t size, struct message *message) {
    struct cbor_reader reader = cbor_read(data, size);
    memset(message, 0, sizeof *message);
    uint64_t items = cbor_read_array(&reader);
    message->kind = (enum message_kind)read_below(&reader, MESSAGE_INHIBIT + 1);
    bool text = message->kind == MESSAGE_FLIP || message->kind == MESSAGE_INHIBIT;
    if (!text && message->kind != MESSAGE_STATUS && message->kind != MESSAGE_UP)
        return false;
    if (text)
        read_text(&reader, message->text);
    return items == (text ? 2 : 1) && cbor_read_end(&reader);
}
