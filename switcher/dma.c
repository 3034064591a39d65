// SPDX-License-Identifier: BSD-3-Clause
#include "dma.h"

#include "console.h"
#include "gic.h"
#include "log.h"
#include "smmu.h"
#include "switcher.h"

enum {
    FAULTS_TOLD = 8,     /* per persona; the rest are counted */
    FAULTS_AT_ONCE = 64, /* as many as the queue holds */
};

static void report(const struct smmu_fault *fault) {
    log_count(COUNT_DMA_FAULT, switcher.running);
    log_add(LOG_DMA_FAULT, switcher.running, fault->address, (uint64_t)fault->stream << 32 | fault->kind);
    if (log_counted(COUNT_DMA_FAULT, switcher.running) > FAULTS_TOLD)
        return;
    /* Behind a PCI host the StreamID is the requester: bus, device and function (PCI 3.0, 3.2.2.3). */
    console_print(
        "flipside: device %x:%x.%u of %s reached for 0x%lx, which is not the persona's; refused (event 0x%x)\n",
        fault->stream >> 8 & 0xff, fault->stream >> 3 & 0x1f, fault->stream & 7, running_persona()->description->name,
        fault->address, fault->kind);
}

static bool report_some(void) {
    struct smmu_fault fault;
    for (unsigned i = 0; i < FAULTS_AT_ONCE; i++) {
        if (!smmu_next_fault(&fault))
            return false;
        report(&fault);
    }
    return true;
}

void dma_report_faults(void) {
    uint64_t lost = smmu_lost();
    /* A device that never ends must not keep the keys waiting; the queue's interrupt only tells that it is no longer
     * empty. */
    if (report_some())
        gic_pend(switcher.handover->smmu.event_intid);
    if (smmu_lost() != lost && smmu_lost() <= FAULTS_TOLD)
        console_print("flipside: devices of %s reached out more often than was recorded\n",
                      running_persona()->description->name);
}

void dma_block(void) {
    smmu_block();
    dma_report_faults();
}
