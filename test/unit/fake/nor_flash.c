// SPDX-License-Identifier: BSD-3-Clause
#include "nor_flash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

void nor_flash_make(struct nor_flash *flash, uint32_t lanes) {
    memset(flash, 0, sizeof *flash);
    flash->lanes = lanes;
    flash->chips = (uint32_t)__builtin_popcount(lanes);
    flash->mode = 0xff;
    memcpy(flash->query + 0x10, "QRY\x01\x00", 5);
    flash->query[0x27] = 16; /* 4 blocks of 16 KiB */
    flash->query[0x2c] = 1;
    flash->query[0x2d] = NOR_FLASH_BLOCKS - 1;
    flash->query[0x2f] = NOR_FLASH_CHIP_BLOCK / 256;
}

uint32_t nor_flash_size(const struct nor_flash *flash) {
    return NOR_FLASH_BLOCKS * NOR_FLASH_CHIP_BLOCK * flash->chips;
}

static uint32_t word_at(const struct nor_flash *flash, uint64_t offset) {
    assert_true(offset < nor_flash_size(flash));
    assert_int_equal(offset % NOR_FLASH_BUS, 0);
    return (uint32_t)offset / NOR_FLASH_BUS;
}

static void fill_block(struct nor_flash *flash, uint32_t word, int with) {
    uint32_t block = NOR_FLASH_CHIP_BLOCK * flash->chips / NOR_FLASH_BUS;
    memset(&flash->words[word / block * block], with, (size_t)NOR_FLASH_CHIP_BLOCK * flash->chips);
}

/* Its bits are of no use before it is over. */
static void begin_erasure(struct nor_flash *flash, uint32_t word) {
    flash->erasing = flash->erase_polls;
    flash->erased_word = word;
    fill_block(flash, word, flash->erasing != 0 || flash->errors != 0 ? 0 : 0xff);
}

static uint32_t status_of(struct nor_flash *flash) {
    flash->polls += flash->erasing != 0;
    if (flash->erasing != 0 && --flash->erasing == 0 && flash->errors == 0)
        fill_block(flash, flash->erased_word, 0xff);
    return flash->hangs || flash->erasing != 0 ? 0 : (0x80 | flash->status) * flash->lanes;
}

uint32_t nor_flash_read(struct nor_flash *flash, uint64_t offset) {
    uint32_t word = word_at(flash, offset);
    switch (flash->mode) {
    case 0xff:
        return flash->words[word];
    case 0x98:
        return word < sizeof flash->query ? flash->query[word] * flash->lanes : 0;
    case 0x70:
        return status_of(flash);
    default:
        fail_msg("read in mode 0x%x", flash->mode);
    }
    return 0;
}

static void finish(struct nor_flash *flash, uint32_t word, uint32_t value) {
    flash->status = flash->errors;
    flash->programmed += flash->mode == 0x40;
    if (flash->mode == 0x40 && flash->errors == 0)
        flash->words[word] &= value;
    if (flash->mode == 0x20) {
        assert_int_equal(value, 0xd0 * flash->lanes);
        assert_true(flash->unlocked);
        begin_erasure(flash, word);
    }
    if (flash->mode == 0x60)
        flash->unlocked = value == 0xd0 * flash->lanes;
    flash->mode = 0x70;
}

void nor_flash_write(struct nor_flash *flash, uint64_t offset, uint32_t value) {
    uint32_t word = word_at(flash, offset);
    if (flash->data_next) {
        flash->data_next = false;
        finish(flash, word, value);
        return;
    }
    uint32_t order = value & 0xff;
    assert_true(flash->erasing == 0 || value == 0x70 * flash->lanes);
    if (value != order * flash->lanes) {
        flash->mode = 0xff; /* not every chip got the same: nothing comes of it */
        return;
    }
    if (order == 0x98 && word != 0x55)
        return;
    flash->read_arrays += order == 0xff;
    if (order == 0x50)
        flash->status = 0;
    else
        flash->mode = order;
    flash->data_next = order == 0x40 || order == 0x20 || order == 0x60;
}
