// SPDX-License-Identifier: BSD-3-Clause
#ifndef SWITCHER_SMMU_H
#define SWITCHER_SMMU_H

/**
 * SMMUv3 (IHI 0070): every stream behind it is translated by the running persona's stage 2, or blocked.
 *
 * The loader builds one stream table a persona, in which every stream has that persona's stage-2 tables; the switcher
 * only says which table is in force. Between two personas the SMMU is off with GBPA.ABORT set: every transaction
 * aborts. All need the switcher lock. A board without an SMMU has base 0; then these functions do nothing.
 */

#include "arch.h"
#include "switcher/handover.h"

enum smmu_error {
    SMMU_OK = 0,
    SMMU_NOT_BLOCKED, /* it does not say that it blocks; nothing may run while devices reach all memory */
    SMMU_UNSUITABLE,  /* it lacks what one stage 2 a stream needs; it stays blocked */
    SMMU_NO_ANSWER,   /* its queues or interrupts do not come up; it stays blocked */
};

/** What the event queue told of one refused transaction. */
struct smmu_fault {
    uint32_t stream;  /* StreamID; behind a PCI host bridge, the requester ID */
    uint32_t kind;    /* event number (IHI 0070, 7.3): 0x10 translation, 0x13 permission, ... */
    uint64_t address; /* input address, 0 where the event has none */
};

/**
 * Takes the SMMU over from the firmware (IHI 0070, 3.11): queues of the switcher's own, everything blocked.
 * @return SMMU_OK or why it cannot be used
 */
__attribute__((warn_unused_result)) enum smmu_error smmu_init(const struct handover *handover);

/** @return the error's text, one line without a full stop; never NULL */
const char *smmu_error_text(enum smmu_error error);

/**
 * Blocks every stream. What devices had in flight is over when it returns, and every event of before is in the queue.
 * Does not return before the SMMU says that it blocks.
 */
void smmu_block(void);

/**
 * Has every stream translated by a persona's tables; nothing cached of another's remains. Does nothing when it is not
 * blocked: the persona then is the one that it was opened for. An SMMU that does not answer stays blocked from then on,
 * and the user is told.
 * @param persona index
 */
void smmu_open(unsigned persona);

/** @return whether this is an interrupt of the SMMU's own */
bool smmu_is_interrupt(uint32_t intid);

/**
 * Takes one fault from the event queue.
 * @param fault filled
 * @return false: there is none left. Overflow of the queue is counted by smmu_lost()
 */
__attribute__((warn_unused_result)) bool smmu_next_fault(struct smmu_fault *fault);

/** @return how often events were lost, because the queue was full or could not be written: faults beyond those told */
uint64_t smmu_lost(void);

#endif
