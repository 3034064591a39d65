// SPDX-License-Identifier: BSD-3-Clause
#ifndef USIM_STATE_FORMAT_H
#define USIM_STATE_FORMAT_H

/* A state as it is in a record (usim.cddl). */

#include "usim/state.h"

enum { STATE_PLAIN_SIZE = USIM_RECORD_SIZE - SEAL_OVERHEAD };

/* plain: STATE_PLAIN_SIZE bytes. @return false when it does not fit */
bool state_encode(const struct usim_state *state, uint8_t *plain);

bool state_decode(struct usim_state *state, const uint8_t *plain);

#endif
