// SPDX-License-Identifier: BSD-3-Clause
/*
 * The switcher's interrupts through the distributor and the redistributors: disable, take the group, the priority, the
 * route, the trigger, pend, end. Arguments: their INTIDs. Whether the key still works is the driver's to try.
 */
#include "access.h"
#include "attack.h"
#include "gic.h"
#include "machine.h"

/** All that is set of one interrupt. */
struct setting {
    uint32_t group, enable, pending, active, priority, config;
    uint64_t route;
};

static uint32_t bit(uint64_t frame, uint32_t bank, uint32_t intid) {
    return read32(frame + bank + intid / 32 * 4) >> (intid % 32) & 1;
}

static struct setting setting_of(uint64_t frame, uint32_t intid) {
    struct setting setting = {
        .group = bit(frame, GIC_IGROUPR, intid),
        .enable = bit(frame, GIC_ISENABLER, intid),
        .pending = bit(frame, GIC_ISPENDR, intid),
        .active = bit(frame, GIC_ISACTIVER, intid),
        .priority = read32(frame + GIC_IPRIORITYR + intid / 4 * 4) >> (intid % 4 * 8) & 0xff,
        .config = read32(frame + GIC_ICFGR + intid / 16 * 4) >> (intid % 16 * 2) & 3,
    };
    if (intid >= 32)
        setting.route = read64(frame + GICD_IROUTER + 8 * (uint64_t)intid);
    return setting;
}

static void compare(const struct setting *old, uint64_t frame, uint32_t intid, const char *after) {
    struct setting now = setting_of(frame, intid);
    attack_try();
    if (now.group != old->group || now.enable != old->enable || now.priority != old->priority ||
        now.config != old->config || now.route != old->route || now.pending != old->pending ||
        now.active != old->active)
        attack_broken("INTID %u after %s: group %u enable %u priority 0x%x config %u route 0x%lx pending %u active %u",
                      intid, after, now.group, now.enable, now.priority, now.config, now.route, now.pending,
                      now.active);
}

/* Every way to store that the machine has, with a value of every width. */
static void store(uint64_t address, uint64_t value) {
    write32(address & ~UINT64_C(3), (uint32_t)value);
    __asm__ volatile("strb %w0, [%1]" ::"r"(value), "r"(address) : "memory");
    __asm__ volatile("strh %w0, [%1]" ::"r"(value), "r"(address & ~UINT64_C(1)) : "memory");
    write64(address & ~UINT64_C(7), value);
    __asm__ volatile("stp %w0, %w0, [%1]" ::"r"(value), "r"(address & ~UINT64_C(3)) : "memory");
    __asm__ volatile("stlr %w0, [%1]" ::"r"(value), "r"(address & ~UINT64_C(3)) : "memory");
    __asm__ volatile("str %w0, [%1], #4" ::"r"(value), "r"(address & ~UINT64_C(3)) : "memory");
    barrier();
}

static void attack_one(uint64_t frame, uint32_t intid) {
    static const uint32_t banks[] = {GIC_IGROUPR, GIC_ISENABLER, GIC_ICENABLER, GIC_ISPENDR,
                                     GIC_ICPENDR, GIC_ISACTIVER, GIC_ICACTIVER, 0x0d00 /* IGRPMODR */};
    static const char *const names[] = {"group",         "set-enable", "clear-enable", "set-pending",
                                        "clear-pending", "set-active", "clear-active", "group modifier"};
    struct setting old = setting_of(frame, intid);
    for (unsigned i = 0; i < sizeof(banks) / sizeof(banks[0]); i++) {
        store(frame + banks[i] + intid / 32 * 4, UINT64_MAX);
        store(frame + banks[i] + intid / 32 * 4, 0);
        store(frame + banks[i] + intid / 32 * 4, UINT64_C(1) << (intid % 32));
        store(frame + banks[i] + intid / 8, 0xff);
        compare(&old, frame, intid, names[i]);
    }
    store(frame + GIC_IPRIORITYR + intid, 0xff);
    store(frame + GIC_IPRIORITYR + intid, UINT64_MAX);
    compare(&old, frame, intid, "priority");
    store(frame + GIC_ICFGR + intid / 16 * 4, UINT64_MAX);
    store(frame + GIC_ICFGR + intid / 16 * 4, 0);
    compare(&old, frame, intid, "trigger");
    if (intid < 32)
        return;
    store(frame + GICD_IROUTER + 8 * (uint64_t)intid, UINT64_C(1) << 31 | 0xff);
    write32(frame + GICD_IROUTER + 8 * (uint64_t)intid + 4, UINT32_MAX);
    compare(&old, frame, intid, "route");
    for (uint32_t at = GICD_SETSPI_NSR; at <= 0x58; at += 8) {
        store(frame + at, intid);
        compare(&old, frame, intid, "message");
    }
}

/* All of a frame at once, twice. */
static void sweep(uint64_t frame, uint32_t first, uint32_t size) {
    for (uint32_t offset = first; offset < first + size; offset += 4) {
        write32(frame + offset, UINT32_MAX);
        write32(frame + offset, 0);
        attack_try();
    }
    barrier();
}

static void attack_control(void) {
    uint64_t control = machine.distributor + GICD_CTLR;
    uint32_t kept = read32(control) & 0x51; /* DS, ARE, EnableGrp0 */
    static const uint32_t values[] = {0, UINT32_MAX, 0x02, 0x10, 0x40, 0x80000000};
    for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        store(control, values[i]);
        attack_try();
        if ((read32(control) & 0x51) != kept)
            attack_broken("GICD_CTLR is 0x%x after 0x%x", read32(control), values[i]);
    }
}

static void all(const struct attack_arguments *arguments, const struct setting *old, const char *after) {
    for (unsigned i = 0; i < arguments->count; i++) {
        uint32_t intid = (uint32_t)arguments->values[i];
        if (intid >= 32) {
            if (after == NULL)
                attack_one(machine.distributor, intid);
            else
                compare(&old[i], machine.distributor, intid, after);
            continue;
        }
        uint64_t base;
        for (unsigned cpu = 0; after == NULL && (base = gic_redistributor(cpu)) != 0; cpu++)
            attack_one(base + GICR_SGI_FRAME, intid);
        if (after != NULL)
            compare(&old[i], gic_frame(intid), intid, after);
    }
}

static void attack(const struct attack_arguments *arguments) {
    struct setting old[ATTACK_ARGUMENTS_MAX];
    for (unsigned i = 0; i < arguments->count; i++)
        old[i] = setting_of(gic_frame((uint32_t)arguments->values[i]), (uint32_t)arguments->values[i]);
    attack_control();
    all(arguments, old, NULL);
    sweep(machine.distributor, 0, GICD_FRAME);
    all(arguments, old, "a sweep of the distributor");
    uint64_t base;
    for (unsigned cpu = 0; (base = gic_redistributor(cpu)) != 0; cpu++)
        sweep(base, 0, GICR_FRAMES);
    all(arguments, old, "a sweep of the redistributors");
    /* What is left of it is this persona's own. */
    for (uint32_t word = 1; word < 32; word++)
        write32(machine.distributor + GIC_ICENABLER + word * 4, UINT32_MAX);
    gic_open();
}

ATTACK(interrupts, "interrupts", attack, "INTID...");
