// SPDX-License-Identifier: BSD-3-Clause
#include "cpu.h"

#include "gic.h"
#include "psci.h"
#include "switcher.h"

extern const char _start[];

static uint32_t ordered_to_stop[HANDOVER_CPUS_MAX];

static uint64_t one_second_on(void) { return arch_counter() + arch_counter_frequency(); }

bool cpu_is_off(unsigned cpu) {
    return arch_smc(PSCI_AFFINITY_INFO_64, switcher.handover->cpus[cpu].mpidr, 0, 0) == PSCI_AFFINITY_OFF;
}

bool cpu_wait_until_off(unsigned cpu) {
    uint64_t deadline = one_second_on();
    while (!cpu_is_off(cpu)) {
        if (arch_counter() > deadline)
            return false;
        arch_relax();
    }
    return true;
}

enum cpu_error cpu_power_on(unsigned cpu) {
    if (!cpu_wait_until_off(cpu))
        return CPU_DOES_NOT_STOP;
    __atomic_store_n(&ordered_to_stop[cpu], 0, __ATOMIC_RELEASE);
    int64_t result = arch_smc(PSCI_CPU_ON_64, switcher.handover->cpus[cpu].mpidr, (uint64_t)(uintptr_t)_start,
                              (uint64_t)(uintptr_t)switcher.handover);
    return result == PSCI_SUCCESS ? CPU_OK : CPU_FIRMWARE;
}

void cpu_order_off(unsigned cpu) { __atomic_store_n(&ordered_to_stop[cpu], 1, __ATOMIC_RELEASE); }

enum cpu_error cpu_stop_others(void) {
    unsigned self = arch_cpu_index();
    enum cpu_error error = CPU_OK;
    for (unsigned cpu = 0; cpu < switcher.handover->cpu_count; cpu++) {
        if (cpu == self)
            continue;
        /* One that the firmware has not told of as on yet is ordered too. */
        cpu_order_off(cpu);
        if (!cpu_is_off(cpu))
            gic_send_stop(cpu);
    }
    for (unsigned cpu = 0; cpu < switcher.handover->cpu_count; cpu++)
        if (cpu != self && !cpu_wait_until_off(cpu))
            error = CPU_DOES_NOT_STOP;
    return error;
}

void cpu_stop_if_ordered(void) {
    if (__atomic_load_n(&ordered_to_stop[arch_cpu_index()], __ATOMIC_ACQUIRE) == 0)
        return;
    /* Some emulators reset the timer with the CPU but not its interrupt, which would then stay pending for ever. */
    arch_timer_stop();
    /* Nothing runs on it any more, so if the firmware does not take it, it must stay here all the same. */
    for (;;) {
        (void)arch_smc(PSCI_CPU_OFF, 0, 0, 0);
        arch_wait_for_interrupt();
    }
}

int cpu_find(uint64_t mpidr) {
    for (unsigned cpu = 0; cpu < switcher.handover->cpu_count; cpu++)
        if (switcher.handover->cpus[cpu].mpidr == mpidr)
            return (int)cpu;
    return -1;
}
