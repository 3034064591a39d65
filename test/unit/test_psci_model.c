// SPDX-License-Identifier: BSD-3-Clause
// Random calls, presses, wake-ups and failures on machines of 1 to 8 CPUs and 1 to 3 personas. A model that knows only
// what PSCI and the headers promise says before each what must come of it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attention.h"
#include "fake/platform.h"
#include "pseudorandom.h"

enum {
    CALLS = 120000,
    CALLS_PER_MACHINE = 300,
    SHORT_MS = 100,
    LONG_MS = PLATFORM_LONG_MS + 100,
    MARGIN_MS = 5000, /* nothing is tried that near to a request's deadline: PRESS and calls take time themselves */
    SPSR = 0x3c5,
};

struct model_cpu {
    enum persona_cpu_power power;
    uint64_t entry, context;
};

struct model_persona {
    enum persona_state state;
    struct model_cpu cpus[HANDOVER_CPUS_MAX];
    unsigned resume_cpu;
    uint64_t resume_entry, resume_context;
};

static struct {
    unsigned cpus, personas, running;
    struct model_persona persona[HANDOVER_PERSONAS_MAX];
    enum attention_state attention;
    uint64_t deadline;
    bool off;
    struct trap_frame frames[HANDOVER_CPUS_MAX]; /* of the CPUs that are on */
} model;

static struct pseudorandom generator;
static unsigned calls;

static uint64_t below(uint64_t limit) { return pseudorandom_below(&generator, limit); }
static bool one_in(uint64_t n) { return below(n) == 0; }
static struct model_persona *running(void) { return &model.persona[model.running]; }
static unsigned next_persona(void) { return (model.running + 1) % model.personas; }

/* What becomes of the model. */

static void model_frame(unsigned cpu, uint64_t entry, uint64_t context) {
    model.frames[cpu] = (struct trap_frame){.x = {context}, .elr = entry, .spsr = SPSR, .reserved = 0};
}

static void model_only(unsigned index, unsigned cpu, enum persona_cpu_power power) {
    model.running = index;
    running()->state = PERSONA_RUNNING;
    memset(running()->cpus, 0, sizeof running()->cpus);
    running()->cpus[cpu].power = power;
    model.attention = ATTENTION_IDLE;
}

static void model_start(unsigned index, unsigned cpu) {
    model_only(index, cpu, PERSONA_CPU_ON);
    model_frame(cpu, PLATFORM_ENTRY(index), PLATFORM_DEVICETREE(index));
}

static void model_resume(unsigned index, unsigned cpu) {
    const struct model_persona *to = &model.persona[index];
    if (to->resume_cpu == cpu) {
        model_only(index, cpu, PERSONA_CPU_ON);
        model_frame(cpu, to->resume_entry, to->resume_context);
        return;
    }
    if (platform.refuses_on) {
        model_start(index, cpu);
        return;
    }
    model_only(index, to->resume_cpu, PERSONA_CPU_ON_PENDING);
    running()->cpus[to->resume_cpu].entry = to->resume_entry;
    running()->cpus[to->resume_cpu].context = to->resume_context;
}

static void model_enter(unsigned index, unsigned cpu) {
    if (model.persona[index].state == PERSONA_SUSPENDED)
        model_resume(index, cpu);
    else
        model_start(index, cpu);
}

static void model_flip(unsigned cpu) {
    running()->state = PERSONA_SUSPENDED;
    model_enter(next_persona(), cpu);
}

static void model_off(unsigned cpu) {
    running()->state = PERSONA_OFF;
    for (unsigned i = 1; i < model.personas; i++) {
        unsigned index = (model.running + i) % model.personas;
        if (model.persona[index].state != PERSONA_SUSPENDED)
            continue;
        model_enter(index, cpu);
        return;
    }
    model.off = true;
}

static void model_come_up(unsigned cpu) {
    struct model_cpu *state = &running()->cpus[cpu];
    if (state->power != PERSONA_CPU_ON_PENDING)
        return;
    state->power = PERSONA_CPU_ON;
    model_frame(cpu, state->entry, state->context);
}

static void model_time(void) {
    if (model.attention == ATTENTION_ASKED && fake.counter >= model.deadline)
        model.attention = ATTENTION_UNANSWERED;
}

/* Comparison. */

