// SPDX-License-Identifier: BSD-3-Clause
#ifndef AGENT_DBUS_H
#define AGENT_DBUS_H

/**
 * As much of D-Bus (D-Bus Specification 0.43) as it takes to ask a service one question: a method call without
 * arguments, and its reply. A static program cannot bring the library along.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dbus_call {
    const char *destination, *path, *interface, *member;
    uint32_t serial; /* not 0 */
};

/** A message that came, checked as far as its header goes. */
struct dbus_message {
    bool reply;          /* a method return or an error, else another kind of message */
    bool error;          /* an error reply */
    uint32_t serial;     /* of the call that it replies to */
    char signature[32];  /* of the body */
    const uint8_t *body; /* within the bytes that were parsed */
    size_t body_size;    /* bytes */
};

/** Reads a body value by value; an error sticks, and gives 0 and empty texts. */
struct dbus_reader {
    const uint8_t *start;
    size_t size, at; /* bytes */
    bool failed;
};

enum dbus_error { DBUS_OK, DBUS_NO_BUS, DBUS_NO_ANSWER, DBUS_MALFORMED, DBUS_REFUSED };

/** Writes a method call. @return its bytes; 0: it does not fit room */
size_t dbus_write_call(const struct dbus_call *call, uint8_t *to, size_t room);

/** @return bytes of the message that begins there; 0: more of it is needed to tell; SIZE_MAX: it is none */
size_t dbus_message_size(const uint8_t *data, size_t size);

/** Parses a message. @param size what dbus_message_size() said @return false: it breaks the specification's rules */
__attribute__((warn_unused_result)) bool dbus_parse(const uint8_t *data, size_t size, struct dbus_message *message);

/** Starts to read a body. */
struct dbus_reader dbus_read(const struct dbus_message *message);

/** Goes on to the next multiple of 4 or 8 bytes. */
void dbus_read_align(struct dbus_reader *reader, size_t alignment);

uint32_t dbus_read_uint32(struct dbus_reader *reader);

/** @return a text in the message, which ends with NUL */
const char *dbus_read_string(struct dbus_reader *reader);

/**
 * Connects to a bus, asks, and disconnects.
 * @param socket_path of the bus
 * @param call        its serial must be above 1
 * @param milliseconds that all of it may take
 * @param buffer      where the reply is put and stays, size bytes
 * @return DBUS_OK, DBUS_NO_BUS (none listens there), DBUS_NO_ANSWER (in that time), DBUS_MALFORMED (or too long),
 *         DBUS_REFUSED (an error is the reply: the service is not there, for one)
 */
__attribute__((warn_unused_result)) enum dbus_error dbus_ask(const char *socket_path, const struct dbus_call *call,
                                                             int milliseconds, uint8_t *buffer, size_t size,
                                                             struct dbus_message *reply);

#endif
