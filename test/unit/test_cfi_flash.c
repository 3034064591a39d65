// SPDX-License-Identifier: BSD-3-Clause
#include "board/cfi_flash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { CHIP_BLOCK = 1024, BLOCKS = 4, BASE = 0x4000000, BUS = 4 };

/* One or more chips on a bus of 32 bits, by the data sheet's state machine. */
static struct {
    uint32_t lanes;
    uint32_t chips;
    uint32_t words[BLOCKS * CHIP_BLOCK]; /* up to four chips */
    uint8_t query[0x60];
    uint32_t mode; /* the last command */
    bool data_next;
    bool unlocked;
    bool hangs;
    uint32_t errors; /* status bits that the next operation leaves */
    uint32_t status;
    uint32_t programmed; /* words */
    uint32_t read_arrays;
} bank;

static uint32_t bank_size(void) { return BLOCKS * CHIP_BLOCK * bank.chips; }

static uint32_t word_at(uint64_t address) {
    assert_true(address >= BASE && address < BASE + bank_size());
    assert_int_equal(address % BUS, 0);
    return (uint32_t)(address - BASE) / BUS;
}

static uint32_t bus_read(uint64_t address) {
    uint32_t word = word_at(address);
    switch (bank.mode) {
    case 0xff:
        return bank.words[word];
    case 0x98:
        return word < sizeof bank.query ? bank.query[word] * bank.lanes : 0;
    case 0x70:
        return bank.hangs ? 0 : (0x80 | bank.status) * bank.lanes;
    default:
        fail_msg("read in mode 0x%x", bank.mode);
    }
    return 0;
}

static void finish(uint32_t word, uint32_t value) {
    bank.status = bank.errors;
    bank.programmed += bank.mode == 0x40;
    if (bank.mode == 0x40 && bank.errors == 0)
        bank.words[word] &= value;
    if (bank.mode == 0x20) {
        assert_int_equal(value, 0xd0 * bank.lanes);
        assert_true(bank.unlocked);
        uint32_t block = CHIP_BLOCK * bank.chips / BUS;
        memset(&bank.words[word / block * block], 0xff, CHIP_BLOCK * bank.chips);
    }
    if (bank.mode == 0x60)
        bank.unlocked = value == 0xd0 * bank.lanes;
    bank.mode = 0x70;
}

static void bus_write(uint64_t address, uint32_t value) {
    uint32_t word = word_at(address);
    if (bank.data_next) {
        bank.data_next = false;
        finish(word, value);
        return;
    }
    uint32_t order = value & 0xff;
    if (value != order * bank.lanes) {
        bank.mode = 0xff; /* not every chip got the same: nothing comes of it */
        return;
    }
    if (order == 0x98 && word != 0x55)
        return;
    bank.read_arrays += order == 0xff;
    if (order == 0x50)
        bank.status = 0;
    else
        bank.mode = order;
    bank.data_next = order == 0x40 || order == 0x20 || order == 0x60;
}

static const struct cfi_bus bus = {bus_read, bus_write};

static void make_bank(uint32_t lanes) {
    memset(&bank, 0, sizeof bank);
    bank.lanes = lanes;
    bank.chips = (uint32_t)__builtin_popcount(lanes);
    bank.mode = 0xff;
    memcpy(bank.query + 0x10, "QRY\x01\x00", 5);
    bank.query[0x27] = 12; /* 4 blocks of 1 KiB */
    bank.query[0x2c] = 1;
    bank.query[0x2d] = BLOCKS - 1;
    bank.query[0x2f] = CHIP_BLOCK / 256;
}

