// SPDX-License-Identifier: BSD-3-Clause
#include "attention.h"
#include "control.h"
#include "gic.h"
#include "machine.h"
#include "pl061.h"
#include "pseudorandom.h"
#include "virtio_keyboard.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { POWER_KEY = 39, KEYBOARD = 79, TIMER = 26, BUTTON = 142, TIMEOUT_MS = 20000, TICKS_PER_MS = 1000 };

/* The sources, which report what the test says, and the flip button. */
static enum attention_press pressed;
static unsigned power_key_reads, keyboard_reads, pends, unpends;
static bool power_key_set_up, keyboard_set_up, keyboard_works;

/* The agent, and the CPU that the switcher's interrupts go to. */
static bool agent;
static unsigned agent_asks, switcher_cpu, sgis;

bool control_ask(void) {
    agent_asks += agent;
    return agent;
}

unsigned gic_switcher_cpu(void) { return switcher_cpu; }

void gic_send_stop(unsigned cpu) {
    assert_int_equal(cpu, switcher_cpu);
    sgis++;
}

void pl061_init(const struct handover_power_key *key) { power_key_set_up = key->base != 0; }

enum attention_press pl061_interrupt(void) {
    power_key_reads++;
    return pressed;
}

bool virtio_keyboard_init(const struct handover_keyboard *keyboard) {
    keyboard_set_up = keyboard->base != 0;
    return keyboard_works;
}

enum attention_press virtio_keyboard_interrupt(void) {
    keyboard_reads++;
    return pressed;
}

void gic_unpend(uint32_t intid) {
    assert_int_equal(intid, BUTTON);
    unpends++;
}

void gic_pend(uint32_t intid) {
    assert_int_equal(intid, BUTTON);
    pends++;
}

static struct handover handover;

static int set_up(void **state) {
    (void)state;
    fake_reset();
    fake.counter_step = 0;
    power_key_reads = keyboard_reads = pends = unpends = 0;
    power_key_set_up = keyboard_set_up = false;
    keyboard_works = true;
    agent = false;
    agent_asks = switcher_cpu = sgis = 0;
    handover = (struct handover){
        .hypervisor_timer_intid = TIMER,
        .flip_button_intid = BUTTON,
        .flip_timeout_ms = TIMEOUT_MS,
        .power_key = {.base = 0x09030000, .intid = POWER_KEY},
        .keyboard = {.base = 0x0a003e00, .intid = KEYBOARD},
    };
    attention_init(&handover);
    return 0;
}

static void expect(uint32_t intid, enum attention_press press, enum attention_action action) {
    pressed = press;
    assert_int_equal(attention_interrupt(intid), action);
}

/* Time goes on; the timer interrupts if it is due. */
static void wait_ms(uint64_t milliseconds, enum attention_action action) {
    fake.counter += milliseconds * TICKS_PER_MS;
    bool due = fake.timer_on && fake.counter >= fake.timer_deadline;
    assert_int_equal(due ? attention_interrupt(TIMER) : ATTENTION_DO_NOTHING, action);
}

static void test_sources_are_set_up(void **state) {
    (void)state;
    assert_true(power_key_set_up);
    assert_true(keyboard_set_up);
    assert_false(attention_flip_requested());
}

static void test_board_without_keys(void **state) {
    (void)state;
    power_key_set_up = keyboard_set_up = false;
    handover.power_key = (struct handover_power_key){0};
    handover.keyboard = (struct handover_keyboard){0};
    attention_init(&handover);
    assert_false(power_key_set_up);
    assert_false(keyboard_set_up);
    expect(0, ATTENTION_SHORT, ATTENTION_DO_NOTHING);
    expect(POWER_KEY, ATTENTION_SHORT, ATTENTION_DO_NOTHING);
    assert_int_equal(power_key_reads + keyboard_reads, 0);
}

static void test_a_dead_keyboard_is_not_read(void **state) {
    (void)state;
    keyboard_works = false;
    attention_init(&handover);
    expect(KEYBOARD, ATTENTION_SHORT, ATTENTION_DO_NOTHING);
    assert_int_equal(keyboard_reads, 0);
    expect(POWER_KEY, ATTENTION_SHORT, ATTENTION_DO_ASK);
}

