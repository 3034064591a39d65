// SPDX-License-Identifier: BSD-3-Clause
#include "crypto/record_log.h"
#include "pseudorandom.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum {
    CONTENT = 40,  /* a record of 80 bytes */
    BLOCK = 256,   /* three of them, and a rest */
    NEVER = -1,    /* no cut */
    APPENDS = 9,   /* into each block more than once */
    CUTS_MAX = 400 /* words and erases of them all */
};

/* NOR flash whose power fails at an operation: that one is done in part, those behind it not at all. */
static struct {
    uint32_t words[2 * BLOCK / 4];
    struct pseudorandom random;
    int left;      /* operations before the cut; NEVER */
    unsigned done; /* operations */
    bool stuck;    /* one word is worn out */
    uint32_t stuck_at;
} chip;

static uint32_t chip_read(void *context, uint32_t offset) {
    assert_ptr_equal(context, &chip);
    assert_int_equal(offset % 4, 0);
    assert_true(offset < 2 * BLOCK);
    return chip.words[offset / 4];
}

/* How much of an operation is done: all, none or some bits. */
static uint32_t done_bits(void) {
    chip.done++;
    if (chip.left == NEVER || chip.left > 0) {
        chip.left -= chip.left > 0;
        return UINT32_MAX;
    }
    if (chip.left == 0) {
        chip.left = -2;
        return (uint32_t)pseudorandom_next(&chip.random);
    }
    return 0;
}

static bool chip_program(void *context, uint32_t offset, uint32_t word) {
    assert_ptr_equal(context, &chip);
    uint32_t bits = done_bits();
    if (!chip.stuck || offset != chip.stuck_at)
        chip.words[offset / 4] &= word | ~bits;
    return true;
}

static bool chip_erase(void *context, unsigned block) {
    assert_ptr_equal(context, &chip);
    assert_true(block < 2);
    uint32_t all = done_bits();
    for (unsigned i = 0; i < BLOCK / 4; i++)
        chip.words[block * (BLOCK / 4) + i] |=
            all == UINT32_MAX || all == 0 ? all : (uint32_t)pseudorandom_next(&chip.random);
    return true;
}

static const struct record_flash flash = {&chip, BLOCK, chip_read, chip_program, chip_erase};
static const uint8_t key[AEAD_KEY_SIZE] = {1, 2, 3};

static enum record_log_error open_as(struct record_log *log, uint8_t start, void *content) {
    uint8_t salt[RECORD_LOG_SALT_SIZE] = {start};
    return record_log_open(log, &flash, key, salt, content, CONTENT);
}

static int set_up(void **state) {
    (void)state;
    memset(&chip, 0, sizeof chip); /* what a chip that was never used holds is anyone's guess */
    chip.left = NEVER;
    return 0;
}

static void fill(uint8_t *content, unsigned number) {
    for (unsigned i = 0; i < CONTENT; i++)
        content[i] = (uint8_t)(number + i);
}

static void test_what_was_appended_last_is_found(void **state) {
    struct record_log log;
    uint8_t content[CONTENT], found[CONTENT];
    (void)state;
    assert_int_equal(open_as(&log, 0, found), RECORD_LOG_EMPTY);
    for (unsigned i = 0; i < CONTENT; i++)
        assert_int_equal(found[i], 0);
    for (unsigned number = 0; number < 20; number++) {
        fill(content, number);
        assert_int_equal(record_log_append(&log, content), RECORD_LOG_OK);
        if (number % 3 != 0)
            continue;
        record_log_close(&log);
        assert_int_equal(open_as(&log, (uint8_t)number, found), RECORD_LOG_OK);
        assert_memory_equal(found, content, CONTENT);
        assert_int_equal(log.sequence, number + 1);
    }
    record_log_close(&log);
}

static void test_flash_says_nothing_of_the_content(void **state) {
    struct record_log log;
    uint8_t content[CONTENT];
    (void)state;
    memset(content, 'K', sizeof content);
    assert_int_equal(open_as(&log, 0, content), RECORD_LOG_EMPTY);
    memset(content, 'K', sizeof content);
    assert_int_equal(record_log_append(&log, content), RECORD_LOG_OK);
    record_log_close(&log);
    for (size_t i = 0; i + 8 <= sizeof chip.words; i++)
        assert_memory_not_equal((uint8_t *)chip.words + i, content, 8);
}

/* Appends until the power fails; returns how many records were told to be kept. */
static unsigned append_until_cut(uint8_t start) {
    struct record_log log;
    uint8_t content[CONTENT];
    unsigned kept = 0;
    (void)open_as(&log, start, content);
    for (unsigned number = 1; number <= APPENDS; number++) {
        fill(content, number);
        kept += record_log_append(&log, content) == RECORD_LOG_OK && chip.left != -2;
        if (chip.left == -2)
            break;
    }
    record_log_close(&log);
    return kept;
}

