// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "attention.h"
#include "fake/platform.h"
#include "flip.h"
#include "lock.h"
#include "log.h"
#include "trap.h"

enum { SHORT_MS = 100, LONG_MS = PLATFORM_LONG_MS + 100 };

static uint64_t entry(unsigned persona) { return PLATFORM_PARTITION(persona) + 0x20000; }

static int one_cpu(void **state) {
    (void)state;
    platform_start(1, 2, 0);
    return 0;
}

static int four_cpus(void **state) {
    (void)state;
    platform_start(4, 2, 0);
    return 0;
}

static int three_personas(void **state) {
    (void)state;
    platform_start(2, 3, 1);
    return 0;
}

static int one_persona(void **state) {
    (void)state;
    platform_start(2, 1, 0);
    return 0;
}

static int behind_smmu(void **state) {
    (void)state;
    platform_start_with_smmu(1, 2, 0);
    return 0;
}

static int four_cpus_behind_smmu(void **state) {
    (void)state;
    platform_start_with_smmu(4, 2, 0);
    return 0;
}

static enum persona_state state_of(unsigned persona) { return switcher.personas[persona].state; }

static int64_t cpu_on(unsigned from, unsigned cpu) {
    return platform_call(from, PSCI_CPU_ON_64, platform_mpidr(cpu), entry(switcher.running), 0x1000 + cpu);
}

static int64_t suspend(unsigned cpu, uint64_t context) {
    return platform_call(cpu, PSCI_SYSTEM_SUSPEND_64, entry(switcher.running), context, 0);
}

static void flip(unsigned cpu, uint64_t context) {
    platform_press(SHORT_MS);
    assert_true(attention_flip_requested());
    (void)suspend(cpu, context);
}

static void assert_entered(unsigned cpu, unsigned persona, uint64_t elr, uint64_t x0) {
    struct trap_frame expected = {.x = {x0}, .elr = elr, .spsr = 0x3c5, .reserved = 0};
    assert_memory_equal(&platform.cpus[cpu].frame, &expected, sizeof expected);
    assert_int_equal(switcher.running, persona);
    assert_int_equal(state_of(persona), PERSONA_RUNNING);
    assert_true(platform.cpus[cpu].vttbr == PLATFORM_VTTBR(persona));
    assert_int_equal(platform.cpus[cpu].power, PLATFORM_ON);
    assert_false(platform.cpus[cpu].el2);
    assert_true(fake_last_event(FAKE_CLEAR_REGISTERS) != NULL);
    fake_forget_events();
}

static void assert_started(unsigned cpu, unsigned persona) {
    assert_int_equal(fake_events_of(FAKE_COPY), 2);
    assert_int_equal(fake_events_of(FAKE_CLEAN_INVALIDATE), 2);
    assert_true(fake_events_of(FAKE_FLUSH_STAGE2) >= 1);
    assert_true(fake_last_event(FAKE_COPY)->a == PLATFORM_DEVICETREE(persona));
    assert_entered(cpu, persona, PLATFORM_ENTRY(persona), PLATFORM_DEVICETREE(persona));
}

static void assert_resumed(unsigned cpu, unsigned persona, uint64_t context) {
    assert_int_equal(fake_events_of(FAKE_COPY), 0);
    assert_entered(cpu, persona, entry(persona), context);
}

static void a_press_and_a_suspend_flip(void **state) {
    (void)state;
    uint64_t flips = log_counted(COUNT_FLIP, 0);
    platform_press(SHORT_MS);
    assert_true(platform_take_button());
    memset(&platform.cpus[0].frame, 0xa5, sizeof(struct trap_frame));
    (void)suspend(0, 0x111);
    assert_started(0, 1);
    assert_int_equal(state_of(0), PERSONA_SUSPENDED);
    assert_false(attention_flip_requested());
    assert_false(platform.cpus[0].timer_on);
    assert_int_equal(log_counted(COUNT_FLIP, 0), flips + 1);
    flip(0, 0x222);
    assert_resumed(0, 0, 0x111);
    flip(0, 0x333);
    assert_resumed(0, 1, 0x222);
    assert_int_equal(state_of(0), PERSONA_SUSPENDED);
}

