// SPDX-License-Identifier: BSD-3-Clause
/*
 * Random HVC and SMC calls. Arguments: how many (100,000), the seed. Functions that would rightly end the payload are
 * left out. Every register but x0 must come back as it was: nothing of the switcher's is in it.
 */
#include "attack.h"
#include "machine.h"
#include "random.h"

enum { CALL_REGISTERS = 18, CALLS = 100000 };

static uint64_t state;

static uint64_t next(void) { return random_next(&state); }

static uint64_t function(void) {
    static const uint32_t owners[] = {0x84000000, 0xc4000000, 0x80000000, 0xc0000000, 0x86000000, 0xc6000000};
    uint64_t random = next();
    if (random % 4 == 0)
        return random >> 8;
    uint64_t low = random % 16 == 1 ? 0x8000 | (random >> 16 & 0xff) : random >> 16 & 0x3f;
    return owners[random % 6] | low | (random % 32 == 2 ? random << 32 : 0);
}

static uint64_t argument(void) {
    uint64_t random = next(), size = machine.memory_size;
    switch (random % 8) {
    case 0:
        return machine.cpus[random / 8 % machine.cpu_count];
    case 1:
        return (uint64_t)(uintptr_t)park;
    case 2:
        return attack_target_count > 0 ? attack_targets[random / 8 % attack_target_count].first : 0;
    case 3:
        return machine.memory_base + size - random / 8 % 8;
    case 4:
        return random / 8 % 4;
    case 5:
        return UINT64_MAX - random / 8 % 4;
    default:
        return next();
    }
}

static bool in_own_partition(uint64_t address) { return address - machine.memory_base < machine.memory_size; }

/* Ends the payload, or starts code that is none. */
static bool left_out(const uint64_t *registers) {
    uint32_t id = (uint32_t)registers[0], id32 = id & ~FUNCTION_64_BIT;
    uint64_t mask = (id & FUNCTION_64_BIT) != 0 ? UINT64_MAX : UINT32_MAX;
    uint64_t start = (uint64_t)(uintptr_t)park;
    switch (id32) {
    case PSCI_SYSTEM_OFF:
    case PSCI_SYSTEM_RESET:
    case PSCI_CPU_OFF:
        return true;
    case PSCI_SYSTEM_RESET2 & ~FUNCTION_64_BIT:
        return (registers[1] & UINT32_MAX) == 0;
    case PSCI_SYSTEM_SUSPEND & ~FUNCTION_64_BIT:
        return in_own_partition(registers[1] & mask);
    case PSCI_CPU_ON & ~FUNCTION_64_BIT:
        return in_own_partition(registers[2] & mask) && (registers[2] & mask) != start;
    default:
        return false;
    }
}

/* @return whether it was made */
static bool call_once(void) {
    uint64_t registers[CALL_REGISTERS], before[CALL_REGISTERS];
    registers[0] = function();
    for (unsigned i = 1; i < CALL_REGISTERS; i++)
        registers[i] = i < 5 ? argument() : next();
    if (left_out(registers))
        return false;
    for (unsigned i = 0; i < CALL_REGISTERS; i++)
        before[i] = registers[i];
    call(registers, next() % 2 != 0);
    attack_try();
    for (unsigned i = 1; i < CALL_REGISTERS; i++)
        if (registers[i] != before[i])
            attack_broken("x%u is 0x%lx after function 0x%lx", i, registers[i], before[0]);
    return true;
}

/* The others park themselves; a CPU that stays would keep this persona from suspending. */
static void wait_for_others(void) {
    for (unsigned cpu = 1; cpu < machine.cpu_count; cpu++)
        while (psci(PSCI_AFFINITY_INFO, machine.cpus[cpu], 0, 0) != 1)
            ;
}

static void attack(const struct attack_arguments *arguments) {
    uint64_t calls = arguments->count > 0 ? arguments->values[0] : CALLS;
    uint64_t seed = arguments->count > 1 ? arguments->values[1] : RANDOM_SEED;
    state = seed != 0 ? seed : RANDOM_SEED;
    uint64_t faults = exception.count;
    /* CPU_SUSPEND waits for an interrupt: the timer's is always there, and masked. */
    __asm__ volatile("str %w0, [%1]" ::"r"(1 << 27), "r"(machine.redistributors + 0x10100) : "memory");
    WRITE_SYSREG("cntv_cval_el0", 0);
    WRITE_SYSREG("cntv_ctl_el0", 1);
    for (uint64_t made = 0; made < calls;)
        made += call_once();
    WRITE_SYSREG("cntv_ctl_el0", 0);
    __asm__ volatile("str %w0, [%1]" ::"r"(1 << 27), "r"(machine.redistributors + 0x10180) : "memory");
    wait_for_others();
    if (exception.count != faults)
        attack_broken("%lu exceptions, the last with ESR 0x%lx", exception.count - faults, exception.syndrome);
    attack_note("seed 0x%lx", seed);
}

ATTACK(calls, "calls", attack, "[NUMBER [SEED]]");
