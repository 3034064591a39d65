// SPDX-License-Identifier: BSD-3-Clause
#include "storm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "attention.h"
#include "control.h"
#include "cpu.h"
#include "lock.h"
#include "platform.h"
#include "prewarm.h"

static struct {
    const uint8_t *next;
    size_t left;
} input;

static uint8_t take(void) {
    if (input.left == 0)
        return 0;
    input.left--;
    return *input.next++;
}

static uint64_t take_word(void) {
    uint64_t word = 0;
    for (unsigned i = 0; i < 8; i++)
        word = word << 8 | take();
    return word;
}

static unsigned take_cpu(void) { return take() % platform.handover.cpu_count; }

static uint32_t take_function(void) {
    static const uint32_t functions[] = {
        PSCI_CPU_ON_64,  PSCI_CPU_OFF,        PSCI_CPU_ON_32,      PSCI_SYSTEM_SUSPEND_64, PSCI_SYSTEM_SUSPEND_32,
        PSCI_SYSTEM_OFF, PSCI_SYSTEM_RESET,   PSCI_VERSION,        PSCI_SYSTEM_RESET2_64,  PSCI_AFFINITY_INFO_64,
        PSCI_FEATURES,   PSCI_CPU_SUSPEND_64, PSCI_CPU_SUSPEND_32, SMCCC_ARCH_FEATURES,
    };
    uint8_t choice = take();
    return choice < 0xf0 ? functions[choice % (sizeof functions / sizeof functions[0])] : (uint32_t)take_word();
}

/** Mostly what makes sense somewhere: a CPU, an address of the partition, 0. */
static uint64_t take_argument(void) {
    switch (take() % 8) {
    case 0:
        return 0;
    case 1:
        return take_word();
    case 2:
    case 3:
        return PLATFORM_PARTITION(switcher.running) + 4 * take();
    default:
        return platform_mpidr(take_cpu());
    }
}

static bool in_persona(unsigned cpu) { return platform.cpus[cpu].power == PLATFORM_ON && !platform.cpus[cpu].el2; }

static void call(void) {
    unsigned cpu = take_cpu();
    uint32_t function = take_function();
    uint64_t argument[3] = {take_argument(), take_argument(), take_argument()};
    if (in_persona(cpu))
        platform_begin_call(cpu, function, argument[0], argument[1], argument[2]);
}

/** The calls that make sense, for the machine gets somewhere by them. */
static void sensible_call(void) {
    unsigned cpu = take_cpu();
    uint64_t entry = PLATFORM_PARTITION(switcher.running) + 4 * take();
    uint8_t choice = take();
    if (!in_persona(cpu))
        return;
    if (choice < 100)
        platform_begin_call(cpu, PSCI_CPU_ON_64, platform_mpidr(take_cpu()), entry, choice);
    else if (choice < 170)
        platform_begin_call(cpu, PSCI_CPU_OFF, 0, 0, 0);
    else
        platform_begin_call(cpu, PSCI_SYSTEM_SUSPEND_64, entry, choice, 0);
}

static void trap(void) {
    unsigned cpu = take_cpu();
    uint64_t esr = take_word();
    uint64_t address =
        take() % 2 == 0 ? FAKE_GICD_BASE + take_word() % 0x10000 : FAKE_GICR_BASE + take_word() % 0x40000;
    if (in_persona(cpu))
        platform_trap(cpu, esr, address, address >> 12 << 4);
}

static void receive_up(struct trap_frame *frame) {
    static const uint8_t up[] = {0x81, 0x01};
    (void)frame;
    lock_acquire();
    control_received(switcher.running, up, sizeof up);
    lock_release();
    cpu_stop_if_ordered();
}

/** As from the agent: only once, so only a persona that is being prepared is asked to suspend by it. */
static void say_up(void) {
    unsigned cpu = take_cpu();
    if (in_persona(cpu))
        platform_begin(cpu, receive_up);
}

/** Any access to the clock, or mostly one that sets its alarm a little ahead. */
static void reach_clock(void) {
    static const uint32_t offsets[] = {0x04, 0x04, 0x10, 0x10, 0x1c, 0x08, 0x00, 0xffc};
    const uint64_t word_by_x0 = UINT64_C(0x93800007), write = 1u << 6;
    unsigned cpu = take_cpu();
    uint8_t choice = take();
    uint32_t offset = choice < 0xe0 ? offsets[choice % 8] : (uint32_t)take_word() % 0x1000;
    if (!in_persona(cpu))
        return;
    platform.cpus[cpu].frame.x[0] = offset == 0x04 ? fake_clock.counter + take() % 4 : take();
    platform_trap(cpu, choice % 16 == 0 ? take_word() : word_by_x0 | write, offset, FAKE_CLOCK_BASE >> 8);
}

