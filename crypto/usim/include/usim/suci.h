// SPDX-License-Identifier: BSD-3-Clause
#ifndef USIM_SUCI_H
#define USIM_SUCI_H

/** Concealed identities (TS 33.501 6.12, Annex C): the subscriber's number under a key of the home network. */

#include "usim/profile.h"

enum {
    SUCI_CONCEALED_MAX = 33 + 8 + 8, /* bytes: ephemeral key, ciphertext, MAC */
    USIM_SUCI_MAX = 8 + SUCI_CONCEALED_MAX,
    SUCI_SCALAR_SIZE = 32,
};

struct usim_random;

/** @return whether this is a public key of the scheme's curve: for B it must lie on it */
bool suci_key_fits(enum usim_scheme scheme, const struct usim_hn_key *key);

/**
 * Encrypts by ECIES (C.3.2, C.3.4).
 * @param scheme    A or B
 * @param ephemeral SUCI_SCALAR_SIZE bytes, random; wiped by the caller
 * @param text      size bytes, at most 8
 * @param concealed SUCI_CONCEALED_MAX bytes
 * @param concealed_size bytes of it; 0 on failure
 * @return false when the key or the random numbers are none, or the library failed
 */
__attribute__((warn_unused_result)) bool suci_conceal(enum usim_scheme scheme, const struct usim_hn_key *key,
                                                      const uint8_t *ephemeral, const uint8_t *text, size_t size,
                                                      uint8_t *concealed, size_t *concealed_size);

/**
 * Makes a SUCI as in a 5GS mobile identity (TS 24.501 9.11.3.4), by the profile's first scheme; without one, in the
 * null scheme.
 * @param suci USIM_SUCI_MAX bytes
 * @param size its bytes; 0 on failure
 * @return false as suci_conceal()
 */
__attribute__((warn_unused_result)) bool usim_suci(const struct usim_profile *profile, const struct usim_random *random,
                                                   uint8_t *suci, size_t *size);

#endif
