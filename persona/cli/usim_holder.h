// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_USIM_HOLDER_H
#define CLI_USIM_HOLDER_H

/* Who has a USIM: one holder, and nobody else after that one, though the USIM is removed. What is noted down lies
 * beside the profile; the removal of one that nobody has had needs no note. An issue is noted in the organisation's
 * record, too, so that an older copy of either of them is noticed by the other. */

#include "crypto/p256.h"
#include "usim.h"

#define USIM_PROFILE ".profile"
#define USIM_ISSUED ".issued"     /* to a device, whose thumbprint is in it */
#define USIM_SERVED ".state"      /* on this machine, what it accepted */
#define USIM_REMOVED ".removed"   /* who had it (persona/cli/cli.cddl) */
#define USIM_REMOVING ".removing" /* a profile that is being overwritten */

enum usim_holder_kind { USIM_NOBODY, USIM_DEVICE, USIM_THIS_MACHINE };

struct usim_holder {
    enum usim_holder_kind kind;
    uint8_t thumbprint[P256_THUMBPRINT_SIZE];
    char hex[2 * P256_THUMBPRINT_SIZE + 1]; /* the thumbprint */
    bool removed;
};

/* Reads who has a USIM, or had it before its removal. */
enum cli_exit usim_holder_read(const struct usim_directory *directory, const struct usim_profile *profile,
                               struct usim_holder *holder);

/* Writes the thumbprint in digits. */
void usim_holder_name(struct usim_holder *holder);

/* Refuses a USIM that was removed, and whose file is there nevertheless. */
enum cli_exit usim_holder_check(const struct usim_profile *profile, const struct usim_holder *holder);

/* Notes down that a device has a USIM. */
bool usim_holder_write(const struct usim_directory *directory, const struct usim_profile *profile,
                       const struct usim_holder *holder);

enum { USIM_CARD_SIZE = 32 };

/* Computes what names a subscription, whatever its ICCID: a MAC of IMSI and K. @param card USIM_CARD_SIZE bytes */
bool usim_card_of(const struct usim_directory *directory, const struct usim_profile *profile, uint8_t *card);

/* What is noted down of a USIM that was removed. */
struct usim_removal {
    char iccid[USIM_ICCID_DIGITS + 1];
    uint8_t card[USIM_CARD_SIZE];
    struct usim_holder holder;
};

bool usim_removal_write(const struct usim_directory *directory, const struct usim_profile *profile,
                        const struct usim_holder *holder);

enum cli_exit usim_removal_read(const struct usim_directory *directory, const char *iccid,
                                struct usim_removal *removal);

/* Takes the files of a USIM away, overwritten first: what the disk itself keeps of them is out of reach. A cut in
 * between leaves the profile whole, or what is cleared away later. */
bool usim_take_away(const struct usim_directory *directory, const struct usim_profile *profile);

/* Takes away what an interrupted flipside left, and says so in one line. The directory is locked. */
void usim_clear_leftovers(const struct usim_directory *directory);

#endif
