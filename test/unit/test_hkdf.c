// SPDX-License-Identifier: BSD-3-Clause
// The vectors of RFC 5869, appendix A, that are of SHA-256.
#include "crypto/hkdf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hex.h"

struct vector {
    const char *input;
    const char *salt;
    const char *info;
    const char *key;
    const char *output;
};

static const struct vector vectors[] = {
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
     "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
     "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
    {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f"
     "303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
     "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f"
     "909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
     "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
     "e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
     "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
     "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
     "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
     "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
     "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
};

static void test_vectors(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        uint8_t input[128], salt[128], info[128], expected[128], output[128], key[HKDF_KEY_SIZE];
        size_t input_size = from_hex(vectors[i].input, input);
        size_t salt_size = from_hex(vectors[i].salt, salt);
        size_t info_size = from_hex(vectors[i].info, info);

        assert_int_equal(hkdf_extract(salt_size == 0 ? NULL : salt, salt_size, input, input_size, key), HKDF_OK);
        assert_int_equal(from_hex(vectors[i].key, expected), sizeof(key));
        assert_memory_equal(key, expected, sizeof(key));
        size_t size = from_hex(vectors[i].output, expected);
        assert_int_equal(hkdf_expand(key, info, info_size, output, size), HKDF_OK);
        assert_memory_equal(output, expected, size);
    }
}

static void test_longest_output(void **state) {
    static uint8_t output[HKDF_OUTPUT_MAX + 1];
    const uint8_t key[HKDF_KEY_SIZE] = {1};

    (void)state;
    assert_int_equal(hkdf_expand(key, "x", 1, output, HKDF_OUTPUT_MAX), HKDF_OK);
    assert_int_equal(hkdf_expand(key, "x", 1, output, HKDF_OUTPUT_MAX + 1), HKDF_TOO_LONG);
    for (size_t i = 0; i < sizeof(output); i++) {
        assert_int_equal(output[i], 0);
    }
    assert_int_equal(hkdf_expand(key, "x", 1, output, 0), HKDF_OK);
}

static void test_wipe(void **state) {
    uint8_t secret[5] = {1, 2, 3, 4, 5};

    (void)state;
    crypto_wipe(secret, 4);
    assert_memory_equal(secret, "\0\0\0\0\5", 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_longest_output),
        cmocka_unit_test(test_wipe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
