// SPDX-License-Identifier: BSD-3-Clause
#include "gicv3.h"

#include <string.h>

enum { RWP_READINGS = 3 };

struct fake_gic fake_gic;

struct fake_interrupt *fake_gic_interrupt(unsigned cpu, uint32_t intid) {
    return intid < 32 ? &fake_gic.local[cpu][intid] : &fake_gic.spi[intid];
}

bool fake_gic_pending(const struct fake_interrupt *interrupt) {
    return interrupt->latch || (!interrupt->edge && interrupt->line);
}

void fake_gic_line(unsigned cpu, uint32_t intid, bool level) {
    struct fake_interrupt *interrupt = fake_gic_interrupt(cpu, intid);
    if (interrupt->edge && level && !interrupt->line)
        interrupt->latch = true;
    interrupt->line = level;
}

static bool is_routed_to(const struct fake_interrupt *interrupt, unsigned cpu) {
    bool any = fake_gic.one_of_n && (interrupt->route >> 31 & 1) != 0;
    return any || (interrupt->route & UINT64_C(0xff00ffffff)) == fake_gic.mpidr[cpu];
}

static bool is_signalled(unsigned cpu, uint32_t intid, bool group1) {
    const struct fake_interrupt *interrupt = fake_gic_interrupt(cpu, intid);
    return interrupt->enable && interrupt->group1 == group1 && !interrupt->active && fake_gic_pending(interrupt) &&
           (intid < 32 || is_routed_to(interrupt, cpu));
}

uint32_t fake_gic_highest(unsigned cpu, bool group1) {
    uint32_t best = FAKE_GIC_NONE;
    if ((fake_gic.ctlr & (group1 ? 2u : 1u)) == 0 || (fake_gic.waker[cpu] & 4) != 0)
        return best;
    for (uint32_t intid = 0; intid < fake_gic.words * 32 && intid < FAKE_GIC_INTIDS; intid++)
        if (is_signalled(cpu, intid, group1) && (best == FAKE_GIC_NONE || fake_gic_interrupt(cpu, intid)->priority <
                                                                              fake_gic_interrupt(cpu, best)->priority))
            best = intid;
    return best;
}

uint32_t fake_gic_acknowledge(unsigned cpu, bool group1) {
    uint32_t intid = fake_gic_highest(cpu, group1);
    if (intid == FAKE_GIC_NONE)
        return intid;
    fake_gic_interrupt(cpu, intid)->latch = false;
    fake_gic_interrupt(cpu, intid)->active = true;
    return intid;
}

static uint32_t iar0(void) { return fake_gic_acknowledge(fake.cpu, false); }
static uint32_t hppir1(void) { return fake_gic_highest(fake.cpu, true); }
static void eoir0(uint32_t intid) { fake_gic_interrupt(fake.cpu, intid)->active = false; }

static bool is_target(unsigned cpu, uint64_t value) {
    uint64_t mpidr = fake_gic.mpidr[cpu];
    if ((value >> 40 & 1) != 0)
        return cpu != fake.cpu;
    return (value >> 48 & 0xff) == (mpidr >> 32 & 0xff) && (value >> 32 & 0xff) == (mpidr >> 16 & 0xff) &&
           (value >> 16 & 0xff) == (mpidr >> 8 & 0xff) && (value >> 44 & 0xf) == (mpidr & 0xff) / 16 &&
           (value >> (mpidr & 0xf) & 1) != 0;
}

static void sgi(bool group1, uint64_t value) {
    for (unsigned cpu = 0; cpu < fake_gic.cpu_count; cpu++) {
        struct fake_interrupt *interrupt = &fake_gic.local[cpu][value >> 24 & 0xf];
        if (is_target(cpu, value) && interrupt->group1 == group1)
            interrupt->latch = true;
    }
}

static uint32_t read_bit(uint64_t bank, const struct fake_interrupt *interrupt) {
    switch (bank) {
    case 0x080:
        return interrupt->group1;
    case 0x100:
    case 0x180:
        return interrupt->enable;
    case 0x200:
    case 0x280:
        return fake_gic_pending(interrupt);
    case 0x300:
    case 0x380:
        return interrupt->active;
    default:
        return 0;
    }
}

static void disable(struct fake_interrupt *interrupt, unsigned *unsettled) {
    if (interrupt->enable)
        *unsettled = RWP_READINGS;
    interrupt->enable = false;
}

