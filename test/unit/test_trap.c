// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "fake/platform.h"
#include "log.h"

enum { CPUS = 2, ELR = 0x60001000, EL1H = 0x3c5, XZR = 31 };

#define VBAR UINT64_C(0xffff000000080000)
#define EC(n) ((uint64_t)(n) << 26)
#define ISV (UINT64_C(1) << 24)
#define IL (UINT64_C(1) << 25)
#define SIZE(n) ((uint64_t)(n) << 22)
#define RT(n) ((uint64_t)(n) << 16)
#define CM (UINT64_C(1) << 8)
#define S1PTW (UINT64_C(1) << 7)
#define WNR (UINT64_C(1) << 6)
#define FSC_TRANSLATION UINT64_C(0x07)
#define FSC_PERMISSION UINT64_C(0x0f)
#define WRITE (EC(0x24) | IL | ISV | WNR | FSC_PERMISSION)

static struct trap_frame before;

static int set_up(void **state) {
    (void)state;
    platform_start(CPUS, 2, 0);
    fake.vbar_el1 = VBAR;
    fake.sctlr_el1 = 1 << 23;
    struct trap_frame *frame = &platform.cpus[0].frame;
    for (unsigned i = 0; i < 31; i++)
        frame->x[i] = UINT64_C(0x1111111100000000) * (i + 1) + i;
    frame->elr = ELR;
    frame->spsr = EL1H;
    before = *frame;
    return 0;
}

static void trap(uint64_t esr, uint64_t far, uint64_t hpfar) {
    platform_trap(0, esr, far, hpfar);
    platform_settle();
}

/** A write as the GIC's frames get it: a permission fault, whose address the switcher translates itself. */
static void write_to(uint64_t address, unsigned size, unsigned rt) {
    trap(WRITE | SIZE(size) | RT(rt), address, UINT64_C(0xfffffffffff0));
}

static void assert_done(void) {
    struct trap_frame expected = before;
    expected.elr = platform.cpus[0].frame.elr;
    assert_memory_equal(&platform.cpus[0].frame, &expected, sizeof expected);
    assert_int_equal(platform.cpus[0].frame.elr, before.elr + 4);
    assert_int_equal(fake_events_of(FAKE_EXCEPTION_EL1), 0);
    before = platform.cpus[0].frame;
}

static void assert_abort(uint64_t esr) {
    const struct fake_event *event = fake_last_event(FAKE_EXCEPTION_EL1);
    assert_non_null(event);
    assert_int_equal(event->a, before.elr);
    assert_int_equal(event->c, esr);
    assert_true(platform.cpus[0].frame.elr == VBAR + 0x200);
    struct trap_frame expected = before;
    expected.elr = VBAR + 0x200;
    assert_memory_equal(&platform.cpus[0].frame, &expected, sizeof expected);
    fake_forget_events();
    platform.cpus[0].frame = before;
}

static void distributor_writes_are_carried_out(void **state) {
    (void)state;
    platform.cpus[0].frame.x[5] = before.x[5] = UINT64_C(0xffffffff00000100); /* bit 8: INTID 40 */
    uint64_t writes = log_counted(COUNT_GICD_WRITE, 0);
    write_to(FAKE_GICD_BASE + 0x104, 2, 5);
    assert_done();
    assert_true(fake_gic.spi[PLATFORM_WAKE].enable);
    assert_int_equal(log_counted(COUNT_GICD_WRITE, 0), writes + 1);
    /* A byte, of a register whose upper bits are set. */
    platform.cpus[0].frame.x[30] = before.x[30] = UINT64_C(0xfffffffffffff1c0);
    write_to(FAKE_GICD_BASE + 0x400 + PLATFORM_WAKE, 0, 30);
    assert_done();
    assert_int_equal(fake_gic.spi[PLATFORM_WAKE].priority, 0xc0);
    /* A word is cut to 32 bits. */
    platform.cpus[0].frame.x[0] = before.x[0] = UINT64_C(0xfffffffe40506070);
    write_to(FAKE_GICD_BASE + 0x400 + PLATFORM_WAKE, 2, 0);
    assert_done();
    assert_int_equal(fake_gic.spi[PLATFORM_WAKE].priority, 0x70);
    /* Eight bytes: GICD_IROUTER. */
    platform.cpus[0].frame.x[7] = before.x[7] = platform_mpidr(1);
    write_to(FAKE_GICD_BASE + 0x6000 + 8 * PLATFORM_WAKE, 3, 7);
    assert_done();
    assert_true(fake_gic.spi[PLATFORM_WAKE].route == platform_mpidr(1));
    /* Register 31 is the zero register. */
    write_to(FAKE_GICD_BASE + 0x6000 + 8 * PLATFORM_WAKE, 3, XZR);
    assert_done();
    assert_true(fake_gic.spi[PLATFORM_WAKE].route == platform_mpidr(0));
    /* Halfwords are no access that the distributor has: ignored. */
    write_to(FAKE_GICD_BASE + 0x104, 1, 5);
    assert_done();
    assert_int_equal(log_counted(COUNT_FAULT, 0), 0);
}

