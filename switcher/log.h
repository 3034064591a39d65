// SPDX-License-Identifier: BSD-3-Clause
#ifndef SWITCHER_LOG_H
#define SWITCHER_LOG_H

/** The log ring: the last LOG_ENTRIES events, in memory; and counters of traps by cause. */

#include "arch.h"
#include "switcher/handover.h"

enum { LOG_ENTRIES = 256 };

enum log_event {
    LOG_START = 1,  /* persona started afresh */
    LOG_FLIP_ASKED, /* press seen */
    LOG_SUSPEND,    /* SYSTEM_SUSPEND entered; a = entry */
    LOG_RESUME,     /* persona entered at its resume address */
    LOG_SLEEP,      /* SYSTEM_SUSPEND with no flip asked for */
    LOG_WAKE,       /* a = INTID that woke it */
    LOG_REFUSED,    /* flip refused: a device is not quiet; a = its address */
    LOG_UNANSWERED, /* no answer in time */
    LOG_CUT_OFF,
    LOG_RESET,        /* SYSTEM_RESET */
    LOG_OFF,          /* SYSTEM_OFF */
    LOG_CPU_ON,       /* a = CPU index, b = entry */
    LOG_CPU_OFF,      /* a = CPU index */
    LOG_FAULT,        /* access outside; a = address, b = ESR_EL2 */
    LOG_PSCI_ERROR,   /* a = function, b = result */
    LOG_ACKNOWLEDGED, /* the agent said that it suspends */
    LOG_DECLINED,     /* the agent does not want to flip now */
    LOG_DMA_FAULT,    /* a device reached outside; a = address, b = StreamID << 32 | event number */
    LOG_UP,           /* the agent said for the first time that the persona is up */
    LOG_ALARM,        /* of a suspended persona, due */
};

/** In the order of the control protocol's `counters` (control.cddl): new ones go to the end. */
enum log_counter {
    COUNT_HVC,
    COUNT_SMC,
    COUNT_SYSREG,
    COUNT_GICD_WRITE,
    COUNT_GICR_WRITE,
    COUNT_FAULT,
    COUNT_FIQ,
    COUNT_UNDEFINED,
    COUNT_FLIP,
    COUNT_CHANNEL,
    COUNT_DMA_FAULT,
    COUNT_CLOCK,
    LOG_COUNTERS,
};

struct log_entry {
    uint64_t time; /* arch_counter() */
    uint64_t a, b;
    uint16_t event;   /* enum log_event */
    uint16_t persona; /* index */
    uint32_t cpu;
};

/**
 * Takes the present time as the log's start and lets it print the personas' names.
 * @param handover checked; used at each log_print. Before the first call personas are printed by their index.
 */
void log_init(const struct handover *handover);

/** Adds an entry; the oldest is overwritten. Safe on any CPU. */
void log_add(enum log_event event, unsigned persona, uint64_t a, uint64_t b);

/** Counts one trap of the persona. */
void log_count(enum log_counter counter, unsigned persona);

/** @return how often it was counted */
uint64_t log_counted(enum log_counter counter, unsigned persona);

/** @return how many entries were ever added; the last LOG_ENTRIES numbers below it are kept */
uint64_t log_end(void);

/**
 * Reads one entry.
 * @param number 0 for the first ever added
 * @return false when it was not yet added or is overwritten already
 */
__attribute__((warn_unused_result)) bool log_get(uint64_t number, struct log_entry *entry);

/** Prints the ring, oldest first, and the counters on the console. */
void log_print(void);

#endif
