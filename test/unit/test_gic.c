// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "console.h"
#include "fake/gicv3.h"
#include "gic.h"
#include "pseudorandom.h"

enum {
    CPUS = 4,
    WORDS = 9, /* as QEMU's virt machine: 288 INTIDs */
    INTIDS = WORDS * 32,
    TIMER = 26,
    MAINTENANCE = 25,
    POWER_KEY = 39,
    KEYBOARD = 79,
    SMMU_EVENT = 106,
    SMMU_ERROR = 109,
    BUTTON = 142,
    PERSONAS = 2,
};

static struct handover handover;
static struct gic_state states[PERSONAS];
static char printed[256];

void console_print(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(printed, sizeof printed, format, arguments);
    va_end(arguments);
}

static void allow(struct handover_persona *persona, uint32_t intid) {
    persona->spi_allowed[intid / 32] |= UINT32_C(1) << (intid % 32);
}

static bool is_smmus(uint32_t intid) { return intid == SMMU_EVENT || intid == SMMU_ERROR; }

static bool is_own(uint32_t intid) {
    return intid == GIC_SGI_STOP || intid == TIMER || intid == MAINTENANCE || intid == POWER_KEY || intid == KEYBOARD ||
           is_smmus(intid);
}

/** The two share most interrupts; every fifth is the first's alone, every seventh the second's. */
static void describe_machine(void) {
    handover = (struct handover){.cpu_count = CPUS,
                                 .gic = {.distributor = FAKE_GICD_BASE,
                                         .redistributor_region_count = 1,
                                         .redistributor_regions = {{FAKE_GICR_BASE, 0x1000000}}},
                                 .hypervisor_timer_intid = TIMER,
                                 .flip_button_intid = BUTTON,
                                 .power_key = {.base = 0x9030000, .intid = POWER_KEY},
                                 .keyboard = {.base = 0xa003e00, .intid = KEYBOARD},
                                 .smmu = {.base = 0x9050000, .event_intid = SMMU_EVENT, .error_intid = SMMU_ERROR},
                                 .persona_count = PERSONAS};
    for (uint32_t intid = 32; intid < 1020; intid++) {
        if (intid % 5 != 0 && !is_own(intid))
            allow(&handover.personas[1], intid);
        if (intid % 7 != 0 && !is_own(intid))
            allow(&handover.personas[0], intid);
    }
}

static void start_machine(void) {
    for (unsigned cpu = 0; cpu < CPUS; cpu++)
        handover.cpus[cpu].mpidr = fake_gic.mpidr[cpu];
    gic_init(&handover);
    for (unsigned i = 0; i < PERSONAS; i++)
        gic_state_reset(&states[i], &handover.personas[i], 0);
    for (fake.cpu = CPUS; fake.cpu-- > 0;)
        gic_cpu_init(&states[0], true);
    fake.cpu = 0;
    gic_switch(NULL, &states[0]);
}

static int set_up(void **state) {
    (void)state;
    printed[0] = '\0';
    fake_reset();
    fake_gic_init(CPUS, WORDS);
    describe_machine();
    start_machine();
    return 0;
}

static bool is_allowed(unsigned persona, uint32_t intid) {
    if (intid < 32)
        return !is_own(intid);
    return intid < INTIDS && (handover.personas[persona].spi_allowed[intid / 32] >> (intid % 32) & 1) != 0;
}

static void assert_switcher_untouched(unsigned route) {
    assert_int_equal(fake_gic.ctlr & 0x51, 0x51);
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        assert_int_equal(fake_gic.waker[cpu], 0);
        assert_false(fake_gic.lpis_on[cpu]);
        for (uint32_t intid = 0; intid < INTIDS; intid++) {
            const struct fake_interrupt *interrupt = fake_gic_interrupt(cpu, intid);
            assert_int_equal(interrupt->group1, !is_own(intid));
            if (!is_own(intid))
                continue;
            assert_int_equal(interrupt->enable, intid != MAINTENANCE);
            assert_int_equal(interrupt->priority, GIC_PRIORITY_SWITCHER);
            assert_false(interrupt->active);
            assert_int_equal(interrupt->edge, intid == GIC_SGI_STOP || is_smmus(intid));
            if (intid >= 32)
                assert_int_equal(interrupt->route, fake_gic.mpidr[route]);
        }
    }
}

static void write_distributor(uint32_t offset, uint32_t value) { gic_distributor_write(&states[0], offset, 4, value); }

