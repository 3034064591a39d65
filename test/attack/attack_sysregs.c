// SPDX-License-Identifier: BSD-3-Clause
/* System registers that could change the machine beneath both personas: each access must be undefined. */
#include "attack.h"
#include "machine.h"

#define REGISTERS(X)                                                                                                   \
    X(hcr_el2, "S3_4_C1_C1_0")                                                                                         \
    X(vttbr_el2, "S3_4_C2_C1_0")                                                                                       \
    X(vtcr_el2, "S3_4_C2_C1_2")                                                                                        \
    X(sctlr_el2, "S3_4_C1_C0_0")                                                                                       \
    X(vbar_el2, "S3_4_C12_C0_0")                                                                                       \
    X(ttbr0_el2, "S3_4_C2_C0_0")                                                                                       \
    X(cnthp_ctl_el2, "S3_4_C14_C2_1")                                                                                  \
    X(cntvoff_el2, "S3_4_C14_C0_3")                                                                                    \
    X(cnthctl_el2, "S3_4_C14_C1_0")                                                                                    \
    X(mdcr_el2, "S3_4_C1_C1_1")                                                                                        \
    X(cptr_el2, "S3_4_C1_C1_2")                                                                                        \
    X(icc_sre_el2, "S3_4_C12_C9_5")                                                                                    \
    X(ich_hcr_el2, "S3_4_C12_C11_0")                                                                                   \
    X(ich_lr0_el2, "S3_4_C12_C12_0")                                                                                   \
    X(sp_el1, "S3_4_C4_C1_0")                                                                                          \
    X(tpidr_el2, "S3_4_C13_C0_2")                                                                                      \
    X(scr_el3, "S3_6_C1_C1_0")                                                                                         \
    X(icc_igrpen1_el3, "S3_6_C12_C12_7")                                                                               \
    X(cntps_ctl_el1, "S3_7_C14_C2_1")                                                                                  \
    X(actlr_el1, "S3_0_C1_C0_1")                                                                                       \
    X(lorea_el1, "S3_0_C10_C4_1")                                                                                      \
    X(lorc_el1, "S3_0_C10_C4_3")                                                                                       \
    X(pmscr_el1, "S3_0_C9_C9_0")                                                                                       \
    X(pmblimitr_el1, "S3_0_C9_C10_0")                                                                                  \
    X(trfcr_el1, "S3_0_C1_C2_1")                                                                                       \
    X(trblimitr_el1, "S3_0_C9_C11_0")                                                                                  \
    X(cpuactlr_el1, "S3_1_C15_C2_0")                                                                                   \
    X(cpuectlr_el1, "S3_1_C15_C2_1")                                                                                   \
    X(l2ctlr_el1, "S3_1_C11_C0_2")                                                                                     \
    X(cpupwrctlr_el1, "S3_0_C15_C2_7")

#define DEFINE(name, encoding)                                                                                         \
    static void write_##name(void) { WRITE_SYSREG(encoding, 0); }
#define ROW(name, encoding) {#name, write_##name},
REGISTERS(DEFINE)

static const struct {
    const char *name;
    void (*write)(void);
} registers[] = {REGISTERS(ROW)};

static void attack(const struct attack_arguments *arguments) {
    (void)arguments;
    for (unsigned i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
        uint64_t before = exception.count;
        registers[i].write();
        attack_try();
        if (exception.count == before)
            attack_broken("%s was written", registers[i].name);
    }
}

ATTACK(sysregs, "system-registers", attack, "");
