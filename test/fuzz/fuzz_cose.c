// SPDX-License-Identifier: BSD-3-Clause
/* Any bytes as a signed or a sealed object: what is read lies within them, and none is genuine by chance. */
#include "crypto/cose.h"

#include <stdlib.h>
#include <string.h>

#include "known_random.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char type[] = "application/vnd.flipside.test+cbor";

static void require(bool condition) {
    if (!condition)
        abort();
}

static bool within(struct cbor_bytes part, const uint8_t *data, size_t size) {
    return part.start >= data && part.size <= size && part.start + part.size <= data + size;
}

static struct random_stream random_numbers;
static struct p256_private key;

static void prepare(void) {
    static bool done;
    if (done)
        return;
    random_numbers = known_random(3);
    require(p256_generate(&key, &random_numbers) == P256_OK);
    done = true;
}

static void try_signed(const uint8_t *data, size_t size) {
    struct cose_sign1 sign1;
    if (cose_sign1_read(&sign1, data, size) != COSE_OK)
        return;
    require(within(sign1.payload, data, size) && within(sign1.protected_header, data, size));
    require(cose_sign1_verify(&sign1, type, &key.public_key) != COSE_OK);
}

static void try_sealed(const uint8_t *data, size_t size) {
    struct cose_encrypt encrypt;
    struct cose_external external = {"fuzz", 4};
    struct p256_software software = {&key, &random_numbers};
    struct p256_agreer agreer = p256_software_agreer(&software);
    uint8_t payload[256];
    size_t payload_size = 1;
    if (cose_encrypt_read(&encrypt, data, size) != COSE_OK)
        return;
    require(within(encrypt.ciphertext, data, size) && within(encrypt.recipients, data, size));
    require(cose_encrypt_open(&encrypt, type, &external, &agreer, payload, sizeof(payload), &payload_size) != COSE_OK);
    require(payload_size == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    prepare();
    try_signed(data, size);
    try_sealed(data, size);
    return 0;
}