/** Enables an SPI of the running persona, edge triggered or not. */
static void enable(struct gic_state *state, uint32_t intid, bool edge) {
    uint32_t offset = 0xc00 + intid / 16 * 4, bit = UINT32_C(2) << intid % 16 * 2;
    uint32_t config = arch_read32(FAKE_GICD_BASE + offset);
    gic_distributor_write(state, offset, 4, edge ? config | bit : config & ~bit);
    gic_distributor_write(state, 0x100 + intid / 32 * 4, 4, UINT32_C(1) << (intid % 32));
}

static void enable_group1(struct gic_state *state) { gic_distributor_write(state, 0, 4, 0x12); }

/* Taking over. */

static void test_takes_over_from_firmware(void **state) {
    (void)state;
    assert_string_equal(printed, "");
    assert_switcher_untouched(0);
    assert_int_equal(fake_gic.ctlr, 0x51);
    assert_int_equal(fake_gic.unpredictable, 0);
    for (uint32_t intid = 0; intid < INTIDS; intid++) {
        const struct fake_interrupt *interrupt = fake_gic_interrupt(1, intid);
        assert_false(interrupt->latch || interrupt->active);
        if (is_own(intid))
            continue;
        assert_false(interrupt->enable);
        assert_int_equal(interrupt->priority, GIC_PRIORITY_RESET);
        assert_int_equal(interrupt->edge, intid < 16);
    }
}

static void test_tells_two_security_states(void **state) {
    (void)state;
    fake_reset();
    fake_gic_init(CPUS, WORDS);
    fake_gic.two_security_states = true;
    gic_init(&handover);
    assert_non_null(strstr(printed, "two security states"));
}

static void test_tells_missing_redistributor(void **state) {
    (void)state;
    handover.cpus[2].mpidr = 0x500;
    gic_init(&handover);
    assert_string_equal(printed, "flipside: CPU 2 has no redistributor\n");
    unsigned cpu;
    uint32_t offset;
    assert_false(gic_find_redistributor(FAKE_GICR_BASE + 2 * FAKE_GICR_STRIDE, &cpu, &offset));
    fake.cpu = 2;
    gic_cpu_init(&states[0], true);
    gic_redistributor_write(&states[0], 2, 0x10100, 4, UINT32_MAX);
    gic_switch(&states[0], &states[1]);
}

/** Registers that never settle must not hang EL2. */
static void test_tells_what_never_settles(void **state) {
    (void)state;
    gic_distributor_write(&states[0], 0x104, 4, 1u << 2);
    fake_gic.unsettled = UINT32_MAX / 2;
    fake_gic.spi[34].enable = false;
    gic_switch(&states[0], &states[1]);
    assert_non_null(strstr(printed, "keeps bits 0x80000000 set"));
}

static void test_finds_redistributors_by_affinity(void **state) {
    (void)state;
    fake_reset();
    fake_gic_init(CPUS, WORDS);
    /* Hand-over in another order than the frames; two clusters, Aff3 in use. */
    const uint64_t mpidr[CPUS] = {0x100, 0x1, 0x2000000000 | 0x30201, 0x0};
    const unsigned frame_of[CPUS] = {2, 3, 1, 0};
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        handover.cpus[cpu].mpidr = mpidr[cpu];
        fake_gic.mpidr[frame_of[cpu]] = mpidr[cpu];
    }
    gic_init(&handover);
    assert_string_equal(printed, "");
    for (unsigned expected = 0; expected < CPUS; expected++) {
        unsigned cpu;
        uint32_t offset;
        uint64_t base = FAKE_GICR_BASE + frame_of[expected] * FAKE_GICR_STRIDE;
        assert_true(gic_find_redistributor(base + 0x1fffc, &cpu, &offset));
        assert_int_equal(cpu, expected);
        assert_int_equal(offset, 0x1fffc);
    }
    unsigned cpu;
    uint32_t offset;
    assert_false(gic_find_redistributor(FAKE_GICR_BASE - 4, &cpu, &offset));
    assert_false(gic_find_redistributor(FAKE_GICR_BASE + CPUS * FAKE_GICR_STRIDE, &cpu, &offset));
}

/** GICv4: four frames a CPU; and a region too small for one. */
static uint64_t gicv4_read(void *context, uint64_t offset, unsigned size) {
    (void)context;
    (void)size;
    assert_true(offset % 0x40000 == 8);
    return offset < 0x40000 ? 0x2 : UINT64_C(1) << 32 | 0x12;
}

static void test_walks_gicv4_redistributors(void **state) {
    (void)state;
    fake_reset();
    fake_gic_init(1, WORDS);
    fake_map(0x40000000, 0x80000, gicv4_read, NULL, NULL);
    handover.cpu_count = 2;
    handover.gic.redistributor_region_count = 2;
    handover.gic.redistributor_regions[0] = (struct handover_range){0x50000000, 0x10000};
    handover.gic.redistributor_regions[1] = (struct handover_range){0x40000000, 0x1000000};
    gic_init(&handover);
    unsigned cpu;
    uint32_t offset;
    assert_true(gic_find_redistributor(0x40040014, &cpu, &offset));
    assert_int_equal(cpu, 1);
    assert_int_equal(offset, 0x14);
    handover.gic.redistributor_region_count = 1;
}

