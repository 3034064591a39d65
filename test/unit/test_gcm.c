// SPDX-License-Identifier: BSD-3-Clause
// Each set of instructions that this CPU has gives what mbedTLS gives, at every length around the size of a group.
#include "gcm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "known_random.h"

enum { SIZE_MAX_TRIED = 1100, DATA_MAX = 50 };

static struct random_stream random_numbers;
static uint8_t key[AEAD_KEY_SIZE], nonce[AEAD_NONCE_SIZE], data[DATA_MAX], plain[SIZE_MAX_TRIED];
static uint8_t expected[SIZE_MAX_TRIED], output[SIZE_MAX_TRIED], expected_tag[AEAD_TAG_SIZE], tag[AEAD_TAG_SIZE];

static int start(void **state) {
    (void)state;
    random_numbers = known_random(60);
    return random_bytes(&random_numbers, plain, sizeof(plain)) != RANDOM_OK;
}

static void by_mbedtls(size_t size, size_t data_size) {
    mbedtls_gcm_context gcm;
    mbedtls_gcm_init(&gcm);
    assert_int_equal(mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, key, 256), 0);
    assert_int_equal(mbedtls_gcm_crypt_and_tag(&gcm, MBEDTLS_GCM_ENCRYPT, size, nonce, sizeof(nonce), data, data_size,
                                               plain, expected, sizeof(expected_tag), expected_tag),
                     0);
    mbedtls_gcm_free(&gcm);
}

static void try_length(const struct gcm_implementation *implementation, size_t size, size_t data_size) {
    struct aead_schedule schedule;
    struct gcm_text text = {nonce, data, data_size, plain, output, size};
    assert_int_equal(random_bytes(&random_numbers, key, sizeof(key)), RANDOM_OK);
    assert_int_equal(random_bytes(&random_numbers, nonce, sizeof(nonce)), RANDOM_OK);
    assert_int_equal(random_bytes(&random_numbers, data, sizeof(data)), RANDOM_OK);
    by_mbedtls(size, data_size);
    implementation->set_key(&schedule, key);
    memset(output, 0xaa, sizeof(output));
    implementation->encrypt(&schedule, &text, tag);
    assert_memory_equal(output, expected, size);
    assert_memory_equal(tag, expected_tag, sizeof(tag));
    assert_true(size == sizeof(output) || output[size] == 0xaa);
    memset(tag, 0, sizeof(tag));
    text.input = output;
    implementation->decrypt(&schedule, &text, tag);
    assert_memory_equal(output, plain, size);
    assert_memory_equal(tag, expected_tag, sizeof(tag));
}

static void try_implementation(const struct gcm_implementation *implementation) {
    if (implementation == NULL)
        skip();
    for (size_t size = 0; size <= SIZE_MAX_TRIED; size += size < 300 ? 1 : 13)
        try_length(implementation, size, size % DATA_MAX);
}

static void test_vaes(void **state) {
    (void)state;
    try_implementation(gcm_vaes());
}

static void test_aesni(void **state) {
    (void)state;
    try_implementation(gcm_aesni());
}

static void test_armv8(void **state) {
    (void)state;
    try_implementation(gcm_armv8());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vaes),
        cmocka_unit_test(test_aesni),
        cmocka_unit_test(test_armv8),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