/* At each word and each erase: the old record or the new one is found, and the log goes on from there. */
static void test_a_cut_leaves_the_old_or_the_new(void **state) {
    uint8_t expected[CONTENT], next[CONTENT], found[CONTENT];
    (void)state;
    for (int cut = 0; cut < CUTS_MAX; cut++) {
        struct record_log log;
        set_up(NULL);
        chip.random.state = (uint64_t)cut * 7 + 1;
        chip.left = cut;
        unsigned kept = append_until_cut(1);
        bool whole = chip.left != -2;
        chip.left = NEVER;
        enum record_log_error error = open_as(&log, 2, found);
        fill(expected, kept);
        fill(next, kept + 1);
        if (kept == 0 && error == RECORD_LOG_EMPTY)
            memcpy(found, expected, CONTENT);
        else
            assert_int_equal(error, RECORD_LOG_OK);
        assert_true(memcmp(found, expected, CONTENT) == 0 || memcmp(found, next, CONTENT) == 0);
        for (unsigned i = 0; i < 5; i++) {
            assert_int_equal(record_log_append(&log, expected), RECORD_LOG_OK);
            record_log_close(&log);
            assert_int_equal(open_as(&log, (uint8_t)(3 + i), found), RECORD_LOG_OK);
            assert_memory_equal(found, expected, CONTENT);
        }
        record_log_close(&log);
        if (whole)
            return; /* no cut came any more */
    }
    fail_msg("there are more operations than were cut");
}

static void test_a_forged_record_is_none(void **state) {
    struct record_log log;
    uint8_t content[CONTENT], found[CONTENT];
    (void)state;
    assert_int_equal(open_as(&log, 0, found), RECORD_LOG_EMPTY);
    for (unsigned number = 1; number <= 2; number++) {
        fill(content, number);
        assert_int_equal(record_log_append(&log, content), RECORD_LOG_OK);
    }
    record_log_close(&log);
    const uint32_t newest = 80 / 4;
    for (uint32_t word = 0; word < 80 / 4; word++) {
        uint32_t kept = chip.words[newest + word];
        chip.words[newest + word] ^= UINT32_C(1) << word;
        assert_int_equal(open_as(&log, 1, found), RECORD_LOG_OK);
        fill(content, 1);
        assert_memory_equal(found, content, CONTENT);
        record_log_close(&log);
        chip.words[newest + word] = kept;
    }
    uint8_t other[AEAD_KEY_SIZE] = {9}, salt[RECORD_LOG_SALT_SIZE] = {0};
    assert_int_equal(record_log_open(&log, &flash, other, salt, found, CONTENT), RECORD_LOG_EMPTY);
    record_log_close(&log);
}

static void test_worn_flash_is_told(void **state) {
    struct record_log log;
    uint8_t content[CONTENT];
    (void)state;
    assert_int_equal(open_as(&log, 0, content), RECORD_LOG_EMPTY);
    assert_int_equal(record_log_append(&log, content), RECORD_LOG_OK);
    chip.stuck = true;
    chip.stuck_at = 80 + 8; /* the second record's place: the third takes its turn */
    assert_int_equal(record_log_append(&log, content), RECORD_LOG_OK);
    assert_int_equal(log.newest, 160);
    chip.stuck_at = BLOCK + 8; /* where every block is begun */
    assert_int_equal(record_log_append(&log, content), RECORD_LOG_BROKEN);
    record_log_close(&log);
    assert_int_equal(open_as(&log, 1, content), RECORD_LOG_OK);
    assert_int_equal(log.newest, 160);
    record_log_close(&log);
}

static void test_sizes(void **state) {
    static uint8_t content[RECORD_LOG_CONTENT_MAX + 1];
    const uint8_t salt[RECORD_LOG_SALT_SIZE] = {0};
    const size_t sizes[] = {0, BLOCK, sizeof content};
    struct record_log log;
    (void)state;
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_int_equal(record_log_open(&log, &flash, key, salt, content, sizes[i]), RECORD_LOG_BAD_SIZE);
        assert_int_equal(record_log_append(&log, content), RECORD_LOG_BAD_SIZE);
        record_log_close(&log);
    }
}

static void test_each_error_has_a_text(void **state) {
    (void)state;
    for (unsigned i = 0; i <= RECORD_LOG_FAILED; i++)
        assert_string_not_equal(record_log_error_text((enum record_log_error)i), "unknown error");
    assert_string_equal(record_log_error_text((enum record_log_error)99), "unknown error");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_what_was_appended_last_is_found, set_up),
        cmocka_unit_test_setup(test_flash_says_nothing_of_the_content, set_up),
        cmocka_unit_test_setup(test_a_cut_leaves_the_old_or_the_new, set_up),
        cmocka_unit_test_setup(test_a_forged_record_is_none, set_up),
        cmocka_unit_test_setup(test_worn_flash_is_told, set_up),
        cmocka_unit_test_setup(test_sizes, set_up),
        cmocka_unit_test_setup(test_each_error_has_a_text, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
