// SPDX-License-Identifier: BSD-3-Clause
#include "crypto/hkdf.h"
#include "crypto/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

static const struct random_input inputs[] = {
    {"the firmware's seed", 19, false}, {NULL, 0, false}, {"a counter", 9, true}};

static struct random_pool fill(const struct random_input *from, size_t count) {
    struct random_pool pool;

    assert_int_equal(random_init(&pool, from, count), RANDOM_OK);
    return pool;
}

static void derive(const struct random_pool *pool, const char *label, const char *persona, uint8_t *output) {
    assert_int_equal(random_derive(pool, label, persona, output, 32), RANDOM_OK);
}

static void test_each_use_has_its_own_bytes(void **state) {
    static const char *const uses[][2] = {{"kaslr-seed", "work"}, {"kaslr-seed", "personal"}, {"rng-seed", "work"},
                                          {"rng-seed", ""},       {"rng-seedwork", ""},       {"rng-see", "dwork"}};
    struct random_pool pool = fill(inputs, 3);
    uint8_t outputs[6][32];

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        derive(&pool, uses[i][0], uses[i][1], outputs[i]);
        for (size_t j = 0; j < i; j++) {
            assert_memory_not_equal(outputs[i], outputs[j], 32);
        }
    }
}

static void test_same_pool_same_bytes(void **state) {
    struct random_pool a = fill(inputs, 3);
    struct random_pool b = fill(inputs, 3);
    uint8_t first[32];
    uint8_t second[32];

    (void)state;
    derive(&a, "rng-seed", "work", first);
    derive(&b, "rng-seed", "work", second);
    assert_memory_equal(first, second, 32);
}

static void test_every_input_counts(void **state) {
    struct random_input changed[3];
    struct random_pool pool = fill(inputs, 3);
    struct random_pool other;

    (void)state;
    memcpy(changed, inputs, sizeof(changed));
    changed[0].data = "The firmware's seed";
    other = fill(changed, 3);
    assert_memory_not_equal(pool.key, other.key, sizeof(pool.key));
    memcpy(changed, inputs, sizeof(changed));
    changed[2].size = 8;
    other = fill(changed, 3);
    assert_memory_not_equal(pool.key, other.key, sizeof(pool.key));
    memcpy(changed, inputs, sizeof(changed));
    changed[1] = (struct random_input){"x", 1, false};
    other = fill(changed, 3);
    assert_memory_not_equal(pool.key, other.key, sizeof(pool.key));
}

/** The construction is written down here a second time: a change of it is a change of every derived byte. */
static void test_the_pool_is_a_chain_of_extractions(void **state) {
    static const char label[] = "flipside random pool 1";
    struct random_pool pool = fill(inputs, 1);
    uint8_t first[32];
    uint8_t second[32];
    uint8_t expected[8];
    uint8_t derived[8];

    (void)state;
    assert_int_equal(hkdf_extract(NULL, 0, label, sizeof(label), first), HKDF_OK);
    assert_int_equal(hkdf_extract(first, sizeof(first), inputs[0].data, inputs[0].size, second), HKDF_OK);
    assert_memory_equal(pool.key, second, sizeof(second));
    assert_int_equal(hkdf_expand(second, "kaslr-seed\0work", 16, expected, sizeof(expected)), HKDF_OK);
    assert_int_equal(random_derive(&pool, "kaslr-seed", "work", derived, sizeof(derived)), RANDOM_OK);
    assert_memory_equal(derived, expected, sizeof(expected));
}

static void test_no_entropy(void **state) {
    static const uint8_t zeros[RANDOM_POOL_SIZE];
    const struct random_input nothing[] = {{NULL, 0, false}, {NULL, 0, false}};
    struct random_pool pool;

    (void)state;
    assert_int_equal(random_init(&pool, nothing, 2), RANDOM_NO_ENTROPY);
    assert_memory_equal(pool.key, zeros, sizeof(zeros));
    assert_int_equal(random_init(&pool, NULL, 0), RANDOM_NO_ENTROPY);
}

