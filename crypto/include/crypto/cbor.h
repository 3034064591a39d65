// SPDX-License-Identifier: BSD-3-Clause
#ifndef CRYPTO_CBOR_H
#define CRYPTO_CBOR_H

/**
 * CBOR (RFC 8949) in deterministic encoding (4.2.1) and nothing else: definite lengths, shortest forms, map keys in
 * order; no floating point. For the control protocol at both its ends, and for all objects that are stored or sent.
 * Nothing is allocated and nothing is copied: what is read points into the message.
 *
 * An error sticks: after the first, reading gives 0, false or empty strings, writing does nothing, and it is looked at
 * once, with cbor_read_end() or in `failed`.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cbor_reader {
    const uint8_t *next;
    size_t left; /* bytes */
    bool failed;
};

struct cbor_writer {
    uint8_t *start;
    size_t room; /* bytes in all */
    size_t size; /* bytes written */
    bool failed;
};

/** A text string inside the message; not terminated, and not checked to be UTF-8. */
struct cbor_text {
    const char *start;
    size_t size; /* bytes */
};

/** A byte string inside the message, or an item as it is encoded. */
struct cbor_bytes {
    const uint8_t *start;
    size_t size; /* bytes */
};

/** A map that is being read: entries are asked for in the order of deterministic encoding, each once. */
struct cbor_map {
    uint64_t left; /* entries */
};

/** Starts to read. @param data size bytes, which what is read then points into */
struct cbor_reader cbor_read(const uint8_t *data, size_t size);

/** Reads an unsigned integer. @return it; 0 and failed set when something else comes */
uint64_t cbor_read_uint(struct cbor_reader *reader);

/** Reads an integer. @return it; 0 and failed set when something else comes, or it does not fit */
int64_t cbor_read_int(struct cbor_reader *reader);

/** Reads true or false. @return it; false and failed set when something else comes */
bool cbor_read_bool(struct cbor_reader *reader);

/** Reads null; failed is set when something else comes. */
void cbor_read_null(struct cbor_reader *reader);

/** @return whether null comes next, which is then read */
bool cbor_read_if_null(struct cbor_reader *reader);

/** Reads the head of an array. @return its number of items; 0 and failed set when something else comes */
uint64_t cbor_read_array(struct cbor_reader *reader);

/**
 * Reads the head of an array. @param least, most items that it may have; another number sets failed
 * @return its number of items; 0 when failed
 */
uint64_t cbor_read_array_of(struct cbor_reader *reader, uint64_t least, uint64_t most);

/** Reads a tag; another one, or something else, sets failed. */
void cbor_read_tag(struct cbor_reader *reader, uint64_t tag);

/** Reads a text string. @param most bytes that it may have; longer ones set failed */
struct cbor_text cbor_read_text(struct cbor_reader *reader, size_t most);

/** Reads a byte string. @param most bytes that it may have; longer ones set failed */
struct cbor_bytes cbor_read_bytes(struct cbor_reader *reader, size_t most);

/** Reads a byte string of exactly `size` bytes into `to`, which is all zero when failed. */
void cbor_read_exactly(struct cbor_reader *reader, uint8_t *to, size_t size);

/** Reads the head of a map whose keys are integers. */
struct cbor_map cbor_read_map(struct cbor_reader *reader);

/** @return whether the map's next entry has this key, which is then read; its value is to be read next */
bool cbor_map_has(struct cbor_reader *reader, struct cbor_map *map, int64_t key);

/** Reads a key that must be there; failed is set when another comes or none. */
void cbor_map_need(struct cbor_reader *reader, struct cbor_map *map, int64_t key);

/** Ends a map; failed is set when an entry is left, so a key that nobody asked for is an error. */
void cbor_map_end(struct cbor_reader *reader, const struct cbor_map *map);

/** Reads one item of any kind, no deeper than 8 levels. @return it as it is encoded */
struct cbor_bytes cbor_read_item(struct cbor_reader *reader);

/** @return whether all went well and the message ends here */
__attribute__((warn_unused_result)) bool cbor_read_end(const struct cbor_reader *reader);

/** @return whether two byte strings are the same; not for secrets */
bool cbor_bytes_equal(struct cbor_bytes bytes, const void *other, size_t size);

/** @return whether a text string is this one; not for secrets. @param other ends with NUL */
bool cbor_text_equal(struct cbor_text text, const char *other);

/** Starts to write. @param room bytes at data */
struct cbor_writer cbor_write(uint8_t *data, size_t room);

void cbor_write_uint(struct cbor_writer *writer, uint64_t value);

void cbor_write_int(struct cbor_writer *writer, int64_t value);

void cbor_write_bool(struct cbor_writer *writer, bool value);

void cbor_write_null(struct cbor_writer *writer);

/** Writes the head of an array. @param count items that follow */
void cbor_write_array(struct cbor_writer *writer, uint64_t count);

/** Writes the head of a map. @param count entries that follow, which the caller puts in order (4.2.1) */
void cbor_write_map(struct cbor_writer *writer, uint64_t count);

void cbor_write_tag(struct cbor_writer *writer, uint64_t tag);

/** Writes a text string. @param text ends with NUL */
void cbor_write_text(struct cbor_writer *writer, const char *text);

void cbor_write_bytes(struct cbor_writer *writer, const void *bytes, size_t size);

/** Writes the head of a byte string whose `size` bytes are elsewhere: for what is digested in pieces. */
void cbor_write_bytes_head(struct cbor_writer *writer, uint64_t size);

/** @return the place for the next `size` bytes, which the caller fills in; NULL and failed set when there is no room */
uint8_t *cbor_write_space(struct cbor_writer *writer, size_t size);

/** Writes items that are encoded already. */
void cbor_write_raw(struct cbor_writer *writer, const void *items, size_t size);

#endif
