// SPDX-License-Identifier: BSD-3-Clause
#ifndef USIM_FLASH_H
#define USIM_FLASH_H

/**
 * A USIM's state in NOR flash: the storage of usim/state.h over two erase blocks, one for each copy.
 *
 * A copy is written to the next blank place of its block, and the block erased only when it is full: the other block
 * has the newer copy then. What a power cut leaves of a write or an erasure harms one copy, as if it had been written
 * in place.
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
    /** Sets all bits of a block. @return as program() */
    bool (*erase)(void *context, unsigned block);
};

/** @return the storage, without a counter; flash stays where it is */
struct usim_storage usim_flash_storage(struct usim_flash *flash);

#endif
