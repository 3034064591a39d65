// SPDX-License-Identifier: BSD-3-Clause
#include "console.h"
#include "machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum {
    BASE = 0x09000000,
    DR = 0x000,
    FR = 0x018,
    CR = 0x030,
    BUSY = 1 << 3,
    TXFF = 1 << 5,
    UARTEN = 1 << 0,
    LBE = 1 << 7,
    TXE = 1 << 8,
    RXE = 1 << 9,
    CTSEN = 1 << 15,
    SENT_MAX = 4096,
    FIFO = 16,
};

/* A PL011 whose FIFO of 16 sends a character at each second look at the flags. */
static struct {
    uint32_t control;
    unsigned fifo;
    unsigned looks;
    bool stuck;
    char sent[SENT_MAX];
    size_t sent_count;
} uart;

static bool enabled(void) { return (uart.control & (UARTEN | TXE)) == (UARTEN | TXE) && (uart.control & CTSEN) == 0; }

static uint64_t uart_read(void *context, uint64_t offset, unsigned size) {
    (void)context;
    assert_int_equal(size, 4);
    if (offset == CR)
        return uart.control;
    assert_int_equal(offset, FR);
    if (enabled() && !uart.stuck && uart.fifo > 0 && ++uart.looks % 2 == 0)
        uart.fifo--;
    return (uart.fifo == FIFO ? TXFF : 0u) | (uart.fifo > 0 ? BUSY : 0u);
}

static void uart_write(void *context, uint64_t offset, unsigned size, uint64_t value) {
    (void)context;
    assert_int_equal(size, 4);
    if (offset == CR) {
        if ((value & UARTEN) == 0)
            assert_true(uart.fifo == 0 || uart.stuck);
        uart.control = (uint32_t)value;
        return;
    }
    assert_int_equal(offset, DR);
    assert_true(enabled());
    assert_true(uart.fifo < FIFO);
    uart.fifo++;
    uart.sent[uart.sent_count++] = (char)value;
    assert_true(uart.sent_count < SENT_MAX);
}

static int set_up(void **state) {
    (void)state;
    memset(&uart, 0, sizeof uart);
    uart.control = UARTEN | TXE | RXE;
    fake_reset();
    fake_map(BASE, 0x1000, uart_read, uart_write, NULL);
    console_init(BASE);
    return 0;
}

static void expect_sent(const char *text) {
    assert_string_equal(uart.sent, text);
    memset(uart.sent, 0, sizeof uart.sent);
    uart.sent_count = 0;
}

static void test_without_console_nothing_is_touched(void **state) {
    (void)state;
    console_init(0);
    console_print("lost %u\n", 1u);
    expect_sent("");
}

static void test_conversions(void **state) {
    (void)state;
    console_print("plain\n");
    expect_sent("plain\r\n");
    const char *volatile none = NULL;
    console_print("%s|%s|%c", "text", none, 'x');
    expect_sent("text|(none)|x");
    console_print("%u %u %x %x", 0u, UINT32_MAX, 0u, 0xdeadbeefu);
    expect_sent("0 4294967295 0 deadbeef");
    console_print("%d %d %d %d", 0, -1, INT32_MAX, INT32_MIN);
    expect_sent("0 -1 2147483647 -2147483648");
    console_print("%lu %lx", UINT64_MAX, UINT64_MAX);
    expect_sent("18446744073709551615 ffffffffffffffff");
    console_print("100%%");
    expect_sent("100%");
}

/* Through a pointer, since the compiler refuses such formats where it sees them. */
static void test_unknown_conversions_are_shown(void **state) {
    (void)state;
    void (*volatile print)(const char *, ...) = console_print;
    print("%q %ls %");
    expect_sent("%q %ls %");
    print("%l");
    expect_sent("%l");
}

static void test_long_text_waits_for_the_fifo(void **state) {
    (void)state;
    char text[1000];
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    console_print("%s", text);
    expect_sent(text);
}

static void test_settings_of_the_persona_are_given_back(void **state) {
    (void)state;
    const uint32_t settings[] = {0, UARTEN, RXE | TXE, UARTEN | TXE | LBE, UARTEN | TXE | RXE | CTSEN};
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        uart.control = settings[i];
        console_print("seen all the same\n");
        expect_sent("seen all the same\r\n");
        assert_int_equal(uart.control, settings[i]);
    }
}

static void test_good_settings_are_not_written(void **state) {
    (void)state;
    console_print("x");
    assert_int_equal(fake_events_of(FAKE_WRITE), 1);
}

static void test_a_stuck_uart_costs_bounded_time_once_a_text(void **state) {
    (void)state;
    uart.stuck = true;
    uint64_t before = fake.counter;
    console_print("more than the FIFO of sixteen characters takes, several times over, in one text\n");
    assert_in_range(fake.counter - before, fake.frequency / 100, fake.frequency / 25);
    assert_int_equal(uart.sent_count, FIFO);
    uart.stuck = false;
    console_print("alive\n");
    assert_non_null(strstr(uart.sent, "alive\r\n"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_without_console_nothing_is_touched, set_up),
        cmocka_unit_test_setup(test_conversions, set_up),
        cmocka_unit_test_setup(test_unknown_conversions_are_shown, set_up),
        cmocka_unit_test_setup(test_long_text_waits_for_the_fifo, set_up),
        cmocka_unit_test_setup(test_settings_of_the_persona_are_given_back, set_up),
        cmocka_unit_test_setup(test_good_settings_are_not_written, set_up),
        cmocka_unit_test_setup(test_a_stuck_uart_costs_bounded_time_once_a_text, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