static void redistributor_writes_are_carried_out(void **state) {
    (void)state;
    uint64_t writes = log_counted(COUNT_GICR_WRITE, 0);
    platform.cpus[0].frame.x[3] = before.x[3] = 1 << 27;
    write_to(FAKE_GICR_BASE + 0x10100, 2, 3);
    assert_done();
    assert_true(fake_gic_interrupt(0, 27)->enable);
    write_to(FAKE_GICR_BASE + FAKE_GICR_STRIDE + 0x10100, 2, 3);
    assert_done();
    assert_true(running_persona()->gic.local[1].enable == 1 << 27);
    assert_int_equal(log_counted(COUNT_GICR_WRITE, 0), writes + 2);
}

/** An access to the channel's page, which stage 2 does not map: the address comes in HPFAR. */
static void reach_channel(uint64_t flags, uint32_t offset, unsigned size, unsigned rt) {
    trap(EC(0x24) | IL | ISV | FSC_TRANSLATION | flags | SIZE(size) | RT(rt), UINT64_C(0xffff000012345000) + offset,
         PLATFORM_CHANNEL >> 8);
}

static void expect_load(uint64_t flags, uint32_t offset, unsigned size, uint64_t value) {
    platform.cpus[0].frame.x[9] = UINT64_MAX;
    reach_channel(flags, offset, size, 9);
    assert_true(platform.cpus[0].frame.x[9] == value);
    platform.cpus[0].frame.x[9] = before.x[9];
    assert_done();
}

static void the_channel_is_read_and_written(void **state) {
    const uint64_t sse = UINT64_C(1) << 21, sf = UINT64_C(1) << 15;
    (void)state;
    uint64_t accesses = log_counted(COUNT_CHANNEL, 0);
    expect_load(0, 0x000, 2, 0x74726976);
    expect_load(sf, 0x008, 2, 3);
    expect_load(0, 0x0b0, 2, 0xffffffff);
    expect_load(sse, 0x0b0, 2,
                0xffffffff); /* LDRSW is never one to 32 bits; the register's upper half is 0 all the same */
    expect_load(sse | sf, 0x0b0, 2, UINT64_MAX);
    expect_load(sse | sf, 0x008, 2, 3);
    expect_load(0, 0x104, 0, 2); /* LDRB of the configuration: port 0 and flipside.control */
    expect_load(sse | sf, 0x104, 1, 2);
    expect_load(sf, 0x000, 3, 0);
    expect_load(0, 0xffc, 2, 0);
    reach_channel(0, 0x000, 2, XZR); /* a load that is thrown away */
    assert_done();
    platform.cpus[0].frame.x[4] = before.x[4] = 1;
    reach_channel(WNR, 0x070, 2, 4);
    assert_done();
    expect_load(0, 0x070, 2, 1);
    assert_int_equal(log_counted(COUNT_CHANNEL, 0), accesses + 13);
    assert_int_equal(log_counted(COUNT_FAULT, 0), 0);
    /* The other persona's is another one, and each start finds its own as new. */
    assert_int_equal(switcher.personas[1].channel.status, 0);
    (void)platform_call(0, PSCI_SYSTEM_RESET, 0, 0, 0);
    assert_int_equal(running_persona()->channel.status, 0);
}

