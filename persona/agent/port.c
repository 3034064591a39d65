// SPDX-License-Identifier: BSD-3-Clause
#include "port.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PORT_NAME "flipside.control"

enum { PREFIX_SIZE = 2 };

static bool has_name(const char *file) {
    char line[sizeof PORT_NAME + 1] = "";
    FILE *stream = fopen(file, "re");
    if (stream == NULL)
        return false;
    bool read = fgets(line, sizeof line, stream) != NULL;
    (void)fclose(stream);
    return read && strcmp(line, PORT_NAME "\n") == 0;
}

/* From .../virtio-ports/vport0p1/name the device is /dev/vport0p1; what udev adds under /dev/virtio-ports is not waited
 * for. */
static bool device_of(const char *root, char *file, char *path, size_t size) {
    *strrchr(file, '/') = '\0';
    int length = snprintf(path, size, "%s/dev/%s", root, strrchr(file, '/') + 1);
    return length > 0 && (size_t)length < size;
}

bool port_find(const char *root, char *path, size_t size) {
    char pattern[256];
    glob_t found;
    bool there = false;
    (void)snprintf(pattern, sizeof pattern, "%s/sys/class/virtio-ports/*/name", root);
    if (glob(pattern, 0, NULL, &found) != 0)
        return false;
    for (size_t i = 0; i < found.gl_pathc && !there; i++)
        there = has_name(found.gl_pathv[i]) && device_of(root, found.gl_pathv[i], path, size);
    globfree(&found);
    return there;
}

bool port_open(struct port *port) {
    char path[64];
    port->have = 0;
    port->fd = -1;
    if (!port_find("", path, sizeof path))
        errno = ENOENT;
    else
        port->fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    return port->fd >= 0;
}

void port_close(struct port *port) {
    if (port->fd >= 0)
        close(port->fd);
    port->fd = -1;
    port->have = 0;
}

void port_resumed(struct port *port) { port->have = 0; }

static enum port_result gone(struct port *port) {
    port_close(port);
    return PORT_GONE;
}

enum port_result port_send(struct port *port, const struct message_bytes *message) {
    uint8_t frame[PREFIX_SIZE + MESSAGE_TO_SWITCHER] = {(uint8_t)(message->size >> 8), (uint8_t)message->size};
    size_t size = PREFIX_SIZE + message->size;
    memcpy(frame + PREFIX_SIZE, message->data, message->size);
    ssize_t written;
    do {
        written = write(port->fd, frame, size);
    } while (written < 0 && errno == EINTR);
    if (written == (ssize_t)size)
        return PORT_OK;
    return written < 0 && errno == EAGAIN ? PORT_EMPTY : gone(port);
}

static size_t announced(const struct port *port) { return (size_t)port->buffer[0] << 8 | port->buffer[1]; }

static bool take(struct port *port, uint8_t *data, size_t *size) {
    if (port->have < PREFIX_SIZE || port->have < PREFIX_SIZE + announced(port))
        return false;
    *size = announced(port);
    memcpy(data, port->buffer + PREFIX_SIZE, *size);
    port->have -= PREFIX_SIZE + *size;
    memmove(port->buffer, port->buffer + PREFIX_SIZE + *size, port->have);
    return true;
}

enum port_result port_receive(struct port *port, uint8_t *data, size_t *size) {
    while (!take(port, data, size)) {
        if (port->have >= PREFIX_SIZE && announced(port) > MESSAGE_TO_PERSONA)
            return gone(port);
        ssize_t count = read(port->fd, port->buffer + port->have, sizeof port->buffer - port->have);
        if (count == 0)
            return PORT_ASIDE;
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return errno == EAGAIN ? PORT_EMPTY : gone(port);
        port->have += (size_t)count;
    }
    return PORT_OK;
}
