// SPDX-License-Identifier: BSD-3-Clause
#include "gic_hardware.h"

/*
 * The hot path of a flip. The personas' shadows are compared a bitmap word, 32 interrupts, at a time and only what
 * differs is written; the only register read for a word is ISPENDR, and that only where the leaving persona could have
 * left a latched edge.
 */

/** The tables are aligned to 8 bytes; -mstrict-align needs to be told. */
static inline uint64_t load_eight(const uint8_t *bytes) {
    uint64_t value;
    __builtin_memcpy(&value, __builtin_assume_aligned(bytes, 8), 8);
    return value;
}

/** @return whether the bytes of a word's 32 interrupts differ: one branch for the usual case, that they do not */
static inline bool differ(const uint8_t *from, const uint8_t *to) {
    return ((load_eight(from) ^ load_eight(to)) | (load_eight(from + 8) ^ load_eight(to + 8)) |
            (load_eight(from + 16) ^ load_eight(to + 16)) | (load_eight(from + 24) ^ load_eight(to + 24))) != 0;
}

/** Writes a bitmap register, unless it would change nothing. */
static inline void write_bits(uint64_t address, uint32_t bits) {
    if (bits != 0)
        arch_write32(address, bits);
}

/** @return which of the leaving persona's enabled interrupts stay enabled: those that the entering one has just so */
static inline uint32_t staying(uint32_t from_enable, uint32_t to_enable, bool same_config) {
    return same_config ? from_enable & to_enable : 0;
}

/** The switcher's own bytes are the same in every state, so writing whole registers never changes them. */
static void write_priorities(uint64_t address, const uint8_t *from, const uint8_t *to) {
    for (uint32_t i = 0; i < 32; i += 8) {
        uint64_t value = load_eight(to + i);
        if (value == load_eight(from + i))
            continue;
        arch_write32(address + i, (uint32_t)value);
        arch_write32(address + i + 4, (uint32_t)(value >> 32));
    }
}

/** @param stay out: what was left enabled */
static void disable_spis(const struct gic_state *from, const struct gic_state *to, uint32_t stay[GIC_WORDS]) {
    unsigned words = gic.words;
    for (unsigned word = 1; word < words; word++) {
        stay[word] = staying(from->enable[word], to->enable[word], from->config[word] == to->config[word]);
        write_bits(gic_word(GIC_ICENABLER, word), from->enable[word] & ~stay[word]);
    }
}

static inline void save_pending(struct gic_state *from, unsigned word) {
    if ((from->enable[word] | from->config[word]) == 0)
        return;
    uint32_t pending = arch_read32(gic_word(GIC_ISPENDR, word)) & from->allowed[word];
    /* What is level triggered asks again by itself. */
    from->pending[word] = pending != 0 ? pending & gic_edges(from->config[word]) : 0;
}

/** Nothing that the leaving persona had pending or active is seen by the entering one, enabled or not. */
static inline void clear(uint32_t personas, unsigned word) {
    if (personas == 0)
        return;
    arch_write32(gic_word(GIC_ICPENDR, word), personas);
    arch_write32(gic_word(GIC_ICACTIVER, word), personas);
}

static void write_config(uint64_t config, unsigned word) {
    arch_write32(gic_word(GIC_ICFGR, 2 * word), (uint32_t)config);
    arch_write32(gic_word(GIC_ICFGR, 2 * word + 1), (uint32_t)(config >> 32));
}

static void write_routes(const uint8_t *from, const uint8_t *to, uint32_t first) {
    for (uint32_t intid = first; intid < first + 32; intid++)
        if (from[intid] != to[intid])
            arch_write64(gic.distributor + GICD_IROUTER + 8 * intid, gic_route_value(to[intid]));
}

static inline void configure(const struct gic_state *from, const struct gic_state *to, unsigned word) {
    uint32_t first = word * 32;
    if (from->config[word] != to->config[word])
        write_config(to->config[word], word);
    if (differ(from->priority + first, to->priority + first))
        write_priorities(gic.distributor + GIC_IPRIORITYR + first, from->priority + first, to->priority + first);
    if (differ(from->route + first, to->route + first))
        write_routes(from->route, to->route, first);
}

