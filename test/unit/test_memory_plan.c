// SPDX-License-Identifier: BSD-3-Clause
#include "memory_plan.h"

#include "pseudorandom.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MIB UINT64_C(0x100000)
#define GIB UINT64_C(0x40000000)
#define UNIT ((uint64_t)MEMORY_PLAN_UNIT)

enum { RANDOM_CASES = 20000, RANDOM_RANGES_MAX = 40 };

static const struct memory_range TWO_GIB = {GIB, 2 * GIB, MEMORY_FREE};
static const struct memory_request EQUAL = {MEMORY_SHARE_EQUAL, 0, 64 * MIB};

static struct memory_request bytes(uint64_t amount) {
    return (struct memory_request){MEMORY_SHARE_BYTES, amount, 64 * MIB};
}

static struct memory_request percent(uint64_t amount) {
    return (struct memory_request){MEMORY_SHARE_PERCENT, amount, 64 * MIB};
}

static struct memory_plan plan_of(const struct memory_range *ranges, size_t range_count,
                                  const struct memory_request *requests, size_t request_count) {
    struct memory_plan plan;
    assert_int_equal(memory_plan_make(&plan, ranges, range_count, 100 * MIB, requests, request_count), MEMORY_PLAN_OK);
    return plan;
}

static void test_equal_shares_of_one_range(void **state) {
    (void)state;
    const struct memory_request requests[] = {EQUAL, EQUAL};
    const struct memory_plan plan = plan_of(&TWO_GIB, 1, requests, 2);
    assert_int_equal(plan.switcher_base, 3 * GIB - 100 * MIB);
    assert_int_equal(plan.switcher_size, 100 * MIB);
    assert_int_equal(plan.usable, 1948 * MIB);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(plan.personas[i].fit, MEMORY_FITS);
        assert_int_equal(plan.personas[i].size, 974 * MIB);
    }
}

static void test_bytes_then_percent_then_rest(void **state) {
    (void)state;
    const struct memory_request requests[] = {EQUAL, percent(25), bytes(512 * MIB), EQUAL};
    const struct memory_plan plan = plan_of(&TWO_GIB, 1, requests, 4);
    assert_int_equal(plan.personas[2].size, 512 * MIB);
    assert_int_equal(plan.personas[2].base, GIB);
    assert_int_equal(plan.personas[1].size, 486 * MIB); /* 25 % of 1948 MiB is 487: rounded down to 2 MiB */
    assert_int_equal(plan.personas[3].size, 474 * MIB); /* (1948 - 512 - 486) / 2 is 475: rounded down */
    assert_int_equal(plan.personas[0].size, 476 * MIB); /* and the last one gets the unit that is left */
}

static void test_smallest_hole_that_holds_it(void **state) {
    (void)state;
    const struct memory_range ranges[] = {
        {0, 700 * MIB, MEMORY_AFTER_EXIT}, {GIB, 600 * MIB, MEMORY_AFTER_EXIT}, {2 * GIB, GIB, MEMORY_FREE}};
    const struct memory_request request = bytes(512 * MIB);
    const struct memory_plan plan = plan_of(ranges, 3, &request, 1);
    assert_int_equal(plan.personas[0].base, GIB);
}

static void test_adjacent_kinds_join(void **state) {
    (void)state;
    const struct memory_range ranges[] = {{GIB + 300 * MIB, 300 * MIB, MEMORY_FREE},
                                          {GIB + 100 * MIB, 200 * MIB, MEMORY_AFTER_EXIT},
                                          {GIB, 100 * MIB, MEMORY_FREE}};
    const struct memory_request request = bytes(500 * MIB);
    const struct memory_plan plan = plan_of(ranges, 3, &request, 1);
    assert_int_equal(plan.personas[0].base, GIB);
    assert_int_equal(plan.switcher_base, GIB + 500 * MIB);
}

