// SPDX-License-Identifier: BSD-3-Clause
#ifndef SWITCHER_QUIET_H
#define SWITCHER_QUIET_H

/** Whether the shared devices are at rest: one that still does DMA for the leaving persona must not meet the next one.
 */

#include "arch.h"
#include "switcher/handover.h"

/**
 * Looks at every device that the hand-over names, and writes Bus Master Enable 0 once more where it is 0, so that what
 * the persona has set going since stops too.
 * @param handover     checked
 * @param busy_address where the first busy device told so; left alone when all are quiet
 * @return true when all are at rest: virtio Status 0 (virtio 1.2, 4.2.2), PCI Bus Master Enable 0 (PCI 3.0, 6.2.2) or
 * no such function there
 */
__attribute__((warn_unused_result)) bool quiet_check(const struct handover *handover, uint64_t *busy_address);

/**
 * Stops every shared device, whatever it does: Bus Master Enable cleared, virtio devices reset. For a persona that ends
 * without having suspended, so that no DMA of its goes on under the next one.
 * @param handover checked
 */
void quiet_stop_devices(const struct handover *handover);

#endif
