// SPDX-License-Identifier: BSD-3-Clause
#ifndef AGENT_INHIBITOR_H
#define AGENT_INHIBITOR_H

/** Whether something keeps the system from suspending: the locks that programs hold at systemd-logind. */

#include <stddef.h>

#include "dbus.h"

enum inhibitor_answer {
    INHIBITOR_NONE,    /* nothing does, or there is no logind */
    INHIBITOR_HELD,    /* a lock does */
    INHIBITOR_UNKNOWN, /* logind did not say in time: leave the decision to it */
};

/**
 * Asks logind (org.freedesktop.login1.Manager.ListInhibitors) for locks of mode "block" on "sleep".
 * @param socket_path of the system's bus
 * @param reason      where who holds one and why is put with INHIBITOR_HELD, size bytes
 */
__attribute__((warn_unused_result)) enum inhibitor_answer inhibitor_ask(const char *socket_path, char *reason,
                                                                        size_t size);

/** The same from logind's reply. @return INHIBITOR_UNKNOWN: it is not of the form a(ssssuu) */
__attribute__((warn_unused_result)) enum inhibitor_answer inhibitor_read(const struct dbus_message *reply, char *reason,
                                                                         size_t size);

#endif
