// SPDX-License-Identifier: BSD-3-Clause
#include "crypto/digest.h"

#include <mbedtls/constant_time.h>
#include <mbedtls/md.h>

void digest_begin(struct digest *digest) {
    mbedtls_sha256_init(&digest->sha256);
    digest->failed = mbedtls_sha256_starts(&digest->sha256, 0) != 0;
}

void digest_add(struct digest *digest, const void *data, size_t size) {
    digest->failed |= mbedtls_sha256_update(&digest->sha256, data, size) != 0;
}

bool digest_end(struct digest *digest, uint8_t *result) {
    digest->failed |= mbedtls_sha256_finish(&digest->sha256, result) != 0;
    mbedtls_sha256_free(&digest->sha256);
    return !digest->failed;
}

bool digest_of(const void *data, size_t size, uint8_t *result) { return mbedtls_sha256(data, size, result, 0) == 0; }

bool mac_of(const uint8_t *key, const void *data, size_t size, uint8_t *mac) {
    const mbedtls_md_info_t *sha256 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
    return mbedtls_md_hmac(sha256, key, MAC_KEY_SIZE, data, size, mac) == 0;
}

bool crypto_equal(const void *a, const void *b, size_t size) { return mbedtls_ct_memcmp(a, b, size) == 0; }
