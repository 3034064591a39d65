// SPDX-License-Identifier: BSD-3-Clause
#include "pseudorandom.h"
#include "usim/flash.h"
#include "usim/volatile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum {
    BLOCK = 3 * USIM_RECORD_SIZE,
    WORDS = USIM_RECORD_SIZE / 4,
    NEVER = -1,
    PAST = -2,
};

/* NOR flash whose power fails at an operation: that one is done in part, those behind it not at all. */
static struct {
    uint32_t words[2 * BLOCK / 4];
    struct pseudorandom random;
    int left; /* operations before the cut; NEVER: none comes; PAST: it came */
    unsigned operations, erases;
    bool stuck; /* one word is worn out */
    uint32_t stuck_at;
} chip;

static uint32_t chip_read(void *context, uint32_t offset) {
    assert_ptr_equal(context, &chip);
    assert_true(offset % 4 == 0 && offset < 2 * BLOCK);
    return chip.words[offset / 4];
}

/* Which bits an operation still changes. */
static uint32_t done_bits(void) {
    chip.operations++;
    if (chip.left == PAST)
        return 0;
    if (chip.left == 0) {
        chip.left = PAST;
        return (uint32_t)pseudorandom_next(&chip.random);
    }
    chip.left -= chip.left > 0;
    return UINT32_MAX;
}

static bool chip_program(void *context, uint32_t offset, const uint8_t *bytes, uint32_t size) {
    assert_ptr_equal(context, &chip);
    for (uint32_t done = 0; done < size; done += 4) {
        uint32_t word, bits = done_bits();
        memcpy(&word, bytes + done, sizeof word);
        if (!chip.stuck || offset + done != chip.stuck_at)
            chip.words[(offset + done) / 4] &= word | ~bits;
    }
    return true;
}

static bool chip_erase(void *context, unsigned block) {
    uint32_t bits = done_bits();
    assert_ptr_equal(context, &chip);
    assert_true(block < 2);
    chip.erases++;
    for (unsigned i = 0; i < BLOCK / 4; i++)
        chip.words[block * (BLOCK / 4) + i] |=
            bits == UINT32_MAX || bits == 0 ? bits : (uint32_t)pseudorandom_next(&chip.random);
    return true;
}

static struct usim_flash flash = {&chip, BLOCK, chip_read, chip_program, chip_erase};
static struct usim_storage storage;
static uint8_t record[USIM_RECORD_SIZE], found[USIM_RECORD_SIZE];

static int set_up(void **state) {
    (void)state;
    memset(&chip, 0, sizeof chip); /* a chip that was never used may hold anything */
    chip.left = NEVER;
    storage = usim_flash_storage(&flash);
    return 0;
}

static void fill(uint32_t number) {
    struct pseudorandom random = {number};
    for (unsigned i = 0; i < WORDS; i++) {
        uint32_t word = (uint32_t)pseudorandom_next(&random);
        memcpy(record + 4 * (size_t)i, &word, sizeof word);
    }
}

static void assert_holds(unsigned copy, uint32_t number) {
    assert_true(storage.read(storage.context, copy, found));
    fill(number);
    assert_memory_equal(found, record, sizeof record);
}

static void write_copy(unsigned copy, uint32_t number) {
    fill(number);
    assert_true(storage.write(storage.context, copy, record));
}

static void test_each_copy_is_what_was_written_last(void **state) {
    (void)state;
    for (uint32_t number = 1; number <= 20; number++) {
        write_copy(number % 2, number);
        assert_holds(number % 2, number);
        if (number > 1)
            assert_holds((number - 1) % 2, number - 1);
    }
    assert_int_equal(chip.erases, 2 * 4); /* ten records to a block, three to an erasure */
    assert_false(storage.forgets);
}

