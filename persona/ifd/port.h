// SPDX-License-Identifier: BSD-3-Clause
#ifndef IFD_PORT_H
#define IFD_PORT_H

/**
 * The port to the virtual USIM: a named port of a virtio console (virtio 1.2, 5.3), which one program at a time can
 * open. crypto/usim/include/usim/port.h says what goes over it: each request is one frame, and one frame answers it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PORT_REQUEST_MAX = 512, /* bytes of a command APDU */
    PORT_ANSWER_MAX = 512,  /* bytes, with the status */
    PORT_PREFIX_SIZE = 2,   /* bytes: a frame's length, big-endian */
};

/** Requests of one byte; longer ones are APDUs. */
enum port_request { PORT_OFF = 0, PORT_ON = 1, PORT_RESET = 2, PORT_ATR = 4 };

/** The first byte of an answer; 255: none came. */
enum port_status {
    PORT_OK = 0,
    PORT_IS_OFF = 1,     /* the card has no power: it was never turned on, or the system was suspended since */
    PORT_REFUSED = 2,    /* there is no card, or it is not for this persona */
    PORT_BAD_FRAME = 3,  /* no request */
    PORT_BUSY = 4,       /* nothing was done: the card's memory is busy longer than the time-out */
    PORT_NOTHING = 0xff, /* no answer in time, or none that makes sense; or there is no port */
};

struct port {
    const char *path; /* of the device */
    int fd;           /* -1: not open; it is opened when it is needed */
};

/** What came. */
struct port_answer {
    enum port_status status;
    size_t size;                   /* bytes of data */
    uint8_t data[PORT_ANSWER_MAX]; /* an ATR, or a response APDU */
};

/**
 * Sends a request and waits for its answer. Where the card's memory is busy, it asks again until the time is over.
 * @param request    size bytes, 1 to PORT_REQUEST_MAX
 * @param timeout_ms for all of it
 * @param answer     written in any case; PORT_NOTHING: see above, the port is opened anew at the next request
 */
void port_ask(struct port *port, const uint8_t *request, size_t size, int timeout_ms, struct port_answer *answer);

/** Closes the port. */
void port_close(struct port *port);

enum port_taken {
    PORT_TAKEN,
    PORT_MORE,     /* the frame does not end yet */
    PORT_NONSENSE, /* no frame, one too long, or more than one */
};

/**
 * Takes the answer out of what was read.
 * @param bytes  size bytes from the start of a frame
 * @param answer written when PORT_TAKEN is returned
 */
enum port_taken port_take(const uint8_t *bytes, size_t size, struct port_answer *answer);

#endif
