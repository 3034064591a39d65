// SPDX-License-Identifier: BSD-3-Clause
// What the card leaves behind on its stack: nothing of K, OPc, what they make, PINs, and the keys of the state and of
// SUCI. Each command runs on a stack of its own, which is searched afterwards.
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <mbedtls/aes.h>

#include "curves.h"
#include "hex.h"
#include "kdf.h"
#include "usim/milenage.h"
#include "usim/suci.h"
#include "usim/tuak.h"
#include "usim_fixture.h"

enum { STACK_SIZE = 1 << 18, SECRETS_MAX = 64, SECRET_MAX = 32, PAINT = 0xa5 };

static struct usim_fixture fixture;
static uint8_t *stack;
static uint8_t command[300], response[USIM_RESPONSE_MAX];
static size_t command_size, response_size;

/* ---- What must not be found */

static struct secret {
    const char *name;
    uint8_t bytes[SECRET_MAX];
    size_t size;
} secrets[SECRETS_MAX];
static size_t secret_count;

static void add_secret(const char *name, const void *bytes, size_t size) {
    assert_true(secret_count < SECRETS_MAX && size <= SECRET_MAX);
    struct secret *secret = &secrets[secret_count++];
    *secret = (struct secret){.name = name, .size = size};
    memcpy(secret->bytes, bytes, size);
}

/* The round keys of AES, each by itself; the first ones are the key. */
static void add_key(const char *name, const uint8_t *key, size_t size) {
    mbedtls_aes_context aes;
    add_secret(name, key, size);
    mbedtls_aes_init(&aes);
    assert_int_equal(mbedtls_aes_setkey_enc(&aes, key, (unsigned)size * 8), 0);
    const uint32_t *round = aes.MBEDTLS_PRIVATE(buf) + aes.MBEDTLS_PRIVATE(rk_offset);
    for (size_t at = size / 4; at < 4 * (size / 4 + 7); at += 4)
        add_secret(name, round + at, 16);
    mbedtls_aes_free(&aes);
}

static void add_milenage(const uint8_t *rand) {
    const struct aka_secret *of = &fixture.card.profile.secret;
    const struct milenage milenage = {of->k, of->opc};
    struct milenage_answer answer;
    mbedtls_aes_context aes;
    uint8_t temp[16];
    assert_true(milenage_f2345(&milenage, rand, &answer));
    add_key("K", of->k, 16);
    add_secret("OPc", of->opc, 16);
    add_secret("AK", answer.ak, sizeof answer.ak);
    add_secret("CK", answer.ck, 16);
    add_secret("IK", answer.ik, 16);
    for (unsigned i = 0; i < 16; i++)
        temp[i] = rand[i] ^ of->opc[i];
    mbedtls_aes_init(&aes);
    assert_int_equal(mbedtls_aes_setkey_enc(&aes, of->k, 128), 0);
    assert_int_equal(mbedtls_aes_crypt_ecb(&aes, MBEDTLS_AES_ENCRYPT, temp, temp), 0);
    mbedtls_aes_free(&aes);
    add_secret("TEMP", temp, 16);
}

static void add_tuak(const uint8_t *rand) {
    const struct aka_secret *of = &fixture.card.profile.secret;
    struct tuak tuak = {of->k, of->opc, of->k_size, 8, of->res_size, of->ck_size, of->ik_size, of->iterations};
    struct tuak_answer answer;
    tuak_f2345(&tuak, rand, &answer);
    add_secret("K", of->k, of->k_size);
    add_secret("K, its end first", (const uint8_t[]){of->k[31], of->k[30], of->k[29], of->k[28], of->k[27], of->k[26]},
               6); /* as Keccak's state has it */
    add_secret("TOPc", of->opc, 32);
    add_secret("AK", answer.ak, sizeof answer.ak);
    add_secret("CK", answer.ck, of->ck_size);
    add_secret("IK", answer.ik, of->ik_size);
}

static void add_state(void) {
    static const char label[] = "flipside usim 1 encryption";
    const uint8_t use = SEAL_STATE;
    const struct kdf_piece pieces[] = {{label, sizeof label}, {&use, 1}};
    uint8_t key[32];
    add_secret("the PUK", "12345678", 8);
    add_secret("the PIN", "1234\xff\xff\xff\xff", 8);
    add_secret("the state's key", fixture.card.store.key, SEAL_KEY_SIZE);
    assert_true(kdf_hmac(fixture.card.store.key, SEAL_KEY_SIZE, pieces, 2, key));
    add_key("the key that encrypts the state", key, sizeof key);
}

/* ---- Running */

static void transmit(void) { response_size = usim_card_transmit(&fixture.card, command, command_size, response); }

static void (*job)(void);

/* Deep enough that the end of the thread does not use the same part of its stack. */
static void *start(void *context) {
    uint8_t above[1 << 14];
    __asm__ volatile("" : : "r"(above) : "memory");
    job();
    __asm__ volatile("" : : "r"(above) : "memory");
    return context;
}

