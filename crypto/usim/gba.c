// SPDX-License-Identifier: BSD-3-Clause
#include "usim/gba.h"

#include <mbedtls/sha1.h>
#include <string.h>

#include "crypto/hkdf.h"
#include "kdf.h"

enum { SHA1_SIZE = 20, MAC_AT = AKA_SQN_SIZE + AKA_AMF_SIZE, FC = 0x01 };

bool gba_unmark(const struct aka_secret *secret, const uint8_t *rand, const uint8_t *autn, uint8_t *genuine) {
    struct aka_answer answer;
    uint8_t digest[SHA1_SIZE] = {0};
    bool good = aka_answer_of(secret, rand, &answer) && mbedtls_sha1(answer.ik, secret->ik_size, digest) == 0;
    memcpy(genuine, autn, AKA_AUTN_SIZE);
    for (size_t i = 0; i < AKA_MAC_SIZE; i++)
        genuine[MAC_AT + i] ^= digest[i];
    crypto_wipe(&answer, sizeof(answer));
    crypto_wipe(digest, sizeof(digest));
    if (!good)
        crypto_wipe(genuine, AKA_AUTN_SIZE);
    return good;
}

void gba_bootstrap(struct gba *gba, const struct aka_secret *secret, const struct aka_answer *answer,
                   const uint8_t *rand) {
    crypto_wipe(gba, sizeof(*gba));
    memcpy(gba->ks, answer->ck, secret->ck_size);
    memcpy(gba->ks + secret->ck_size, answer->ik, secret->ik_size);
    gba->ks_size = secret->ck_size + secret->ik_size;
    memcpy(gba->rand, rand, AKA_RAND_SIZE);
}

static bool derive(const struct gba *gba, const struct gba_naf *naf, struct kdf_piece use, uint8_t *key) {
    const struct kdf_piece parameters[] = {
        use, {gba->rand, AKA_RAND_SIZE}, {naf->impi, naf->impi_size}, {naf->id, naf->id_size}};
    return kdf_33220(gba->ks, gba->ks_size, FC, parameters, 4, key);
}

bool gba_derive(const struct gba *gba, const struct gba_naf *naf, uint8_t *external, uint8_t *internal) {
    if (gba->ks_size == 0)
        return false;
    return derive(gba, naf, (struct kdf_piece){"gba-me", 6}, external) &&
           derive(gba, naf, (struct kdf_piece){"gba-u", 5}, internal);
}
