// SPDX-License-Identifier: BSD-3-Clause
#ifndef USIM_MILENAGE_H
#define USIM_MILENAGE_H

/**
 * Milenage (TS 35.206), the example set of the authentication functions f1 to f5*, with the constants c1 to c5 and r1
 * to r5 of clause 4.1. AES-128 is mbedTLS's: where the CPU has instructions for it, it takes the same time for all
 * keys.
 */

#include <stdbool.h>
#include <stdint.h>

enum {
    MILENAGE_KEY_SIZE = 16, /* bytes of K, OP and OPc */
    MILENAGE_MAC_SIZE = 8,  /* bytes of MAC-A and MAC-S */
    MILENAGE_RES_SIZE = 8,  /* bytes */
};

/** What the functions work with; OPc only, so that a card never holds OP. */
struct milenage {
    const uint8_t *k;   /* MILENAGE_KEY_SIZE bytes */
    const uint8_t *opc; /* MILENAGE_KEY_SIZE bytes */
};

/** f2 to f5 of one RAND. A secret: wiped by the caller. */
struct milenage_answer {
    uint8_t res[MILENAGE_RES_SIZE];
    uint8_t ck[16];
    uint8_t ik[16];
    uint8_t ak[6];
};

/**
 * Computes OPc (4.1).
 * @param k, op MILENAGE_KEY_SIZE bytes
 * @param opc   MILENAGE_KEY_SIZE bytes; may be op
 * @return false when the library failed
 */
__attribute__((warn_unused_result)) bool milenage_opc(const uint8_t *k, const uint8_t *op, uint8_t *opc);

/**
 * Computes f1 and f1* (4.1), which are halves of one block.
 * @param rand  16 bytes
 * @param sqn   6 bytes
 * @param amf   2 bytes
 * @param mac_a, mac_s MILENAGE_MAC_SIZE bytes each; all zero on failure
 * @return false when the library failed
 */
__attribute__((warn_unused_result)) bool milenage_f1(const struct milenage *milenage, const uint8_t *rand,
                                                     const uint8_t *sqn, const uint8_t *amf, uint8_t *mac_a,
                                                     uint8_t *mac_s);

/**
 * Computes f2, f3, f4 and f5 (4.1).
 * @param rand   16 bytes
 * @param answer all zero on failure
 * @return false when the library failed
 */
__attribute__((warn_unused_result)) bool milenage_f2345(const struct milenage *milenage, const uint8_t *rand,
                                                        struct milenage_answer *answer);

/**
 * Computes f5* (4.1).
 * @param rand 16 bytes
 * @param ak   6 bytes; all zero on failure
 * @return false when the library failed
 */
__attribute__((warn_unused_result)) bool milenage_f5_star(const struct milenage *milenage, const uint8_t *rand,
                                                          uint8_t *ak);

#endif
