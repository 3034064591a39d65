// SPDX-License-Identifier: BSD-3-Clause
// What a profile may have, value by value: each that is just good, and each that just is not.
#include "usim/profile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hex.h"
#include "usim_fixture.h"

static struct usim_profile profile;

/* A change to a profile that is good, and whether it still is; it is also what reads and writes say. */
#define CHANGE(...) ((void)(__VA_ARGS__))
#define EXPECT(good, ...)                                                                                              \
    do {                                                                                                               \
        usim_profile_known(&profile);                                                                                  \
        CHANGE(__VA_ARGS__);                                                                                           \
        expect(good, #__VA_ARGS__);                                                                                    \
    } while (0)

static void expect(bool good, const char *change) {
    static struct usim_profile read;
    static uint8_t encoded[USIM_PROFILE_MAX];
    size_t size = 0;
    if ((usim_profile_check(&profile) == USIM_OK) != good)
        fail_msg("%s is %s", change, good ? "refused" : "taken");
    if (!good)
        return;
    assert_int_equal(usim_profile_write(&profile, encoded, sizeof encoded, &size), USIM_OK);
    assert_int_equal(usim_profile_read(&read, encoded, size), USIM_OK);
    assert_memory_equal(&read.secret, &profile.secret, sizeof read.secret);
    assert_memory_equal(&read.array, &profile.array, sizeof read.array);
    assert_memory_equal(&read.rule, &profile.rule, sizeof read.rule);
    assert_memory_equal(read.pins, profile.pins, sizeof read.pins);
}

static void test_identity(void **state) {
    (void)state;
    EXPECT(true, 0);
    EXPECT(false, profile.generation = 0);
    EXPECT(false, profile.iccid[18] ^= 1);
    EXPECT(false, profile.iccid[17] ^= 1);
    EXPECT(false, profile.iccid[18] = '\0');
    EXPECT(false, profile.iccid[3] = ':');
    EXPECT(false, profile.iccid[3] = '/');
    EXPECT(true, strcpy(profile.imsi, "001010"));
    EXPECT(false, strcpy(profile.imsi, "00101"));
    EXPECT(false, strcpy(profile.imsi, "00101a"));
    EXPECT(true, profile.mnc_digits = 3);
    EXPECT(false, profile.mnc_digits = 1);
    EXPECT(false, profile.mnc_digits = 4);
    EXPECT(true, profile.routing_indicator[0] = '\0');
    EXPECT(true, strcpy(profile.routing_indicator, "1234"));
    EXPECT(false, strcpy(profile.routing_indicator, "12f"));
    /* ITU-T E.118's check digit, by hand: doubled from the right, every second one. */
    assert_int_equal(usim_iccid_check_digit("898821100000000001"), '1');
    assert_int_equal(usim_iccid_check_digit("898821100000000000"), '3');
    assert_int_equal(usim_iccid_check_digit("898821100000000009"), '4');
}

static void test_sequence(void **state) {
    (void)state;
    EXPECT(true, profile.rule.delta = 1);
    EXPECT(false, profile.rule.delta = 0);
    EXPECT(true, profile.rule.delta = AKA_SEQ_MAX);
    EXPECT(false, profile.rule.delta = AKA_SEQ_MAX + 1);
    EXPECT(true, profile.rule.limit = AKA_SEQ_MAX);
    EXPECT(false, profile.rule.limit = AKA_SEQ_MAX + 1);
    for (unsigned ind = 0; ind < AKA_INDS; ind++) {
        EXPECT(true, profile.array.seq[ind] = AKA_SEQ_MAX);
        EXPECT(false, profile.array.seq[ind] = AKA_SEQ_MAX + 1);
    }
}

static void test_pins(void **state) {
    static const struct {
        const char *value;
        bool pin, puk;
    } cases[] = {
        {"1234\xff\xff\xff\xff", true, false},
        {"12345678", true, true},
        {"123\xff\xff\xff\xff\xff", false, false},
        {"12\xff\x33\x34\x35\xff\xff", false, false},
        {"1234\x00\x00\x00\x00", false, false},
        {"123a\xff\xff\xff\xff", false, false},
        {"1234567\xff", true, false},
        {"1234567a", false, false},
        {"/2345678", false, false},
        {":2345678", false, false},
        {"\xff\xff\xff\xff\xff\xff\xff\xff", false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const uint8_t *value = (const uint8_t *)cases[i].value;
        assert_int_equal(usim_pin_is_coded(value, false), cases[i].pin);
        assert_int_equal(usim_pin_is_coded(value, true), cases[i].puk);
        for (unsigned pin = 0; pin < USIM_PINS; pin++) {
            EXPECT(cases[i].pin, memcpy(profile.pins[pin].value, value, USIM_PIN_SIZE));
            EXPECT(cases[i].puk, memcpy(profile.pins[pin].puk, value, USIM_PIN_SIZE));
        }
    }
    EXPECT(true, profile.pins[0].enabled = false);
    EXPECT(false, profile.pins[1].enabled = false);
}

static void test_milenage_sizes(void **state) {
    (void)state;
    EXPECT(false, profile.secret.k_size = 32);
    EXPECT(false, profile.secret.res_size = 16);
    EXPECT(false, profile.secret.ck_size = 32);
    EXPECT(false, profile.secret.ik_size = 32);
    EXPECT(false, profile.secret.algorithm = (enum aka_algorithm)7);
}

/* No GSM keys of longer ones. */
static int as_tuak(void) {
    profile.secret.algorithm = AKA_TUAK;
    memset(profile.services, 0, sizeof profile.services);
    return 0;
}

static void test_tuak_sizes(void **state) {
    (void)state;
    for (size_t size = 0; size <= 33; size++) {
        bool long_one = size == 16 || size == 32;
        EXPECT(long_one, as_tuak(), profile.secret.k_size = size);
        EXPECT(long_one || size == 4 || size == 8, as_tuak(), profile.secret.res_size = size);
        EXPECT(size == 16, as_tuak(), profile.secret.ck_size = size);
        EXPECT(size == 16, as_tuak(), profile.secret.ik_size = size);
        EXPECT(long_one, as_tuak(), profile.secret.ck_size = profile.secret.ik_size = size);
    }
    EXPECT(false, as_tuak(), profile.secret.iterations = 0);
    EXPECT(true, as_tuak(), profile.secret.iterations = 255);
    EXPECT(false, as_tuak(), profile.secret.iterations = 256);
    static const unsigned gsm[] = {USIM_SERVICE_GSM_ACCESS, USIM_SERVICE_GSM_SECURITY};
    for (size_t i = 0; i < 2; i++) {
        EXPECT(true, as_tuak(), usim_service_on(&profile, gsm[i]));
        EXPECT(false, as_tuak(), usim_service_on(&profile, gsm[i]),
               profile.secret.ck_size = profile.secret.ik_size = 32);
    }
}

static void test_schemes(void **state) {
    (void)state;
    EXPECT(false, profile.schemes[0].key_index = 0);
    EXPECT(false, profile.schemes[0].key_index = 2); /* the other curve's key */
    EXPECT(false, profile.schemes[1].key_index = 1);
    EXPECT(false, profile.schemes[1].key_index = 3);
    EXPECT(false, profile.schemes[0].scheme = 3);
    EXPECT(false, profile.schemes[0].scheme = USIM_SCHEME_NULL);
    EXPECT(true, profile.schemes[0] = (struct usim_suci_scheme){0, 0});
    EXPECT(false, profile.hn_keys[1].key[0] = 4);
    EXPECT(false, profile.hn_keys[0].size = 31);
    EXPECT(false, profile.scheme_count = USIM_SCHEMES_MAX + 1);
    EXPECT(false, profile.hn_key_count = USIM_HN_KEYS_MAX + 1);
    EXPECT(false, profile.content_count = USIM_CONTENTS_MAX + 1);
    EXPECT(false, profile.policy.persona_count = USIM_PERSONAS_MAX + 1);
}

static int alone(unsigned service) {
    memset(profile.services, 0, sizeof profile.services);
    usim_service_on(&profile, service);
    return 0;
}

/* TS 31.102 4.2.8: those whose files the card has, and those that no file is there for. */
static void test_services(void **state) {
    static const unsigned carried[] = {2,  10, 12, 13, 17, 19,  20,  21,  27,  33,  38,
                                       42, 43, 68, 71, 85, 122, 123, 124, 125, 126, 130};
    size_t count = 0;
    (void)state;
    assert_false(usim_service_is_carried(0));
    for (unsigned service = 1; service <= 8 * USIM_SERVICES_SIZE; service++) {
        bool is_carried = count < sizeof carried / sizeof carried[0] && carried[count] == service;
        count += is_carried;
        EXPECT(is_carried, alone(service));
        assert_int_equal(usim_service_is_carried(service), is_carried || service == USIM_SERVICE_EST);
        if (!is_carried)
            assert_int_equal(usim_profile_check(&profile), USIM_NO_SERVICE);
    }
    assert_int_equal(count, sizeof carried / sizeof carried[0]);
    EXPECT(true, alone(USIM_SERVICE_FDN), usim_service_on(&profile, USIM_SERVICE_EST));
}

/* One that was made elsewhere: what is read says so, too. */
static void test_services_are_checked_when_read(void **state) {
    static struct usim_profile read;
    static uint8_t encoded[USIM_PROFILE_MAX];
    size_t size = 0, at = 0;
    (void)state;
    usim_profile_known(&profile);
    assert_int_equal(usim_profile_write(&profile, encoded, sizeof encoded, &size), USIM_OK);
    while (at + USIM_SERVICES_SIZE < size && memcmp(encoded + at, profile.services, USIM_SERVICES_SIZE) != 0)
        at++;
    encoded[at + 3] |= 1 << 3; /* 28: data download by SMS-PP, which needs ENVELOPE */
    assert_int_equal(usim_profile_read(&read, encoded, size), USIM_NO_SERVICE);
    usim_service_on(&profile, 28);
    assert_int_equal(usim_profile_write(&profile, encoded, sizeof encoded, &size), USIM_NO_SERVICE);
    assert_int_equal(size, 0);
}

/* ---- As it is encoded */

static uint8_t encoded[USIM_PROFILE_MAX];
static size_t encoded_size;

static void encode(void) {
    static const uint8_t name[] = {0x01, 'N', 'a', 'm', 'e'};
    usim_profile_known(&profile);
    profile.content_count = 1;
    profile.contents[0] = (struct usim_content){0x7ff0, 0x6f46, {name, sizeof name}};
    profile.policy.persona_count = 1;
    strcpy(profile.policy.personas[0].name, "work");
    assert_int_equal(usim_profile_write(&profile, encoded, sizeof encoded, &encoded_size), USIM_OK);
}

static size_t find(const void *bytes, size_t size) {
    size_t at = 0;
    while (at + size < encoded_size && memcmp(encoded + at, bytes, size) != 0)
        at++;
    assert_true(at + size < encoded_size);
    return at;
}

/* Reads from just as many bytes as there are, so that the sanitizer sees one too many. */
static enum usim_error read_exactly(const uint8_t *bytes, size_t size) {
    static const struct usim_profile none;
    static struct usim_profile read;
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    memset(&read, 0xee, sizeof read);
    enum usim_error error = usim_profile_read(&read, copy, size);
    free(copy);
    if (error != USIM_OK)
        assert_memory_equal(&read, &none, sizeof read);
    return error;
}

/* One byte becomes others. */
static enum usim_error splice(size_t at, const char *digits) {
    static uint8_t altered[USIM_PROFILE_MAX];
    uint8_t bytes[16];
    size_t size = from_hex(digits, bytes);
    memcpy(altered, encoded, at);
    memcpy(altered + at, bytes, size);
    memcpy(altered + at + size, encoded + at + 1, encoded_size - at - 1);
    return read_exactly(altered, encoded_size - 1 + size);
}

static void test_what_is_cut_is_malformed(void **state) {
    (void)state;
    encode();
    for (size_t size = 0; size < encoded_size; size++)
        assert_int_equal(read_exactly(encoded, size), USIM_MALFORMED);
    assert_int_equal(read_exactly(encoded, encoded_size), USIM_OK);
    assert_int_equal(read_exactly(encoded, encoded_size + 1), USIM_MALFORMED);
}

/* usim.cddl's ranges, each value that just fits and that just does not. What fits may still be none that a card has. */
static void test_ranges_of_the_format(void **state) {
    (void)state;
    encode();
    const size_t k = find(profile.secret.k, 16), imsi = find(profile.imsi, 15), sequence = k + 39, suci = find("17", 2),
                 content = find("\x19\x6f\x46", 3);
    const struct {
        size_t at;
        const char *digits;
        enum usim_error expected;
    } cases[] = {
        {2, "01", USIM_OK}, /* the version */
        {2, "00", USIM_MALFORMED},
        {2, "02", USIM_MALFORMED},
        {4, "02", USIM_OK}, /* the generation */
        {4, "00", USIM_BAD_VALUE},
        {imsi + 5, "2e", USIM_BAD_VALUE},
        {imsi + 5, "00", USIM_MALFORMED},
        {imsi + 16, "03", USIM_OK}, /* digits of the network's code */
        {imsi + 16, "01", USIM_MALFORMED},
        {imsi + 16, "04", USIM_MALFORMED},
        {k - 2, "00", USIM_MALFORMED}, /* the algorithm */
        {k - 2, "03", USIM_MALFORMED},
        {k - 2, "02", USIM_MALFORMED},
        {k + 33, "03", USIM_MALFORMED}, /* sizes of RES, CK and IK; iterations */
        {k + 33, "04", USIM_BAD_VALUE},
        {k + 33, "1820", USIM_BAD_VALUE},
        {k + 33, "1821", USIM_MALFORMED},
        {k + 34, "0f", USIM_MALFORMED},
        {k + 34, "1820", USIM_BAD_VALUE},
        {k + 34, "1821", USIM_MALFORMED},
        {k + 35, "0f", USIM_MALFORMED},
        {k + 35, "1820", USIM_BAD_VALUE},
        {k + 35, "1821", USIM_MALFORMED},
        {k + 36, "00", USIM_MALFORMED},
        {k + 36, "18ff", USIM_OK},
        {k + 36, "190100", USIM_MALFORMED},
        {sequence + 5, "1b000007ffffffffff", USIM_OK}, /* the limit, and an entry of the array */
        {sequence + 5, "1b0000080000000000", USIM_MALFORMED},
        {sequence + 8, "1b000007ffffffffff", USIM_OK},
        {sequence + 8, "1b0000080000000000", USIM_MALFORMED},
        {sequence + 6, "981f", USIM_MALFORMED},
        {suci + 2, "83", USIM_MALFORMED}, /* schemes: A with the first key, B with the second */
        {suci + 4, "00", USIM_BAD_VALUE},
        {suci + 4, "02", USIM_BAD_VALUE},
        {suci + 4, "03", USIM_MALFORMED},
        {suci + 5, "04", USIM_BAD_VALUE},
        {suci + 5, "05", USIM_MALFORMED},
        {content - 3, "1a0000", USIM_MALFORMED}, /* a directory: in more bytes than it needs; beyond two of them */
        {content - 3, "1a0001", USIM_MALFORMED},
        {content, "1a0001", USIM_MALFORMED},
        {encoded_size - 1, "00", USIM_OK}, /* what the persona may do */
        {encoded_size - 1, "01", USIM_OK},
        {encoded_size - 1, "02", USIM_MALFORMED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (splice(cases[i].at, cases[i].digits) != cases[i].expected)
            fail_msg("byte %zu, %s: %d, not %d", cases[i].at, cases[i].digits,
                     (int)splice(cases[i].at, cases[i].digits), (int)cases[i].expected);
}

/* What a profile says of files and personas is read as it was written. */
static void test_contents_and_policy(void **state) {
    static struct usim_profile read;
    (void)state;
    encode();
    profile.contents[0].directory = profile.contents[0].file = 0xffff;
    profile.policy.persona_count = 3;
    for (uint8_t i = 0; i < 3; i++) {
        profile.policy.personas[i].name[0] = (char)('a' + i);
        profile.policy.personas[i].access = i == 0 ? USIM_READ_ONLY : USIM_AUTHENTICATE;
        profile.policy.personas[i].bound = i == 1;
        for (uint8_t j = 0; i == 1 && j < USIM_PERSONA_ID_SIZE; j++)
            profile.policy.personas[i].id[j] = (uint8_t)(j + 1);
    }
    assert_int_equal(usim_profile_write(&profile, encoded, sizeof encoded, &encoded_size), USIM_OK);
    assert_int_equal(usim_profile_read(&read, encoded, encoded_size), USIM_OK);
    assert_memory_equal(&read.policy, &profile.policy, sizeof read.policy);
    assert_memory_equal(read.hn_keys, profile.hn_keys, sizeof read.hn_keys);
    assert_memory_equal(read.schemes, profile.schemes, sizeof read.schemes);
    assert_memory_equal(read.services, profile.services, sizeof read.services);
    assert_string_equal(read.imsi, profile.imsi);
    assert_string_equal(read.iccid, profile.iccid);
    assert_string_equal(read.routing_indicator, profile.routing_indicator);
    assert_int_equal(read.contents[0].directory, 0xffff);
    assert_int_equal(read.contents[0].file, 0xffff);
    assert_int_equal(read.contents[0].bytes.size, 5);
    assert_memory_equal(read.contents[0].bytes.start, "\x01Name", 5);
}

/* Every array says how much is in it, and has just that. */
static void test_arrays_are_counted(void **state) {
    (void)state;
    encode();
    const size_t k = find(profile.secret.k, 16), suci = find("17", 2), content = find("\x19\x6f\x46", 3);
    const struct {
        size_t at;
        uint8_t head;
    } arrays[] = {
        {k - 3, 0x87},                                          /* the secret */
        {k + 38, 0x83},                                         /* the sequence's rule */
        {find(profile.pins[0].value, USIM_PIN_SIZE) - 4, 0x82}, /* PINs, and each of them */
        {find(profile.pins[0].value, USIM_PIN_SIZE) - 3, 0x83},
        {find(profile.pins[1].value, USIM_PIN_SIZE) - 3, 0x83},
        {suci - 2, 0x83},
        {suci + 2, 0x82}, /* schemes */
        {suci + 3, 0x82},
        {suci + 6, 0x82},
        {suci + 9, 0x82}, /* keys */
        {suci + 10, 0x82},
        {find(profile.hn_keys[1].key, 33) - 5, 0x82},
        {content - 5, 0x81}, /* contents */
        {content - 4, 0x83},
        {find("work", 4) - 3, 0x81}, /* personas */
        {find("work", 4) - 2, 0x82},
    };
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
        assert_int_equal(encoded[arrays[i].at], arrays[i].head);
        for (unsigned other = 0x80; other < 0x98; other++) {
            encoded[arrays[i].at] = (uint8_t)other;
            if (other != arrays[i].head && read_exactly(encoded, encoded_size) != USIM_MALFORMED)
                fail_msg("array %zu, head %x", i, other);
        }
        encoded[arrays[i].at] = arrays[i].head;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_sequence),
        cmocka_unit_test(test_pins),
        cmocka_unit_test(test_milenage_sizes),
        cmocka_unit_test(test_tuak_sizes),
        cmocka_unit_test(test_schemes),
        cmocka_unit_test(test_services),
        cmocka_unit_test(test_services_are_checked_when_read),
        cmocka_unit_test(test_what_is_cut_is_malformed),
        cmocka_unit_test(test_ranges_of_the_format),
        cmocka_unit_test(test_arrays_are_counted),
        cmocka_unit_test(test_contents_and_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
