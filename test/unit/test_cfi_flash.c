// SPDX-License-Identifier: BSD-3-Clause
#include "board/cfi_flash.h"
#include "fake/nor_flash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { BASE = 0x4000000 };

static struct nor_flash bank;

static uint32_t bus_read(uint64_t address) { return nor_flash_read(&bank, address - BASE); }
static void bus_write(uint64_t address, uint32_t value) { nor_flash_write(&bank, address - BASE, value); }
static const struct cfi_bus bus = {bus_read, bus_write};

static enum cfi_error open_last(struct cfi_flash *flash) {
    return cfi_open_last(flash, &bus, BASE, nor_flash_size(&bank), 2);
}

/* @return looks that an erasure took; 0: it failed */
static unsigned erase(struct cfi_flash *flash, unsigned block) {
    bool good = false;
    unsigned looks = 1;
    cfi_erase(flash, block);
    while (!cfi_rests(flash, &good))
        looks++;
    return good ? looks : 0;
}

static void test_one_two_and_four_chips(void **state) {
    static const uint32_t lanes[] = {1, 0x10001, 0x1010101};
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct cfi_flash flash;
        nor_flash_make(&bank, lanes[i]);
        assert_int_equal(open_last(&flash), CFI_OK);
        assert_int_equal(flash.block_size, NOR_FLASH_CHIP_BLOCK * bank.chips);
        assert_int_equal(flash.base, BASE + 2 * flash.block_size);
        assert_int_equal(bank.mode, 0xff);
        assert_int_equal(erase(&flash, 1), 1);
        assert_int_equal(cfi_read(&flash, flash.block_size - NOR_FLASH_BUS), 0);
        assert_int_equal(cfi_read(&flash, flash.block_size), UINT32_MAX);
        bank.read_arrays = 0;
        assert_true(cfi_program(&flash, flash.block_size + 8, (const uint8_t *)"Flipside", 8));
        assert_int_equal(bank.read_arrays, 1); /* not for each word: that is what takes long */
        assert_int_equal(cfi_read(&flash, flash.block_size + 8), 0x70696c46);
        assert_int_equal(cfi_read(&flash, flash.block_size + 12), 0x65646973);
        assert_int_equal(cfi_read(&flash, flash.block_size + 4), UINT32_MAX);
        assert_int_equal(cfi_read(&flash, flash.block_size + 16), UINT32_MAX);
        assert_int_equal(cfi_read(&flash, 2 * flash.block_size - NOR_FLASH_BUS), UINT32_MAX);
    }
}

static void test_what_is_no_such_flash(void **state) {
    struct cfi_flash flash;
    (void)state;
    nor_flash_make(&bank, 0x10001);
    bank.query[0x10] = 'X';
    assert_int_equal(open_last(&flash), CFI_NO_FLASH);
    assert_int_equal(bank.mode, 0xff);
    nor_flash_make(&bank, 0x10001);
    bank.query[0x13] = 2;
    assert_int_equal(open_last(&flash), CFI_NOT_INTEL);
    static const struct {
        uint8_t place, value;
    } damages[] = {{0x27, 13}, {0x27, 40}, {0x2c, 0}, {0x2c, 9}, {0x2d, 0}, {0x2f, 0}};
    for (unsigned i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        nor_flash_make(&bank, 0x10001);
        bank.query[damages[i].place] = damages[i].value;
        assert_int_equal(open_last(&flash), CFI_BAD_ADDRESS);
        assert_int_equal(bank.mode, 0xff);
    }
    assert_int_equal(cfi_open_last(&flash, &bus, BASE + 1, nor_flash_size(&bank), 2), CFI_BAD_ADDRESS);
    assert_int_equal(cfi_open_last(&flash, &bus, BASE, nor_flash_size(&bank), 0), CFI_BAD_ADDRESS);
}

static void test_failures_are_told(void **state) {
    static const uint8_t zeros[8];
    static const uint32_t errors[] = {0x20, 0x10, 0x08, 0x02};
    struct cfi_flash flash;
    (void)state;
    nor_flash_make(&bank, 0x10001);
    assert_int_equal(open_last(&flash), CFI_OK);
    for (unsigned i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        bank.errors = errors[i];
        bank.programmed = 0;
        assert_false(cfi_program(&flash, 0, zeros, sizeof zeros));
        assert_int_equal(bank.programmed, 1);
        assert_int_equal(erase(&flash, 0), 0);
        assert_int_equal(bank.mode, 0xff);
        assert_int_equal(bank.status, 0);
    }
    bank.errors = 0;
    assert_int_equal(erase(&flash, 0), 1);
    bank.hangs = true;
    assert_false(cfi_program(&flash, 0, zeros, sizeof zeros));
    bank.hangs = false;
    assert_true(cfi_program(&flash, 0, zeros, sizeof zeros));
}

/* Each call looks once, and the chips are in no other mode before it is over, however it ends. */
static void test_an_erasure_is_not_waited_for(void **state) {
    struct cfi_flash flash;
    (void)state;
    for (unsigned fails = 0; fails < 2; fails++) {
        nor_flash_make(&bank, 0x10001);
        assert_int_equal(open_last(&flash), CFI_OK);
        bank.erase_polls = 1000;
        bank.errors = fails ? 0x20 : 0;
        assert_int_equal(erase(&flash, 1), fails ? 0 : 1000);
        assert_int_equal(bank.polls, 1000);
        assert_int_equal(bank.mode, 0xff);
        assert_int_equal(bank.status, 0);
        assert_int_equal(cfi_read(&flash, flash.block_size), fails ? 0 : UINT32_MAX);
        assert_int_equal(cfi_read(&flash, 0), 0);
    }
}

static void test_each_error_has_a_text(void **state) {
    (void)state;
    for (unsigned i = 0; i <= CFI_BAD_ADDRESS; i++)
        assert_string_not_equal(cfi_error_text((enum cfi_error)i), "unknown error");
    assert_string_equal(cfi_error_text((enum cfi_error)99), "unknown error");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_two_and_four_chips), cmocka_unit_test(test_what_is_no_such_flash),
        cmocka_unit_test(test_failures_are_told),      cmocka_unit_test(test_an_erasure_is_not_waited_for),
        cmocka_unit_test(test_each_error_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