static void test_switcher_only_in_free_memory(void **state) {
    (void)state;
    struct memory_range ranges[] = {{GIB, 128 * MIB, MEMORY_FREE}, {2 * GIB, GIB, MEMORY_AFTER_EXIT}};
    const struct memory_plan plan = plan_of(ranges, 2, NULL, 0);
    assert_int_equal(plan.switcher_base, GIB + 28 * MIB);
    ranges[0].size = 99 * MIB;
    struct memory_plan none;
    assert_int_equal(memory_plan_make(&none, ranges, 2, 100 * MIB, NULL, 0), MEMORY_PLAN_NO_SWITCHER_ROOM);
}

static void test_percent_shrinks_to_largest_hole(void **state) {
    (void)state;
    const struct memory_request requests[] = {percent(60), percent(60)};
    const struct memory_plan plan = plan_of(&TWO_GIB, 1, requests, 2);
    assert_int_equal(plan.personas[0].fit, MEMORY_FITS);
    assert_int_equal(plan.personas[1].fit, MEMORY_SHRUNK);
    assert_int_equal(plan.personas[1].needed, plan.personas[0].size);
    assert_int_equal(plan.personas[1].size, 1948 * MIB - plan.personas[0].size);
}

static void test_share_below_minimum(void **state) {
    (void)state;
    const struct memory_request requests[] = {bytes(32 * MIB), percent(1)};
    const struct memory_plan plan = plan_of(&TWO_GIB, 1, requests, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(plan.personas[i].fit, MEMORY_SHARE_TOO_SMALL);
        assert_int_equal(plan.personas[i].needed, 64 * MIB);
        assert_int_equal(plan.personas[i].size, 0);
    }
    assert_int_equal(plan.personas[0].available, 32 * MIB);
    assert_int_equal(plan.personas[1].available, 18 * MIB);
}

static void test_one_that_does_not_fit_leaves_its_share(void **state) {
    (void)state;
    const struct memory_request requests[] = {EQUAL, bytes(4 * GIB), {MEMORY_SHARE_EQUAL, 0, 2 * GIB}};
    const struct memory_plan plan = plan_of(&TWO_GIB, 1, requests, 3);
    assert_int_equal(plan.personas[0].fit, MEMORY_FITS);
    assert_int_equal(plan.personas[0].size, 1948 * MIB);
    assert_int_equal(plan.personas[1].fit, MEMORY_NO_ROOM);
    assert_int_equal(plan.personas[1].needed, 4 * GIB);
    assert_int_equal(plan.personas[1].available, 1948 * MIB);
    assert_int_equal(plan.personas[2].fit, MEMORY_NO_ROOM);
    assert_int_equal(plan.personas[2].needed, 2 * GIB);
}

static void test_demanding_equal_gets_its_minimum(void **state) {
    (void)state;
    const struct memory_request requests[] = {EQUAL, {MEMORY_SHARE_EQUAL, 0, 1500 * MIB}, EQUAL};
    const struct memory_plan plan = plan_of(&TWO_GIB, 1, requests, 3);
    assert_int_equal(plan.personas[1].size, 1500 * MIB);
    assert_int_equal(plan.personas[0].size, 224 * MIB);
    assert_int_equal(plan.personas[2].size, 224 * MIB);
}

static void test_equal_shares_of_fragments(void **state) {
    (void)state;
    const struct memory_range ranges[] = {
        {0, GIB, MEMORY_AFTER_EXIT}, {2 * GIB, 900 * MIB, MEMORY_AFTER_EXIT}, {4 * GIB, 101 * MIB, MEMORY_FREE}};
    const struct memory_request requests[] = {EQUAL, EQUAL};
    const struct memory_plan plan = plan_of(ranges, 3, requests, 2);
    assert_true(plan.personas[0].size >= 900 * MIB);
    assert_true(plan.personas[1].size >= 900 * MIB);
}

static void test_fragments_below_a_unit_are_left_out(void **state) {
    (void)state;
    const struct memory_range ranges[] = {
        {GIB, 200 * MIB, MEMORY_FREE}, {2 * GIB + MIB, 2 * MIB, MEMORY_FREE}, {3 * GIB, 2 * MIB - 4096, MEMORY_FREE}};
    const struct memory_plan plan = plan_of(ranges, 3, NULL, 0);
    assert_int_equal(plan.usable, 100 * MIB);
}

