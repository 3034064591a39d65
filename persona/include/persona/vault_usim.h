// SPDX-License-Identifier: BSD-3-Clause
#ifndef PERSONA_VAULT_USIM_H
#define PERSONA_VAULT_USIM_H

/**
 * The device's USIM, before it goes beneath the personas: its profile out of the file device/usim (usim_file.h), and
 * its state, which lies where no persona reaches.
 *
 * An issue is taken once: its state is begun, then the file is written anew as the device keeps it. An earlier issue
 * than the last one is refused, issued or kept, whatever the card. A profile that is kept but whose state is gone is
 * refused: begun anew it would accept challenges a second time.
 *
 * At each start the vault's state notes the start's number and how far the card may go in it (usim/anchor.h), before
 * the card is used. So the card's state is not put back unseen unless the vault's state is, too, which a TPM tells.
 * Where the card's state does not outlive the power-off, the vault's is all that there is: the first challenge of each
 * start is answered with AUTS, and a profile whose PIN is enabled is refused, since nothing would count guesses at it.
 */

#include "persona/usim_file.h"
#include "persona/vault.h"
#include "usim/state.h"

/** An opened USIM; a secret that its owner wipes with vault_usim_wipe(). */
struct vault_usim {
    size_t size; /* bytes of the profile; 0: there is no USIM */
    uint8_t profile[USIM_PROFILE_MAX];
    uint8_t state_key[SEAL_KEY_SIZE];
    uint64_t generation;
    char iccid[USIM_ICCID_DIGITS + 1];
    struct usim_policy policy;
    bool begun; /* its state was begun just now; at each start where that does not outlive a power-off */
};

/**
 * Opens the USIM and has its state written ahead; takes it if it was issued.
 * @param vault   open
 * @param storage where its state is (usim/flash.h, usim/volatile.h); NULL: a USIM that is there is refused
 * @param usim    all zero on failure
 * @param reason  STORE_REASON_SIZE bytes: why not, one line without a full stop; "" when all is well
 * @return false: there is a USIM, and it cannot be used
 */
__attribute__((warn_unused_result)) bool vault_usim_open(struct vault *vault, const struct usim_storage *storage,
                                                         struct vault_usim *usim, char *reason);

/**
 * Says what a persona may do with it. Where the policy has the identifier of a signed persona, no other one of its name
 * is meant: a folder can be called anything by whoever writes the disk.
 * @param persona its name
 * @param id      KEYS_ID_SIZE bytes, of its verified manifest; NULL: it is not signed
 * @param access  if true is returned
 * @return whether it may use it at all
 */
__attribute__((warn_unused_result)) bool vault_usim_allows(const struct vault_usim *usim, const char *persona,
                                                           const uint8_t *id, enum usim_access *access);

void vault_usim_wipe(struct vault_usim *usim);

#endif
