// SPDX-License-Identifier: BSD-3-Clause
#include "platform.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <ucontext.h>

#include <cmocka.h>

#include "attention.h"
#include "cpu.h"
#include "lock.h"
#include "trap.h"

/* start_first() again and again: on the machine a switcher starts once. */
#include "main.c"

enum {
    STACK_SIZE = 256 * 1024,
    STEPS_MAX = 1000000, /* far more than anything that ends needs */
    WORDS = 9,
    REGION_SIZE = 0x200000,
    PIN = 3,
};

#define GPIO_BASE UINT64_C(0x09030000)

extern const char _start[];

struct platform platform;
static bool with_smmu;
static const uint32_t *prewarm_times;
static unsigned first_persona;

static struct coroutine {
    ucontext_t context;
    void (*body)(struct trap_frame *frame);
    uint8_t stack[STACK_SIZE] __attribute__((aligned(16)));
} coroutines[HANDOVER_CPUS_MAX];

static ucontext_t scheduler;
static bool running_coroutine;
static uint8_t region[REGION_SIZE] __attribute__((aligned(4096)));

static struct {
    bool line;
    uint32_t raw, enable;
} gpio;

/* The CPU's own registers go in and out with it. */

static void load(unsigned cpu) {
    struct platform_cpu *state = &platform.cpus[cpu];
    fake.cpu = cpu;
    fake.vttbr = state->vttbr;
    fake.timer_on = state->timer_on;
    fake.timer_deadline = state->timer_deadline;
    fake.syndrome = state->syndrome;
}

static void store(unsigned cpu) {
    struct platform_cpu *state = &platform.cpus[cpu];
    state->vttbr = fake.vttbr;
    state->timer_on = fake.timer_on;
    state->timer_deadline = fake.timer_deadline;
}

static void give_way(void) {
    if (running_coroutine)
        (void)swapcontext(&coroutines[fake.cpu].context, &scheduler);
}

static void resume(unsigned cpu) {
    load(cpu);
    running_coroutine = true;
    (void)swapcontext(&scheduler, &coroutines[cpu].context);
    running_coroutine = false;
    if (platform.cpus[cpu].power == PLATFORM_ON)
        store(cpu);
}

static void coroutine_main(void) {
    unsigned cpu = fake.cpu;
    coroutines[cpu].body(&platform.cpus[cpu].frame);
    platform.cpus[cpu].el2 = false;
    for (;;)
        give_way();
}

static void enter_el2(unsigned cpu, void (*body)(struct trap_frame *frame)) {
    struct coroutine *coroutine = &coroutines[cpu];
    assert_false(platform.cpus[cpu].el2);
    platform.cpus[cpu].el2 = true;
    platform.cpus[cpu].waits = false;
    coroutine->body = body;
    (void)getcontext(&coroutine->context);
    coroutine->context.uc_stack.ss_sp = coroutine->stack;
    coroutine->context.uc_stack.ss_size = sizeof coroutine->stack;
    coroutine->context.uc_link = NULL;
    makecontext(&coroutine->context, coroutine_main, 0);
}

/* Firmware. */

static void power_off(unsigned cpu) {
    platform.cpus[cpu].power = PLATFORM_OFF;
    platform.cpus[cpu].el2 = false;
    platform.cpus[cpu].vttbr = 0;
    platform.cpus[cpu].timer_on = false;
    fake_gic.waker[cpu] = 6;
}

static int64_t firmware_off(void) {
    /* Its interrupt could stay pending over the reset of the CPU. */
    assert_false(fake.timer_on);
    if (platform.refuses_off)
        return PSCI_DENIED;
    power_off(fake.cpu);
    for (;;)
        give_way();
}

static int64_t firmware_system_off(void) {
    if (platform.refuses_off)
        return PSCI_NOT_SUPPORTED;
    platform.machine_off = true;
    for (unsigned cpu = 0; cpu < HANDOVER_CPUS_MAX; cpu++)
        power_off(cpu);
    for (;;)
        give_way();
}

