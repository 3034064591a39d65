// SPDX-License-Identifier: BSD-3-Clause
// AES-256-GCM: test cases 13 to 16 of McGrew and Viega, "The Galois/Counter Mode of Operation". Key wrap: RFC 3394 4.3,
// 4.5 and 4.6.
#include "crypto/aead.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hex.h"

struct vector {
    const char *key;
    const char *nonce;
    const char *data;
    const char *plain;
    const char *cipher;
    const char *tag;
};

#define ZERO_KEY "0000000000000000000000000000000000000000000000000000000000000000"
#define OTHER_KEY "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"
#define PLAIN                                                                                                          \
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"                 \
    "b16aedf5aa0de657ba637b39"
#define CIPHER                                                                                                         \
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"                 \
    "c5f61e6393ba7a0abcc9f662"

static const struct vector vectors[] = {
    {ZERO_KEY, "000000000000000000000000", "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {ZERO_KEY, "000000000000000000000000", "", "00000000000000000000000000000000", "cea7403d4d606b6e074ec5d3baf39d18",
     "d0d1c8a799996bf0265b98b5d48ab919"},
    {OTHER_KEY, "cafebabefacedbaddecaf888", "", PLAIN "1aafd255", CIPHER "898015ad",
     "b094dac5d93471bdec1a502270e3cc6c"},
    {OTHER_KEY, "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2", PLAIN, CIPHER,
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

struct opened {
    struct aead aead;
    struct aead_binding binding;
    uint8_t data[64];
    uint8_t plain[128];
    uint8_t cipher[128];
    uint8_t tag[AEAD_TAG_SIZE];
    size_t size;
};

static struct opened open_vector(const struct vector *vector) {
    struct opened opened;
    uint8_t key[AEAD_KEY_SIZE];
    from_hex(vector->key, key);
    from_hex(vector->nonce, opened.binding.nonce);
    opened.binding.data_size = from_hex(vector->data, opened.data);
    opened.size = from_hex(vector->plain, opened.plain);
    from_hex(vector->cipher, opened.cipher);
    from_hex(vector->tag, opened.tag);
    assert_int_equal(aead_open(&opened.aead, key), AEAD_OK);
    return opened;
}

static void test_vectors(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        struct opened opened = open_vector(&vectors[i]);
        uint8_t output[128], tag[AEAD_TAG_SIZE];
        opened.binding.data = opened.data;
        assert_int_equal(aead_encrypt(&opened.aead, &opened.binding, opened.plain, opened.size, output, tag), AEAD_OK);
        assert_memory_equal(output, opened.cipher, opened.size);
        assert_memory_equal(tag, opened.tag, sizeof(tag));
        assert_int_equal(aead_decrypt(&opened.aead, &opened.binding, opened.cipher, opened.size, output, tag), AEAD_OK);
        assert_memory_equal(output, opened.plain, opened.size);
        aead_close(&opened.aead);
    }
}

static void expect_refused(struct opened *opened) {
    static const uint8_t nothing[128];
    uint8_t output[128];
    memset(output, 0xaa, sizeof(output));
    assert_int_equal(aead_decrypt(&opened->aead, &opened->binding, opened->cipher, opened->size, output, opened->tag),
                     AEAD_NOT_AUTHENTIC);
    assert_memory_equal(output, nothing, opened->size);
}

static void flip_each_byte(struct opened *opened, uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 0x01;
        expect_refused(opened);
        bytes[i] ^= 0x01;
    }
}

static void test_each_altered_byte_is_noticed(void **state) {
    struct opened opened = open_vector(&vectors[3]);
    (void)state;
    opened.binding.data = opened.data;
    flip_each_byte(&opened, opened.cipher, opened.size);
    flip_each_byte(&opened, opened.tag, sizeof(opened.tag));
    flip_each_byte(&opened, opened.data, opened.binding.data_size);
    flip_each_byte(&opened, opened.binding.nonce, AEAD_NONCE_SIZE);
    opened.size--;
    expect_refused(&opened);
    aead_close(&opened.aead);
}

struct wrap_vector {
    const char *key;
    const char *wrapped;
};

static const struct wrap_vector wraps[] = {
    {"00112233445566778899aabbccddeeff", "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7"},
    {"00112233445566778899aabbccddeeff0001020304050607",
     "a8f9bc1612c68b3ff6e6f4fbe30e71e4769c8b80a32cb8958cd5d17d6b254da1"},
    {"00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f",
     "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"},
};

static void test_key_wrap(void **state) {
    uint8_t wrapping[AEAD_KEY_SIZE], key[32], wrapped[40], expected[40];
    (void)state;
    from_hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", wrapping);
    for (size_t i = 0; i < sizeof(wraps) / sizeof(wraps[0]); i++) {
        uint8_t output[32];
        size_t size = from_hex(wraps[i].key, key);
        from_hex(wraps[i].wrapped, expected);
        assert_int_equal(key_wrap(wrapping, key, size, wrapped), AEAD_OK);
        assert_memory_equal(wrapped, expected, size + KEY_WRAP_OVERHEAD);
        assert_int_equal(key_unwrap(wrapping, wrapped, output, size), AEAD_OK);
        assert_memory_equal(output, key, size);
    }
}

static void test_altered_wraps_are_noticed(void **state) {
    static const uint8_t nothing[32];
    uint8_t wrapping[AEAD_KEY_SIZE] = {1}, key[32] = {2}, wrapped[40], output[32];
    (void)state;
    assert_int_equal(key_wrap(wrapping, key, sizeof(key), wrapped), AEAD_OK);
    for (size_t i = 0; i < sizeof(wrapped); i++) {
        wrapped[i] ^= 0x80;
        assert_int_equal(key_unwrap(wrapping, wrapped, output, sizeof(output)), AEAD_NOT_AUTHENTIC);
        assert_memory_equal(output, nothing, sizeof(output));
        wrapped[i] ^= 0x80;
    }
    wrapping[0] ^= 1;
    assert_int_equal(key_unwrap(wrapping, wrapped, output, sizeof(output)), AEAD_NOT_AUTHENTIC);
    assert_int_equal(key_wrap(wrapping, key, 12, wrapped), AEAD_FAILED);
    assert_int_equal(key_unwrap(wrapping, wrapped, output, 8), AEAD_FAILED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_each_altered_byte_is_noticed),
        cmocka_unit_test(test_key_wrap),
        cmocka_unit_test(test_altered_wraps_are_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
