// SPDX-License-Identifier: BSD-3-Clause
#include "gic_hardware.h"

/*
 * A persona's writes to the distributor and to the redistributors. Each is reduced to the interrupts that are the
 * persona's; what is left is kept in its state and carried out. Reads are not trapped.
 */

/** One set of registers for 32 interrupts, with the state behind it. */
struct bank {
    uint64_t base;    /* address of offset 0 of the frame */
    uint32_t word;    /* INTIDs from 32 * word on */
    uint32_t allowed; /* which of them are the persona's */
    uint32_t *enable;
    uint8_t *priority; /* of INTID 32 * word */
};

/** Offsets 0x080 to 0x3ff: registers of one bit an interrupt. Groups are the switcher's to set. */
static void write_bitmap(const struct bank *bank, uint32_t offset, uint32_t value) {
    uint32_t bits = value & bank->allowed;
    switch (offset) {
    case GIC_ISENABLER:
        *bank->enable |= bits;
        break;
    case GIC_ICENABLER:
        *bank->enable &= ~bits;
        break;
    case GIC_ISPENDR:
    case GIC_ICPENDR:
    case GIC_ISACTIVER:
    case GIC_ICACTIVER:
        break;
    default:
        return;
    }
    if (bits != 0)
        arch_write32(bank->base + offset + bank->word * 4, bits);
}

static uint8_t limited_priority(uint8_t priority) {
    return priority < GIC_PRIORITY_HIGHEST ? GIC_PRIORITY_HIGHEST : priority;
}

/** @param first INTID modulo 32 of the first byte @param size bytes, 1 or 4 */
static void write_priority(const struct bank *bank, uint32_t first, unsigned size, uint64_t value) {
    for (unsigned i = 0; i < size; i++) {
        uint32_t intid = first + i;
        if ((bank->allowed >> intid & 1) == 0)
            continue;
        bank->priority[intid] = limited_priority((uint8_t)(value >> (8 * i)));
        arch_write8(bank->base + GIC_IPRIORITYR + bank->word * 32 + intid, bank->priority[intid]);
    }
}

/** @return the configuration that the hardware took: some interrupts' trigger is fixed */
static uint32_t write_config(uint64_t address, uint32_t old, uint32_t writable, uint64_t value) {
    if (writable == 0)
        return old;
    arch_write32(address, (old & ~writable) | ((uint32_t)value & writable));
    return arch_read32(address) & (uint32_t)GIC_CONFIG_EDGES;
}

static struct bank spi_bank(struct gic_state *state, uint32_t word) {
    return (struct bank){.base = gic.distributor,
                         .word = word,
                         .allowed = state->allowed[word],
                         .enable = &state->enable[word],
                         .priority = &state->priority[32 * word]};
}

/** @param index of the ICFGR register: 16 INTIDs each */
static void write_spi_config(struct gic_state *state, uint32_t index, uint64_t value) {
    uint64_t *config = &state->config[index / 2];
    unsigned shift = index % 2 * 32;
    uint32_t writable = (uint32_t)(gic_config_bits(state->allowed[index / 2]) >> shift);
    uint32_t taken = write_config(gic_word(GIC_ICFGR, index), (uint32_t)(*config >> shift), writable, value);
    *config = (*config & ~(UINT64_C(0xffffffff) << shift)) | (uint64_t)taken << shift;
}

static void write_control(struct gic_state *state, uint64_t value) {
    state->control = (uint32_t)value & GICD_CTLR_ENABLE_GRP1;
    arch_write32(gic.distributor + GICD_CTLR, GICD_CTLR_SWITCHER | state->control);
}

static bool is_allowed(const struct gic_state *state, uint64_t intid) {
    return intid < GIC_INTID_NONE && (state->allowed[intid / 32] >> (intid % 32) & 1) != 0;
}

/** GICD_SETSPI_NSR, GICD_CLRSPI_NSR: the INTID is in the value. */
static void write_message(const struct gic_state *state, uint32_t offset, uint64_t value) {
    uint64_t intid = value & 0x1fff;
    if (is_allowed(state, intid))
        arch_write32(gic.distributor + offset, (uint32_t)intid);
}

