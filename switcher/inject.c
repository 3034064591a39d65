// SPDX-License-Identifier: BSD-3-Clause
#include "inject.h"

enum {
    EC_UNKNOWN = 0x00,
    EC_INSTRUCTION_ABORT_LOWER = 0x20,
    EC_INSTRUCTION_ABORT_SAME = 0x21,
    EC_DATA_ABORT_LOWER = 0x24,
    EC_DATA_ABORT_SAME = 0x25,
    FSC_SYNCHRONOUS_EXTERNAL = 0x10,
};

#define ESR_IL (UINT64_C(1) << 25)
#define ESR_WNR (UINT64_C(1) << 6)
#define ESR_FNV (UINT64_C(1) << 10)

#define SPSR_MODE UINT64_C(0x1f)
#define SPSR_EL0T UINT64_C(0x0)
#define SPSR_EL1T UINT64_C(0x4)
#define SPSR_EL1H UINT64_C(0x5)
#define SPSR_AARCH32 UINT64_C(0x10)
#define SPSR_DAIF UINT64_C(0x3c0)
#define SPSR_SSBS (UINT64_C(1) << 12)
#define SPSR_PAN (UINT64_C(1) << 22)
#define SPSR_DIT (UINT64_C(1) << 24)
#define SPSR_TCO (UINT64_C(1) << 25)
#define SPSR_NZCV UINT64_C(0xf0000000)

#define SCTLR_SPAN (UINT64_C(1) << 23)
#define SCTLR_ATA (UINT64_C(1) << 43)
#define SCTLR_DSSBS (UINT64_C(1) << 44)

static bool from_el0(uint64_t spsr) { return (spsr & SPSR_AARCH32) != 0 || (spsr & SPSR_MODE) == SPSR_EL0T; }

static uint64_t vector_offset(uint64_t spsr) {
    if (spsr & SPSR_AARCH32)
        return 0x600;
    switch (spsr & SPSR_MODE) {
    case SPSR_EL0T:
        return 0x400;
    case SPSR_EL1T:
        return 0x000;
    default:
        return 0x200;
    }
}

static uint64_t new_spsr(uint64_t spsr) {
    uint64_t sctlr = arch_read_sctlr_el1();
    uint64_t result = SPSR_EL1H | SPSR_DAIF | (spsr & (SPSR_NZCV | SPSR_DIT | SPSR_PAN));
    /* Where PAN does not exist the bit is RES0 in both and SPAN RES1. */
    if (!(sctlr & SCTLR_SPAN))
        result |= SPSR_PAN;
    if (sctlr & SCTLR_DSSBS)
        result |= SPSR_SSBS;
    if (sctlr & SCTLR_ATA) /* without MTE this bit too is RES0; without tag checks TCO means nothing */
        result |= SPSR_TCO;
    return result;
}

static void take(struct trap_frame *frame, uint64_t esr) {
    arch_write_exception_el1(frame->elr, frame->spsr, esr);
    frame->elr = arch_read_vbar_el1() + vector_offset(frame->spsr);
    frame->spsr = new_spsr(frame->spsr);
}

void inject_external_abort(struct trap_frame *frame, const struct trap_syndrome *syndrome) {
    uint64_t class = syndrome->esr >> 26 & 0x3f;
    bool lower = from_el0(frame->spsr);
    uint64_t esr = ESR_IL | FSC_SYNCHRONOUS_EXTERNAL | (syndrome->esr & ESR_FNV);
    if (class == EC_DATA_ABORT_LOWER)
        esr |= (uint64_t)(lower ? EC_DATA_ABORT_LOWER : EC_DATA_ABORT_SAME) << 26 | (syndrome->esr & ESR_WNR);
    else
        esr |= (uint64_t)(lower ? EC_INSTRUCTION_ABORT_LOWER : EC_INSTRUCTION_ABORT_SAME) << 26;
    arch_write_far_el1(syndrome->far);
    take(frame, esr);
}

void inject_undefined(struct trap_frame *frame) { take(frame, (uint64_t)EC_UNKNOWN << 26 | ESR_IL); }