static void personas_take_turns(void **state) {
    (void)state;
    flip(1, 1);
    assert_started(1, 1);
    flip(1, 2);
    assert_started(1, 2);
    flip(1, 3);
    assert_resumed(1, 0, 1);
    flip(1, 4);
    assert_resumed(1, 1, 2);
}

static void a_suspend_too_late_is_sleep(void **state) {
    (void)state;
    platform_press(SHORT_MS);
    platform_pass(PLATFORM_TIMEOUT_MS + 1);
    platform_enable(PLATFORM_WAKE, 0);
    (void)suspend(0, 0x99);
    assert_true(platform.cpus[0].waits);
    assert_int_equal(state_of(0), PERSONA_ASLEEP);
    fake_gic_line(0, PLATFORM_WAKE, true);
    platform_settle();
    assert_resumed(0, 0, 0x99);
    assert_int_equal(state_of(1), PERSONA_LOADED);
}

static void sleep_lasts_until_an_interrupt_of_the_persona(void **state) {
    (void)state;
    platform_enable(PLATFORM_WAKE, 0);
    (void)suspend(0, 0x44);
    assert_true(platform.cpus[0].waits);
    assert_true(fake.wfi_to_el2 && fake.icc_group1);
    platform_pass(100000);
    assert_int_equal(state_of(0), PERSONA_ASLEEP);
    fake_gic_line(0, PLATFORM_WAKE, true);
    platform_settle();
    assert_resumed(0, 0, 0x44);
    assert_false(fake.wfi_to_el2);
    assert_false(fake.icc_group1);
    /* It is still there for the persona to take. */
    assert_true(fake_gic_pending(fake_gic_interrupt(0, PLATFORM_WAKE)));
}

static void a_press_in_sleep_flips(void **state) {
    (void)state;
    (void)suspend(0, 0x55);
    assert_int_equal(state_of(0), PERSONA_ASLEEP);
    platform_press(SHORT_MS);
    assert_started(0, 1);
    assert_int_equal(state_of(0), PERSONA_SUSPENDED);
    assert_false(attention_flip_requested());
    assert_false(fake.wfi_to_el2);
    /* The interrupt was ended: the key goes on working. */
    platform_press(SHORT_MS);
    assert_true(attention_flip_requested());
    (void)suspend(0, 0x66);
    assert_resumed(0, 0, 0x55);
}

static void a_long_press_in_sleep_wakes(void **state) {
    (void)state;
    (void)suspend(0, 0x55);
    platform_press(LONG_MS);
    assert_resumed(0, 0, 0x55);
    assert_int_equal(state_of(1), PERSONA_LOADED);
    assert_false(attention_flip_requested());
}

static void a_press_in_sleep_with_a_busy_device_wakes(void **state) {
    (void)state;
    (void)suspend(0, 0x55);
    platform.device_status = 0xf;
    platform_press(SHORT_MS);
    assert_resumed(0, 0, 0x55);
    assert_int_equal(state_of(1), PERSONA_LOADED);
}

static void a_press_in_sleep_of_an_only_persona_wakes(void **state) {
    (void)state;
    (void)suspend(0, 0x55);
    platform_press(SHORT_MS);
    assert_resumed(0, 0, 0x55);
}

static void no_flip_while_a_device_is_at_work(void **state) {
    (void)state;
    platform_press(SHORT_MS);
    memset(&platform.cpus[0].frame, 0xa5, sizeof(struct trap_frame));
    struct trap_frame expected = platform.cpus[0].frame;
    platform.device_status = 4;
    assert_int_equal(suspend(0, 7), PSCI_DENIED);
    expected.x[0] = (uint64_t)(int64_t)PSCI_DENIED;
    expected.x[1] = entry(0);
    expected.x[2] = 7;
    expected.x[3] = 0;
    assert_memory_equal(&platform.cpus[0].frame, &expected, sizeof expected);
    assert_int_equal(state_of(0), PERSONA_RUNNING);
    assert_false(attention_flip_requested());
    assert_int_equal(fake_events_of(FAKE_CLEAR_REGISTERS), 0);
    platform.device_status = 0;
    flip(0, 7);
    assert_started(0, 1);
}

