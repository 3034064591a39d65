// SPDX-License-Identifier: BSD-3-Clause
#include <mbedtls/aes.h>
#include <string.h>

#include "crypto/aead.h"
#include "crypto/digest.h"
#include "crypto/hkdf.h"

/* RFC 3394 2.2.3.1 */
static const uint8_t initial_value[KEY_WRAP_OVERHEAD] = {0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6};

enum { HALF = 8, ROUNDS = 6 };

/* The register A and one half of the key at a time, as AES sees them; t counts the steps. */
struct wrap {
    mbedtls_aes_context aes;
    uint8_t block[2 * HALF];
};

static void mix_count(struct wrap *wrap, size_t t) {
    for (size_t i = 0; i < HALF; i++)
        wrap->block[HALF - 1 - i] ^= (uint8_t)(t >> 8 * i);
}

static int wrap_half(struct wrap *wrap, uint8_t *half, size_t t) {
    memcpy(wrap->block + HALF, half, HALF);
    int result = mbedtls_aes_crypt_ecb(&wrap->aes, MBEDTLS_AES_ENCRYPT, wrap->block, wrap->block);
    mix_count(wrap, t);
    memcpy(half, wrap->block + HALF, HALF);
    return result;
}

static int unwrap_half(struct wrap *wrap, uint8_t *half, size_t t) {
    mix_count(wrap, t);
    memcpy(wrap->block + HALF, half, HALF);
    int result = mbedtls_aes_crypt_ecb(&wrap->aes, MBEDTLS_AES_DECRYPT, wrap->block, wrap->block);
    memcpy(half, wrap->block + HALF, HALF);
    return result;
}

static void end(struct wrap *wrap) {
    mbedtls_aes_free(&wrap->aes);
    crypto_wipe(wrap, sizeof(*wrap));
}

static int has_good_size(size_t size) { return size >= 2 * HALF && size <= KEY_WRAP_PLAIN_MAX && size % HALF == 0; }

enum aead_error key_wrap(const uint8_t *wrapping, const uint8_t *key, size_t size, uint8_t *wrapped) {
    struct wrap wrap;
    size_t halves = size / HALF;
    if (!has_good_size(size))
        return AEAD_FAILED;
    mbedtls_aes_init(&wrap.aes);
    int result = mbedtls_aes_setkey_enc(&wrap.aes, wrapping, AEAD_KEY_SIZE * 8);
    memcpy(wrap.block, initial_value, HALF);
    memcpy(wrapped + HALF, key, size);
    for (size_t t = 1; t <= ROUNDS * halves && result == 0; t++)
        result = wrap_half(&wrap, wrapped + HALF * ((t - 1) % halves + 1), t);
    memcpy(wrapped, wrap.block, HALF);
    end(&wrap);
    if (result != 0)
        crypto_wipe(wrapped, size + HALF);
    return result == 0 ? AEAD_OK : AEAD_FAILED;
}

enum aead_error key_unwrap(const uint8_t *wrapping, const uint8_t *wrapped, uint8_t *key, size_t size) {
    struct wrap wrap;
    size_t halves = size / HALF;
    if (!has_good_size(size))
        return AEAD_FAILED;
    mbedtls_aes_init(&wrap.aes);
    int result = mbedtls_aes_setkey_dec(&wrap.aes, wrapping, AEAD_KEY_SIZE * 8);
    memcpy(wrap.block, wrapped, HALF);
    memcpy(key, wrapped + HALF, size);
    for (size_t t = ROUNDS * halves; t > 0 && result == 0; t--)
        result = unwrap_half(&wrap, key + HALF * ((t - 1) % halves), t);
    bool same = crypto_equal(wrap.block, initial_value, HALF);
    end(&wrap);
    if (result != 0 || !same)
        crypto_wipe(key, size);
    if (result != 0)
        return AEAD_FAILED;
    return same ? AEAD_OK : AEAD_NOT_AUTHENTIC;
}
