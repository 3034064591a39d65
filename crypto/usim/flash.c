// SPDX-License-Identifier: BSD-3-Clause
#include "usim/flash.h"

#include <string.h>

#define BLANK UINT32_C(0xffffffff)

enum { WORD = 4, TRIES = 3 };

static uint32_t places(const struct usim_flash *flash) { return flash->block_size / USIM_RECORD_SIZE; }

static uint32_t offset_of(const struct usim_flash *flash, unsigned block, uint32_t place) {
    return block * flash->block_size + place * USIM_RECORD_SIZE;
}

static bool is_blank(const struct usim_flash *flash, uint32_t offset) {
    for (uint32_t done = 0; done < USIM_RECORD_SIZE; done += WORD)
        if (flash->read(flash->context, offset + done) != BLANK)
            return false;
    return true;
}

/* How many places of a block are taken: all up to the last that is not blank. */
static uint32_t taken(const struct usim_flash *flash, unsigned block) {
    uint32_t count = places(flash);
    while (count > 0 && is_blank(flash, offset_of(flash, block, count - 1)))
        count--;
    return count;
}

static bool flash_read(void *context, unsigned copy, uint8_t *record) {
    const struct usim_flash *flash = context;
    uint32_t count = taken(flash, copy);
    uint32_t offset = offset_of(flash, copy, count == 0 ? 0 : count - 1);
    for (uint32_t done = 0; done < USIM_RECORD_SIZE; done += WORD) {
        uint32_t word = flash->read(flash->context, offset + done);
        memcpy(record + done, &word, sizeof(word));
    }
    return true;
}

/* What is read back is what counts: a word that is worn out says nothing by itself. */
static bool program(const struct usim_flash *flash, uint32_t offset, const uint8_t *record) {
    bool good = flash->program(flash->context, offset, record, USIM_RECORD_SIZE);
    for (uint32_t done = 0; done < USIM_RECORD_SIZE && good; done += WORD) {
        uint32_t word = flash->read(flash->context, offset + done);
        good = memcmp(&word, record + done, sizeof(word)) == 0;
    }
    return good;
}

static bool flash_write(void *context, unsigned copy, const uint8_t *record) {
    const struct usim_flash *flash = context;
    for (unsigned i = 0; i < TRIES; i++) {
        uint32_t place = taken(flash, copy);
        if (place == places(flash)) {
            if (!flash->erase(flash->context, copy))
                return false;
            place = 0;
        }
        if (program(flash, offset_of(flash, copy, place), record))
            return true;
    }
    return false;
}

struct usim_storage usim_flash_storage(struct usim_flash *flash) {
    return (struct usim_storage){.context = flash, .read = flash_read, .write = flash_write};
}
