// SPDX-License-Identifier: BSD-3-Clause
#include "usim/tuak.h"

#include <string.h>

#include "crypto/hkdf.h"
#include "keccak.h"

/* Where things lie in a block, in bytes (TS 35.231 6): each is written last byte first. */
enum {
    AT_TOP = 0,
    AT_INSTANCE = 32,
    AT_NAME = 33,
    AT_RAND = 40,
    AT_AMF = 56,
    AT_SQN = 58,
    AT_KEY = 64,
    AT_PAD = 96,
    AT_PAD_END = 135,
    AT_RES = 0,
    AT_CK = 32,
    AT_IK = 64,
    AT_AK = 96,
};

/* INSTANCE: which function, and the sizes of what comes out (6.2 to 6.5). */
enum {
    INSTANCE_TOPC = 0x00,
    INSTANCE_F1 = 0x00,
    INSTANCE_F1_STAR = 0x80,
    INSTANCE_F2345 = 0x40,
    INSTANCE_F5_STAR = 0xc0,
    INSTANCE_CK_256 = 0x04,
    INSTANCE_IK_256 = 0x02,
    INSTANCE_K_256 = 0x01,
};

static const uint8_t name[7] = {'T', 'U', 'A', 'K', '1', '.', '0'};

/* 64, 128 or 256 bits in INSTANCE[2..4]; 32 bits are none of the three. */
static unsigned size_bits(size_t size) { return size == 4 ? 0u : (unsigned)size; }

static void put(uint8_t *block, size_t at, const uint8_t *value, size_t size) {
    for (size_t i = 0; i < size; i++)
        block[at + i] = value[size - 1 - i];
}

static void take(const uint8_t *block, size_t at, uint8_t *value, size_t size) { put(value, 0, block + at, size); }

static void begin(const struct tuak *tuak, const uint8_t *top, unsigned instance, uint8_t *block) {
    memset(block, 0, KECCAK_SIZE);
    put(block, AT_TOP, top, TUAK_TOP_SIZE);
    block[AT_INSTANCE] = (uint8_t)(instance | (tuak->k_size == 32 ? (unsigned)INSTANCE_K_256 : 0u));
    put(block, AT_NAME, name, sizeof(name));
    put(block, AT_KEY, tuak->k, tuak->k_size);
    block[AT_PAD] = 0x1f;
    block[AT_PAD_END] = 0x80;
}

static void permute(const struct tuak *tuak, uint8_t *block) {
    for (unsigned i = 0; i < tuak->iterations; i++)
        keccak_f1600(block);
}

void tuak_topc(const struct tuak *tuak, const uint8_t *top, uint8_t *topc) {
    uint8_t block[KECCAK_SIZE];
    begin(tuak, top, INSTANCE_TOPC, block);
    permute(tuak, block);
    take(block, 0, topc, TUAK_TOP_SIZE);
    crypto_wipe(block, sizeof(block));
}

static void mac(const struct tuak *tuak, unsigned instance, const uint8_t *rand, const uint8_t *sqn, const uint8_t *amf,
                uint8_t *mac) {
    uint8_t block[KECCAK_SIZE];
    begin(tuak, tuak->topc, instance | size_bits(tuak->mac_size), block);
    put(block, AT_RAND, rand, 16);
    put(block, AT_AMF, amf, 2);
    put(block, AT_SQN, sqn, 6);
    permute(tuak, block);
    take(block, 0, mac, tuak->mac_size);
    crypto_wipe(block, sizeof(block));
}

void tuak_f1(const struct tuak *tuak, const uint8_t *rand, const uint8_t *sqn, const uint8_t *amf, uint8_t *mac_a) {
    mac(tuak, INSTANCE_F1, rand, sqn, amf, mac_a);
}

void tuak_f1_star(const struct tuak *tuak, const uint8_t *rand, const uint8_t *sqn, const uint8_t *amf,
                  uint8_t *mac_s) {
    mac(tuak, INSTANCE_F1_STAR, rand, sqn, amf, mac_s);
}

void tuak_f2345(const struct tuak *tuak, const uint8_t *rand, struct tuak_answer *answer) {
    uint8_t block[KECCAK_SIZE];
    unsigned instance = INSTANCE_F2345 | size_bits(tuak->res_size);
    instance |= tuak->ck_size == 32 ? (unsigned)INSTANCE_CK_256 : 0u;
    instance |= tuak->ik_size == 32 ? (unsigned)INSTANCE_IK_256 : 0u;
    begin(tuak, tuak->topc, instance, block);
    put(block, AT_RAND, rand, 16);
    permute(tuak, block);
    take(block, AT_RES, answer->res, tuak->res_size);
    take(block, AT_CK, answer->ck, tuak->ck_size);
    take(block, AT_IK, answer->ik, tuak->ik_size);
    take(block, AT_AK, answer->ak, sizeof(answer->ak));
    crypto_wipe(block, sizeof(block));
}

void tuak_f5_star(const struct tuak *tuak, const uint8_t *rand, uint8_t *ak) {
    uint8_t block[KECCAK_SIZE];
    begin(tuak, tuak->topc, INSTANCE_F5_STAR, block);
    put(block, AT_RAND, rand, 16);
    permute(tuak, block);
    take(block, AT_AK, ak, 6);
    crypto_wipe(block, sizeof(block));
}
