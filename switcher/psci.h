// SPDX-License-Identifier: BSD-3-Clause
#ifndef SWITCHER_PSCI_H
#define SWITCHER_PSCI_H

/** PSCI 1.1 (DEN0022) and SMCCC 1.1 (DEN0028) as a persona sees them; the function ids are also those of the firmware
 * below. */

#include "arch.h"

#define PSCI_VERSION UINT32_C(0x84000000)
#define PSCI_CPU_SUSPEND_32 UINT32_C(0x84000001)
#define PSCI_CPU_SUSPEND_64 UINT32_C(0xc4000001)
#define PSCI_CPU_OFF UINT32_C(0x84000002)
#define PSCI_CPU_ON_32 UINT32_C(0x84000003)
#define PSCI_CPU_ON_64 UINT32_C(0xc4000003)
#define PSCI_AFFINITY_INFO_32 UINT32_C(0x84000004)
#define PSCI_AFFINITY_INFO_64 UINT32_C(0xc4000004)
#define PSCI_MIGRATE_INFO_TYPE UINT32_C(0x84000006)
#define PSCI_SYSTEM_OFF UINT32_C(0x84000008)
#define PSCI_SYSTEM_RESET UINT32_C(0x84000009)
#define PSCI_FEATURES UINT32_C(0x8400000a)
#define PSCI_SYSTEM_SUSPEND_32 UINT32_C(0x8400000e)
#define PSCI_SYSTEM_SUSPEND_64 UINT32_C(0xc400000e)
#define PSCI_SYSTEM_RESET2_32 UINT32_C(0x84000012)
#define PSCI_SYSTEM_RESET2_64 UINT32_C(0xc4000012)

#define SMCCC_VERSION UINT32_C(0x80000000)
#define SMCCC_ARCH_FEATURES UINT32_C(0x80000001)
#define SMCCC_ARCH_WORKAROUND_1 UINT32_C(0x80008000)
#define SMCCC_ARCH_WORKAROUND_2 UINT32_C(0x80007fff)
#define SMCCC_ARCH_WORKAROUND_3 UINT32_C(0x80003fff)

/**
 * Vendor-specific (DEN0028 6): the caller gives up what only its start may reach (vttbr_start in the hand-over), until
 * it is started again. Returns 0. The unlocker's last call, with one CPU on.
 */
#define SMCCC_GIVE_UP UINT32_C(0xc6000001)

/** Return values (DEN0022 5.2.2). */
enum psci_result {
    PSCI_SUCCESS = 0,
    PSCI_NOT_SUPPORTED = -1,
    PSCI_INVALID_PARAMETERS = -2,
    PSCI_DENIED = -3,
    PSCI_ALREADY_ON = -4,
    PSCI_ON_PENDING = -5,
    PSCI_INTERNAL_FAILURE = -6,
    PSCI_NOT_PRESENT = -7,
    PSCI_DISABLED = -8,
    PSCI_INVALID_ADDRESS = -9,
};

/** AFFINITY_INFO's answers (DEN0022 5.7.3). */
enum psci_affinity { PSCI_AFFINITY_ON = 0, PSCI_AFFINITY_OFF = 1, PSCI_AFFINITY_ON_PENDING = 2 };

enum { PSCI_VERSION_1_1 = 0x10001, SMCCC_VERSION_1_1 = 0x10001 };

/**
 * Carries out one call of the running persona: function id in x0, arguments in x1 to x3; the result goes into x0, or
 * the frame becomes that of whatever this CPU is to do next. Call without the switcher lock; afterwards
 * cpu_stop_if_ordered.
 * @param frame of the HVC or SMC, ELR behind it
 */
void psci_call(struct trap_frame *frame);

#endif
