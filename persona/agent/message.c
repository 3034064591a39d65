// SPDX-License-Identifier: BSD-3-Clause
#include "message.h"

#include <string.h>

#include "switcher/cbor.h"

/* The fewest items of the arrays that a later version may make longer. */
enum { STATUS_ITEMS = 6, PERSONA_ITEMS = 4, FLIP_ITEMS = 3 + TIMES };

/* RFC 8949 3 */
enum { MAJOR_BYTES = 2, MAJOR_TEXT = 3, MAJOR_ARRAY = 4, MAJOR_MAP = 5, MAJOR_TAG = 6, INLINE_END = 24, LARGEST = 27 };

enum { DEEPEST = 8 };

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

static uint64_t head_argument(struct cbor_reader *reader, unsigned information) {
    uint64_t value = 0;
    size_t bytes = information < INLINE_END ? 0 : (size_t)1 << (information - INLINE_END);
    if (information > LARGEST || bytes > reader->left)
        reader->failed = true;
    if (reader->failed || bytes == 0)
        return information;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | reader->next[i];
    reader->next += bytes;
    reader->left -= bytes;
    return value;
}

static void skip_bytes(struct cbor_reader *reader, uint64_t size) {
    if (size > reader->left)
        reader->failed = true;
    if (reader->failed)
        return;
    reader->next += size;
    reader->left -= (size_t)size;
}

/* An item of any type: what a later version has put behind those of this one. */
static void skip_item(struct cbor_reader *reader, unsigned depth) {
    if (reader->left == 0 || depth == DEEPEST)
        reader->failed = true;
    if (reader->failed)
        return;
    unsigned major = *reader->next >> 5;
    unsigned information = *reader->next & 0x1f;
    skip_bytes(reader, 1);
    uint64_t value = head_argument(reader, information);
    if (major == MAJOR_BYTES || major == MAJOR_TEXT) {
        skip_bytes(reader, value);
        return;
    }
    uint64_t items = major == MAJOR_ARRAY ? value : major == MAJOR_MAP ? 2 * value : major == MAJOR_TAG ? 1 : 0;
    if (value > reader->left && (major == MAJOR_ARRAY || major == MAJOR_MAP))
        reader->failed = true;
    for (uint64_t i = 0; i < items && !reader->failed; i++)
        skip_item(reader, depth + 1);
}

static uint64_t begin_array(struct cbor_reader *reader, uint64_t least, uint64_t most) {
    uint64_t items = cbor_read_array(reader);
    if (items < least || items > most)
        reader->failed = true;
    return reader->failed ? 0 : items;
}

/* Of an array of which known items were read. */
static void end_array(struct cbor_reader *reader, uint64_t items, uint64_t known) {
    for (uint64_t i = known; i < items && !reader->failed; i++)
        skip_item(reader, 0);
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
    uint64_t items = begin_array(reader, PERSONA_ITEMS, UINT64_MAX);
    read_name(reader, persona->name);
    persona->state = (enum message_state)read_below(reader, STATES);
    persona->since = cbor_read_uint(reader);
    persona->agent = read_below(reader, 2) == 1;
    end_array(reader, items, PERSONA_ITEMS);
}

static void read_flip(struct cbor_reader *reader, unsigned personas, struct message_flip *flip) {
    uint64_t items = begin_array(reader, FLIP_ITEMS, UINT64_MAX);
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
    status->persona_count = (unsigned)begin_array(reader, 1, MESSAGE_PERSONAS_MAX);
    for (unsigned i = 0; i < status->persona_count; i++)
        read_persona(reader, &status->personas[i]);
    reader->failed |= status->self >= status->persona_count;
    status->flip_count = (unsigned)begin_array(reader, 0, MESSAGE_FLIPS_MAX);
    for (unsigned i = 0; i < status->flip_count; i++)
        read_flip(reader, status->persona_count, &status->flips[i]);
    uint64_t counters = begin_array(reader, COUNTERS, UINT64_MAX);
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