static void test_largest_and_smallest_distributor(void **state) {
    (void)state;
    for (unsigned words = 1; words <= 32; words += 31) {
        fake_reset();
        fake_gic_init(CPUS, words);
        describe_machine();
        if (words == 1)
            handover.power_key.base = handover.keyboard.base = handover.smmu.base = 0;
        start_machine();
        gic_distributor_write(&states[0], 0x17c, 4, UINT32_MAX);
        gic_distributor_write(&states[0], 0x4fc, 4, UINT32_MAX);
        gic_pend(1019);
        gic_switch(&states[0], &states[1]);
        assert_int_equal(fake_gic.unpredictable, 0);
    }
}

/* Filtering. */

/** Even where a hand-over allows a persona what is the switcher's, or what is no interrupt at all. */
static void test_own_interrupts_are_never_allowed(void **state) {
    (void)state;
    memset(handover.personas[0].spi_allowed, 0xff, sizeof handover.personas[0].spi_allowed);
    gic_state_reset(&states[0], &handover.personas[0], 0);
    assert_int_equal(states[0].allowed[0], 0);
    assert_int_equal(states[0].allowed[1], ~(UINT32_C(1) << (POWER_KEY % 32)));
    assert_int_equal(states[0].allowed[WORDS], 0);
    fake_gic.words = 32;
    gic_init(&handover);
    gic_state_reset(&states[0], &handover.personas[0], 0);
    assert_int_equal(states[0].allowed[31], 0x0fffffff);
}

/** They are pulses: as level triggered they would be lost (IHI 0070, 3.18). */
static void test_the_smmus_interrupts_stay_edge_triggered(void **state) {
    (void)state;
    static const uint32_t values[] = {0, UINT32_MAX, 0x55555555, 0};
    for (unsigned i = 0; i < 4; i++) {
        for (uint32_t offset = 0xc00; offset < 0xc00 + INTIDS / 4; offset += 4)
            gic_distributor_write(&states[i % 2], offset, 4, values[i]);
        assert_switcher_untouched(0);
        assert_int_equal(fake_gic.spi[SMMU_EVENT + 1].edge, values[i] == UINT32_MAX);
        gic_switch(&states[i % 2], &states[1 - i % 2]);
        assert_switcher_untouched(0);
    }
    gic_state_reset(&states[1], &handover.personas[1], 2);
    gic_switch(&states[0], &states[1]);
    assert_switcher_untouched(0);
    assert_int_equal(fake_gic.unpredictable, 0);
}

/** One that comes while personas change is neither cleared nor given to any of them. */
static void test_a_fault_of_the_smmu_outlives_a_switch(void **state) {
    (void)state;
    fake_gic_line(0, SMMU_EVENT, true);
    fake_gic_line(0, SMMU_EVENT, false);
    gic_switch(&states[0], &states[1]);
    assert_true(fake_gic.spi[SMMU_EVENT].latch);
    assert_int_equal(fake_gic_highest(0, false), SMMU_EVENT);
    write_distributor(0x280 + SMMU_EVENT / 32 * 4, UINT32_MAX);
    write_distributor(0x180 + SMMU_EVENT / 32 * 4, UINT32_MAX);
    assert_int_equal(fake_gic_acknowledge(0, false), SMMU_EVENT);
    assert_int_equal(fake_gic_highest(0, false), FAKE_GIC_NONE);
}

static void test_priorities_stay_below_the_switchers(void **state) {
    (void)state;
    write_distributor(0x400 + 40, 0x00ff1f20);
    assert_int_equal(fake_gic.spi[40].priority, 0x20);
    assert_int_equal(fake_gic.spi[41].priority, 0x20);
    assert_int_equal(fake_gic.spi[42].priority, GIC_PRIORITY_RESET); /* 42 is not the first persona's */
    assert_int_equal(fake_gic.spi[43].priority, 0x20);
    gic_distributor_write(&states[0], 0x400 + 41, 1, 0xc0);
    assert_int_equal(fake_gic.spi[41].priority, 0xc0);
    gic_redistributor_write(&states[0], 1, 0x10400 + 27, 1, 0x03);
    assert_int_equal(fake_gic.local[1][27].priority, 0x20);
    write_distributor(0x400 + 36, 0x80808080); /* 39 is the power key */
    assert_int_equal(fake_gic.spi[38].priority, 0x80);
    assert_int_equal(fake_gic.spi[39].priority, GIC_PRIORITY_SWITCHER);
}

