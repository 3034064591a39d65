// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_USIM_RECORD_H
#define CLI_USIM_RECORD_H

/* What the organisation's record says of who has a USIM (table usim_holder): an older copy of a store, which knows of
 * no issue since, does not make it issue a USIM to a second device. Rows stay when device and USIM are removed. */

#include "record.h"
#include "usim_holder.h"

/* Refuses a USIM whose ICCID or whose IMSI and K another device has. @param card as of usim_card_of() */
enum cli_exit usim_record_check(struct record *record, const struct usim_profile *profile, const uint8_t *card,
                                const struct usim_holder *holder);

/* Notes down that a device has it; the record is complete. */
bool usim_record_write(struct record *record, const struct usim_profile *profile, const uint8_t *card,
                       const struct usim_holder *holder);

/* Whether a USIM may be removed: no device that is enrolled has it, and the organisation is the one that knows of it.
 * A holder that the record alone knows of is put into *holder. */
enum cli_exit usim_record_check_removal(struct record *record, const struct usim_profile *profile,
                                        struct usim_holder *holder);

#endif
