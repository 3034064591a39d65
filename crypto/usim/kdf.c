// SPDX-License-Identifier: BSD-3-Clause
#include "kdf.h"

#include <string.h>

#include "crypto/digest.h"
#include "crypto/hkdf.h"

enum { BLOCK = 64, PARAMETERS_MAX = 4 };

static void begin_padded(struct digest *digest, const uint8_t *key, size_t key_size, uint8_t pad) {
    uint8_t block[BLOCK];
    for (size_t i = 0; i < BLOCK; i++)
        block[i] = (uint8_t)((i < key_size ? key[i] : 0) ^ pad);
    digest_begin(digest);
    digest_add(digest, block, sizeof(block));
    crypto_wipe(block, sizeof(block));
}

bool kdf_hmac(const uint8_t *key, size_t key_size, const struct kdf_piece *pieces, size_t count, uint8_t *mac) {
    struct digest inner, outer;
    if (key_size > BLOCK)
        return false;
    begin_padded(&inner, key, key_size, 0x36);
    for (size_t i = 0; i < count; i++)
        digest_add(&inner, pieces[i].data, pieces[i].size);
    bool good = digest_end(&inner, mac);
    begin_padded(&outer, key, key_size, 0x5c);
    digest_add(&outer, mac, DIGEST_SIZE);
    good &= digest_end(&outer, mac);
    if (!good)
        crypto_wipe(mac, DIGEST_SIZE);
    return good;
}

bool kdf_33220(const uint8_t *key, size_t key_size, uint8_t fc, const struct kdf_piece *parameters, size_t count,
               uint8_t *derived) {
    struct kdf_piece pieces[1 + 2 * PARAMETERS_MAX] = {{&fc, 1}};
    uint8_t sizes[PARAMETERS_MAX][2];
    if (count > PARAMETERS_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        sizes[i][0] = (uint8_t)(parameters[i].size >> 8);
        sizes[i][1] = (uint8_t)parameters[i].size;
        pieces[1 + 2 * i] = parameters[i];
        pieces[2 + 2 * i] = (struct kdf_piece){sizes[i], 2};
    }
    return kdf_hmac(key, key_size, pieces, 1 + 2 * count, derived);
}

bool kdf_x963(const uint8_t *shared, size_t shared_size, const uint8_t *info, size_t info_size, uint8_t *out,
              size_t size) {
    uint8_t block[DIGEST_SIZE];
    bool good = true;
    for (uint8_t counter = 1; size > 0; counter++) {
        const uint8_t number[4] = {0, 0, 0, counter};
        size_t part = size < DIGEST_SIZE ? size : (size_t)DIGEST_SIZE;
        struct digest digest;
        digest_begin(&digest);
        digest_add(&digest, shared, shared_size);
        digest_add(&digest, number, sizeof(number));
        digest_add(&digest, info, info_size);
        good &= digest_end(&digest, block);
        memcpy(out, block, part);
        out += part;
        size -= part;
    }
    crypto_wipe(block, sizeof(block));
    return good;
}
