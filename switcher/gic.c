// SPDX-License-Identifier: BSD-3-Clause
#include "gic.h"

#include "console.h"
#include "gic_hardware.h"

/* Far more readings than any GIC needs to take a write in; only a broken one gets there. */
#define WAIT_READINGS 1000000u
/* ICC_SGI1R_EL1 without its reserved bits: Aff3, RS, IRM, Aff2, INTID, Aff1, TargetList. */
#define SGI_FIELDS UINT64_C(0x00fff1ff0fffffff)
#define INTID_MAINTENANCE 25u

struct gic_hardware gic;

void gic_wait_clear(uint64_t address, uint32_t bits) {
    for (uint32_t i = 0; i < WAIT_READINGS; i++) {
        if ((arch_read32(address) & bits) == 0)
            return;
        arch_relax();
    }
    console_print("flipside: GIC register 0x%lx keeps bits 0x%x set\n", address, bits);
}

uint64_t gic_route_value(uint8_t route) {
    return route == GIC_ROUTE_ANY ? GICD_IROUTER_ANY : gic.handover->cpus[route % HANDOVER_CPUS_MAX].mpidr;
}

uint32_t gic_edges(uint64_t config) {
    uint64_t x = (config >> 1) & UINT64_C(0x5555555555555555);
    x = (x | x >> 1) & UINT64_C(0x3333333333333333);
    x = (x | x >> 2) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    x = (x | x >> 4) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x | x >> 8) & UINT64_C(0x0000ffff0000ffff);
    return (uint32_t)(x | x >> 16);
}

uint64_t gic_config_bits(uint32_t intids) {
    uint64_t x = intids;
    x = (x | x << 16) & UINT64_C(0x0000ffff0000ffff);
    x = (x | x << 8) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x | x << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    x = (x | x << 2) & UINT64_C(0x3333333333333333);
    x = (x | x << 1) & UINT64_C(0x5555555555555555);
    return x << 1;
}

static bool is_own(uint32_t intid) { return (gic.own[intid / 32] >> (intid % 32) & 1) != 0; }

static void own(uint32_t intid) {
    if (intid < GIC_INTID_NONE)
        gic.own[intid / 32] |= UINT32_C(1) << (intid % 32);
}

static void own_edge(uint32_t intid) {
    own(intid);
    gic.own_edges[intid / 32 % GIC_WORDS] |= UINT32_C(1) << (intid % 32);
}

static void find_own_interrupts(const struct handover *handover) {
    own(GIC_SGI_STOP);
    own(INTID_MAINTENANCE);
    own(handover->hypervisor_timer_intid);
    if (handover->power_key.base != 0)
        own(handover->power_key.intid);
    if (handover->keyboard.base != 0)
        own(handover->keyboard.intid);
    if (handover->clock.base != 0)
        own(handover->clock.intid);
    if (handover->smmu.base != 0) {
        own_edge(handover->smmu.event_intid);
        own_edge(handover->smmu.error_intid);
    }
}

/** @return affinity as GICR_TYPER has it in bits 63:32 (Aff3:Aff2:Aff1:Aff0) */
static uint32_t packed_affinity(uint64_t mpidr) {
    return (uint32_t)(mpidr & 0xffffff) | (uint32_t)(mpidr >> 32 & 0xff) << 24;
}

static void note_redistributor(uint64_t base, uint32_t affinity) {
    for (unsigned cpu = 0; cpu < gic.handover->cpu_count; cpu++)
        if (packed_affinity(gic.handover->cpus[cpu].mpidr) == affinity)
            gic.redistributor[cpu] = base;
}

/** Reads no further than the frame that says it is the last: what follows may abort. */
static void walk_region(const struct handover_range *region) {
    uint64_t offset = 0;
    while (region->size >= GICR_FRAMES_SIZE && offset <= region->size - GICR_FRAMES_SIZE) {
        uint64_t typer = arch_read64(region->base + offset + GICR_TYPER);
        note_redistributor(region->base + offset, (uint32_t)(typer >> 32));
        if ((typer & GICR_TYPER_LAST) != 0)
            return;
        /* GICv4 has two more frames a CPU (IHI 0069, 12.10). */
        offset += (typer & GICR_TYPER_VLPIS) != 0 ? 2 * GICR_FRAMES_SIZE : GICR_FRAMES_SIZE;
    }
}

static void find_redistributors(const struct handover *handover) {
    for (uint32_t i = 0; i < handover->gic.redistributor_region_count; i++)
        walk_region(&handover->gic.redistributor_regions[i]);
    for (unsigned cpu = 0; cpu < handover->cpu_count; cpu++)
        if (gic.redistributor[cpu] == 0)
            console_print("flipside: CPU %u has no redistributor\n", cpu);
}

static uint8_t initial_priority(uint32_t intid) { return is_own(intid) ? GIC_PRIORITY_SWITCHER : GIC_PRIORITY_RESET; }

