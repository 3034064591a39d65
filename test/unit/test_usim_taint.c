// SPDX-License-Identifier: BSD-3-Clause
// Constant time in K, OPc, PINs and SUCI's ephemeral key: they are marked as not initialised, so that memcheck reports
// every branch and every address that depends on them. Run by valgrind; on a CPU without AES instructions, whose tables
// are looked up by key, it is skipped.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/memcheck.h>

#include "curves.h"
#include "usim_fixture.h"

enum { SKIPPED = 77 };

static struct usim_fixture fixture;
static const uint8_t rand_bytes[16] = {5};
static bool use_scheme_b;

static void taint(void *place, size_t size) { (void)VALGRIND_MAKE_MEM_UNDEFINED(place, size); }

static void reveal(void *place, size_t size) { (void)VALGRIND_MAKE_MEM_DEFINED(place, size); }

static void require(bool good, const char *what) {
    if (good)
        return;
    (void)fprintf(stderr, "test_usim_taint: %s\n", what);
    exit(EXIT_FAILURE);
}

static void taint_card(struct usim_card *card) {
    taint(card->profile.secret.k, sizeof(card->profile.secret.k));
    taint(card->profile.secret.opc, sizeof(card->profile.secret.opc));
    for (size_t i = 0; i < USIM_PINS; i++) {
        taint(card->state.pins[i].value, USIM_PIN_SIZE);
        taint(card->state.pins[i].puk, USIM_PIN_SIZE);
    }
}

static unsigned send(const char *command) {
    uint8_t response[USIM_RESPONSE_MAX];
    size_t size = 0;
    return usim_exchange_hex(&fixture.card, command, response, &size);
}

static void authenticate(const struct aka_secret *known, uint64_t sqn, unsigned sw, uint8_t tag) {
    uint8_t autn[16], response[USIM_RESPONSE_MAX];
    size_t size = 0;
    usim_network_challenge(known, rand_bytes, sqn, autn);
    autn[15] ^= sw == 0x9862;
    require(usim_authenticate(&fixture.card, rand_bytes, autn, response, &size) == sw, "AUTHENTICATE");
    require(sw != 0x9000 || response[0] == tag, "AUTHENTICATE's answer");
}

/* A bootstrapping's challenge, whose MAC has the hash of IK in it. */
static void bootstrap(const struct aka_secret *known, uint64_t sqn) {
    uint8_t command[41] = {0x00, 0x88, 0x00, 0x84, 35, 0xdd, 16}, genuine[16], response[USIM_RESPONSE_MAX];
    size_t size = 0;
    memcpy(command + 7, rand_bytes, 16);
    command[23] = 16;
    usim_network_challenge(known, rand_bytes, sqn, genuine);
    require(gba_unmark(known, rand_bytes, genuine, command + 24), "the mark"); /* to mark and to unmark is the same */
    require(usim_exchange(&fixture.card, command, 40, response, &size) == 0x9000 && response[0] == 0xdb,
            "GBA's answer");
}

/* SUCI by the card: its ephemeral key is all that is secret. */
static bool fill_tainted(void *context, void *bytes, size_t size) {
    memset(bytes, 9, size);
    taint(bytes, size);
    return context == NULL;
}

static void with_suci(struct usim_profile *profile) {
    usim_service_on(profile, USIM_SERVICE_SUCI_BY_CARD);
    if (use_scheme_b)
        profile->schemes[0] = profile->schemes[1];
}

static void use_suci(bool scheme_b) {
    use_scheme_b = scheme_b;
    usim_fixture_open(&fixture, with_suci);
    usim_begin(&fixture.card);
    fixture.card.random = (struct usim_random){NULL, fill_tainted};
    require(send("8078000100") == (scheme_b ? 0x6c38 : 0x6c37), "GET IDENTITY");
}

/* All that AUTHENTICATE does, and all that PINs do. */
static void use_card(void (*change)(struct usim_profile *profile)) {
    usim_fixture_open(&fixture, change);
    const struct aka_secret known = fixture.card.profile.secret;
    taint_card(&fixture.card);
    usim_begin(&fixture.card);
    authenticate(&known, 100 << 5, 0x9000, 0xdb);
    authenticate(&known, 100 << 5, 0x9000, 0xdc);
    authenticate(&known, 101 << 5, 0x9862, 0);
    authenticate(&known, 5000 << 5, 0x9000, 0xdb);
    require(send("008800801110"
                 "23553cbe9637a89d218ae64dae47bf35") == 0x9000,
            "the GSM context");
    require(send("0088008423dd10"
                 "23553cbe9637a89d218ae64dae47bf35"
                 "10"
                 "55f328b43577b9b94a9ffac354dfafb3") == 0x9862,
            "GBA");
    bootstrap(&known, 5001 << 5);
    require(send("008800841fde106e61662e6578616d706c6501000000020c75736572406578616d706c65") == 0x9000, "NAF");
    require(send("002000010839393939ffffffff") == 0x63c2, "a wrong PIN");
    require(send("002000010831323334ffffffff") == 0x9000, "the PIN");
    require(send("0024000110"
                 "31323334ffffffff"
                 "34333231ffffffff") == 0x9000,
            "CHANGE PIN");
    require(send("002c000110"
                 "3132333435363737"
                 "34333231ffffffff") == 0x63c9,
            "a wrong PUK");
    require(send("002c000110"
                 "3132333435363738"
                 "31323334ffffffff") == 0x9000,
            "the PUK");
    require(send("002600010831323334ffffffff") == 0x9000, "DISABLE PIN");
    require(send("002800010839393939ffffffff") == 0x63c2, "a wrong PIN to enable it");
    require(send("002800010831323334ffffffff") == 0x9000, "ENABLE PIN");
    require(usim_card_close(&fixture.card) == USIM_OK, "the state");
}

static void with_tuak(struct usim_profile *profile) {
    profile->secret.algorithm = AKA_TUAK;
    profile->secret.k_size = 32;
    profile->secret.iterations = 1;
}

static void use_curves(void) {
    uint8_t scalar[CURVE_SIZE], key[CURVE_COMPRESSED_SIZE], shared[CURVE_SIZE];
    memset(scalar, 9, sizeof(scalar));
    require(curve_p256_public(scalar, key), "a key");
    taint(scalar, sizeof(scalar));
    curve_x25519(scalar, NULL, shared);
    uint8_t compressed[CURVE_COMPRESSED_SIZE];
    require(curve_p256_public(scalar, compressed), "a key of P-256");
    require(curve_p256_shared(scalar, key, sizeof(key), shared), "P-256");
    reveal(shared, sizeof(shared));
}

/* A comparison that stops at the first byte that differs: memcheck must tell, or it would tell nothing of the card. */
static int leak(void) {
    volatile uint8_t pin[USIM_PIN_SIZE] = "1234567";
    unsigned same = 0;
    taint((void *)pin, sizeof(pin));
    while (same < sizeof(pin) && pin[same] == "1239567"[same])
        same++;
    return (int)same;
}

int main(int count, char **arguments) {
    __builtin_cpu_init();
    if (RUNNING_ON_VALGRIND == 0 || !__builtin_cpu_supports("aes"))
        return SKIPPED;
    if (count == 2 && strcmp(arguments[1], "--leak") == 0)
        return leak() == 3 ? EXIT_SUCCESS : SKIPPED;
    use_card(NULL);
    use_card(with_tuak);
    use_curves();
    use_suci(false);
    use_suci(true);
    return EXIT_SUCCESS;
}
