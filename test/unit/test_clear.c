// SPDX-License-Identifier: BSD-3-Clause
#include "clear.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct clear_range list[CLEAR_RANGES_MAX];

static void expect_list(enum clear_pass pass, const struct memory_range *ranges, size_t count, struct clear_range kept,
                        const struct clear_range *expected, size_t expected_count) {
    assert_int_equal(clear_list(pass, ranges, count, &kept, list), expected_count);
    for (size_t i = 0; i < expected_count; i++) {
        assert_int_equal(list[i].base, expected[i].base);
        assert_int_equal(list[i].size, expected[i].size);
    }
}

static void passes_share_the_map(void **state) {
    static const struct memory_range map[] = {
        {0x1000, 0x1000, MEMORY_FREE},  {0x2000, 0x3000, MEMORY_LOADER_DATA}, {0x5000, 0x1000, MEMORY_AFTER_EXIT},
        {0x6000, 0x1000, MEMORY_FREE},  {0x9000, 0x1000, MEMORY_AFTER_EXIT},  {0xa000, 0x1000, MEMORY_AFTER_EXIT},
        {0x20000, 0x1000, MEMORY_FREE},
    };
    const size_t count = sizeof(map) / sizeof(map[0]);
    (void)state;
    expect_list(CLEAR_NOW, map, count, (struct clear_range){0x100000, 0x1000},
                (struct clear_range[]){{0x1000, 0x4000}, {0x6000, 0x1000}, {0x20000, 0x1000}}, 3);
    expect_list(CLEAR_LAST, map, count, (struct clear_range){0x100000, 0x1000},
                (struct clear_range[]){{0x5000, 0x1000}, {0x9000, 0x2000}}, 2);
}

static void the_region_is_kept(void **state) {
    static const struct memory_range whole[] = {{0x1000, 0xf000, MEMORY_FREE}};
    static const struct memory_range own[] = {{0x4000, 0x2000, MEMORY_LOADER_DATA}};
    (void)state;
    expect_list(CLEAR_NOW, whole, 1, (struct clear_range){0x4000, 0x2000},
                (struct clear_range[]){{0x1000, 0x3000}, {0x6000, 0xa000}}, 2);
    expect_list(CLEAR_NOW, whole, 1, (struct clear_range){0x1000, 0x2000}, (struct clear_range[]){{0x3000, 0xd000}}, 1);
    expect_list(CLEAR_NOW, whole, 1, (struct clear_range){0xe000, 0x2000}, (struct clear_range[]){{0x1000, 0xd000}}, 1);
    expect_list(CLEAR_NOW, whole, 1, (struct clear_range){0x0, 0x20000}, NULL, 0);
    expect_list(CLEAR_NOW, own, 1, (struct clear_range){0x4000, 0x2000}, NULL, 0);
    expect_list(CLEAR_NOW, own, 1, (struct clear_range){0x6000, 0x2000}, (struct clear_range[]){{0x4000, 0x2000}}, 1);
    expect_list(CLEAR_NOW, own, 1, (struct clear_range){0x2000, 0x2000}, (struct clear_range[]){{0x4000, 0x2000}}, 1);
}

/* Every byte of a pass is in its list exactly once, and none of another pass or of the region. */
static void a_full_map_fits(void **state) {
    static struct memory_range map[MEMORY_PLAN_RANGES_MAX];
    const struct clear_range kept = {0x10800, 0x800};
    uint64_t total = 0;
    (void)state;
    for (size_t i = 0; i < MEMORY_PLAN_RANGES_MAX; i++)
        map[i] = (struct memory_range){0x10000 + i * 0x4000, 0x3000, MEMORY_FREE};
    size_t count = clear_list(CLEAR_NOW, map, MEMORY_PLAN_RANGES_MAX, &kept, list);
    assert_int_equal(count, CLEAR_RANGES_MAX);
    for (size_t i = 0; i < count; i++)
        total += list[i].size;
    assert_int_equal(total, MEMORY_PLAN_RANGES_MAX * UINT64_C(0x3000) - kept.size);
    assert_int_equal(clear_list(CLEAR_LAST, map, MEMORY_PLAN_RANGES_MAX, &kept, list), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_share_the_map),
        cmocka_unit_test(the_region_is_kept),
        cmocka_unit_test(a_full_map_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
