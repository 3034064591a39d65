// SPDX-License-Identifier: BSD-3-Clause
#ifndef AGENT_DAEMON_H
#define AGENT_DAEMON_H

/**
 * The agent itself: holds the port to the switcher, answers its requests to flip, and serves clients on a socket of
 * packets, one message of message.h a packet.
 */

#include <stdbool.h>

#define DAEMON_DIRECTORY "/run/flipside"
#define DAEMON_SOCKET DAEMON_DIRECTORY "/agent.sock"

enum {
    DAEMON_OK = 0,
    DAEMON_FAILED = 1,
    DAEMON_BAD_VERSION = 3, /* the switcher speaks another version of the protocol; to start again is of no use */
};

/**
 * Runs until it is ended by SIGTERM or SIGINT.
 * @param up   the system is up when the agent is; otherwise a client says so later
 * @param tune apply the settings of tune.h meanwhile
 * @return DAEMON_OK and so on, for the exit status
 */
int daemon_run(bool up, bool tune);

#endif
