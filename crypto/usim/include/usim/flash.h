// SPDX-License-Identifier: BSD-3-Clause
#ifndef USIM_FLASH_H
#define USIM_FLASH_H

/**
 * A USIM's state in NOR flash: the storage of usim/state.h over two erase blocks, one for each copy.
 *
 * A copy is written to the next blank place of its block, and the block erased only when it is full: the other block
 * has the newer copy then. What a power cut leaves of a write or an erasure harms one copy, as if it had been written
 * in place. A block that is blank at a power-on is erased once more before it is written to.
 *
 * An erasure takes up to seconds. Where blocks have room for eight records, it is begun ahead
 * (usim_state_make_room()), and nobody waits for it but who writes before it is over. When the chip says that it
 * failed, or does not come to an end, nothing more is written before the next power-on, which tries it again.
 */

#include <stdbool.h>
#include <stdint.h>

#include "usim/state.h"

/** The two blocks, through their driver. Offsets are bytes from the start of the first, multiples of 4. */
struct usim_flash {
    void *context;
    uint32_t block_size; /* bytes; a multiple of USIM_RECORD_SIZE */
    uint32_t (*read)(void *context, uint32_t offset);
    /** Programs size bytes, which clears bits alone. @return false: the flash says that it failed */
    bool (*program)(void *context, uint32_t offset, const uint8_t *bytes, uint32_t size);
    /** Begins to set all bits of a block. Until rests() nothing else is done with the blocks. */
    void (*erase)(void *context, unsigned block);
    /** Looks once. @return whether an erasure is over. @param good false: the flash says that it failed */
    bool (*rests)(void *context, bool *good);
    struct {
        bool erasing;
        bool failed;              /* an erasure */
        bool erased[USIM_COPIES]; /* in this power-on */
        bool known[USIM_COPIES];  /* how many places are taken */
        uint32_t taken[USIM_COPIES];
    } now; /* all zero at first */
};

/** @return the storage; flash stays where it is */
struct usim_storage usim_flash_storage(struct usim_flash *flash);

#endif
