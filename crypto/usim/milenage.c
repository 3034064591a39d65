// SPDX-License-Identifier: BSD-3-Clause
#include "usim/milenage.h"

#include <mbedtls/aes.h>
#include <stddef.h>
#include <string.h>

#include "crypto/hkdf.h"

enum { BLOCK = 16 };

/* AES under K, made ready once for all blocks of a function. */
struct kernel {
    mbedtls_aes_context aes;
    const uint8_t *opc;
    uint8_t temp[BLOCK]; /* E[RAND ^ OPc] */
    bool failed;
};

/* Rotation in bytes and the one bit of the constant (4.1): r1 = 64, r2 = 0, r3 = 32, r4 = 64, r5 = 96; c1 = 0, and
 * c2 to c5 have one bit each, in the last byte. */
static const struct { uint8_t rotate, constant; } parameters[] = {{8, 0}, {0, 1}, {4, 2}, {8, 4}, {12, 8}};

static void mix(uint8_t *to, const uint8_t *with) {
    for (size_t i = 0; i < BLOCK; i++)
        to[i] ^= with[i];
}

static void encrypt(struct kernel *kernel, const uint8_t *in, uint8_t *out) {
    kernel->failed |= mbedtls_aes_crypt_ecb(&kernel->aes, MBEDTLS_AES_ENCRYPT, in, out) != 0;
}

static void kernel_key(struct kernel *kernel, const uint8_t *k) {
    mbedtls_aes_init(&kernel->aes);
    kernel->failed = mbedtls_aes_setkey_enc(&kernel->aes, k, MILENAGE_KEY_SIZE * 8) != 0;
}

static void kernel_open(struct kernel *kernel, const struct milenage *milenage, const uint8_t *rand) {
    kernel_key(kernel, milenage->k);
    kernel->opc = milenage->opc;
    memcpy(kernel->temp, rand, BLOCK);
    mix(kernel->temp, milenage->opc);
    encrypt(kernel, kernel->temp, kernel->temp);
}

static bool kernel_close(struct kernel *kernel) {
    bool good = !kernel->failed;
    mbedtls_aes_free(&kernel->aes);
    crypto_wipe(kernel->temp, BLOCK);
    return good;
}

/* OUTn = E[rot(TEMP ^ OPc, rn) ^ cn] ^ OPc; OUT1 has IN1 in place of c1, and TEMP outside the rotation. */
static void output(struct kernel *kernel, unsigned number, const uint8_t *in1, uint8_t *out) {
    uint8_t turned[BLOCK];
    for (size_t i = 0; i < BLOCK; i++) {
        size_t from = (i + parameters[number - 1].rotate) % BLOCK;
        turned[i] = (in1 == NULL ? kernel->temp[from] : in1[from]) ^ kernel->opc[from];
    }
    turned[BLOCK - 1] ^= parameters[number - 1].constant;
    if (in1 != NULL)
        mix(turned, kernel->temp);
    encrypt(kernel, turned, out);
    mix(out, kernel->opc);
    crypto_wipe(turned, sizeof(turned));
}

bool milenage_opc(const uint8_t *k, const uint8_t *op, uint8_t *opc) {
    struct kernel kernel;
    uint8_t block[BLOCK];
    kernel_key(&kernel, k);
    encrypt(&kernel, op, block);
    mix(block, op);
    memcpy(opc, block, BLOCK);
    crypto_wipe(block, sizeof(block));
    return kernel_close(&kernel);
}

bool milenage_f1(const struct milenage *milenage, const uint8_t *rand, const uint8_t *sqn, const uint8_t *amf,
                 uint8_t *mac_a, uint8_t *mac_s) {
    struct kernel kernel;
    uint8_t in1[BLOCK], out[BLOCK];
    kernel_open(&kernel, milenage, rand);
    memcpy(in1, sqn, 6);
    memcpy(in1 + 6, amf, 2);
    memcpy(in1 + 8, in1, 8);
    output(&kernel, 1, in1, out);
    bool good = kernel_close(&kernel);
    if (!good)
        crypto_wipe(out, sizeof(out));
    memcpy(mac_a, out, MILENAGE_MAC_SIZE);
    memcpy(mac_s, out + MILENAGE_MAC_SIZE, MILENAGE_MAC_SIZE);
    crypto_wipe(in1, sizeof(in1));
    crypto_wipe(out, sizeof(out));
    return good;
}

bool milenage_f2345(const struct milenage *milenage, const uint8_t *rand, struct milenage_answer *answer) {
    struct kernel kernel;
    uint8_t out[BLOCK];
    kernel_open(&kernel, milenage, rand);
    output(&kernel, 2, NULL, out);
    memcpy(answer->ak, out, sizeof(answer->ak));
    memcpy(answer->res, out + 8, MILENAGE_RES_SIZE);
    output(&kernel, 3, NULL, answer->ck);
    output(&kernel, 4, NULL, answer->ik);
    crypto_wipe(out, sizeof(out));
    bool good = kernel_close(&kernel);
    if (!good)
        crypto_wipe(answer, sizeof(*answer));
    return good;
}

bool milenage_f5_star(const struct milenage *milenage, const uint8_t *rand, uint8_t *ak) {
    struct kernel kernel;
    uint8_t out[BLOCK];
    kernel_open(&kernel, milenage, rand);
    output(&kernel, 5, NULL, out);
    bool good = kernel_close(&kernel);
    if (!good)
        crypto_wipe(out, sizeof(out));
    memcpy(ak, out, 6);
    crypto_wipe(out, sizeof(out));
    return good;
}