/** @return whether *route was set: the value names a CPU of the machine, or any one where there is such routing */
static bool find_route(uint64_t value, uint8_t *route) {
    if (gic.one_of_n && (value & GICD_IROUTER_ANY) != 0) {
        *route = GIC_ROUTE_ANY;
        return true;
    }
    for (unsigned cpu = 0; cpu < gic.handover->cpu_count; cpu++) {
        if (gic.handover->cpus[cpu].mpidr != (value & UINT64_C(0xff00ffffff)))
            continue;
        *route = (uint8_t)cpu;
        return true;
    }
    return false;
}

/** One half leaves the other as it is. */
static uint64_t merge_half(uint64_t old, uint32_t offset, uint64_t value) {
    bool upper = offset % 8 == 4;
    return upper ? (old & 0xffffffff) | value << 32 : (old & ~UINT64_C(0xffffffff)) | (value & 0xffffffff);
}

static void write_route(struct gic_state *state, uint32_t offset, unsigned size, uint64_t value) {
    uint32_t intid = (offset - GICD_IROUTER) / 8;
    if (!is_allowed(state, intid) || size == 1)
        return;
    if (size == 4)
        value = merge_half(gic_route_value(state->route[intid]), offset, value);
    if (!find_route(value, &state->route[intid]))
        return;
    arch_write64(gic.distributor + GICD_IROUTER + 8 * intid, gic_route_value(state->route[intid]));
}

/** Registers of the distributor that are written as 32-bit words only. */
static void write_distributor_word(struct gic_state *state, uint32_t offset, uint32_t value) {
    struct bank bank = spi_bank(state, offset % 0x80 / 4);
    if (offset == GICD_CTLR)
        write_control(state, value);
    else if (offset == GICD_SETSPI_NSR || offset == GICD_CLRSPI_NSR)
        write_message(state, offset, value);
    else if (offset >= GIC_IGROUPR && offset < GIC_IPRIORITYR)
        write_bitmap(&bank, offset & ~0x7fu, value);
    else if (offset >= GIC_ICFGR && offset < GIC_ICFGR + 0x100)
        write_spi_config(state, (offset - GIC_ICFGR) / 4, value);
}

static bool is_access(uint32_t offset, unsigned size) {
    return (size == 1 || size == 4 || size == 8) && offset % size == 0;
}

void gic_distributor_write(struct gic_state *state, uint32_t offset, unsigned size, uint64_t value) {
    if (!is_access(offset, size))
        return;
    if (offset >= GIC_IPRIORITYR && offset < GIC_IPRIORITYR + GIC_INTIDS && size != 8) {
        struct bank bank = spi_bank(state, (offset - GIC_IPRIORITYR) / 32);
        write_priority(&bank, offset % 32, size, value);
    } else if (offset >= GICD_IROUTER && offset < GICD_IROUTER + 8 * GIC_INTIDS) {
        write_route(state, offset, size, value);
    } else if (size == 4) {
        write_distributor_word(state, offset, (uint32_t)value);
    }
}

/*
 * In the RD frame a persona has nothing to say: LPIs are hidden, and its redistributor stays awake when it asks for
 * sleep (GICR_WAKER), for else no attention key would reach the CPU. To it that is a redistributor without power
 * management.
 */
void gic_redistributor_write(struct gic_state *state, unsigned cpu, uint32_t offset, unsigned size, uint64_t value) {
    if (cpu >= gic.handover->cpu_count || gic.redistributor[cpu] == 0 || offset < GICR_SGI_FRAME ||
        !is_access(offset, size))
        return;
    struct gic_local_state *local = &state->local[cpu];
    struct bank bank = {
        .base = gic_local(cpu, 0), .allowed = ~gic.own[0], .enable = &local->enable, .priority = local->priority};
    uint32_t reg = offset - GICR_SGI_FRAME;
    if (reg >= GIC_IPRIORITYR && reg < GIC_IPRIORITYR + 32 && size != 8)
        write_priority(&bank, reg % 32, size, value);
    else if (size == 4 && reg >= GIC_IGROUPR && reg < GIC_IPRIORITYR)
        write_bitmap(&bank, reg, (uint32_t)value);
    else if (size == 4 && reg == GIC_ICFGR + 4) /* SGIs, in the word before, are always edge triggered */
        local->config =
            write_config(gic_local(cpu, reg), local->config, (uint32_t)(gic_config_bits(bank.allowed) >> 32), value);
}