static void resume_on_the_cpu_that_suspended(void **state) {
    (void)state;
    /* Persona 0 suspends on CPU 2, persona 1 on CPU 3. */
    assert_int_equal(cpu_on(0, 2), PSCI_SUCCESS);
    (void)platform_call(0, PSCI_CPU_OFF, 0, 0, 0);
    flip(2, 0xa);
    assert_started(2, 1);
    assert_int_equal(cpu_on(2, 3), PSCI_SUCCESS);
    (void)platform_call(2, PSCI_CPU_OFF, 0, 0, 0);
    fake_forget_events();
    flip(3, 0xb);
    assert_resumed(2, 0, 0xa);
    assert_int_equal(platform.cpus[3].power, PLATFORM_OFF);
    assert_int_equal(platform_cpus_on(), 1);
    assert_int_equal(running_persona()->cpus[2].power, PERSONA_CPU_ON);
    assert_int_equal(running_persona()->cpus[3].power, PERSONA_CPU_OFF);
    /* Attention has moved along. */
    flip(2, 0xc);
    assert_resumed(3, 1, 0xb);
    assert_int_equal(platform_cpus_on(), 1);
}

static void a_cpu_that_does_not_start_costs_the_persona_its_memory(void **state) {
    (void)state;
    assert_int_equal(cpu_on(0, 2), PSCI_SUCCESS);
    (void)platform_call(0, PSCI_CPU_OFF, 0, 0, 0);
    flip(2, 0xa);
    assert_int_equal(cpu_on(2, 0), PSCI_SUCCESS);
    (void)platform_call(2, PSCI_CPU_OFF, 0, 0, 0);
    fake_forget_events();
    platform.refuses_on = true;
    flip(0, 0xb);
    assert_started(0, 0);
    assert_int_equal(platform_cpus_on(), 1);
    platform.refuses_on = false;
    flip(0, 0xc);
    assert_resumed(0, 1, 0xb);
}

static void off_with_another_suspended_goes_on_there(void **state) {
    (void)state;
    flip(0, 0xa);
    fake_forget_events();
    (void)platform_call(0, PSCI_SYSTEM_OFF, 0, 0, 0);
    assert_resumed(0, 0, 0xa);
    assert_int_equal(state_of(1), PERSONA_OFF);
    assert_false(platform.machine_off);
    /* An ended one starts afresh. */
    flip(0, 0xb);
    assert_started(0, 1);
    assert_int_equal(state_of(0), PERSONA_SUSPENDED);
}

static void off_with_nothing_to_lose_turns_the_machine_off(void **state) {
    (void)state;
    platform_begin_call(0, PSCI_SYSTEM_OFF, 0, 0, 0);
    platform_settle();
    assert_true(platform.machine_off);
    assert_int_equal(state_of(0), PERSONA_OFF);
}

static void off_that_the_firmware_refuses_halts(void **state) {
    (void)state;
    platform.refuses_off = true;
    platform_begin_call(0, PSCI_SYSTEM_OFF, 0, 0, 0);
    platform_settle();
    assert_false(platform.machine_off);
    assert_true(platform.cpus[0].el2 && platform.cpus[0].waits);
}

static void off_skips_personas_with_nothing_to_lose(void **state) {
    (void)state;
    flip(1, 1);
    flip(1, 2); /* 0 and 1 suspended, 2 runs */
    (void)platform_call(1, PSCI_SYSTEM_OFF, 0, 0, 0);
    assert_int_equal(switcher.running, 0);
    (void)platform_call(1, PSCI_SYSTEM_OFF, 0, 0, 0);
    assert_int_equal(switcher.running, 1);
    platform_begin_call(1, PSCI_SYSTEM_OFF, 0, 0, 0);
    platform_settle();
    assert_true(platform.machine_off);
}

static void reset_restarts_only_that_persona(void **state) {
    (void)state;
    flip(0, 0xa);
    fake_forget_events();
    (void)platform_call(0, PSCI_SYSTEM_RESET, 0, 0, 0);
    assert_started(0, 1);
    assert_int_equal(state_of(0), PERSONA_SUSPENDED);
    flip(0, 0xb);
    assert_resumed(0, 0, 0xa);
}

