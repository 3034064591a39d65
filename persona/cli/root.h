// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_ROOT_H
#define CLI_ROOT_H

/* What a persona's root file system is made of: an image, a directory or nothing; noted down with each version of the
 * persona, signed, and encrypted anew for each device that the persona is issued to. An image that changed in between
 * is refused; a directory is taken as it then is. */

#include "crypto/digest.h"
#include "crypto/keys.h"
#include "note.h"
#include "persona/manifest.h"

enum root_kind { ROOT_NONE, ROOT_IMAGE, ROOT_DIRECTORY, ROOT_EMPTY };

struct root {
    enum root_kind kind;
    char path[CLI_PATH_SIZE];    /* absolute; of an image or a directory */
    uint64_t size;               /* bytes */
    uint8_t digest[DIGEST_SIZE]; /* of an image */
};

/* Takes --root and --root-size, each may be NULL. */
bool root_take(const char *what, const char *size, struct root *root);

/* Reads an image to its end, for its size and digest. */
bool root_measure(struct root *root);

/* Notes it down for a version of a persona. */
bool root_write(const struct root *root, const struct record *record, const struct manifest *manifest,
                const struct org_key *signing);

/* Reads what was noted down for a version. */
enum cli_exit root_read(struct root *root, const struct record *record, const struct manifest *manifest);

/* Shows it; nothing when there is none. */
void root_report(const struct root *root, struct report *report);

/* Makes the encrypted image for a device. @param key_file KEYS_VOLUME_SIZE bytes */
bool root_make(const struct root *root, const char *name, const uint8_t *key_file, const char *target);

/* The encrypted image as it was issued; its signed digest lies beside it, PATH.signed. */
struct root_image {
    const char *path;
    const uint8_t *id;     /* of the persona, MANIFEST_ID_SIZE bytes */
    const uint8_t *device; /* thumbprint, P256_THUMBPRINT_SIZE bytes */
};

bool root_image_sign(const struct root_image *image, const struct record *record, const struct org_key *signing);

/* Reads the image to its end. */
enum cli_exit root_image_check(const struct root_image *image, const struct delegation_trust *trust);

#endif
