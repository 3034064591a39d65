// SPDX-License-Identifier: BSD-3-Clause
#ifndef SWITCHER_DMA_H
#define SWITCHER_DMA_H

/** What devices did that they must not: the SMMU's events, told, logged and counted for the running persona. */

/**
 * Takes the events that the SMMU has; what comes in meanwhile is taken at another interrupt, which it asks for. Needs
 * the switcher lock.
 */
void dma_report_faults(void);

/**
 * Blocks DMA, and then tells what the running persona's devices did before: none of it is taken for the next persona's.
 * Needs the switcher lock.
 */
void dma_block(void);

#endif
