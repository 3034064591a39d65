// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "attention.h"
#include "fake/platform.h"
#include "history.h"
#include "log.h"
#include "pl031.h"

enum { DR = 0x00, MR = 0x04, LR = 0x08, CR = 0x0c, IMSC = 0x10, RIS = 0x14, MIS = 0x18, ICR = 0x1c };

static int two_personas(void **state) {
    (void)state;
    platform_start(1, 2, 0);
    return 0;
}

static int three_personas(void **state) {
    (void)state;
    platform_start(2, 3, 0);
    return 0;
}

/* An access as a driver does it: by a trap, to and from x1. */

static void trap(uint32_t offset, uint64_t flags) {
    const uint64_t word_by_x1 = UINT64_C(0x93810007); /* a data abort, with syndrome; translation fault at level 3 */
    platform_trap(0, word_by_x1 | flags, UINT64_C(0xffff000012345000) | offset, FAKE_CLOCK_BASE >> 8);
    platform_settle();
}

static uint64_t get(uint32_t offset) {
    platform.cpus[0].frame.x[1] = UINT64_MAX;
    trap(offset, 0);
    return platform.cpus[0].frame.x[1];
}

static void set(uint32_t offset, uint32_t value) {
    platform.cpus[0].frame.x[1] = value;
    trap(offset, 1u << 6);
}

/** As Linux sets an alarm. */
static void set_alarm(uint32_t time) {
    set(MR, time);
    set(ICR, 1);
    set(IMSC, 1);
}

static void pass(uint32_t seconds) {
    fake_clock_advance(seconds);
    platform_settle();
}

static void suspend(void) {
    (void)platform_call(0, PSCI_SYSTEM_SUSPEND_64, PLATFORM_PARTITION(switcher.running) + 0x20000, 0, 0);
}

static void flip(void) {
    platform_press(100);
    suspend();
}

static void use_interrupt(void) {
    platform_enable(PLATFORM_CLOCK_INTID, 0);
    gic_distributor_write(&running_persona()->gic, 0xc00 + PLATFORM_CLOCK_INTID / 16 * 4, 4,
                          2u << PLATFORM_CLOCK_INTID % 16 * 2);
}

/** @return whether the persona's interrupt was pending; takes it as the persona would */
static bool take_interrupt(void) {
    bool pending = fake_gic_pending(&fake_gic.spi[PLATFORM_CLOCK_INTID]);
    fake_gic.spi[PLATFORM_CLOCK_INTID].latch = false;
    return pending;
}

/* --- registers --- */

static void the_real_clock_is_taken_over(void **state) {
    (void)state;
    assert_true(fake_clock.enabled);
    assert_false(fake_clock.unmasked || fake_clock.raw);
    assert_int_equal(get(DR), 1000000);
    assert_int_equal(get(CR), 1);
    assert_int_equal(get(MR) | get(LR) | get(IMSC) | get(RIS) | get(MIS) | get(ICR), 0);
    static const uint8_t identification[] = {0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    for (uint32_t i = 0; i < 8; i++)
        assert_int_equal(get(0xfe0 + 4 * i), identification[i]);
}

static void each_persona_sets_its_own_time(void **state) {
    (void)state;
    set(LR, 2000000000);
    assert_int_equal(get(LR), 2000000000);
    assert_int_equal(get(DR), 2000000000);
    flip();
    assert_int_equal(get(DR), 1000000);
    assert_int_equal(get(LR), 0);
    set(LR, 7);
    pass(3);
    assert_int_equal(get(DR), 10);
    flip();
    assert_int_equal(get(DR), 2000000003);
    set(LR, UINT32_MAX);
    pass(2);
    assert_int_equal(get(DR), 1);
    assert_int_equal(fake_clock.counter, 1000005);
}

static void hostile_accesses_do_nothing(void **state) {
    (void)state;
    set_alarm(1000010);
    const struct pl031 before = running_persona()->clock, other = switcher.personas[1].clock;
    static const unsigned sizes[] = {1, 2, 8, 16, 0};
    for (uint32_t offset = 0; offset < 0x1000; offset++) {
        bool is_register = offset == MR || offset == LR || offset == IMSC || offset == ICR;
        for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            pl031_write(FAKE_CLOCK_BASE + offset, sizes[i], UINT64_MAX);
            assert_int_equal(pl031_read(FAKE_CLOCK_BASE + offset, sizes[i]), 0);
        }
        if (!is_register)
            pl031_write(FAKE_CLOCK_BASE + offset, 4, UINT64_MAX);
        assert_true(pl031_read(FAKE_CLOCK_BASE + offset, 4) <= UINT32_MAX);
        assert_memory_equal(&running_persona()->clock, &before, sizeof before);
    }
    assert_memory_equal(&switcher.personas[1].clock, &other, sizeof other);
    assert_int_equal(fake_clock.match, 1000010);
    assert_true(fake_clock.unmasked);
    assert_false(pl031_holds(FAKE_CLOCK_BASE - 1) || pl031_holds(FAKE_CLOCK_BASE + 0x1000) || pl031_holds(0) ||
                 pl031_holds(UINT64_MAX));
    set(IMSC, UINT32_MAX);
    assert_int_equal(get(IMSC), 1);
    set(ICR, UINT32_MAX - 1);
    pass(10);
    assert_int_equal(get(MIS), 1);
    set(ICR, UINT32_MAX - 1);
    assert_int_equal(get(MIS), 1);
}

