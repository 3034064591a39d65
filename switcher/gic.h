// SPDX-License-Identifier: BSD-3-Clause
#ifndef SWITCHER_GIC_H
#define SWITCHER_GIC_H

/**
 * GICv3 (IHI 0069), one security state (GICD_CTLR.DS = 1): the personas' interrupts are Group 1, the switcher's
 * Group 0.
 * gic.c takes the hardware over and sends, gic_trap.c carries out what a persona writes, gic_switch.c is the flip.
 *
 * What a persona writes to the distributor and to the redistributors is trapped (stage 2 maps these frames read-only),
 * filtered and kept in a shadow, so at a flip nothing but pending state has to be read back: the difference
 * between the two shadows is written. Locking is the caller's: all functions but gic_send_* need the switcher lock.
 */

#include "arch.h"
#include "switcher/handover.h"

enum {
    GIC_INTIDS = 1024,
    GIC_WORDS = GIC_INTIDS / 32,
    GIC_SGI_STOP = 15,            /* Group 0: the receiving CPU looks at its orders */
    GIC_PRIORITY_SWITCHER = 0x00, /* above every persona's */
    GIC_PRIORITY_HIGHEST = 0x20,  /* the highest that a persona can set; a smaller value written becomes this */
    GIC_PRIORITY_RESET = 0xa0,
    GIC_INTID_NONE = 1020, /* first of the special INTIDs */
};

/** Banked part: SGIs and PPIs of one CPU. */
struct gic_local_state {
    uint32_t enable;
    uint32_t pending; /* valid while the persona does not run: edge-triggered interrupts and SGIs */
    uint32_t config;  /* GICR_ICFGR1 */
    uint8_t priority[32] __attribute__((aligned(8)));
};

/** One persona's interrupt controller. */
struct gic_state {
    uint32_t control;            /* GICD_CTLR: bit EnableGrp1 only, as the persona set it */
    uint32_t allowed[GIC_WORDS]; /* SPIs that are the persona's to use */
    uint32_t enable[GIC_WORDS];  /* word 0 not used */
    uint32_t pending[GIC_WORDS]; /* valid while the persona does not run */
    uint64_t config[GIC_WORDS];  /* GICD_ICFGR: two bits an INTID */
    uint8_t priority[GIC_INTIDS] __attribute__((aligned(8)));
    uint8_t route[GIC_INTIDS] __attribute__((aligned(8))); /* CPU index; GIC_ROUTE_ANY: Interrupt_Routing_Mode 1 */
    struct gic_local_state local[HANDOVER_CPUS_MAX];
};

enum { GIC_ROUTE_ANY = 0xff };

/**
 * Takes the distributor over from the firmware: everything disabled and Group 1, then the switcher's own SPIs Group 0,
 * enabled and routed to the boot CPU. Finds the redistributors. Says on the console what makes attention impossible.
 * @param handover checked; kept by reference
 */
void gic_init(const struct handover *handover);

/**
 * Takes this CPU's redistributor over: awake, LPIs off, SGIs and PPIs disabled and Group 1, GIC_SGI_STOP and the EL2
 * timer Group 0 and enabled, CPU interface initialised. Called on each CPU each time that it is powered on.
 * @param state the running persona's
 * @param reset true: its local part for this CPU is brought to reset too; false: it is loaded into the redistributor
 */
void gic_cpu_init(struct gic_state *state, bool reset);

/** Wakes this CPU's redistributor (GICR_WAKER, IHI 0069 11.1); does nothing when it is awake. */
void gic_wake_redistributor(void);

/** Brings a state to what a persona finds at its start: nothing enabled, pending or routed elsewhere than to cpu. */
void gic_state_reset(struct gic_state *state, const struct handover_persona *persona, unsigned cpu);

/**
 * Makes the hardware carry another persona's interrupts. Called on the only CPU that is on; the switcher's SPIs then go
 * to it.
 * @param from the state that the hardware now has; NULL: the hardware is as gic_init left it
 * @param to   the state to have afterwards; another one than from
 * `from` keeps its pending edge-triggered interrupts and SGIs, save for the flip button; active state is dropped, so is
 * pending state that software gave to a level-triggered one, and running priorities are reset (arch_icc_init).
 */
void gic_switch(struct gic_state *from, struct gic_state *to);

/**
 * Carries out a persona's access to the distributor, filtered.
 * @param state  the running persona's
 * @param offset bytes from GICD base
 * @param size   1, 4 or 8 bytes; others are ignored
 * @param value  what is written
 */
void gic_distributor_write(struct gic_state *state, uint32_t offset, unsigned size, uint64_t value);

/**
 * The same for a redistributor. Of the RD frame nothing is carried out: LPIs are hidden, and GICR_WAKER stays awake.
 * @param cpu    index of the CPU whose redistributor it is
 * @param offset bytes from RD_base, both frames (0 to 0x1ffff)
 */
void gic_redistributor_write(struct gic_state *state, unsigned cpu, uint32_t offset, unsigned size, uint64_t value);

/**
 * Which frame an address belongs to.
 * @return true and *cpu, *offset when the address lies in a redistributor of a CPU of the hand-over
 */
bool gic_find_redistributor(uint64_t address, unsigned *cpu, uint32_t *offset);

/**
 * Carries out a trapped write to ICC_SGI1R_EL1 (ICC_ASGI1R_EL1 and ICC_SGI0R_EL1 count as it); GIC_SGI_STOP is dropped.
 */
void gic_send_sgi(uint64_t value);

/** Sends GIC_SGI_STOP to one CPU. */
void gic_send_stop(unsigned cpu);

/** Makes an SPI pending for the running persona (edge triggered). */
void gic_pend(uint32_t intid);

/** Takes gic_pend back, if the persona has not taken the interrupt yet. */
void gic_unpend(uint32_t intid);

/** Makes an SPI pending for a suspended persona, from when it is entered again. @param intid of an SPI */
void gic_pend_suspended(struct gic_state *state, uint32_t intid);

/** Routes the switcher's own SPIs to a CPU that is on. @return false, at no cost, when they go there already */
bool gic_route_switcher(unsigned cpu);

/** @return the CPU that the switcher's own SPIs are routed to */
unsigned gic_switcher_cpu(void);

/** @return whether an interrupt that the persona enabled is pending on this CPU (Group 1) */
bool gic_persona_interrupt_pending(void);

#endif
