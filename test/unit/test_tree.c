// SPDX-License-Identifier: BSD-3-Clause
#include "board/tree.h"
#include "tree_fixture.h"

#include <libfdt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct tree_fixture fixture;

/** Walks to a node; fails the test when the walk does not come to it. */
static struct tree_cursor go_to(const char *wanted) {
    struct tree_cursor cursor;
    char path[TREE_PATH_MAX];

    tree_start(&cursor, fixture.bytes);
    while (tree_next(&cursor) == TREE_OK) {
        assert_int_equal(tree_path(&cursor, path), TREE_OK);
        if (strcmp(path, wanted) == 0) {
            return cursor;
        }
    }
    fail_msg("%s is not reached", wanted);
    return cursor;
}

static struct tree_controller gic(void) {
    int node = fdt_node_offset_by_compatible(fixture.bytes, -1, "arm,gic-v3");
    struct tree_controller controller;

    assert_true(tree_find_controller(fixture.bytes, fdt_get_phandle(fixture.bytes, node), &controller));
    return controller;
}

static void expect_registers(const char *path, size_t count, uint64_t base, uint64_t size) {
    struct tree_cursor cursor = go_to(path);
    struct tree_range ranges[8];
    size_t found = 0;

    assert_int_equal(tree_registers(&cursor, ranges, 8, &found), TREE_OK);
    assert_int_equal(found, count);
    if (count > 0) {
        assert_int_equal(ranges[count - 1].base, base);
        assert_int_equal(ranges[count - 1].size, size);
    }
}

static void test_check_refuses_each_truncation(void **state) {
    (void)state;
    tree_fixture_load(&fixture, "virt");
    assert_int_equal(fdt_pack(fixture.bytes), 0);
    size_t size = fdt_totalsize(fixture.bytes);
    assert_int_equal(tree_check(fixture.bytes, size), TREE_OK);
    for (size_t i = 0; i < size; i += 7) {
        assert_int_equal(tree_check(fixture.bytes, i), TREE_DAMAGED);
    }
}

static void test_check_refuses_old_versions(void **state) {
    (void)state;
    tree_fixture_load(&fixture, "virt");
    fdt_set_version(fixture.bytes, 16);
    assert_int_equal(tree_check(fixture.bytes, sizeof(fixture.bytes)), TREE_DAMAGED);
}

static void test_walk_comes_to_every_node_once(void **state) {
    struct tree_cursor cursor;
    int nodes = 0;
    int expected = 0;

    (void)state;
    tree_fixture_load(&fixture, "soc");
    for (int node = 0, depth = 0; node >= 0 && depth >= 0; node = fdt_next_node(fixture.bytes, node, &depth)) {
        expected++;
    }
    tree_start(&cursor, fixture.bytes);
    while (tree_next(&cursor) == TREE_OK) {
        nodes++;
    }
    assert_int_equal(nodes, expected);
}

static void test_skip_leaves_out_what_is_beneath(void **state) {
    (void)state;
    tree_fixture_load(&fixture, "virt");
    struct tree_cursor cursor = go_to("/cpus");
    assert_int_equal(tree_skip(&cursor), TREE_OK);
    assert_string_equal(tree_name(&cursor), "timer");
    cursor = go_to("/chosen");
    assert_int_equal(tree_skip(&cursor), TREE_END);
}

static void test_too_deep(void **state) {
    struct tree_cursor cursor;
    enum tree_error error;
    char path[64] = "/chosen";

    (void)state;
    tree_fixture_load(&fixture, "virt");
    for (int i = 0; i < TREE_DEPTH_MAX; i++) {
        tree_fixture_add(&fixture, path, "n");
        strcat(path, "/n");
    }
    tree_start(&cursor, fixture.bytes);
    do {
        error = tree_next(&cursor);
    } while (error == TREE_OK);
    assert_int_equal(error, TREE_TOO_DEEP);
}