static void compare_cpu(unsigned cpu) {
    static const enum platform_power powers[] = {PLATFORM_OFF, PLATFORM_STARTING, PLATFORM_ON};
    enum persona_cpu_power power = running()->cpus[cpu].power;
    assert_int_equal(running_persona()->cpus[cpu].power, power);
    assert_int_equal(platform.cpus[cpu].power, powers[power]);
    if (power != PERSONA_CPU_ON)
        return;
    assert_false(platform.cpus[cpu].el2);
    assert_true(platform.cpus[cpu].vttbr == PLATFORM_VTTBR(model.running));
    assert_memory_equal(&platform.cpus[cpu].frame, &model.frames[cpu], sizeof model.frames[cpu]);
}

static void compare(void) {
    assert_int_equal(platform.machine_off, model.off);
    if (model.off)
        return;
    assert_int_equal(switcher.running, model.running);
    for (unsigned i = 0; i < model.personas; i++)
        assert_int_equal(switcher.personas[i].state, model.persona[i].state);
    for (unsigned cpu = 0; cpu < model.cpus; cpu++)
        compare_cpu(cpu);
    assert_int_equal(attention_flip_requested(), model.attention == ATTENTION_ASKED);
    assert_int_equal(fake_gic.unpredictable, 0);
}

/* Choices. */

static bool is_on(unsigned cpu) { return running()->cpus[cpu].power == PERSONA_CPU_ON; }

static bool others_off(unsigned self) {
    for (unsigned cpu = 0; cpu < model.cpus; cpu++)
        if (cpu != self && running()->cpus[cpu].power != PERSONA_CPU_OFF)
            return false;
    return true;
}

static bool any_on(void) {
    for (unsigned cpu = 0; cpu < model.cpus; cpu++)
        if (is_on(cpu))
            return true;
    return false;
}

static unsigned choose_on(void) {
    unsigned cpu;
    do
        cpu = (unsigned)below(model.cpus);
    while (!is_on(cpu));
    return cpu;
}

static bool entry_valid(uint64_t entry) {
    return entry % 4 == 0 && entry >= PLATFORM_PARTITION(model.running) &&
           entry < PLATFORM_PARTITION(model.running) + PLATFORM_PARTITION_SIZE;
}

static uint64_t choose_entry(void) {
    uint64_t base = PLATFORM_PARTITION(model.running);
    switch (below(12)) {
    case 0:
        return base + PLATFORM_PARTITION_SIZE - 4 + below(8);
    case 1:
        return base - below(8);
    case 2:
        return base + 1 + below(100);
    case 3:
        return pseudorandom_next(&generator);
    default:
        return base + 4 * below(PLATFORM_PARTITION_SIZE / 4);
    }
}

static uint64_t choose_mpidr(void) {
    if (one_in(8))
        return one_in(2) ? pseudorandom_next(&generator) : platform_mpidr((unsigned)below(model.cpus)) | 1u << 24;
    return platform_mpidr((unsigned)below(model.cpus));
}

static int find(uint64_t mpidr) {
    for (unsigned cpu = 0; cpu < model.cpus; cpu++)
        if (platform_mpidr(cpu) == mpidr)
            return (int)cpu;
    return -1;
}

static void prepare(unsigned cpu, uint32_t function, uint64_t a1, uint64_t a2, uint64_t a3) {
    uint64_t *x = model.frames[cpu].x;
    calls++;
    x[0] = function;
    x[1] = a1;
    x[2] = a2;
    x[3] = a3;
    platform_begin_call(cpu, function, a1, a2, a3);
}

static void returns(unsigned cpu, int64_t result) { model.frames[cpu].x[0] = (uint64_t)result; }

/* The 64-bit form or the 32-bit one, for which arguments count in 32 bits only. */
static uint32_t form(uint32_t function_64, uint64_t *argument, unsigned count) {
    if (one_in(3)) {
        for (unsigned i = 0; i < count; i++)
            argument[i] = (uint32_t)argument[i];
        return function_64 & ~(UINT32_C(1) << 30);
    }
    return function_64;
}

/* Calls. */

static int64_t model_cpu_on(const uint64_t *argument) {
    int target = find(argument[0]);
    if (target < 0)
        return -2;
    if (!entry_valid(argument[1]))
        return -9;
    struct model_cpu *state = &running()->cpus[target];
    if (state->power == PERSONA_CPU_ON)
        return -4;
    if (state->power == PERSONA_CPU_ON_PENDING)
        return -5;
    if (platform.refuses_on)
        return -6;
    *state = (struct model_cpu){PERSONA_CPU_ON_PENDING, argument[1], argument[2]};
    return 0;
}