static void the_channel_by_other_means_is_a_fault(void **state) {
    (void)state;
    uint64_t abort_esr = EC(0x25) | IL | 0x10;
    trap(EC(0x24) | IL | FSC_TRANSLATION, VBAR, PLATFORM_CHANNEL >> 8); /* a pair: no syndrome */
    assert_abort(abort_esr);
    trap(EC(0x24) | IL | ISV | SIZE(2) | FSC_TRANSLATION, VBAR, (PLATFORM_CHANNEL + 0x1000) >> 8);
    assert_abort(abort_esr);
    trap(EC(0x24) | IL | ISV | SIZE(2) | FSC_TRANSLATION | S1PTW, VBAR, PLATFORM_CHANNEL >> 8);
    assert_abort(abort_esr);
    trap(EC(0x20) | IL | FSC_TRANSLATION, VBAR, PLATFORM_CHANNEL >> 8);
    assert_abort(EC(0x21) | IL | 0x10);
}

static void outside_the_gic_is_a_fault(void **state) {
    (void)state;
    static const uint64_t addresses[] = {
        0,
        FAKE_GICD_BASE - 4,
        FAKE_GICD_BASE + 0x10000,
        FAKE_GICR_BASE - 8,
        FAKE_GICR_BASE + CPUS * FAKE_GICR_STRIDE,
        UINT64_C(0x09020000),
        UINT64_C(0x60000000),
        UINT64_C(0xfffffffff000),
    };
    for (unsigned i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        uint64_t faults = log_counted(COUNT_FAULT, 0);
        write_to(addresses[i], 2, 1);
        assert_abort(EC(0x25) | IL | WNR | 0x10);
        assert_int_equal(log_counted(COUNT_FAULT, 0), faults + 1);
        struct log_entry entry;
        assert_true(log_get(log_end() - 1, &entry));
        assert_int_equal(entry.event, LOG_FAULT);
        assert_true(entry.a == addresses[i]);
    }
}

static void translation_faults_have_their_address_in_hpfar(void **state) {
    (void)state;
    fake.translate = NULL;
    trap(EC(0x24) | IL | ISV | FSC_TRANSLATION, 0xffff000000001abc, 0x902000 >> 4 << 8 >> 4);
    struct log_entry entry;
    assert_true(log_get(log_end() - 1, &entry));
    assert_true(entry.a == (((UINT64_C(0x902000) >> 4 << 8 >> 4) & ~UINT64_C(0xf)) << 8 | 0xabc));
    assert_abort(EC(0x25) | IL | 0x10);
    /* A write to the distributor that is not mapped at all is carried out as well. */
    platform.cpus[0].frame.x[5] = before.x[5] = 1 << 8;
    trap(EC(0x24) | IL | ISV | WNR | SIZE(2) | RT(5) | FSC_TRANSLATION, 0xffff000000001104, FAKE_GICD_BASE >> 12 << 4);
    assert_done();
    assert_true(fake_gic.spi[PLATFORM_WAKE].enable);
}

static uint64_t translated_va;
static bool translated_write, translates;

static bool translate(uint64_t va, bool write, uint64_t *ipa) {
    translated_va = va;
    translated_write = write;
    *ipa = FAKE_GICD_BASE + 0x104;
    return translates;
}

static void permission_faults_are_translated(void **state) {
    (void)state;
    fake.translate = translate;
    translates = true;
    platform.cpus[0].frame.x[5] = before.x[5] = 1 << 8;
    trap(WRITE | SIZE(2) | RT(5), UINT64_C(0xffff800012345104), 0);
    assert_done();
    assert_true(translated_va == UINT64_C(0xffff800012345104));
    assert_true(translated_write);
    assert_true(fake_gic.spi[PLATFORM_WAKE].enable);
    trap(EC(0x20) | IL | FSC_PERMISSION, UINT64_C(0xffff800012345108), 0);
    assert_false(translated_write);
    assert_abort(EC(0x21) | IL | 0x10);
}

