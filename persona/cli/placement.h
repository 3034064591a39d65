// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_PLACEMENT_H
#define CLI_PLACEMENT_H

/* What an installation put onto a disk, and what was there before: kept in \flipside\replaced, with a list of all in
 * \flipside\replaced\list, a line for each:
 *
 *     flipside 1 BOARD
 *     directory PATH             made by the installation
 *     new SHA-256 PATH           put where nothing was
 *     kept SHA-256 PATH          put where a file was, which is in \flipside\replaced\PATH now
 */

#include "crypto/digest.h"
#include "medium.h"
#include "persona/config.h"

enum {
    PLACEMENTS_MAX = 64,
    PLACEMENT_PATH_SIZE = 128,
    PLACEMENT_LIST_MAX = PLACEMENTS_MAX * (PLACEMENT_PATH_SIZE + 80),
};

#define PLACEMENT_FOLDER "flipside/replaced"

enum placement_kind { PLACEMENT_DIRECTORY, PLACEMENT_NEW, PLACEMENT_KEPT };

struct placement {
    enum placement_kind kind;
    char path[PLACEMENT_PATH_SIZE];
    uint8_t digest[DIGEST_SIZE]; /* of what the installation put there */
};

struct placements {
    char board[CONFIG_NAME_SIZE]; /* "": nothing is installed */
    size_t count;
    struct placement items[PLACEMENTS_MAX];
};

/* Reads the list; one that is not there is empty. */
enum cli_exit placements_read(const struct medium *medium, struct placements *placements);

bool placements_write(struct medium *medium, const struct placements *placements);

struct placement *placements_find(struct placements *placements, const char *path);

/* @return the new one; NULL, and told, when there are too many */
struct placement *placements_add(struct placements *placements, enum placement_kind kind, const char *path);

/* Computes the digest of a file on a medium. */
enum medium_result placement_digest(const struct medium *medium, const char *path, uint8_t *digest);

#endif
