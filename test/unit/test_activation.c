// SPDX-License-Identifier: BSD-3-Clause
/* Activation codes: what is made is read again however it is typed, and what was mistyped shows. */
#include "persona/activation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "known_random.h"

enum { CODES = 20, TEXT = ACTIVATION_TEXT_SIZE - 1 };

static struct random_stream random_numbers;
static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static int prepare(void **state) {
    (void)state;
    random_numbers = known_random(70);
    return 0;
}

static enum activation_error read_text(const char *text, char *symbols) {
    return activation_read(text, strlen(text), symbols);
}

static void test_what_is_made_is_read(void **state) {
    char text[ACTIVATION_TEXT_SIZE], before[ACTIVATION_TEXT_SIZE] = "", symbols[ACTIVATION_SYMBOLS];
    (void)state;
    for (unsigned i = 0; i < CODES; i++) {
        assert_int_equal(activation_make(&random_numbers, text), ACTIVATION_OK);
        assert_int_equal(strlen(text), TEXT);
        assert_true(text[4] == '-' && text[9] == '-' && text[14] == '-');
        assert_string_not_equal(text, before);
        assert_int_equal(read_text(text, symbols), ACTIVATION_OK);
        for (size_t at = 0; at < ACTIVATION_SYMBOLS; at++)
            assert_int_equal(symbols[at], text[at + at / ACTIVATION_GROUP]);
        memcpy(before, text, sizeof(before));
    }
}

/* Reckoned by hand: 1 times 2, fifteen times over, is 2^15 in GF(32), which is 31. */
static void test_known_codes(void **state) {
    char symbols[ACTIVATION_SYMBOLS];
    (void)state;
    assert_int_equal(read_text("0000-0000-0000-0000", symbols), ACTIVATION_OK);
    assert_int_equal(read_text("1000-0000-0000-000Z", symbols), ACTIVATION_OK);
    assert_memory_equal(symbols, "100000000000000Z", ACTIVATION_SYMBOLS);
    assert_int_equal(read_text("0000-0000-0000-0012", symbols), ACTIVATION_OK);
    assert_int_equal(read_text("0000-0000-0000-0011", symbols), ACTIVATION_MISTYPED);
}

static void test_however_it_is_typed(void **state) {
    char symbols[ACTIVATION_SYMBOLS];
    (void)state;
    static const char *const same[] = {"100000000000000Z", "ioOo oooo 0000 000z", "L000-0000-0000-000z",
                                       " 1-0-0000000000000Z- "};
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        assert_int_equal(read_text(same[i], symbols), ACTIVATION_OK);
        assert_memory_equal(symbols, "100000000000000Z", ACTIVATION_SYMBOLS);
    }
}

static void test_one_wrong_symbol_shows(void **state) {
    static const char nothing[ACTIVATION_SYMBOLS];
    char text[ACTIVATION_TEXT_SIZE], symbols[ACTIVATION_SYMBOLS];
    (void)state;
    assert_int_equal(activation_make(&random_numbers, text), ACTIVATION_OK);
    for (size_t at = 0; at < TEXT; at++) {
        const char right = text[at];
        for (const char *symbol = alphabet; *symbol != '\0' && right != '-'; symbol++) {
            text[at] = *symbol;
            assert_int_equal(read_text(text, symbols), *symbol == right ? ACTIVATION_OK : ACTIVATION_MISTYPED);
            assert_true(*symbol == right || memcmp(symbols, nothing, sizeof(nothing)) == 0);
        }
        text[at] = right;
    }
}

static void test_two_that_changed_places_show(void **state) {
    char text[ACTIVATION_TEXT_SIZE], symbols[ACTIVATION_SYMBOLS];
    (void)state;
    for (unsigned i = 0; i < CODES; i++) {
        assert_int_equal(activation_make(&random_numbers, text), ACTIVATION_OK);
        for (size_t a = 0; a < TEXT; a++) {
            for (size_t b = a + 1; b < TEXT; b++) {
                char other[ACTIVATION_TEXT_SIZE];
                memcpy(other, text, sizeof(other));
                other[a] = text[b];
                other[b] = text[a];
                if (text[a] != text[b] && text[a] != '-' && text[b] != '-')
                    assert_int_equal(read_text(other, symbols), ACTIVATION_MISTYPED);
            }
        }
    }
}

static void test_what_is_no_code(void **state) {
    static const char *const none[] = {"",
                                       "----",
                                       "0000-0000-0000-000",
                                       "0000-0000-0000-0000-0",
                                       "U000-0000-0000-0000",
                                       "0000_0000_0000_0000",
                                       "0000-0000-0000-000\xc3\xa9"};
    char symbols[ACTIVATION_SYMBOLS], longer[ACTIVATION_TYPED_MAX + 1];
    (void)state;
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        assert_int_equal(read_text(none[i], symbols), ACTIVATION_NO_CODE);
    memset(longer, ' ', sizeof(longer));
    memset(longer, '0', ACTIVATION_SYMBOLS);
    assert_int_equal(activation_read(longer, sizeof(longer) - 1, symbols), ACTIVATION_OK);
    assert_int_equal(activation_read(longer, sizeof(longer), symbols), ACTIVATION_NO_CODE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_made_is_read),         cmocka_unit_test(test_known_codes),
        cmocka_unit_test(test_however_it_is_typed),          cmocka_unit_test(test_one_wrong_symbol_shows),
        cmocka_unit_test(test_two_that_changed_places_show), cmocka_unit_test(test_what_is_no_code),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
