// SPDX-License-Identifier: BSD-3-Clause
#ifndef USIM_AKA_H
#define USIM_AKA_H

/**
 * Authentication and key agreement on the card's side (TS 33.102 6.3): the functions f1 to f5* of either algorithm, and
 * the sequence numbers of Annex C.
 *
 * AES uses the CPU's vector registers where it has instructions for it: whoever calls this where another system's are
 * in the CPU saves them before and restores them after (the switcher; all else here works with general registers).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    AKA_RAND_SIZE = 16,
    AKA_AUTN_SIZE = 16,
    AKA_AUTS_SIZE = 14,
    AKA_SQN_SIZE = 6,
    AKA_AMF_SIZE = 2,
    AKA_MAC_SIZE = 8, /* bytes of MAC in AUTN and AUTS */
    AKA_KEY_MAX = 32, /* bytes of K, OPc or TOPc, CK, IK and RES at most */
    AKA_IND_BITS = 5,
    AKA_INDS = 1 << AKA_IND_BITS, /* entries of the array */
};

#define AKA_SEQ_MAX ((UINT64_C(1) << (48 - AKA_IND_BITS)) - 1)

enum aka_algorithm {
    AKA_MILENAGE = 1,
    AKA_TUAK = 2,
};

/** The subscriber's secret and how the functions are computed from it. Wiped by its owner. */
struct aka_secret {
    enum aka_algorithm algorithm;
    uint8_t k[AKA_KEY_MAX];
    uint8_t opc[AKA_KEY_MAX]; /* OPc, or TOPc */
    size_t k_size;            /* bytes: 16, with TUAK 16 or 32 */
    size_t res_size;          /* bytes: 8; with TUAK 4, 8, 16 or 32 */
    size_t ck_size;           /* bytes: 16; with TUAK 16 or 32 */
    size_t ik_size;           /* bytes: as of CK */
    unsigned iterations;      /* TUAK's; 1 or more */
};

/** When a sequence number is fresh (TS 33.102 C.2.2). */
struct aka_rule {
    uint64_t delta; /* SEQ may be so far ahead of SEQ_MS */
    uint64_t limit; /* and must be less far behind it; 0: no limit */
};

/** SEQ_MS (i): for each IND the highest SEQ that was accepted. */
struct aka_array {
    uint64_t seq[AKA_INDS];
};

/** What a challenge was answered with. A secret: wiped by the caller. */
struct aka_answer {
    uint8_t res[AKA_KEY_MAX];
    uint8_t ck[AKA_KEY_MAX];
    uint8_t ik[AKA_KEY_MAX];
    uint64_t sqn; /* 48 bits */
};

/** Whether the secret's sizes are ones that its algorithm has, and a USIM can use (MAC of 64 bits). */
bool aka_secret_fits(const struct aka_secret *secret);

/** Computes OPc from OP, or TOPc from TOP, in secret->opc. @return false when the library failed */
__attribute__((warn_unused_result)) bool aka_derive_opc(struct aka_secret *secret, const uint8_t *op);

/** @return SQN_MS, 48 bits: the highest SEQ of the array with its IND (C.2.1, C.3.2) */
uint64_t aka_sqn_ms(const struct aka_array *array);

/**
 * Checks a sequence number (C.2.2): SEQ - SEQ_MS <= delta as a signed difference; SEQ_MS - SEQ < limit; and SEQ greater
 * than SEQ_MS (IND).
 * @param sqn 48 bits
 */
bool aka_is_fresh(const struct aka_array *array, const struct aka_rule *rule, uint64_t sqn);

/** Takes a fresh sequence number into the array. */
void aka_accept(struct aka_array *array, uint64_t sqn);

/**
 * Checks a challenge's MAC and computes what it is answered with (6.3.3); whether it is fresh is not looked at.
 * @param rand   AKA_RAND_SIZE bytes
 * @param autn   AKA_AUTN_SIZE bytes: SQN ^ AK, AMF, MAC-A
 * @param answer all zero when false
 * @param failed set when the library failed; else false means a wrong MAC
 */
__attribute__((warn_unused_result)) bool aka_challenge(const struct aka_secret *secret, const uint8_t *rand,
                                                       const uint8_t *autn, struct aka_answer *answer, bool *failed);

/** Computes RES, CK and IK of a challenge whatever its AUTN. @return false when the library failed */
__attribute__((warn_unused_result)) bool aka_answer_of(const struct aka_secret *secret, const uint8_t *rand,
                                                       struct aka_answer *answer);

/**
 * Computes AUTS (6.3.3, 6.3.5): SQN_MS ^ AK*, MAC-S with AMF 0000.
 * @param sqn_ms 48 bits
 * @param auts   AKA_AUTS_SIZE bytes
 * @return false when the library failed
 */
__attribute__((warn_unused_result)) bool aka_resynchronise(const struct aka_secret *secret, const uint8_t *rand,
                                                           uint64_t sqn_ms, uint8_t *auts);

/**
 * Computes the answer of a GSM challenge (6.8.1.4, conversions c2 and c3). CK and IK are of 16 bytes.
 * @param sres 4 bytes
 * @param kc   8 bytes
 * @return false when the library failed
 */
__attribute__((warn_unused_result)) bool aka_gsm(const struct aka_secret *secret, const uint8_t *rand, uint8_t *sres,
                                                 uint8_t *kc);

/** Conversion c3 (6.8.1.4). @param ck, ik 16 bytes each. @param kc 8 bytes */
void aka_kc(const uint8_t *ck, const uint8_t *ik, uint8_t *kc);

#endif