void gic_local_reset(struct gic_local_state *local) {
    /* Some PPIs' trigger is fixed: start from what the hardware says, for any CPU's are alike. */
    uint32_t config = gic.initial.local[0].config;
    *local = (struct gic_local_state){.config = config};
    for (uint32_t intid = 0; intid < 32; intid++)
        local->priority[intid] = initial_priority(intid);
}

/** Everything but the allowed interrupts and the routes of SPIs. */
static void reset_common(struct gic_state *state) {
    __builtin_memset(state, 0, sizeof *state);
    for (uint32_t intid = 0; intid < GIC_INTIDS; intid++)
        state->priority[intid] = initial_priority(intid);
    for (unsigned word = 1; word < GIC_WORDS; word++)
        state->config[word] = gic_config_bits(gic.own_edges[word]);
    for (unsigned cpu = 0; cpu < HANDOVER_CPUS_MAX; cpu++)
        gic_local_reset(&state->local[cpu]);
}

void gic_state_reset(struct gic_state *state, const struct handover_persona *persona, unsigned cpu) {
    reset_common(state);
    for (unsigned word = 1; word < gic.words; word++)
        state->allowed[word] = persona->spi_allowed[word] & ~gic.own[word];
    state->allowed[GIC_WORDS - 1] &= 0x0fffffff; /* 1020 to 1023 are no interrupts */
    /* What is not the persona's keeps one route in every state, so that no switch ever writes it. */
    for (uint32_t intid = 32; intid < GIC_INTID_NONE; intid++)
        if ((state->allowed[intid / 32] >> (intid % 32) & 1) != 0)
            state->route[intid] = (uint8_t)cpu;
}

/** ARE is never taken back once set (IHI 0069, 12.9.4), and changed only while no group is enabled. */
static void enable_affinity_routing(void) {
    uint64_t ctlr = gic.distributor + GICD_CTLR;
    arch_write32(ctlr, arch_read32(ctlr) & (GICD_CTLR_ARE | GICD_CTLR_DS));
    gic_wait_distributor();
    arch_write32(ctlr, GICD_CTLR_ARE | GICD_CTLR_DS);
    gic_wait_distributor();
}

static void reset_spis(void) {
    for (unsigned word = 1; word < gic.words; word++)
        arch_write32(gic_word(GIC_ICENABLER, word), UINT32_MAX);
    gic_wait_distributor();
    for (unsigned word = 1; word < gic.words; word++) {
        arch_write32(gic_word(GIC_ICPENDR, word), UINT32_MAX);
        arch_write32(gic_word(GIC_ICACTIVER, word), UINT32_MAX);
        arch_write32(gic_word(GIC_IGROUPR, word), ~gic.own[word]);
        uint64_t config = gic_config_bits(gic.own_edges[word]);
        arch_write32(gic_word(GIC_ICFGR, 2 * word), (uint32_t)config);
        arch_write32(gic_word(GIC_ICFGR, 2 * word + 1), (uint32_t)(config >> 32));
    }
}

static void set_initial_state(void) {
    uint32_t end = gic.words * 32 < GIC_INTID_NONE ? gic.words * 32 : GIC_INTID_NONE;
    reset_common(&gic.initial);
    for (uint32_t intid = 32; intid < end; intid++) {
        arch_write8(gic.distributor + GIC_IPRIORITYR + intid, gic.initial.priority[intid]);
        arch_write64(gic.distributor + GICD_IROUTER + 8 * intid, gic_route_value(gic.initial.route[intid]));
    }
}

static void enable_own_spis(void) {
    for (unsigned word = 1; word < gic.words; word++)
        if (gic.own[word] != 0)
            arch_write32(gic_word(GIC_ISENABLER, word), gic.own[word]);
}

void gic_init(const struct handover *handover) {
    __builtin_memset(&gic, 0, sizeof gic);
    gic.handover = handover;
    gic.distributor = handover->gic.distributor;
    uint32_t typer = arch_read32(gic.distributor + GICD_TYPER);
    gic.words = (typer & 0x1f) + 1;
    gic.one_of_n = (typer & GICD_TYPER_NO1N) == 0;
    find_own_interrupts(handover);
    find_redistributors(handover);
    enable_affinity_routing();
    reset_spis();
    set_initial_state();
    gic.switcher_route = HANDOVER_CPUS_MAX;
    (void)gic_route_switcher(handover->boot_cpu);
    enable_own_spis();
    arch_write32(gic.distributor + GICD_CTLR, GICD_CTLR_SWITCHER);
    gic_wait_distributor();
    if ((arch_read32(gic.distributor + GICD_CTLR) & GICD_CTLR_DS) == 0)
        console_print("flipside: the interrupt controller has two security states; the attention keys will not work\n");
}