static void test_press_asks_through_the_button(void **state) {
    (void)state;
    expect(POWER_KEY, ATTENTION_NONE, ATTENTION_DO_NOTHING);
    assert_int_equal(pends, 0);
    expect(POWER_KEY, ATTENTION_SHORT, ATTENTION_DO_ASK);
    assert_int_equal(pends, 1);
    assert_true(attention_flip_requested());
    assert_true(fake.timer_on);
    assert_int_equal(fake.timer_deadline, TIMEOUT_MS * TICKS_PER_MS);
    attention_clear();
    assert_false(attention_flip_requested());
    assert_false(fake.timer_on);
    expect(KEYBOARD, ATTENTION_SHORT, ATTENTION_DO_ASK);
    assert_int_equal(pends, 2);
}

static void test_another_press_pends_again_but_gives_no_more_time(void **state) {
    (void)state;
    expect(POWER_KEY, ATTENTION_SHORT, ATTENTION_DO_ASK);
    wait_ms(1999, ATTENTION_DO_NOTHING);
    expect(KEYBOARD, ATTENTION_SHORT, ATTENTION_DO_NOTHING);
    assert_int_equal(pends, 1); /* an impatient finger */
    wait_ms(TIMEOUT_MS - 2000, ATTENTION_DO_NOTHING);
    expect(KEYBOARD, ATTENTION_SHORT, ATTENTION_DO_NOTHING);
    assert_int_equal(pends, 2);
    assert_true(attention_flip_requested());
    wait_ms(1, ATTENTION_DO_TIMEOUT);
}

static void test_unanswered_is_told_once_and_can_be_asked_again(void **state) {
    (void)state;
    expect(POWER_KEY, ATTENTION_SHORT, ATTENTION_DO_ASK);
    assert_int_equal(unpends, 0);
    wait_ms(TIMEOUT_MS, ATTENTION_DO_TIMEOUT);
    assert_int_equal(unpends, 1);
    assert_false(attention_flip_requested());
    assert_false(fake.timer_on);
    wait_ms(TIMEOUT_MS, ATTENTION_DO_NOTHING);
    expect(TIMER, ATTENTION_NONE, ATTENTION_DO_NOTHING);
    expect(POWER_KEY, ATTENTION_SHORT, ATTENTION_DO_ASK);
    assert_true(attention_flip_requested());
    wait_ms(TIMEOUT_MS, ATTENTION_DO_TIMEOUT);
}

static void test_long_press(void **state) {
    (void)state;
    expect(POWER_KEY, ATTENTION_LONG, ATTENTION_DO_REPORT);
    assert_false(attention_flip_requested());
    expect(POWER_KEY, ATTENTION_SHORT, ATTENTION_DO_ASK);
    expect(POWER_KEY, ATTENTION_LONG, ATTENTION_DO_CUT_OFF);
    assert_false(attention_flip_requested());
    assert_false(fake.timer_on);
    expect(POWER_KEY, ATTENTION_SHORT, ATTENTION_DO_ASK);
    wait_ms(TIMEOUT_MS, ATTENTION_DO_TIMEOUT);
    expect(POWER_KEY, ATTENTION_LONG, ATTENTION_DO_CUT_OFF);
    expect(POWER_KEY, ATTENTION_LONG, ATTENTION_DO_REPORT);
    assert_int_equal(pends, 2);
}

/* The timer of a CPU that was asked earlier goes off while another one's is still to. */
static void test_a_stale_timer_means_nothing(void **state) {
    (void)state;
    expect(POWER_KEY, ATTENTION_SHORT, ATTENTION_DO_ASK);
    attention_clear();
    wait_ms(TIMEOUT_MS - 1, ATTENTION_DO_NOTHING);
    expect(POWER_KEY, ATTENTION_SHORT, ATTENTION_DO_ASK);
    expect(TIMER, ATTENTION_NONE, ATTENTION_DO_NOTHING);
    assert_true(attention_flip_requested());
}

static void test_timer_moves_to_another_cpu(void **state) {
    (void)state;
    attention_cpu_changed();
    assert_false(fake.timer_on);
    expect(POWER_KEY, ATTENTION_SHORT, ATTENTION_DO_ASK);
    fake.timer_on = false;
    fake.counter += 1000;
    attention_cpu_changed();
    assert_true(fake.timer_on);
    assert_int_equal(fake.timer_deadline, TIMEOUT_MS * TICKS_PER_MS);
}

