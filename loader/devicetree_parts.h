// SPDX-License-Identifier: BSD-3-Clause
#ifndef LOADER_DEVICETREE_PARTS_H
#define LOADER_DEVICETREE_PARTS_H

/** What devicetree_build() is made of: which nodes are kept, which properties are, and writing them. */

#include "devicetree.h"

enum { DEVICETREE_REMOVED_MAX = 1024 }; /* phandles of nodes left out that can be remembered */

/** One build: the source, what of it is left out, and the first error of writing, which then sticks. */
struct devicetree_build {
    const struct devicetree_request *request;
    void *out;
    int fdt_error; /* of libfdt's sequential writing */
    size_t removed_count;
    uint32_t removed[DEVICETREE_REMOVED_MAX];
};

/** @return whether a node is copied; path is its own */
bool devicetree_keeps_node(const struct devicetree_build *build, const struct tree_cursor *node, const char *path);

/** @return whether the tree that is built has the node of this path or alias, `length` bytes long */
bool devicetree_keeps_path(const struct devicetree_build *build, const char *path, size_t length);

/** Remembers the phandles of all nodes that are not copied, so that what refers to them can be left out too. */
__attribute__((warn_unused_result)) enum devicetree_error devicetree_find_removed(struct devicetree_build *build);

/** @return whether a property of a node that is copied is copied with it; path is the node's */
bool devicetree_keeps_property(const struct devicetree_build *build, const struct tree_cursor *node, const char *path,
                               const char *name, const void *value, size_t size);

/** @return the error that a failed walk through the source is */
enum devicetree_error devicetree_walk_error(enum tree_error error);

/** @return whether the node is the real-time clock that the switcher makes for each persona */
bool devicetree_is_clock(const struct devicetree_build *build, const char *path);

/** @return whether the node is one of the CPUs */
bool devicetree_is_cpu(const struct tree_cursor *node);

#endif