static void a_board_without_a_clock_has_a_fault_there(void **state) {
    (void)state;
    platform.handover.clock.base = 0;
    uint64_t faults = log_counted(COUNT_FAULT, 0);
    (void)get(DR);
    assert_int_equal(log_counted(COUNT_FAULT, 0), faults + 1);
    assert_false(pl031_holds(0));
    size_t accesses = fake_clock.accesses;
    pl031_init();
    pl031_interrupt(FAKE_CLOCK_INTID);
    pl031_interrupt(0);
    assert_int_equal(fake_clock.accesses, accesses);
}

static void accesses_are_counted(void **state) {
    (void)state;
    uint64_t counted = log_counted(COUNT_CLOCK, 0);
    (void)get(DR);
    set(ICR, 1);
    assert_int_equal(log_counted(COUNT_CLOCK, 0), counted + 2);
}

/* --- alarms of the running persona --- */

static void an_alarm_is_an_interrupt(void **state) {
    (void)state;
    set_alarm(1000010);
    assert_true(fake_clock.unmasked);
    assert_int_equal(fake_clock.match, 1000010);
    pass(9);
    assert_false(take_interrupt());
    pass(1);
    assert_true(take_interrupt());
    assert_int_equal(get(MIS), 1);
    assert_false(fake_clock.unmasked || fake_clock.raw);
    set(ICR, 1);
    assert_int_equal(get(RIS), 0);
    pass(100);
    assert_false(take_interrupt());
}

static void an_interrupt_goes_as_its_cause_does(void **state) {
    (void)state;
    set_alarm(1000001);
    pass(1);
    set(IMSC, 0);
    assert_false(take_interrupt());
    assert_int_equal(get(RIS), 1);
    assert_int_equal(get(MIS), 0);
    set(IMSC, 1);
    assert_true(take_interrupt());
    set(IMSC, 1);
    assert_true(take_interrupt()); /* as a level that is still there */
    set(ICR, 1);
    assert_false(take_interrupt());
}

static void a_match_is_seen_while_it_is_masked(void **state) {
    (void)state;
    set(MR, 1000005);
    assert_false(fake_clock.unmasked);
    pass(4);
    assert_int_equal(get(RIS), 0);
    pass(4);
    assert_int_equal(get(RIS), 1);
    assert_false(take_interrupt());
    set(ICR, 1);
    assert_int_equal(get(RIS), 0);
    set(MR, 1000008);
    assert_int_equal(get(RIS), 1);
}

static void an_alarm_in_the_past_comes_after_a_turn_of_the_counter(void **state) {
    (void)state;
    set_alarm(999999);
    pass(100000);
    assert_int_equal(get(RIS), 0);
    assert_false(take_interrupt());
    /* Not even the present, once it was acknowledged, keeps others from coming. */
    set_alarm(1100000);
    assert_int_equal(get(RIS), 0);
    flip();
    set_alarm(1100005);
    assert_int_equal(fake_clock.match, 1100005);
    pass(5);
    assert_int_equal(get(MIS), 1);
}

static void setting_the_time_moves_the_alarm(void **state) {
    (void)state;
    set_alarm(5000);
    set(LR, 4990);
    assert_int_equal(fake_clock.match, 1000010);
    set(LR, 5001); /* past it: no alarm */
    pass(100);
    assert_int_equal(get(RIS), 0);
    set(LR, 5000);
    assert_int_equal(get(MIS), 1);
    assert_true(take_interrupt());
}

static void counters_wrap(void **state) {
    (void)state;
    set(LR, UINT32_MAX - 4);
    set_alarm(3);
    assert_int_equal(fake_clock.match, 1000008);
    pass(8);
    assert_true(take_interrupt());
    set(ICR, 1);
    fake_clock.counter = UINT32_MAX - 1; /* the real one too */
    (void)get(DR);
    set(LR, 50);
    set_alarm(55);
    assert_int_equal(fake_clock.match, 3);
    pass(1);
    pass(3);
    assert_int_equal(get(RIS), 0);
    pass(1);
    assert_true(take_interrupt());
}

