// SPDX-License-Identifier: BSD-3-Clause
#include "dbus.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* "Message Format". All is little-endian here: bus and services run on the machine that we run on. */
enum {
    METHOD_CALL = 1,
    METHOD_RETURN = 2,
    ERROR = 3,
    NO_AUTO_START = 2,
    PROTOCOL_VERSION = 1,
    HEADER_SIZE = 16, /* up to the header fields, their length included */
    MESSAGE_MAX = 1 << 27,

    FIELD_PATH = 1,
    FIELD_INTERFACE = 2,
    FIELD_MEMBER = 3,
    FIELD_REPLY_SERIAL = 5,
    FIELD_DESTINATION = 6,
    FIELD_SIGNATURE = 8,
};

struct writer {
    uint8_t *to;
    size_t room, size;
    bool failed;
};

static void write_bytes(struct writer *writer, const void *data, size_t size) {
    if (size > writer->room - writer->size)
        writer->failed = true;
    if (writer->failed)
        return;
    memcpy(writer->to + writer->size, data, size);
    writer->size += size;
}

static void write_align(struct writer *writer, size_t alignment) {
    static const uint8_t zeros[8];
    write_bytes(writer, zeros, (alignment - writer->size % alignment) % alignment);
}

static void write_uint32(struct writer *writer, uint32_t value) {
    const uint8_t bytes[] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16), (uint8_t)(value >> 24)};
    write_align(writer, 4);
    write_bytes(writer, bytes, sizeof bytes);
}

static void write_field(struct writer *writer, uint8_t code, char type, const char *text) {
    const uint8_t start[] = {code, 1, (uint8_t)type, 0};
    write_align(writer, 8);
    write_bytes(writer, start, sizeof start);
    write_uint32(writer, (uint32_t)strlen(text));
    write_bytes(writer, text, strlen(text) + 1);
}

size_t dbus_write_call(const struct dbus_call *call, uint8_t *to, size_t room) {
    struct writer writer = {.to = to, .room = room};
    const uint8_t start[] = {'l', METHOD_CALL, NO_AUTO_START, PROTOCOL_VERSION};
    write_bytes(&writer, start, sizeof start);
    write_uint32(&writer, 0); /* no body */
    write_uint32(&writer, call->serial);
    write_uint32(&writer, 0); /* the fields' length, when it is known */
    write_field(&writer, FIELD_PATH, 'o', call->path);
    write_field(&writer, FIELD_INTERFACE, 's', call->interface);
    write_field(&writer, FIELD_MEMBER, 's', call->member);
    write_field(&writer, FIELD_DESTINATION, 's', call->destination);
    uint32_t fields = (uint32_t)(writer.size - HEADER_SIZE);
    write_align(&writer, 8);
    if (writer.failed)
        return 0;
    struct writer length = {.to = to, .room = HEADER_SIZE, .size = HEADER_SIZE - sizeof fields};
    write_uint32(&length, fields);
    return writer.size;
}

static uint32_t uint32_at(const uint8_t *data) {
    return data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 24;
}

static size_t header_size(const uint8_t *data) { return (HEADER_SIZE + (size_t)uint32_at(data + 12) + 7) / 8 * 8; }

size_t dbus_message_size(const uint8_t *data, size_t size) {
    if (size < HEADER_SIZE)
        return 0;
    uint32_t body = uint32_at(data + 4);
    if (data[0] != 'l' || data[3] != PROTOCOL_VERSION || body > MESSAGE_MAX || uint32_at(data + 12) > MESSAGE_MAX)
        return SIZE_MAX;
    return header_size(data) + body;
}

void dbus_read_align(struct dbus_reader *reader, size_t alignment) {
    size_t next = (reader->at + alignment - 1) / alignment * alignment;
    reader->failed |= next > reader->size;
    if (!reader->failed)
        reader->at = next;
}

static uint8_t read_byte(struct dbus_reader *reader) {
    reader->failed |= reader->at >= reader->size;
    return reader->failed ? 0 : reader->start[reader->at++];
}

uint32_t dbus_read_uint32(struct dbus_reader *reader) {
    dbus_read_align(reader, 4);
    reader->failed |= reader->failed || reader->size - reader->at < 4;
    if (reader->failed)
        return 0;
    reader->at += 4;
    return uint32_at(reader->start + reader->at - 4);
}

/* With its NUL. */
static const char *read_text(struct dbus_reader *reader, size_t length) {
    reader->failed |= reader->failed || length >= reader->size - reader->at;
    if (reader->failed || reader->start[reader->at + length] != '\0') {
        reader->failed = true;
        return "";
    }
    reader->at += length + 1;
    return (const char *)reader->start + reader->at - length - 1;
}

const char *dbus_read_string(struct dbus_reader *reader) {
    uint32_t length = dbus_read_uint32(reader);
    return read_text(reader, length);
}

static const char *read_signature(struct dbus_reader *reader) {
    uint8_t length = read_byte(reader);
    return read_text(reader, length);
}

