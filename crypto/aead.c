// SPDX-License-Identifier: BSD-3-Clause
#include "crypto/aead.h"

enum aead_error aead_open(struct aead *aead, const uint8_t *key) {
    mbedtls_gcm_init(&aead->gcm);
    return mbedtls_gcm_setkey(&aead->gcm, MBEDTLS_CIPHER_ID_AES, key, AEAD_KEY_SIZE * 8) == 0 ? AEAD_OK : AEAD_FAILED;
}

void aead_close(struct aead *aead) { mbedtls_gcm_free(&aead->gcm); }

enum aead_error aead_encrypt(struct aead *aead, const struct aead_binding *binding, const uint8_t *input, size_t size,
                             uint8_t *output, uint8_t *tag) {
    int result = mbedtls_gcm_crypt_and_tag(&aead->gcm, MBEDTLS_GCM_ENCRYPT, size, binding->nonce, AEAD_NONCE_SIZE,
                                           binding->data, binding->data_size, input, output, AEAD_TAG_SIZE, tag);
    return result == 0 ? AEAD_OK : AEAD_FAILED;
}

enum aead_error aead_decrypt(struct aead *aead, const struct aead_binding *binding, const uint8_t *input, size_t size,
                             uint8_t *output, const uint8_t *tag) {
    int result = mbedtls_gcm_auth_decrypt(&aead->gcm, size, binding->nonce, AEAD_NONCE_SIZE, binding->data,
                                          binding->data_size, tag, AEAD_TAG_SIZE, input, output);
    if (result == 0)
        return AEAD_OK;
    return result == MBEDTLS_ERR_GCM_AUTH_FAILED ? AEAD_NOT_AUTHENTIC : AEAD_FAILED;
}
