// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_ROOT_H
#define CLI_ROOT_H

/* What a persona's root file system is made of: an image, a directory or nothing; remembered with the persona, and
 * encrypted anew for each device that the persona is issued to. */

#include "cli.h"
#include "crypto/keys.h"

enum root_kind { ROOT_NONE, ROOT_IMAGE, ROOT_DIRECTORY, ROOT_EMPTY };

struct root {
    enum root_kind kind;
    char path[CLI_PATH_SIZE]; /* absolute; of an image or a directory */
    uint64_t size;            /* bytes; of a directory's or an empty file system */
};

enum { ROOT_TEXT_SIZE = CLI_PATH_SIZE + 32 };

/* Takes --root and --root-size, each may be NULL. */
bool root_take(const char *what, const char *size, struct root *root);

/* As it is remembered: "" for none. */
void root_write(const struct root *root, char *text);
bool root_read(const char *text, struct root *root);

/* Makes the encrypted image for a device. @param key_file KEYS_VOLUME_SIZE bytes */
bool root_make(const struct root *root, const char *name, const uint8_t *key_file, const char *target);

#endif
