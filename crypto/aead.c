// SPDX-License-Identifier: BSD-3-Clause
#include "crypto/aead.h"

#include <string.h>

#include "crypto/digest.h"
#include "crypto/hkdf.h"
#include "gcm.h"

/* The widest instructions that this CPU has. */
static const struct gcm_implementation *choose(void) {
    const struct gcm_implementation *const found[] = {gcm_vaes(), gcm_aesni(), gcm_armv8()};
    for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++)
        if (found[i] != NULL)
            return found[i];
    return NULL;
}

enum aead_error aead_open(struct aead *aead, const uint8_t *key) {
    memset(aead, 0, sizeof(*aead));
    aead->hardware = choose();
    if (aead->hardware != NULL) {
        aead->hardware->set_key(&aead->schedule, key);
        return AEAD_OK;
    }
    mbedtls_gcm_init(&aead->gcm);
    return mbedtls_gcm_setkey(&aead->gcm, MBEDTLS_CIPHER_ID_AES, key, AEAD_KEY_SIZE * 8) == 0 ? AEAD_OK : AEAD_FAILED;
}

void aead_close(struct aead *aead) {
    if (aead->hardware == NULL)
        mbedtls_gcm_free(&aead->gcm);
    crypto_wipe(aead, sizeof(*aead));
}

static struct gcm_text text_of(const struct aead_binding *binding, const uint8_t *input, size_t size, uint8_t *output) {
    return (struct gcm_text){binding->nonce, binding->data, binding->data_size, input, output, size};
}

enum aead_error aead_encrypt(struct aead *aead, const struct aead_binding *binding, const uint8_t *input, size_t size,
                             uint8_t *output, uint8_t *tag) {
    struct gcm_text text = text_of(binding, input, size, output);
    if (size > AEAD_SIZE_MAX)
        return AEAD_FAILED;
    if (aead->hardware != NULL) {
        aead->hardware->encrypt(&aead->schedule, &text, tag);
        return AEAD_OK;
    }
    int result = mbedtls_gcm_crypt_and_tag(&aead->gcm, MBEDTLS_GCM_ENCRYPT, size, binding->nonce, AEAD_NONCE_SIZE,
                                           binding->data, binding->data_size, input, output, AEAD_TAG_SIZE, tag);
    return result == 0 ? AEAD_OK : AEAD_FAILED;
}

static enum aead_error decrypt_in_hardware(const struct aead *aead, const struct gcm_text *text, const uint8_t *tag) {
    uint8_t computed[AEAD_TAG_SIZE];
    aead->hardware->decrypt(&aead->schedule, text, computed);
    if (crypto_equal(computed, tag, sizeof(computed)))
        return AEAD_OK;
    crypto_wipe(text->output, text->size);
    return AEAD_NOT_AUTHENTIC;
}

enum aead_error aead_decrypt(struct aead *aead, const struct aead_binding *binding, const uint8_t *input, size_t size,
                             uint8_t *output, const uint8_t *tag) {
    struct gcm_text text = text_of(binding, input, size, output);
    if (size > AEAD_SIZE_MAX)
        return AEAD_FAILED;
    if (aead->hardware != NULL)
        return decrypt_in_hardware(aead, &text, tag);
    int result = mbedtls_gcm_auth_decrypt(&aead->gcm, size, binding->nonce, AEAD_NONCE_SIZE, binding->data,
                                          binding->data_size, tag, AEAD_TAG_SIZE, input, output);
    if (result == 0)
        return AEAD_OK;
    return result == MBEDTLS_ERR_GCM_AUTH_FAILED ? AEAD_NOT_AUTHENTIC : AEAD_FAILED;
}
