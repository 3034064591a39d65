// SPDX-License-Identifier: BSD-3-Clause
#ifndef AGENT_MARK_H
#define AGENT_MARK_H

/**
 * The mark that this version of the persona came up. The loader tries a new version a few times; it takes it for good
 * when it finds, at a later start, the token that it gave this system in the file `up` of the persona's directory on
 * the terminal's EFI system partition. Without the mark the version before is started again.
 *
 * What the loader says, in the device tree below /chosen, each a string:
 *
 *     flipside,persona     the persona's directory in the store
 *     flipside,store       GPT identifier of the partition with the store
 *     flipside,up-token    MARK_TOKEN_SIZE hexadecimal digits
 */

#include <stdbool.h>

enum {
    MARK_TOKEN_SIZE = 64, /* characters */
    MARK_FILE_SIZE = 512, /* bytes; the file is as long already, and written over in place */
    MARK_TEXT_SIZE = 64,  /* characters of a persona's directory and of a partition's identifier, with the final NUL */
};

enum mark_error {
    MARK_OK = 0,
    MARK_NOT_ASKED,   /* the loader gave no token: nothing is to be done */
    MARK_BAD_TREE,    /* what the loader says is not in this form */
    MARK_NO_STORE,    /* the partition with the store is not there, or can't be mounted: errno */
    MARK_NO_FILE,     /* the store has no file for the mark: errno */
    MARK_WRONG_FILE,  /* it is not a plain file of its size */
    MARK_NOT_WRITTEN, /* errno */
};

struct mark {
    char persona[MARK_TEXT_SIZE];
    char store[MARK_TEXT_SIZE];
    char token[MARK_TOKEN_SIZE + 1];
};

/**
 * Reads what the loader says.
 * @param chosen the directory of /chosen, such as "/proc/device-tree/chosen"
 * @param mark   all zero on failure
 * @return MARK_OK, MARK_NOT_ASKED, MARK_BAD_TREE
 */
__attribute__((warn_unused_result)) enum mark_error mark_read(const char *chosen, struct mark *mark);

/**
 * Writes the mark to a store that is mounted.
 * @param directory where the partition is mounted
 * @return MARK_OK, MARK_NO_FILE, MARK_WRONG_FILE, MARK_NOT_WRITTEN
 */
__attribute__((warn_unused_result)) enum mark_error mark_write(const struct mark *mark, const char *directory);

/**
 * Mounts the store where nobody else sees it, writes the mark, and unmounts it.
 * @return any enum mark_error but MARK_NOT_ASKED, MARK_BAD_TREE
 */
__attribute__((warn_unused_result)) enum mark_error mark_put(const struct mark *mark);

/** @return the error's text, one line without a full stop; never NULL */
const char *mark_error_text(enum mark_error error);

#endif
