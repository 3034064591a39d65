// SPDX-License-Identifier: BSD-3-Clause
#ifndef SWITCHER_GIC_HARDWARE_H
#define SWITCHER_GIC_HARDWARE_H

/** What gic.c, gic_switch.c and gic_trap.c share: the registers (IHI 0069, 12) and what was found out about this GIC.
 */

#include "gic.h"

/* Distributor. Bitmap registers are one word per 32 INTIDs; the redistributor's SGI frame has the same at word 0. */
enum {
    GICD_CTLR = 0x0000,
    GICD_TYPER = 0x0004,
    GICD_SETSPI_NSR = 0x0040,
    GICD_CLRSPI_NSR = 0x0048,
    GIC_IGROUPR = 0x0080,
    GIC_ISENABLER = 0x0100,
    GIC_ICENABLER = 0x0180,
    GIC_ISPENDR = 0x0200,
    GIC_ICPENDR = 0x0280,
    GIC_ISACTIVER = 0x0300,
    GIC_ICACTIVER = 0x0380,
    GIC_IPRIORITYR = 0x0400, /* a byte an INTID */
    GIC_ICFGR = 0x0c00,      /* two bits an INTID; the upper one: edge triggered */
    GICD_IROUTER = 0x6000,   /* eight bytes an INTID */

    GICR_CTLR = 0x0000,
    GICR_TYPER = 0x0008,
    GICR_WAKER = 0x0014,
    GICR_SGI_FRAME = 0x10000,
    GICR_FRAMES_SIZE = 0x20000,
};

#define GICD_CTLR_ENABLE_GRP0 UINT32_C(0x01)
#define GICD_CTLR_ENABLE_GRP1 UINT32_C(0x02)
#define GICD_CTLR_ARE UINT32_C(0x10)
#define GICD_CTLR_DS UINT32_C(0x40)
#define GICD_CTLR_RWP (UINT32_C(1) << 31)
#define GICD_TYPER_NO1N (UINT32_C(1) << 25)
#define GICD_IROUTER_ANY (UINT64_C(1) << 31) /* Interrupt_Routing_Mode */
#define GICR_CTLR_ENABLE_LPIS UINT32_C(0x01)
#define GICR_CTLR_RWP UINT32_C(0x08)
#define GICR_TYPER_VLPIS UINT64_C(0x02)
#define GICR_TYPER_LAST UINT64_C(0x10)
#define GICR_WAKER_PROCESSOR_SLEEP UINT32_C(0x02)
#define GICR_WAKER_CHILDREN_ASLEEP UINT32_C(0x04)

/* What the switcher always has set. */
#define GICD_CTLR_SWITCHER (GICD_CTLR_ARE | GICD_CTLR_DS | GICD_CTLR_ENABLE_GRP0)
/* The bits of ICFGR that mean something. */
#define GIC_CONFIG_EDGES UINT64_C(0xaaaaaaaaaaaaaaaa)

struct gic_hardware {
    const struct handover *handover;
    uint64_t distributor;
    uint64_t redistributor[HANDOVER_CPUS_MAX]; /* RD_base; 0: none was found */
    uint32_t words;                            /* bitmap words that this distributor has */
    uint32_t own[GIC_WORDS];                   /* INTIDs that no persona may touch; word 0 counts for each CPU */
    uint32_t own_edges[GIC_WORDS];             /* of these, the edge-triggered SPIs */
    bool one_of_n;                             /* SPIs can be routed to any one CPU */
    unsigned switcher_route;                   /* CPU that the switcher's own SPIs go to */
    struct gic_state initial;                  /* the state that gic_init leaves the hardware in */
};

extern struct gic_hardware gic;

/** @return address of a bitmap register of the distributor */
static inline uint64_t gic_word(uint32_t bank, unsigned word) { return gic.distributor + bank + word * 4u; }

/** @return address of a register of a CPU's SGI frame; the CPU has a redistributor */
static inline uint64_t gic_local(unsigned cpu, uint32_t offset) {
    return gic.redistributor[cpu] + GICR_SGI_FRAME + offset;
}

/** Waits until bits of a register are 0, and says so on the console if they never are. */
void gic_wait_clear(uint64_t address, uint32_t bits);

/** Waits until the distributor has taken in what was disabled. */
static inline void gic_wait_distributor(void) { gic_wait_clear(gic.distributor + GICD_CTLR, GICD_CTLR_RWP); }

/** The same for a CPU's redistributor. */
static inline void gic_wait_redistributor(unsigned cpu) {
    gic_wait_clear(gic.redistributor[cpu] + GICR_CTLR, GICR_CTLR_RWP);
}

/** @return the value of GICD_IROUTER for a route as gic_state has it */
uint64_t gic_route_value(uint8_t route);

/** @return bit n: bits 2n and 2n+1 of an ICFGR pair of words say edge triggered */
uint32_t gic_edges(uint64_t config);

/** @return the ICFGR bits of the INTIDs in a bitmap word: the reverse of gic_edges() */
uint64_t gic_config_bits(uint32_t intids);

/** Brings the local part of a state to reset, as a CPU finds it when it is powered on. */
void gic_local_reset(struct gic_local_state *local);

/** Makes a redistributor that is at reset carry a local part. @param cpu has a redistributor */
void gic_local_load(unsigned cpu, struct gic_local_state *local);

#endif
