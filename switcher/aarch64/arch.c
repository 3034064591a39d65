// SPDX-License-Identifier: BSD-3-Clause
#include "arch.h"

#include <string.h>

#include "offsets.h"
#include "switcher/handover.h"

_Static_assert(offsetof(struct handover, mair_el2) == HANDOVER_MAIR, "offsets.h");
_Static_assert(offsetof(struct handover, tcr_el2) == HANDOVER_TCR, "offsets.h");
_Static_assert(offsetof(struct handover, ttbr0_el2) == HANDOVER_TTBR0, "offsets.h");
_Static_assert(offsetof(struct handover, cpu_count) == HANDOVER_CPU_COUNT, "offsets.h");
_Static_assert(offsetof(struct handover, cpus) == HANDOVER_CPUS, "offsets.h");
_Static_assert(sizeof(struct handover_cpu) == 16, "start.S steps by 16");
_Static_assert(sizeof(struct trap_frame) == FRAME_SIZE, "offsets.h");
_Static_assert(offsetof(struct trap_frame, elr) == FRAME_ELR, "offsets.h");
_Static_assert(offsetof(struct trap_frame, spsr) == FRAME_SPSR, "offsets.h");

/** FEATURE_ bits of this machine, for registers.S; the same on every CPU. */
uint32_t arch_features;

enum {
    HCR_VM = 1 << 0,
    HCR_SWIO = 1 << 1, /* set/way invalidation also cleans: no persona can drop another's dirty lines */
    HCR_PTW = 1 << 2,  /* a table walk that hits device memory faults */
    HCR_FMO = 1 << 3,  /* FIQ to EL2: attention */
    HCR_FB = 1 << 9,   /* TLB and cache maintenance broadcast, so that a persona's own stays right on every CPU */
    HCR_BSU_IS = 1 << 10,
    HCR_TIDCP = 1 << 20, /* implementation-defined registers trap */
    HCR_TSC = 1 << 19,   /* SMC traps: the firmware is the switcher's to call */
    HCR_TACR = 1 << 21,
};
#define HCR_RW (UINT64_C(1) << 31)
#define HCR_TLOR (UINT64_C(1) << 35)
#define HCR_APK (UINT64_C(1) << 40)
#define HCR_API (UINT64_C(1) << 41)
#define HCR_ENSCXT (UINT64_C(1) << 53)
#define HCR_ATA (UINT64_C(1) << 56)

/* ICH_HCR_EL2: EL1's accesses to Group 1's registers trap. A persona that set the active priorities itself would hold
 * off Group 0, the attention key's, for as long as it likes; no finer trap covers them. */
#define ICH_HCR_TALL1 (UINT64_C(1) << 12)

static unsigned field(uint64_t id_register, unsigned shift) { return (unsigned)(id_register >> shift) & 0xf; }

/* ID registers by encoding where the assembler's base architecture does not know their names. */
#define ID_AA64PFR0 ARCH_READ_SYSREG("S3_0_C0_C4_0")
#define ID_AA64PFR1 ARCH_READ_SYSREG("S3_0_C0_C4_1")
#define ID_AA64DFR0 ARCH_READ_SYSREG("S3_0_C0_C5_0")
#define ID_AA64ISAR1 ARCH_READ_SYSREG("S3_0_C0_C6_1")
#define ID_AA64ISAR2 ARCH_READ_SYSREG("S3_0_C0_C6_2")
#define ID_AA64MMFR0 ARCH_READ_SYSREG("S3_0_C0_C7_0")
#define ID_AA64MMFR1 ARCH_READ_SYSREG("S3_0_C0_C7_1")

static bool has_pauth(void) {
    uint64_t isar1 = ID_AA64ISAR1;
    return field(isar1, 4) || field(isar1, 8) || field(ID_AA64ISAR2, 12);
}

static uint32_t flag(bool present, unsigned feature) { return present ? UINT32_C(1) << feature : 0; }

static uint32_t find_features(void) {
    uint64_t pfr0 = ID_AA64PFR0;
    uint64_t pfr1 = ID_AA64PFR1;
    unsigned pmu = field(ID_AA64DFR0, 8);
    return flag(field(pfr0, 32) != 0, FEATURE_SVE) | flag(field(pfr1, 24) != 0, FEATURE_SME) |
           flag(has_pauth(), FEATURE_PAUTH) | flag(field(pfr1, 8) >= 2, FEATURE_MTE) |
           flag(pmu != 0 && pmu != 0xf, FEATURE_PMU) |
           flag(field(pfr0, 56) >= 2 || field(pfr1, 32) == 2, FEATURE_CSV2) | flag(field(pfr0, 28) != 0, FEATURE_RAS);
}

static bool has(unsigned feature) { return (arch_features >> feature) & 1; }