static unsigned cpu_of(uint64_t mpidr) {
    for (unsigned cpu = 0; cpu < platform.handover.cpu_count; cpu++)
        if (platform_mpidr(cpu) == mpidr)
            return cpu;
    fail_msg("the firmware was asked for CPU 0x%llx", (unsigned long long)mpidr);
    return 0;
}

static int64_t firmware_on(unsigned cpu, uint64_t entry, uint64_t context) {
    assert_true(entry == (uint64_t)(uintptr_t)_start);
    assert_true(context == (uint64_t)(uintptr_t)&platform.handover);
    if (platform.refuses_on)
        return PSCI_INTERNAL_FAILURE;
    if (platform.cpus[cpu].power != PLATFORM_OFF)
        return PSCI_ALREADY_ON;
    platform.cpus[cpu].power = PLATFORM_STARTING;
    return PSCI_SUCCESS;
}

static int64_t affinity_info(unsigned cpu) {
    switch (platform.cpus[cpu].power) {
    case PLATFORM_OFF:
        return PSCI_AFFINITY_OFF;
    case PLATFORM_STARTING:
        return PSCI_AFFINITY_ON_PENDING;
    default:
        return PSCI_AFFINITY_ON;
    }
}

static int64_t firmware(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3) {
    give_way();
    switch (function) {
    case PSCI_CPU_ON_64:
        return firmware_on(cpu_of(a1), a2, a3);
    case PSCI_CPU_OFF:
        return firmware_off();
    case PSCI_AFFINITY_INFO_64:
        assert_int_equal(a2, 0);
        return affinity_info(cpu_of(a1));
    case PSCI_SYSTEM_OFF:
        return firmware_system_off();
    default:
        return platform.errata != NULL ? platform.errata(function, a1) : PSCI_NOT_SUPPORTED;
    }
}

static void wait_for_interrupt(void) {
    platform.cpus[fake.cpu].waits = running_coroutine;
    give_way();
}

/* The timer's line falls as soon as the timer is stopped, not only when this CPU next gives way. */
static uint32_t acknowledge(void) {
    fake_gic_line(fake.cpu, PLATFORM_TIMER, fake.timer_on && fake.timer_deadline <= fake.counter);
    return fake_gic_acknowledge(fake.cpu, false);
}

/* Devices. */

static uint64_t gpio_read(void *context, uint64_t offset, unsigned size) {
    (void)context;
    (void)size;
    if (offset < 0x400)
        return (offset >> 2) & (gpio.line ? 1u << PIN : 0);
    return offset == 0x414 ? gpio.raw : 0;
}

static void update_key_line(void) { fake_gic_line(0, PLATFORM_POWER_KEY, (gpio.raw & gpio.enable) != 0); }

static void gpio_write(void *context, uint64_t offset, unsigned size, uint64_t value) {
    (void)context;
    (void)size;
    if (offset == 0x410)
        gpio.enable = (uint32_t)value;
    if (offset == 0x41c)
        gpio.raw &= ~(uint32_t)value;
    update_key_line();
}

void platform_key_edge(bool pressed) {
    gpio.line = pressed;
    gpio.raw |= 1u << PIN;
    update_key_line();
}

static uint64_t status_read(void *context, uint64_t offset, unsigned size) {
    (void)context;
    (void)offset;
    assert_int_equal(size, 4);
    return platform.device_status;
}

/* Status 0 resets the device; the personas' drivers are no part of this machine. */
static void status_write(void *context, uint64_t offset, unsigned size, uint64_t value) {
    (void)context;
    (void)offset;
    assert_int_equal(size, 4);
    assert_true(value == 0);
    platform.device_status = 0;
}

static void pulse_smmu_interrupt(unsigned which) {
    uint32_t intid = which == FAKE_SMMU_EVENT ? PLATFORM_SMMU_EVENT : PLATFORM_SMMU_ERROR;
    fake_gic_line(0, intid, true);
    fake_gic_line(0, intid, false);
}

/* Description. */

uint64_t platform_mpidr(unsigned cpu) { return (uint64_t)(cpu / 4) << 8 | cpu % 4; }