static void test_routes_by_affinity(void **state) {
    (void)state;
    const uint32_t irouter = 0x6000 + 8 * 40;
    gic_distributor_write(&states[0], irouter, 8, 3);
    assert_int_equal(fake_gic.spi[40].route, 3);
    gic_distributor_write(&states[0], irouter, 8, 77); /* no such CPU */
    assert_int_equal(fake_gic.spi[40].route, 3);
    gic_distributor_write(&states[0], irouter, 4, 2);
    assert_int_equal(fake_gic.spi[40].route, 2);
    gic_distributor_write(&states[0], irouter + 4, 4, 1);
    assert_int_equal(fake_gic.spi[40].route, 2);
    gic_distributor_write(&states[0], irouter + 4, 4, 0);
    assert_int_equal(fake_gic.spi[40].route, 2);
    /* Without 1 of N routing the mode bit is reserved (IHI 0069, GICD_TYPER.No1N). */
    gic_distributor_write(&states[0], irouter, 8, 0x80000001);
    assert_int_equal(fake_gic.spi[40].route, 1);
}

static void test_routes_to_any_cpu(void **state) {
    (void)state;
    fake_gic.one_of_n = true;
    gic_init(&handover);
    gic_state_reset(&states[0], &handover.personas[0], 0);
    gic_state_reset(&states[1], &handover.personas[1], 1);
    gic_switch(NULL, &states[0]);
    gic_distributor_write(&states[0], 0x6000 + 8 * 41, 8, 0x80000000);
    assert_int_equal(fake_gic.spi[41].route, 0x80000000);
    gic_switch(&states[0], &states[1]);
    assert_int_equal(fake_gic.spi[41].route, 1);
    gic_switch(&states[1], &states[0]);
    assert_int_equal(fake_gic.spi[41].route, 0x80000000);
}

static void test_redistributor_stays_awake(void **state) {
    (void)state;
    gic_redistributor_write(&states[0], 0, 0x14, 4, 2);
    gic_redistributor_write(&states[0], 0, 0x00, 4, 1);
    assert_switcher_untouched(0);
    fake_gic.waker[0] = 6;
    gic_wake_redistributor();
    assert_int_equal(fake_gic.waker[0], 0);
}

static void test_message_interrupts(void **state) {
    (void)state;
    enable(&states[0], 41, true);
    write_distributor(0x40, 41);
    assert_true(fake_gic.spi[41].latch);
    write_distributor(0x48, 41);
    assert_false(fake_gic.spi[41].latch);
    write_distributor(0x40, 42);
    write_distributor(0x40, POWER_KEY);
    write_distributor(0x40, 1 << 12 | 41);
    write_distributor(0x40, 1021);
    assert_false(fake_gic.spi[42].latch || fake_gic.spi[POWER_KEY].latch || fake_gic.spi[41].latch);
}

static void test_sgis(void **state) {
    (void)state;
    gic_redistributor_write(&states[0], 1, 0x10100, 4, 0xffff);
    enable_group1(&states[0]);
    gic_send_sgi(UINT64_C(3) << 24 | 1 << 1);
    assert_int_equal(fake_gic_acknowledge(1, true), 3);
    gic_send_sgi(UINT64_C(15) << 24 | 1 << 1);
    assert_int_equal(fake_gic_highest(1, false), FAKE_GIC_NONE);
    assert_int_equal(fake_gic_highest(1, true), FAKE_GIC_NONE);
    gic_send_stop(1);
    assert_int_equal(fake_gic_acknowledge(1, false), GIC_SGI_STOP);
    /* All but itself; and no bit of the value that means nothing. */
    gic_send_sgi(UINT64_C(0xff000e0000000000) | UINT64_C(1) << 40 | UINT64_C(4) << 24);
    assert_int_equal(fake_last_event(FAKE_SGI1R)->a, UINT64_C(1) << 40 | UINT64_C(4) << 24);
    assert_true(fake_gic.local[1][4].latch && fake_gic.local[2][4].latch && fake_gic.local[3][4].latch);
    assert_false(fake_gic.local[0][4].latch);
}

static void test_stop_reaches_any_affinity(void **state) {
    (void)state;
    handover.cpus[3].mpidr = UINT64_C(0x0b000a0925); /* Aff0 0x25: range 2, bit 5 */
    gic_send_stop(3);
    assert_int_equal(fake_last_event(FAKE_SGI0R)->a, UINT64_C(0x000b200a0f090020));
}

