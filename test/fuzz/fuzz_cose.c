// SPDX-License-Identifier: BSD-3-Clause
/* Any bytes, and altered genuine objects, as signed and sealed ones: what is read lies within them, and what opens is
 * the genuine object and no other. */
#include "crypto/cose.h"

#include <stdlib.h>
#include <string.h>

#include "known_random.h"
#include "patched.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char type[] = "application/vnd.flipside.test+cbor";

static void require(bool condition) {
    if (!condition)
        abort();
}

static bool within(struct cbor_bytes part, const uint8_t *data, size_t size) {
    return part.start >= data && part.size <= size && part.start + part.size <= data + size;
}

enum { OBJECT_MAX = 1024 };

static const struct cose_content content = {type, "payload", 7};
static const struct cose_external external = {"fuzz", 4};
static struct random_stream random_numbers;
static struct p256_private key;
static uint8_t signed_object[OBJECT_MAX], sealed_object[OBJECT_MAX];
static size_t signed_size, sealed_size;

static void prepare(void) {
    static bool done;
    if (done)
        return;
    random_numbers = known_random(3);
    require(p256_generate(&key, &random_numbers) == P256_OK);
    struct p256_software software = {&key, &random_numbers};
    struct p256_signer signer = p256_software_signer(&software);
    require(cose_sign1_write(&content, &signer, signed_object, OBJECT_MAX, &signed_size) == COSE_OK);
    require(cose_encrypt_write(&content, &external, &key.public_key, 1, &random_numbers, sealed_object, OBJECT_MAX,
                               &sealed_size) == COSE_OK);
    done = true;
}

static void try_signed(const uint8_t *data, size_t size) {
    struct cose_sign1 sign1;
    if (cose_sign1_read(&sign1, data, size) != COSE_OK)
        return;
    require(within(sign1.payload, data, size) && within(sign1.protected_header, data, size));
    bool genuine = size == signed_size && memcmp(data, signed_object, size) == 0;
    require((cose_sign1_verify(&sign1, type, &key.public_key) == COSE_OK) == genuine);
}

static void try_sealed(const uint8_t *data, size_t size) {
    struct cose_encrypt encrypt;
    struct p256_software software = {&key, &random_numbers};
    struct p256_agreer agreer = p256_software_agreer(&software);
    uint8_t payload[256];
    size_t payload_size = 1;
    if (cose_encrypt_read(&encrypt, data, size) != COSE_OK)
        return;
    require(within(encrypt.ciphertext, data, size) && within(encrypt.recipients, data, size));
    bool genuine = size == sealed_size && memcmp(data, sealed_object, size) == 0;
    enum cose_error error =
        cose_encrypt_open(&encrypt, type, &external, &agreer, payload, sizeof(payload), &payload_size);
    require((error == COSE_OK) == genuine && (payload_size > 0) == genuine);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t object[OBJECT_MAX];
    prepare();
    try_signed(data, size);
    try_sealed(data, size);
    memcpy(object, signed_object, signed_size);
    patched(object, signed_size, data, size);
    try_signed(object, signed_size);
    memcpy(object, sealed_object, sealed_size);
    patched(object, sealed_size, data, size);
    try_sealed(object, sealed_size);
    return 0;
}
