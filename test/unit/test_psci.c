// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "attention.h"
#include "fake/platform.h"
#include "log.h"

enum { CPUS = 4, NOBODY = 0x77 };

static uint64_t entry(void) { return PLATFORM_PARTITION(switcher.running) + 0x10000; }

static int set_up(void **state) {
    (void)state;
    platform_start(CPUS, 2, 0);
    return 0;
}

static int64_t cpu_on(unsigned cpu) {
    return platform_call(0, PSCI_CPU_ON_64, platform_mpidr(cpu), entry(), 0x1000 + cpu);
}

static void raise_wake_interrupt(void) {
    platform_enable(PLATFORM_WAKE, 0);
    fake_gic_line(0, PLATFORM_WAKE, true);
}

static void first_persona_starts_at_its_kernel(void **state) {
    (void)state;
    const struct platform_cpu *cpu = &platform.cpus[0];
    struct trap_frame expected = {
        .x = {PLATFORM_DEVICETREE(0)}, .elr = PLATFORM_ENTRY(0), .spsr = 0x3c5, .reserved = 0};
    assert_memory_equal(&cpu->frame, &expected, sizeof expected);
    assert_true(cpu->vttbr == PLATFORM_VTTBR(0));
    assert_int_equal(running_persona()->state, PERSONA_RUNNING);
    assert_int_equal(switcher.personas[1].state, PERSONA_LOADED);
    assert_int_equal(platform_cpus_on(), 1);
}

static void versions(void **state) {
    (void)state;
    assert_int_equal(platform_call(0, PSCI_VERSION, 1, 2, 3), 0x10001);
    assert_int_equal(platform_call(0, SMCCC_VERSION, 1, 2, 3), 0x10001);
    assert_int_equal(platform_call(0, PSCI_MIGRATE_INFO_TYPE, 1, 2, 3), 2);
}

static void only_x0_changes(void **state) {
    (void)state;
    static const uint32_t functions[] = {PSCI_VERSION,  PSCI_CPU_SUSPEND_64,   PSCI_CPU_OFF, PSCI_CPU_ON_64,
                                         PSCI_FEATURES, PSCI_AFFINITY_INFO_64, 0x84000007,   PSCI_SYSTEM_SUSPEND_64};
    for (unsigned i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        struct trap_frame *frame = &platform.cpus[0].frame;
        memset(frame, 0xa5, sizeof *frame);
        struct trap_frame expected = *frame;
        expected.x[0] = (uint64_t)platform_call(0, functions[i], 1, 2, 3);
        expected.x[1] = 1;
        expected.x[2] = 2;
        expected.x[3] = 3;
        assert_memory_equal(frame, &expected, sizeof expected);
    }
}

