// SPDX-License-Identifier: BSD-3-Clause
#include "usim/aka.h"

#include <string.h>

#include "crypto/digest.h"
#include "crypto/hkdf.h"
#include "taint.h"
#include "usim/milenage.h"
#include "usim/tuak.h"

static struct milenage milenage_of(const struct aka_secret *secret) {
    return (struct milenage){.k = secret->k, .opc = secret->opc};
}

static struct tuak tuak_of(const struct aka_secret *secret) {
    return (struct tuak){.k = secret->k,
                         .topc = secret->opc,
                         .k_size = secret->k_size,
                         .mac_size = AKA_MAC_SIZE,
                         .res_size = secret->res_size,
                         .ck_size = secret->ck_size,
                         .ik_size = secret->ik_size,
                         .iterations = secret->iterations};
}

static bool is_16_or_32(size_t size) { return size == 16 || size == 32; }

bool aka_secret_fits(const struct aka_secret *secret) {
    if (secret->algorithm == AKA_MILENAGE)
        return secret->k_size == 16 && secret->res_size == 8 && secret->ck_size == 16 && secret->ik_size == 16;
    return secret->algorithm == AKA_TUAK && is_16_or_32(secret->k_size) && is_16_or_32(secret->ck_size) &&
           secret->ik_size == secret->ck_size && secret->iterations >= 1 && secret->iterations <= 255 &&
           (secret->res_size == 4 || secret->res_size == 8 || is_16_or_32(secret->res_size));
}

bool aka_derive_opc(struct aka_secret *secret, const uint8_t *op) {
    if (secret->algorithm == AKA_MILENAGE)
        return milenage_opc(secret->k, op, secret->opc);
    struct tuak tuak = tuak_of(secret);
    tuak_topc(&tuak, op, secret->opc);
    return true;
}

/* ---- The functions, whichever the algorithm */

static bool f1(const struct aka_secret *secret, const uint8_t *rand, const uint8_t *sqn, const uint8_t *amf,
               uint8_t *mac_a) {
    uint8_t mac_s[AKA_MAC_SIZE];
    struct milenage milenage = milenage_of(secret);
    struct tuak tuak = tuak_of(secret);
    if (secret->algorithm == AKA_MILENAGE)
        return milenage_f1(&milenage, rand, sqn, amf, mac_a, mac_s);
    tuak_f1(&tuak, rand, sqn, amf, mac_a);
    return true;
}

static bool f1_star(const struct aka_secret *secret, const uint8_t *rand, const uint8_t *sqn, const uint8_t *amf,
                    uint8_t *mac_s) {
    uint8_t mac_a[AKA_MAC_SIZE];
    struct milenage milenage = milenage_of(secret);
    struct tuak tuak = tuak_of(secret);
    if (secret->algorithm == AKA_MILENAGE)
        return milenage_f1(&milenage, rand, sqn, amf, mac_a, mac_s);
    tuak_f1_star(&tuak, rand, sqn, amf, mac_s);
    return true;
}

static bool f5_star(const struct aka_secret *secret, const uint8_t *rand, uint8_t *ak) {
    struct milenage milenage = milenage_of(secret);
    struct tuak tuak = tuak_of(secret);
    if (secret->algorithm == AKA_MILENAGE)
        return milenage_f5_star(&milenage, rand, ak);
    tuak_f5_star(&tuak, rand, ak);
    return true;
}

static bool milenage_answer_of(const struct aka_secret *secret, const uint8_t *rand, struct aka_answer *answer,
                               uint8_t *ak) {
    struct milenage milenage = milenage_of(secret);
    struct milenage_answer computed;
    bool good = milenage_f2345(&milenage, rand, &computed);
    memcpy(answer->res, computed.res, sizeof(computed.res));
    memcpy(answer->ck, computed.ck, sizeof(computed.ck));
    memcpy(answer->ik, computed.ik, sizeof(computed.ik));
    memcpy(ak, computed.ak, sizeof(computed.ak));
    crypto_wipe(&computed, sizeof(computed));
    return good;
}

static void tuak_answer_of(const struct aka_secret *secret, const uint8_t *rand, struct aka_answer *answer,
                           uint8_t *ak) {
    struct tuak tuak = tuak_of(secret);
    struct tuak_answer computed = {.ak = {0}};
    tuak_f2345(&tuak, rand, &computed);
    memcpy(answer->res, computed.res, secret->res_size);
    memcpy(answer->ck, computed.ck, secret->ck_size);
    memcpy(answer->ik, computed.ik, secret->ik_size);
    memcpy(ak, computed.ak, sizeof(computed.ak));
    crypto_wipe(&computed, sizeof(computed));
}

static bool f2345(const struct aka_secret *secret, const uint8_t *rand, struct aka_answer *answer, uint8_t *ak) {
    memset(answer, 0, sizeof(*answer));
    if (secret->algorithm == AKA_MILENAGE)
        return milenage_answer_of(secret, rand, answer, ak);
    tuak_answer_of(secret, rand, answer, ak);
    return true;
}

/* ---- Sequence numbers */

