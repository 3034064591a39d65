// SPDX-License-Identifier: BSD-3-Clause
/* Any bytes, and altered genuine files, as a device's key, plain and sealed: the genuine plain one opens and no other;
 * a digest that fits is no protection, so altered files get one. */
#include "persona/device_key.h"

#include "crypto/cose_key.h"
#include "crypto/digest.h"
#include "known_random.h"
#include "padded.h"
#include "patched.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DIGEST_ITEM = 2 + DIGEST_SIZE };

static struct random_stream random_numbers;
static struct device_key device;
static uint8_t plain[DEVICE_KEY_SIZE_MAX], sealed[DEVICE_KEY_SIZE_MAX];
static size_t plain_size, sealed_size;

/* As device_key_write() makes it with a TPM, but for what only a TPM can fill in. */
static void make_sealed(void) {
    static const uint8_t filler[128] = {0x55};
    struct cbor_writer writer = cbor_write(sealed, sizeof(sealed));
    cbor_write_array(&writer, 7);
    cbor_write_uint(&writer, 1);
    cbor_write_uint(&writer, ENROLMENT_TPM);
    cose_write_key(&writer, &device.key.public_key);
    cbor_write_bytes(&writer, filler, 72);
    cbor_write_bytes(&writer, filler, TPM_IDENTITY_SIZE);
    cbor_write_bytes(&writer, filler, sizeof(filler));
    cbor_write_bytes(&writer, filler, DIGEST_SIZE);
    sealed_size = writer.size;
}

static void prepare(void) {
    enum tpm_error tpm_error = TPM_OK;
    if (plain_size != 0)
        return;
    random_numbers = known_random(62);
    require(device_key_make(&device, &random_numbers) == DEVICE_KEY_OK);
    require(device_key_write(&device, NULL, &random_numbers, &tpm_error, plain, sizeof(plain), &plain_size) ==
            DEVICE_KEY_OK);
    make_sealed();
}

static void try_file(const uint8_t *data, size_t size) {
    static const struct device_key nothing;
    struct device_key key;
    struct p256_public looked;
    enum enrolment_keeping keeping;
    enum tpm_error tpm_error = TPM_OK;
    enum device_key_error look = device_key_look(data, size, &looked, &keeping);
    enum device_key_error error = device_key_open(&key, NULL, &random_numbers, &tpm_error, data, size);
    if (is_padded(data, size, plain, plain_size))
        require(error == DEVICE_KEY_OK && memcmp(&key.key, &device.key, sizeof(key.key)) == 0);
    // Another secret is not noticed here but by what is authenticated with it; another private key is.
    require(error != DEVICE_KEY_OK || memcmp(&looked, &key.key.public_key, sizeof(looked)) == 0);
    require(error == DEVICE_KEY_OK || memcmp(&key, &nothing, sizeof(nothing)) == 0);
    require(error != DEVICE_KEY_NO_TPM || (look == DEVICE_KEY_OK && keeping == ENROLMENT_TPM));
}

static void try_patched(const uint8_t *genuine, size_t genuine_size, const uint8_t *data, size_t size) {
    uint8_t file[DEVICE_KEY_SIZE_MAX];
    memcpy(file, genuine, genuine_size);
    patched(file, genuine_size, data, size);
    require(digest_of(file, genuine_size - DIGEST_ITEM, file + genuine_size - DIGEST_SIZE));
    try_file(file, genuine_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    prepare();
    try_file(data, size);
    try_patched(plain, plain_size, data, size);
    try_patched(sealed, sealed_size, data, size);
    return 0;
}
