// SPDX-License-Identifier: BSD-3-Clause
#ifndef BOARD_CFI_FLASH_H
#define BOARD_CFI_FLASH_H

/**
 * Parallel NOR flash with the Common Flash Interface (JESD68.01) and the Intel command set (JEP137, 0001 and 0003), as
 * QEMU's pflash_cfi01: one or more chips side by side on a bus of 32 bits. Nothing is buffered: each word is programmed
 * by itself. Whoever uses it is alone with the bank; between calls the chips are in read-array mode, but while a block
 * is being erased: that takes seconds, so it is begun by one call, and others look whether it is over.
 */

#include <stdbool.h>
#include <stdint.h>

/** How the bank is reached: one access of 32 bits each. */
struct cfi_bus {
    uint32_t (*read)(uint64_t address);
    void (*write)(uint64_t address, uint32_t value);
};

enum cfi_error {
    CFI_OK = 0,
    CFI_NO_FLASH,    /* nothing there answers a query */
    CFI_NOT_INTEL,   /* flash with another command set */
    CFI_BAD_ADDRESS, /* not in the bank, not aligned, or blocks of a size that is none */
};

/** Part of a bank: erase blocks of one size. */
struct cfi_flash {
    struct cfi_bus bus;
    uint64_t base;       /* of the part */
    uint32_t block_size; /* bytes, of all chips together */
    uint32_t lanes;      /* a 1 in the lowest bit of each chip's part of the bus */
    uint64_t erasing;    /* where cfi_erase() was begun last */
};

/**
 * Asks a bank about itself and makes its last blocks a part.
 * @param flash  out
 * @param base   of the bank, 4-byte aligned
 * @param size   bytes of the bank
 * @param blocks how many of its last erase blocks
 * @return CFI_OK, CFI_NO_FLASH, CFI_NOT_INTEL; CFI_BAD_ADDRESS: the chips say another size, or have not as many blocks
 */
__attribute__((warn_unused_result)) enum cfi_error cfi_open_last(struct cfi_flash *flash, const struct cfi_bus *bus,
                                                                 uint64_t base, uint64_t size, uint32_t blocks);

/** Reads a word. @param flash a struct cfi_flash, as below @param offset bytes from the part's start, a multiple of 4
 */
uint32_t cfi_read(void *flash, uint32_t offset);

/**
 * Programs words, which clears bits alone.
 * @param bytes size bytes, a multiple of 4
 * @return false: the chip says that it failed, or does not finish; what is behind that word was not tried
 */
__attribute__((warn_unused_result)) bool cfi_program(void *flash, uint32_t offset, const uint8_t *bytes, uint32_t size);

/** Begins to erase a block of the part. Until cfi_rests() nothing else is done with the bank. @param block its number
 */
void cfi_erase(void *flash, unsigned block);

/**
 * Looks once at the chips after cfi_erase().
 * @param good false: a chip says that it failed
 * @return whether the erasure is over, well or not, and the bank can be used again
 */
__attribute__((warn_unused_result)) bool cfi_rests(void *flash, bool *good);

/** @return the error's text, one line without a full stop; never NULL */
const char *cfi_error_text(enum cfi_error error);

#endif