/** Floating point, SVE and SME are the persona's, at the longest vectors; the trace unit is nobody's. */
static void allow_vectors(void) {
    const uint64_t res1 = 0x22ff; /* CPTR_EL2 with HCR_EL2.E2H = 0: bits 13, 9, 7:0 */
    const uint64_t tta = UINT64_C(1) << 20;
    uint64_t cptr = res1 | tta;
    if (!has(FEATURE_SVE))
        cptr |= 1 << 8;
    if (!has(FEATURE_SME))
        cptr |= 1 << 12;
    ARCH_WRITE_SYSREG("cptr_el2", cptr);
    __asm__ volatile("isb" ::: "memory");
    if (has(FEATURE_SVE))
        ARCH_WRITE_SYSREG("S3_4_C1_C2_0", 0xf); /* ZCR_EL2.LEN */
    if (has(FEATURE_SME)) {
        const uint64_t fa64_ezt0 = UINT64_C(3) << 30;
        ARCH_WRITE_SYSREG("S3_4_C1_C2_6", fa64_ezt0 | 0xf); /* SMCR_EL2 */
    }
}

/** Extensions that trap by default are given to the persona where they are per-context state that the switcher clears.
 */
static void allow_extensions(void) {
    uint64_t mmfr1 = ID_AA64MMFR1;
    if (field(mmfr1, 40) != 0) { /* FEAT_HCX */
        const uint64_t mscen = UINT64_C(1) << 11;
        const uint64_t smpme = UINT64_C(1) << 5;
        uint64_t value = field(ID_AA64ISAR2, 16) ? mscen : 0;
        if (has(FEATURE_SME))
            value |= smpme;
        ARCH_WRITE_SYSREG("S3_4_C1_C2_2", value); /* HCRX_EL2 */
    }
    if (field(ID_AA64MMFR0, 56) != 0) { /* FEAT_FGT: no fine-grained trap but those whose bit means "trap when 0" */
        const uint64_t no_tpidr2_smpri = UINT64_C(3) << 54;
        uint64_t value = has(FEATURE_SME) ? no_tpidr2_smpri : 0;
        ARCH_WRITE_SYSREG("S3_4_C1_C1_4", value); /* HFGRTR_EL2 */
        ARCH_WRITE_SYSREG("S3_4_C1_C1_5", value); /* HFGWTR_EL2 */
        ARCH_WRITE_SYSREG("S3_4_C1_C1_6", 0);     /* HFGITR_EL2 */
        ARCH_WRITE_SYSREG("S3_4_C3_C1_4", 0);     /* HDFGRTR_EL2 */
        ARCH_WRITE_SYSREG("S3_4_C3_C1_5", 0);     /* HDFGWTR_EL2 */
    }
}

/** Debug and the performance monitors are the persona's; profiling and trace buffers, which write memory, are not. */
static void allow_debug(void) {
    const uint64_t tpms = UINT64_C(1) << 14, ttrf = UINT64_C(1) << 19, hpmd = UINT64_C(1) << 17;
    uint64_t counters = has(FEATURE_PMU) ? (ARCH_READ_SYSREG("pmcr_el0") >> 11) & 0x1f : 0;
    ARCH_WRITE_SYSREG("mdcr_el2", counters | tpms | ttrf | hpmd);
}

void arch_cpu_init(uint64_t vtcr) {
    arch_features = find_features();
    uint64_t hcr =
        HCR_VM | HCR_SWIO | HCR_PTW | HCR_FMO | HCR_FB | HCR_BSU_IS | HCR_TIDCP | HCR_TSC | HCR_TACR | HCR_RW;
    if (field(ID_AA64MMFR1, 16) != 0)
        hcr |= HCR_TLOR;
    if (has(FEATURE_PAUTH))
        hcr |= HCR_APK | HCR_API;
    if (has(FEATURE_MTE))
        hcr |= HCR_ATA;
    if (has(FEATURE_CSV2))
        hcr |= HCR_ENSCXT;
    ARCH_WRITE_SYSREG("hcr_el2", hcr);
    ARCH_WRITE_SYSREG("vtcr_el2", vtcr);
    ARCH_WRITE_SYSREG("hstr_el2", 0);
    allow_vectors();
    allow_extensions();
    allow_debug();
    ARCH_WRITE_SYSREG("vmpidr_el2", ARCH_READ_SYSREG("mpidr_el1"));
    ARCH_WRITE_SYSREG("vpidr_el2", ARCH_READ_SYSREG("midr_el1"));
    ARCH_WRITE_SYSREG("cnthctl_el2", 3); /* EL1 has the physical counter and timer */
    ARCH_WRITE_SYSREG("cntvoff_el2", 0);
    arch_timer_stop();
    __asm__ volatile("dsb nsh\n\ttlbi alle1\n\tdsb nsh\n\tisb" ::: "memory");
}

