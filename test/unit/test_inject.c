// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "fake/machine.h"
#include "inject.h"

#define VBAR UINT64_C(0xffff800010010800)
#define ELR UINT64_C(0xffff800010123450)
#define FAR UINT64_C(0xffff80000dead008)
#define SPAN (UINT64_C(1) << 23)
#define DSSBS (UINT64_C(1) << 44)
#define ATA (UINT64_C(1) << 43)

enum {
    EL0T = 0x0,
    EL1T = 0x4,
    EL1H = 0x5,
    USER32 = 0x10,
    DATA = 0x24,
    INSTRUCTION = 0x20,
};

static int set_up(void **state) {
    (void)state;
    fake_reset();
    fake.vbar_el1 = VBAR;
    fake.sctlr_el1 = SPAN;
    return 0;
}

static struct trap_frame frame_at(uint64_t spsr) {
    struct trap_frame frame;
    memset(&frame, 0xa5, sizeof frame);
    frame.elr = ELR;
    frame.spsr = spsr;
    return frame;
}

static struct trap_syndrome syndrome_of(uint64_t class, uint64_t iss) {
    return (struct trap_syndrome){.esr = class << 26 | iss, .far = FAR, .hpfar = 0x1230};
}

static void assert_registers_kept(const struct trap_frame *frame) {
    struct trap_frame before;
    memset(&before, 0xa5, sizeof before);
    assert_memory_equal(frame->x, before.x, sizeof before.x);
}

static void assert_taken(uint64_t spsr, uint64_t esr) {
    const struct fake_event *event = fake_last_event(FAKE_EXCEPTION_EL1);
    assert_non_null(event);
    assert_true(event->a == ELR);
    assert_true(event->b == spsr);
    assert_true(event->c == esr);
}

/* Where the vector lies, and of which class the abort is, by where it was taken from (Arm ARM, D1.3.1). */
static const struct origin {
    uint64_t spsr, offset;
    bool lower;
} origins[] = {
    {0x80000000 | EL0T, 0x400, true},    {0x600003c0 | EL0T, 0x400, true},
    {0x3c0 | EL1T, 0x000, false},        {0x3c0 | EL1H, 0x200, false},
    {0x60000000 | EL1H, 0x200, false},   {USER32, 0x600, true},
    {0x200001d0 & ~0x1c0u, 0x600, true}, {0x2000c030, 0x600, true} /* T32 with an IT block */,
};

static void data_aborts(void **state) {
    (void)state;
    for (unsigned i = 0; i < sizeof origins / sizeof origins[0]; i++)
        for (unsigned write = 0; write <= 1; write++) {
            struct trap_frame frame = frame_at(origins[i].spsr);
            struct trap_syndrome syndrome = syndrome_of(DATA, 0x1a00005 | write << 6);
            inject_external_abort(&frame, &syndrome);
            assert_true(frame.elr == VBAR + origins[i].offset);
            uint64_t class = origins[i].lower ? 0x24 : 0x25;
            assert_taken(origins[i].spsr, class << 26 | 1 << 25 | write << 6 | 0x10);
            assert_true(fake_last_event(FAKE_FAR_EL1)->a == FAR);
            assert_registers_kept(&frame);
        }
}

static void instruction_aborts(void **state) {
    (void)state;
    for (unsigned i = 0; i < sizeof origins / sizeof origins[0]; i++) {
        struct trap_frame frame = frame_at(origins[i].spsr);
        struct trap_syndrome syndrome = syndrome_of(INSTRUCTION, 0x2000046);
        inject_external_abort(&frame, &syndrome);
        assert_true(frame.elr == VBAR + origins[i].offset);
        uint64_t class = origins[i].lower ? 0x20 : 0x21;
        assert_taken(origins[i].spsr, class << 26 | 1 << 25 | 0x10);
        assert_true(fake_last_event(FAKE_FAR_EL1)->a == FAR);
        assert_registers_kept(&frame);
    }
}

/* ISS2 is above the class and no part of it. */
static void class_is_six_bits(void **state) {
    (void)state;
    struct trap_frame frame = frame_at(EL1H);
    struct trap_syndrome syndrome = syndrome_of(DATA, 0x45 | UINT64_C(0x1f) << 32);
    inject_external_abort(&frame, &syndrome);
    assert_taken(EL1H, UINT64_C(0x25) << 26 | 1 << 25 | 1 << 6 | 0x10);
}

static void address_that_is_not_valid(void **state) {
    (void)state;
    struct trap_frame frame = frame_at(EL1H);
    struct trap_syndrome syndrome = syndrome_of(DATA, 1 << 10 | 0x10);
    inject_external_abort(&frame, &syndrome);
    assert_taken(EL1H, UINT64_C(0x25) << 26 | 1 << 25 | 1 << 10 | 0x10);
}

static void undefined_instructions(void **state) {
    (void)state;
    for (unsigned i = 0; i < sizeof origins / sizeof origins[0]; i++) {
        struct trap_frame frame = frame_at(origins[i].spsr);
        inject_undefined(&frame);
        assert_true(frame.elr == VBAR + origins[i].offset);
        assert_taken(origins[i].spsr, 1 << 25);
        assert_int_equal(fake_events_of(FAKE_FAR_EL1), 0);
        assert_registers_kept(&frame);
    }
}

static uint64_t spsr_after(uint64_t spsr, uint64_t sctlr) {
    struct trap_frame frame = frame_at(spsr);
    fake.sctlr_el1 = sctlr;
    inject_undefined(&frame);
    return frame.spsr;
}

/* Arm ARM, AArch64.TakeException: what becomes of PSTATE. */
static void pstate(void **state) {
    (void)state;
    const uint64_t masked = 0x3c5;
    const uint64_t nzcv = UINT64_C(0xf) << 28, dit = 1 << 24, uao = 1 << 23, pan = 1 << 22, ss = 1 << 21, il = 1 << 20;
    const uint64_t ssbs = 1 << 12, btype = 3 << 10, tco = 1 << 25;
    assert_true(spsr_after(EL1H, SPAN) == masked);
    assert_true(spsr_after(EL0T, SPAN) == masked);
    assert_true(spsr_after(nzcv | dit | pan | EL1H, SPAN) == (nzcv | dit | pan | masked));
    assert_true(spsr_after(uao | ss | il | btype | ssbs | EL1H, SPAN) == masked);
    assert_true(spsr_after(EL1H, 0) == (pan | masked));
    assert_true(spsr_after(EL1H, SPAN | DSSBS) == (ssbs | masked));
    assert_true(spsr_after(EL1H, SPAN | ATA) == (tco | masked));
    /* Of AArch32 nothing is left: M[4], T, E, IT. */
    assert_true(spsr_after(0x0600ffff & ~0x3c0u & ~0xfu, SPAN) == masked);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(data_aborts, set_up),
        cmocka_unit_test_setup(instruction_aborts, set_up),
        cmocka_unit_test_setup(class_is_six_bits, set_up),
        cmocka_unit_test_setup(address_that_is_not_valid, set_up),
        cmocka_unit_test_setup(undefined_instructions, set_up),
        cmocka_unit_test_setup(pstate, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