/* A counter is good enough for a kernel's seed, since there is nothing better; not for keys. */
static void test_no_keys_of_a_counter(void **state) {
    struct random_pool pool = fill(inputs + 1, 2);
    struct random_stream stream;
    uint8_t output[32];

    (void)state;
    derive(&pool, "rng-seed", "work", output);
    assert_int_equal(random_stream_open(&stream, &pool, "keys"), RANDOM_NO_ENTROPY);
    assert_memory_equal(&stream, (uint8_t[sizeof(stream)]){0}, sizeof(stream));
    pool = fill(inputs, 3);
    assert_int_equal(random_stream_open(&stream, &pool, "keys"), RANDOM_OK);
}

static void test_errors(void **state) {
    static uint8_t output[RANDOM_OUTPUT_MAX + 1];
    char long_label[RANDOM_LABEL_MAX + 2];
    struct random_pool pool = fill(inputs, 3);

    (void)state;
    memset(long_label, 'x', sizeof(long_label));
    long_label[RANDOM_LABEL_MAX + 1] = '\0';
    assert_int_equal(random_derive(&pool, "", "work", output, 8), RANDOM_BAD_LABEL);
    assert_int_equal(random_derive(&pool, long_label, "work", output, 8), RANDOM_BAD_LABEL);
    assert_int_equal(random_derive(&pool, "rng-seed", long_label, output, 8), RANDOM_BAD_LABEL);
    assert_int_equal(random_derive(&pool, long_label + 1, long_label + 1, output, 8), RANDOM_OK);
    assert_int_equal(random_derive(&pool, "x", "", output, sizeof(output)), RANDOM_TOO_LONG);
    random_wipe(&pool);
    for (size_t i = 0; i < sizeof(pool.key); i++) {
        assert_int_equal(pool.key[i], 0);
    }
}

static void test_stream_goes_on(void **state) {
    static const uint8_t seed[] = "seed";
    const struct random_input input = {seed, sizeof(seed), false};
    static uint8_t first[3 * RANDOM_OUTPUT_MAX], second[64], again[3 * RANDOM_OUTPUT_MAX];
    struct random_pool pool;
    struct random_stream stream, other;

    (void)state;
    assert_int_equal(random_init(&pool, &input, 1), RANDOM_OK);
    assert_int_equal(random_stream_open(&stream, &pool, "a"), RANDOM_OK);
    assert_int_equal(random_bytes(&stream, first, sizeof(first)), RANDOM_OK);
    assert_int_equal(random_bytes(&stream, second, sizeof(second)), RANDOM_OK);
    assert_memory_not_equal(first, first + RANDOM_OUTPUT_MAX, 64);
    assert_memory_not_equal(first, second, sizeof(second));
    assert_int_equal(random_stream_open(&other, &pool, "a"), RANDOM_OK);
    assert_int_equal(random_bytes(&other, again, sizeof(again)), RANDOM_OK);
    assert_memory_equal(first, again, sizeof(first));
    assert_int_equal(random_stream_open(&other, &pool, "b"), RANDOM_OK);
    assert_int_equal(random_bytes(&other, again, sizeof(second)), RANDOM_OK);
    assert_memory_not_equal(first, again, sizeof(second));
    assert_int_equal(random_stream_open(&other, &pool, ""), RANDOM_BAD_LABEL);
    random_stream_wipe(&stream);
    assert_memory_equal(&stream, (uint8_t[sizeof(stream)]){0}, sizeof(stream));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream_goes_on),
        cmocka_unit_test(test_no_keys_of_a_counter),
        cmocka_unit_test(test_each_use_has_its_own_bytes),
        cmocka_unit_test(test_same_pool_same_bytes),
        cmocka_unit_test(test_every_input_counts),
        cmocka_unit_test(test_the_pool_is_a_chain_of_extractions),
        cmocka_unit_test(test_no_entropy),
        cmocka_unit_test(test_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
