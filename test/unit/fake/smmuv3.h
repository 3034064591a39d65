// SPDX-License-Identifier: BSD-3-Clause
#ifndef FAKE_SMMUV3_H
#define FAKE_SMMUV3_H

/**
 * An SMMUv3 (IHI 0070) for the fake machine: registers with their updates, a command queue that is read from the test's
 * own memory, an event queue written there, and a cache of the stream table that only commands empty. It knows nothing
 * of the switcher, and not what is in stream tables: a transaction is answered with the address of the table that
 * counts.
 */

#include "machine.h"

enum {
    FAKE_SMMU_SIZE = 0x20000,
    FAKE_SMMU_COMMANDS_MAX = 4096, /* later ones are counted, not kept */
    FAKE_SMMU_EVENT = 0,
    FAKE_SMMU_ERROR = 1,
};

#define FAKE_SMMU_BASE UINT64_C(0x09050000)
#define FAKE_SMMU_ABORTS UINT64_C(0)
#define FAKE_SMMU_BYPASSES UINT64_C(1)

struct fake_smmu_command {
    uint64_t word[2];
    bool enabled;   /* SMMUEN was in effect */
    uint64_t table; /* SMMU_STRTAB_BASE at that time */
};

struct fake_smmu {
    uint32_t idr0, idr1, idr5;
    uint32_t cr0, cr0ack, cr1, cr2, gbpa, irq_ctrl, irq_ctrlack, gerror, gerrorn, strtab_base_cfg;
    uint64_t strtab_base, gerror_irq_cfg0, eventq_irq_cfg0, cmdq_base, eventq_base;
    uint32_t cmdq_prod, cmdq_cons, eventq_prod, eventq_cons;

    unsigned delay;                    /* readings for which an update is under way */
    unsigned left;                     /* of these, for the present one */
    bool silent;                       /* acknowledges nothing, reads no command */
    bool reads_no_commands;            /* only that */
    bool never_opens;                  /* does not acknowledge SMMUEN 1 */
    unsigned more_events;              /* so many more come, one for each that is read */
    bool cached;                       /* a transaction has found a table, */
    uint64_t cached_table;             /* this one, which holds until it is invalidated */
    size_t unpredictable;              /* writes whose effect the architecture leaves open */
    size_t aborted;                    /* transactions */
    void (*interrupt)(unsigned which); /* FAKE_SMMU_EVENT or FAKE_SMMU_ERROR, a pulse; NULL: nowhere */

    struct fake_smmu_command commands[FAKE_SMMU_COMMANDS_MAX];
    size_t command_count;
};

extern struct fake_smmu fake_smmu;

/** Puts an SMMU, as a firmware that used it may leave it, into the machine: translating, with messages for interrupts.
 */
void fake_smmu_init(void);

/** @return what becomes of a device's transaction now: FAKE_SMMU_ABORTS, FAKE_SMMU_BYPASSES or a stream table's address
 */
uint64_t fake_smmu_transaction(void);

/** A transaction is refused: an event, lost when the queue is off or full. */
void fake_smmu_fault(uint32_t stream, uint8_t kind, uint64_t address);

/** An error comes up (bits of SMMU_GERROR). */
void fake_smmu_error(uint32_t bits);

#endif