static uint64_t region_base(void) { return (uint64_t)(uintptr_t)region; }

static void allow(struct handover_persona *persona, uint32_t intid) {
    persona->spi_allowed[intid / 32] |= UINT32_C(1) << intid % 32;
}

static void describe_persona(unsigned index) {
    struct handover_persona *persona = &platform.handover.personas[index];
    *persona = (struct handover_persona){
        .name = {'p', (char)('0' + index)},
        .title = {'P'},
        .partition = {PLATFORM_PARTITION(index), PLATFORM_PARTITION_SIZE},
        .entry = PLATFORM_ENTRY(index),
        .devicetree = PLATFORM_DEVICETREE(index),
        .vttbr = (uint64_t)(index + 1) << 48 | (region_base() + 0x100000 + index * 0x10000),
        .copy_count = 2,
        .copies = {{region_base() + 0x180000, PLATFORM_ENTRY(index), 0x1000},
                   {region_base() + 0x190000, PLATFORM_DEVICETREE(index), 0x1000}},
    };
    persona->vttbr_start = persona->vttbr;
    if (with_smmu)
        platform.handover.smmu.stream_tables[index] = region_base() + 0x1c0000 + index * 0x8000;
    if (prewarm_times != NULL)
        persona->prewarm_ms = prewarm_times[index];
    allow(persona, PLATFORM_BUTTON);
    allow(persona, PLATFORM_CHANNEL_INTID);
    allow(persona, PLATFORM_CLOCK_INTID);
    allow(persona, PLATFORM_WAKE);
}

static void describe(unsigned cpus, unsigned personas, unsigned boot_cpu) {
    platform.handover = (struct handover){
        .magic = HANDOVER_MAGIC,
        .version = HANDOVER_VERSION,
        .size = sizeof(struct handover),
        .ttbr0_el2 = region_base(),
        .cpu_count = cpus,
        .boot_cpu = boot_cpu,
        .switcher = {region_base(), REGION_SIZE},
        .gic = {.distributor = FAKE_GICD_BASE,
                .redistributor_region_count = 1,
                .redistributor_regions = {{FAKE_GICR_BASE, cpus * FAKE_GICR_STRIDE}}},
        .hypervisor_timer_intid = PLATFORM_TIMER,
        .flip_button_intid = PLATFORM_BUTTON,
        .flip_timeout_ms = PLATFORM_TIMEOUT_MS,
        .quiet_count = 1,
        .power_key = {GPIO_BASE, PLATFORM_POWER_KEY, PIN, PLATFORM_LONG_MS, 0},
        .channel = {.base = PLATFORM_CHANNEL, .intid = PLATFORM_CHANNEL_INTID},
        .clock = {FAKE_CLOCK_BASE, FAKE_CLOCK_INTID, PLATFORM_CLOCK_INTID},
        .quiet = {{PLATFORM_STATUS, HANDOVER_QUIET_VIRTIO_MMIO, 0}},
        .persona_count = personas,
        .first_persona = first_persona,
    };
    if (with_smmu)
        platform.handover.smmu = (struct handover_smmu){.base = FAKE_SMMU_BASE,
                                                        .event_intid = PLATFORM_SMMU_EVENT,
                                                        .error_intid = PLATFORM_SMMU_ERROR,
                                                        .stream_table_config = 1u << 16 | 8u << 6 | 16u};
    for (unsigned cpu = 0; cpu < cpus; cpu++)
        platform.handover.cpus[cpu] =
            (struct handover_cpu){platform_mpidr(cpu), region_base() + 0x10000 * (cpu + 1) + 0x4000};
    for (unsigned i = 0; i < personas; i++)
        describe_persona(i);
}

