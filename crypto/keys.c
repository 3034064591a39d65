// SPDX-License-Identifier: BSD-3-Clause
#include "crypto/keys.h"

#include "crypto/cbor.h"
#include "crypto/digest.h"
#include "crypto/hkdf.h"

/* A label that changes makes all that was encrypted under it unreadable. */
static const char *const labels[] = {
    [KEYS_CONTENT] = "content", [KEYS_VOLUME] = "volume", [KEYS_SLOTS] = "slots", [KEYS_SNAPSHOT] = "snapshot",
    [KEYS_USIM] = "usim",       [KEYS_STATE] = "state",   [KEYS_CHECK] = "check", [KEYS_UP] = "up",
};

enum keys_error keys_derive(const uint8_t *secret, enum keys_use use, const uint8_t *id, uint64_t number, void *key,
                            size_t size) {
    uint8_t info[64];
    struct cbor_writer writer = cbor_write(info, sizeof(info));
    cbor_write_array(&writer, 4);
    cbor_write_text(&writer, "flipside key 1");
    cbor_write_text(&writer, labels[use]);
    cbor_write_bytes(&writer, id, KEYS_ID_SIZE);
    cbor_write_uint(&writer, number);
    if (!writer.failed && hkdf_expand(secret, info, writer.size, key, size) == HKDF_OK)
        return KEYS_OK;
    crypto_wipe(key, size);
    return KEYS_FAILED;
}

enum keys_error keys_mac(const uint8_t *secret, enum keys_use use, const uint8_t *id, const void *data, size_t size,
                         uint8_t *mac) {
    uint8_t key[KEYS_SIZE];
    bool good = keys_derive(secret, use, id, 0, key, sizeof(key)) == KEYS_OK && mac_of(key, data, size, mac);
    crypto_wipe(key, sizeof(key));
    if (!good)
        crypto_wipe(mac, KEYS_MAC_SIZE);
    return good ? KEYS_OK : KEYS_FAILED;
}