/* The persona changed its tables meanwhile: the access is tried again. */
static void what_no_longer_translates_is_tried_again(void **state) {
    (void)state;
    fake.translate = translate;
    translates = false;
    trap(WRITE | SIZE(2) | RT(5), 0x1000, 0);
    assert_memory_equal(&platform.cpus[0].frame, &before, sizeof before);
    assert_int_equal(fake_events_of(FAKE_EXCEPTION_EL1), 0);
}

/* The table walk itself was refused: HPFAR_EL2 says where the table lies; the access is not carried out. */
static void faults_of_a_table_walk(void **state) {
    (void)state;
    fake.translate = translate;
    translates = true;
    translated_va = 0;
    trap(WRITE | S1PTW | SIZE(2) | RT(5), 0x5104, FAKE_GICD_BASE >> 12 << 4);
    assert_true(translated_va == 0);
    assert_false(fake_gic.spi[PLATFORM_WAKE].enable);
    assert_abort(EC(0x25) | IL | WNR | 0x10);
}

static void accesses_without_a_syndrome_are_aborts(void **state) {
    (void)state;
    platform.cpus[0].frame.x[5] = before.x[5] = 1 << 8;
    trap((WRITE & ~ISV) | SIZE(2) | RT(5), FAKE_GICD_BASE + 0x104, 0);
    assert_abort(EC(0x25) | IL | WNR | 0x10);
    /* Reads are not trapped where reading is allowed; where not, there is nothing to read. */
    trap((WRITE & ~WNR) | SIZE(2) | RT(5), FAKE_GICD_BASE + 0x104, 0);
    assert_abort(EC(0x25) | IL | 0x10);
    assert_false(fake_gic.spi[PLATFORM_WAKE].enable);
}

/* A 32-bit program steps by its own rules, and has no business at the GIC. */
static void writes_of_aarch32_are_aborts(void **state) {
    (void)state;
    platform.cpus[0].frame.spsr = 0x30;
    platform.cpus[0].frame.x[5] = 1 << 8;
    write_to(FAKE_GICD_BASE + 0x104, 2, 5);
    assert_false(fake_gic.spi[PLATFORM_WAKE].enable);
    assert_true(platform.cpus[0].frame.elr == VBAR + 0x600);
}

static void cache_maintenance_of_a_frame_does_nothing(void **state) {
    (void)state;
    trap(EC(0x24) | IL | CM | WNR | FSC_PERMISSION, FAKE_GICD_BASE, 0);
    assert_done();
    /* Elsewhere it is an access like any other. */
    trap(EC(0x24) | IL | CM | WNR | FSC_TRANSLATION, 0, 0x9020);
    assert_abort(EC(0x25) | IL | WNR | 0x10);
}

/* FEAT_LS64, FEAT_S1POE and others tell more in ISS2, bits 55:32. */
static void bits_above_the_class_do_not_count(void **state) {
    (void)state;
    platform.cpus[0].frame.x[5] = before.x[5] = 1 << 8;
    trap(WRITE | SIZE(2) | RT(5) | UINT64_C(0xffffff) << 32, FAKE_GICD_BASE + 0x104, 0);
    assert_done();
    assert_true(fake_gic.spi[PLATFORM_WAKE].enable);
}

static uint64_t sysreg(unsigned crm, unsigned op2, unsigned rt, bool read) {
    return EC(0x18) | IL | UINT64_C(3) << 20 | (uint64_t)op2 << 17 | 12 << 10 | (uint64_t)rt << 5 | (uint64_t)crm << 1 |
           read;
}

static void sgi_registers(void **state) {
    (void)state;
    for (unsigned op2 = 5; op2 <= 7; op2++) {
        platform.cpus[0].frame.x[9] = before.x[9] = 3 << 24 | 2;
        trap(sysreg(11, op2, 9, false), 0, 0);
        assert_done();
        assert_int_equal(fake_events_of(FAKE_SGI1R), 1);
        assert_true(fake_last_event(FAKE_SGI1R)->a == (3 << 24 | 2));
        assert_int_equal(fake_events_of(FAKE_SGI0R), 0);
        fake_forget_events();
    }
    trap(sysreg(11, 5, XZR, false), 0, 0);
    assert_done();
    assert_true(fake_last_event(FAKE_SGI1R)->a == 0);
    /* The order to stop is the switcher's to give. */
    fake_forget_events();
    platform.cpus[0].frame.x[9] = before.x[9] = 15 << 24 | 2;
    trap(sysreg(11, 5, 9, false), 0, 0);
    assert_done();
    assert_int_equal(fake_events_of(FAKE_SGI1R) + fake_events_of(FAKE_SGI0R), 0);
}

