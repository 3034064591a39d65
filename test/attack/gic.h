// SPDX-License-Identifier: BSD-3-Clause
#ifndef ATTACK_GIC_H
#define ATTACK_GIC_H

/** GICv3 registers (IHI 0069, 12) as a persona reaches them. */

#include <stdbool.h>
#include <stdint.h>

enum {
    GICD_CTLR = 0x0000,
    GICD_SETSPI_NSR = 0x0040,
    GICD_SETSPI_SR = 0x0050,
    GICD_CLRSPI_NSR = 0x0048,
    GIC_IGROUPR = 0x0080,
    GIC_ISENABLER = 0x0100,
    GIC_ICENABLER = 0x0180,
    GIC_ISPENDR = 0x0200,
    GIC_ICPENDR = 0x0280,
    GIC_ISACTIVER = 0x0300,
    GIC_ICACTIVER = 0x0380,
    GIC_IPRIORITYR = 0x0400,
    GIC_ICFGR = 0x0c00,
    GICD_IROUTER = 0x6000,
    GICD_FRAME = 0x10000,

    GICR_CTLR = 0x0000,
    GICR_TYPER = 0x0008,
    GICR_WAKER = 0x0014,
    GICR_SETLPIR = 0x0040,
    GICR_PROPBASER = 0x0070,
    GICR_PENDBASER = 0x0078,
    GICR_SGI_FRAME = 0x10000,
    GICR_FRAMES = 0x20000,

    GIC_INTID_NONE = 1020,
};

/** @return RD_base of the redistributor number `index`, or 0 after the last */
uint64_t gic_redistributor(unsigned index);

/** @return the frame with the bitmaps of an interrupt: the distributor, or this CPU's SGI frame */
uint64_t gic_frame(uint32_t intid);

/** @return whether the interrupt is pending */
bool gic_is_pending(uint32_t intid);

/** Writes 1 to the interrupt's bit of a bitmap register. */
void gic_write_bit(uint32_t bank, uint32_t intid);

/** Makes the CPU interface this payload's: Group 1 on, nothing of its own left active. */
void gic_open(void);

#endif