/* What a persona leaves at work would write its memory under the next. */
static void devices_stop_with_the_persona(void **state) {
    (void)state;
    platform.device_status = 0xf;
    (void)platform_call(0, PSCI_SYSTEM_RESET, 0, 0, 0);
    assert_int_equal(platform.device_status, 0);
    flip(0, 0xa);
    platform.device_status = 0xf;
    (void)platform_call(0, PSCI_SYSTEM_OFF, 0, 0, 0);
    assert_int_equal(platform.device_status, 0);
    platform_press(SHORT_MS);
    platform.device_status = 0xf;
    platform_press(LONG_MS);
    assert_int_equal(platform.device_status, 0);
}

static void reset_stops_the_other_cpus(void **state) {
    (void)state;
    for (unsigned cpu = 1; cpu < 4; cpu++)
        assert_int_equal(cpu_on(0, cpu), PSCI_SUCCESS);
    struct trap_frame frame = platform.cpus[3].frame;
    fake_forget_events();
    (void)platform_call(2, PSCI_SYSTEM_RESET, 0, 0, 0);
    assert_int_equal(fake_events_of(FAKE_SGI0R), 3);
    assert_started(2, 0);
    assert_int_equal(platform_cpus_on(), 1);
    assert_memory_equal(&platform.cpus[3].frame, &frame, sizeof frame);
    for (unsigned cpu = 0; cpu < 4; cpu++)
        assert_int_equal(running_persona()->cpus[cpu].power, cpu == 2 ? PERSONA_CPU_ON : PERSONA_CPU_OFF);
    assert_int_equal(cpu_on(2, 0), PSCI_SUCCESS);
}

/* A CPU in the middle of a call of its own stops where it is: it waits for the lock that the other one holds. */
static void reset_stops_cpus_that_wait_for_the_lock(void **state) {
    (void)state;
    for (unsigned cpu = 1; cpu < 4; cpu++)
        assert_int_equal(cpu_on(0, cpu), PSCI_SUCCESS);
    fake_forget_events();
    platform_begin_call(1, PSCI_SYSTEM_RESET, 0, 0, 0);
    assert_true(platform_step(1));
    platform_begin_call(0, PSCI_SYSTEM_OFF, 0, 0, 0);
    platform_begin_call(2, PSCI_CPU_ON_64, platform_mpidr(2), entry(0), 0);
    platform_begin_call(3, PSCI_CPU_OFF, 0, 0, 0);
    platform_settle();
    assert_started(1, 0);
    assert_int_equal(platform_cpus_on(), 1);
    assert_false(platform.machine_off);
}

/* The key's interrupt, taken by a CPU that is then stopped, must not stay active. */
static void a_press_during_a_reset_is_not_the_last(void **state) {
    (void)state;
    assert_int_equal(cpu_on(0, 1), PSCI_SUCCESS);
    platform_begin_call(1, PSCI_SYSTEM_RESET, 0, 0, 0);
    assert_true(platform_step(1));
    platform_press(SHORT_MS);
    assert_int_equal(platform_cpus_on(), 1);
    assert_int_equal(platform.cpus[1].power, PLATFORM_ON);
    platform_press(SHORT_MS);
    assert_true(attention_flip_requested());
}

/* Nor does it get anything done that needs no lock. */
static void a_cpu_told_to_stop_calls_in_vain(void **state) {
    (void)state;
    assert_int_equal(cpu_on(0, 1), PSCI_SUCCESS);
    platform.cpus[1].held = true;
    platform_begin_call(0, PSCI_SYSTEM_RESET, 0, 0, 0);
    for (int i = 0; i < 20; i++)
        assert_true(platform_step(0));
    uint64_t calls = log_counted(COUNT_HVC, 0);
    platform_begin_call(1, PSCI_VERSION, 0, 0, 0);
    platform.cpus[1].held = false;
    platform_settle();
    assert_int_equal(log_counted(COUNT_HVC, 0), calls);
    assert_true(platform.cpus[1].frame.x[0] == PSCI_VERSION);
    assert_int_equal(platform.cpus[1].power, PLATFORM_OFF);
}

static void a_slow_cpu_is_waited_for(void **state) {
    (void)state;
    assert_int_equal(cpu_on(0, 1), PSCI_SUCCESS);
    flip(0, 0); /* refused: CPU 1 is on */
    platform.cpus[1].held = true;
    platform_begin_call(0, PSCI_SYSTEM_RESET, 0, 0, 0);
    uint64_t begin = fake.counter;
    while (fake.counter - begin < 3 * fake.frequency)
        assert_true(platform_step(0));
    assert_true(platform.cpus[0].el2);
    platform.cpus[1].held = false;
    fake_forget_events();
    platform_settle();
    assert_started(0, 0);
    assert_int_equal(platform_cpus_on(), 1);
}

