// SPDX-License-Identifier: BSD-3-Clause
#ifndef FAKE_MACHINE_H
#define FAKE_MACHINE_H

/**
 * A machine for unit tests: carries out switcher/arch.h on the host.
 *
 * Devices are address ranges with handlers; an access to any other address fails the test. What the switcher does to
 * the CPU is kept in `fake`, which tests read and set freely, and recorded in order as events.
 */

#include "arch.h"

enum {
    FAKE_RANGES_MAX = 32,
    FAKE_EVENTS_MAX = 65536, /* later ones are counted, not kept */
    FAKE_SMC_RESULTS_MAX = 64,
};

typedef uint64_t (*fake_read_fn)(void *context, uint64_t offset, unsigned size);
typedef void (*fake_write_fn)(void *context, uint64_t offset, unsigned size, uint64_t value);

enum fake_event_kind {
    FAKE_WRITE = 1, /* a = address, b = value, c = size in bytes */
    FAKE_BARRIER,
    FAKE_TIMER_SET, /* a = deadline */
    FAKE_TIMER_STOP,
    FAKE_SMC,         /* a = function, b, c, d = arguments */
    FAKE_WAIT,        /* WFI */
    FAKE_WFI_ROUTING, /* a = to EL2 */
    FAKE_EOIR0,       /* a = INTID */
    FAKE_SGI0R,       /* a = value */
    FAKE_SGI1R,       /* a = value */
    FAKE_ICC_INIT,
    FAKE_ICC_GROUP1, /* a = enable */
    FAKE_ICC_DROP_ACTIVE,
    FAKE_ICC_GROUP1_REGISTER, /* a = its number, b = read, c = value */
    FAKE_CPU_INIT,            /* a = VTCR_EL2 */
    FAKE_SET_STAGE2,          /* a = VTTBR_EL2 */
    FAKE_FLUSH_STAGE2,
    FAKE_VECTORS_SAVE,
    FAKE_VECTORS_RESTORE,
    FAKE_CLEAN_INVALIDATE, /* a = base, b = size */
    FAKE_COPY,             /* a = destination, b = source, c = size */
    FAKE_CLEAR_REGISTERS,
    FAKE_EXCEPTION_EL1, /* a = ELR, b = SPSR, c = ESR */
    FAKE_FAR_EL1,       /* a = FAR */
};

struct fake_event {
    enum fake_event_kind kind;
    uint64_t a, b, c, d;
};

struct fake_machine {
    uint64_t counter;      /* arch_counter(): its value, */
    uint64_t counter_step; /* and what each reading and each arch_relax() adds to it (1 after fake_reset) */
    uint64_t frequency;    /* Hz; 1,000,000 after fake_reset */
    bool timer_on;
    uint64_t timer_deadline;
    unsigned cpu; /* arch_cpu_index() */
    bool wfi_to_el2;
    bool streaming; /* arch_vectors_save() does nothing */
    uint64_t vttbr, vtcr;
    uint64_t vbar_el1, sctlr_el1;
    struct trap_syndrome syndrome; /* arch_syndrome() */
    bool icc_group1;               /* ICC_IGRPEN1_EL1 */

    /* Hooks; NULL: what is said. All are called after the event is recorded. */
    int64_t (*smc)(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3); /* the scripted results, then 0 */
    void (*wait)(void);                       /* time goes on to the timer's deadline, or by 1 ms */
    void (*relax)(void);                      /* nothing; time has gone on by a step */
    uint32_t (*iar0)(void);                   /* 1023 */
    uint32_t (*hppir1)(void);                 /* 1023 */
    void (*eoir0)(uint32_t intid);            /* nothing */
    void (*sgi)(bool group1, uint64_t value); /* nothing */
    void (*icc_init)(void);                   /* nothing */
    uint64_t (*group1_register)(unsigned number, bool read, uint64_t value); /* value */
    void (*copy)(uint64_t destination, uint64_t source, uint64_t size);      /* nothing */
    bool (*translate)(uint64_t va, bool write, uint64_t *ipa);               /* identity */

    int64_t smc_results[FAKE_SMC_RESULTS_MAX];
    unsigned smc_result_count, smc_result_next;

    struct fake_event events[FAKE_EVENTS_MAX];
    size_t event_count; /* all that happened, also those not kept */
};

extern struct fake_machine fake;

/** Back to a machine without devices, hooks and events. */
void fake_reset(void);

/**
 * Adds a device. Reads and writes come with the offset from base; size is 1, 2, 4 or 8 bytes.
 * @param read, write NULL: such an access fails the test
 */
void fake_map(uint64_t base, uint64_t size, fake_read_fn read, fake_write_fn write, void *context);

/** Adds plain memory: what is written is read again. @param memory size bytes of the test's, kept by reference */
void fake_map_memory(uint64_t base, uint64_t size, void *memory);

/** Queues a result of arch_smc(). */
void fake_smc_result(int64_t result);

/** @return how many kept events are of this kind */
size_t fake_events_of(enum fake_event_kind kind);

/** @return the last kept event of this kind, NULL if there is none */
const struct fake_event *fake_last_event(enum fake_event_kind kind);

/** Forgets the events so far. */
void fake_forget_events(void);

#endif