static void attach_devices(unsigned cpus) {
    fake_reset();
    fake.counter_step = PLATFORM_TICKS_PER_MS / 10;
    fake_gic_init(cpus, WORDS);
    for (unsigned cpu = 0; cpu < cpus; cpu++)
        fake_gic.mpidr[cpu] = platform_mpidr(cpu);
    memset(&gpio, 0, sizeof gpio);
    fake_map(GPIO_BASE, 0x1000, gpio_read, gpio_write, NULL);
    fake_clock_init();
    fake_map(PLATFORM_STATUS, 4, status_read, status_write, NULL);
    if (with_smmu) {
        fake_smmu_init();
        fake_smmu.interrupt = pulse_smmu_interrupt;
    }
    fake.smc = firmware;
    fake.iar0 = acknowledge;
    fake.wait = wait_for_interrupt;
    fake.relax = give_way;
}

/* Running. */

static void enter_switcher(struct trap_frame *frame) { switcher_main(&platform.handover, frame); }

static void start_again(struct trap_frame *frame) {
    arch_cpu_init(platform.handover.vtcr_el2);
    lock_acquire();
    start_first(&platform.handover, frame);
    lock_release();
    cpu_stop_if_ordered();
}

/* What the switcher keeps beside `switcher` is brought back to its start. */
static void forget_last_start(void) {
    lock_release();
    memset(&switcher, 0, sizeof switcher);
    switcher.handover = &platform.handover;
    for (unsigned cpu = 0; cpu < platform.handover.cpu_count; cpu++) {
        assert_int_equal(cpu_power_on(cpu), CPU_OK);
        platform.cpus[cpu].power = PLATFORM_OFF;
    }
    switcher.handover = NULL;
}

void platform_start(unsigned cpus, unsigned personas, unsigned boot_cpu) {
    static bool again;
    running_coroutine = false; /* a test that failed may have left one */
    memset(&platform, 0, sizeof platform);
    attach_devices(cpus);
    describe(cpus, personas, boot_cpu);
    forget_last_start();
    for (unsigned cpu = 0; cpu < cpus; cpu++)
        memset(&platform.cpus[cpu].frame, 0x5a, sizeof platform.cpus[cpu].frame);
    platform.cpus[boot_cpu].power = PLATFORM_ON;
    enter_el2(boot_cpu, again ? start_again : enter_switcher);
    again = true;
    platform_settle();
    fake_forget_events();
}

void platform_start_with_smmu(unsigned cpus, unsigned personas, unsigned boot_cpu) {
    with_smmu = true;
    platform_start(cpus, personas, boot_cpu);
    with_smmu = false;
}

void platform_start_prewarming(unsigned cpus, const uint32_t *prewarm_ms, unsigned personas, unsigned first) {
    prewarm_times = prewarm_ms;
    first_persona = first;
    platform_start(cpus, personas, 0);
    prewarm_times = NULL;
    first_persona = 0;
}

void platform_trap(unsigned cpu, uint64_t esr, uint64_t far, uint64_t hpfar) {
    assert_int_equal(platform.cpus[cpu].power, PLATFORM_ON);
    platform.cpus[cpu].syndrome = (struct trap_syndrome){esr, far, hpfar};
    enter_el2(cpu, trap_sync);
}

void platform_begin_call(unsigned cpu, uint32_t function, uint64_t a1, uint64_t a2, uint64_t a3) {
    uint64_t *x = platform.cpus[cpu].frame.x;
    x[0] = function;
    x[1] = a1;
    x[2] = a2;
    x[3] = a3;
    platform_trap(cpu, UINT64_C(0x5a000000), 0, 0);
}

int64_t platform_call(unsigned cpu, uint32_t function, uint64_t a1, uint64_t a2, uint64_t a3) {
    platform_begin_call(cpu, function, a1, a2, a3);
    platform_settle();
    return (int64_t)platform.cpus[cpu].frame.x[0];
}

void platform_begin(unsigned cpu, void (*body)(struct trap_frame *frame)) { enter_el2(cpu, body); }

static bool interrupt_pending(unsigned cpu) {
    return fake_gic_highest(cpu, false) != FAKE_GIC_NONE || fake_gic_highest(cpu, true) != FAKE_GIC_NONE;
}

static void update_timer(unsigned cpu) {
    const struct platform_cpu *state = &platform.cpus[cpu];
    fake_gic_line(cpu, PLATFORM_TIMER, state->timer_on && state->timer_deadline <= fake.counter);
}