static void features_are_those_that_there_are(void **state) {
    (void)state;
    static const uint32_t offered[] = {0x84000000, 0x84000001, 0xc4000001, 0x84000002, 0x84000003, 0xc4000003,
                                       0x84000004, 0xc4000004, 0x84000006, 0x84000008, 0x84000009, 0x8400000a,
                                       0x8400000e, 0xc400000e, 0x84000012, 0xc4000012, 0x80000000};
    for (unsigned i = 0; i < sizeof offered / sizeof offered[0]; i++)
        assert_int_equal(platform_call(0, PSCI_FEATURES, offered[i], 0, 0), 0);
    unsigned found = 0;
    for (uint32_t number = 0; number < 0x100; number++) {
        found += platform_call(0, PSCI_FEATURES, 0x84000000 + number, 0, 0) == 0;
        found += platform_call(0, PSCI_FEATURES, 0xc4000000 + number, 0, 0) == 0;
    }
    assert_int_equal(found, sizeof offered / sizeof offered[0] - 1);
    static const uint32_t others[] = {0, 0x80000001, 0x80008000, 0xc0000000, 0x86000000, UINT32_MAX};
    for (unsigned i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_int_equal(platform_call(0, PSCI_FEATURES, others[i], 0, 0), PSCI_NOT_SUPPORTED);
    /* The argument is 32 bits wide, as is the function's id. */
    assert_int_equal(platform_call(0, PSCI_FEATURES, 0xffffffff84000000, 0, 0), 0);
}

static void unknown_functions(void **state) {
    (void)state;
    static const uint32_t functions[] = {0,          1,          0x84000005, 0xc4000005, 0x84000007, 0x8400000b,
                                         0x8400000c, 0x8400000d, 0xc400000d, 0x8400000f, 0x84000010, 0x84000011,
                                         0x84000013, 0x84000014, 0xc4000014, 0x84000020, 0x8600ff01, 0x80000002,
                                         0x80003ffe, 0xc4000000, 0xc4000002, 0xc4000006, 0xc4000008, 0xc4000009,
                                         0xc400000a, 0xc0000000, 0x04000000, UINT32_MAX};
    for (unsigned i = 0; i < sizeof functions / sizeof functions[0]; i++)
        assert_int_equal(platform_call(0, functions[i], 0, entry(), 0), PSCI_NOT_SUPPORTED);
    assert_int_equal(running_persona()->state, PERSONA_RUNNING);
}

static void upper_half_of_the_function_id_does_not_count(void **state) {
    (void)state;
    platform_begin_call(0, PSCI_VERSION, 0, 0, 0);
    platform.cpus[0].frame.x[0] |= UINT64_C(0xffffffff00000000);
    platform_settle();
    assert_int_equal(platform.cpus[0].frame.x[0], 0x10001);
}

/* What a start may reach besides is the persona's until it gives it up, over flips, and again from its next start on.
 */
static void giving_up(void **state) {
    (void)state;
    const uint64_t more = PLATFORM_VTTBR(0) ^ 0x8000;
    platform.handover.personas[0].vttbr_start = more;
    assert_int_equal(platform_call(0, SMCCC_GIVE_UP, 0, 0, 0), PSCI_SUCCESS);
    assert_true(platform.cpus[0].vttbr == PLATFORM_VTTBR(0));
    platform_begin_call(0, PSCI_SYSTEM_RESET, 0, 0, 0);
    platform_settle();
    assert_true(platform.cpus[0].vttbr == more);
    assert_int_equal(cpu_on(1), PSCI_SUCCESS);
    assert_true(platform.cpus[1].vttbr == more);
    (void)platform_call(1, PSCI_CPU_OFF, 0, 0, 0);
    assert_int_equal(platform_call(0, SMCCC_GIVE_UP, 0, 0, 0), PSCI_SUCCESS);
    assert_true(platform.cpus[0].vttbr == PLATFORM_VTTBR(0));
    assert_int_equal(cpu_on(1), PSCI_SUCCESS);
    assert_true(platform.cpus[1].vttbr == PLATFORM_VTTBR(0));
}

static void cpu_on_starts_a_cpu(void **state) {
    (void)state;
    assert_int_equal(platform_call(0, PSCI_AFFINITY_INFO_64, platform_mpidr(2), 0, 0), PSCI_AFFINITY_OFF);
    memset(&platform.cpus[2].frame, 0xa5, sizeof platform.cpus[2].frame);
    assert_int_equal(cpu_on(2), PSCI_SUCCESS);
    struct trap_frame expected = {.x = {0x1002}, .elr = entry(), .spsr = 0x3c5, .reserved = 0};
    assert_memory_equal(&platform.cpus[2].frame, &expected, sizeof expected);
    assert_true(platform.cpus[2].vttbr == PLATFORM_VTTBR(0));
    assert_int_equal(platform_call(0, PSCI_AFFINITY_INFO_64, platform_mpidr(2), 0, 0), PSCI_AFFINITY_ON);
    assert_int_equal(platform_call(2, PSCI_AFFINITY_INFO_32, platform_mpidr(0), 0, 0), PSCI_AFFINITY_ON);
}

static void cpu_on_bad_arguments(void **state) {
    (void)state;
    uint64_t end = PLATFORM_PARTITION(0) + PLATFORM_PARTITION_SIZE;
    const uint64_t mpidrs[] = {NOBODY, platform_mpidr(1) | UINT64_C(1) << 31, platform_mpidr(1) | UINT64_C(1) << 32,
                               platform_mpidr(1) | UINT64_C(1) << 40, UINT64_MAX};
    for (unsigned i = 0; i < sizeof mpidrs / sizeof mpidrs[0]; i++)
        assert_int_equal(platform_call(0, PSCI_CPU_ON_64, mpidrs[i], entry(), 0), PSCI_INVALID_PARAMETERS);
    const uint64_t entries[] = {0,
                                entry() + 1,
                                entry() + 2,
                                end,
                                end - 2,
                                PLATFORM_PARTITION(0) - 4,
                                PLATFORM_PARTITION(1) + 0x1000,
                                platform.handover.switcher.base,
                                entry() | UINT64_C(1) << 63,
                                UINT64_MAX - 3};
    for (unsigned i = 0; i < sizeof entries / sizeof entries[0]; i++)
        assert_int_equal(platform_call(0, PSCI_CPU_ON_64, platform_mpidr(1), entries[i], 0), PSCI_INVALID_ADDRESS);
    assert_int_equal(platform_cpus_on(), 1);
    assert_int_equal(cpu_on(0), PSCI_ALREADY_ON);
    assert_int_equal(platform_call(0, PSCI_CPU_ON_64, platform_mpidr(1), end - 4, 0), PSCI_SUCCESS);
    assert_int_equal(cpu_on(1), PSCI_ALREADY_ON);
    /* The entry is looked at before the CPU's state is told. */
    assert_int_equal(platform_call(0, PSCI_CPU_ON_64, platform_mpidr(1), 0, 0), PSCI_INVALID_ADDRESS);
}

static void cpu_on_pending(void **state) {
    (void)state;
    platform.cpus[1].held = true;
    assert_int_equal(cpu_on(1), PSCI_SUCCESS);
    assert_int_equal(cpu_on(1), PSCI_ON_PENDING);
    assert_int_equal(platform_call(0, PSCI_AFFINITY_INFO_64, platform_mpidr(1), 0, 0), PSCI_AFFINITY_ON_PENDING);
    assert_int_equal(platform_call(0, PSCI_SYSTEM_SUSPEND_64, entry(), 0, 0), PSCI_DENIED);
    platform.cpus[1].held = false;
    platform_settle();
    assert_int_equal(cpu_on(1), PSCI_ALREADY_ON);
}

static void calls_of_32_bits_cut_their_arguments(void **state) {
    (void)state;
    uint64_t junk = UINT64_C(0xdeadbeef00000000);
    assert_int_equal(platform_call(0, PSCI_CPU_ON_32, junk | platform_mpidr(1), junk | entry(), junk | 0x55),
                     PSCI_SUCCESS);
    assert_true(platform.cpus[1].frame.elr == entry());
    assert_true(platform.cpus[1].frame.x[0] == 0x55);
    assert_int_equal(platform_call(0, PSCI_AFFINITY_INFO_32, junk | platform_mpidr(1), junk, 0), PSCI_AFFINITY_ON);
    raise_wake_interrupt();
    assert_int_equal(platform_call(0, PSCI_CPU_SUSPEND_32, junk, 0, 0), PSCI_SUCCESS);
    assert_int_equal(platform_call(0, PSCI_CPU_ON_64, junk | platform_mpidr(2), entry(), 0), PSCI_INVALID_PARAMETERS);
    assert_int_equal(platform_call(0, PSCI_CPU_ON_64, platform_mpidr(2), junk | entry(), 0), PSCI_INVALID_ADDRESS);
    assert_int_equal(platform_call(0, PSCI_CPU_ON_64, platform_mpidr(2), entry(), junk | 0x66), PSCI_SUCCESS);
    assert_true(platform.cpus[2].frame.x[0] == (junk | 0x66));
}

/* power_state, lowest_affinity_level and reset_type are 32 bits wide in the 64-bit calls too. */
static void arguments_that_are_always_of_32_bits(void **state) {
    (void)state;
    uint64_t junk = UINT64_C(0xdeadbeef00000000);
    assert_int_equal(platform_call(0, PSCI_AFFINITY_INFO_64, platform_mpidr(1), junk, 0), PSCI_AFFINITY_OFF);
    raise_wake_interrupt();
    assert_int_equal(platform_call(0, PSCI_CPU_SUSPEND_64, junk, 0, 0), PSCI_SUCCESS);
    assert_int_equal(platform_call(0, PSCI_SYSTEM_RESET2_64, junk, 0, 0), (int64_t)PLATFORM_DEVICETREE(0));
}

static void affinity_info_bad_arguments(void **state) {
    (void)state;
    assert_int_equal(platform_call(0, PSCI_AFFINITY_INFO_64, NOBODY, 0, 0), PSCI_INVALID_PARAMETERS);
    for (uint64_t level = 1; level <= 4; level++)
        assert_int_equal(platform_call(0, PSCI_AFFINITY_INFO_64, platform_mpidr(0), level, 0), PSCI_INVALID_PARAMETERS);
}

static void cpu_off_ends_a_cpu(void **state) {
    (void)state;
    assert_int_equal(cpu_on(1), PSCI_SUCCESS);
    uint64_t logged = log_end();
    (void)platform_call(1, PSCI_CPU_OFF, 0, 0, 0);
    assert_int_equal(platform.cpus[1].power, PLATFORM_OFF);
    struct log_entry last;
    assert_int_equal(log_end(), logged + 1);
    assert_true(log_get(logged, &last));
    assert_int_equal(last.event, LOG_CPU_OFF);
    assert_int_equal(platform_call(0, PSCI_AFFINITY_INFO_64, platform_mpidr(1), 0, 0), PSCI_AFFINITY_OFF);
    assert_int_equal(cpu_on(1), PSCI_SUCCESS);
    assert_int_equal(platform_cpus_on(), 2);
}

static void last_cpu_may_not_go(void **state) {
    (void)state;
    assert_int_equal(platform_call(0, PSCI_CPU_OFF, 0, 0, 0), PSCI_DENIED);
    assert_int_equal(cpu_on(3), PSCI_SUCCESS);
    (void)platform_call(0, PSCI_CPU_OFF, 0, 0, 0);
    assert_int_equal(platform.cpus[0].power, PLATFORM_OFF);
    assert_int_equal(platform_call(3, PSCI_CPU_OFF, 0, 0, 0), PSCI_DENIED);
    assert_int_equal(platform_cpus_on(), 1);
}

/* Off to the persona is off to the firmware: one that the firmware still has on is told as on. */
static void a_cpu_on_its_way_off_is_still_on(void **state) {
    (void)state;
    assert_int_equal(cpu_on(1), PSCI_SUCCESS);
    platform_begin_call(1, PSCI_CPU_OFF, 0, 0, 0);
    while (running_persona()->cpus[1].power != PERSONA_CPU_OFF)
        assert_true(platform_step(1));
    assert_int_equal(platform.cpus[1].power, PLATFORM_ON);
    platform.cpus[1].held = true;
    assert_int_equal(platform_call(0, PSCI_AFFINITY_INFO_64, platform_mpidr(1), 0, 0), PSCI_AFFINITY_ON);
    /* Asked for again meanwhile, it is waited for; and given up after a second. */
    uint64_t before = fake.counter;
    assert_int_equal(cpu_on(1), PSCI_INTERNAL_FAILURE);
    assert_true(fake.counter - before >= fake.frequency);
    assert_int_equal(platform_call(0, PSCI_SYSTEM_SUSPEND_64, entry(), 0, 0), PSCI_DENIED);
    platform_begin_call(0, PSCI_CPU_ON_64, platform_mpidr(1), entry(), 0x42);
    platform.cpus[1].held = false;
    platform_settle();
    assert_int_equal(platform.cpus[0].frame.x[0], PSCI_SUCCESS);
    assert_true(platform.cpus[1].frame.x[0] == 0x42);
}

static void firmware_that_does_not_start_a_cpu(void **state) {
    (void)state;
    platform.refuses_on = true;
    assert_int_equal(cpu_on(1), PSCI_INTERNAL_FAILURE);
    assert_int_equal(platform_call(0, PSCI_AFFINITY_INFO_64, platform_mpidr(1), 0, 0), PSCI_AFFINITY_OFF);
    platform.refuses_on = false;
    assert_int_equal(cpu_on(1), PSCI_SUCCESS);
}

/* A CPU that the firmware will not take back must not go on in the persona, to which it is off. */
static void firmware_that_does_not_stop_a_cpu(void **state) {
    (void)state;
    assert_int_equal(cpu_on(1), PSCI_SUCCESS);
    platform.refuses_off = true;
    platform_begin_call(1, PSCI_CPU_OFF, 0, 0, 0);
    for (int i = 0; i < 100; i++)
        (void)platform_step(1);
    assert_true(platform.cpus[1].el2);
    platform.refuses_off = false;
    platform.cpus[1].waits = false;
    platform_settle();
    assert_int_equal(platform.cpus[1].power, PLATFORM_OFF);
}

/* A CPU that comes up though nobody asked for it goes off again without having been in the persona. */
static void a_cpu_that_nobody_asked_for(void **state) {
    (void)state;
    struct trap_frame frame = platform.cpus[2].frame;
    platform.cpus[2].power = PLATFORM_STARTING;
    platform_settle();
    assert_int_equal(platform.cpus[2].power, PLATFORM_OFF);
    assert_memory_equal(&platform.cpus[2].frame, &frame, sizeof frame);
    assert_int_equal(cpu_on(2), PSCI_SUCCESS);
}

static void cpu_suspend_is_standby_only(void **state) {
    (void)state;
    static const uint64_t states[] = {1, 0xffff, 0x10000, 0x10001, 0x1000000, 0x3000000, 0x80000000, 0xffffffff};
    for (unsigned i = 0; i < sizeof states / sizeof states[0]; i++)
        assert_int_equal(platform_call(0, PSCI_CPU_SUSPEND_64, states[i], entry(), 0), PSCI_INVALID_PARAMETERS);
    assert_int_equal(fake_events_of(FAKE_WAIT), 0);
}

/* WFI at EL2 with HCR_EL2.IMO = 0 need not end by an IRQ that goes to EL1. */
static void cpu_suspend_waits_for_an_interrupt(void **state) {
    (void)state;
    platform_enable(PLATFORM_WAKE, 0);
    platform_begin_call(0, PSCI_CPU_SUSPEND_64, 0, entry(), 0);
    platform_settle();
    assert_true(platform.cpus[0].waits);
    assert_true(fake.wfi_to_el2);
    fake_gic_line(0, PLATFORM_WAKE, true);
    platform_settle();
    assert_false(platform.cpus[0].el2);
    assert_false(fake.wfi_to_el2);
    assert_int_equal(platform.cpus[0].frame.x[0], PSCI_SUCCESS);
}

static void system_suspend_bad_arguments(void **state) {
    (void)state;
    const uint64_t entries[] = {0, entry() + 2, PLATFORM_PARTITION(1), PLATFORM_PARTITION(0) + PLATFORM_PARTITION_SIZE};
    for (unsigned i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        assert_int_equal(platform_call(0, PSCI_SYSTEM_SUSPEND_64, entries[i], 0, 0), PSCI_INVALID_ADDRESS);
        assert_int_equal(platform_call(0, PSCI_SYSTEM_SUSPEND_32, entries[i], 0, 0), PSCI_INVALID_ADDRESS);
    }
    assert_int_equal(cpu_on(1), PSCI_SUCCESS);
    assert_int_equal(platform_call(0, PSCI_SYSTEM_SUSPEND_64, entry(), 0, 0), PSCI_DENIED);
    assert_int_equal(platform_call(1, PSCI_SYSTEM_SUSPEND_32, entry(), 0, 0), PSCI_DENIED);
    assert_int_equal(running_persona()->state, PERSONA_RUNNING);
}

static void system_reset2_knows_the_warm_reset(void **state) {
    (void)state;
    static const uint64_t types[] = {1, 0x80000000, 0x80000001, 0x7fffffff, 0xffffffff};
    for (unsigned i = 0; i < sizeof types / sizeof types[0]; i++) {
        assert_int_equal(platform_call(0, PSCI_SYSTEM_RESET2_64, types[i], 0, 0), PSCI_INVALID_PARAMETERS);
        assert_int_equal(platform_call(0, PSCI_SYSTEM_RESET2_32, types[i], 0, 0), PSCI_INVALID_PARAMETERS);
    }
    assert_int_equal(platform_call(0, PSCI_SYSTEM_RESET2_32, 0, 5, 0), (int64_t)PLATFORM_DEVICETREE(0));
    assert_true(platform.cpus[0].frame.elr == PLATFORM_ENTRY(0));
}

static uint64_t asked_function, asked_argument;
static int64_t smccc_version;

static int64_t errata(uint64_t function, uint64_t argument) {
    if (function == PSCI_FEATURES)
        return argument == SMCCC_VERSION ? smccc_version : PSCI_NOT_SUPPORTED;
    asked_function = function;
    asked_argument = argument;
    return function == SMCCC_ARCH_FEATURES ? 1 : 0;
}

static void errata_are_the_firmwares_to_know(void **state) {
    (void)state;
    static const uint32_t calls[] = {SMCCC_ARCH_WORKAROUND_1, SMCCC_ARCH_WORKAROUND_2, SMCCC_ARCH_WORKAROUND_3};
    assert_int_equal(platform_call(0, SMCCC_ARCH_FEATURES, SMCCC_VERSION, 0, 0), 0);
    assert_int_equal(platform_call(0, SMCCC_ARCH_FEATURES, SMCCC_ARCH_FEATURES, 0, 0), 0);
    assert_int_equal(platform_call(0, SMCCC_ARCH_FEATURES, 0x80000002, 0, 0), PSCI_NOT_SUPPORTED);
    assert_int_equal(platform_call(0, SMCCC_ARCH_FEATURES, PSCI_VERSION, 0, 0), PSCI_NOT_SUPPORTED);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(platform_call(0, SMCCC_ARCH_FEATURES, calls[i], 0, 0), PSCI_NOT_SUPPORTED);
    platform.errata = errata;
    smccc_version = PSCI_NOT_SUPPORTED; /* of SMCCC 1.0: it must not be asked for what it does not know */
    assert_int_equal(platform_call(0, SMCCC_ARCH_FEATURES, calls[0], 0, 0), PSCI_NOT_SUPPORTED);
    smccc_version = 0;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(platform_call(0, SMCCC_ARCH_FEATURES, calls[i], 0, 0), 1);
        assert_int_equal(asked_argument, calls[i]);
        assert_int_equal(platform_call(0, calls[i], 7, 0, 0), 0);
        assert_int_equal(asked_function, calls[i]);
    }
}