/* One that comes up after the persona that started it was reset does not go on in the next. */
static void a_cpu_that_comes_up_late_goes_off(void **state) {
    (void)state;
    assert_int_equal(cpu_on(0, 1), PSCI_SUCCESS);
    struct trap_frame frame = platform.cpus[1].frame;
    (void)platform_call(0, PSCI_SYSTEM_RESET, 0, 0, 0);
    platform.cpus[1].power = PLATFORM_STARTING;
    platform_settle();
    assert_int_equal(platform.cpus[1].power, PLATFORM_OFF);
    assert_memory_equal(&platform.cpus[1].frame, &frame, sizeof frame);
}

static void a_cpu_that_starts_is_stopped_too(void **state) {
    (void)state;
    platform.cpus[1].held = true;
    assert_int_equal(cpu_on(0, 1), PSCI_SUCCESS);
    platform_begin_call(0, PSCI_SYSTEM_RESET, 0, 0, 0);
    assert_true(platform_step(0));
    platform.cpus[1].held = false;
    fake_forget_events();
    platform_settle();
    assert_started(0, 0);
    assert_int_equal(platform.cpus[1].power, PLATFORM_OFF);
    assert_int_equal(cpu_on(0, 1), PSCI_SUCCESS);
}

static void a_second_long_press_cuts_off(void **state) {
    (void)state;
    for (unsigned cpu = 1; cpu < 4; cpu++)
        assert_int_equal(cpu_on(0, cpu), PSCI_SUCCESS);
    platform_press(SHORT_MS);
    platform_pass(PLATFORM_TIMEOUT_MS + 1);
    fake_forget_events();
    platform_press(LONG_MS);
    assert_started(0, 1);
    assert_int_equal(state_of(0), PERSONA_CUT_OFF);
    assert_int_equal(platform_cpus_on(), 1);
    /* It starts afresh, for what it had is lost. */
    flip(0, 5);
    assert_started(0, 0);
    assert_int_equal(state_of(1), PERSONA_SUSPENDED);
}

static void a_cut_off_resumes_the_next(void **state) {
    (void)state;
    flip(0, 0xa);
    platform_press(SHORT_MS);
    fake_forget_events();
    platform_press(LONG_MS);
    assert_resumed(0, 0, 0xa);
    assert_int_equal(state_of(1), PERSONA_CUT_OFF);
}

static void a_cut_off_of_an_only_persona_restarts_it(void **state) {
    (void)state;
    platform_press(SHORT_MS);
    fake_forget_events();
    platform_press(LONG_MS);
    assert_started(0, 0);
}

static void an_only_persona_sleeps_when_asked(void **state) {
    (void)state;
    platform_press(SHORT_MS);
    platform_enable(PLATFORM_WAKE, 0);
    (void)suspend(0, 1);
    assert_int_equal(state_of(0), PERSONA_ASLEEP);
    fake_gic_line(0, PLATFORM_WAKE, true);
    platform_settle();
    assert_resumed(0, 0, 1);
}

static void a_long_press_alone_only_reports(void **state) {
    (void)state;
    struct trap_frame frame = platform.cpus[0].frame;
    platform_press(LONG_MS);
    assert_memory_equal(&platform.cpus[0].frame, &frame, sizeof frame);
    assert_int_equal(switcher.running, 0);
    assert_int_equal(state_of(0), PERSONA_RUNNING);
}

/* What each persona set up in the interrupt controller is there when it is back; the other never sees it. */
static void interrupts_stay_with_their_persona(void **state) {
    (void)state;
    platform_enable(PLATFORM_WAKE, 0);
    flip(0, 1);
    assert_false(fake_gic_interrupt(0, PLATFORM_WAKE)->enable);
    flip(0, 2);
    assert_true(fake_gic_interrupt(0, PLATFORM_WAKE)->enable);
    (void)platform_call(0, PSCI_SYSTEM_RESET, 0, 0, 0);
    assert_false(fake_gic_interrupt(0, PLATFORM_WAKE)->enable);
}