static void write_group(struct fake_interrupt *interrupt, bool group1) {
    fake_gic.unpredictable += interrupt->enable && interrupt->group1 != group1;
    interrupt->group1 = group1;
}

static void write_bit(uint64_t bank, struct fake_interrupt *interrupt, bool bit, unsigned *unsettled) {
    if (bank == 0x080)
        write_group(interrupt, bit);
    if (!bit)
        return;
    switch (bank) {
    case 0x100:
        interrupt->enable = true;
        break;
    case 0x180:
        disable(interrupt, unsettled);
        break;
    case 0x200:
        interrupt->latch = true;
        break;
    case 0x280:
        interrupt->latch = false;
        break;
    case 0x300:
        interrupt->active = true;
        break;
    case 0x380:
        interrupt->active = false;
        break;
    default:
        break;
    }
}

/* A frame's registers that are the same in distributor and redistributor; first: the interrupt of INTID 0 of this
 * frame. */

static uint64_t read_common(struct fake_interrupt *first, uint64_t offset, unsigned size) {
    uint64_t value = 0;
    if (offset < 0x400)
        for (unsigned i = 0; i < 32; i++)
            value |= (uint64_t)read_bit(offset & ~UINT64_C(0x7f), &first[(offset & 0x7f) * 8 + i]) << i;
    else if (offset < 0x800)
        for (unsigned i = 0; i < size; i++)
            value |= (uint64_t)first[offset - 0x400 + i].priority << (8 * i);
    else
        for (unsigned i = 0; i < 16; i++)
            value |= (uint64_t)first[(offset - 0xc00) * 4 + i].edge << (2 * i + 1);
    return value;
}

static void write_edge(struct fake_interrupt *interrupt, bool edge, unsigned unsettled) {
    fake_gic.unpredictable += interrupt->edge != edge && (interrupt->enable || unsettled != 0);
    interrupt->edge = edge;
}

static void write_common(struct fake_interrupt *first, uint64_t offset, unsigned size, uint64_t value,
                         unsigned *unsettled) {
    if (offset < 0x400)
        for (unsigned i = 0; i < 32; i++)
            write_bit(offset & ~UINT64_C(0x7f), &first[(offset & 0x7f) * 8 + i], (value >> i & 1) != 0, unsettled);
    else if (offset < 0x800)
        for (unsigned i = 0; i < size; i++)
            first[offset - 0x400 + i].priority = (uint8_t)(value >> (8 * i));
    else
        for (unsigned i = 0; i < 16; i++)
            write_edge(&first[(offset - 0xc00) * 4 + i], (value >> (2 * i + 1) & 1) != 0, *unsettled);
}

/** @return whether this offset is of the common registers and its interrupts exist: [begin, end) by INTID */
static bool is_common(uint64_t offset, unsigned size, uint64_t begin, uint64_t end) {
    uint64_t first, count;
    if (offset >= 0x80 && offset < 0x400 && size == 4)
        first = (offset & 0x7f) * 8, count = 32;
    else if (offset >= 0x400 && offset < 0x800 && size <= 4)
        first = offset - 0x400, count = size;
    else if (offset >= 0xc00 && offset < 0xd00 && size == 4)
        first = (offset - 0xc00) * 4, count = 16;
    else
        return false;
    return first >= begin && first + count <= end;
}

static uint32_t settling(unsigned *unsettled, uint32_t bit) {
    if (*unsettled == 0)
        return 0;
    --*unsettled;
    return bit;
}

static bool is_route(uint64_t offset, unsigned size) {
    return size == 8 && offset >= 0x6100 && offset < 0x6000 + 8u * fake_gic.words * 32 &&
           offset < 0x6000 + 8 * FAKE_GIC_INTIDS;
}

static uint64_t distributor_read(void *context, uint64_t offset, unsigned size) {
    (void)context;
    if (offset == 0)
        return fake_gic.ctlr | settling(&fake_gic.unsettled, UINT32_C(1) << 31);
    if (offset == 4)
        return (fake_gic.words - 1) | (fake_gic.one_of_n ? 0 : 1u << 25);
    if (is_route(offset, size))
        return fake_gic.spi[(offset - 0x6000) / 8].route;
    if (!is_common(offset, size, 32, fake_gic.words * 32))
        return 0;
    return read_common(fake_gic.spi, offset, size);
}

static void write_ctlr(uint32_t value) {
    fake_gic.unpredictable += (fake_gic.ctlr & 0x10) != 0 && (value & 0x10) == 0;
    if ((fake_gic.ctlr & ~value & 3) != 0)
        fake_gic.unsettled = RWP_READINGS;
    fake_gic.ctlr = (value & 0x13) | (fake_gic.two_security_states ? 0 : 0x40);
}

