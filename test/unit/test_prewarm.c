// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "attention.h"
#include "control.h"
#include "fake/platform.h"
#include "history.h"
#include "lock.h"
#include "prewarm.h"

enum { SHORT_MS = 100, LONG_MS = PLATFORM_LONG_MS + 100, TIME_MS = 60000 };

/* Persona 1 is the chosen one; 0 and 2 are to be prepared, 3 is not. */
static const uint32_t times[] = {TIME_MS, TIME_MS, TIME_MS, 0};

static int set_up(void **state) {
    (void)state;
    platform_start_prewarming(2, times, 4, 1);
    return 0;
}

static enum persona_state state_of(unsigned persona) { return switcher.personas[persona].state; }

static uint64_t entry(void) { return PLATFORM_PARTITION(switcher.running) + 0x20000; }

static int64_t suspend(void) { return platform_call(0, PSCI_SYSTEM_SUSPEND_64, entry(), 7, 0); }

/* A message of the running persona's agent, as its driver's notification brings it in. */
static const char *message;

static void receive(struct trap_frame *frame) {
    (void)frame;
    lock_acquire();
    control_received(switcher.running, (const uint8_t *)message, strlen(message));
    lock_release();
}

static void say(const char *text) {
    message = text;
    platform_begin(0, receive);
    platform_settle();
}

static void say_up(void) { say("\x81\x01"); }

static void become_ready(void) {
    say_up();
    assert_true(platform_take_button());
    (void)suspend();
}

static void expect(unsigned running, bool prewarming) {
    assert_int_equal(switcher.running, running);
    assert_int_equal(state_of(running), PERSONA_RUNNING);
    assert_int_equal(prewarm_under_way(), prewarming);
    assert_int_equal(attention_flip_requested(), prewarming);
    assert_int_equal(platform.cpus[0].timer_on, prewarming);
}

static void expect_started(unsigned running, bool prewarming) {
    expect(running, prewarming);
    assert_true(platform.cpus[0].frame.elr == PLATFORM_ENTRY(running));
}

static void each_is_suspended_when_up_and_the_chosen_one_starts_last(void **state) {
    (void)state;
    expect_started(0, true);
    assert_false(platform_take_button());
    platform_pass(TIME_MS / 2);
    become_ready();
    expect_started(2, true);
    assert_int_equal(state_of(0), PERSONA_SUSPENDED);
    assert_int_equal(state_of(1), PERSONA_LOADED);
    become_ready();
    expect_started(1, false);
    assert_int_equal(state_of(2), PERSONA_SUSPENDED);
    assert_int_equal(state_of(3), PERSONA_LOADED);
    /* The very first flip resumes. */
    platform_press(SHORT_MS);
    (void)suspend();
    expect(2, false);
    assert_true(platform.cpus[0].frame.elr == entry());
}

static void nothing_to_prepare_is_an_ordinary_start(void **state) {
    (void)state;
    const uint32_t only_the_chosen[] = {TIME_MS, 0};
    platform_start_prewarming(2, only_the_chosen, 2, 0);
    expect_started(0, false);
    say_up();
    assert_false(attention_flip_requested());
    platform_pass(2 * TIME_MS);
    expect_started(0, false);
}

static void up_is_asked_for_once(void **state) {
    (void)state;
    say_up();
    assert_true(platform_take_button());
    struct history_entry asked;
    assert_true(history_get(0, &asked));
    assert_int_equal(asked.stage, HISTORY_ASKED);
    assert_true(asked.from == 0 && asked.to == 2);
    say_up();
    assert_false(platform_take_button());
    expect(0, true);
}

static void not_up_in_time_is_as_never_started(void **state) {
    (void)state;
    platform_pass(TIME_MS - 1000);
    expect_started(0, true);
    platform_pass(1000);
    expect_started(2, true);
    assert_int_equal(state_of(0), PERSONA_LOADED);
    platform_pass(TIME_MS);
    expect_started(1, false);
    assert_int_equal(state_of(2), PERSONA_LOADED);
    platform_press(SHORT_MS);
    (void)suspend();
    expect_started(2, false);
}

static void up_but_not_suspended_in_a_flips_time(void **state) {
    (void)state;
    say_up();
    platform_pass(PLATFORM_TIMEOUT_MS);
    expect_started(2, true);
    assert_int_equal(state_of(0), PERSONA_LOADED);
    assert_false(platform_take_button());
}

