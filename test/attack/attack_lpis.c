// SPDX-License-Identifier: BSD-3-Clause
/* LPIs: the redistributor would read and write tables in memory at addresses that its registers hold. */
#include "attack.h"
#include "gic.h"
#include "machine.h"

static void keep(uint64_t address, const char *name, uint64_t value, unsigned cpu) {
    uint64_t old = read64(address);
    write64(address, value);
    write32(address, (uint32_t)value);
    write32(address + 4, (uint32_t)(value >> 32));
    barrier();
    attack_try();
    if (read64(address) != old)
        attack_broken("%s of CPU %u is 0x%lx, was 0x%lx", name, cpu, read64(address), old);
}

static void attack(const struct attack_arguments *arguments) {
    uint64_t base;
    (void)arguments;
    for (unsigned cpu = 0; (base = gic_redistributor(cpu)) != 0; cpu++) {
        for (unsigned i = 0; i < attack_target_count; i++) {
            uint64_t place = attack_targets[i].first & ~UINT64_C(0xffff);
            keep(base + GICR_PROPBASER, "GICR_PROPBASER", place | 0x78f, cpu);
            keep(base + GICR_PENDBASER, "GICR_PENDBASER", place | 0x780, cpu);
            write32(base + GICR_CTLR, 1);
            barrier();
            attack_try();
            if ((read32(base + GICR_CTLR) & 1) != 0)
                attack_broken("GICR_CTLR.EnableLPIs of CPU %u", cpu);
            write64(base + GICR_SETLPIR, 8192);
        }
        uint32_t waker = read32(base + GICR_WAKER);
        write32(base + GICR_WAKER, 2);
        attack_try();
        if (read32(base + GICR_WAKER) != waker)
            attack_broken("GICR_WAKER of CPU %u is 0x%x", cpu, read32(base + GICR_WAKER));
    }
}

ATTACK(lpis, "lpis", attack, "(tables at all targets)");
