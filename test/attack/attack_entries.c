// SPDX-License-Identifier: BSD-3-Clause
/* Entries that are not the persona's own, given to CPU_ON and SYSTEM_SUSPEND. */
#include "attack.h"
#include "machine.h"

static void try_entry(const char *name, uint64_t entry) {
    int64_t result = psci(PSCI_SYSTEM_SUSPEND, entry, 0, 0);
    attack_try();
    if (result != PSCI_INVALID_ADDRESS)
        attack_broken("SYSTEM_SUSPEND to %s, 0x%lx: %ld", name, entry, (long)result);
    for (unsigned cpu = 0; cpu < machine.cpu_count; cpu++) {
        result = psci(PSCI_CPU_ON, machine.cpus[cpu], entry, 0);
        attack_try();
        if (result != PSCI_INVALID_ADDRESS)
            attack_broken("CPU_ON of CPU %u to %s, 0x%lx: %ld", cpu, name, entry, (long)result);
        /* 32 bits of it may be an address of the persona's own; then it must be that, with no more bits. */
    }
}

static void expect(const char *name, int64_t result, int64_t expected) {
    attack_try();
    if (result != expected)
        attack_broken("%s: %ld", name, (long)result);
}

static void attack(const struct attack_arguments *arguments) {
    uint64_t base = machine.memory_base, end = base + machine.memory_size;
    (void)arguments;
    for (unsigned i = 0; i < attack_target_count; i++) {
        const struct attack_target *target = &attack_targets[i];
        try_entry(target->name, target->first & ~UINT64_C(3));
        try_entry(target->name, target->last & ~UINT64_C(3));
        try_entry(target->name, (target->first & ~UINT64_C(3)) | UINT64_C(1) << 63);
    }
    try_entry("own, unaligned", base + 1);
    try_entry("own, unaligned", base + 2);
    try_entry("own, unaligned", base + 3);
    try_entry("before its own", base - 4);
    try_entry("after its own", end);
    try_entry("its own last bytes", end - 1);
    try_entry("its own with a high bit", base | UINT64_C(1) << 48);
    try_entry("the highest", ~UINT64_C(3));
    expect("CPU_ON of no CPU", psci(PSCI_CPU_ON, 0x7f, base, 0), PSCI_INVALID_PARAMETERS);
    expect("CPU_ON with bits beside the affinity", psci(PSCI_CPU_ON, machine.cpus[0] | UINT64_C(1) << 31, base, 0),
           PSCI_INVALID_PARAMETERS);
    expect("CPU_ON of this CPU", psci(PSCI_CPU_ON, machine.cpus[0], (uint64_t)(uintptr_t)park, 0), PSCI_ALREADY_ON);
    expect("CPU_OFF of the last CPU", psci(PSCI_CPU_OFF, 0, 0, 0), PSCI_DENIED);
}

ATTACK(entries, "entries", attack, "(at all targets)");
