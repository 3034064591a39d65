// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_USIM_KNOWN_H
#define CLI_USIM_KNOWN_H

/* The ICCIDs and IMSIs that a directory has, in memory: an ICCID names one USIM, and an IMSI one subscriber, whom the
 * network would authenticate with the keys of either. */

#include "usim_holder.h"
#include "usim_index.h"

/* Digits to a number, open addressing. */
struct digits_map {
    struct digits_slot *slots;
    size_t room, count;
};

struct usim_known {
    const struct usim_directory *directory;
    struct digits_map iccids;      /* to the line that it came from, 0: from the directory */
    struct digits_map imsis;       /* to the ICCID */
    struct usim_rows index;        /* as it was read */
    struct usim_rows rows;         /* what is known, as the next index has it */
    size_t opened;                 /* of these were in no index */
    bool renew;                    /* the index is none */
    struct usim_removal *removals; /* of USIMs that somebody has had */
    size_t removal_count, removal_room;
};

enum usim_news {
    USIM_NEW,
    USIM_THERE,    /* its ICCID is in the directory; not told */
    USIM_CONFLICT, /* told */
};

/* Reads the index, and the profiles that are not in it. The caller closes it, also on failure. */
enum cli_exit usim_known_open(struct usim_known *known, const struct usim_directory *directory);

/* Writes the index when many were not in it. That it fails is told, and does no harm. */
void usim_known_keep(struct usim_known *known);

void usim_known_close(struct usim_known *known);

/* Whether a profile has an ICCID and an IMSI of its own, and is none that somebody has had. */
enum usim_news usim_known_compare(const struct usim_known *known, const struct usim_profile *profile);

/* Adds a new profile, of a line of what is imported. @return false, and told, when there is no memory */
bool usim_known_add(struct usim_known *known, const struct usim_profile *profile, const struct usim_tag *tag,
                    uint64_t line);

#endif