/* A fault of the switcher itself costs the persona in whose time it happened, not the other one. */
static void unexpected(struct trap_frame *frame) {
    struct trap_frame *next = trap_unexpected(frame, 4);
    assert_true((uint64_t)(uintptr_t)next == platform.handover.cpus[0].stack_top - sizeof *next);
    *frame = *next;
}

static void a_fault_of_the_switcher_ends_the_persona(void **state) {
    (void)state;
    flip(0, 0xa);
    fake_forget_events();
    fake.cpu = 0;
    lock_acquire(); /* it had the lock when it failed */
    unexpected(&platform.cpus[0].frame);
    platform.cpus[0].vttbr = fake.vttbr;
    assert_resumed(0, 0, 0xa);
    assert_int_equal(state_of(1), PERSONA_CUT_OFF);
    flip(0, 0xb);
    assert_started(0, 1);
}

static void partitions_hold_what_they_hold(void **state) {
    (void)state;
    const struct persona *persona = running_persona();
    uint64_t base = PLATFORM_PARTITION(0), size = PLATFORM_PARTITION_SIZE;
    assert_true(persona_contains(persona, base, size));
    assert_true(persona_contains(persona, base + size - 1, 1));
    assert_false(persona_contains(persona, base + size, 0));
    assert_false(persona_contains(persona, base - 1, 2));
    assert_false(persona_contains(persona, base, size + 1));
    assert_false(persona_contains(persona, base + 4, size - 3));
    assert_false(persona_contains(persona, base + 4, UINT64_MAX));
    assert_false(persona_contains(persona, UINT64_MAX, 2));
    for (unsigned i = 0; i <= PERSONA_CUT_OFF; i++)
        assert_string_not_equal(persona_state_text((enum persona_state)i), "unknown");
    assert_string_equal(persona_state_text((enum persona_state)99), "unknown");
}

/* DMA. */

enum { CR0 = 0x20, SMMUEN = 1, NOWHERE = SIZE_MAX };

/** @return the place of the last write to an address before a place, or NOWHERE */
static size_t write_before(uint64_t address, size_t place) {
    while (place-- > 0)
        if (fake.events[place].kind == FAKE_WRITE && fake.events[place].a == address)
            return place;
    return NOWHERE;
}

static size_t last_of(enum fake_event_kind kind) { return (size_t)(fake_last_event(kind) - fake.events); }

static void assert_blocked_at(size_t place) {
    size_t control = write_before(FAKE_SMMU_BASE + CR0, place);
    assert_true(control != NOWHERE && (fake.events[control].b & SMMUEN) == 0);
}

/** From the stop or suspend of one persona to the very end of the way into the other, and open then for that one. */
static void assert_blocked_between(unsigned persona) {
    assert_blocked_at(last_of(FAKE_SET_STAGE2));
    assert_blocked_at(last_of(FAKE_ICC_INIT));
    if (fake_last_event(FAKE_COPY) != NULL)
        assert_blocked_at(last_of(FAKE_COPY));
    size_t opened = write_before(FAKE_SMMU_BASE + CR0, fake.event_count);
    assert_true(last_of(FAKE_SET_STAGE2) < opened && opened < last_of(FAKE_CLEAR_REGISTERS));
    assert_true(fake_smmu_transaction() == PLATFORM_STREAM_TABLE(persona));
    assert_int_equal(fake_smmu.unpredictable, 0);
}

static void dma_is_the_first_personas_from_its_start(void **state) {
    (void)state;
    assert_true(fake_smmu_transaction() == PLATFORM_STREAM_TABLE(0));
    assert_int_equal(fake_smmu.unpredictable, 0);
}

static void dma_is_blocked_between_suspend_and_entry(void **state) {
    (void)state;
    flip(0, 1);
    assert_blocked_between(1);
    assert_started(0, 1);
    flip(0, 2);
    assert_blocked_between(0);
    assert_resumed(0, 0, 1);
    flip(0, 3);
    assert_blocked_between(1);
    assert_resumed(0, 1, 2);
}

