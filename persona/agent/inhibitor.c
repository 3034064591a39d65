// SPDX-License-Identifier: BSD-3-Clause
#include "inhibitor.h"

#include <stdio.h>
#include <string.h>

enum {
    ANSWER_MS = 1200, /* the switcher gives 2 s before it presses the button */
    REPLY_MAX = 65536,
};

/* what: a list separated by colons */
static bool names_sleep(const char *what) {
    while (*what != '\0') {
        size_t length = strcspn(what, ":");
        if (length == strlen("sleep") && strncmp(what, "sleep", length) == 0)
            return true;
        what += length + (what[length] == ':');
    }
    return false;
}

enum inhibitor_answer inhibitor_read(const struct dbus_message *reply, char *reason, size_t size) {
    struct dbus_reader reader = dbus_read(reply);
    if (strcmp(reply->signature, "a(ssssuu)") != 0)
        return INHIBITOR_UNKNOWN;
    uint32_t bytes = dbus_read_uint32(&reader);
    dbus_read_align(&reader, 8);
    if (reader.failed || bytes != reader.size - reader.at)
        return INHIBITOR_UNKNOWN;
    while (!reader.failed && reader.at < reader.size) {
        dbus_read_align(&reader, 8);
        const char *what = dbus_read_string(&reader);
        const char *who = dbus_read_string(&reader);
        const char *why = dbus_read_string(&reader);
        const char *mode = dbus_read_string(&reader);
        (void)dbus_read_uint32(&reader); /* user */
        (void)dbus_read_uint32(&reader); /* process */
        if (!reader.failed && strcmp(mode, "block") == 0 && names_sleep(what)) {
            (void)snprintf(reason, size, "%s: %s", who, why);
            return INHIBITOR_HELD;
        }
    }
    return reader.failed ? INHIBITOR_UNKNOWN : INHIBITOR_NONE;
}

enum inhibitor_answer inhibitor_ask(const char *socket_path, char *reason, size_t size) {
    static const struct dbus_call list = {"org.freedesktop.login1", "/org/freedesktop/login1",
                                          "org.freedesktop.login1.Manager", "ListInhibitors", 2};
    static uint8_t buffer[REPLY_MAX];
    struct dbus_message reply;
    switch (dbus_ask(socket_path, &list, ANSWER_MS, buffer, sizeof buffer, &reply)) {
    case DBUS_OK:
        return inhibitor_read(&reply, reason, size);
    case DBUS_NO_BUS:
    case DBUS_REFUSED:
        return INHIBITOR_NONE;
    case DBUS_NO_ANSWER:
    case DBUS_MALFORMED:
        break;
    }
    return INHIBITOR_UNKNOWN;
}
