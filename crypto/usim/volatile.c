// SPDX-License-Identifier: BSD-3-Clause
#include "usim/volatile.h"

#include <string.h>

static bool volatile_read(void *context, unsigned copy, uint8_t *record) {
    memcpy(record, (const uint8_t *)context + (size_t)copy * USIM_RECORD_SIZE, USIM_RECORD_SIZE);
    return true;
}

static bool volatile_write(void *context, unsigned copy, const uint8_t *record) {
    memcpy((uint8_t *)context + (size_t)copy * USIM_RECORD_SIZE, record, USIM_RECORD_SIZE);
    return true;
}

struct usim_storage usim_volatile_storage(uint8_t *memory) {
    return (struct usim_storage){.context = memory, .read = volatile_read, .write = volatile_write, .forgets = true};
}
