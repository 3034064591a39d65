// SPDX-License-Identifier: BSD-3-Clause
#include "port.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PAUSE_MS = 20, LOOK_MS = 250 /* between looks at the clock */, ANSWER_MS = 40 /* left for the last answer */ };

/* Goes on over a suspend, at which what was on its way is lost. */
static int64_t now_ms(void) {
    struct timespec time;
    (void)clock_gettime(CLOCK_BOOTTIME, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

void port_close(struct port *port) {
    if (port->fd >= 0)
        (void)close(port->fd);
    port->fd = -1;
}

enum port_taken port_take(const uint8_t *bytes, size_t size, struct port_answer *answer) {
    if (size < PORT_PREFIX_SIZE)
        return PORT_MORE;
    size_t length = (size_t)bytes[0] << 8 | bytes[1];
    if (length == 0 || length > PORT_ANSWER_MAX)
        return PORT_NONSENSE;
    if (size < PORT_PREFIX_SIZE + length)
        return PORT_MORE;
    if (size > PORT_PREFIX_SIZE + length || bytes[PORT_PREFIX_SIZE] > PORT_BUSY)
        return PORT_NONSENSE;
    answer->status = (enum port_status)bytes[PORT_PREFIX_SIZE];
    answer->size = length - 1;
    memcpy(answer->data, bytes + PORT_PREFIX_SIZE + 1, answer->size);
    return PORT_TAKEN;
}

/* Waits until the port may be ready. What a port says while the switcher does not have it open, just after a resume, is
 * that it is ready, at once; hence the pause. */
static bool wait_for(const struct port *port, short events, int64_t deadline, bool pause) {
    struct pollfd polled = {.fd = port->fd, .events = events};
    int64_t left = deadline - now_ms();
    if (left <= 0)
        return false;
    if (pause)
        (void)poll(NULL, 0, PAUSE_MS);
    else
        (void)poll(&polled, 1, left < LOOK_MS ? (int)left : LOOK_MS);
    return true;
}

/* Drops what an earlier request left, one whose answer came too late. */
static void drain(const struct port *port) {
    uint8_t bytes[PORT_PREFIX_SIZE + PORT_ANSWER_MAX];
    for (unsigned i = 0; i < 64 && read(port->fd, bytes, sizeof bytes) > 0; i++)
        continue;
    explicit_bzero(bytes, sizeof bytes);
}

static bool passing(int error) { return error == EINTR || error == EAGAIN; }

/* A frame is one write, or none of it has gone. */
static bool write_frame(const struct port *port, const uint8_t *frame, size_t size, int64_t deadline) {
    do {
        ssize_t written = write(port->fd, frame, size);
        if (written >= 0 || !passing(errno))
            return written == (ssize_t)size;
    } while (wait_for(port, POLLOUT, deadline, false));
    return false;
}

/* There may be a PIN in it. */
static bool send_frame(const struct port *port, const uint8_t *request, size_t size, int64_t deadline) {
    uint8_t frame[PORT_PREFIX_SIZE + PORT_REQUEST_MAX] = {(uint8_t)(size >> 8), (uint8_t)size};
    memcpy(frame + PORT_PREFIX_SIZE, request, size);
    bool sent = write_frame(port, frame, PORT_PREFIX_SIZE + size, deadline);
    explicit_bzero(frame, sizeof frame);
    return sent;
}

/* @param bytes room for a whole frame */
static bool read_frame(const struct port *port, uint8_t *bytes, int64_t deadline, struct port_answer *answer) {
    size_t have = 0;
    ssize_t count;
    do {
        count = read(port->fd, bytes + have, PORT_PREFIX_SIZE + PORT_ANSWER_MAX - have);
        if (count < 0 && !passing(errno))
            return false;
        have += count > 0 ? (size_t)count : 0;
        enum port_taken taken = count > 0 ? port_take(bytes, have, answer) : PORT_MORE;
        if (taken != PORT_MORE)
            return taken == PORT_TAKEN;
    } while (wait_for(port, POLLIN, deadline, count == 0));
    return false;
}

/* There may be keys of a session in it. */
static bool receive_frame(const struct port *port, int64_t deadline, struct port_answer *answer) {
    uint8_t bytes[PORT_PREFIX_SIZE + PORT_ANSWER_MAX];
    bool received = read_frame(port, bytes, deadline, answer);
    explicit_bzero(bytes, sizeof bytes);
    return received;
}

void port_ask(struct port *port, const uint8_t *request, size_t size, int timeout_ms, struct port_answer *answer) {
    int64_t deadline = now_ms() + timeout_ms;
    *answer = (struct port_answer){.status = PORT_NOTHING};
    if (size == 0 || size > PORT_REQUEST_MAX)
        return;
    if (port->fd < 0)
        port->fd = open(port->path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (port->fd < 0)
        return;
    drain(port);
    while (send_frame(port, request, size, deadline) && receive_frame(port, deadline, answer))
        if (answer->status != PORT_BUSY || !wait_for(port, POLLIN, deadline - PAUSE_MS - ANSWER_MS, true))
            return;
    *answer = (struct port_answer){.status = PORT_NOTHING};
    port_close(port);
}