/** 100,000 writes of any kind, to registers more often than to holes: the switcher's interrupts are as they were. */
static void test_random_writes_leave_the_switcher_alone(void **state) {
    (void)state;
    static const uint32_t starts[] = {0x0, 0x40, 0x80, 0x100, 0x180, 0x200, 0x280, 0x300, 0x380, 0x400, 0xc00, 0x6100};
    static const unsigned sizes[] = {1, 2, 4, 4, 4, 4, 8};
    struct pseudorandom random = {1};
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t value = pseudorandom_next(&random) | (pseudorandom_below(&random, 4) == 0 ? UINT64_MAX : 0);
        unsigned size = sizes[pseudorandom_below(&random, 7)];
        uint32_t offset = starts[pseudorandom_below(&random, 12)] + (uint32_t)pseudorandom_below(&random, 0x120);
        offset -= pseudorandom_below(&random, 16) != 0 ? offset % size : 0;
        if (pseudorandom_below(&random, 2) == 0)
            gic_distributor_write(&states[0], offset, size, value);
        else
            gic_redistributor_write(&states[0], (unsigned)pseudorandom_below(&random, CPUS + 1),
                                    offset % 0x1000 + (pseudorandom_below(&random, 8) != 0 ? 0x10000 : 0), size, value);
        if (i % 64 == 0)
            assert_switcher_untouched(0);
        if (i % 1000 == 999)
            gic_switch(&states[0], &states[1]), gic_switch(&states[1], &states[0]);
    }
    assert_switcher_untouched(0);
    for (uint32_t intid = 32; intid < INTIDS; intid++)
        if (!is_allowed(0, intid) && !is_own(intid))
            assert_true(!fake_gic.spi[intid].enable && fake_gic.spi[intid].priority == GIC_PRIORITY_RESET);
}

/* Switching. */

static void test_edge_survives_and_level_is_not_latched(void **state) {
    (void)state;
    enable_group1(&states[0]);
    enable(&states[0], 41, true);
    enable(&states[0], 43, false);
    gic_redistributor_write(&states[0], 0, 0x10100, 4, 1u << 27 | 1u << 5);
    gic_send_sgi(UINT64_C(5) << 24 | 1);
    fake_gic_line(0, 41, true);
    fake_gic_line(0, 43, true);
    fake_gic_line(0, 27, true);
    fake_gic_line(0, 41, false);
    gic_switch(&states[0], &states[1]);
    assert_int_equal(fake_gic_highest(0, true), FAKE_GIC_NONE);
    fake_gic_line(0, 43, false);
    fake_gic_line(0, 27, false);
    for (uint32_t intid = 0; intid < INTIDS; intid++)
        assert_false(fake_gic_pending(fake_gic_interrupt(0, intid)));
    gic_switch(&states[1], &states[0]);
    assert_int_equal(fake_gic_acknowledge(0, true), 5);
    assert_int_equal(fake_gic_acknowledge(0, true), 41);
    assert_int_equal(fake_gic_acknowledge(0, true), FAKE_GIC_NONE);
}

static void test_edge_of_a_disabled_interrupt_survives(void **state) {
    (void)state;
    enable(&states[0], 41, true);
    gic_distributor_write(&states[0], 0x184, 4, 1u << 9);
    fake_gic_line(0, 41, true);
    gic_switch(&states[0], &states[1]);
    assert_false(fake_gic.spi[41].latch);
    gic_switch(&states[1], &states[0]);
    assert_true(fake_gic.spi[41].latch);
    assert_false(fake_gic.spi[41].enable);
}

static void test_a_press_acts_once(void **state) {
    (void)state;
    enable_group1(&states[0]);
    enable(&states[0], BUTTON, true);
    gic_pend(BUTTON);
    assert_int_equal(fake_gic_highest(0, true), BUTTON);
    assert_true(gic_persona_interrupt_pending());
    gic_switch(&states[0], &states[1]);
    gic_switch(&states[1], &states[0]);
    assert_int_equal(fake_gic_highest(0, true), FAKE_GIC_NONE);
    assert_false(gic_persona_interrupt_pending());
}

static void test_active_interrupts_are_ended(void **state) {
    (void)state;
    enable_group1(&states[0]);
    enable(&states[0], 41, false);
    fake_gic_line(0, 41, true);
    assert_int_equal(fake_gic_acknowledge(0, true), 41);
    gic_redistributor_write(&states[0], 0, 0x10300, 4, 1u << 27);
    fake_forget_events();
    gic_switch(&states[0], &states[1]);
    assert_false(fake_gic.spi[41].active || fake_gic.local[0][27].active);
    assert_int_equal(fake_events_of(FAKE_ICC_INIT), 1);
}