static void test_a_lost_timer_does_not_wedge(void **state) {
    (void)state;
    expect(POWER_KEY, ATTENTION_SHORT, ATTENTION_DO_ASK);
    fake.timer_on = false;
    wait_ms(TIMEOUT_MS, ATTENTION_DO_NOTHING);
    assert_false(attention_flip_requested());
    expect(POWER_KEY, ATTENTION_SHORT, ATTENTION_DO_ASK);
    assert_true(fake.timer_on);
}

static void test_poll_reports_without_acting(void **state) {
    (void)state;
    pressed = ATTENTION_SHORT;
    assert_int_equal(attention_poll(POWER_KEY), ATTENTION_SHORT);
    assert_int_equal(attention_poll(KEYBOARD), ATTENTION_SHORT);
    pressed = ATTENTION_LONG;
    assert_int_equal(attention_poll(POWER_KEY), ATTENTION_LONG);
    assert_int_equal(attention_poll(15), ATTENTION_NONE);
    assert_int_equal(attention_poll(1023), ATTENTION_NONE);
    fake.timer_on = true;
    assert_int_equal(attention_poll(TIMER), ATTENTION_NONE);
    assert_false(fake.timer_on);
    assert_int_equal(pends, 0);
    assert_false(attention_flip_requested());
}

static void test_an_agent_is_asked_before_the_button(void **state) {
    (void)state;
    agent = true;
    expect(POWER_KEY, ATTENTION_SHORT, ATTENTION_DO_ASK);
    assert_int_equal(agent_asks, 1);
    assert_int_equal(pends, 0);
    assert_true(attention_flip_requested());
    wait_ms(1999, ATTENTION_DO_NOTHING);
    assert_int_equal(pends, 0);
    wait_ms(1, ATTENTION_DO_NOTHING); /* no answer: the button */
    assert_int_equal(pends, 1);
    wait_ms(2000, ATTENTION_DO_NOTHING);
    assert_int_equal(pends, 1);
    wait_ms(TIMEOUT_MS - 4000, ATTENTION_DO_TIMEOUT);
    assert_int_equal(agent_asks, 1);
}

static void test_an_agent_acknowledges(void **state) {
    (void)state;
    agent = true;
    assert_false(attention_acknowledged());
    expect(POWER_KEY, ATTENTION_SHORT, ATTENTION_DO_ASK);
    wait_ms(500, ATTENTION_DO_NOTHING);
    assert_true(attention_acknowledged());
    wait_ms(3000, ATTENTION_DO_NOTHING);
    assert_int_equal(pends, 0);
    assert_true(attention_flip_requested());
    /* It said so and does not suspend: the time is not endless. */
    wait_ms(TIMEOUT_MS - 3500, ATTENTION_DO_TIMEOUT);
    assert_false(attention_acknowledged());
}

static void test_an_agent_refuses(void **state) {
    (void)state;
    agent = true;
    assert_false(attention_refused());
    expect(POWER_KEY, ATTENTION_SHORT, ATTENTION_DO_ASK);
    wait_ms(2000, ATTENTION_DO_NOTHING);
    assert_int_equal(pends, 1);
    assert_true(attention_refused());
    assert_int_equal(unpends, 1);
    assert_false(attention_flip_requested());
    assert_false(fake.timer_on);
    assert_false(attention_refused());
    expect(POWER_KEY, ATTENTION_LONG, ATTENTION_DO_REPORT);
}

static void test_a_press_again_is_the_button(void **state) {
    (void)state;
    agent = true;
    expect(POWER_KEY, ATTENTION_SHORT, ATTENTION_DO_ASK);
    expect(POWER_KEY, ATTENTION_SHORT, ATTENTION_DO_NOTHING);
    assert_int_equal(pends, 0);
    fake.timer_on = false;
    wait_ms(2000, ATTENTION_DO_NOTHING);
    expect(POWER_KEY, ATTENTION_SHORT, ATTENTION_DO_NOTHING);
    assert_int_equal(pends, 1);
    assert_int_equal(agent_asks, 1);
}

