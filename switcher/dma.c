// SPDX-License-Identifier: BSD-3-Clause
#include "dma.h"

#include "console.h"
#include "log.h"
#include "smmu.h"
#include "switcher.h"

enum { FAULTS_TOLD = 8 /* per persona; the rest are counted */ };

static void report(const struct smmu_fault *fault) {
    log_count(COUNT_DMA_FAULT, switcher.running);
    log_add(LOG_DMA_FAULT, switcher.running, fault->address, (uint64_t)fault->stream << 32 | fault->kind);
    if (log_counted(COUNT_DMA_FAULT, switcher.running) > FAULTS_TOLD)
        return;
    /* Behind a PCI host the StreamID is the requester: bus, device and function (PCI 3.0, 3.2.2.3). */
    console_print("flipside: device %x:%x.%u of %s reached for 0x%lx, which is not the persona's; refused (event 0x%x)\n",
                  fault->stream >> 8 & 0xff, fault->stream >> 3 & 0x1f, fault->stream & 7,
                  running_persona()->description->name, fault->address, fault->kind);
}

void dma_report_faults(void) {
    struct smmu_fault fault;
    while (smmu_next_fault(&fault))
        report(&fault);
}
