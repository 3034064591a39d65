// SPDX-License-Identifier: BSD-3-Clause
// RFC 6979 A.2.5 (signatures), RFC 5903 8.1 (shared secrets), RFC 9679 6 (names of keys), and what is refused.
#include "crypto/p256.h"

#include <mbedtls/sha256.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hex.h"
#include "known_random.h"

static struct random_stream random_numbers;

static int start(void **state) {
    (void)state;
    random_numbers = known_random(1);
    return 0;
}

static struct p256_private key_of(const char *scalar) {
    uint8_t bytes[P256_SIZE];
    struct p256_private key;
    assert_int_equal(from_hex(scalar, bytes), sizeof(bytes));
    assert_int_equal(p256_from_scalar(&key, bytes, &random_numbers), P256_OK);
    return key;
}

static struct p256_public public_of(const char *x, const char *y) {
    struct p256_public key;
    assert_int_equal(from_hex(x, key.x), P256_SIZE);
    assert_int_equal(from_hex(y, key.y), P256_SIZE);
    return key;
}

static void sign_text(const char *text, const char *expected_hex) {
    struct p256_private key = key_of("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
    struct p256_public known = public_of("60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
                                         "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299");
    uint8_t digest[P256_DIGEST_SIZE], signature[P256_SIGNATURE_SIZE], expected[P256_SIGNATURE_SIZE];

    assert_memory_equal(&key.public_key, &known, sizeof(known));
    assert_int_equal(mbedtls_sha256((const uint8_t *)text, strlen(text), digest, 0), 0);
    assert_int_equal(p256_sign(&key, digest, &random_numbers, signature), P256_OK);
    from_hex(expected_hex, expected);
    assert_memory_equal(signature, expected, sizeof(expected));
    assert_int_equal(p256_verify(&known, digest, signature), P256_OK);
    for (size_t i = 0; i < sizeof(signature); i++) {
        signature[i] ^= 0x40;
        assert_int_equal(p256_verify(&known, digest, signature), P256_BAD_SIGNATURE);
        signature[i] ^= 0x40;
    }
    digest[31] ^= 1;
    assert_int_equal(p256_verify(&known, digest, signature), P256_BAD_SIGNATURE);
}

static void test_signatures(void **state) {
    (void)state;
    sign_text("sample", "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
                        "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
    sign_text("test", "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
                      "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083");
}

static void test_signatures_out_of_range(void **state) {
    static const char order[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    struct p256_private key = key_of("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
    uint8_t digest[P256_DIGEST_SIZE] = {0}, signature[P256_SIGNATURE_SIZE] = {0};
    (void)state;
    assert_int_equal(p256_verify(&key.public_key, digest, signature), P256_BAD_SIGNATURE);
    from_hex(order, signature);
    from_hex(order, signature + P256_SIZE);
    assert_int_equal(p256_verify(&key.public_key, digest, signature), P256_BAD_SIGNATURE);
}

static void test_shared_secret(void **state) {
    struct p256_private i = key_of("c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433");
    struct p256_private r = key_of("c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53");
    struct p256_public gr = public_of("d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63",
                                      "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab");
    uint8_t shared[P256_SIZE], expected[P256_SIZE];
    (void)state;
    from_hex("d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de", expected);
    assert_memory_equal(&r.public_key, &gr, sizeof(gr));
    assert_int_equal(p256_agree(&i, &gr, &random_numbers, shared), P256_OK);
    assert_memory_equal(shared, expected, sizeof(expected));
    assert_int_equal(p256_agree(&r, &i.public_key, &random_numbers, shared), P256_OK);
    assert_memory_equal(shared, expected, sizeof(expected));
}

static void test_bad_keys(void **state) {
    static const uint8_t nothing[P256_SIZE];
    struct p256_private key = key_of("c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433");
    struct p256_public off = key.public_key;
    struct p256_private made;
    uint8_t shared[P256_SIZE], scalar[P256_SIZE];
    (void)state;
    off.y[31] ^= 1;
    assert_int_equal(p256_check(&key.public_key), P256_OK);
    assert_int_equal(p256_check(&off), P256_BAD_KEY);
    memset(shared, 1, sizeof(shared));
    assert_int_equal(p256_agree(&key, &off, &random_numbers, shared), P256_BAD_KEY);
    assert_memory_equal(shared, nothing, sizeof(nothing));
    memset(&off, 0, sizeof(off));
    assert_int_equal(p256_check(&off), P256_BAD_KEY);
    memset(&off, 0xff, sizeof(off));
    assert_int_equal(p256_check(&off), P256_BAD_KEY);
    assert_int_equal(p256_from_scalar(&made, nothing, &random_numbers), P256_BAD_KEY);
    from_hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", scalar);
    assert_int_equal(p256_from_scalar(&made, scalar, &random_numbers), P256_BAD_KEY);
    assert_memory_equal(made.scalar, nothing, sizeof(nothing));
}

static void test_generated_keys(void **state) {
    struct p256_private a, b, again;
    uint8_t ab[P256_SIZE], ba[P256_SIZE];
    (void)state;
    assert_int_equal(p256_generate(&a, &random_numbers), P256_OK);
    assert_int_equal(p256_generate(&b, &random_numbers), P256_OK);
    assert_memory_not_equal(a.scalar, b.scalar, P256_SIZE);
    assert_int_equal(p256_from_scalar(&again, a.scalar, &random_numbers), P256_OK);
    assert_memory_equal(&a, &again, sizeof(a));
    struct p256_software software = {&a, &random_numbers};
    struct p256_agreer agreer = p256_software_agreer(&software);
    assert_int_equal(agreer.agree(agreer.context, &b.public_key, ab), P256_OK);
    assert_int_equal(p256_agree(&b, &agreer.public_key, &random_numbers, ba), P256_OK);
    assert_memory_equal(ab, ba, sizeof(ab));
    p256_wipe(&again);
    assert_memory_not_equal(&a, &again, sizeof(a));
}

static void test_thumbprint(void **state) {
    struct p256_public key = public_of("65eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d",
                                       "1e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9eecd0084d19c");
    uint8_t name[P256_THUMBPRINT_SIZE], expected[P256_THUMBPRINT_SIZE];
    (void)state;
    from_hex("496bd8afadf307e5b08c64b0421bf9dc01528a344a43bda88fadd1669da253ec", expected);
    assert_int_equal(p256_thumbprint(&key, name), P256_OK);
    assert_memory_equal(name, expected, sizeof(expected));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_signatures, start),     cmocka_unit_test_setup(test_signatures_out_of_range, start),
        cmocka_unit_test_setup(test_shared_secret, start),  cmocka_unit_test_setup(test_bad_keys, start),
        cmocka_unit_test_setup(test_generated_keys, start), cmocka_unit_test(test_thumbprint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