static void test_an_order_to_stop_outlives_a_switch_once(void **state) {
    (void)state;
    gic_send_stop(0);
    gic_switch(&states[0], &states[1]);
    assert_int_equal(fake_gic_acknowledge(0, false), GIC_SGI_STOP);
    fake_gic.local[0][GIC_SGI_STOP].active = false;
    gic_switch(&states[1], &states[0]);
    assert_int_equal(fake_gic_highest(0, false), FAKE_GIC_NONE);
}

static void test_the_switchers_interrupts_follow(void **state) {
    (void)state;
    fake.cpu = 2;
    gic_switch(&states[0], &states[1]);
    assert_switcher_untouched(2);
    fake_forget_events();
    gic_route_switcher(2);
    assert_int_equal(fake_events_of(FAKE_WRITE), 0);
    gic_route_switcher(1);
    assert_switcher_untouched(1);
}

/** A persona suspended on CPU 2 goes on there after a switch that CPU 0 made. */
static void test_local_part_is_loaded_on_another_cpu(void **state) {
    (void)state;
    fake.cpu = 2;
    gic_redistributor_write(&states[0], 2, 0x10100, 4, 1u << 27 | 1u << 3);
    gic_redistributor_write(&states[0], 2, 0x10400 + 27, 1, 0x40);
    gic_redistributor_write(&states[0], 2, 0x10c04, 4, UINT32_C(2) << 2 * (30 - 16));
    gic_send_sgi(UINT64_C(3) << 24 | 1 << 2);
    gic_switch(&states[0], &states[1]);
    assert_false(fake_gic.local[2][27].enable);
    fake.cpu = 0;
    gic_switch(&states[1], &states[0]);
    fake.cpu = 2;
    fake_gic.waker[2] = 6;
    gic_cpu_init(&states[0], false);
    assert_true(fake_gic.local[2][27].enable && fake_gic.local[2][3].enable);
    assert_int_equal(fake_gic.local[2][27].priority, 0x40);
    assert_true(fake_gic.local[2][30].edge);
    assert_true(fake_gic.local[2][3].latch);
    gic_cpu_init(&states[0], true);
    assert_false(fake_gic.local[2][27].enable || fake_gic.local[2][3].latch || fake_gic.local[2][30].edge);
    assert_int_equal(states[0].local[2].enable, 0);
    gic_route_switcher(0);
    assert_switcher_untouched(0);
}

static void test_fixed_ppi_triggers(void **state) {
    (void)state;
    fake_gic.ppi_trigger_fixed = true;
    fake_gic.local[0][29].edge = true;
    gic_cpu_init(&states[0], true);
    assert_int_equal(states[0].local[0].config, UINT32_C(2) << 2 * (29 - 16));
    gic_redistributor_write(&states[0], 0, 0x10c04, 4, 0);
    gic_redistributor_write(&states[0], 0, 0x10100, 4, 1u << 29);
    fake_gic_line(0, 29, true);
    gic_switch(&states[0], &states[1]);
    assert_false(fake_gic.local[0][29].latch);
    gic_switch(&states[1], &states[0]);
    assert_true(fake_gic.local[0][29].latch);
}

/** What Linux leaves at a suspend: a handful enabled. The flip then costs few register writes, not hundreds. */
static void test_a_usual_flip_is_short(void **state) {
    (void)state;
    handover.personas[1] = handover.personas[0];
    start_machine();
    for (unsigned i = 0; i < PERSONAS; i++) {
        for (uint32_t intid = 32; intid < INTIDS; intid += 4)
            gic_distributor_write(&states[i], 0x400 + intid, 4, 0xc0c0c0c0);
        enable_group1(&states[i]);
        enable(&states[i], 33, false);
        enable(&states[i], 34, false);
        enable(&states[i], BUTTON, true);
        gic_redistributor_write(&states[i], 0, 0x10100, 4, 0xffu | 1u << 27);
        fake_forget_events();
        gic_switch(&states[i], &states[1 - i]);
    }
    gic_switch(&states[0], &states[1]);
    fake_forget_events();
    gic_switch(&states[1], &states[0]);
    assert_in_range(fake_events_of(FAKE_WRITE), 1, 25);
}

/* Two personas against two controllers of their own. */

/** One persona's controller as it would be alone: what the specification says, an interrupt at a time. */
struct model {
    bool group1;
    struct fake_interrupt interrupts[INTIDS]; /* route: CPU index */
};

static struct model models[PERSONAS];

static void reset_models(void) {
    memset(models, 0, sizeof models);
    for (unsigned persona = 0; persona < PERSONAS; persona++)
        for (uint32_t intid = 0; intid < INTIDS; intid++) {
            models[persona].interrupts[intid].priority = GIC_PRIORITY_RESET;
            models[persona].interrupts[intid].edge = intid < 16;
        }
}

