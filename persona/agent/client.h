// SPDX-License-Identifier: BSD-3-Clause
#ifndef AGENT_CLIENT_H
#define AGENT_CLIENT_H

/** What the agent's daemon is asked for from the command line. All print what goes wrong, and return an exit status. */

#include <stdbool.h>

/** Flips to a persona; returns when this system is back. @param name of the persona */
int client_flip(const char *name);

/** Prints the switcher's status. @param json as JSON, for programs */
int client_status(bool json);

/** Says that the system has come up. */
int client_up(void);

/**
 * Runs a command while requests to flip are refused.
 * @param why     the reason that the user is shown
 * @param command its name and arguments, NULL at their end
 * @return the command's exit status; 128 and the signal's number when one ended it
 */
int client_inhibit(const char *why, char *const command[]);

#endif
