// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_USIM_INDEX_H
#define CLI_USIM_INDEX_H

/* Which IMSI each profile of a directory has, so that not all are opened to see whether an IMSI is free: usim.index,
 * sealed under the key of the profiles (persona/cli/cli.cddl). A row counts for the file whose tag it has and for no
 * other, and a tag is of one content: so an older index, or profiles that were exchanged, put back or taken away, make
 * some rows count for nothing and are no danger. What has no row is opened. An index that is missing or damaged is made
 * anew. */

#include "usim.h"

struct usim_row {
    uint64_t iccid; /* its digits as a number */
    uint64_t imsi;  /* the same behind a 1, since leading zeros count */
    struct usim_tag tag;
};

struct usim_rows {
    struct usim_row *rows;
    size_t count, room;
};

/* Adds a row. @return false, and told, when there is no memory */
bool usim_rows_add(struct usim_rows *rows, const struct usim_row *row);

void usim_rows_free(struct usim_rows *rows);

/* Reads the index, in the order of ICCIDs. @return false, and told, when there is one that is none */
bool usim_index_read(const struct usim_directory *directory, struct usim_rows *rows);

/* @return the row of a file that is there, NULL: none */
const struct usim_row *usim_index_find(const struct usim_rows *rows, uint64_t iccid, const struct usim_tag *tag);

/* Writes the index; the order of the rows is changed. */
bool usim_index_write(const struct usim_directory *directory, struct usim_rows *rows);

#endif