/* What must hold whenever: a CPU in a persona is in the running one, which knows of it; DMA goes to that one too. */
static void assert_sound(void) {
    for (unsigned cpu = 0; cpu < platform.handover.cpu_count; cpu++) {
        const struct platform_cpu *state = &platform.cpus[cpu];
        if (state->power != PLATFORM_ON || state->el2)
            continue;
        assert_int_equal(running_persona()->state, PERSONA_RUNNING);
        assert_int_equal(running_persona()->cpus[cpu].power, PERSONA_CPU_ON);
        assert_true(state->vttbr == running_persona()->stage2);
        assert_true(platform.handover.smmu.base == 0 ||
                    fake_smmu_transaction() == PLATFORM_STREAM_TABLE(switcher.running));
    }
}

static bool step(unsigned cpu, bool also_starting) {
    struct platform_cpu *state = &platform.cpus[cpu];
    if (state->power == PLATFORM_OFF || state->held || (state->power == PLATFORM_STARTING && !also_starting))
        return false;
    update_timer(cpu);
    if (state->power == PLATFORM_STARTING) {
        state->power = PLATFORM_ON;
        enter_el2(cpu, enter_switcher);
    }
    if (!state->el2) {
        if (fake_gic_highest(cpu, false) == FAKE_GIC_NONE)
            return false;
        enter_el2(cpu, trap_fiq);
    }
    if (state->waits && !interrupt_pending(cpu))
        return false;
    state->waits = false;
    resume(cpu);
    assert_sound();
    return true;
}

bool platform_step(unsigned cpu) { return step(cpu, true); }

static unsigned first_choice(void) {
    if (platform.order == 0)
        return 0;
    platform.order = platform.order * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(platform.order >> 33) % platform.handover.cpu_count;
}

static bool step_any(bool also_starting) {
    unsigned first = first_choice();
    for (unsigned i = 0; i < platform.handover.cpu_count; i++)
        if (step((first + i) % platform.handover.cpu_count, also_starting))
            return true;
    return false;
}

/* In turn, each CPU goes as far as it can: one that waits for another must not keep it from running. */
static bool step_all(bool also_starting) {
    bool stepped = false;
    for (unsigned cpu = 0; cpu < platform.handover.cpu_count; cpu++)
        stepped |= step(cpu, also_starting);
    return stepped;
}

static void settle(bool also_starting) {
    for (unsigned steps = 0; steps < STEPS_MAX; steps++)
        if (!(platform.order != 0 ? step_any(also_starting) : step_all(also_starting)))
            return;
    fail_msg("the machine does not settle");
}

void platform_settle(void) { settle(true); }

void platform_settle_started(void) { settle(false); }

void platform_press(unsigned milliseconds) {
    platform_key_edge(true);
    platform_settle();
    fake.counter += (uint64_t)milliseconds * PLATFORM_TICKS_PER_MS;
    platform_key_edge(false);
    platform_settle();
}

void platform_pass(unsigned milliseconds) {
    fake.counter += (uint64_t)milliseconds * PLATFORM_TICKS_PER_MS;
    platform_settle();
}

bool platform_take_button(void) {
    bool pending = fake_gic.spi[PLATFORM_BUTTON].latch;
    fake_gic.spi[PLATFORM_BUTTON].latch = false;
    return pending;
}

void platform_enable(uint32_t intid, unsigned cpu) {
    struct gic_state *gic_state = &running_persona()->gic;
    gic_distributor_write(gic_state, 0x0000, 4, 2);
    gic_distributor_write(gic_state, 0x6000 + 8 * intid, 8, platform_mpidr(cpu));
    gic_distributor_write(gic_state, 0x0100 + intid / 32 * 4, 4, UINT32_C(1) << intid % 32);
}

unsigned platform_cpus_on(void) {
    unsigned count = 0;
    for (unsigned cpu = 0; cpu < platform.handover.cpu_count; cpu++)
        count += platform.cpus[cpu].power != PLATFORM_OFF;
    return count;
}
