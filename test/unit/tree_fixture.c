// SPDX-License-Identifier: BSD-3-Clause
#include "tree_fixture.h"

#include <libfdt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

void tree_fixture_load(struct tree_fixture *fixture, const char *name) {
    static _Alignas(8) uint8_t bytes[TREE_FIXTURE_SIZE];
    char path[512];

    assert_in_range(snprintf(path, sizeof(path), "%s/%s.dtb", TREES, name), 1, (int)sizeof(path) - 1);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, sizeof(bytes), file);
    assert_int_equal(fclose(file), 0);
    assert_in_range(size, 1, sizeof(bytes) - 1);
    assert_int_equal(fdt_open_into(bytes, fixture->bytes, (int)sizeof(fixture->bytes)), 0);
}

int tree_fixture_node(const struct tree_fixture *fixture, const char *path) {
    int node = fdt_path_offset(fixture->bytes, path);

    assert_true(node >= 0);
    return node;
}

void tree_fixture_delete(struct tree_fixture *fixture, const char *path) {
    assert_int_equal(fdt_del_node(fixture->bytes, tree_fixture_node(fixture, path)), 0);
}

void tree_fixture_add(struct tree_fixture *fixture, const char *parent, const char *name) {
    assert_true(fdt_add_subnode(fixture->bytes, tree_fixture_node(fixture, parent), name) > 0);
}

void tree_fixture_set(struct tree_fixture *fixture, const char *path, const char *property, const void *bytes,
                      size_t size) {
    int node = tree_fixture_node(fixture, path);

    assert_int_equal(bytes == NULL ? fdt_delprop(fixture->bytes, node, property)
                                   : fdt_setprop(fixture->bytes, node, property, bytes, (int)size),
                     0);
}

void tree_fixture_set_string(struct tree_fixture *fixture, const char *path, const char *property, const char *text) {
    tree_fixture_set(fixture, path, property, text, strlen(text) + 1);
}

void tree_fixture_set_cells(struct tree_fixture *fixture, const char *path, const char *property, const uint32_t *cells,
                            size_t count) {
    fdt32_t bytes[64];

    assert_in_range(count, 0, 64);
    for (size_t i = 0; i < count; i++) {
        bytes[i] = cpu_to_fdt32(cells[i]);
    }
    tree_fixture_set(fixture, path, property, bytes, count * sizeof(bytes[0]));
}
