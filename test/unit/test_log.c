// SPDX-License-Identifier: BSD-3-Clause
#include "console.h"
#include "log.h"
#include "machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { BASE = 0x09000000, UARTCR = 0x030, UARTCR_ON = 0x301, PRINTED_MAX = 65536 };

static char printed[PRINTED_MAX];
static size_t printed_count;

static uint64_t uart_read(void *context, uint64_t offset, unsigned size) {
    (void)context;
    (void)size;
    return offset == UARTCR ? UARTCR_ON : 0;
}

static void uart_write(void *context, uint64_t offset, unsigned size, uint64_t value) {
    (void)context;
    (void)size;
    assert_int_equal(offset, 0);
    assert_true(printed_count < PRINTED_MAX - 1);
    printed[printed_count++] = (char)value;
}

static int set_up(void **state) {
    (void)state;
    memset(printed, 0, sizeof printed);
    printed_count = 0;
    fake_reset();
    fake_map(BASE, 0x1000, uart_read, uart_write, NULL);
    console_init(BASE);
    return 0;
}

static size_t lines(void) {
    size_t count = 0;
    for (size_t i = 0; i < printed_count; i++)
        count += printed[i] == '\n';
    return count;
}

/* First, since the log has no way back to nothing. */
static void test_before_init_personas_have_no_names(void **state) {
    (void)state;
    log_print();
    assert_int_equal(lines(), HANDOVER_PERSONAS_MAX);
    log_add(LOG_RESET, 1, 0, 0);
    log_add(LOG_RESET, 99, 0, 0);
    log_print();
    assert_non_null(strstr(printed, "no persona: reset\r\n"));
    assert_int_equal(lines(), 2 * HANDOVER_PERSONAS_MAX + 2);
}

static void test_an_entry_is_kept_whole(void **state) {
    (void)state;
    fake.counter = 777;
    fake.cpu = 3;
    uint64_t number = log_end();
    log_add(LOG_FAULT, 1, UINT64_MAX, 0x92000007);
    assert_int_equal(log_end(), number + 1);
    struct log_entry entry;
    assert_true(log_get(number, &entry));
    assert_int_equal(entry.event, LOG_FAULT);
    assert_int_equal(entry.persona, 1);
    assert_int_equal(entry.cpu, 3);
    assert_true(entry.a == UINT64_MAX);
    assert_int_equal(entry.b, 0x92000007);
    assert_in_range(entry.time, 777, 778);
    assert_false(log_get(number + 1, &entry));
}

static void test_the_oldest_is_overwritten(void **state) {
    (void)state;
    uint64_t first = log_end();
    for (uint64_t i = 0; i < 3 * LOG_ENTRIES; i++)
        log_add(LOG_CPU_ON, 0, i, 0);
    struct log_entry entry;
    assert_false(log_get(first, &entry));
    assert_false(log_get(first + 2 * LOG_ENTRIES - 1, &entry));
    for (uint64_t i = 2 * LOG_ENTRIES; i < 3 * LOG_ENTRIES; i++) {
        assert_true(log_get(first + i, &entry));
        assert_int_equal(entry.a, i);
    }
}

static void test_counters_are_apart_and_bounded(void **state) {
    (void)state;
    for (unsigned persona = 0; persona < HANDOVER_PERSONAS_MAX; persona++)
        for (unsigned counter = 0; counter < LOG_COUNTERS; counter++)
            for (unsigned i = 0; i < persona * LOG_COUNTERS + counter; i++)
                log_count(counter, persona);
    for (unsigned persona = 0; persona < HANDOVER_PERSONAS_MAX; persona++)
        for (unsigned counter = 0; counter < LOG_COUNTERS; counter++)
            assert_int_equal(log_counted(counter, persona), persona * LOG_COUNTERS + counter);
    log_count(LOG_COUNTERS, 0);
    log_count(COUNT_HVC, HANDOVER_PERSONAS_MAX);
    log_count(COUNT_HVC, UINT32_MAX);
    assert_int_equal(log_counted(LOG_COUNTERS, 0), 0);
    assert_int_equal(log_counted(COUNT_HVC, UINT32_MAX), 0);
}

static void test_print_is_readable(void **state) {
    (void)state;
    static struct handover handover = {.persona_count = 2, .personas = {{.name = "personal"}, {.name = "work"}}};
    fake.counter_step = 0;
    fake.counter = 5000000;
    log_init(&handover);
    fake.counter += 1234567;
    log_add(LOG_SUSPEND, 0, 0x40200000, 0);
    log_add(LOG_FAULT, 1, 0x9020000, 0x92000007);
    log_add(0, 1, 1, 2);
    log_add(1000, 1, 1, 2);
    log_print();
    assert_non_null(strstr(printed, "1234 ms CPU 0 personal: suspended, resumes at 0x40200000\r\n"));
    assert_non_null(strstr(printed, "1234 ms CPU 0 work: access outside, at 0x9020000, ESR_EL2 0x92000007\r\n"));
    assert_non_null(strstr(printed, "work: unknown event, a 0x1, b 0x2\r\n"));
    assert_non_null(strstr(printed, "\r\nwork: "));
    assert_null(strstr(printed, "persona 2"));
    /* The ring is full by now: each entry a line, and one for each persona's counters. */
    assert_int_equal(lines(), LOG_ENTRIES + handover.persona_count);
}

static void test_every_event_has_a_text(void **state) {
    (void)state;
    for (unsigned event = LOG_START; event <= LOG_PSCI_ERROR; event++)
        log_add(event, 0, 0, 0);
    for (unsigned i = 0; i < LOG_ENTRIES - LOG_PSCI_ERROR; i++)
        log_add(LOG_START, 0, 0, 0);
    log_print();
    assert_null(strstr(printed, "unknown event"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_before_init_personas_have_no_names, set_up),
        cmocka_unit_test_setup(test_an_entry_is_kept_whole, set_up),
        cmocka_unit_test_setup(test_the_oldest_is_overwritten, set_up),
        cmocka_unit_test_setup(test_counters_are_apart_and_bounded, set_up),
        cmocka_unit_test_setup(test_print_is_readable, set_up),
        cmocka_unit_test_setup(test_every_event_has_a_text, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