static void test_one_two_and_four_chips(void **state) {
    static const uint32_t lanes[] = {1, 0x10001, 0x1010101};
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct cfi_flash flash;
        make_bank(lanes[i]);
        assert_int_equal(cfi_open_last(&flash, &bus, BASE, bank_size(), 2), CFI_OK);
        assert_int_equal(flash.block_size, CHIP_BLOCK * bank.chips);
        assert_int_equal(flash.base, BASE + 2 * flash.block_size);
        assert_int_equal(bank.mode, 0xff);
        assert_true(cfi_erase(&flash, 1));
        assert_int_equal(cfi_read(&flash, flash.block_size - BUS), 0);
        assert_int_equal(cfi_read(&flash, flash.block_size), UINT32_MAX);
        bank.read_arrays = 0;
        assert_true(cfi_program(&flash, flash.block_size + 8, (const uint8_t *)"Flipside", 8));
        assert_int_equal(bank.read_arrays, 1); /* not for each word: that is what takes long */
        assert_int_equal(cfi_read(&flash, flash.block_size + 8), 0x70696c46);
        assert_int_equal(cfi_read(&flash, flash.block_size + 12), 0x65646973);
        assert_int_equal(cfi_read(&flash, flash.block_size + 4), UINT32_MAX);
        assert_int_equal(cfi_read(&flash, flash.block_size + 16), UINT32_MAX);
        assert_int_equal(cfi_read(&flash, 2 * flash.block_size - BUS), UINT32_MAX);
    }
}

static void test_what_is_no_such_flash(void **state) {
    struct cfi_flash flash;
    (void)state;
    make_bank(0x10001);
    bank.query[0x10] = 'X';
    assert_int_equal(cfi_open_last(&flash, &bus, BASE, bank_size(), 2), CFI_NO_FLASH);
    assert_int_equal(bank.mode, 0xff);
    make_bank(0x10001);
    bank.query[0x13] = 2;
    assert_int_equal(cfi_open_last(&flash, &bus, BASE, bank_size(), 2), CFI_NOT_INTEL);
    static const struct {
        uint8_t place, value;
    } damages[] = {{0x27, 11}, {0x27, 40}, {0x2c, 0}, {0x2c, 9}, {0x2d, 0}, {0x2f, 0}};
    for (unsigned i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        make_bank(0x10001);
        bank.query[damages[i].place] = damages[i].value;
        assert_int_equal(cfi_open_last(&flash, &bus, BASE, bank_size(), 2), CFI_BAD_ADDRESS);
        assert_int_equal(bank.mode, 0xff);
    }
    assert_int_equal(cfi_open_last(&flash, &bus, BASE + 1, bank_size(), 2), CFI_BAD_ADDRESS);
    assert_int_equal(cfi_open_last(&flash, &bus, BASE, bank_size(), 0), CFI_BAD_ADDRESS);
}

static void test_failures_are_told(void **state) {
    static const uint8_t zeros[8];
    static const uint32_t errors[] = {0x20, 0x10, 0x08, 0x02};
    struct cfi_flash flash;
    (void)state;
    make_bank(0x10001);
    assert_int_equal(cfi_open_last(&flash, &bus, BASE, bank_size(), 2), CFI_OK);
    for (unsigned i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        bank.errors = errors[i];
        bank.programmed = 0;
        assert_false(cfi_program(&flash, 0, zeros, sizeof zeros));
        assert_int_equal(bank.programmed, 1);
        assert_false(cfi_erase(&flash, 0));
        assert_int_equal(bank.mode, 0xff);
        assert_int_equal(bank.status, 0);
    }
    bank.errors = 0;
    bank.hangs = true;
    assert_false(cfi_program(&flash, 0, zeros, sizeof zeros));
    bank.hangs = false;
    assert_true(cfi_program(&flash, 0, zeros, sizeof zeros));
}

static void test_each_error_has_a_text(void **state) {
    (void)state;
    for (unsigned i = 0; i <= CFI_BAD_ADDRESS; i++)
        assert_string_not_equal(cfi_error_text((enum cfi_error)i), "unknown error");
    assert_string_equal(cfi_error_text((enum cfi_error)99), "unknown error");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_two_and_four_chips),
        cmocka_unit_test(test_what_is_no_such_flash),
        cmocka_unit_test(test_failures_are_told),
        cmocka_unit_test(test_each_error_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
