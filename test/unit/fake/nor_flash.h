// SPDX-License-Identifier: BSD-3-Clause
#ifndef FAKE_NOR_FLASH_H
#define FAKE_NOR_FLASH_H

/**
 * NOR flash with Intel's commands (JEP137) for unit tests: one, two or four chips on a bus of 32 bits, by the data
 * sheet's state machine. An access that no driver may make fails the test; during an erasure that is all but looking at
 * the status.
 */

#include <stdbool.h>
#include <stdint.h>

enum { NOR_FLASH_CHIP_BLOCK = 16384, NOR_FLASH_BLOCKS = 4, NOR_FLASH_BUS = 4 /* bytes, all of them */ };

struct nor_flash {
    uint32_t lanes;
    uint32_t chips;
    uint32_t words[NOR_FLASH_BLOCKS * NOR_FLASH_CHIP_BLOCK]; /* up to four chips */
    uint8_t query[0x60];
    uint32_t mode; /* the last command */
    bool data_next;
    bool unlocked;
    bool hangs;
    uint32_t errors; /* status bits that the next operations leave */
    uint32_t status;
    uint32_t erase_polls; /* looks at the status that an erasure takes */
    uint32_t erasing;     /* how many of them are left */
    uint32_t polls;       /* at the status during erasures, so far */
    uint32_t erased_word; /* where */
    uint32_t programmed;  /* words, whether it went well or not */
    uint32_t read_arrays; /* times that it was told to be read again */
};

/** A bank that holds zeros. @param lanes a 1 in the lowest bit of each chip's part of the bus */
void nor_flash_make(struct nor_flash *flash, uint32_t lanes);

/** @return bytes of the bank */
uint32_t nor_flash_size(const struct nor_flash *flash);

/** An access of 32 bits. @param offset bytes from the bank's start */
uint32_t nor_flash_read(struct nor_flash *flash, uint64_t offset);
void nor_flash_write(struct nor_flash *flash, uint64_t offset, uint32_t value);

#endif
