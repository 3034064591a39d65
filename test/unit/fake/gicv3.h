// SPDX-License-Identifier: BSD-3-Clause
#ifndef FAKE_GICV3_H
#define FAKE_GICV3_H

/**
 * A GICv3 for the fake machine: distributor, one redistributor a CPU, CPU interfaces reduced to acknowledge and end.
 * It knows nothing of the switcher: set and clear registers, latches, lines, groups, affinity routing, RWP that stays
 * set for a while.
 */

#include "machine.h"

enum {
    FAKE_GIC_CPUS = 8,
    FAKE_GIC_INTIDS = 1020,
    FAKE_GIC_NONE = 1023,
};

#define FAKE_GICD_BASE UINT64_C(0x08000000)
#define FAKE_GICR_BASE UINT64_C(0x080a0000)
#define FAKE_GICR_STRIDE UINT64_C(0x20000)

struct fake_interrupt {
    bool enable, latch, line, active, edge, group1;
    uint8_t priority;
    uint64_t route; /* GICD_IROUTER */
};

struct fake_gic {
    unsigned cpu_count;
    unsigned words; /* 32 INTIDs each */
    uint64_t mpidr[FAKE_GIC_CPUS];
    bool two_security_states; /* GICD_CTLR.DS is 0 whatever is written */
    bool one_of_n;
    bool ppi_trigger_fixed; /* GICR_ICFGR1 is read-only */
    bool lpis_on[FAKE_GIC_CPUS];
    uint32_t ctlr;
    uint32_t waker[FAKE_GIC_CPUS];
    struct fake_interrupt spi[1024]; /* from 32 on; 1020 to 1023 have bits in the registers and are no interrupts */
    struct fake_interrupt local[FAKE_GIC_CPUS][32];
    unsigned unsettled;                      /* readings for which GICD_CTLR.RWP is still 1 */
    unsigned local_unsettled[FAKE_GIC_CPUS]; /* GICR_CTLR.RWP */
    size_t unpredictable;                    /* writes whose effect the architecture leaves open */
};

extern struct fake_gic fake_gic;

/**
 * Puts a GIC, as a firmware may leave it, into the machine: it maps the frames and sets the hooks of the CPU interface.
 * @param cpus  1 to 8, Aff0 counts them
 * @param words bitmap words: 2 to 32
 */
void fake_gic_init(unsigned cpus, unsigned words);

/** @return an interrupt. @param cpu counts for SGIs and PPIs only */
struct fake_interrupt *fake_gic_interrupt(unsigned cpu, uint32_t intid);

/** @return whether it is pending: latched, or level triggered with its line up */
bool fake_gic_pending(const struct fake_interrupt *interrupt);

/** A device raises or lowers its line. */
void fake_gic_line(unsigned cpu, uint32_t intid, bool level);

/** @return INTID that a group would signal to the CPU, FAKE_GIC_NONE if there is none */
uint32_t fake_gic_highest(unsigned cpu, bool group1);

/** Acknowledges: the latch goes, active comes. @return as fake_gic_highest() */
uint32_t fake_gic_acknowledge(unsigned cpu, bool group1);

#endif
