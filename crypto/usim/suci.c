// SPDX-License-Identifier: BSD-3-Clause
#include "usim/suci.h"

#include <mbedtls/aes.h>
#include <string.h>

#include "crypto/digest.h"
#include "crypto/hkdf.h"
#include "curves.h"
#include "kdf.h"
#include "taint.h"
#include "usim/card.h"

enum {
    KEY_SIZE = 16,
    COUNTER_SIZE = 16,
    MAC_KEY = 32,
    MAC_SIZE = 8,
    DERIVED = KEY_SIZE + COUNTER_SIZE + MAC_KEY,
    TEXT_MAX = 8, /* bytes of a subscriber's number */
    TYPE_SUCI = 0x01,
    TRIES = 8,
};

bool suci_key_fits(enum usim_scheme scheme, const struct usim_hn_key *key) {
    if (scheme == USIM_SCHEME_A)
        return key->size == CURVE_SIZE;
    return scheme == USIM_SCHEME_B && curve_p256_is_key(key->key, key->size);
}

/* A shared secret of all zeros comes of a key of small order (RFC 7748 6.1). */
static bool agree(enum usim_scheme scheme, const struct usim_hn_key *key, const uint8_t *ephemeral, uint8_t *public_key,
                  uint8_t *shared) {
    static const uint8_t zero[CURVE_SIZE];
    if (scheme == USIM_SCHEME_B)
        return curve_p256_public(ephemeral, public_key) && curve_p256_shared(ephemeral, key->key, key->size, shared);
    curve_x25519(ephemeral, NULL, public_key);
    curve_x25519(ephemeral, key->key, shared);
    bool small = crypto_equal(shared, zero, CURVE_SIZE);
    /* It says nothing of the ephemeral key, but that the network's is such a one, which anyone may know. */
    USIM_PUBLIC(&small, sizeof(small));
    return key->size == CURVE_SIZE && !small;
}

/* AES-128 in counter mode: a number is shorter than a block. */
static bool encrypt(const uint8_t *key, const uint8_t *counter, const uint8_t *text, size_t size, uint8_t *out) {
    mbedtls_aes_context aes;
    uint8_t block[COUNTER_SIZE] = {0};
    mbedtls_aes_init(&aes);
    bool good = mbedtls_aes_setkey_enc(&aes, key, KEY_SIZE * 8) == 0 &&
                mbedtls_aes_crypt_ecb(&aes, MBEDTLS_AES_ENCRYPT, counter, block) == 0;
    mbedtls_aes_free(&aes);
    for (size_t i = 0; i < size; i++)
        out[i] = text[i] ^ block[i];
    crypto_wipe(block, sizeof(block));
    return good;
}

static bool put_mac(const uint8_t *key, const uint8_t *text, size_t size, uint8_t *out) {
    const struct kdf_piece piece = {text, size};
    uint8_t mac[DIGEST_SIZE];
    bool good = kdf_hmac(key, MAC_KEY, &piece, 1, mac);
    memcpy(out, mac, MAC_SIZE);
    return good;
}

bool suci_conceal(enum usim_scheme scheme, const struct usim_hn_key *key, const uint8_t *ephemeral, const uint8_t *text,
                  size_t size, uint8_t *concealed, size_t *concealed_size) {
    size_t public_size = scheme == USIM_SCHEME_A ? CURVE_SIZE : CURVE_COMPRESSED_SIZE;
    uint8_t shared[CURVE_SIZE], derived[DERIVED], *out = concealed + public_size;
    *concealed_size = 0;
    bool good = size <= TEXT_MAX && agree(scheme, key, ephemeral, concealed, shared) &&
                kdf_x963(shared, sizeof(shared), concealed, public_size, derived, sizeof(derived)) &&
                encrypt(derived, derived + KEY_SIZE, text, size, out) &&
                put_mac(derived + KEY_SIZE + COUNTER_SIZE, out, size, out + size);
    if (good)
        *concealed_size = public_size + size + MAC_SIZE;
    crypto_wipe(shared, sizeof(shared));
    crypto_wipe(derived, sizeof(derived));
    return good;
}

static uint8_t digit(const char *digits, size_t at) {
    for (size_t i = 0; i <= at; i++)
        if (digits[i] == '\0')
            return 0xf;
    return (uint8_t)(digits[at] - '0');
}

/* TS 24.501 9.11.3.4: type, country and network, routing indicator; nothing given of it is 0. */
static size_t begin(const struct usim_profile *profile, uint8_t *suci) {
    const char *routing = profile->routing_indicator[0] == '\0' ? "0" : profile->routing_indicator;
    const char *imsi = profile->imsi;
    uint8_t third = profile->mnc_digits == 3 ? digit(imsi, 5) : 0xf;
    suci[0] = TYPE_SUCI;
    suci[1] = (uint8_t)(digit(imsi, 1) << 4 | digit(imsi, 0));
    suci[2] = (uint8_t)(third << 4 | digit(imsi, 2));
    suci[3] = (uint8_t)(digit(imsi, 4) << 4 | digit(imsi, 3));
    suci[4] = (uint8_t)(digit(routing, 1) << 4 | digit(routing, 0));
    suci[5] = (uint8_t)(digit(routing, 3) << 4 | digit(routing, 2));
    return 6;
}

static size_t number_of(const struct usim_profile *profile, uint8_t *number) {
    size_t size = 0;
    for (size_t at = 3 + profile->mnc_digits; digit(profile->imsi, at) != 0xf; at += 2)
        number[size++] = (uint8_t)(digit(profile->imsi, at + 1) << 4 | digit(profile->imsi, at));
    return size;
}

/* A random scalar may, once in 2^32, be none of P-256. */
static bool conceal(const struct usim_profile *profile, const struct usim_random *random, const uint8_t *number,
                    size_t number_size, uint8_t *out, size_t *size) {
    const struct usim_suci_scheme *scheme = &profile->schemes[0];
    uint8_t ephemeral[SUCI_SCALAR_SIZE];
    bool good = false;
    *size = 0;
    for (unsigned i = 0; i < TRIES && !good && random->fill != NULL; i++)
        good = random->fill(random->context, ephemeral, sizeof(ephemeral)) &&
               suci_conceal((enum usim_scheme)scheme->scheme, &profile->hn_keys[scheme->key_index - 1], ephemeral,
                            number, number_size, out, size);
    crypto_wipe(ephemeral, sizeof(ephemeral));
    return good;
}

bool usim_suci(const struct usim_profile *profile, const struct usim_random *random, uint8_t *suci, size_t *size) {
    uint8_t number[TEXT_MAX];
    size_t at = begin(profile, suci), number_size = number_of(profile, number), concealed = number_size;
    bool null_scheme = profile->scheme_count == 0 || profile->schemes[0].scheme == USIM_SCHEME_NULL;
    suci[at++] = null_scheme ? 0 : profile->schemes[0].scheme;
    suci[at++] = null_scheme ? 0 : profile->hn_keys[profile->schemes[0].key_index - 1].id;
    *size = 0;
    if (null_scheme)
        memcpy(suci + at, number, number_size);
    else if (!conceal(profile, random, number, number_size, suci + at, &concealed))
        return false;
    *size = at + concealed;
    return true;
}