static void step_some(void) {
    unsigned cpu = take_cpu();
    for (unsigned steps = take() % 8u + 1; steps > 0 && platform_step(cpu); steps--)
        continue;
}

static void happen(void) {
    uint8_t choice = take();
    switch (choice % 16) {
    case 0:
    case 1:
        call();
        break;
    case 2:
    case 3:
    case 4:
        sensible_call();
        break;
    case 5:
        platform_key_edge((choice & 16) != 0);
        break;
    case 6:
        fake.counter += (uint64_t)take() * 200 * PLATFORM_TICKS_PER_MS;
        break;
    case 7:
        platform.refuses_on = (choice & 0xf0) == 0;
        platform.device_status = (choice & 0xf0) == 16;
        break;
    case 8:
        fake_gic_line(take_cpu(), PLATFORM_WAKE, (choice & 16) != 0);
        break;
    case 9:
        trap();
        break;
    case 10:
        if (platform.handover.smmu.base != 0)
            fake_smmu_fault(take(), 0x10, take_word());
        break;
    case 11:
        say_up();
        break;
    case 12:
        reach_clock();
        break;
    case 13:
        fake_clock_advance(take() % 4);
        break;
    default:
        step_some();
        break;
    }
}

static void everything_comes_to_rest(void) {
    platform.refuses_on = false;
    platform.device_status = 0;
    platform_key_edge(false);
    fake_gic_line(0, PLATFORM_WAKE, false);
    platform_settle();
    if (!platform.machine_off && running_persona()->state == PERSONA_ASLEEP)
        platform_press(PLATFORM_LONG_MS + 100);
}

/** Each CPU that the firmware has on is one that the persona has on, and the other way round. */
static void assert_agreement(void) {
    assert_true(platform_cpus_on() > 0);
    for (unsigned cpu = 0; cpu < platform.handover.cpu_count; cpu++)
        assert_int_equal(platform.cpus[cpu].power == PLATFORM_ON, running_persona()->cpus[cpu].power == PERSONA_CPU_ON);
}

/** A press brings the chosen persona at once. */
static void assert_prewarming_ends(void) {
    if (!prewarm_under_way())
        return;
    assert_true(attention_flip_requested());
    platform_press(100);
    assert_false(prewarm_under_way());
    assert_false(attention_flip_requested());
    assert_int_equal(switcher.running, platform.handover.first_persona);
    assert_int_equal(platform_cpus_on(), 1);
}

/** First without, then with a flip asked for; then by force. */
static void assert_key_works(void) {
    unsigned before = switcher.running;
    if (!attention_flip_requested())
        platform_press(100);
    assert_true(attention_flip_requested());
    platform_press(PLATFORM_LONG_MS + 100);
    assert_int_equal(switcher.running, (before + 1) % platform.handover.persona_count);
    if (platform.handover.persona_count > 1)
        assert_int_equal(switcher.personas[before].state, PERSONA_CUT_OFF);
    assert_int_equal(running_persona()->state, PERSONA_RUNNING);
    assert_int_equal(platform_cpus_on(), 1);
}

void storm(const uint8_t *data, size_t size) {
    static const unsigned counts[] = {1, 2, 4, 8};
    static const uint32_t times[] = {5000, 20000, 60000};
    input.next = data;
    input.left = size;
    unsigned cpus = counts[take() % 4];
    uint8_t kind = take();
    if (kind < 0x40)
        platform_start_prewarming(cpus, times, kind % 3u + 1, kind % 2u & kind % 3u);
    else if (kind < 0x80)
        platform_start(cpus, kind % 3u + 1, 0);
    else
        platform_start_with_smmu(cpus, kind % 3u + 1, 0);
    for (unsigned i = 0; i < platform.handover.persona_count; i++)
        platform.handover.personas[i].alarm_flip = kind >> 6 & 1;
    while (input.left > 0 && !platform.machine_off)
        happen();
    everything_comes_to_rest();
    if (platform.machine_off)
        return;
    assert_agreement();
    assert_prewarming_ends();
    assert_key_works();
}
