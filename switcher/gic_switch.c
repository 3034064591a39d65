// SPDX-License-Identifier: BSD-3-Clause
#include "gic_hardware.h"

/*
 * The hot path of a flip. The personas' shadows are compared eight bytes at a time and only what differs is written;
 * the only register read for each word is ISPENDR, and that only where the leaving persona could have left a latched
 * edge.
 */

/** Both tables are aligned to 8 bytes; -mstrict-align needs to be told. */
static inline uint64_t load_eight(const uint8_t *bytes) {
    uint64_t value;
    __builtin_memcpy(&value, __builtin_assume_aligned(bytes, 8), 8);
    return value;
}

/** @return which of the leaving persona's enabled interrupts can stay enabled: those that the entering one has just so
 */
static inline uint32_t staying(uint32_t from_enable, uint32_t to_enable, bool same_config) {
    return same_config ? from_enable & to_enable : 0;
}

/** Writes the bitmap words that are not 0; the others would change nothing. */
static inline void write_bits(uint64_t address, uint32_t bits) {
    if (bits != 0)
        arch_write32(address, bits);
}

/** @param stay out: what was left enabled */
static void disable_spis(const struct gic_state *from, const struct gic_state *to, uint32_t stay[GIC_WORDS]) {
    for (unsigned word = 1; word < gic.words; word++) {
        stay[word] = staying(from->enable[word], to->enable[word], from->config[word] == to->config[word]);
        write_bits(gic_word(GIC_ICENABLER, word), from->enable[word] & ~stay[word]);
    }
}

static void save_pending_spis(struct gic_state *from) {
    for (unsigned word = 1; word < gic.words; word++) {
        if ((from->enable[word] | from->config[word]) == 0)
            continue;
        uint32_t pending = arch_read32(gic_word(GIC_ISPENDR, word)) & from->allowed[word];
        /* What is level triggered asks again by itself. */
        from->pending[word] = pending != 0 ? pending & gic_edges(from->config[word]) : 0;
    }
    /* The press that the button stood for is answered by this flip; kept, it would flip back at the return. */
    uint32_t button = gic.handover->flip_button_intid;
    from->pending[button / 32 % GIC_WORDS] &= ~(UINT32_C(1) << (button % 32));
}

/** Nothing that the leaving persona had pending or active is seen by the entering one, enabled or not. */
static void clear_spis(const struct gic_state *from, const struct gic_state *to) {
    for (unsigned word = 1; word < gic.words; word++) {
        uint32_t persona = from->allowed[word] | to->allowed[word];
        if (persona == 0)
            continue;
        arch_write32(gic_word(GIC_ICPENDR, word), persona);
        arch_write32(gic_word(GIC_ICACTIVER, word), persona);
    }
}

static void configure_spis(const struct gic_state *from, const struct gic_state *to) {
    for (unsigned word = 1; word < gic.words; word++) {
        if (from->config[word] == to->config[word])
            continue;
        arch_write32(gic_word(GIC_ICFGR, 2 * word), (uint32_t)to->config[word]);
        arch_write32(gic_word(GIC_ICFGR, 2 * word + 1), (uint32_t)(to->config[word] >> 32));
    }
}

/** The switcher's own bytes are the same in every state, so writing whole words never changes them. */
static void write_priorities(uint64_t address, const uint8_t *from, const uint8_t *to, uint32_t count) {
    for (uint32_t i = 0; i < count; i += 8) {
        uint64_t value = load_eight(to + i);
        if (value == load_eight(from + i))
            continue;
        arch_write32(address + i, (uint32_t)value);
        arch_write32(address + i + 4, (uint32_t)(value >> 32));
    }
}

static void write_eight_routes(const uint8_t *from, const uint8_t *to, uint32_t intid) {
    for (uint32_t i = intid; i < intid + 8; i++)
        if (from[i] != to[i])
            arch_write64(gic.distributor + GICD_IROUTER + 8 * i, gic_route_value(to[i]));
}

static void write_routes(const uint8_t *from, const uint8_t *to) {
    for (uint32_t intid = 32; intid < gic.words * 32; intid += 8)
        if (load_eight(from + intid) != load_eight(to + intid))
            write_eight_routes(from, to, intid);
}

static void write_control(const struct gic_state *from, const struct gic_state *to) {
    if (from->control == to->control)
        return;
    arch_write32(gic.distributor + GICD_CTLR, GICD_CTLR_SWITCHER | to->control);
    gic_wait_distributor();
}

static void enable_spis(struct gic_state *to, const uint32_t stay[GIC_WORDS]) {
    for (unsigned word = 1; word < gic.words; word++) {
        write_bits(gic_word(GIC_ISENABLER, word), to->enable[word] & ~stay[word]);
        write_bits(gic_word(GIC_ISPENDR, word), to->pending[word]);
        to->pending[word] = 0;
    }
}

static uint32_t local_edges(const struct gic_local_state *local) {
    return 0xffffu | gic_edges((uint64_t)local->config << 32);
}

/** Takes SGIs and PPIs away from a persona. @return what was left enabled */
static uint32_t leave_local(unsigned cpu, struct gic_local_state *from, const struct gic_local_state *to) {
    uint32_t stay = staying(from->enable, to->enable, from->config == to->config);
    write_bits(gic_local(cpu, GIC_ICENABLER), from->enable & ~stay);
    gic_wait_redistributor(cpu);
    from->pending = arch_read32(gic_local(cpu, GIC_ISPENDR)) & ~gic.own[0] & local_edges(from);
    arch_write32(gic_local(cpu, GIC_ICPENDR), ~gic.own[0]);
    arch_write32(gic_local(cpu, GIC_ICACTIVER), ~gic.own[0]);
    return stay;
}

static void enter_local(unsigned cpu, const struct gic_local_state *from, struct gic_local_state *to, uint32_t stay) {
    if (from->config != to->config)
        arch_write32(gic_local(cpu, GIC_ICFGR + 4), to->config);
    write_priorities(gic_local(cpu, GIC_IPRIORITYR), from->priority, to->priority, 32);
    write_bits(gic_local(cpu, GIC_ISENABLER), to->enable & ~stay);
    write_bits(gic_local(cpu, GIC_ISPENDR), to->pending);
    to->pending = 0;
}

void gic_local_load(unsigned cpu, struct gic_local_state *local) {
    struct gic_local_state reset;
    gic_local_reset(&reset);
    enter_local(cpu, &reset, local, leave_local(cpu, &reset, local));
}

void gic_switch(struct gic_state *from, struct gic_state *to) {
    unsigned cpu = arch_cpu_index();
    uint32_t stay[GIC_WORDS];
    if (from == NULL)
        from = &gic.initial;
    /*
     * Disabled first: the trigger of an enabled interrupt must not change (IHI 0069, GICD_ICFGR). The wait is for what
     * the persona itself disabled just before, too.
     */
    disable_spis(from, to, stay);
    gic_wait_distributor();
    save_pending_spis(from);
    clear_spis(from, to);
    configure_spis(from, to);
    write_priorities(gic.distributor + GIC_IPRIORITYR + 32, from->priority + 32, to->priority + 32,
                     (gic.words - 1) * 32);
    write_routes(from->route, to->route);
    write_control(from, to);
    if (gic.redistributor[cpu] != 0)
        enter_local(cpu, &from->local[cpu], &to->local[cpu], leave_local(cpu, &from->local[cpu], &to->local[cpu]));
    enable_spis(to, stay);
    gic_route_switcher(cpu);
    arch_icc_init();
}
