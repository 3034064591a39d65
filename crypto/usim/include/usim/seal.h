// SPDX-License-Identifier: BSD-3-Clause
#ifndef USIM_SEAL_H
#define USIM_SEAL_H

/**
 * Profiles and states as they are stored: AES-256-GCM under keys that are derived from one (keys.h: KEYS_USIM). The
 * nonce is a MAC of the plain text, so that no counter is needed for it that might be put back: the same nonce means
 * the same text. As aka.h, this uses vector registers.
 */

#include <stddef.h>
#include <stdint.h>

#include "usim/error.h"

enum {
    SEAL_KEY_SIZE = 32, /* bytes */
    SEAL_OVERHEAD = 28, /* bytes by which what is sealed is longer: nonce, then ciphertext, then tag */
};

/** What is sealed: one does not open as the other. */
enum seal_use {
    SEAL_PROFILE = 1,
    SEAL_STATE = 2,
    SEAL_INDEX = 3,   /* of a store of profiles, as `flipside usim` has it (persona/cli/cli.cddl) */
    SEAL_REMOVAL = 4, /* there, too: of a profile that was removed */
};

/**
 * Seals.
 * @param key    SEAL_KEY_SIZE bytes
 * @param sealed size + SEAL_OVERHEAD bytes, all zero on failure; does not overlap plain
 * @return USIM_OK, USIM_FAILED
 */
__attribute__((warn_unused_result)) enum usim_error usim_seal(const uint8_t *key, enum seal_use use,
                                                              const uint8_t *plain, size_t size, uint8_t *sealed);

/**
 * Opens.
 * @param sealed size + SEAL_OVERHEAD bytes
 * @param plain  size bytes, all zero on failure; a secret, wiped by the caller
 * @return USIM_OK, USIM_NOT_AUTHENTIC, USIM_FAILED
 */
__attribute__((warn_unused_result)) enum usim_error usim_unseal(const uint8_t *key, enum seal_use use,
                                                                const uint8_t *sealed, uint8_t *plain, size_t size);

#endif