static void dma_is_blocked_on_the_way_to_another_cpu(void **state) {
    (void)state;
    assert_int_equal(cpu_on(0, 2), PSCI_SUCCESS);
    (void)platform_call(0, PSCI_CPU_OFF, 0, 0, 0);
    flip(2, 0xa);
    assert_int_equal(cpu_on(2, 3), PSCI_SUCCESS);
    (void)platform_call(2, PSCI_CPU_OFF, 0, 0, 0);
    fake_forget_events();
    flip(3, 0xb);
    assert_resumed(2, 0, 0xa);
    assert_true(fake_smmu_transaction() == PLATFORM_STREAM_TABLE(0));
    platform.refuses_on = true;
    assert_int_equal(cpu_on(2, 1), PSCI_INTERNAL_FAILURE);
    flip(2, 0xc); /* persona 1 was on CPU 3, which does not start: it starts afresh */
    assert_started(2, 1);
    assert_true(fake_smmu_transaction() == PLATFORM_STREAM_TABLE(1));
}

/** Before the devices are stopped, for what they do until then must not reach a persona that starts afresh. */
static void assert_blocked_before_the_devices_stop(void) {
    size_t stopped = write_before(PLATFORM_STATUS, fake.event_count);
    assert_true(stopped != NOWHERE);
    assert_blocked_at(stopped);
}

static void dma_is_blocked_before_the_devices_of_a_stopped_persona(void **state) {
    (void)state;
    platform.device_status = 0xf;
    (void)platform_call(0, PSCI_SYSTEM_RESET, 0, 0, 0);
    assert_blocked_before_the_devices_stop();
    assert_blocked_between(0);
    fake_forget_events();
    flip(0, 0xa);
    fake_forget_events();
    platform.device_status = 0xf;
    (void)platform_call(0, PSCI_SYSTEM_OFF, 0, 0, 0);
    assert_blocked_before_the_devices_stop();
    assert_blocked_between(0);
    platform_press(SHORT_MS);
    fake_forget_events();
    platform.device_status = 0xf;
    platform_press(LONG_MS);
    assert_int_equal(state_of(0), PERSONA_CUT_OFF);
    assert_blocked_before_the_devices_stop();
    assert_blocked_between(1);
}

static void dma_stays_blocked_when_the_machine_goes_off(void **state) {
    (void)state;
    platform.refuses_off = true;
    platform_begin_call(0, PSCI_SYSTEM_OFF, 0, 0, 0);
    platform_settle();
    assert_true(platform.cpus[0].el2);
    assert_true(fake_smmu_transaction() == FAKE_SMMU_ABORTS);
}

static void sleep_and_a_refused_flip_leave_dma_as_it_is(void **state) {
    (void)state;
    platform_enable(PLATFORM_WAKE, 0);
    (void)suspend(0, 0x44);
    assert_int_equal(state_of(0), PERSONA_ASLEEP);
    assert_true(fake_smmu_transaction() == PLATFORM_STREAM_TABLE(0));
    fake_gic_line(0, PLATFORM_WAKE, true);
    platform_settle();
    fake_gic_line(0, PLATFORM_WAKE, false);
    platform.device_status = 1;
    flip(0, 7);
    assert_int_equal(switcher.running, 0);
    assert_true(write_before(FAKE_SMMU_BASE + CR0, fake.event_count) == NOWHERE);
    assert_true(fake_smmu_transaction() == PLATFORM_STREAM_TABLE(0));
}

static void a_fault_in_sleep_is_counted_and_wakes_nobody(void **state) {
    (void)state;
    uint64_t faults = log_counted(COUNT_DMA_FAULT, 0);
    platform_enable(PLATFORM_WAKE, 0);
    (void)suspend(0, 0x44);
    fake_smmu_fault(0x10, 0x10, 0x40000000);
    platform_settle();
    assert_int_equal(log_counted(COUNT_DMA_FAULT, 0), faults + 1);
    assert_int_equal(state_of(0), PERSONA_ASLEEP);
    assert_true(platform.cpus[0].waits);
}