static void test_bad_input(void **state) {
    (void)state;
    struct memory_plan plan;
    static struct memory_range many[MEMORY_PLAN_RANGES_MAX + 1];
    const struct memory_request requests[MEMORY_PLAN_PERSONAS_MAX + 1] = {EQUAL};
    assert_int_equal(memory_plan_make(&plan, many, MEMORY_PLAN_RANGES_MAX + 1, UNIT, NULL, 0),
                     MEMORY_PLAN_TOO_MANY_RANGES);
    assert_int_equal(memory_plan_make(&plan, &TWO_GIB, 1, UNIT, requests, MEMORY_PLAN_PERSONAS_MAX + 1),
                     MEMORY_PLAN_TOO_MANY_PERSONAS);

    const struct memory_range wraps = {UINT64_MAX - 4095, 8192, MEMORY_FREE};
    assert_int_equal(memory_plan_make(&plan, &wraps, 1, UNIT, NULL, 0), MEMORY_PLAN_BAD_RANGE);
    const struct memory_range no_kind = {GIB, GIB, (enum memory_kind)0};
    assert_int_equal(memory_plan_make(&plan, &no_kind, 1, UNIT, NULL, 0), MEMORY_PLAN_BAD_RANGE);
    const struct memory_range overlap[] = {TWO_GIB, {2 * GIB, 2 * GIB, MEMORY_AFTER_EXIT}};
    assert_int_equal(memory_plan_make(&plan, overlap, 2, UNIT, NULL, 0), MEMORY_PLAN_BAD_RANGE);

    const struct memory_request bad[] = {{MEMORY_SHARE_PERCENT, 0, 0},
                                         {MEMORY_SHARE_PERCENT, 101, 0},
                                         {MEMORY_SHARE_BYTES, 0, 0},
                                         {(enum memory_share)9, 1, 0}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(memory_plan_make(&plan, &TWO_GIB, 1, UNIT, &bad[i], 1), MEMORY_PLAN_BAD_REQUEST);
    }
    assert_int_equal(memory_plan_make(&plan, &TWO_GIB, 1, 0, NULL, 0), MEMORY_PLAN_NO_SWITCHER_ROOM);
    assert_int_equal(memory_plan_make(&plan, &TWO_GIB, 1, UINT64_MAX, NULL, 0), MEMORY_PLAN_NO_SWITCHER_ROOM);
}

static void test_extreme_sizes(void **state) {
    (void)state;
    const struct memory_range all = {0, UINT64_MAX, MEMORY_FREE};
    const struct memory_request requests[] = {
        {MEMORY_SHARE_PERCENT, 100, UINT64_MAX}, {MEMORY_SHARE_BYTES, UINT64_MAX, 0}, percent(100)};
    const struct memory_plan plan = plan_of(&all, 1, requests, 3);
    assert_int_equal(plan.personas[0].fit, MEMORY_SHARE_TOO_SMALL);
    assert_int_equal(plan.personas[1].fit, MEMORY_NO_ROOM);
    assert_int_equal(plan.personas[2].fit, MEMORY_FITS);
}

/** What one random case is made of. */
struct random_case {
    size_t range_count;
    struct memory_range ranges[RANDOM_RANGES_MAX];
    size_t request_count;
    struct memory_request requests[MEMORY_PLAN_PERSONAS_MAX];
    uint64_t switcher_size;
};

static uint64_t random_size(struct pseudorandom *random) {
    static const uint64_t limits[] = {64 * 1024, 4 * MIB, 64 * MIB, GIB, 16 * GIB};
    return (1 + pseudorandom_below(random, limits[pseudorandom_below(random, 5)] / 4096)) * 4096;
}

static void shuffle(struct pseudorandom *random, struct memory_range *ranges, size_t count) {
    for (size_t i = count; i > 1; i--) {
        const size_t other = (size_t)pseudorandom_below(random, i);
        const struct memory_range swapped = ranges[i - 1];
        ranges[i - 1] = ranges[other];
        ranges[other] = swapped;
    }
}

static struct memory_request random_request(struct pseudorandom *random) {
    struct memory_request request = {.minimum = pseudorandom_below(random, 512 * MIB)};
    request.share = (enum memory_share)pseudorandom_below(random, 3);
    if (request.share == MEMORY_SHARE_BYTES) {
        request.amount = random_size(random);
    } else if (request.share == MEMORY_SHARE_PERCENT) {
        request.amount = 1 + pseudorandom_below(random, 100);
    }
    return request;
}

