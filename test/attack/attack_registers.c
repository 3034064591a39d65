// SPDX-License-Identifier: BSD-3-Clause
/* What the other persona, or this one's own past, left in the registers at the last entry. */
#include "registers.h"

#include <string.h>

#include "attack.h"
#include "machine.h"
#include "snapshot.h"

enum {
    FINDINGS_MAX = 64,
    SVE_BYTES_MAX = 32 * 256 + 17 * 32,
};

#define PATTERN UINT64_C(0x5ec2e75ec2e7a5a5)
#define ALL UINT64_MAX
#define CPACR_VECTORS UINT64_C(0x300000)
#define CPACR_SVE UINT64_C(0x030000)

/*
 * Name, encoding, the bits that a persona can change, what they must be at an entry by PSCI. Encodings are as in the
 * Arm ARM's S<op0>_<op1>_C<n>_C<m>_<op2> where an assembler may not know the name. A register that is not there reads
 * as 0 here, its write is skipped.
 */
#define REGISTERS(X)                                                                                                   \
    X(afsr0_el1, "afsr0_el1", ALL, 0)                                                                                  \
    X(afsr1_el1, "afsr1_el1", ALL, 0)                                                                                  \
    X(amair_el1, "amair_el1", ALL, 0)                                                                                  \
    X(contextidr_el1, "contextidr_el1", ALL, 0)                                                                        \
    X(csselr_el1, "csselr_el1", 0xf, 0)                                                                                \
    X(par_el1, "par_el1", ALL, 0)                                                                                      \
    X(sp_el0, "sp_el0", ALL, 0)                                                                                        \
    X(tpidr_el0, "tpidr_el0", ALL, 0)                                                                                  \
    X(tpidrro_el0, "tpidrro_el0", ALL, 0)                                                                              \
    X(tpidr_el1, "tpidr_el1", ALL, 0)                                                                                  \
    X(tpidr2_el0, "S3_3_C13_C0_5", ALL, 0)                                                                             \
    X(scxtnum_el0, "S3_3_C13_C0_7", ALL, 0)                                                                            \
    X(scxtnum_el1, "S3_0_C13_C0_7", ALL, 0)                                                                            \
    X(actlr_el1, "actlr_el1", ALL, 0)                                                                                  \
    X(disr_el1, "S3_0_C12_C1_1", ALL, 0)                                                                               \
    X(errselr_el1, "S3_0_C5_C3_1", ALL, 0)                                                                             \
    X(cntkctl_el1, "cntkctl_el1", ALL, 0)                                                                              \
    X(cntp_ctl_el0, "cntp_ctl_el0", 3, 0)                                                                              \
    X(cntv_ctl_el0, "cntv_ctl_el0", 3, 0)                                                                              \
    X(cntp_cval_el0, "cntp_cval_el0", ALL, 0)                                                                          \
    X(cntv_cval_el0, "cntv_cval_el0", ALL, 0)                                                                          \
    X(mdccint_el1, "mdccint_el1", ALL, 0)                                                                              \
    X(dbgclaim, "dbgclaimclr_el1", ALL, 0)                                                                             \
    X(dbgprcr_el1, "dbgprcr_el1", ALL, 0)                                                                              \
    X(osdtrrx_el1, "osdtrrx_el1", ALL, 0)                                                                              \
    X(osdtrtx_el1, "osdtrtx_el1", ALL, 0)                                                                              \
    X(oseccr_el1, "oseccr_el1", ALL, 0)                                                                                \
    X(dbgbvr0, "dbgbvr0_el1", ALL, 0)                                                                                  \
    X(dbgbvr1, "dbgbvr1_el1", ALL, 0)                                                                                  \
    X(dbgbvr2, "dbgbvr2_el1", ALL, 0)                                                                                  \
    X(dbgbvr3, "dbgbvr3_el1", ALL, 0)                                                                                  \
    X(dbgbvr4, "dbgbvr4_el1", ALL, 0)                                                                                  \
    X(dbgbvr5, "dbgbvr5_el1", ALL, 0)                                                                                  \
    X(dbgbvr15, "dbgbvr15_el1", ALL, 0)                                                                                \
    X(dbgwvr0, "dbgwvr0_el1", ALL, 0)                                                                                  \
    X(dbgwvr1, "dbgwvr1_el1", ALL, 0)                                                                                  \
    X(dbgwvr2, "dbgwvr2_el1", ALL, 0)                                                                                  \
    X(dbgwvr3, "dbgwvr3_el1", ALL, 0)                                                                                  \
    X(dbgwvr15, "dbgwvr15_el1", ALL, 0)                                                                                \
    X(dbgbcr0, "dbgbcr0_el1", ALL ^ 1, 0)                                                                              \
    X(dbgbcr1, "dbgbcr1_el1", ALL ^ 1, 0)                                                                              \
    X(dbgbcr5, "dbgbcr5_el1", ALL ^ 1, 0)                                                                              \
    X(dbgwcr0, "dbgwcr0_el1", ALL ^ 1, 0)                                                                              \
    X(dbgwcr1, "dbgwcr1_el1", ALL ^ 1, 0)                                                                              \
    X(dbgwcr3, "dbgwcr3_el1", ALL ^ 1, 0)                                                                              \
    X(mdscr_el1, "mdscr_el1", ALL ^ 1, 0)                                                                              \
    X(pmccntr_el0, "pmccntr_el0", ALL, 0)                                                                              \
    X(pmccfiltr_el0, "pmccfiltr_el0", ALL, 0)                                                                          \
    X(pmcr_el0, "pmcr_el0", 0x3f, 0)                                                                                   \
    X(pmselr_el0, "pmselr_el0", ALL, 0)                                                                                \
    X(pmuserenr_el0, "pmuserenr_el0", ALL, 0)                                                                          \
    X(pmcntenset_el0, "pmcntenset_el0", ALL, 0)                                                                        \
    X(pmintenset_el1, "pmintenset_el1", ALL, 0)                                                                        \
    X(pmovsset_el0, "pmovsset_el0", ALL, 0)                                                                            \
    X(pmevcntr0_el0, "pmevcntr0_el0", ALL, 0)                                                                          \
    X(pmevcntr1_el0, "pmevcntr1_el0", ALL, 0)                                                                          \
    X(pmevcntr3_el0, "pmevcntr3_el0", ALL, 0)                                                                          \
    X(pmevcntr5_el0, "pmevcntr5_el0", ALL, 0)                                                                          \
    X(pmevtyper0_el0, "pmevtyper0_el0", ALL, 0)                                                                        \
    X(pmevtyper3_el0, "pmevtyper3_el0", ALL, 0)                                                                        \
    X(pmevtyper5_el0, "pmevtyper5_el0", ALL, 0)                                                                        \
    X(apiakeylo, "S3_0_C2_C1_0", ALL, 0)                                                                               \
    X(apiakeyhi, "S3_0_C2_C1_1", ALL, 0)                                                                               \
    X(apibkeylo, "S3_0_C2_C1_2", ALL, 0)                                                                               \
    X(apibkeyhi, "S3_0_C2_C1_3", ALL, 0)                                                                               \
    X(apdakeylo, "S3_0_C2_C2_0", ALL, 0)                                                                               \
    X(apdakeyhi, "S3_0_C2_C2_1", ALL, 0)                                                                               \
    X(apdbkeylo, "S3_0_C2_C2_2", ALL, 0)                                                                               \
    X(apdbkeyhi, "S3_0_C2_C2_3", ALL, 0)                                                                               \
    X(apgakeylo, "S3_0_C2_C3_0", ALL, 0)                                                                               \
    X(apgakeyhi, "S3_0_C2_C3_1", ALL, 0)                                                                               \
    X(gcr_el1, "S3_0_C1_C0_6", ALL, 0)                                                                                 \
    X(rgsr_el1, "S3_0_C1_C0_5", ALL, 0)                                                                                \
    X(tfsr_el1, "S3_0_C5_C6_0", ALL, 0)                                                                                \
    X(tfsre0_el1, "S3_0_C5_C6_1", ALL, 0)                                                                              \
    X(zcr_el1, "S3_0_C1_C2_0", 0xf, 0)                                                                                 \
    X(smcr_el1, "S3_0_C1_C2_6", 0xf, 0)                                                                                \
    X(smpri_el1, "S3_0_C1_C2_4", ALL, 0)                                                                               \
    X(lorsa_el1, "S3_0_C10_C4_0", ALL, 0)                                                                              \
    X(tcr2_el1, "S3_0_C2_C0_3", ALL, 0)                                                                                \
    X(sctlr2_el1, "S3_0_C1_C0_3", ALL, 0)                                                                              \
    X(pire0_el1, "S3_0_C10_C2_2", ALL, 0)                                                                              \
    X(accdata_el1, "S3_0_C13_C0_5", ALL, 0)                                                                            \
    X(icc_pmr_el1, "S3_0_C4_C6_0", ALL, 0)                                                                             \
    X(icc_ap0r0_el1, "S3_0_C12_C8_4", ALL, 0)                                                                          \
    X(icc_igrpen0_el1, "S3_0_C12_C12_6", ALL, 0)                                                                       \
    X(icc_igrpen1_el1, "S3_0_C12_C12_7", ALL, 0)                                                                       \
    X(icc_ctlr_el1, "S3_0_C12_C12_4", 0x43, 0)                                                                         \
    X(spsr_abt, "spsr_abt", ALL, 0)                                                                                    \
    X(spsr_und, "spsr_und", ALL, 0)                                                                                    \
    X(spsr_irq, "spsr_irq", ALL, 0)                                                                                    \
    X(spsr_fiq, "spsr_fiq", ALL, 0)                                                                                    \
    X(ttbr0_el1, "ttbr0_el1", ALL, 0)                                                                                  \
    X(ttbr1_el1, "ttbr1_el1", ALL, 0)                                                                                  \
    X(tcr_el1, "tcr_el1", ALL, 0)                                                                                      \
    X(mair_el1, "mair_el1", ALL, 0)

