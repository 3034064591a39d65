// SPDX-License-Identifier: BSD-3-Clause
#ifndef CRYPTO_KEYS_H
#define CRYPTO_KEYS_H

/** The key hierarchy (crypto/README.md): from each persona's one random key, by HKDF, a key for each use. */

#include <stddef.h>
#include <stdint.h>

enum {
    KEYS_SIZE = 32,        /* bytes of a persona's key, and of each derived key but the volume's */
    KEYS_VOLUME_SIZE = 64, /* bytes: AES-256-XTS has two keys */
    KEYS_ID_SIZE = 16,     /* bytes of a persona's identifier */
    KEYS_MAC_SIZE = 32,    /* bytes */
};

enum keys_use {
    KEYS_CONTENT = 0, /* wraps the content key of a version */
    KEYS_VOLUME,      /* LUKS2 volume key of the root file system, KEYS_VOLUME_SIZE bytes */
    KEYS_SLOTS,       /* authenticates the slots */
    KEYS_SNAPSHOT,    /* seals a suspended persona's memory */
    KEYS_USIM,        /* seals the profile of a persona's USIM */
    KEYS_STATE,       /* of a device's secret: authenticates its state */
    KEYS_CHECK,       /* tells whether a persona's key is the right one; not a secret */
    KEYS_UP,          /* what a persona's system says when a version of it came up; its number is the version */
};

enum keys_error {
    KEYS_OK = 0,
    KEYS_FAILED, /* the library failed: no memory */
};

/**
 * Derives a key: HKDF-Expand(secret, [ "flipside key 1", use, id, number ]) (crypto/keys.cddl).
 * @param secret KEYS_SIZE bytes: a persona's key, or a device's secret
 * @param id     KEYS_ID_SIZE bytes: whose secret it is
 * @param number which one of this use: a version, a snapshot's number; 0 where there is but one
 * @param key    size bytes, all zero on failure; the caller wipes it
 * @return KEYS_OK, KEYS_FAILED
 */
__attribute__((warn_unused_result)) enum keys_error
keys_derive(const uint8_t *secret, enum keys_use use, const uint8_t *id, uint64_t number, void *key, size_t size);

/**
 * Authenticates data: HMAC-SHA-256 under the derived key of a use, number 0.
 * @param secret, id as of keys_derive()
 * @param mac        KEYS_MAC_SIZE bytes, all zero on failure
 * @return KEYS_OK, KEYS_FAILED
 */
__attribute__((warn_unused_result)) enum keys_error
keys_mac(const uint8_t *secret, enum keys_use use, const uint8_t *id, const void *data, size_t size, uint8_t *mac);

#endif