static void call_cpu_on(unsigned cpu) {
    uint64_t argument[3] = {choose_mpidr(), choose_entry(), pseudorandom_next(&generator)};
    uint64_t given[3];
    memcpy(given, argument, sizeof given);
    uint32_t function = form(0xc4000003, argument, 3);
    prepare(cpu, function, given[0], given[1], given[2]);
    returns(cpu, model_cpu_on(argument));
    platform_settle_started();
}

static void call_cpu_off(unsigned cpu) {
    prepare(cpu, 0x84000002, 0, 0, 0);
    if (others_off(cpu))
        returns(cpu, -3);
    else
        running()->cpus[cpu].power = PERSONA_CPU_OFF;
    platform_settle_started();
}

static void call_affinity_info(unsigned cpu) {
    static const int64_t answers[] = {1, 2, 0};
    uint64_t argument[2] = {choose_mpidr(), one_in(6) ? below(5) : 0};
    uint64_t given = argument[0];
    uint32_t function = form(0xc4000004, argument, 2);
    prepare(cpu, function, given, argument[1], 0);
    int target = find(argument[0]);
    returns(cpu, target < 0 || argument[1] != 0 ? -2 : answers[running()->cpus[target].power]);
    platform_settle_started();
}

static void call_plain(unsigned cpu) {
    static const struct {
        uint32_t function;
        uint64_t argument;
        int64_t result;
    } plain[] = {
        {0x84000000, 0, 0x10001},     {0x84000006, 0, 2},         {0x8400000a, 0xc4000003, 0},
        {0x8400000a, 0x84000005, -1}, {0x80000000, 0, 0x10001},   {0x80000001, 0x80000000, 0},
        {0x84000005, 0, -1},          {0x84000001, 0x10000, -2},  {0xc4000001, 3, -2},
        {0xc4000012, 1, -2},          {0x84000012, 1u << 31, -2}, {0xc4000008, 0, -1},
        {0xffffffff, 0, -1},
    };
    unsigned i = (unsigned)below(sizeof plain / sizeof plain[0]);
    prepare(cpu, plain[i].function, plain[i].argument, 0, 0);
    returns(cpu, plain[i].result);
    platform_settle_started();
}

static void call_reset(unsigned cpu) {
    static const uint32_t functions[] = {0x84000009, 0x84000012, 0xc4000012};
    prepare(cpu, functions[below(3)], 0, 0, 0);
    model_start(model.running, cpu);
    platform_settle();
}

static void call_off(unsigned cpu) {
    prepare(cpu, 0x84000008, 0, 0, 0);
    model_off(cpu);
    /* All the way: CPUs that start have to come up to be stopped. */
    platform_settle();
    for (unsigned i = 0; i < model.cpus && !model.off; i++)
        model_come_up(i);
}

static void wake_by_interrupt(unsigned cpu) {
    fake_gic_line(cpu, PLATFORM_WAKE, true);
    platform_settle_started();
    fake_gic_line(cpu, PLATFORM_WAKE, false);
    model_resume(model.running, cpu);
}

static void wake_by_press(unsigned cpu, bool is_long) {
    uint32_t busy = platform.device_status;
    platform_press(is_long ? LONG_MS : SHORT_MS);
    if (is_long || model.personas == 1 || busy != 0) {
        model_resume(model.running, cpu);
        return;
    }
    model_flip(cpu);
}

static void sleep(unsigned cpu) {
    model.attention = ATTENTION_IDLE;
    running()->state = PERSONA_ASLEEP;
    platform_settle_started();
    assert_int_equal(running_persona()->state, PERSONA_ASLEEP);
    assert_true(platform.cpus[cpu].waits);
    if (one_in(2))
        wake_by_interrupt(cpu);
    else
        wake_by_press(cpu, one_in(4));
    /* A press settles all the way. */
    for (unsigned i = 0; i < model.cpus; i++)
        if (platform.cpus[i].power == PLATFORM_ON)
            model_come_up(i);
}

static void call_suspend(unsigned cpu) {
    uint64_t argument[2] = {choose_entry(), pseudorandom_next(&generator)};
    uint64_t given[2] = {argument[0], argument[1]};
    platform_enable(PLATFORM_WAKE, cpu);
    uint32_t function = form(0xc400000e, argument, 2);
    prepare(cpu, function, given[0], given[1], 0);
    bool asked = model.attention == ATTENTION_ASKED && model.personas > 1;
    if (!entry_valid(argument[0])) {
        returns(cpu, -9);
    } else if (!others_off(cpu)) {
        returns(cpu, -3);
    } else if (asked && platform.device_status != 0) {
        returns(cpu, -3);
        model.attention = ATTENTION_IDLE;
    } else {
        running()->resume_cpu = cpu;
        running()->resume_entry = argument[0];
        running()->resume_context = argument[1];
        if (!asked) {
            sleep(cpu);
            return;
        }
        model_flip(cpu);
    }
    platform_settle_started();
}