static inline void enable(struct gic_state *to, uint32_t stay, unsigned word) {
    write_bits(gic_word(GIC_ISENABLER, word), to->enable[word] & ~stay);
    if (to->pending[word] == 0)
        return;
    arch_write32(gic_word(GIC_ISPENDR, word), to->pending[word]);
    to->pending[word] = 0;
}

static void switch_spis(struct gic_state *from, struct gic_state *to, const uint32_t stay[GIC_WORDS]) {
    unsigned words = gic.words;
    for (unsigned word = 1; word < words; word++) {
        save_pending(from, word);
        clear(from->allowed[word] | to->allowed[word], word);
        configure(from, to, word);
        enable(to, stay[word], word);
    }
}

/** The press that the flip button stood for is answered by this flip; kept, it would flip back at the return. */
static void forget_flip_button(struct gic_state *from) {
    uint32_t button = gic.handover->flip_button_intid;
    from->pending[button / 32 % GIC_WORDS] &= ~(UINT32_C(1) << (button % 32));
}

static void write_control(const struct gic_state *from, const struct gic_state *to) {
    if (from->control == to->control)
        return;
    arch_write32(gic.distributor + GICD_CTLR, GICD_CTLR_SWITCHER | to->control);
    gic_wait_distributor();
}

/** SGIs are always edge triggered. */
static uint32_t local_edges(const struct gic_local_state *local) {
    return 0xffffu | gic_edges((uint64_t)local->config << 32);
}

/** Takes SGIs and PPIs away from a persona. @return what was left enabled */
static uint32_t leave_local(unsigned cpu, struct gic_local_state *from, const struct gic_local_state *to) {
    uint32_t stay = staying(from->enable, to->enable, from->config == to->config);
    write_bits(gic_local(cpu, GIC_ICENABLER), from->enable & ~stay);
    gic_wait_redistributor(cpu);
    uint32_t pending = arch_read32(gic_local(cpu, GIC_ISPENDR)) & ~gic.own[0];
    from->pending = pending != 0 ? pending & local_edges(from) : 0;
    arch_write32(gic_local(cpu, GIC_ICPENDR), ~gic.own[0]);
    arch_write32(gic_local(cpu, GIC_ICACTIVER), ~gic.own[0]);
    return stay;
}

static void enter_local(unsigned cpu, const struct gic_local_state *from, struct gic_local_state *to, uint32_t stay) {
    if (from->config != to->config)
        arch_write32(gic_local(cpu, GIC_ICFGR + 4), to->config);
    if (differ(from->priority, to->priority))
        write_priorities(gic_local(cpu, GIC_IPRIORITYR), from->priority, to->priority);
    write_bits(gic_local(cpu, GIC_ISENABLER), to->enable & ~stay);
    write_bits(gic_local(cpu, GIC_ISPENDR), to->pending);
    to->pending = 0;
}

static void switch_local(unsigned cpu, struct gic_local_state *from, struct gic_local_state *to) {
    uint32_t stay = leave_local(cpu, from, to);
    enter_local(cpu, from, to, stay);
}

void gic_local_load(unsigned cpu, struct gic_local_state *local) {
    struct gic_local_state reset;
    gic_local_reset(&reset);
    switch_local(cpu, &reset, local);
}

void gic_switch(struct gic_state *from, struct gic_state *to) {
    unsigned cpu = arch_cpu_index();
    uint32_t stay[GIC_WORDS] = {0};
    if (from == NULL)
        from = &gic.initial;
    /*
     * Disabled first: the trigger of an enabled interrupt must not change (IHI 0069, GICD_ICFGR). The wait is for what
     * the persona itself disabled just before, too.
     */
    disable_spis(from, to, stay);
    gic_wait_distributor();
    write_control(from, to);
    switch_spis(from, to, stay);
    forget_flip_button(from);
    if (gic.redistributor[cpu] != 0)
        switch_local(cpu, &from->local[cpu], &to->local[cpu]);
    (void)gic_route_switcher(cpu);
    arch_icc_init();
}
