// SPDX-License-Identifier: BSD-3-Clause
#ifndef TEST_TREE_FIXTURE_H
#define TEST_TREE_FIXTURE_H

/** Compiled device trees from data/, which tests may then damage. */

#include <stddef.h>
#include <stdint.h>

enum { TREE_FIXTURE_SIZE = 64 * 1024 }; /* bytes: room for edits included */

struct tree_fixture {
    _Alignas(8) uint8_t bytes[TREE_FIXTURE_SIZE];
};

/** Reads TREES/NAME.dtb, open for libfdt's editing; fails the test when that does not work. */
void tree_fixture_load(struct tree_fixture *fixture, const char *name);

/** @return the libfdt offset of a node; fails the test when there is none */
int tree_fixture_node(const struct tree_fixture *fixture, const char *path);

/** Deletes a node. */
void tree_fixture_delete(struct tree_fixture *fixture, const char *path);

/** Adds a node, beneath one that is there. */
void tree_fixture_add(struct tree_fixture *fixture, const char *parent, const char *name);

/** Sets a property to bytes; deletes it when bytes is NULL. */
void tree_fixture_set(struct tree_fixture *fixture, const char *path, const char *property, const void *bytes,
                      size_t size);

/** Sets a property to a string. */
void tree_fixture_set_string(struct tree_fixture *fixture, const char *path, const char *property, const char *text);

/** Sets a property to cells. */
void tree_fixture_set_cells(struct tree_fixture *fixture, const char *path, const char *property, const uint32_t *cells,
                            size_t count);

#endif