static uint64_t interrupt_41(unsigned number, bool read, uint64_t value) {
    (void)number;
    return read ? 41 : value;
}

/** Two for each interrupt: acknowledged and ended. */
static void registers_of_group_1_are_carried_out(void **state) {
    static const struct {
        unsigned number;
        bool read;
    } accesses[] = {{0, true}, {1, false}, {2, true}, {3, true}, {3, false}, {7, true}, {7, false}};
    (void)state;
    fake.group1_register = interrupt_41;
    for (unsigned i = 0; i < sizeof accesses / sizeof accesses[0]; i++) {
        platform.cpus[0].frame.x[9] = before.x[9] = 40;
        trap(sysreg(12, accesses[i].number, 9, accesses[i].read), 0, 0);
        before.x[9] = accesses[i].read ? 41 : 40;
        assert_done();
        const struct fake_event *event = fake_last_event(FAKE_ICC_GROUP1_REGISTER);
        assert_int_equal(event->a, accesses[i].number);
        assert_int_equal(event->b, accesses[i].read);
        assert_true(accesses[i].read || event->c == 40);
    }
    /* Register 31 is the zero register. */
    trap(sysreg(12, 0, XZR, true), 0, 0);
    assert_done();
    trap(sysreg(12, 1, XZR, false), 0, 0);
    assert_done();
    assert_true(fake_last_event(FAKE_ICC_GROUP1_REGISTER)->c == 0);
}

/** With every priority active, no interrupt of Group 0, the attention key's, would be taken. */
static void no_priority_is_made_active(void **state) {
    (void)state;
    for (unsigned number = 0; number < 4; number++) {
        platform.cpus[0].frame.x[9] = before.x[9] = UINT64_MAX;
        trap(sysreg(9, number, 9, false), 0, 0);
        assert_done();
        assert_int_equal(fake_events_of(FAKE_ICC_DROP_ACTIVE), 1);
        fake_forget_events();
        trap(sysreg(9, number, 9, true), 0, 0);
        before.x[9] = 0;
        assert_done();
        assert_int_equal(fake_events_of(FAKE_ICC_DROP_ACTIVE), 0);
    }
    assert_int_equal(fake_events_of(FAKE_ICC_GROUP1_REGISTER), 0);
}

/** All that EC 0x18 can tell of a register, but for those above. */
static bool is_known(unsigned crm, unsigned op2, bool read) {
    return (crm == 9 && op2 < 4) || (crm == 11 && op2 >= 5 && !read) ||
           (crm == 12 && (op2 == 3 || op2 == 7 || (read ? op2 == 0 || op2 == 2 : op2 == 1)));
}

static void other_registers_are_undefined(void **state) {
    (void)state;
    for (unsigned i = 0; i < 16 * 8 * 2; i++) {
        if (is_known(i / 16, i / 2 % 8, i % 2))
            continue;
        trap(sysreg(i / 16, i / 2 % 8, 9, i % 2), 0, 0);
        assert_abort(IL);
    }
    /* The same numbers with another Op0, Op1 or CRn. */
    const uint64_t known = sysreg(12, 0, 9, true);
    const uint64_t esrs[] = {known ^ UINT64_C(1) << 20, known ^ UINT64_C(1) << 14, known ^ 1 << 10, EC(0x18) | IL,
                             EC(0x18) | IL | 0x3fffff};
    for (unsigned i = 0; i < sizeof esrs / sizeof esrs[0]; i++) {
        uint64_t undefined = log_counted(COUNT_UNDEFINED, 0);
        trap(esrs[i], 0, 0);
        assert_abort(IL);
        assert_int_equal(log_counted(COUNT_UNDEFINED, 0), undefined + 1);
    }
}