static uint64_t seq_of(uint64_t sqn) { return sqn >> AKA_IND_BITS; }
static size_t ind_of(uint64_t sqn) { return sqn & (AKA_INDS - 1); }

uint64_t aka_sqn_ms(const struct aka_array *array) {
    size_t highest = 0;
    for (size_t ind = 1; ind < AKA_INDS; ind++)
        if (array->seq[ind] > array->seq[highest])
            highest = ind;
    return array->seq[highest] << AKA_IND_BITS | highest;
}

bool aka_is_fresh(const struct aka_array *array, const struct aka_rule *rule, uint64_t sqn) {
    /* Signed: SEQ below SEQ_MS is out of order, and not far ahead. */
    int64_t ahead = (int64_t)seq_of(sqn) - (int64_t)seq_of(aka_sqn_ms(array));
    if (ahead > (int64_t)rule->delta)
        return false;
    if (rule->limit != 0 && -ahead >= (int64_t)rule->limit)
        return false;
    return seq_of(sqn) > array->seq[ind_of(sqn)];
}

void aka_accept(struct aka_array *array, uint64_t sqn) { array->seq[ind_of(sqn)] = seq_of(sqn); }

/* ---- Challenges */

static void put_sqn(uint8_t *to, uint64_t sqn) {
    for (unsigned i = 0; i < AKA_SQN_SIZE; i++)
        to[i] = (uint8_t)(sqn >> (40 - 8 * i));
}

static uint64_t get_sqn(const uint8_t *from) {
    uint64_t sqn = 0;
    for (unsigned i = 0; i < AKA_SQN_SIZE; i++)
        sqn = sqn << 8 | from[i];
    return sqn;
}

static void mix_sqn(uint8_t *to, const uint8_t *from, const uint8_t *ak) {
    for (unsigned i = 0; i < AKA_SQN_SIZE; i++)
        to[i] = from[i] ^ ak[i];
}

bool aka_challenge(const struct aka_secret *secret, const uint8_t *rand, const uint8_t *autn, struct aka_answer *answer,
                   bool *failed) {
    uint8_t ak[AKA_SQN_SIZE], sqn[AKA_SQN_SIZE], mac[AKA_MAC_SIZE];
    bool good = f2345(secret, rand, answer, ak);
    mix_sqn(sqn, autn, ak);
    good = good && f1(secret, rand, sqn, autn + AKA_SQN_SIZE, mac);
    *failed = !good;
    good = good && crypto_equal(mac, autn + AKA_SQN_SIZE + AKA_AMF_SIZE, AKA_MAC_SIZE);
    USIM_PUBLIC(&good, sizeof(good));
    answer->sqn = get_sqn(sqn);
    if (!good)
        crypto_wipe(answer, sizeof(*answer));
    crypto_wipe(ak, sizeof(ak));
    crypto_wipe(sqn, sizeof(sqn));
    crypto_wipe(mac, sizeof(mac));
    /* Whether it is fresh is told to whoever asks, and SQN is what the network chose. */
    USIM_PUBLIC(&answer->sqn, sizeof(answer->sqn));
    return good;
}

bool aka_answer_of(const struct aka_secret *secret, const uint8_t *rand, struct aka_answer *answer) {
    uint8_t ak[AKA_SQN_SIZE];
    bool good = f2345(secret, rand, answer, ak);
    crypto_wipe(ak, sizeof(ak));
    return good;
}

bool aka_resynchronise(const struct aka_secret *secret, const uint8_t *rand, uint64_t sqn_ms, uint8_t *auts) {
    static const uint8_t amf[AKA_AMF_SIZE] = {0, 0};
    uint8_t sqn[AKA_SQN_SIZE], ak[AKA_SQN_SIZE];
    put_sqn(sqn, sqn_ms);
    bool good = f5_star(secret, rand, ak) && f1_star(secret, rand, sqn, amf, auts + AKA_SQN_SIZE);
    mix_sqn(auts, sqn, ak);
    crypto_wipe(ak, sizeof(ak));
    if (!good)
        crypto_wipe(auts, AKA_AUTS_SIZE);
    return good;
}

void aka_kc(const uint8_t *ck, const uint8_t *ik, uint8_t *kc) {
    for (size_t i = 0; i < 8; i++)
        kc[i] = ck[i] ^ ck[i + 8] ^ ik[i] ^ ik[i + 8];
}

bool aka_gsm(const struct aka_secret *secret, const uint8_t *rand, uint8_t *sres, uint8_t *kc) {
    struct aka_answer answer;
    uint8_t ak[AKA_SQN_SIZE];
    bool good = f2345(secret, rand, &answer, ak);
    /* c2: RES is padded with zeros to 16 bytes, of which the words are added; bytes beyond 16 have no part in it. */
    for (size_t i = 0; i < 4; i++)
        sres[i] = answer.res[i] ^ answer.res[i + 4] ^ answer.res[i + 8] ^ answer.res[i + 12];
    aka_kc(answer.ck, answer.ik, kc);
    crypto_wipe(&answer, sizeof(answer));
    crypto_wipe(ak, sizeof(ak));
    return good;
}