/** By the board's own setting, or an emulator's that goes by its host's. */
static void a_clock_that_is_set_back_makes_nothing_due(void **state) {
    (void)state;
    set_alarm(1000010);
    fake_clock.counter -= 1;
    (void)get(DR);
    assert_int_equal(get(RIS), 0);
    pass(10);
    assert_false(take_interrupt());
    assert_int_equal(get(RIS), 0);
    pass(1);
    assert_true(take_interrupt());
    assert_int_equal(get(RIS), 1);
}

/** Whenever in the setting of an alarm for the next second this comes, the alarm does too. */
static void a_second_that_passes_meanwhile_loses_nothing(void **state) {
    (void)state;
    for (unsigned ticks_at = 1; ticks_at <= 12; ticks_at++) {
        platform_start(1, 2, 0);
        set(MR, 1000001);
        fake_clock.ticks_at = ticks_at;
        set(IMSC, 1);
        fake_clock.ticks_at = 0;
        if (fake_clock.counter == 1000000)
            pass(1);
        assert_true(take_interrupt());
        assert_int_equal(get(MIS), 1);
    }
}

/* --- alarms of suspended personas --- */

static void an_alarm_is_kept_until_the_persona_is_back(void **state) {
    struct log_entry entry;
    (void)state;
    use_interrupt();
    set_alarm(1000010);
    flip();
    assert_int_equal(switcher.running, 1);
    pass(10);
    assert_false(take_interrupt());
    assert_int_equal(get(RIS), 0);
    assert_int_equal(switcher.running, 1);
    assert_false(attention_flip_requested());
    assert_true(log_get(log_end() - 1, &entry));
    assert_int_equal(entry.event, LOG_ALARM);
    assert_int_equal(entry.persona, 0);
    assert_false(fake_clock.unmasked);
    flip();
    assert_int_equal(switcher.running, 0);
    assert_true(take_interrupt());
    assert_int_equal(get(MIS), 1);
    set(ICR, 1);
    flip();
    flip();
    assert_false(take_interrupt());
}

static void an_alarm_asks_for_a_flip_if_it_may(void **state) {
    struct history_entry entry;
    (void)state;
    platform.handover.personas[0].alarm_flip = 1;
    use_interrupt();
    set_alarm(1000010);
    flip();
    flip();
    flip();
    assert_int_equal(switcher.running, 1);
    (void)platform_take_button();
    pass(10);
    assert_true(platform_take_button());
    assert_true(attention_flip_requested());
    assert_int_equal(attention_target(), 0);
    assert_true(history_get(0, &entry));
    assert_int_equal(entry.stage, HISTORY_ASKED);
    assert_int_equal(entry.to, 0);
    suspend();
    assert_int_equal(switcher.running, 0);
    assert_true(take_interrupt());
}

/** The user's wish comes first. */
static void an_alarm_does_not_change_where_a_flip_goes(void **state) {
    (void)state;
    platform.handover.personas[0].alarm_flip = 1;
    use_interrupt();
    set_alarm(1000010);
    flip();
    assert_int_equal(switcher.running, 1);
    platform_press(100);
    pass(10);
    assert_int_equal(attention_target(), ATTENTION_NEXT);
    suspend();
    assert_int_equal(switcher.running, 2);
}

static void the_first_of_many_is_next(void **state) {
    (void)state;
    set(LR, 4000000000);
    set_alarm(4000000030);
    flip();
    set(LR, 100);
    set_alarm(120);
    flip();
    set_alarm(1000025);
    assert_int_equal(fake_clock.match, 1000020);
    pass(20);
    assert_true(switcher.personas[1].clock.raw);
    assert_int_equal(fake_clock.match, 1000025);
    pass(7); /* late */
    assert_true(take_interrupt());
    assert_int_equal(fake_clock.match, 1000030);
    set(ICR, 1);
    set(IMSC, 0);
    pass(100); /* later still, and another comes due as well */
    assert_true(switcher.personas[0].clock.raw);
    assert_false(fake_clock.unmasked);
}

static void an_alarm_seen_by_another_access_is_not_lost(void **state) {
    (void)state;
    use_interrupt();
    set_alarm(1000010);
    flip();
    fake_clock.counter += 10; /* the interrupt is still on its way */
    set_alarm(1000500);
    assert_true(switcher.personas[0].clock.raw);
    assert_int_equal(fake_clock.match, 1000500);
    flip();
    assert_true(take_interrupt());
}

