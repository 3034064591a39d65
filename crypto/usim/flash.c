// SPDX-License-Identifier: BSD-3-Clause
#include "usim/flash.h"

#include <string.h>

#define BLANK UINT32_C(0xffffffff)

enum {
    WORD = 4,
    TRIES = 3,
    /* Places that are kept free ahead: a command writes once to each block, and once more so that the other one is the
     * newest; two may be worn out. */
    ROOM = 4,
    POLLS_MAX = 50 * 1000 * 1000, /* an erasure takes up to some seconds */
};

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

/* The same without reading all that is blank, which takes as long as some hundred words' programming. */
static uint32_t known_taken(struct usim_flash *flash, unsigned block) {
    if (!flash->now.known[block])
        flash->now.taken[block] = taken(flash, block);
    flash->now.known[block] = true;
    return flash->now.taken[block];
}

/* ---- Erasures */

/* After one that failed nobody knows what the block keeps. */
static bool flash_rests(void *context) {
    struct usim_flash *flash = context;
    bool good = true;
    if (flash->now.erasing && flash->rests(flash->context, &good)) {
        flash->now.erasing = false;
        flash->now.failed |= !good;
    }
    return !flash->now.erasing;
}

/* Where it takes no time it is over at once, and the flash can be read. */
static void begin_erasure(struct usim_flash *flash, unsigned block) {
    flash->now.erasing = flash->now.erased[block] = flash->now.known[block] = true;
    flash->now.taken[block] = 0;
    flash->erase(flash->context, block);
    (void)flash_rests(flash);
}

/* @return whether the flash can be used */
static bool wait(struct usim_flash *flash) {
    for (uint32_t polls = 0; polls < POLLS_MAX && !flash_rests(flash); polls++)
        continue;
    return !flash->now.erasing && !flash->now.failed;
}

/* A block that is found blank may be one whose erasure was cut short: its bits are ones today, and not for long. */
static uint32_t room_of(struct usim_flash *flash, unsigned block) {
    uint32_t count = known_taken(flash, block);
    return count == 0 && !flash->now.erased[block] ? 0 : places(flash) - count;
}

static bool flash_has_room(void *context, unsigned copy) {
    struct usim_flash *flash = context;
    return flash->now.erasing || flash->now.failed || places(flash) < 2 * ROOM || room_of(flash, copy) >= ROOM;
}

static void flash_make_room(void *context, unsigned copy) { begin_erasure(context, copy); }

/* ---- Copies */

static bool flash_read(void *context, unsigned copy, uint8_t *record) {
    struct usim_flash *flash = context;
    if (!wait(flash))
        return false;
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
    struct usim_flash *flash = context;
    for (unsigned i = 0; i < TRIES && wait(flash); i++) {
        if (room_of(flash, copy) == 0)
            begin_erasure(flash, copy);
        if (!wait(flash))
            return false;
        if (program(flash, offset_of(flash, copy, flash->now.taken[copy]++), record))
            return true;
    }
    return false;
}

struct usim_storage usim_flash_storage(struct usim_flash *flash) {
    return (struct usim_storage){.context = flash,
                                 .read = flash_read,
                                 .write = flash_write,
                                 .rests = flash_rests,
                                 .has_room = flash_has_room,
                                 .make_room = flash_make_room};
}