static void make_case(struct random_case *made, uint64_t seed) {
    struct pseudorandom random = {seed};
    uint64_t address = pseudorandom_below(&random, 4) * GIB;
    made->range_count = (size_t)pseudorandom_below(&random, RANDOM_RANGES_MAX + 1);
    for (size_t i = 0; i < made->range_count; i++) {
        address += pseudorandom_below(&random, 2) * random_size(&random); /* every other gap is none */
        const enum memory_kind kind = pseudorandom_below(&random, 3) == 0 ? MEMORY_AFTER_EXIT : MEMORY_FREE;
        made->ranges[i] = (struct memory_range){address, random_size(&random), kind};
        address += made->ranges[i].size;
    }
    shuffle(&random, made->ranges, made->range_count);
    made->request_count = (size_t)pseudorandom_below(&random, MEMORY_PLAN_PERSONAS_MAX + 1);
    for (size_t i = 0; i < made->request_count; i++) {
        made->requests[i] = random_request(&random);
    }
    made->switcher_size = 1 + pseudorandom_below(&random, 128 * MIB);
}

/** Bytes of [base, base + size) that lie in ranges of the kinds wanted: size when it lies there wholly. */
static uint64_t covered(const struct random_case *made, uint64_t base, uint64_t size, bool free_only) {
    uint64_t bytes_covered = 0;
    for (size_t i = 0; i < made->range_count; i++) {
        const struct memory_range *range = &made->ranges[i];
        const uint64_t from = base > range->base ? base : range->base;
        const uint64_t range_end = range->base + range->size;
        const uint64_t to = base + size < range_end ? base + size : range_end;
        if (from < to && (!free_only || range->kind == MEMORY_FREE)) {
            bytes_covered += to - from;
        }
    }
    return bytes_covered;
}

static bool overlap(uint64_t base, uint64_t size, uint64_t other_base, uint64_t other_size) {
    return base < other_base + other_size && other_base < base + size;
}

static void check_partition(const struct random_case *made, const struct memory_plan *plan, size_t persona) {
    const struct memory_partition *partition = &plan->personas[persona];
    const struct memory_request *request = &made->requests[persona];
    if (partition->fit != MEMORY_FITS && partition->fit != MEMORY_SHRUNK) {
        assert_int_equal(partition->base, 0);
        assert_int_equal(partition->size, 0);
        assert_true(partition->available < partition->needed);
        return;
    }
    assert_true(partition->size > 0);
    assert_int_equal(partition->base % UNIT, 0);
    assert_int_equal(partition->size % UNIT, 0);
    assert_true(partition->size >= request->minimum);
    assert_int_equal(covered(made, partition->base, partition->size, false), partition->size);
    assert_false(overlap(partition->base, partition->size, plan->switcher_base, plan->switcher_size));
    if (request->share == MEMORY_SHARE_BYTES) {
        assert_int_equal(partition->size, request->amount - request->amount % UNIT);
    }
    if (request->share == MEMORY_SHARE_PERCENT) {
        assert_true(partition->size <= plan->usable / 100 * request->amount + UNIT);
        assert_true((partition->fit == MEMORY_SHRUNK) == (partition->size < partition->needed));
    } else {
        assert_int_equal(partition->fit, MEMORY_FITS);
    }
    for (size_t i = 0; i < persona; i++) {
        assert_false(overlap(partition->base, partition->size, plan->personas[i].base, plan->personas[i].size));
    }
}

static void check_case(const struct random_case *made, const struct memory_plan *plan) {
    assert_int_equal(plan->switcher_base % UNIT, 0);
    assert_int_equal(plan->switcher_size % UNIT, 0);
    assert_true(plan->switcher_size >= made->switcher_size);
    assert_int_equal(covered(made, plan->switcher_base, plan->switcher_size, true), plan->switcher_size);
    for (size_t i = 0; i < made->request_count; i++) {
        check_partition(made, plan, i);
    }
}