static void test_a_request_of_the_persona(void **state) {
    (void)state;
    assert_int_equal(attention_target(), ATTENTION_NEXT);
    attention_request(2);
    assert_int_equal(attention_target(), 2);
    assert_int_equal(pends, 1);
    assert_true(fake.timer_on);
    wait_ms(TIMEOUT_MS, ATTENTION_DO_TIMEOUT);
    assert_int_equal(attention_target(), ATTENTION_NEXT);
    attention_request(2);
    attention_clear();
    assert_int_equal(attention_target(), ATTENTION_NEXT);
    attention_request(2);
    wait_ms(TIMEOUT_MS, ATTENTION_DO_TIMEOUT);
    expect(POWER_KEY, ATTENTION_SHORT, ATTENTION_DO_ASK);
    assert_int_equal(attention_target(), ATTENTION_NEXT);
}

/* On a CPU that the persona turns off when it suspends, the timer would be lost. */
static void test_a_request_on_another_cpu(void **state) {
    (void)state;
    switcher_cpu = 1;
    attention_request(2);
    assert_int_equal(sgis, 1);
    assert_false(fake.timer_on);
    fake.cpu = 1;
    attention_cpu_changed();
    assert_true(fake.timer_on);
    wait_ms(TIMEOUT_MS, ATTENTION_DO_TIMEOUT);
}

/* Against a model: what a user and a persona do, in any order. */
static void test_any_sequence(void **state) {
    (void)state;
    struct pseudorandom random = {7};
    enum attention_state model = ATTENTION_IDLE;
    uint64_t deadline = 0;
    for (unsigned i = 0; i < 100000; i++) {
        switch (pseudorandom_below(&random, 4)) {
        case 0:
            expect(POWER_KEY, ATTENTION_SHORT, model == ATTENTION_ASKED ? ATTENTION_DO_NOTHING : ATTENTION_DO_ASK);
            if (model != ATTENTION_ASKED)
                deadline = fake.counter + TIMEOUT_MS * TICKS_PER_MS;
            model = ATTENTION_ASKED;
            break;
        case 1:
            expect(KEYBOARD, ATTENTION_LONG, model == ATTENTION_IDLE ? ATTENTION_DO_REPORT : ATTENTION_DO_CUT_OFF);
            model = ATTENTION_IDLE;
            break;
        case 2:
            attention_clear();
            model = ATTENTION_IDLE;
            break;
        default: {
            uint64_t milliseconds = pseudorandom_below(&random, TIMEOUT_MS);
            bool due = model == ATTENTION_ASKED && fake.counter + milliseconds * TICKS_PER_MS >= deadline;
            wait_ms(milliseconds, due ? ATTENTION_DO_TIMEOUT : ATTENTION_DO_NOTHING);
            model = due ? ATTENTION_UNANSWERED : model;
        }
        }
        assert_int_equal(attention_flip_requested(), model == ATTENTION_ASKED);
        assert_int_equal(fake.timer_on, model == ATTENTION_ASKED);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_sources_are_set_up, set_up),
        cmocka_unit_test_setup(test_board_without_keys, set_up),
        cmocka_unit_test_setup(test_a_dead_keyboard_is_not_read, set_up),
        cmocka_unit_test_setup(test_press_asks_through_the_button, set_up),
        cmocka_unit_test_setup(test_another_press_pends_again_but_gives_no_more_time, set_up),
        cmocka_unit_test_setup(test_unanswered_is_told_once_and_can_be_asked_again, set_up),
        cmocka_unit_test_setup(test_long_press, set_up),
        cmocka_unit_test_setup(test_a_stale_timer_means_nothing, set_up),
        cmocka_unit_test_setup(test_timer_moves_to_another_cpu, set_up),
        cmocka_unit_test_setup(test_a_lost_timer_does_not_wedge, set_up),
        cmocka_unit_test_setup(test_poll_reports_without_acting, set_up),
        cmocka_unit_test_setup(test_an_agent_is_asked_before_the_button, set_up),
        cmocka_unit_test_setup(test_an_agent_acknowledges, set_up),
        cmocka_unit_test_setup(test_an_agent_refuses, set_up),
        cmocka_unit_test_setup(test_a_press_again_is_the_button, set_up),
        cmocka_unit_test_setup(test_a_request_of_the_persona, set_up),
        cmocka_unit_test_setup(test_a_request_on_another_cpu, set_up),
        cmocka_unit_test_setup(test_any_sequence, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
