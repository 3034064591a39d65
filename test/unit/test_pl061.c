// SPDX-License-Identifier: BSD-3-Clause
#include "machine.h"
#include "pl061.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum {
    BASE = 0x09030000,
    DATA_END = 0x400,
    DIR = 0x400,
    IS = 0x404,
    IBE = 0x408,
    IE = 0x410,
    RIS = 0x414,
    IC = 0x41c,
    AFSEL = 0x420,
    PIN = 3,
    LONG_MS = 2000,
    TICKS_PER_MS = 1000,
};

/* The part of a PL061 that inputs with both edges use. */
static struct { uint32_t lines, direction, sense, both, enable, raw, alternate; } gpio;

static uint64_t gpio_read(void *context, uint64_t offset, unsigned size) {
    (void)context;
    assert_int_equal(size, 4);
    if (offset < DATA_END)
        return gpio.lines & (offset >> 2);
    switch (offset) {
    case DIR:
        return gpio.direction;
    case IS:
        return gpio.sense;
    case IBE:
        return gpio.both;
    case RIS:
        return gpio.raw;
    case AFSEL:
        return gpio.alternate;
    default:
        fail_msg("read of 0x%x", (unsigned)offset);
        return 0;
    }
}

static void gpio_write(void *context, uint64_t offset, unsigned size, uint64_t value) {
    (void)context;
    assert_int_equal(size, 4);
    uint32_t bits = (uint32_t)value;
    switch (offset) {
    case DIR:
        gpio.direction = bits;
        break;
    case IS:
        gpio.sense = bits;
        break;
    case IBE:
        gpio.both = bits;
        break;
    case IE:
        gpio.enable = bits;
        break;
    case IC:
        gpio.raw &= ~bits;
        break;
    case AFSEL:
        gpio.alternate = bits;
        break;
    default:
        fail_msg("write to 0x%x", (unsigned)offset);
    }
}

static struct handover_power_key key = {.base = BASE, .intid = 39, .pin = PIN, .long_press_ms = LONG_MS};

static void set_line(unsigned pin, bool high) {
    uint32_t before = gpio.lines;
    gpio.lines = high ? before | 1u << pin : before & ~(1u << pin);
    gpio.raw |= (before ^ gpio.lines) & gpio.both;
}

static void wait_ms(uint64_t milliseconds) { fake.counter += milliseconds * TICKS_PER_MS; }

static int set_up(void **state) {
    (void)state;
    memset(&gpio, 0, sizeof gpio);
    fake_reset();
    fake.counter_step = 0;
    fake_map(BASE, 0x1000, gpio_read, gpio_write, NULL);
    key.active_low = 0;
    return 0;
}

static void expect(enum attention_press press) { assert_int_equal(pl061_interrupt(), press); }

static void expect_press(uint64_t milliseconds, enum attention_press press) {
    bool active = key.active_low == 0;
    set_line(PIN, active);
    assert_true((gpio.raw & gpio.enable) != 0);
    expect(ATTENTION_NONE);
    assert_int_equal(gpio.raw & gpio.enable, 0);
    wait_ms(milliseconds);
    set_line(PIN, !active);
    assert_true((gpio.raw & gpio.enable) != 0);
    expect(press);
    assert_int_equal(gpio.raw & gpio.enable, 0);
}

static void test_init_owns_the_pin_alone(void **state) {
    (void)state;
    gpio.direction = gpio.sense = gpio.alternate = gpio.raw = gpio.enable = 0xff;
    pl061_init(&key);
    assert_int_equal(gpio.direction, 0xff & ~(1 << PIN));
    assert_int_equal(gpio.sense, 0xff & ~(1 << PIN));
    assert_int_equal(gpio.alternate, 0xff & ~(1 << PIN));
    assert_int_equal(gpio.both, 1 << PIN);
    assert_int_equal(gpio.enable, 1 << PIN);
    assert_int_equal(gpio.raw, 0);
}

static void test_short_and_long(void **state) {
    (void)state;
    pl061_init(&key);
    expect_press(100, ATTENTION_SHORT);
    expect_press(LONG_MS - 1, ATTENTION_SHORT);
    expect_press(LONG_MS, ATTENTION_LONG);
    expect_press(100000, ATTENTION_LONG);
    expect_press(100, ATTENTION_SHORT);
}

static void test_active_low(void **state) {
    (void)state;
    key.active_low = 1;
    set_line(PIN, true);
    pl061_init(&key);
    expect_press(100, ATTENTION_SHORT);
    expect_press(LONG_MS, ATTENTION_LONG);
}

static void test_bounces_are_no_press(void **state) {
    (void)state;
    pl061_init(&key);
    expect_press(1, ATTENTION_NONE);
    expect_press(4, ATTENTION_NONE);
    expect_press(LONG_MS, ATTENTION_LONG);
}

static void test_spurious_and_foreign_interrupts(void **state) {
    (void)state;
    pl061_init(&key);
    expect(ATTENTION_NONE);
    gpio.both |= 1u << 5;
    set_line(5, true);
    expect(ATTENTION_NONE);
    assert_int_equal(gpio.raw, 1 << 5);
    set_line(PIN, true);
    expect(ATTENTION_NONE);
    expect(ATTENTION_NONE);
    wait_ms(100);
    expect(ATTENTION_NONE);
    set_line(PIN, false);
    expect(ATTENTION_SHORT);
}

/* The interrupt was not taken in time: asleep, or in the middle of a flip. */
static void test_a_press_that_nobody_saw_is_short(void **state) {
    (void)state;
    pl061_init(&key);
    set_line(PIN, true);
    wait_ms(LONG_MS);
    set_line(PIN, false);
    expect(ATTENTION_SHORT);
    expect(ATTENTION_NONE);
    expect_press(LONG_MS, ATTENTION_LONG);
}

static void test_released_and_pressed_unseen(void **state) {
    (void)state;
    pl061_init(&key);
    set_line(PIN, true);
    expect(ATTENTION_NONE);
    wait_ms(LONG_MS);
    set_line(PIN, false);
    set_line(PIN, true);
    expect(ATTENTION_SHORT);
    wait_ms(50);
    set_line(PIN, false);
    expect(ATTENTION_SHORT);
}

/* Who turns the terminal on holds the power key: letting it go is no request. */
static void test_held_since_before_the_start(void **state) {
    (void)state;
    set_line(PIN, true);
    pl061_init(&key);
    wait_ms(LONG_MS);
    set_line(PIN, false);
    expect(ATTENTION_NONE);
    expect_press(100, ATTENTION_SHORT);
}

static void test_all_pins(void **state) {
    (void)state;
    for (unsigned pin = 0; pin < 8; pin++) {
        struct handover_power_key other = key;
        other.pin = pin;
        pl061_init(&other);
        set_line(pin, true);
        expect(ATTENTION_NONE);
        wait_ms(100);
        set_line(pin, false);
        expect(ATTENTION_SHORT);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_init_owns_the_pin_alone, set_up),
        cmocka_unit_test_setup(test_short_and_long, set_up),
        cmocka_unit_test_setup(test_active_low, set_up),
        cmocka_unit_test_setup(test_bounces_are_no_press, set_up),
        cmocka_unit_test_setup(test_spurious_and_foreign_interrupts, set_up),
        cmocka_unit_test_setup(test_a_press_that_nobody_saw_is_short, set_up),
        cmocka_unit_test_setup(test_released_and_pressed_unseen, set_up),
        cmocka_unit_test_setup(test_held_since_before_the_start, set_up),
        cmocka_unit_test_setup(test_all_pins, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
