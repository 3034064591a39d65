// SPDX-License-Identifier: BSD-3-Clause
#include "machine.h"
#include "quiet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { STATUS = 0x0a000070, COMMAND = 0x3f000004, BUS_MASTER = 1 << 2 };

static uint32_t status;
static uint32_t command; /* with the Status half above it */

static const struct handover handover = {
    .quiet_count = 2,
    .quiet = {{.address = STATUS, .kind = HANDOVER_QUIET_VIRTIO_MMIO},
              {.address = COMMAND, .kind = HANDOVER_QUIET_PCI_COMMAND}},
};

static int set_up(void **state) {
    (void)state;
    status = 0;
    command = 0;
    fake_reset();
    /* Of just these sizes: a wider access would fail. */
    fake_map_memory(STATUS, sizeof status, &status);
    fake_map_memory(COMMAND, sizeof command, &command);
    return 0;
}

static void expect_quiet(void) {
    uint64_t address = 1;
    assert_true(quiet_check(&handover, &address));
    assert_int_equal(address, 1);
}

static void expect_busy(uint64_t expected) {
    uint64_t address = 1;
    assert_false(quiet_check(&handover, &address));
    assert_int_equal(address, expected);
}

static void test_at_rest(void **state) {
    (void)state;
    expect_quiet();
    command = UINT16_MAX & ~(uint32_t)BUS_MASTER;
    expect_quiet();
}

static void test_virtio_busy(void **state) {
    (void)state;
    for (unsigned bit = 0; bit < 32; bit++) {
        status = UINT32_C(1) << bit;
        expect_busy(STATUS);
    }
}

static void test_pci_busy(void **state) {
    (void)state;
    command = BUS_MASTER;
    expect_busy(COMMAND);
    command = BUS_MASTER | 3;
    expect_busy(COMMAND);
    status = 1;
    expect_busy(STATUS);
}

static void test_absent_function_is_quiet(void **state) {
    (void)state;
    command = UINT16_MAX;
    expect_quiet();
}

static void test_nothing_to_look_at(void **state) {
    (void)state;
    const struct handover none = {.quiet_count = 0};
    uint64_t address = 0;
    fake_reset();
    assert_true(quiet_check(&none, &address));
}

static void test_stop(void **state) {
    (void)state;
    status = 0xf;
    command = UINT32_C(0xfff00000) | BUS_MASTER | 3;
    quiet_stop_devices(&handover);
    assert_int_equal(status, 0);
    assert_int_equal(command, 3); /* nothing written to the Status half's write-1-to-clear bits */
    expect_quiet();
}

/* A device may have been set going after its bus mastering was turned off. */
static void test_functions_are_stopped_though_quiet(void **state) {
    (void)state;
    command = UINT32_C(0x00100000) | 3;
    expect_quiet();
    assert_int_equal(fake_events_of(FAKE_WRITE), 2);
    assert_int_equal(fake_last_event(FAKE_WRITE)->a, COMMAND);
    assert_int_equal(fake_last_event(FAKE_WRITE)->b, 3);
    quiet_stop_devices(&handover);
    assert_int_equal(command, 3);
}

static void test_virtio_is_reset_though_quiet(void **state) {
    (void)state;
    const struct handover one = {.quiet_count = 1, .quiet = {handover.quiet[0]}};
    uint64_t address = 0;
    assert_true(quiet_check(&one, &address));
    assert_int_equal(fake_events_of(FAKE_WRITE), 1);
    assert_int_equal(fake_last_event(FAKE_WRITE)->a, STATUS);
    assert_int_equal(fake_last_event(FAKE_WRITE)->b, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_at_rest, set_up),
        cmocka_unit_test_setup(test_stop, set_up),
        cmocka_unit_test_setup(test_functions_are_stopped_though_quiet, set_up),
        cmocka_unit_test_setup(test_virtio_is_reset_though_quiet, set_up),
        cmocka_unit_test_setup(test_virtio_busy, set_up),
        cmocka_unit_test_setup(test_pci_busy, set_up),
        cmocka_unit_test_setup(test_absent_function_is_quiet, set_up),
        cmocka_unit_test_setup(test_nothing_to_look_at, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