static void distributor_write(void *context, uint64_t offset, unsigned size, uint64_t value) {
    (void)context;
    if (offset == 0)
        write_ctlr((uint32_t)value);
    else if (offset == 0x40 && value >= 32 && value < FAKE_GIC_INTIDS)
        fake_gic.spi[value].latch = true;
    else if (offset == 0x48 && value >= 32 && value < FAKE_GIC_INTIDS)
        fake_gic.spi[value].latch = false;
    else if (is_route(offset, size))
        fake_gic.spi[(offset - 0x6000) / 8].route = value & UINT64_C(0xff80ffffff);
    else if (is_common(offset, size, 32, fake_gic.words * 32))
        write_common(fake_gic.spi, offset, size, value, &fake_gic.unsettled);
}

static unsigned cpu_of(const void *context) { return (unsigned)((const uint64_t *)context - fake_gic.mpidr); }

static uint64_t redistributor_typer(unsigned cpu) {
    uint64_t mpidr = fake_gic.mpidr[cpu];
    uint64_t affinity = (mpidr >> 32 & 0xff) << 24 | (mpidr & 0xffffff);
    return affinity << 32 | (cpu + 1 == fake_gic.cpu_count ? 0x10 : 0);
}

static uint64_t redistributor_read(void *context, uint64_t offset, unsigned size) {
    unsigned cpu = cpu_of(context);
    if (offset == 0)
        return settling(&fake_gic.local_unsettled[cpu], 8) | fake_gic.lpis_on[cpu];
    if (offset == 8)
        return redistributor_typer(cpu);
    if (offset == 0x14)
        return fake_gic.waker[cpu];
    if (offset < 0x10000 || !is_common(offset - 0x10000, size, 0, 32))
        return 0;
    return read_common(fake_gic.local[cpu], offset - 0x10000, size);
}

static void redistributor_write(void *context, uint64_t offset, unsigned size, uint64_t value) {
    unsigned cpu = cpu_of(context);
    if (offset == 0)
        fake_gic.lpis_on[cpu] = value & 1;
    if (offset == 0x14)
        fake_gic.waker[cpu] = (value & 2) != 0 ? 6 : 0;
    bool read_only = offset == 0x10c00 || (offset == 0x10c04 && fake_gic.ppi_trigger_fixed);
    if (offset >= 0x10000 && is_common(offset - 0x10000, size, 0, 32) && !read_only)
        write_common(fake_gic.local[cpu], offset - 0x10000, size, value, &fake_gic.local_unsettled[cpu]);
}

/** What a firmware may leave: all kinds of things on. */
static void leave_as_firmware(struct fake_interrupt *interrupt, uint32_t intid) {
    *interrupt = (struct fake_interrupt){.enable = intid % 3 == 0,
                                         .latch = intid % 5 == 0,
                                         .active = intid % 7 == 0,
                                         .edge = intid < 16 || intid % 4 == 0,
                                         .group1 = intid % 2 == 0,
                                         .priority = (uint8_t)intid};
}

void fake_gic_init(unsigned cpus, unsigned words) {
    memset(&fake_gic, 0, sizeof fake_gic);
    fake_gic.cpu_count = cpus;
    fake_gic.words = words;
    fake_gic.ctlr = 0x52;
    fake_map(FAKE_GICD_BASE, 0x10000, distributor_read, distributor_write, NULL);
    for (unsigned cpu = 0; cpu < cpus; cpu++) {
        fake_gic.mpidr[cpu] = cpu;
        fake_gic.waker[cpu] = 6;
        fake_gic.lpis_on[cpu] = true;
        fake_map(FAKE_GICR_BASE + cpu * FAKE_GICR_STRIDE, FAKE_GICR_STRIDE, redistributor_read, redistributor_write,
                 &fake_gic.mpidr[cpu]);
        for (uint32_t intid = 0; intid < 32; intid++)
            leave_as_firmware(&fake_gic.local[cpu][intid], intid);
    }
    for (uint32_t intid = 32; intid < words * 32 && intid < FAKE_GIC_INTIDS; intid++)
        leave_as_firmware(&fake_gic.spi[intid], intid);
    fake.iar0 = iar0;
    fake.hppir1 = hppir1;
    fake.eoir0 = eoir0;
    fake.sgi = sgi;
}
