// SPDX-License-Identifier: BSD-3-Clause
#ifndef AGENT_STATUS_H
#define AGENT_STATUS_H

/** Shows what the switcher says of itself. */

#include <stdio.h>

#include "message.h"

/** Prints a status for people: who runs, who is suspended and since when, the last flips, the counters. */
void status_print(const struct message_status *status, FILE *to);

/** Prints a status as one JSON object (RFC 8259); times are nanoseconds, those of flips and personas as they came. */
void status_print_json(const struct message_status *status, FILE *to);

#endif
