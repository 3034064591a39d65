// SPDX-License-Identifier: BSD-3-Clause
/* The CPU interface in the state that is worst for the switcher. Whether the key still works is the driver's to try. */
#include "attack.h"
#include "gic.h"
#include "machine.h"

enum { SGI_OF_SWITCHER = 15, SGI = 1, SPURIOUS = 1023 };

/* Every SGI that could be the switcher's, to every CPU, in both groups. */
static void send_own(void) {
    for (uint64_t mode = 0; mode < 2; mode++) {
        uint64_t value = mode << 40 | (uint64_t)SGI_OF_SWITCHER << 24 | 0xffff;
        WRITE_SYSREG("S3_0_C12_C11_5", value); /* ICC_SGI1R_EL1 */
        WRITE_SYSREG("S3_0_C12_C11_6", value); /* ICC_ASGI1R_EL1 */
        WRITE_SYSREG("S3_0_C12_C11_7", value); /* ICC_SGI0R_EL1 */
        attack_try();
        if (gic_is_pending(SGI_OF_SWITCHER))
            attack_broken("SGI %u is pending", SGI_OF_SWITCHER);
    }
}

static void group0(void) {
    attack_try();
    uint64_t intid = READ_SYSREG("S3_0_C12_C8_0") & 0xffffff; /* ICC_IAR0_EL1 */
    if (intid < GIC_INTID_NONE)
        attack_broken("acknowledged INTID %lu of Group 0", intid);
    for (uint64_t i = 0; i < GIC_INTID_NONE; i++) {
        WRITE_SYSREG("S3_0_C12_C8_1", i);  /* ICC_EOIR0_EL1 */
        WRITE_SYSREG("S3_0_C12_C11_1", i); /* ICC_DIR_EL1 */
        attack_try();
    }
}

static void attack(const struct attack_arguments *arguments) {
    (void)arguments;
    send_own();
    group0();
    WRITE_SYSREG("S3_0_C12_C12_5", 0);         /* ICC_SRE_EL1 */
    WRITE_SYSREG("S3_0_C12_C12_4", 0x43);      /* ICC_CTLR_EL1: CBPR, EOImode, PMHE */
    WRITE_SYSREG("S3_0_C12_C8_3", 7);          /* ICC_BPR0_EL1 */
    WRITE_SYSREG("S3_0_C12_C12_3", 7);         /* ICC_BPR1_EL1 */
    WRITE_SYSREG("S3_0_C12_C8_4", UINT32_MAX); /* ICC_AP0R0_EL1 */
    WRITE_SYSREG("S3_0_C12_C12_6", 0);         /* ICC_IGRPEN0_EL1 */
    WRITE_SYSREG("S3_0_C12_C12_7", 0);         /* ICC_IGRPEN1_EL1 */
    WRITE_SYSREG("S3_0_C4_C6_0", 0);           /* ICC_PMR_EL1 */
}

ATTACK(cpu_interface, "cpu-interface", attack, "");

/* An interrupt of the highest priority that is acknowledged and never ended, so that nothing of its own interrupts. */
static void attack_unended(const struct attack_arguments *arguments) {
    uint64_t sgi_frame = machine.redistributors + GICR_SGI_FRAME;
    (void)arguments;
    gic_open();
    __asm__ volatile("strb wzr, [%0]" ::"r"(sgi_frame + GIC_IPRIORITYR + SGI) : "memory");
    gic_write_bit(GIC_ISENABLER, SGI);
    WRITE_SYSREG("S3_0_C12_C11_5", (uint64_t)SGI << 24 | 1 << (machine.cpus[0] & 0xf));
    barrier();
    attack_try();
    uint64_t intid = SPURIOUS;
    for (unsigned i = 0; i < 1000 && intid >= GIC_INTID_NONE; i++)
        intid = READ_SYSREG("S3_0_C12_C12_0") & 0xffffff; /* ICC_IAR1_EL1 */
    attack_note("INTID %lu is active for ever", intid);
}

ATTACK(unended, "unended", attack_unended, "");

/* The same without an interrupt: were the register that says which priorities are active this persona's to write, none
 * would get through to the switcher either. */
static void attack_active(const struct attack_arguments *arguments) {
    (void)arguments;
    for (uint64_t bits = 1; bits != 0 && bits <= UINT32_MAX; bits = bits << 1 | 1) {
        WRITE_SYSREG("S3_0_C12_C9_0", bits); /* ICC_AP1R0_EL1 */
        attack_try();
        if (READ_SYSREG("S3_0_C12_C9_0") != 0)
            attack_broken("ICC_AP1R0_EL1 is 0x%lx", READ_SYSREG("S3_0_C12_C9_0"));
    }
}

ATTACK(active, "active", attack_active, "");