/* Two copies with a tail of writes: at each word and erasure the power fails. The other copy is untouched. */
static void test_a_cut_harms_the_copy_that_is_written(void **state) {
    (void)state;
    for (unsigned before = 2; before < 9; before++)
        for (int cut = 0; cut < WORDS + 2; cut += cut < 4 || cut >= WORDS - 4 ? 1 : 61) {
            set_up(NULL);
            chip.random.state = (uint64_t)cut + before;
            for (uint32_t number = 1; number <= before; number++)
                write_copy(number % 2, number);
            chip.left = cut;
            fill(before + 1);
            (void)storage.write(storage.context, (before + 1) % 2, record);
            chip.left = NEVER;
            assert_holds(before % 2, before);
            write_copy((before + 1) % 2, before + 7);
            assert_holds((before + 1) % 2, before + 7);
            assert_holds(before % 2, before);
        }
}

static void test_worn_places_are_passed_over(void **state) {
    (void)state;
    write_copy(0, 1);
    chip.stuck = true;
    chip.stuck_at = USIM_RECORD_SIZE + 8;
    write_copy(0, 2);
    assert_holds(0, 2);
    assert_int_equal(chip.erases, 1);
    chip.stuck_at = 8;
    write_copy(0, 3); /* the block is full: erased, and its first place is no good */
    assert_holds(0, 3);
}

static void test_flash_that_keeps_nothing_is_told(void **state) {
    struct usim_flash one = {&chip, USIM_RECORD_SIZE, chip_read, chip_program, chip_erase};
    struct usim_storage small = usim_flash_storage(&one);
    (void)state;
    fill(1);
    assert_true(small.write(small.context, 0, record));
    chip.stuck = true;
    chip.stuck_at = 8;
    assert_false(small.write(small.context, 0, record));
}

/* Nothing is taken, nothing is read beyond the blocks, and the first place is the first one that is written. */
static void test_blank_flash(void **state) {
    (void)state;
    memset(chip.words, 0xff, sizeof chip.words);
    for (unsigned copy = 0; copy < USIM_COPIES; copy++) {
        assert_true(storage.read(storage.context, copy, found));
        for (size_t i = 0; i < sizeof found; i++)
            assert_int_equal(found[i], 0xff);
        write_copy(copy, 3 + copy);
        assert_holds(copy, 3 + copy);
        assert_memory_equal(&chip.words[copy * (BLOCK / 4)], record, sizeof record);
    }
    assert_int_equal(chip.erases, 0);
}

/* A nonce may begin with ones: a place is blank when all of it is. */
static void test_a_record_that_begins_blank(void **state) {
    (void)state;
    for (uint32_t number = 1; number <= 2 * BLOCK / USIM_RECORD_SIZE; number++) {
        fill(number);
        memset(record, 0xff, 4);
        assert_true(storage.write(storage.context, 0, record));
        assert_true(storage.read(storage.context, 0, found));
        assert_memory_equal(found, record, sizeof record);
    }
    assert_int_equal(chip.erases, 2);
}

/* Memory in flash's place: each copy has its own, and what is there is what was written, to the last byte. */
static void test_memory_of_a_power_on(void **state) {
    static uint8_t memory[USIM_COPIES * USIM_RECORD_SIZE + 1];
    (void)state;
    memset(memory, 0xa5, sizeof memory);
    storage = usim_volatile_storage(memory);
    assert_true(storage.forgets);
    for (uint32_t number = 1; number <= 4; number++) {
        write_copy(number % 2, number);
        assert_holds(number % 2, number);
        if (number > 1)
            assert_holds((number - 1) % 2, number - 1);
    }
    assert_int_equal(memory[sizeof memory - 1], 0xa5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_each_copy_is_what_was_written_last, set_up),
        cmocka_unit_test_setup(test_a_cut_harms_the_copy_that_is_written, set_up),
        cmocka_unit_test_setup(test_worn_places_are_passed_over, set_up),
        cmocka_unit_test_setup(test_flash_that_keeps_nothing_is_told, set_up),
        cmocka_unit_test_setup(test_blank_flash, set_up),
        cmocka_unit_test_setup(test_a_record_that_begins_blank, set_up),
        cmocka_unit_test(test_memory_of_a_power_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