static void a_flip_leaves_the_clock_alone(void **state) {
    (void)state;
    flip();
    flip();
    set_alarm(1000010);
    size_t accesses = fake_clock.accesses;
    flip();
    flip();
    assert_int_equal(fake_clock.accesses, accesses);
}

/* --- the ends of a persona --- */

static void a_reset_keeps_the_time_and_drops_the_alarm(void **state) {
    (void)state;
    set(LR, 3000);
    set_alarm(3010);
    (void)platform_call(0, PSCI_SYSTEM_RESET, 0, 0, 0);
    assert_int_equal(get(DR), 3000);
    assert_int_equal(get(LR), 3000);
    assert_int_equal(get(IMSC) | get(RIS) | get(MR), 0);
    pass(20);
    assert_false(take_interrupt());
}

static void who_is_off_has_no_alarm(void **state) {
    (void)state;
    flip();
    platform.handover.personas[1].alarm_flip = 1;
    set_alarm(1000010);
    (void)platform_call(0, PSCI_SYSTEM_OFF, 0, 0, 0);
    assert_int_equal(switcher.running, 0);
    uint64_t end = log_end();
    pass(20);
    assert_false(attention_flip_requested());
    assert_int_equal(log_end(), end);
}

/* --- sleep --- */

static void an_alarm_ends_sleep(void **state) {
    (void)state;
    use_interrupt();
    set_alarm(1000010);
    suspend();
    assert_int_equal(running_persona()->state, PERSONA_ASLEEP);
    pass(9);
    assert_int_equal(running_persona()->state, PERSONA_ASLEEP);
    pass(1);
    assert_int_equal(running_persona()->state, PERSONA_RUNNING);
    assert_int_equal(switcher.running, 0);
    assert_true(take_interrupt());
}

static void an_alarm_of_another_leaves_it_asleep(void **state) {
    (void)state;
    set_alarm(1000010);
    flip();
    suspend();
    pass(10);
    assert_int_equal(switcher.running, 1);
    assert_int_equal(running_persona()->state, PERSONA_ASLEEP);
    assert_true(switcher.personas[0].clock.raw);
    platform_press(100);
    assert_int_equal(switcher.running, 0);
    assert_int_equal(running_persona()->state, PERSONA_RUNNING);
}

static void an_alarm_that_may_flips_at_once_in_sleep(void **state) {
    (void)state;
    platform.handover.personas[0].alarm_flip = 1;
    use_interrupt();
    set_alarm(1000010);
    flip();
    suspend();
    pass(10);
    assert_int_equal(switcher.running, 0);
    assert_int_equal(running_persona()->state, PERSONA_RUNNING);
    assert_int_equal(switcher.personas[1].state, PERSONA_SUSPENDED);
    assert_true(take_interrupt());
    assert_false(attention_flip_requested());
    flip();
    assert_int_equal(switcher.running, 1);
    assert_false(platform_take_button());
}

#define TWO(test) cmocka_unit_test_setup(test, two_personas)
#define THREE(test) cmocka_unit_test_setup(test, three_personas)

int main(void) {
    const struct CMUnitTest tests[] = {
        TWO(the_real_clock_is_taken_over),
        TWO(each_persona_sets_its_own_time),
        TWO(hostile_accesses_do_nothing),
        TWO(a_board_without_a_clock_has_a_fault_there),
        TWO(accesses_are_counted),
        TWO(an_alarm_is_an_interrupt),
        TWO(an_interrupt_goes_as_its_cause_does),
        TWO(a_match_is_seen_while_it_is_masked),
        TWO(an_alarm_in_the_past_comes_after_a_turn_of_the_counter),
        TWO(setting_the_time_moves_the_alarm),
        TWO(counters_wrap),
        TWO(a_clock_that_is_set_back_makes_nothing_due),
        TWO(a_second_that_passes_meanwhile_loses_nothing),
        TWO(an_alarm_is_kept_until_the_persona_is_back),
        TWO(an_alarm_asks_for_a_flip_if_it_may),
        THREE(an_alarm_does_not_change_where_a_flip_goes),
        THREE(the_first_of_many_is_next),
        TWO(an_alarm_seen_by_another_access_is_not_lost),
        TWO(a_flip_leaves_the_clock_alone),
        TWO(a_reset_keeps_the_time_and_drops_the_alarm),
        TWO(who_is_off_has_no_alarm),
        TWO(an_alarm_ends_sleep),
        TWO(an_alarm_of_another_leaves_it_asleep),
        TWO(an_alarm_that_may_flips_at_once_in_sleep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