/* "Header Fields": a structure of a code and a variant; those that matter to us, and the types that others have. */
static void read_field(struct dbus_reader *reader, struct dbus_message *message) {
    dbus_read_align(reader, 8);
    uint8_t code = read_byte(reader);
    const char *type = read_signature(reader);
    if (strcmp(type, "u") == 0) {
        uint32_t value = dbus_read_uint32(reader);
        if (code == FIELD_REPLY_SERIAL)
            message->serial = value;
    } else if (strcmp(type, "g") == 0) {
        const char *signature = read_signature(reader);
        if (code == FIELD_SIGNATURE)
            (void)snprintf(message->signature, sizeof message->signature, "%s", signature);
    } else if (strcmp(type, "s") == 0 || strcmp(type, "o") == 0) {
        (void)dbus_read_string(reader);
    } else {
        reader->failed = true;
    }
}

bool dbus_parse(const uint8_t *data, size_t size, struct dbus_message *message) {
    memset(message, 0, sizeof *message);
    if (dbus_message_size(data, size) != size)
        return false;
    struct dbus_reader fields = {.start = data, .size = HEADER_SIZE + uint32_at(data + 12), .at = HEADER_SIZE};
    while (!fields.failed && fields.at < fields.size)
        read_field(&fields, message);
    message->reply = data[1] == METHOD_RETURN || data[1] == ERROR;
    message->error = data[1] == ERROR;
    message->body = data + header_size(data);
    message->body_size = size - header_size(data);
    return !fields.failed;
}

struct dbus_reader dbus_read(const struct dbus_message *message) {
    return (struct dbus_reader){.start = message->body, .size = message->body_size};
}

static int64_t milliseconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int connect_to(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* "Authentication Protocol": what the bus has to say to one part is not waited for before the next, which it allows. */
static bool send_all(int fd, const struct dbus_call *call) {
    static const struct dbus_call hello = {"org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                           "Hello", 1};
    uint8_t bytes[1024] = {0};
    char uid[16];
    size_t size = 1;
    int length = snprintf(uid, sizeof uid, "%u", (unsigned)geteuid());
    size += (size_t)sprintf((char *)bytes + size, "AUTH EXTERNAL ");
    for (int i = 0; i < length; i++)
        size += (size_t)sprintf((char *)bytes + size, "%02x", (unsigned)uid[i]);
    size += (size_t)sprintf((char *)bytes + size, "\r\nBEGIN\r\n");
    size_t first = dbus_write_call(&hello, bytes + size, sizeof bytes - size);
    size += first;
    size_t second = dbus_write_call(call, bytes + size, sizeof bytes - size);
    size += second;
    return first != 0 && second != 0 && send(fd, bytes, size, MSG_NOSIGNAL) == (ssize_t)size;
}

/* Reads at least a byte more. */
static enum dbus_error read_more(int fd, int64_t until, uint8_t *buffer, size_t size, size_t *have) {
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    int64_t left = until - milliseconds_now();
    if (*have == size)
        return DBUS_MALFORMED;
    if (left <= 0 || poll(&poll_fd, 1, (int)left) <= 0)
        return DBUS_NO_ANSWER;
    ssize_t count = recv(fd, buffer + *have, size - *have, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return DBUS_OK;
    if (count <= 0)
        return DBUS_NO_ANSWER;
    *have += (size_t)count;
    return DBUS_OK;
}

static void drop(uint8_t *buffer, size_t *have, size_t size) {
    *have -= size;
    memmove(buffer, buffer + size, *have);
}

static enum dbus_error await_line(int fd, int64_t until, uint8_t *buffer, size_t size, size_t *have) {
    uint8_t *end;
    while ((end = memchr(buffer, '\n', *have)) == NULL) {
        enum dbus_error error = read_more(fd, until, buffer, size, have);
        if (error != DBUS_OK)
            return error;
    }
    if (memcmp(buffer, "OK ", 3) != 0)
        return DBUS_REFUSED;
    drop(buffer, have, (size_t)(end - buffer) + 1);
    return DBUS_OK;
}

static enum dbus_error await_message(int fd, int64_t until, uint8_t *buffer, size_t size, size_t *have,
                                     struct dbus_message *message, size_t *message_size) {
    while ((*message_size = dbus_message_size(buffer, *have)) == 0 || *message_size > *have) {
        if (*message_size > size)
            return DBUS_MALFORMED;
        enum dbus_error error = read_more(fd, until, buffer, size, have);
        if (error != DBUS_OK)
            return error;
    }
    return dbus_parse(buffer, *message_size, message) ? DBUS_OK : DBUS_MALFORMED;
}

static enum dbus_error await_reply(int fd, int64_t until, uint32_t serial, uint8_t *buffer, size_t size,
                                   struct dbus_message *reply) {
    size_t have = 0;
    size_t message_size = 0;
    enum dbus_error error = await_line(fd, until, buffer, size, &have);
    while (error == DBUS_OK) {
        drop(buffer, &have, message_size);
        error = await_message(fd, until, buffer, size, &have, reply, &message_size);
        if (error == DBUS_OK && reply->reply && reply->serial == serial)
            return reply->error ? DBUS_REFUSED : DBUS_OK;
    }
    return error;
}

enum dbus_error dbus_ask(const char *socket_path, const struct dbus_call *call, int milliseconds, uint8_t *buffer,
                         size_t size, struct dbus_message *reply) {
    int64_t until = milliseconds_now() + milliseconds;
    int fd = connect_to(socket_path);
    if (fd < 0)
        return DBUS_NO_BUS;
    enum dbus_error error = send_all(fd, call) ? DBUS_OK : DBUS_NO_ANSWER;
    if (error == DBUS_OK)
        error = await_reply(fd, until, call->serial, buffer, size, reply);
    close(fd);
    return error;
}
