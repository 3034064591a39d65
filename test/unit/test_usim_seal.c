// SPDX-License-Identifier: BSD-3-Clause
// What is sealed: a nonce of its own for each text, key and use, since one that comes twice gives the key stream away;
// and no use's text opens as another's.
#include "usim/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { SIZE = 40, SEALED = SIZE + SEAL_OVERHEAD, NONCE = 12 };

static uint8_t key[SEAL_KEY_SIZE], plain[SIZE], sealed[SEALED], other[SEALED], opened[SIZE];

static int set_up(void **state) {
    (void)state;
    memset(key, 7, sizeof key);
    memset(plain, 9, sizeof plain);
    return usim_seal(key, SEAL_STATE, plain, SIZE, sealed) == USIM_OK ? 0 : -1;
}

static enum usim_error unseal(enum seal_use use) { return usim_unseal(key, use, sealed, opened, SIZE); }

static void seal_other(enum seal_use use) { assert_int_equal(usim_seal(key, use, plain, SIZE, other), USIM_OK); }

static void test_opens(void **state) {
    (void)state;
    assert_int_equal(unseal(SEAL_STATE), USIM_OK);
    assert_memory_equal(opened, plain, SIZE);
    seal_other(SEAL_STATE);
    assert_memory_equal(other, sealed, SEALED);
}

static void test_no_nonce_twice(void **state) {
    static const uint8_t none[NONCE];
    (void)state;
    assert_memory_not_equal(sealed, none, NONCE);
    seal_other(SEAL_PROFILE);
    assert_memory_not_equal(sealed, other, NONCE);
    for (size_t i = 0; i < SIZE; i++) {
        plain[i] ^= 1;
        seal_other(SEAL_STATE);
        assert_memory_not_equal(sealed, other, NONCE);
        plain[i] ^= 1;
    }
    for (size_t i = 0; i < sizeof key; i++) {
        key[i] ^= 1;
        seal_other(SEAL_STATE);
        assert_memory_not_equal(sealed, other, NONCE);
        key[i] ^= 1;
    }
}

/* The keys differ by use, so that not even the key stream of one nonce is another's. */
static void test_uses_are_apart(void **state) {
    static const uint8_t none[SIZE];
    (void)state;
    memset(opened, 1, sizeof opened);
    assert_int_equal(unseal(SEAL_PROFILE), USIM_NOT_AUTHENTIC);
    assert_memory_equal(opened, none, SIZE);
}

static void test_what_was_changed(void **state) {
    (void)state;
    for (size_t i = 0; i < SEALED; i++) {
        sealed[i] ^= 0x40;
        assert_int_equal(unseal(SEAL_STATE), USIM_NOT_AUTHENTIC);
        sealed[i] ^= 0x40;
    }
    key[31] ^= 1;
    assert_int_equal(unseal(SEAL_STATE), USIM_NOT_AUTHENTIC);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_opens, set_up),
        cmocka_unit_test_setup(test_no_nonce_twice, set_up),
        cmocka_unit_test_setup(test_uses_are_apart, set_up),
        cmocka_unit_test_setup(test_what_was_changed, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
