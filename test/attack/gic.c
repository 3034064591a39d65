// SPDX-License-Identifier: BSD-3-Clause
#include "gic.h"

#include "machine.h"

#define GICR_TYPER_LAST UINT64_C(0x10)

uint64_t gic_redistributor(unsigned index) {
    uint64_t base = machine.redistributors;
    for (unsigned i = 0; i < index; i++) {
        if (read64(base + GICR_TYPER) & GICR_TYPER_LAST)
            return 0;
        base += GICR_FRAMES;
    }
    return base;
}

uint64_t gic_frame(uint32_t intid) {
    return intid < 32 ? machine.redistributors + GICR_SGI_FRAME : machine.distributor;
}

bool gic_is_pending(uint32_t intid) {
    return (read32(gic_frame(intid) + GIC_ISPENDR + intid / 32 * 4) >> (intid % 32) & 1) != 0;
}

void gic_write_bit(uint32_t bank, uint32_t intid) {
    write32(gic_frame(intid) + bank + intid / 32 * 4, UINT32_C(1) << (intid % 32));
}

void gic_open(void) {
    WRITE_SYSREG("S3_0_C12_C12_5", 7);  /* ICC_SRE_EL1 */
    WRITE_SYSREG("S3_0_C12_C12_4", 0);  /* ICC_CTLR_EL1 */
    WRITE_SYSREG("S3_0_C4_C6_0", 0xff); /* ICC_PMR_EL1 */
    WRITE_SYSREG("S3_0_C12_C12_7", 1);  /* ICC_IGRPEN1_EL1 */
    write32(machine.distributor + GICD_CTLR, 0x12);
}
