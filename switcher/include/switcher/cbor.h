// SPDX-License-Identifier: BSD-3-Clause
#ifndef SWITCHER_CBOR_H
#define SWITCHER_CBOR_H

/**
 * As much CBOR (RFC 8949) as the control protocol needs, at both its ends: unsigned integers, text strings and arrays,
 * all of definite length, in the shortest form (4.2.1) and nothing else.
 *
 * An error sticks: after the first, reading gives 0 and empty text, writing does nothing, and it is looked at once.
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

/** Starts to read. @param data size bytes, which the texts read then point into */
struct cbor_reader cbor_read(const uint8_t *data, size_t size);

/** Reads an unsigned integer. @return it; 0 and failed set when something else comes */
uint64_t cbor_read_uint(struct cbor_reader *reader);

/** Reads the head of an array. @return its number of items; 0 and failed set when something else comes */
uint64_t cbor_read_array(struct cbor_reader *reader);

/** Reads a text string. @param most bytes that it may have; longer ones set failed */
struct cbor_text cbor_read_text(struct cbor_reader *reader, size_t most);

/** @return whether all went well and the message ends here */
__attribute__((warn_unused_result)) bool cbor_read_end(const struct cbor_reader *reader);

/** Starts to write. @param room bytes at data */
struct cbor_writer cbor_write(uint8_t *data, size_t room);

void cbor_write_uint(struct cbor_writer *writer, uint64_t value);

/** Writes the head of an array. @param count items that follow */
void cbor_write_array(struct cbor_writer *writer, uint64_t count);

/** Writes a text string. @param text ends with NUL */
void cbor_write_text(struct cbor_writer *writer, const char *text);

#endif
