// SPDX-License-Identifier: BSD-3-Clause
// SUCI by the test data of TS 33.501 C.4; the curves by RFC 7748 5.2 and against mbedTLS's P-256; X9.63 and HMAC in
// them.
#include "usim/suci.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/p256.h"
#include "curves.h"
#include "hex.h"
#include "known_random.h"
#include "usim_fixture.h"

static void assert_hex(const uint8_t *bytes, size_t size, const char *expected) {
    uint8_t want[128];
    assert_int_equal(from_hex(expected, want), size);
    assert_memory_equal(bytes, want, size);
}

static void test_conceal(enum usim_scheme scheme, const char *public_key, const char *ephemeral, const char *expected) {
    struct usim_hn_key key = {.id = 1};
    uint8_t scalar[SUCI_SCALAR_SIZE], text[5], concealed[SUCI_CONCEALED_MAX];
    size_t size = 0;
    key.size = from_hex(public_key, key.key);
    from_hex(ephemeral, scalar);
    from_hex("00012080f6", text);
    assert_true(suci_key_fits(scheme, &key));
    assert_true(suci_conceal(scheme, &key, scalar, text, sizeof(text), concealed, &size));
    assert_hex(concealed, size, expected);
}

/* TS 33.501 C.4.3 */
static void test_profile_a(void **state) {
    (void)state;
    test_conceal(USIM_SCHEME_A, "5a8d38864820197c3394b92613b20b91633cbd897119273bf8e4a6f4eec0a650",
                 "c80949f13ebe61af4ebdbd293ea4f942696b9e815d7e8f0096bbf6ed7de62256",
                 "b2e92f836055a255837debf850b528997ce0201cb82adfe4be1f587d07d8457dcb02352410cddd9e730ef3fa87");
}

/* TS 33.501 C.4.4, with the home network's key compressed and not. */
static void test_profile_b(void **state) {
    static const char expected[] =
        "039aab8376597021e855679a9778ea0b67396e68c66df32c0f41e9acca2da9b9d146a33fc2716ac7dae96aa30a4d";
    static const char ephemeral[] = "99798858a1dc6a2c68637149a4b1dbfd1fdff5addd62a2142f06699ed7602529";
    (void)state;
    test_conceal(USIM_SCHEME_B, "0272da71976234ce833a6907425867b82e074d44ef907dfb4b3e21c1c2256ebcd1", ephemeral,
                 expected);
    test_conceal(USIM_SCHEME_B,
                 "0472da71976234ce833a6907425867b82e074d44ef907dfb4b3e21c1c2256ebcd1"
                 "5a7ded52fcbb097a4ed250e036c7b9c8c7004c4eedc4f068cd7bf8d3f900e3b4",
                 ephemeral, expected);
}

