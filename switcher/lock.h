// SPDX-License-Identifier: BSD-3-Clause
#ifndef SWITCHER_LOCK_H
#define SWITCHER_LOCK_H

/**
 * The switcher lock: one CPU at a time changes personas, the distributor or attention.
 *
 * A CPU that is ordered to stop while it waits for the lock stops then and there (cpu_stop_if_ordered): the CPU that
 * gave the order holds the lock and waits for it to be off.
 */

void lock_acquire(void);
void lock_release(void);

/** Takes the lock from whoever has it: only after a fault of the switcher itself. */
void lock_break(void);

#endif
