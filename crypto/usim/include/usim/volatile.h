// SPDX-License-Identifier: BSD-3-Clause
#ifndef USIM_VOLATILE_H
#define USIM_VOLATILE_H

/**
 * A USIM's state in memory: the storage of usim/state.h where a board has nothing that outlives a power-off. It
 * forgets: each power-on begins a new state, beyond the last one's limit, and no PIN can be verified
 * (usim_card_prepare()).
 */

#include "usim/state.h"

enum { USIM_VOLATILE_SIZE = USIM_COPIES * USIM_RECORD_SIZE };

/** @param memory USIM_VOLATILE_SIZE bytes @return the storage; the memory stays where it is */
struct usim_storage usim_volatile_storage(uint8_t *memory);

#endif
