// SPDX-License-Identifier: BSD-3-Clause
#ifndef SLOTS_FORMAT_H
#define SLOTS_FORMAT_H

#include "persona/slots.h"

/* persona/persona.cddl */
#define SLOT_TYPE "application/vnd.flipside.slot"
#define SLOT_LABEL "flipside slot 1"

enum slot_key {
    SLOT_KEY_TYPE = 1,
    SLOT_KEY_SALT,
    SLOT_KEY_COST,
    SLOT_KEY_BINDING,
    SLOT_KEY_NONCE,
    SLOT_KEY_WRAPPED,
    SLOT_KEY_SEALED,
};

enum { SLOTS_FORMAT = 1, SLOTS_ITEMS = 5 };

#endif