/* RFC 7748 5.2, and the iterated test, which goes through 1,000 scalars. */
static void test_x25519(void **state) {
    uint8_t scalar[32], u[32], shared[32];
    (void)state;
    from_hex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4", scalar);
    from_hex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c", u);
    curve_x25519(scalar, u, shared);
    assert_hex(shared, 32, "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
    from_hex("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d", scalar);
    from_hex("e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493", u);
    curve_x25519(scalar, u, shared);
    assert_hex(shared, 32, "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957");
    memset(scalar, 0, sizeof(scalar));
    scalar[0] = 9;
    memcpy(u, scalar, sizeof(u));
    for (unsigned i = 0; i < 1000; i++) {
        curve_x25519(scalar, u, shared);
        memcpy(u, scalar, sizeof(u));
        memcpy(scalar, shared, sizeof(scalar));
    }
    assert_hex(scalar, 32, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

static void test_p256_against_mbedtls(void **state) {
    struct random_stream random = known_random(9);
    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        struct p256_private ours, theirs;
        uint8_t compressed[33], key[65] = {4}, shared[32], expected[32];
        assert_int_equal(p256_generate(&ours, &random), P256_OK);
        assert_int_equal(p256_generate(&theirs, &random), P256_OK);
        assert_true(curve_p256_public(ours.scalar, compressed));
        assert_memory_equal(compressed + 1, ours.public_key.x, 32);
        assert_int_equal(compressed[0], 2 + (ours.public_key.y[31] & 1));
        memcpy(key + 1, theirs.public_key.x, 32);
        memcpy(key + 33, theirs.public_key.y, 32);
        assert_true(curve_p256_shared(ours.scalar, key, sizeof(key), shared));
        struct p256_software software = {&ours, &random};
        struct p256_agreer agreer = p256_software_agreer(&software);
        assert_int_equal(agreer.agree(agreer.context, &theirs.public_key, expected), P256_OK);
        assert_memory_equal(shared, expected, 32);
        key[64] ^= 1;
        assert_false(curve_p256_shared(ours.scalar, key, sizeof(key), shared));
    }
}

static void test_scalars_refused(void **state) {
    uint8_t scalar[32] = {0}, compressed[33];
    (void)state;
    assert_false(curve_p256_public(scalar, compressed));
    from_hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", scalar);
    assert_false(curve_p256_public(scalar, compressed));
    scalar[31]--;
    assert_true(curve_p256_public(scalar, compressed));
    assert_hex(compressed, 33, "026b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296");
}

/* TS 24.501 9.11.3.4, by the null scheme and by A. */
static void test_identity(void **state) {
    static struct usim_fixture fixture;
    struct usim_profile *profile = &fixture.card.profile;
    uint8_t suci[USIM_SUCI_MAX];
    size_t size = 0;
    (void)state;
    usim_fixture_open(&fixture, NULL);
    assert_true(usim_suci(profile, &fixture.card.random, suci, &size));
    assert_int_equal(size, 8 + 32 + 5 + 8);
    assert_hex(suci, 8, "0100f11071ff011b");
    profile->scheme_count = 0;
    assert_true(usim_suci(profile, &fixture.card.random, suci, &size));
    assert_hex(suci, size, "0100f11071ff00001032547698");
    strcpy(profile->imsi, "274012001002086");
    profile->mnc_digits = 3;
    profile->routing_indicator[0] = '\0';
    assert_true(usim_suci(profile, &fixture.card.random, suci, &size));
    assert_hex(suci, size, "01722410f0ff000000012080f6");
}

/* A routing indicator of four digits (TS 24.501 9.11.3.4). */
static void test_routing_indicator(void **state) {
    static struct usim_fixture fixture;
    uint8_t suci[USIM_SUCI_MAX];
    size_t size = 0;
    (void)state;
    usim_fixture_open(&fixture, NULL);
    fixture.card.profile.scheme_count = 0;
    strcpy(fixture.card.profile.routing_indicator, "1234");
    assert_true(usim_suci(&fixture.card.profile, &fixture.card.random, suci, &size));
    assert_hex(suci, size, "0100f110214300001032547698");
}

static unsigned fills, good_from;

static bool fill(void *context, void *bytes, size_t size) {
    fills++;
    memset(bytes, fills < good_from ? 0 : 5, size);
    return context == NULL;
}

/* A number that is no scalar is passed over, one that is good is used at once, and there is an end. */
static void test_random_numbers(void **state) {
    static struct usim_fixture fixture;
    struct usim_random random = {NULL, fill}, broken = {&fixture, fill}, none = {NULL, NULL};
    uint8_t suci[USIM_SUCI_MAX];
    size_t size = 0;
    (void)state;
    usim_fixture_open(&fixture, NULL);
    fixture.card.profile.schemes[0] = fixture.card.profile.schemes[1];
    for (good_from = 0; good_from < 12; good_from += 4) {
        fills = 0;
        bool good = usim_suci(&fixture.card.profile, &random, suci, &size);
        assert_int_equal(good, good_from < 8 || fills == good_from);
        assert_int_equal(size, good ? 8 + 33 + 5 + 8 : 0);
        assert_int_equal(fills, good_from == 0 ? 1 : good_from);
    }
    assert_false(usim_suci(&fixture.card.profile, &broken, suci, &size));
    assert_int_equal(size, 0);
    assert_false(usim_suci(&fixture.card.profile, &none, suci, &size));
    good_from = 1000;
    assert_false(usim_suci(&fixture.card.profile, &random, suci, &size));
    assert_int_equal(size, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_x25519),
        cmocka_unit_test(test_p256_against_mbedtls),
        cmocka_unit_test(test_scalars_refused),
        cmocka_unit_test(test_profile_a),
        cmocka_unit_test(test_profile_b),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_routing_indicator),
        cmocka_unit_test(test_random_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