/* Everything else that happens. */

static void all_come_up(void) {
    for (unsigned cpu = 0; cpu < model.cpus; cpu++)
        model_come_up(cpu);
    platform_settle();
}

static unsigned attention_cpu(void) {
    for (unsigned cpu = 0; cpu < model.cpus; cpu++)
        if (fake_gic.spi[PLATFORM_POWER_KEY].route == platform_mpidr(cpu))
            return cpu;
    fail_msg("attention goes nowhere");
    return 0;
}

static void press_short(void) {
    all_come_up();
    assert_true(is_on(attention_cpu()));
    (void)platform_take_button();
    bool asks = model.attention != ATTENTION_ASKED;
    platform_press(SHORT_MS);
    if (asks) {
        model.attention = ATTENTION_ASKED;
        model.deadline = fake.counter + (uint64_t)PLATFORM_TIMEOUT_MS * PLATFORM_TICKS_PER_MS;
        assert_true(platform_take_button());
    }
}

static void press_long(void) {
    all_come_up();
    unsigned cpu = attention_cpu();
    assert_true(is_on(cpu));
    bool cuts = model.attention != ATTENTION_IDLE;
    if (cuts) {
        running()->state = PERSONA_CUT_OFF;
        model_enter(next_persona(), cpu);
    }
    platform_press(LONG_MS);
    /* A persona that resumes on another CPU has come up there meanwhile. */
    all_come_up();
}

static void let_time_pass(void) {
    all_come_up();
    platform_pass(one_in(3) ? PLATFORM_TIMEOUT_MS + 1 : 1 + (unsigned)below(1000));
    model_time();
}

static void keep_off_the_deadline(void) {
    uint64_t margin = (uint64_t)MARGIN_MS * PLATFORM_TICKS_PER_MS;
    if (model.attention != ATTENTION_ASKED || fake.counter + margin < model.deadline)
        return;
    all_come_up();
    platform_pass(2 * MARGIN_MS);
    model_time();
}

static void call(void) {
    static void (*const all[])(unsigned cpu) = {
        call_cpu_on,        call_cpu_on, call_cpu_on,  call_cpu_on,  call_cpu_off, call_cpu_off, call_cpu_off,
        call_affinity_info, call_plain,  call_suspend, call_suspend, call_suspend, call_suspend,
    };
    unsigned cpu = choose_on();
    if (one_in(40))
        call_reset(cpu);
    else if (one_in(60))
        call_off(cpu);
    else
        all[below(sizeof all / sizeof all[0])](cpu);
}

static void happen(void) {
    platform.refuses_on = one_in(40);
    platform.device_status = one_in(10) ? 0xf : 0;
    platform.order = one_in(2) ? pseudorandom_next(&generator) | 1 : 0;
    keep_off_the_deadline();
    if (!any_on() || one_in(6))
        all_come_up();
    else if (one_in(5))
        press_short();
    else if (one_in(30))
        press_long();
    else if (one_in(20))
        let_time_pass();
    else
        call();
    platform.refuses_on = false;
    compare();
    fake_forget_events();
}

static void start_machine(unsigned cpus) {
    memset(&model, 0, sizeof model);
    model.cpus = cpus;
    model.personas = 1 + (unsigned)below(3);
    unsigned boot_cpu = (unsigned)below(model.cpus);
    platform_start(model.cpus, model.personas, boot_cpu);
    fake_gic.unpredictable = 0;
    model_start(0, boot_cpu);
    compare();
}

static void as_the_model_says(void **state) {
    unsigned cpus = *(unsigned *)*state;
    generator.state = cpus;
    for (calls = 0; calls < CALLS / 4;) {
        start_machine(cpus);
        for (unsigned begin = calls; calls - begin < CALLS_PER_MACHINE && !model.off;)
            happen();
    }
}

int main(void) {
    static unsigned counts[] = {1, 2, 4, 8};
    const struct CMUnitTest tests[] = {
        {"1 CPU as the model says", as_the_model_says, NULL, NULL, &counts[0]},
        {"2 CPUs as the model says", as_the_model_says, NULL, NULL, &counts[1]},
        {"4 CPUs as the model says", as_the_model_says, NULL, NULL, &counts[2]},
        {"8 CPUs as the model says", as_the_model_says, NULL, NULL, &counts[3]},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