#define DEFINE_READ(name, encoding, mask, expected)                                                                    \
    static uint64_t read_##name(void) { return READ_SYSREG(encoding); }
#define DEFINE_ROW(name, encoding, mask, expected) {#name, read_##name, mask, expected},
REGISTERS(DEFINE_READ)

static const struct {
    const char *name;
    uint64_t (*read)(void);
    uint64_t mask, expected;
} registers[] = {REGISTERS(DEFINE_ROW)};

/* What start.S took down before C could change it, in its order: vbar, sctlr, cpacr, spsr, elr, esr, far, PSTATE. */
static const struct {
    const char *name;
    uint64_t expected;
} taken_down[SNAPSHOT_SYSTEMS] = {
    {"vbar_el1", 0},  {"sctlr_el1", 0x30d00800},
    {"cpacr_el1", 0}, {"spsr_el1", 0},
    {"elr_el1", 0},   {"esr_el1", 0},
    {"far_el1", 0},   {"nzcv", 0},
    {"daif", 0x3c0},  {"spsel", 1},
};

extern uint64_t snapshot[];

static struct {
    char name[20];
    uint64_t value;
} findings[FINDINGS_MAX];
static unsigned finding_count, looked_at;
static uint64_t sve[SVE_BYTES_MAX / 8] __attribute__((aligned(16)));