static void other_exceptions_are_undefined(void **state) {
    (void)state;
    for (uint64_t class = 0; class < 0x40; class ++) {
        if (class == 0x16 || class == 0x17 || class == 0x18 || class == 0x20 || class == 0x24)
            continue;
        trap(EC(class) | IL, 0, 0);
        assert_abort(IL);
    }
}

static void calls_by_hvc_and_smc(void **state) {
    (void)state;
    uint64_t hvcs = log_counted(COUNT_HVC, 0), smcs = log_counted(COUNT_SMC, 0);
    platform.cpus[0].frame.x[0] = PSCI_VERSION;
    trap(EC(0x16) | IL, 0, 0);
    assert_int_equal(platform.cpus[0].frame.x[0], 0x10001);
    assert_int_equal(platform.cpus[0].frame.elr, ELR); /* already behind it */
    platform.cpus[0].frame.x[0] = PSCI_VERSION;
    trap(EC(0x17) | IL, 0, 0);
    assert_int_equal(platform.cpus[0].frame.x[0], 0x10001);
    assert_int_equal(platform.cpus[0].frame.elr, ELR + 4);
    assert_int_equal(log_counted(COUNT_HVC, 0), hvcs + 1);
    assert_int_equal(log_counted(COUNT_SMC, 0), smcs + 1);
}

static void instruction_aborts_are_faults(void **state) {
    (void)state;
    trap(EC(0x20) | IL | FSC_TRANSLATION, 0x1000, FAKE_GICD_BASE >> 12 << 4);
    assert_abort(EC(0x21) | IL | 0x10);
}

static void a_spurious_fiq_does_nothing(void **state) {
    (void)state;
    uint64_t fiqs = log_counted(COUNT_FIQ, 0);
    fake_gic_interrupt(0, GIC_SGI_STOP)->latch = true; /* not ordered: the CPU goes on */
    platform_settle();
    assert_memory_equal(&platform.cpus[0].frame, &before, sizeof before);
    assert_int_equal(platform.cpus[0].power, PLATFORM_ON);
    assert_false(fake_gic_interrupt(0, GIC_SGI_STOP)->active);
    assert_int_equal(log_counted(COUNT_FIQ, 0), fiqs + 1);
}

static int set_up_behind_smmu(void **state) {
    (void)state;
    platform_start_with_smmu(CPUS, 2, 0);
    before = platform.cpus[0].frame;
    return 0;
}

static void a_refused_transaction_is_counted_and_logged(void **state) {
    struct log_entry entry;
    (void)state;
    uint64_t faults = log_counted(COUNT_DMA_FAULT, 0), fiqs = log_counted(COUNT_FIQ, 0);
    fake_smmu_fault(0x1234, 0x10, UINT64_C(0x60000040));
    platform_settle();
    assert_memory_equal(&platform.cpus[0].frame, &before, sizeof before);
    assert_int_equal(log_counted(COUNT_DMA_FAULT, 0), faults + 1);
    assert_int_equal(log_counted(COUNT_FIQ, 0), fiqs + 1);
    assert_true(log_get(log_end() - 1, &entry));
    assert_int_equal(entry.event, LOG_DMA_FAULT);
    assert_int_equal(entry.persona, 0);
    assert_true(entry.a == UINT64_C(0x60000040));
    assert_true(entry.b == (UINT64_C(0x1234) << 32 | 0x10));
    assert_false(fake_gic_interrupt(0, PLATFORM_SMMU_EVENT)->active);
    assert_int_equal(fake_smmu.eventq_prod, fake_smmu.eventq_cons);
}

static void an_error_of_the_smmu_is_acknowledged(void **state) {
    (void)state;
    uint64_t faults = log_counted(COUNT_DMA_FAULT, 0);
    fake_smmu_error(1 << 8);
    platform_settle();
    assert_int_equal(fake_smmu.gerror, fake_smmu.gerrorn);
    assert_int_equal(log_counted(COUNT_DMA_FAULT, 0), faults);
    assert_memory_equal(&platform.cpus[0].frame, &before, sizeof before);
}