static void write_both(unsigned persona, uint32_t intid, uint32_t offset, unsigned size, uint64_t value) {
    if (intid < 32)
        gic_redistributor_write(&states[persona], 0, 0x10000 + offset, size, value);
    else
        gic_distributor_write(&states[persona], offset, size, value);
}

static void model_bit(struct fake_interrupt *interrupt, unsigned bank) {
    interrupt->enable = (interrupt->enable || bank == 2) && bank != 3;
    interrupt->latch = (interrupt->latch || bank == 4) && bank != 5;
    interrupt->active = (interrupt->active || bank == 6) && bank != 7;
}

static void random_bits(struct pseudorandom *random, unsigned persona) {
    unsigned bank = 2 + (unsigned)pseudorandom_below(random, 6);
    uint32_t first = 32 * (uint32_t)pseudorandom_below(random, WORDS);
    uint32_t bits = (uint32_t)(pseudorandom_next(random) & pseudorandom_next(random));
    write_both(persona, first, bank * 0x80 + first / 8, 4, bits);
    for (uint32_t i = 0; i < 32; i++)
        if ((bits >> i & 1) != 0 && is_allowed(persona, first + i))
            model_bit(&models[persona].interrupts[first + i], bank);
}

static void random_priority(struct pseudorandom *random, unsigned persona) {
    uint32_t size = pseudorandom_below(random, 2) == 0 ? 1 : 4;
    uint32_t first = (uint32_t)pseudorandom_below(random, INTIDS) & ~(size - 1);
    uint64_t value = pseudorandom_next(random);
    write_both(persona, first, 0x400 + first, size, value);
    for (uint32_t i = 0; i < size; i++) {
        uint8_t priority = (uint8_t)(value >> (8 * i));
        if (is_allowed(persona, first + i))
            models[persona].interrupts[first + i].priority = priority < 0x20 ? 0x20 : priority;
    }
}

static void random_config(struct pseudorandom *random, unsigned persona) {
    uint32_t first = 16 * (1 + (uint32_t)pseudorandom_below(random, INTIDS / 16 - 1));
    uint32_t value = (uint32_t)pseudorandom_next(random);
    write_both(persona, first, 0xc00 + first / 4, 4, value);
    for (uint32_t i = 0; i < 16; i++)
        if (is_allowed(persona, first + i))
            models[persona].interrupts[first + i].edge = (value >> (2 * i + 1) & 1) != 0;
}

static void random_route(struct pseudorandom *random, unsigned persona) {
    uint32_t intid = 32 + (uint32_t)pseudorandom_below(random, INTIDS - 32);
    uint64_t cpu = pseudorandom_below(random, CPUS + 1);
    gic_distributor_write(&states[persona], 0x6000 + 8 * intid, 8, cpu);
    if (is_allowed(persona, intid) && cpu < CPUS)
        models[persona].interrupts[intid].route = cpu;
}

static void random_line(struct pseudorandom *random, unsigned persona) {
    uint32_t intid = 16 + (uint32_t)pseudorandom_below(random, INTIDS - 16);
    struct fake_interrupt *interrupt = &models[persona].interrupts[intid];
    if (is_own(intid))
        return;
    bool level = !fake_gic_interrupt(0, intid)->line;
    fake_gic_line(0, intid, level);
    if (level && interrupt->edge && is_allowed(persona, intid))
        interrupt->latch = true;
}

static void random_sgi(struct pseudorandom *random, unsigned persona) {
    uint32_t intid = (uint32_t)pseudorandom_below(random, 16);
    gic_send_sgi((uint64_t)intid << 24 | 1);
    if (intid != GIC_SGI_STOP)
        models[persona].interrupts[intid].latch = true;
}

static void random_acknowledge(unsigned persona) {
    uint32_t intid = fake_gic_acknowledge(0, true);
    if (intid == FAKE_GIC_NONE)
        return;
    assert_true(is_allowed(persona, intid));
    assert_true(models[persona].interrupts[intid].enable);
    models[persona].interrupts[intid].latch = false;
    models[persona].interrupts[intid].active = true;
}

static void random_control(struct pseudorandom *random, unsigned persona) {
    uint32_t value = (uint32_t)pseudorandom_next(random);
    gic_distributor_write(&states[persona], 0, 4, value);
    models[persona].group1 = (value & 2) != 0;
}

