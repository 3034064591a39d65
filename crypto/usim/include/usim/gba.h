// SPDX-License-Identifier: BSD-3-Clause
#ifndef USIM_GBA_H
#define USIM_GBA_H

/** Generic bootstrapping with keys on the card, GBA_U (TS 33.220 5, TS 31.102 7.1.1.4 and 7.1.1.5). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "usim/aka.h"

enum {
    GBA_KS_MAX = 2 * AKA_KEY_MAX, /* bytes of Ks: CK and IK */
    GBA_NAF_KEY_SIZE = 32,        /* bytes of Ks_ext_NAF and Ks_int_NAF */
};

/** What bootstrapping left on the card. A secret. */
struct gba {
    uint8_t ks[GBA_KS_MAX];
    size_t ks_size; /* bytes; 0: there was no bootstrapping */
    uint8_t rand[AKA_RAND_SIZE];
};

/** What a NAF's keys are derived from. */
struct gba_naf {
    const uint8_t *id; /* NAF_Id: its name and the Ua security protocol's identifier */
    size_t id_size;    /* bytes */
    const uint8_t *impi;
    size_t impi_size; /* bytes */
};

/**
 * Takes the server's mark out of a challenge (TS 33.220 5.3.2): MAC = MAC* ^ Trunc(SHA-1(IK)).
 * @param autn    AKA_AUTN_SIZE bytes, as they came
 * @param genuine AKA_AUTN_SIZE bytes
 * @return false when the library failed
 */
__attribute__((warn_unused_result)) bool gba_unmark(const struct aka_secret *secret, const uint8_t *rand,
                                                    const uint8_t *autn, uint8_t *genuine);

/** Keeps Ks = CK || IK of a challenge that was accepted. */
void gba_bootstrap(struct gba *gba, const struct aka_secret *secret, const struct aka_answer *answer,
                   const uint8_t *rand);

/**
 * Derives a NAF's keys (TS 33.220 B.3): Ks_ext_NAF, which leaves the card, and Ks_int_NAF, which does not.
 * @param external, internal GBA_NAF_KEY_SIZE bytes each
 * @return false when there was no bootstrapping, or the library failed
 */
__attribute__((warn_unused_result)) bool gba_derive(const struct gba *gba, const struct gba_naf *naf, uint8_t *external,
                                                    uint8_t *internal);

#endif
