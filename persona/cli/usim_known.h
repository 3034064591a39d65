// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_USIM_KNOWN_H
#define CLI_USIM_KNOWN_H

/* The ICCIDs and IMSIs that a directory has, in memory: an ICCID names one USIM, and an IMSI one subscriber, whom the
 * network would authenticate with the keys of either. */

#include "usim.h"

/* Digits to a number, open addressing. */
struct digits_map {
    struct digits_slot *slots;
    size_t room, count;
};

struct usim_known {
    struct digits_map iccids; /* to the line that it came from, 0: from the directory */
    struct digits_map imsis;  /* to the ICCID */
};

enum usim_news {
    USIM_NEW,
    USIM_THERE,    /* its ICCID is in the directory; not told */
    USIM_CONFLICT, /* told */
};

/* Reads all profiles. The caller closes it, also on failure. */
enum cli_exit usim_known_open(struct usim_known *known, const struct usim_directory *directory);

void usim_known_close(struct usim_known *known);

/* Whether a profile has an ICCID and an IMSI of its own. */
enum usim_news usim_known_compare(const struct usim_known *known, const struct usim_profile *profile);

/* Adds a new profile, of a line of what is imported. @return false, and told, when there is no memory */
bool usim_known_add(struct usim_known *known, const struct usim_profile *profile, uint64_t line);

#endif
