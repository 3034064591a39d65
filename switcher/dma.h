// SPDX-License-Identifier: BSD-3-Clause
#ifndef SWITCHER_DMA_H
#define SWITCHER_DMA_H

/** What devices did that they must not: the SMMU's events, told, logged and counted for the running persona. */

/** Takes every event that the SMMU has. Needs the switcher lock. */
void dma_report_faults(void);

#endif