/* Attention must reach a CPU that is on, also when the only other one is only just starting. */
static void attention_stays_with_the_cpus_that_are_on(void **state) {
    (void)state;
    platform.cpus[2].held = true;
    assert_int_equal(cpu_on(2), PSCI_SUCCESS);
    platform_begin_call(0, PSCI_CPU_OFF, 0, 0, 0);
    platform_settle();
    assert_int_equal(platform.cpus[0].power, PLATFORM_OFF);
    platform.cpus[2].held = false;
    platform_settle();
    platform_press(100);
    assert_true(platform_take_button());
    assert_true(attention_flip_requested());
}

static bool was_unanswered(uint64_t since) {
    struct log_entry event;
    for (uint64_t number = since; log_get(number, &event); number++)
        if (event.event == LOG_UNANSWERED)
            return true;
    return false;
}

/* So must the timer of a request under way. */
static void a_request_times_out_though_its_cpu_went_off(void **state) {
    (void)state;
    assert_int_equal(cpu_on(1), PSCI_SUCCESS);
    platform_press(100);
    assert_true(attention_flip_requested());
    uint64_t since = log_end();
    (void)platform_call(0, PSCI_CPU_OFF, 0, 0, 0);
    assert_false(was_unanswered(since));
    platform_pass(PLATFORM_TIMEOUT_MS + 1);
    assert_true(was_unanswered(since));
}

