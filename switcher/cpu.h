// SPDX-License-Identifier: BSD-3-Clause
#ifndef SWITCHER_CPU_H
#define SWITCHER_CPU_H

/** The machine's CPUs below the personas' view of them: power by the firmware's PSCI, orders to stop. */

#include "arch.h"

enum cpu_error {
    CPU_OK = 0,
    CPU_DOES_NOT_STOP, /* still on a second after it was told to stop */
    CPU_FIRMWARE,      /* the firmware refused to start it */
};

/**
 * Has the firmware start a CPU; it comes in through start.S and switcher_main.
 * Waits up to a second for a CPU that is still on its way off.
 * @param cpu index of a CPU that no persona runs on
 */
__attribute__((warn_unused_result)) enum cpu_error cpu_power_on(unsigned cpu);

/** Orders a CPU off: it goes when it next passes cpu_stop_if_ordered, as each CPU does after it released the lock. */
void cpu_order_off(unsigned cpu);

/** @return whether the firmware says that the CPU is off (AFFINITY_INFO, DEN0022 5.7) */
bool cpu_is_off(unsigned cpu);

/** Waits up to a second for a CPU that was ordered off. @return whether it is off */
bool cpu_wait_until_off(unsigned cpu);

/**
 * Turns off every CPU but this one, whatever a persona does on it, and waits until they are off.
 * @return CPU_OK or CPU_DOES_NOT_STOP. Call with the lock held.
 */
__attribute__((warn_unused_result)) enum cpu_error cpu_stop_others(void);

/**
 * Turns this CPU off if it was ordered to, and then does not return. To be called without the lock; the one who orders
 * holds it.
 */
void cpu_stop_if_ordered(void);

/** @param mpidr as a persona gives it (affinity fields, all else 0) @return index, or -1: there is no such CPU */
int cpu_find(uint64_t mpidr);

#endif