/* How many registers of active priorities there are: one for 5 bits of priority, 4 for 7 (IHI 0069, 12.2.5). */
static unsigned active_registers(unsigned bits) { return bits > 5 ? 1u << (bits - 5) : 1; }

/** What a persona had acknowledged and not ended; of Group 0, whose registers are virtual to it, what it wrote there.
 */
void arch_icc_drop_active(void) {
    unsigned physical = active_registers(((unsigned)ARCH_READ_SYSREG("S3_0_C12_C12_4") >> 8 & 7) + 1);
    unsigned virtual = active_registers(((unsigned)ARCH_READ_SYSREG("S3_4_C12_C11_1") >> 26 & 7) + 1);
    ARCH_WRITE_SYSREG("S3_0_C12_C8_4", 0); /* ICC_AP0R0_EL1 */
    ARCH_WRITE_SYSREG("S3_0_C12_C9_0", 0); /* ICC_AP1R0_EL1 */
    if (physical >= 2)
        ARCH_WRITE_SYSREG("S3_0_C12_C9_1", 0);
    if (physical >= 4) {
        ARCH_WRITE_SYSREG("S3_0_C12_C9_2", 0);
        ARCH_WRITE_SYSREG("S3_0_C12_C9_3", 0);
    }
    ARCH_WRITE_SYSREG("S3_4_C12_C8_0", 0); /* ICH_AP0R0_EL2 */
    if (virtual >= 2)
        ARCH_WRITE_SYSREG("S3_4_C12_C8_1", 0);
    if (virtual >= 4) {
        ARCH_WRITE_SYSREG("S3_4_C12_C8_2", 0);
        ARCH_WRITE_SYSREG("S3_4_C12_C8_3", 0);
    }
}

void arch_icc_init(void) {
    ARCH_WRITE_SYSREG("S3_4_C12_C9_5", 0xf); /* ICC_SRE_EL2: system registers, EL1 may use them too */
    __asm__ volatile("isb" ::: "memory");
    ARCH_WRITE_SYSREG("S3_0_C12_C12_5", 0x7); /* ICC_SRE_EL1 */
    ARCH_WRITE_SYSREG("S3_0_C12_C12_7", 0);   /* ICC_IGRPEN1_EL1: the persona's to enable */
    ARCH_WRITE_SYSREG("S3_0_C4_C6_0", 0xff);  /* ICC_PMR_EL1: EL1's own is virtual while FMO is 1 */
    ARCH_WRITE_SYSREG("S3_0_C12_C12_4", 0);   /* ICC_CTLR_EL1: EOI also deactivates, separate binary points */
    ARCH_WRITE_SYSREG("S3_0_C12_C8_3", 0);    /* ICC_BPR0_EL1 */
    ARCH_WRITE_SYSREG("S3_0_C12_C12_3", 0);   /* ICC_BPR1_EL1 */
    arch_icc_drop_active();
    ARCH_WRITE_SYSREG("S3_4_C12_C11_0", ICH_HCR_TALL1); /* and no virtual interface in use */
    ARCH_WRITE_SYSREG("S3_4_C12_C11_7", 0); /* ICH_VMCR_EL2: but its mask and enables are a persona's to write */
    ARCH_WRITE_SYSREG("S3_0_C12_C12_6", 1); /* ICC_IGRPEN0_EL1: the switcher's */
    __asm__ volatile("isb" ::: "memory");
}

uint64_t arch_icc_group1_register(unsigned number, bool read, uint64_t value) {
    switch (number << 1 | read) {
    case 0 << 1 | true:
        return ARCH_READ_SYSREG("S3_0_C12_C12_0"); /* ICC_IAR1_EL1 */
    case 1 << 1:
        ARCH_WRITE_SYSREG("S3_0_C12_C12_1", value); /* ICC_EOIR1_EL1 */
        break;
    case 2 << 1 | true:
        return arch_icc_hppir1();
    case 3 << 1 | true:
        return ARCH_READ_SYSREG("S3_0_C12_C12_3"); /* ICC_BPR1_EL1 */
    case 3 << 1:
        ARCH_WRITE_SYSREG("S3_0_C12_C12_3", value);
        break;
    case 7 << 1 | true:
        return ARCH_READ_SYSREG("S3_0_C12_C12_7"); /* ICC_IGRPEN1_EL1 */
    case 7 << 1:
        arch_icc_group1((value & 1) != 0);
        break;
    }
    return value;
}

void arch_clean_invalidate(uint64_t base, uint64_t size) {
    uint64_t line = UINT64_C(4) << ((ARCH_READ_SYSREG("ctr_el0") >> 16) & 0xf);
    for (uint64_t address = base & ~(line - 1); address < base + size; address += line)
        __asm__ volatile("dc civac, %0" ::"r"(address) : "memory");
    arch_barrier();
}

void arch_copy(uint64_t destination, uint64_t source, uint64_t size) {
    memcpy((void *)destination, (const void *)source, size);
}