static void check(const char *name, int index, uint64_t value, uint64_t expected) {
    looked_at++;
    if (value == expected || finding_count == FINDINGS_MAX)
        return;
    char *to = findings[finding_count].name;
    memset(to, 0, sizeof(findings[0].name));
    strncpy(to, name, sizeof(findings[0].name) - 4);
    size_t length = strlen(to);
    if (index >= 0) {
        to[length++] = (char)('0' + index / 10);
        to[length] = (char)('0' + index % 10);
    }
    findings[finding_count++].value = value;
}

static bool has_sve(void) { return (READ_SYSREG("id_aa64pfr0_el1") >> 32 & 0xf) != 0; }

static void allow_sve(void) {
    WRITE_SYSREG("cpacr_el1", CPACR_VECTORS | CPACR_SVE);
    WRITE_SYSREG("S3_0_C1_C2_0", 0xf); /* ZCR_EL1.LEN */
}

static void look_at_sve(void) {
    if (!has_sve())
        return;
    memset(sve, 0, sizeof(sve));
    allow_sve();
    vectors_store_sve(sve);
    for (unsigned i = 0; i < SVE_BYTES_MAX / 8; i++)
        check("z or p", (int)(i % 100), sve[i], 0);
}

void registers_look(void) {
    finding_count = looked_at = 0;
    for (int i = 1; i < 31; i++)
        check("x", i, snapshot[i], 0);
    check("sp_el1", -1, snapshot[SNAPSHOT_STACK / 8], 0);
    for (unsigned i = 0; i < SNAPSHOT_SYSTEMS; i++)
        check(taken_down[i].name, -1, snapshot[SNAPSHOT_SYSTEM / 8 + i], taken_down[i].expected);
    for (int i = 0; i < 64; i++)
        check("v", i / 2, snapshot[SNAPSHOT_VECTORS / 8 + i], 0);
    for (unsigned i = 0; i < sizeof(registers) / sizeof(registers[0]); i++)
        check(registers[i].name, -1, registers[i].read() & registers[i].mask, registers[i].expected);
    /* FPCR and FPSR by their encodings: assemblers for general registers alone do not know the names. */
    check("fpcr", -1, READ_SYSREG("S3_3_C4_C4_0"), 0);
    check("fpsr", -1, READ_SYSREG("S3_3_C4_C4_1"), 0);
    look_at_sve();
}

/* Those of the translation and of exceptions are start.S's to fill, since this runs with them. */
static bool left_to_assembly(const char *name) {
    static const char *const names[] = {"ttbr0_el1", "ttbr1_el1", "tcr_el1", "mair_el1"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* Timers and counters are filled, but left off, so that what they hold stays. */
#define FILL(name, encoding, mask, expected)                                                                           \
    if (!left_to_assembly(#name))                                                                                      \
        WRITE_SYSREG(encoding, (mask) == ALL ? PATTERN : ((mask)&2));

int64_t registers_fill_and_suspend(void) {
    bool with_sve = has_sve();
    REGISTERS(FILL)
    WRITE_SYSREG("dbgclaimset_el1", 0x5a);
    WRITE_SYSREG("mdscr_el1", 1 << 12);
    if (with_sve)
        allow_sve();
    return suspend_filled(PATTERN, with_sve);
}

static void attack(const struct attack_arguments *arguments) {
    (void)arguments;
    for (unsigned i = 0; i < looked_at; i++)
        attack_try();
    for (unsigned i = 0; i < finding_count; i++)
        attack_broken("%s holds 0x%lx", findings[i].name, findings[i].value);
}

ATTACK(registers, "registers", attack, "");
