// SPDX-License-Identifier: BSD-3-Clause
#include "crypto/hkdf.h"

#include <mbedtls/hkdf.h>
#include <mbedtls/md.h>
#include <mbedtls/platform_util.h>
#include <string.h>

enum hkdf_error hkdf_extract(const void *salt, size_t salt_size, const void *input, size_t input_size, uint8_t *key) {
    const mbedtls_md_info_t *sha256 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);

    if (mbedtls_hkdf_extract(sha256, salt, salt_size, input, input_size, key) != 0) {
        crypto_wipe(key, HKDF_KEY_SIZE);
        return HKDF_FAILED;
    }
    return HKDF_OK;
}

enum hkdf_error hkdf_expand(const uint8_t *key, const void *info, size_t info_size, void *output, size_t output_size) {
    const mbedtls_md_info_t *sha256 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);

    memset(output, 0, output_size);
    if (output_size > HKDF_OUTPUT_MAX) {
        return HKDF_TOO_LONG;
    }
    if (output_size == 0) {
        return HKDF_OK;
    }
    if (mbedtls_hkdf_expand(sha256, key, HKDF_KEY_SIZE, info, info_size, output, output_size) != 0) {
        crypto_wipe(output, output_size);
        return HKDF_FAILED;
    }
    return HKDF_OK;
}

void crypto_wipe(void *secret, size_t size) { mbedtls_platform_zeroize(secret, size); }
