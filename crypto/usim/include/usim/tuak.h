// SPDX-License-Identifier: BSD-3-Clause
#ifndef USIM_TUAK_H
#define USIM_TUAK_H

/** TUAK (TS 35.231), the second set of authentication functions: Keccak-f[1600] with K, TOPc and the inputs in one
 * block. */

#include <stddef.h>
#include <stdint.h>

enum {
    TUAK_TOP_SIZE = 32, /* bytes of TOP and TOPc */
    TUAK_KEY_MAX = 32,  /* bytes of K, CK and IK, MAC and RES at most */
};

/** What the functions work with; its sizes are checked when a profile is read. */
struct tuak {
    const uint8_t *k;    /* k_size bytes: 16 or 32 */
    const uint8_t *topc; /* TUAK_TOP_SIZE bytes */
    size_t k_size;
    size_t mac_size;     /* bytes: 8, 16 or 32 */
    size_t res_size;     /* bytes: 4, 8, 16 or 32 */
    size_t ck_size;      /* bytes: 16 or 32 */
    size_t ik_size;      /* bytes: 16 or 32 */
    unsigned iterations; /* of the permutation, 1 or more */
};

/** f2 to f5 of one RAND. A secret: wiped by the caller. */
struct tuak_answer {
    uint8_t res[TUAK_KEY_MAX];
    uint8_t ck[TUAK_KEY_MAX];
    uint8_t ik[TUAK_KEY_MAX];
    uint8_t ak[6];
};

/** Computes TOPc (6.1). @param top TUAK_TOP_SIZE bytes; tuak->topc is not used. @param topc TUAK_TOP_SIZE bytes */
void tuak_topc(const struct tuak *tuak, const uint8_t *top, uint8_t *topc);

/** Computes f1 (6.2). @param rand 16 bytes. @param sqn 6 bytes. @param amf 2 bytes. @param mac tuak->mac_size bytes */
void tuak_f1(const struct tuak *tuak, const uint8_t *rand, const uint8_t *sqn, const uint8_t *amf, uint8_t *mac);

/** Computes f1* (6.3), as f1. */
void tuak_f1_star(const struct tuak *tuak, const uint8_t *rand, const uint8_t *sqn, const uint8_t *amf, uint8_t *mac);

/** Computes f2, f3, f4 and f5 (6.4). @param rand 16 bytes */
void tuak_f2345(const struct tuak *tuak, const uint8_t *rand, struct tuak_answer *answer);

/** Computes f5* (6.5). @param rand 16 bytes. @param ak 6 bytes */
void tuak_f5_star(const struct tuak *tuak, const uint8_t *rand, uint8_t *ak);

#endif
