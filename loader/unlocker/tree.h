// SPDX-License-Identifier: BSD-3-Clause
#ifndef UNLOCKER_TREE_H
#define UNLOCKER_TREE_H

/** The persona's device tree, which the loader made: what the unlocker takes from it and what it changes in it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tree_place {
    uint64_t base; /* bytes, physical */
    uint64_t size; /* bytes */
};

/**
 * Finds the partition and the bundle.
 * @param bundle where the tree says that the initrd is
 * @return false: it is not a tree that the loader made
 */
__attribute__((warn_unused_result)) bool tree_find(const void *tree, struct tree_place *partition,
                                                   struct tree_place *bundle);

/** What an opened persona's tree says beyond the loader's. */
struct tree_change {
    uint64_t initrd;
    uint64_t initrd_end;
    uint64_t version; /* /chosen/flipside,version */
    const char *up;   /* /chosen/flipside,up-token */
};

/**
 * Copies the tree with the changes.
 * @param to room bytes, 8-byte aligned
 * @return false: it does not fit
 */
__attribute__((warn_unused_result)) bool tree_change(const void *tree, const struct tree_change *change, void *to,
                                                     size_t room);

#endif