/* The interrupt of a fault right before the end of a persona would come in the time of the next one. */
static void a_fault_is_told_as_the_personas_that_had_it(void **state) {
    (void)state;
    uint64_t faults[] = {log_counted(COUNT_DMA_FAULT, 0), log_counted(COUNT_DMA_FAULT, 1)};
    platform_press(SHORT_MS);
    fake_smmu_fault(0x10, 0x10, 0x40000000);
    fake_gic.spi[PLATFORM_SMMU_EVENT].latch = false; /* as if it came late */
    (void)suspend(0, 1);
    assert_int_equal(switcher.running, 1);
    assert_int_equal(log_counted(COUNT_DMA_FAULT, 0), faults[0] + 1);
    assert_int_equal(log_counted(COUNT_DMA_FAULT, 1), faults[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_press_and_a_suspend_flip, one_cpu),
        cmocka_unit_test_setup(personas_take_turns, three_personas),
        cmocka_unit_test_setup(a_suspend_too_late_is_sleep, one_cpu),
        cmocka_unit_test_setup(sleep_lasts_until_an_interrupt_of_the_persona, one_cpu),
        cmocka_unit_test_setup(a_press_in_sleep_flips, one_cpu),
        cmocka_unit_test_setup(a_long_press_in_sleep_wakes, one_cpu),
        cmocka_unit_test_setup(a_press_in_sleep_with_a_busy_device_wakes, one_cpu),
        cmocka_unit_test_setup(a_press_in_sleep_of_an_only_persona_wakes, one_persona),
        cmocka_unit_test_setup(no_flip_while_a_device_is_at_work, one_cpu),
        cmocka_unit_test_setup(resume_on_the_cpu_that_suspended, four_cpus),
        cmocka_unit_test_setup(a_cpu_that_does_not_start_costs_the_persona_its_memory, four_cpus),
        cmocka_unit_test_setup(off_with_another_suspended_goes_on_there, one_cpu),
        cmocka_unit_test_setup(off_with_nothing_to_lose_turns_the_machine_off, one_cpu),
        cmocka_unit_test_setup(off_that_the_firmware_refuses_halts, one_cpu),
        cmocka_unit_test_setup(off_skips_personas_with_nothing_to_lose, three_personas),
        cmocka_unit_test_setup(reset_restarts_only_that_persona, one_cpu),
        cmocka_unit_test_setup(devices_stop_with_the_persona, one_cpu),
        cmocka_unit_test_setup(reset_stops_the_other_cpus, four_cpus),
        cmocka_unit_test_setup(reset_stops_cpus_that_wait_for_the_lock, four_cpus),
        cmocka_unit_test_setup(a_press_during_a_reset_is_not_the_last, four_cpus),
        cmocka_unit_test_setup(a_cpu_told_to_stop_calls_in_vain, four_cpus),
        cmocka_unit_test_setup(a_slow_cpu_is_waited_for, four_cpus),
        cmocka_unit_test_setup(a_cpu_that_comes_up_late_goes_off, four_cpus),
        cmocka_unit_test_setup(a_cpu_that_starts_is_stopped_too, four_cpus),
        cmocka_unit_test_setup(a_second_long_press_cuts_off, four_cpus),
        cmocka_unit_test_setup(a_cut_off_resumes_the_next, one_cpu),
        cmocka_unit_test_setup(a_cut_off_of_an_only_persona_restarts_it, one_persona),
        cmocka_unit_test_setup(an_only_persona_sleeps_when_asked, one_persona),
        cmocka_unit_test_setup(a_long_press_alone_only_reports, one_cpu),
        cmocka_unit_test_setup(interrupts_stay_with_their_persona, one_cpu),
        cmocka_unit_test_setup(a_fault_of_the_switcher_ends_the_persona, one_cpu),
        cmocka_unit_test_setup(partitions_hold_what_they_hold, one_cpu),
        cmocka_unit_test_setup(dma_is_the_first_personas_from_its_start, behind_smmu),
        cmocka_unit_test_setup(dma_is_blocked_between_suspend_and_entry, behind_smmu),
        cmocka_unit_test_setup(dma_is_blocked_on_the_way_to_another_cpu, four_cpus_behind_smmu),
        cmocka_unit_test_setup(dma_is_blocked_before_the_devices_of_a_stopped_persona, behind_smmu),
        cmocka_unit_test_setup(dma_stays_blocked_when_the_machine_goes_off, behind_smmu),
        cmocka_unit_test_setup(sleep_and_a_refused_flip_leave_dma_as_it_is, behind_smmu),
        cmocka_unit_test_setup(a_fault_in_sleep_is_counted_and_wakes_nobody, behind_smmu),
        cmocka_unit_test_setup(a_fault_is_told_as_the_personas_that_had_it, behind_smmu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