/* The CPU comes back to its persona between them: keys and timers have their turn. */
static void faults_without_end_are_taken_in_pieces(void **state) {
    enum { MORE = 1000, AT_ONCE = 64 };
    (void)state;
    uint64_t faults = log_counted(COUNT_DMA_FAULT, 0), fiqs = log_counted(COUNT_FIQ, 0);
    fake_smmu.more_events = MORE;
    fake_smmu_fault(0x10, 0x10, 0);
    platform_settle();
    assert_int_equal(log_counted(COUNT_DMA_FAULT, 0), faults + MORE + 1);
    assert_true(log_counted(COUNT_FIQ, 0) >= fiqs + MORE / AT_ONCE);
    assert_int_equal(fake_smmu.eventq_prod, fake_smmu.eventq_cons);
}

static void faults_that_were_lost_do_not_stop_the_others(void **state) {
    enum { QUEUE = 64 };
    (void)state;
    uint64_t faults = log_counted(COUNT_DMA_FAULT, 0);
    for (uint32_t i = 0; i < 3 * QUEUE; i++)
        fake_smmu_fault(i, 0x10, i);
    platform_settle();
    assert_int_equal(log_counted(COUNT_DMA_FAULT, 0), faults + QUEUE);
    fake_smmu_fault(1, 0x10, 1);
    platform_settle();
    assert_int_equal(log_counted(COUNT_DMA_FAULT, 0), faults + QUEUE + 1);
}

static void a_spurious_interrupt_of_the_smmu_does_nothing(void **state) {
    (void)state;
    uint64_t faults = log_counted(COUNT_DMA_FAULT, 0);
    fake_gic_interrupt(0, PLATFORM_SMMU_EVENT)->latch = true;
    fake_gic_interrupt(0, PLATFORM_SMMU_ERROR)->latch = true;
    platform_settle();
    assert_int_equal(log_counted(COUNT_DMA_FAULT, 0), faults);
    assert_memory_equal(&platform.cpus[0].frame, &before, sizeof before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(distributor_writes_are_carried_out, set_up),
        cmocka_unit_test_setup(redistributor_writes_are_carried_out, set_up),
        cmocka_unit_test_setup(the_channel_is_read_and_written, set_up),
        cmocka_unit_test_setup(the_channel_by_other_means_is_a_fault, set_up),
        cmocka_unit_test_setup(outside_the_gic_is_a_fault, set_up),
        cmocka_unit_test_setup(translation_faults_have_their_address_in_hpfar, set_up),
        cmocka_unit_test_setup(permission_faults_are_translated, set_up),
        cmocka_unit_test_setup(what_no_longer_translates_is_tried_again, set_up),
        cmocka_unit_test_setup(faults_of_a_table_walk, set_up),
        cmocka_unit_test_setup(accesses_without_a_syndrome_are_aborts, set_up),
        cmocka_unit_test_setup(writes_of_aarch32_are_aborts, set_up),
        cmocka_unit_test_setup(cache_maintenance_of_a_frame_does_nothing, set_up),
        cmocka_unit_test_setup(bits_above_the_class_do_not_count, set_up),
        cmocka_unit_test_setup(sgi_registers, set_up),
        cmocka_unit_test_setup(registers_of_group_1_are_carried_out, set_up),
        cmocka_unit_test_setup(no_priority_is_made_active, set_up),
        cmocka_unit_test_setup(other_registers_are_undefined, set_up),
        cmocka_unit_test_setup(other_exceptions_are_undefined, set_up),
        cmocka_unit_test_setup(calls_by_hvc_and_smc, set_up),
        cmocka_unit_test_setup(instruction_aborts_are_faults, set_up),
        cmocka_unit_test_setup(a_spurious_fiq_does_nothing, set_up),
        cmocka_unit_test_setup(a_refused_transaction_is_counted_and_logged, set_up_behind_smmu),
        cmocka_unit_test_setup(an_error_of_the_smmu_is_acknowledged, set_up_behind_smmu),
        cmocka_unit_test_setup(faults_without_end_are_taken_in_pieces, set_up_behind_smmu),
        cmocka_unit_test_setup(faults_that_were_lost_do_not_stop_the_others, set_up_behind_smmu),
        cmocka_unit_test_setup(a_spurious_interrupt_of_the_smmu_does_nothing, set_up_behind_smmu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