/** A persona alone on the machine is refused only when nothing of the map holds what it needs. */
static void check_alone(const struct random_case *made, size_t persona) {
    struct memory_plan plan;
    assert_int_equal(
        memory_plan_make(&plan, made->ranges, made->range_count, made->switcher_size, &made->requests[persona], 1),
        MEMORY_PLAN_OK);
    if (plan.personas[0].fit != MEMORY_NO_ROOM) {
        return;
    }
    for (size_t i = 0; i < made->range_count; i++) {
        const uint64_t base = (made->ranges[i].base + UNIT - 1) / UNIT * UNIT;
        const uint64_t end = (made->ranges[i].base + made->ranges[i].size) / UNIT * UNIT;
        const bool switchers = base < end && overlap(base, end - base, plan.switcher_base, plan.switcher_size);
        assert_true(base >= end || switchers || end - base < plan.personas[0].needed);
    }
}

static void assert_same_plan(const struct memory_plan *plan, const struct memory_plan *other, size_t personas) {
    assert_int_equal(plan->switcher_base, other->switcher_base);
    assert_int_equal(plan->switcher_size, other->switcher_size);
    for (size_t i = 0; i < personas; i++) {
        assert_int_equal(plan->personas[i].fit, other->personas[i].fit);
        assert_int_equal(plan->personas[i].base, other->personas[i].base);
        assert_int_equal(plan->personas[i].size, other->personas[i].size);
    }
}

static void test_random_maps(void **state) {
    (void)state;
    static struct random_case made;
    unsigned int planned = 0;
    for (uint64_t seed = 0; seed < RANDOM_CASES; seed++) {
        make_case(&made, seed);
        struct memory_plan plan;
        struct memory_plan again;
        const enum memory_plan_error error = memory_plan_make(&plan, made.ranges, made.range_count, made.switcher_size,
                                                              made.requests, made.request_count);
        if (error != MEMORY_PLAN_OK) {
            assert_int_equal(error, MEMORY_PLAN_NO_SWITCHER_ROOM);
            continue;
        }
        planned++;
        check_case(&made, &plan);
        for (size_t i = 0; i < made.request_count; i++) {
            check_alone(&made, i);
        }
        struct pseudorandom order = {~seed};
        shuffle(&order, made.ranges, made.range_count); /* the order of the map must not matter */
        assert_int_equal(memory_plan_make(&again, made.ranges, made.range_count, made.switcher_size, made.requests,
                                          made.request_count),
                         MEMORY_PLAN_OK);
        assert_same_plan(&plan, &again, made.request_count);
    }
    assert_true(planned > RANDOM_CASES / 2);
}

static void test_texts(void **state) {
    (void)state;
    for (int i = MEMORY_PLAN_OK; i <= MEMORY_PLAN_NO_SWITCHER_ROOM; i++) {
        assert_string_not_equal(memory_plan_error_text((enum memory_plan_error)i), "unknown error");
    }
    for (int i = MEMORY_FITS; i <= MEMORY_NO_ROOM; i++) {
        assert_string_not_equal(memory_fit_text((enum memory_fit)i), "unknown");
    }
    assert_string_equal(memory_plan_error_text((enum memory_plan_error)99), "unknown error");
    assert_string_equal(memory_fit_text((enum memory_fit)99), "unknown");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_shares_of_one_range),
        cmocka_unit_test(test_bytes_then_percent_then_rest),
        cmocka_unit_test(test_smallest_hole_that_holds_it),
        cmocka_unit_test(test_adjacent_kinds_join),
        cmocka_unit_test(test_switcher_only_in_free_memory),
        cmocka_unit_test(test_percent_shrinks_to_largest_hole),
        cmocka_unit_test(test_share_below_minimum),
        cmocka_unit_test(test_one_that_does_not_fit_leaves_its_share),
        cmocka_unit_test(test_demanding_equal_gets_its_minimum),
        cmocka_unit_test(test_equal_shares_of_fragments),
        cmocka_unit_test(test_fragments_below_a_unit_are_left_out),
        cmocka_unit_test(test_bad_input),
        cmocka_unit_test(test_extreme_sizes),
        cmocka_unit_test(test_random_maps),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
