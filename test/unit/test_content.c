// SPDX-License-Identifier: BSD-3-Clause
// Content keys, sealed to devices and wrapped under a persona's key.
#include "persona/content.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "known_random.h"

static struct random_stream random_numbers;
static struct p256_private devices[3];
static const uint8_t key[STREAM_KEY_SIZE] = {1}, persona_key[KEYS_SIZE] = {2}, nothing[STREAM_KEY_SIZE];
static const struct content_version version = {{3}, 7}, newer = {{3}, 8}, other = {{4}, 7};
static uint8_t file[1024], opened[STREAM_KEY_SIZE];
static size_t file_size;

static int start(void **state) {
    (void)state;
    random_numbers = known_random(30);
    for (size_t i = 0; i < 3; i++)
        if (p256_generate(&devices[i], &random_numbers) != P256_OK)
            return -1;
    return 0;
}

static enum content_error unseal(const struct content_version *as, const struct p256_private *device) {
    struct p256_software software = {device, &random_numbers};
    struct p256_agreer agreer = p256_software_agreer(&software);
    enum content_error error = content_unseal(file, file_size, as, &agreer, opened);
    assert_memory_equal(opened, error == CONTENT_OK ? key : nothing, sizeof(opened));
    return error;
}

static void test_sealed(void **state) {
    struct p256_public to[] = {devices[0].public_key, devices[1].public_key};
    (void)state;
    assert_int_equal(content_seal(key, &version, to, 2, &random_numbers, file, sizeof(file), &file_size), CONTENT_OK);
    assert_int_equal(unseal(&version, &devices[0]), CONTENT_OK);
    assert_int_equal(unseal(&version, &devices[1]), CONTENT_OK);
    assert_int_equal(unseal(&version, &devices[2]), CONTENT_WRONG_DEVICE);
    assert_int_equal(unseal(&newer, &devices[0]), CONTENT_NOT_AUTHENTIC);
    assert_int_equal(unseal(&other, &devices[0]), CONTENT_NOT_AUTHENTIC);
    file_size--;
    assert_int_equal(unseal(&version, &devices[0]), CONTENT_MALFORMED);
    assert_int_equal(content_seal(key, &version, to, 2, &random_numbers, file, 100, &file_size), CONTENT_NO_ROOM);
}

static enum content_error unwrap(const struct content_version *as, const uint8_t *with) {
    enum content_error error = content_unwrap(file, file_size, as, with, opened);
    assert_memory_equal(opened, error == CONTENT_OK ? key : nothing, sizeof(opened));
    return error;
}

static void test_wrapped(void **state) {
    (void)state;
    assert_int_equal(content_wrap(key, &version, persona_key, file, CONTENT_WRAPPED_SIZE_MAX, &file_size), CONTENT_OK);
    assert_int_equal(unwrap(&version, persona_key), CONTENT_OK);
    assert_int_equal(unwrap(&version, nothing), CONTENT_NOT_AUTHENTIC);
    assert_int_equal(unwrap(&newer, persona_key), CONTENT_WRONG_VERSION);
    assert_int_equal(unwrap(&other, persona_key), CONTENT_WRONG_VERSION);
    for (size_t i = 0; i < file_size; i++) {
        file[i] ^= 0x02;
        assert_int_not_equal(unwrap(&version, persona_key), CONTENT_OK);
        file[i] ^= 0x02;
    }
    file_size--;
    assert_int_equal(unwrap(&version, persona_key), CONTENT_MALFORMED);
    assert_int_equal(content_wrap(key, &version, persona_key, file, 40, &file_size), CONTENT_NO_ROOM);
}

static void test_names_are_apart(void **state) {
    uint8_t a[STREAM_NAME_MAX], b[STREAM_NAME_MAX];
    size_t size = content_name(&version, 1, a);
    (void)state;
    assert_in_range(size, 1, STREAM_NAME_MAX);
    assert_int_equal(content_name(&version, 2, b), size);
    assert_memory_not_equal(a, b, size);
    (void)content_name(&newer, 1, b);
    assert_memory_not_equal(a, b, size);
    (void)content_name(&other, 1, b);
    assert_memory_not_equal(a, b, size);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sealed),
        cmocka_unit_test(test_wrapped),
        cmocka_unit_test(test_names_are_apart),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
