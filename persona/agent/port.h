// SPDX-License-Identifier: BSD-3-Clause
#ifndef AGENT_PORT_H
#define AGENT_PORT_H

/**
 * The port to the switcher: a named port of a virtio console (virtio 1.2, 5.3), which one program at a time can open.
 *
 * Over a suspend of the system it stays open, though what was on its way is lost; when its driver is removed it is gone
 * and is to be closed and opened anew.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "message.h"

struct port {
    int fd;                                 /* -1: not open */
    uint8_t buffer[2 + MESSAGE_TO_PERSONA]; /* what came of the next message */
    size_t have;                            /* bytes in it */
};

enum port_result {
    PORT_OK,
    PORT_EMPTY, /* nothing has come, or no room is there; poll() tells when */
    PORT_ASIDE, /* the switcher does not have it open yet, just after a start or a suspend; try again soon */
    PORT_GONE,  /* the driver was removed, or what comes makes no sense; the port was closed */
};

/**
 * Looks for the port's device.
 * @param root  directory above sys/ and dev/, "" for the system's own
 * @param path  where its name in dev/ is put, size bytes
 * @return false: there is none
 */
__attribute__((warn_unused_result)) bool port_find(const char *root, char *path, size_t size);

/** Opens the port. @return false, with errno: it cannot be now; ENOENT when there is none, EBUSY when another has it */
__attribute__((warn_unused_result)) bool port_open(struct port *port);

void port_close(struct port *port);

/** Forgets the part of a message that came before a suspend: the rest of it never will. */
void port_resumed(struct port *port);

/** Sends a message in one piece. */
__attribute__((warn_unused_result)) enum port_result port_send(struct port *port, const struct message_bytes *message);

/**
 * Takes the next message.
 * @param data where it is put, at least MESSAGE_TO_PERSONA bytes
 * @param size of it in bytes, valid with PORT_OK
 */
__attribute__((warn_unused_result)) enum port_result port_receive(struct port *port, uint8_t *data, size_t *size);

#endif
