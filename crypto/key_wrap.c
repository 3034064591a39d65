// SPDX-License-Identifier: BSD-3-Clause
#include <mbedtls/nist_kw.h>
#include <stdbool.h>

#include "crypto/aead.h"
#include "crypto/hkdf.h"

enum { HALF = 8 }; /* bytes: keys are wrapped by halves of a block */

static bool has_good_size(size_t size) { return size >= 2 * HALF && size <= KEY_WRAP_PLAIN_MAX && size % HALF == 0; }

enum aead_error key_wrap(const uint8_t *wrapping, const uint8_t *key, size_t size, uint8_t *wrapped) {
    mbedtls_nist_kw_context context;
    size_t written = 0;
    if (!has_good_size(size))
        return AEAD_FAILED;
    mbedtls_nist_kw_init(&context);
    int result = mbedtls_nist_kw_setkey(&context, MBEDTLS_CIPHER_ID_AES, wrapping, AEAD_KEY_SIZE * 8, 1);
    if (result == 0)
        result =
            mbedtls_nist_kw_wrap(&context, MBEDTLS_KW_MODE_KW, key, size, wrapped, &written, size + KEY_WRAP_OVERHEAD);
    mbedtls_nist_kw_free(&context);
    if (result != 0)
        crypto_wipe(wrapped, size + KEY_WRAP_OVERHEAD);
    return result == 0 ? AEAD_OK : AEAD_FAILED;
}

enum aead_error key_unwrap(const uint8_t *wrapping, const uint8_t *wrapped, uint8_t *key, size_t size) {
    mbedtls_nist_kw_context context;
    size_t written = 0;
    if (!has_good_size(size))
        return AEAD_FAILED;
    mbedtls_nist_kw_init(&context);
    int result = mbedtls_nist_kw_setkey(&context, MBEDTLS_CIPHER_ID_AES, wrapping, AEAD_KEY_SIZE * 8, 0);
    if (result == 0)
        result = mbedtls_nist_kw_unwrap(&context, MBEDTLS_KW_MODE_KW, wrapped, size + KEY_WRAP_OVERHEAD, key, &written,
                                        size);
    mbedtls_nist_kw_free(&context);
    if (result != 0)
        crypto_wipe(key, size);
    if (result == MBEDTLS_ERR_CIPHER_AUTH_FAILED)
        return AEAD_NOT_AUTHENTIC;
    return result == 0 ? AEAD_OK : AEAD_FAILED;
}