static void other_cpus_are_stopped_with_it(void **state) {
    (void)state;
    assert_int_equal(platform_call(0, PSCI_CPU_ON_64, platform_mpidr(1), entry(), 0), PSCI_SUCCESS);
    platform.device_status = 0xf;
    platform_pass(TIME_MS);
    assert_int_equal(platform_cpus_on(), 1);
    assert_int_equal(platform.device_status, 0);
    assert_int_equal(switcher.running, 2);
}

static void a_press_ends_it_all(void **state) {
    (void)state;
    become_ready();
    platform_press(*(const unsigned *)*state);
    expect_started(1, false);
    assert_int_equal(state_of(0), PERSONA_SUSPENDED);
    assert_int_equal(state_of(2), PERSONA_LOADED);
    platform_press(SHORT_MS);
    assert_true(attention_flip_requested());
}

static int set_up_short(void **state) {
    static unsigned held = SHORT_MS;
    *state = &held;
    platform_start_prewarming(2, times, 4, 1);
    return 0;
}

static int set_up_long(void **state) {
    static unsigned held = LONG_MS;
    *state = &held;
    platform_start_prewarming(2, times, 4, 1);
    return 0;
}

static void a_press_while_it_is_to_suspend_ends_it_too(void **state) {
    (void)state;
    say_up();
    platform_press(SHORT_MS);
    expect_started(1, false);
    assert_int_equal(state_of(0), PERSONA_LOADED);
}

static void a_suspend_of_its_own_counts_as_ready(void **state) {
    (void)state;
    (void)suspend();
    expect_started(2, true);
    assert_int_equal(state_of(0), PERSONA_SUSPENDED);
}

static void a_reset_starts_it_again_in_the_same_time(void **state) {
    (void)state;
    platform_pass(TIME_MS / 2);
    (void)platform_call(0, PSCI_SYSTEM_RESET, 0, 0, 0);
    expect_started(0, true);
    platform_pass(TIME_MS / 2);
    expect_started(2, true);
    assert_int_equal(state_of(0), PERSONA_LOADED);
    say_up();
    (void)platform_call(0, PSCI_SYSTEM_RESET, 0, 0, 0);
    expect_started(2, true);
    become_ready();
    expect_started(1, false);
}

static void one_that_turns_itself_off_stays_off(void **state) {
    (void)state;
    become_ready();
    (void)platform_call(0, PSCI_SYSTEM_OFF, 0, 0, 0);
    expect_started(1, false);
    assert_false(platform.machine_off);
    assert_int_equal(state_of(0), PERSONA_SUSPENDED);
    assert_int_equal(state_of(2), PERSONA_OFF);
}

static void a_device_at_work_costs_time_only(void **state) {
    (void)state;
    say_up();
    platform.device_status = 4;
    assert_int_equal(suspend(), PSCI_DENIED);
    expect(0, true);
    platform.device_status = 0;
    (void)suspend();
    expect_started(2, true);
    say_up();
    platform.device_status = 4;
    assert_int_equal(suspend(), PSCI_DENIED);
    platform_pass(TIME_MS);
    expect_started(1, false);
    assert_int_equal(state_of(2), PERSONA_LOADED);
}

static void its_agent_cannot_put_it_off(void **state) {
    (void)state;
    say_up();
    assert_true(platform_take_button());
    say("\x82\x04\x62no"); /* refuse */
    expect(0, true);
    say("\x82\x02\x62p3"); /* flip to persona 3 */
    platform_pass(PLATFORM_TIMEOUT_MS);
    expect_started(2, true);
    assert_int_equal(state_of(0), PERSONA_LOADED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_is_suspended_when_up_and_the_chosen_one_starts_last, set_up),
        cmocka_unit_test_setup(nothing_to_prepare_is_an_ordinary_start, set_up),
        cmocka_unit_test_setup(up_is_asked_for_once, set_up),
        cmocka_unit_test_setup(not_up_in_time_is_as_never_started, set_up),
        cmocka_unit_test_setup(up_but_not_suspended_in_a_flips_time, set_up),
        cmocka_unit_test_setup(other_cpus_are_stopped_with_it, set_up),
        cmocka_unit_test_setup(a_press_ends_it_all, set_up_short),
        cmocka_unit_test_setup(a_press_ends_it_all, set_up_long),
        cmocka_unit_test_setup(a_press_while_it_is_to_suspend_ends_it_too, set_up),
        cmocka_unit_test_setup(a_suspend_of_its_own_counts_as_ready, set_up),
        cmocka_unit_test_setup(a_reset_starts_it_again_in_the_same_time, set_up),
        cmocka_unit_test_setup(one_that_turns_itself_off_stays_off, set_up),
        cmocka_unit_test_setup(a_device_at_work_costs_time_only, set_up),
        cmocka_unit_test_setup(its_agent_cannot_put_it_off, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