static void test_path_too_long(void **state) {
    struct tree_cursor cursor;
    char path[TREE_PATH_MAX];
    char name[TREE_PATH_MAX];

    (void)state;
    memset(name, 'x', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    tree_fixture_load(&fixture, "virt");
    tree_fixture_add(&fixture, "/", name);
    tree_start(&cursor, fixture.bytes);
    while (tree_next(&cursor) == TREE_OK && strcmp(tree_name(&cursor), name) != 0) {
    }
    assert_int_equal(tree_path(&cursor, path), TREE_TOO_LONG);
}

static void test_registers_are_the_cpus_addresses(void **state) {
    (void)state;
    tree_fixture_load(&fixture, "soc");
    expect_registers("/soc/serial@500000", 1, 0xf0500000, 0x1000);
    expect_registers("/soc/modem@600000", 2, 0x100000000, 0x100000);
    expect_registers("/soc/interrupt-controller@100000/msi-controller@300000", 1, 0xf0300000, 0x20000);
    expect_registers("/cpus/cpu@0", 0, 0, 0);
    expect_registers("/firmware/scmi/protocol@14", 0, 0, 0);
    expect_registers("/timer", 0, 0, 0);
    expect_registers("/", 0, 0, 0);
}

static void test_registers_outside_the_bus_are_none(void **state) {
    const uint32_t beyond[] = {0xff0000, 0x20000};
    const uint32_t odd[] = {0x500000};
    const uint32_t wrapping[] = {0xffffffff, 0xffffffff, 0, 0x1000};
    struct tree_range ranges[8];
    size_t count = 0;

    (void)state;
    tree_fixture_load(&fixture, "soc");
    tree_fixture_set_cells(&fixture, "/soc/serial@500000", "reg", beyond, 2);
    expect_registers("/soc/serial@500000", 0, 0, 0);
    tree_fixture_set_cells(&fixture, "/soc/serial@500000", "reg", odd, 1);
    struct tree_cursor cursor = go_to("/soc/serial@500000");
    assert_int_equal(tree_registers(&cursor, ranges, 8, &count), TREE_BAD_PROPERTY);
    tree_fixture_set_cells(&fixture, "/memory@80000000", "reg", wrapping, 4);
    cursor = go_to("/memory@80000000");
    assert_int_equal(tree_registers(&cursor, ranges, 8, &count), TREE_BAD_PROPERTY);
    cursor = go_to("/soc/modem@600000");
    assert_int_equal(tree_registers(&cursor, ranges, 1, &count), TREE_TOO_MANY);
}

static void test_pci_windows(void **state) {
    struct tree_range ranges[8];
    size_t count = 0;

    (void)state;
    tree_fixture_load(&fixture, "virt");
    struct tree_cursor cursor = go_to("/pcie@10000000");
    assert_int_equal(tree_pci_windows(&cursor, ranges, 8, &count), TREE_OK);
    assert_int_equal(count, 3);
    assert_int_equal(ranges[0].base, 0x3eff0000);
    assert_int_equal(ranges[1].size, 0x2eff0000);
    assert_int_equal(ranges[2].base, 0x8000000000);
    assert_int_equal(ranges[2].size, 0x8000000000);
    tree_fixture_set(&fixture, "/pcie@10000000", "ranges", "\0\0\0", 4);
    cursor = go_to("/pcie@10000000");
    assert_int_equal(tree_pci_windows(&cursor, ranges, 8, &count), TREE_BAD_PROPERTY);
}

static void expect_interrupts(const char *path, size_t count, uint32_t first) {
    const struct tree_controller controller = gic();
    struct tree_cursor cursor = go_to(path);
    uint32_t intids[16];
    size_t found = 0;

    assert_int_equal(tree_interrupts(&cursor, &controller, intids, 16, &found), TREE_OK);
    assert_int_equal(found, count);
    if (count > 0) {
        assert_int_equal(intids[0], first);
    }
}

static void test_interrupts_of_the_gic_only(void **state) {
    (void)state;
    tree_fixture_load(&fixture, "soc");
    expect_interrupts("/soc/serial@500000", 1, 42);
    expect_interrupts("/soc/modem@600000", 2, 52);
    expect_interrupts("/soc/touch@620000", 0, 0);
    expect_interrupts("/timer", 4, 29);
    tree_fixture_load(&fixture, "virt");
    expect_interrupts("/pcie@10000000", 4, 35);
    expect_interrupts("/smmuv3@9050000", 4, 106);
}

static void expect_bad_interrupts(const char *path, const char *property, const uint32_t *cells, size_t count) {
    uint32_t intids[16];
    size_t found = 0;

    tree_fixture_load(&fixture, "virt");
    tree_fixture_set_cells(&fixture, path, property, cells, count);
    const struct tree_controller controller = gic();
    struct tree_cursor cursor = go_to(path);
    assert_int_equal(tree_interrupts(&cursor, &controller, intids, 16, &found), TREE_BAD_PROPERTY);
}

static void test_bad_interrupts(void **state) {
    (void)state;
    expect_bad_interrupts("/timer", "interrupts", (uint32_t[]){1, 13}, 2);
    expect_bad_interrupts("/timer", "interrupts", (uint32_t[]){2, 13, 4}, 3);
    expect_bad_interrupts("/timer", "interrupts", (uint32_t[]){0, 988, 4}, 3);
    expect_bad_interrupts("/timer", "interrupts", (uint32_t[]){1, 16, 4}, 3);
    expect_bad_interrupts("/timer", "interrupts-extended", (uint32_t[]){0x7777, 0, 1, 4}, 4);
    expect_bad_interrupts("/pcie@10000000", "interrupt-map", (uint32_t[]){0, 0, 0, 1}, 4);
    expect_bad_interrupts("/pcie@10000000", "interrupt-map", (uint32_t[]){0, 0, 0, 1, 0x7777, 0, 0, 0, 3, 4}, 10);
    expect_bad_interrupts("/pcie@10000000", "#address-cells", (uint32_t[]){0xffffffff}, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_refuses_each_truncation),
        cmocka_unit_test(test_check_refuses_old_versions),
        cmocka_unit_test(test_walk_comes_to_every_node_once),
        cmocka_unit_test(test_skip_leaves_out_what_is_beneath),
        cmocka_unit_test(test_too_deep),
        cmocka_unit_test(test_path_too_long),
        cmocka_unit_test(test_registers_are_the_cpus_addresses),
        cmocka_unit_test(test_registers_outside_the_bus_are_none),
        cmocka_unit_test(test_pci_windows),
        cmocka_unit_test(test_interrupts_of_the_gic_only),
        cmocka_unit_test(test_bad_interrupts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
