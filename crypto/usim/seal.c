// SPDX-License-Identifier: BSD-3-Clause
#include "usim/seal.h"

#include <string.h>

#include "crypto/aead.h"
#include "crypto/digest.h"
#include "crypto/hkdf.h"
#include "kdf.h"

static const char encryption[] = "flipside usim 1 encryption", nonces[] = "flipside usim 1 nonces";

static bool derive(const uint8_t *key, const char *label, size_t size, uint8_t use, uint8_t *derived) {
    const struct kdf_piece pieces[] = {{label, size}, {&use, 1}};
    return kdf_hmac(key, SEAL_KEY_SIZE, pieces, 2, derived);
}

static bool open_key(struct aead *aead, const uint8_t *key, enum seal_use use) {
    uint8_t derived[AEAD_KEY_SIZE];
    bool good = derive(key, encryption, sizeof(encryption), (uint8_t)use, derived);
    good &= aead_open(aead, derived) == AEAD_OK;
    crypto_wipe(derived, sizeof(derived));
    return good;
}

static bool nonce_of(const uint8_t *key, enum seal_use use, const uint8_t *plain, size_t size, uint8_t *nonce) {
    uint8_t derived[DIGEST_SIZE], mac[DIGEST_SIZE];
    const struct kdf_piece text = {plain, size};
    bool good =
        derive(key, nonces, sizeof(nonces), (uint8_t)use, derived) && kdf_hmac(derived, sizeof(derived), &text, 1, mac);
    memcpy(nonce, mac, AEAD_NONCE_SIZE);
    crypto_wipe(derived, sizeof(derived));
    return good;
}

enum usim_error usim_seal(const uint8_t *key, enum seal_use use, const uint8_t *plain, size_t size, uint8_t *sealed) {
    struct aead aead;
    struct aead_binding binding = {.data = NULL};
    bool good = open_key(&aead, key, use) && nonce_of(key, use, plain, size, binding.nonce);
    memcpy(sealed, binding.nonce, AEAD_NONCE_SIZE);
    good = good && aead_encrypt(&aead, &binding, plain, size, sealed + AEAD_NONCE_SIZE,
                                sealed + AEAD_NONCE_SIZE + size) == AEAD_OK;
    aead_close(&aead);
    if (good)
        return USIM_OK;
    crypto_wipe(sealed, size + SEAL_OVERHEAD);
    return USIM_FAILED;
}

enum usim_error usim_unseal(const uint8_t *key, enum seal_use use, const uint8_t *sealed, uint8_t *plain, size_t size) {
    struct aead aead;
    struct aead_binding binding = {.data = NULL};
    enum aead_error error = AEAD_FAILED;
    memcpy(binding.nonce, sealed, AEAD_NONCE_SIZE);
    if (open_key(&aead, key, use))
        error = aead_decrypt(&aead, &binding, sealed + AEAD_NONCE_SIZE, size, plain, sealed + AEAD_NONCE_SIZE + size);
    aead_close(&aead);
    if (error == AEAD_OK)
        return USIM_OK;
    crypto_wipe(plain, size);
    return error == AEAD_NOT_AUTHENTIC ? USIM_NOT_AUTHENTIC : USIM_FAILED;
}