static void random_step(struct pseudorandom *random, unsigned persona) {
    switch (pseudorandom_below(random, 10)) {
    case 0:
    case 1:
    case 2:
        random_bits(random, persona);
        break;
    case 3:
        random_priority(random, persona);
        break;
    case 4:
        random_config(random, persona);
        break;
    case 5:
        random_route(random, persona);
        break;
    case 6:
        random_line(random, persona);
        break;
    case 7:
        random_sgi(random, persona);
        break;
    case 8:
        random_acknowledge(persona);
        break;
    default:
        random_control(random, persona);
        break;
    }
}

/** What leaving a controller alone for a while does to it, by contract. */
static void model_leave(struct model *model) {
    for (uint32_t intid = 0; intid < INTIDS; intid++) {
        model->interrupts[intid].latch &= model->interrupts[intid].edge;
        model->interrupts[intid].active = false;
    }
    model->interrupts[BUTTON].latch = false;
}

static void assert_hardware_is(unsigned persona) {
    assert_int_equal((fake_gic.ctlr & 2) != 0, models[persona].group1);
    for (uint32_t intid = 0; intid < INTIDS; intid++) {
        const struct fake_interrupt *is = fake_gic_interrupt(0, intid);
        const struct fake_interrupt *model = &models[persona].interrupts[intid];
        if (is_own(intid))
            continue;
        if (is->enable != model->enable || is->latch != model->latch || is->active != model->active ||
            is->edge != model->edge || is->priority != model->priority)
            fail_msg("INTID %u: enable %d latch %d active %d edge %d priority %d, not %d %d %d %d %d", intid,
                     is->enable, is->latch, is->active, is->edge, is->priority, model->enable, model->latch,
                     model->active, model->edge, model->priority);
        if (intid >= 32)
            assert_int_equal(is->route, fake_gic.mpidr[model->route]);
    }
}

static void test_two_personas_as_two_controllers(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct pseudorandom random = {seed};
        (void)set_up(NULL);
        reset_models();
        for (unsigned flip = 0; flip < 50; flip++) {
            unsigned persona = flip % PERSONAS;
            uint64_t steps = pseudorandom_below(&random, 60);
            for (uint64_t i = 0; i < steps; i++)
                random_step(&random, persona);
            assert_hardware_is(persona);
            fake_gic.unpredictable = 0; /* personas do what they want, the switcher does not */
            gic_switch(&states[persona], &states[1 - persona]);
            assert_int_equal(fake_gic.unpredictable, 0);
            model_leave(&models[persona]);
            assert_hardware_is(1 - persona);
            assert_switcher_untouched(0);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_takes_over_from_firmware, set_up),
        cmocka_unit_test_setup(test_tells_two_security_states, set_up),
        cmocka_unit_test_setup(test_tells_missing_redistributor, set_up),
        cmocka_unit_test_setup(test_tells_what_never_settles, set_up),
        cmocka_unit_test_setup(test_finds_redistributors_by_affinity, set_up),
        cmocka_unit_test_setup(test_walks_gicv4_redistributors, set_up),
        cmocka_unit_test_setup(test_largest_and_smallest_distributor, set_up),
        cmocka_unit_test_setup(test_own_interrupts_are_never_allowed, set_up),
        cmocka_unit_test_setup(test_the_smmus_interrupts_stay_edge_triggered, set_up),
        cmocka_unit_test_setup(test_a_fault_of_the_smmu_outlives_a_switch, set_up),
        cmocka_unit_test_setup(test_priorities_stay_below_the_switchers, set_up),
        cmocka_unit_test_setup(test_routes_by_affinity, set_up),
        cmocka_unit_test_setup(test_routes_to_any_cpu, set_up),
        cmocka_unit_test_setup(test_redistributor_stays_awake, set_up),
        cmocka_unit_test_setup(test_message_interrupts, set_up),
        cmocka_unit_test_setup(test_sgis, set_up),
        cmocka_unit_test_setup(test_stop_reaches_any_affinity, set_up),
        cmocka_unit_test_setup(test_random_writes_leave_the_switcher_alone, set_up),
        cmocka_unit_test_setup(test_edge_survives_and_level_is_not_latched, set_up),
        cmocka_unit_test_setup(test_edge_of_a_disabled_interrupt_survives, set_up),
        cmocka_unit_test_setup(test_a_press_acts_once, set_up),
        cmocka_unit_test_setup(test_active_interrupts_are_ended, set_up),
        cmocka_unit_test_setup(test_an_order_to_stop_outlives_a_switch_once, set_up),
        cmocka_unit_test_setup(test_the_switchers_interrupts_follow, set_up),
        cmocka_unit_test_setup(test_local_part_is_loaded_on_another_cpu, set_up),
        cmocka_unit_test_setup(test_fixed_ppi_triggers, set_up),
        cmocka_unit_test_setup(test_a_usual_flip_is_short, set_up),
        cmocka_unit_test(test_two_personas_as_two_controllers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
