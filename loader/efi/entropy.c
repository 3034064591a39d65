// SPDX-License-Identifier: BSD-3-Clause
#include "entropy.h"

#include <libfdt.h>

#include "cpu.h"
#include "crypto/hkdf.h"
#include "firmware.h"

enum { RNG_SIZE = 64 /* bytes asked of the firmware */ };

static struct random_input seed_of(const void *tree, const char *property) {
    struct random_input input = {0};
    int size = 0;
    int chosen = fdt_path_offset(tree, "/chosen");
    if (chosen < 0)
        return input;
    input.data = fdt_getprop(tree, chosen, property, &size);
    input.size = input.data != NULL && size > 0 ? (size_t)size : 0;
    return input;
}

static bool ask_tpm(const struct tpm_transport *transport, uint8_t *bytes) {
    static struct tpm tpm;
    if (transport == NULL)
        return false;
    bool good = tpm_open(&tpm, transport, NULL) == TPM_OK && tpm_random(&tpm, bytes, TPM_RANDOM_MAX) == TPM_OK;
    tpm_close(&tpm);
    return good;
}

enum random_error entropy_fill(struct random_pool *pool, const void *tree, const struct tpm_transport *tpm) {
    uint8_t bytes[RNG_SIZE] = {0}, tpm_bytes[TPM_RANDOM_MAX] = {0};
    uint64_t counter = cpu_counter();
    const struct random_input inputs[] = {
        {bytes, firmware_random(bytes, sizeof(bytes)) ? sizeof(bytes) : 0, false},
        seed_of(tree, "rng-seed"),
        seed_of(tree, "kaslr-seed"),
        {tpm_bytes, ask_tpm(tpm, tpm_bytes) ? sizeof(tpm_bytes) : 0, false},
        {&counter, sizeof(counter), true},
    };
    enum random_error error = random_init(pool, inputs, sizeof(inputs) / sizeof(inputs[0]));
    crypto_wipe(bytes, sizeof(bytes));
    crypto_wipe(tpm_bytes, sizeof(tpm_bytes));
    return error;
}
