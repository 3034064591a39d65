// SPDX-License-Identifier: BSD-3-Clause
/*
 * A persona that never gives the CPU back: each prints a line and then does not return. The key must say that the
 * persona does not answer, and a long press must end it.
 */
#include "attack.h"
#include "gic.h"
#include "machine.h"
#include "serial.h"

static void begin(const char *what) { serial_print("STUBBORN %s\n", what); }

static void attack_spin(const struct attack_arguments *arguments) {
    (void)arguments;
    begin("spins with everything masked");
    for (unsigned cpu = 1; cpu < machine.cpu_count; cpu++)
        (void)psci(PSCI_CPU_ON, machine.cpus[cpu], (uint64_t)(uintptr_t)spin, 0);
    for (;;)
        __asm__ volatile("msr daifset, #0xf");
}

ATTACK(spin, "spin", attack_spin, "(on all CPUs)");

/* The vectors are where nothing can be executed: every exception is followed by the next. */
static void attack_exceptions(const struct attack_arguments *arguments) {
    (void)arguments;
    begin("takes exceptions without end");
    WRITE_SYSREG("vbar_el1", attack_target_count > 0 ? attack_targets[0].first & ~UINT64_C(0x7ff) : 0);
    __asm__ volatile("brk #0");
}

ATTACK(exceptions, "exceptions", attack_exceptions, "(vectors at the first target)");

static void attack_doze(const struct attack_arguments *arguments) {
    (void)arguments;
    begin("sleeps with nothing to wake it");
    WRITE_SYSREG("S3_0_C12_C12_7", 0); /* ICC_IGRPEN1_EL1 */
    write32(machine.distributor + GICD_CTLR, 0);
    for (;;)
        __asm__ volatile("wfi");
}

ATTACK(doze, "doze", attack_doze, "");

/* Calls without end: another CPU's key has to get its turn at the switcher's lock. */
static void attack_caller(const struct attack_arguments *arguments) {
    (void)arguments;
    begin("calls without end");
    for (;;)
        (void)psci(PSCI_AFFINITY_INFO, machine.cpus[0], 0, 0);
}

ATTACK(caller, "caller", attack_caller, "");

/* The same without a call: each access is one that the switcher emulates or answers by an abort. */
static void attack_trapper(const struct attack_arguments *arguments) {
    (void)arguments;
    begin("traps without end");
    for (;;) {
        write32(machine.distributor + GICD_CTLR, 0x12);
        if (attack_target_count > 0)
            (void)read32(attack_targets[0].first);
    }
}

ATTACK(trapper, "trapper", attack_trapper, "");