/* On the painted stack. */
static void run(void (*what)(void)) {
    pthread_attr_t attributes;
    pthread_t thread;
    job = what;
    memset(stack, PAINT, STACK_SIZE);
    assert_int_equal(pthread_attr_init(&attributes), 0);
    assert_int_equal(pthread_attr_setstack(&attributes, stack, STACK_SIZE), 0);
    assert_int_equal(pthread_create(&thread, &attributes, start, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)pthread_attr_destroy(&attributes);
}

/* @return what of the secrets the stack has; NULL: nothing */
static const char *found(void) {
    for (size_t i = 0; i < secret_count; i++)
        for (const uint8_t *at = stack; at + secrets[i].size <= stack + STACK_SIZE; at++)
            if (*at == secrets[i].bytes[0] && memcmp(at, secrets[i].bytes, secrets[i].size) == 0)
                return secrets[i].name;
    return NULL;
}

static void check(const char *what) {
    run(transmit);
    const char *name = found();
    if (name != NULL)
        fail_msg("%s leaves %s on the stack", what, name);
}

static void send(const char *what, const char *digits, unsigned sw) {
    command_size = from_hex(digits, command);
    check(what);
    assert_int_equal(response[response_size - 2] << 8 | response[response_size - 1], sw);
}

static const uint8_t rand_bytes[16] = {0x23, 0x55, 0x3c, 0xbe, 0x96, 0x37, 0xa8, 0x9d,
                                       0x21, 0x8a, 0xe6, 0x4d, 0xae, 0x47, 0xbf, 0x35};

/* @param gba 1: bootstrapping, whose MAC is marked with what `mark` has */
static void challenge(const char *what, uint64_t seq, const uint8_t *mark, unsigned sw) {
    static const uint8_t none[8] = {0};
    bool gba = mark != NULL;
    size_t at = gba ? 6 : 5;
    memcpy(command, gba ? "\x00\x88\x00\x84\x23\xdd" : "\x00\x88\x00\x81\x22", at);
    command[at] = command[at + 17] = 16;
    memcpy(command + at + 1, rand_bytes, 16);
    usim_network_challenge(&fixture.card.profile.secret, rand_bytes, seq << 5, command + at + 18);
    for (unsigned i = 0; i < 8; i++)
        command[at + 26 + i] ^= (gba ? mark : none)[i];
    if (sw == 0x9862)
        add_secret("the right MAC", command + at + 26, 8);
    command[at + 33] ^= sw == 0x9862;
    command_size = at + 34;
    check(what);
    assert_int_equal((unsigned)response[0] << 8 | response[1], sw);
}

static void begin(void (*change)(struct usim_profile *profile)) {
    secret_count = 0;
    usim_fixture_open(&fixture, change);
    usim_begin(&fixture.card);
}

/* ---- Tests */

/* What is left there is found: else the other tests would say nothing. */
__attribute__((noinline)) static void leave_it(void) {
    uint8_t copy[16];
    memcpy(copy, secrets[0].bytes, sizeof copy);
    __asm__ volatile("" : : "r"(copy) : "memory");
}

static void test_what_is_left_is_found(void **state) {
    (void)state;
    begin(NULL);
    add_secret("K", fixture.card.profile.secret.k, 16);
    run(leave_it);
    assert_non_null(found());
}

static void test_milenage(void **state) {
    (void)state;
    begin(NULL);
    add_milenage(rand_bytes);
    add_state();
    challenge("AUTHENTICATE", 100, NULL, 0x6135);
    challenge("AUTHENTICATE, beyond the mark", 5000, NULL, 0x6135);
    challenge("AUTS", 100, NULL, 0x6110);
    challenge("a wrong MAC", 5001, NULL, 0x9862);
    send("the GSM context", "008800801110 23553cbe9637a89d218ae64dae47bf35", 0x610e);
}

static void test_gba(void **state) {
    static const uint8_t mark[] = {0xc6, 0xe0, 0xc5, 0xce, 0x26, 0xe0, 0x1d, 0xf7}; /* as in test_usim_card.c */
    uint8_t internal[GBA_NAF_KEY_SIZE], external[GBA_NAF_KEY_SIZE];
    const struct gba_naf naf = {(const uint8_t *)"naf.example\1\0\0\0\2", 16, (const uint8_t *)"user@example", 12};
    (void)state;
    begin(NULL);
    add_milenage(rand_bytes);
    add_state();
    add_secret("the hash of IK", mark, sizeof mark);
    challenge("GBA", 5, mark, 0x610a);
    assert_true(gba_derive(&fixture.card.state.gba, &naf, external, internal));
    add_secret("Ks_int_NAF", internal, sizeof internal);
    add_secret("Ks_ext_NAF", external, sizeof external);
    send("NAF", "008800841f de106e61662e6578616d706c65 0100000002 0c75736572406578616d706c65", 0x6122);
    assert_memory_equal(fixture.card.pending + 2, external, sizeof external);
}

static void with_tuak(struct usim_profile *profile) {
    profile->secret.algorithm = AKA_TUAK;
    profile->secret.k_size = 32;
    profile->secret.iterations = 1;
    for (uint8_t i = 0; i < 32; i++)
        profile->secret.k[i] = (uint8_t)(0x81 + 5 * i);
    for (uint8_t i = 0; i < 32; i++)
        profile->secret.opc[i] = (uint8_t)(0x42 + 7 * i);
}

static void test_tuak(void **state) {
    (void)state;
    begin(with_tuak);
    add_tuak(rand_bytes);
    add_state();
    challenge("AUTHENTICATE", 100, NULL, 0x6135);
    challenge("AUTS", 100, NULL, 0x6110);
    challenge("a wrong MAC", 5001, NULL, 0x9862);
}

static void test_pins(void **state) {
    (void)state;
    begin(NULL);
    add_state();
    add_key("K", fixture.card.profile.secret.k, 16);
    send("a wrong PIN", "0020000108 39393939ffffffff", 0x63c2);
    send("VERIFY", "0020000108 31323334ffffffff", 0x9000);
    send("CHANGE", "0024000110 31323334ffffffff 34333231ffffffff", 0x9000);
    send("UNBLOCK", "002c000110 3132333435363738 34333231ffffffff", 0x9000);
    send("DISABLE", "0026000108 34333231ffffffff", 0x9000);
    send("ENABLE", "0028000108 34333231ffffffff", 0x9000);
    send("UPDATE", "00d68d0005 13f08062f2", 0x9000);
}

static enum usim_error opened;

static void next_power_on(void) { opened = usim_fixture_restart(&fixture); }

static void close_it(void) { opened = usim_card_close(&fixture.card); }

/* What the loader and the switcher do with profile and state at each power-on, and when it ends. */
static void test_power_on(void **state) {
    (void)state;
    begin(NULL);
    add_state();
    add_milenage(rand_bytes);
    for (unsigned i = 0; i < 2; i++) {
        run(i == 0 ? next_power_on : close_it);
        assert_int_equal(opened, USIM_OK);
        const char *name = found();
        if (name != NULL)
            fail_msg("%s leaves %s on the stack", i == 0 ? "opening" : "closing", name);
    }
}

static uint8_t ephemeral[SUCI_SCALAR_SIZE];

static bool known_fill(void *context, void *bytes, size_t size) {
    (void)context;
    assert_int_equal(size, sizeof ephemeral);
    memcpy(bytes, ephemeral, size);
    return true;
}

static void scheme_a(struct usim_profile *profile) { usim_service_on(profile, USIM_SERVICE_SUCI_BY_CARD); }

static void scheme_b(struct usim_profile *profile) {
    scheme_a(profile);
    profile->scheme_count = 1;
    profile->schemes[0] = (struct usim_suci_scheme){USIM_SCHEME_B, 2};
}

static void test_suci(void **state) {
    static void (*const schemes[])(struct usim_profile * profile) = {scheme_a, scheme_b};
    uint8_t shared[CURVE_SIZE], public_key[CURVE_COMPRESSED_SIZE], derived[64];
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        begin(schemes[i]);
        for (uint8_t j = 0; j < sizeof ephemeral; j++)
            ephemeral[j] = (uint8_t)(0x23 + 9 * j);
        const struct usim_hn_key *key = &fixture.card.profile.hn_keys[i];
        if (i == 0) {
            curve_x25519(ephemeral, NULL, public_key);
            curve_x25519(ephemeral, key->key, shared);
        } else {
            assert_true(curve_p256_public(ephemeral, public_key));
            assert_true(curve_p256_shared(ephemeral, key->key, key->size, shared));
        }
        add_secret("the ephemeral key", ephemeral + 1, sizeof ephemeral - 2); /* not what is clamped */
        add_secret("the shared secret", shared, sizeof shared);
        for (unsigned j = 0; j < sizeof shared; j++)
            derived[j] = shared[sizeof shared - 1 - j];
        add_secret("the shared secret as a number", derived, sizeof shared);
        assert_true(kdf_x963(shared, sizeof shared, public_key, i == 0 ? 32 : 33, derived, sizeof derived));
        add_key("the key of the concealed number", derived, 16);
        add_secret("the key of its MAC", derived + 32, 32);
        fixture.card.random = (struct usim_random){NULL, known_fill};
        send("GET IDENTITY", "8078000100", i == 0 ? 0x6c37 : 0x6c38);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_left_is_found),
        cmocka_unit_test(test_milenage),
        cmocka_unit_test(test_gba),
        cmocka_unit_test(test_tuak),
        cmocka_unit_test(test_pins),
        cmocka_unit_test(test_suci),
        cmocka_unit_test(test_power_on),
    };
    stack = aligned_alloc(1 << 16, STACK_SIZE);
    int failed = stack == NULL ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
    free(stack);
    return failed;
}