void gic_wake_redistributor(void) {
    uint64_t base = gic.redistributor[arch_cpu_index()];
    if (base == 0)
        return;
    uint32_t waker = arch_read32(base + GICR_WAKER);
    if ((waker & (GICR_WAKER_PROCESSOR_SLEEP | GICR_WAKER_CHILDREN_ASLEEP)) == 0)
        return;
    arch_write32(base + GICR_WAKER, waker & ~GICR_WAKER_PROCESSOR_SLEEP);
    gic_wait_clear(base + GICR_WAKER, GICR_WAKER_CHILDREN_ASLEEP);
}

/** LPIs that the firmware used would go on reading and writing tables in a persona's memory. */
static void disable_lpis(unsigned cpu) {
    uint64_t ctlr = gic.redistributor[cpu] + GICR_CTLR;
    uint32_t value = arch_read32(ctlr);
    if ((value & GICR_CTLR_ENABLE_LPIS) == 0)
        return;
    arch_write32(ctlr, value & ~GICR_CTLR_ENABLE_LPIS);
    gic_wait_redistributor(cpu);
}

static void reset_redistributor(unsigned cpu) {
    arch_write32(gic_local(cpu, GIC_ICENABLER), UINT32_MAX);
    gic_wait_redistributor(cpu);
    arch_write32(gic_local(cpu, GIC_ICPENDR), UINT32_MAX);
    arch_write32(gic_local(cpu, GIC_ICACTIVER), UINT32_MAX);
    arch_write32(gic_local(cpu, GIC_IGROUPR), ~gic.own[0]);
    arch_write32(gic_local(cpu, GIC_ICFGR + 4), 0);
    gic.initial.local[0].config = arch_read32(gic_local(cpu, GIC_ICFGR + 4)) & (uint32_t)GIC_CONFIG_EDGES;
    for (uint32_t intid = 0; intid < 32; intid++)
        arch_write8(gic_local(cpu, GIC_IPRIORITYR + intid), initial_priority(intid));
    arch_write32(gic_local(cpu, GIC_ISENABLER), gic.own[0] & ~(UINT32_C(1) << INTID_MAINTENANCE));
}

void gic_cpu_init(struct gic_state *state, bool reset) {
    unsigned cpu = arch_cpu_index();
    if (gic.redistributor[cpu] == 0)
        return;
    gic_wake_redistributor();
    disable_lpis(cpu);
    reset_redistributor(cpu);
    if (reset)
        gic_local_reset(&state->local[cpu]);
    else
        gic_local_load(cpu, &state->local[cpu]);
    arch_icc_init();
}

bool gic_find_redistributor(uint64_t address, unsigned *cpu, uint32_t *offset) {
    for (unsigned i = 0; i < gic.handover->cpu_count; i++) {
        uint64_t base = gic.redistributor[i];
        if (base == 0 || address < base || address - base >= GICR_FRAMES_SIZE)
            continue;
        *cpu = i;
        *offset = (uint32_t)(address - base);
        return true;
    }
    return false;
}

void gic_send_sgi(uint64_t value) {
    if ((value >> 24 & 0xf) == GIC_SGI_STOP)
        return;
    arch_icc_sgi1r(value & SGI_FIELDS);
}

void gic_send_stop(unsigned cpu) {
    uint64_t mpidr = gic.handover->cpus[cpu].mpidr;
    uint64_t aff3 = mpidr >> 32 & 0xff, aff2 = mpidr >> 16 & 0xff, aff1 = mpidr >> 8 & 0xff, aff0 = mpidr & 0xff;
    uint64_t range = aff0 / 16;
    arch_icc_sgi0r(aff3 << 48 | range << 44 | aff2 << 32 | (uint64_t)GIC_SGI_STOP << 24 | aff1 << 16 |
                   UINT64_C(1) << (aff0 % 16));
}

static void write_spi(uint32_t offset, uint32_t intid) {
    if (intid >= 32 && intid < gic.words * 32 && intid < GIC_INTID_NONE)
        arch_write32(gic_word(offset, intid / 32), UINT32_C(1) << (intid % 32));
}

void gic_pend(uint32_t intid) { write_spi(GIC_ISPENDR, intid); }

void gic_unpend(uint32_t intid) { write_spi(GIC_ICPENDR, intid); }

void gic_pend_suspended(struct gic_state *state, uint32_t intid) {
    state->pending[intid / 32 % GIC_WORDS] |= UINT32_C(1) << (intid % 32);
}

bool gic_route_switcher(unsigned cpu) {
    if (gic.switcher_route == cpu)
        return false;
    gic.switcher_route = cpu;
    for (uint32_t intid = 32; intid < gic.words * 32; intid++)
        if (is_own(intid))
            arch_write64(gic.distributor + GICD_IROUTER + 8 * intid, gic.handover->cpus[cpu].mpidr);
    return true;
}

unsigned gic_switcher_cpu(void) { return gic.switcher_route; }

bool gic_persona_interrupt_pending(void) { return arch_icc_hppir1() < GIC_INTID_NONE; }
