// SPDX-License-Identifier: BSD-3-Clause
// The derivation is as documented, which a change would break for all devices; every use, persona and number is apart.
#include "crypto/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/digest.h"
#include "hex.h"

static const uint8_t secret[KEYS_SIZE] = {1}, id[KEYS_ID_SIZE] = {2}, other_id[KEYS_ID_SIZE] = {3};

/* Computed apart, with Python's hmac. */
static void test_known_answers(void **state) {
    uint8_t key[KEYS_VOLUME_SIZE], expected[KEYS_VOLUME_SIZE];
    (void)state;
    from_hex("4bf86781e105152ea2498477c81626307c34bddc16b50c86445657e2358dc6c8", expected);
    assert_int_equal(keys_derive(secret, KEYS_CONTENT, id, 7, key, KEYS_SIZE), KEYS_OK);
    assert_memory_equal(key, expected, KEYS_SIZE);
    from_hex("91ed6ba95c3acab7601bfcd32e696bb3c5c9784f015ac212d8c00618a190edf4"
             "4fc6d9d22c334357af21208c90b74a9f3b761499f43ddbfe12a528ff9ae021af",
             expected);
    assert_int_equal(keys_derive(secret, KEYS_VOLUME, id, 0, key, KEYS_VOLUME_SIZE), KEYS_OK);
    assert_memory_equal(key, expected, KEYS_VOLUME_SIZE);
}

static void test_all_apart(void **state) {
    uint8_t keys[4 * (KEYS_UP + 1)][KEYS_SIZE];
    size_t count = 0;
    (void)state;
    for (int use = 0; use <= (int)KEYS_UP; use++) {
        for (unsigned i = 0; i < 4; i++) {
            assert_int_equal(
                keys_derive(secret, (enum keys_use)use, i < 2 ? id : other_id, i % 2, keys[count++], KEYS_SIZE),
                KEYS_OK);
        }
    }
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(keys[i], keys[j], KEYS_SIZE);
}

static void test_too_much(void **state) {
    static uint8_t key[256 * 32];
    (void)state;
    assert_int_equal(keys_derive(secret, KEYS_VOLUME, id, 0, key, sizeof(key)), KEYS_FAILED);
}

static void test_mac(void **state) {
    uint8_t key[KEYS_SIZE], mac[KEYS_MAC_SIZE], expected[KEYS_MAC_SIZE];
    (void)state;
    assert_int_equal(keys_mac(secret, KEYS_STATE, id, "data", 4, mac), KEYS_OK);
    assert_int_equal(keys_derive(secret, KEYS_STATE, id, 0, key, sizeof(key)), KEYS_OK);
    assert_true(mac_of(key, "data", 4, expected));
    assert_memory_equal(mac, expected, sizeof(mac));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_all_apart),
        cmocka_unit_test(test_too_much),
        cmocka_unit_test(test_mac),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