static void a_request_times_out_on_a_cpu_that_only_starts(void **state) {
    (void)state;
    platform_press(100);
    platform.cpus[1].held = true;
    assert_int_equal(cpu_on(1), PSCI_SUCCESS);
    platform_begin_call(0, PSCI_CPU_OFF, 0, 0, 0);
    platform_settle();
    platform.cpus[1].held = false;
    platform_settle();
    uint64_t since = log_end();
    platform_pass(PLATFORM_TIMEOUT_MS + 1);
    assert_true(was_unanswered(since));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(first_persona_starts_at_its_kernel, set_up),
        cmocka_unit_test_setup(versions, set_up),
        cmocka_unit_test_setup(only_x0_changes, set_up),
        cmocka_unit_test_setup(features_are_those_that_there_are, set_up),
        cmocka_unit_test_setup(unknown_functions, set_up),
        cmocka_unit_test_setup(giving_up, set_up),
        cmocka_unit_test_setup(upper_half_of_the_function_id_does_not_count, set_up),
        cmocka_unit_test_setup(cpu_on_starts_a_cpu, set_up),
        cmocka_unit_test_setup(cpu_on_bad_arguments, set_up),
        cmocka_unit_test_setup(cpu_on_pending, set_up),
        cmocka_unit_test_setup(calls_of_32_bits_cut_their_arguments, set_up),
        cmocka_unit_test_setup(arguments_that_are_always_of_32_bits, set_up),
        cmocka_unit_test_setup(affinity_info_bad_arguments, set_up),
        cmocka_unit_test_setup(cpu_off_ends_a_cpu, set_up),
        cmocka_unit_test_setup(last_cpu_may_not_go, set_up),
        cmocka_unit_test_setup(a_cpu_on_its_way_off_is_still_on, set_up),
        cmocka_unit_test_setup(firmware_that_does_not_start_a_cpu, set_up),
        cmocka_unit_test_setup(firmware_that_does_not_stop_a_cpu, set_up),
        cmocka_unit_test_setup(a_cpu_that_nobody_asked_for, set_up),
        cmocka_unit_test_setup(cpu_suspend_is_standby_only, set_up),
        cmocka_unit_test_setup(cpu_suspend_waits_for_an_interrupt, set_up),
        cmocka_unit_test_setup(system_suspend_bad_arguments, set_up),
        cmocka_unit_test_setup(system_reset2_knows_the_warm_reset, set_up),
        cmocka_unit_test_setup(errata_are_the_firmwares_to_know, set_up),
        cmocka_unit_test_setup(attention_stays_with_the_cpus_that_are_on, set_up),
        cmocka_unit_test_setup(a_request_times_out_though_its_cpu_went_off, set_up),
        cmocka_unit_test_setup(a_request_times_out_on_a_cpu_that_only_starts, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
