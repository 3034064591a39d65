// SPDX-License-Identifier: BSD-3-Clause
// Argon2id: vectors of the reference implementation's own tests (phc-winner-argon2, src/test.c), bounds, calibration.
#include "crypto/pin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hex.h"

struct vector {
    struct pin_cost cost;
    const char *pin;
    const char *salt;
    const char *key;
};

static const struct vector vectors[] = {
    {{256, 2}, "password", "somesalt", "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"},
    {{65536, 1}, "password", "somesalt", "f6a5adc1ba723dddef9b5ac1d464e180fcd9dffc9d1cbf76cca2fed795d9ca98"},
    {{65536, 2}, "differentpassword", "somesalt", "0b84d652cf6b0c4beaef0dfe278ba6a80df6696281d7e0d2891b817d8c458fde"},
    {{65536, 2}, "password", "diffsalt", "bdf32b05ccc42eb15d58fd19b1f856b113da1e9a5874fdcc544308565aa8141c"},
};

static void test_vectors(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        uint8_t key[PIN_KEY_SIZE], expected[PIN_KEY_SIZE];
        from_hex(vectors[i].key, expected);
        assert_int_equal(pin_stretch(vectors[i].pin, strlen(vectors[i].pin), (const uint8_t *)vectors[i].salt,
                                     strlen(vectors[i].salt), vectors[i].cost, key),
                         PIN_OK);
        assert_memory_equal(key, expected, sizeof(key));
    }
}

static void test_bounds(void **state) {
    static const uint8_t salt[PIN_SALT_SIZE + 1], nothing[PIN_KEY_SIZE];
    static const struct pin_cost wrong[] = {
        {PIN_MEMORY_MIN - 1, 1}, {PIN_MEMORY_MAX + 1, 1}, {256, 0}, {256, PIN_PASSES_MAX + 1}, {PIN_MEMORY_MAX, 9}};
    struct pin_cost cost = {256, 1};
    char pin[PIN_SIZE_MAX + 1] = {0};
    uint8_t key[PIN_KEY_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(pin_stretch("1234", 4, salt, PIN_SALT_SIZE, wrong[i], key), PIN_BAD_COST);
    assert_int_equal(pin_stretch("1234", 4, salt, PIN_SALT_MIN - 1, cost, key), PIN_BAD_COST);
    assert_int_equal(pin_stretch("1234", 4, salt, sizeof(salt), cost, key), PIN_BAD_COST);
    memset(key, 1, sizeof(key));
    assert_int_equal(pin_stretch(pin, sizeof(pin), salt, PIN_SALT_SIZE, cost, key), PIN_TOO_LONG);
    assert_memory_equal(key, nothing, sizeof(key));
    assert_int_equal(pin_stretch(pin, PIN_SIZE_MAX, salt, PIN_SALT_SIZE, cost, key), PIN_OK);
}

/* A clock that says what a run is to have taken. */
struct script {
    uint64_t now;
    const uint64_t *durations;
    unsigned calls;
};

static uint64_t scripted(void *context) {
    struct script *script = context;
    if (script->calls++ % 2 == 1)
        script->now += script->durations[script->calls / 2 - 1];
    return script->now;
}

static struct pin_cost calibrate(const uint64_t *durations) {
    struct script script = {.durations = durations};
    struct pin_cost cost;
    assert_int_equal(pin_calibrate(32768, 2000, scripted, &script, &cost), PIN_OK);
    return cost;
}

static void test_calibration(void **state) {
    (void)state;
    struct pin_cost cost = calibrate((const uint64_t[]){300});
    assert_int_equal(cost.memory_kib, 32768);
    assert_int_equal(cost.passes, 6);
    cost = calibrate((const uint64_t[]){5000, 2600, 1100});
    assert_int_equal(cost.memory_kib, 8192);
    assert_int_equal(cost.passes, 1);
    cost = calibrate((const uint64_t[]){9000, 9000, 9000, 9000});
    assert_int_equal(cost.memory_kib, PIN_MEMORY_FLOOR);
    assert_int_equal(cost.passes, 1);
    cost = calibrate((const uint64_t[]){1});
    assert_int_equal(cost.passes, PIN_WORK_MAX / 32768);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_calibration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
