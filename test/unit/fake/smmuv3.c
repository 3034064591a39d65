// SPDX-License-Identifier: BSD-3-Clause
#include "smmuv3.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum {
    IDR0 = 0x00,
    IDR1 = 0x04,
    IDR5 = 0x14,
    CR0 = 0x20,
    CR0ACK = 0x24,
    CR1 = 0x28,
    CR2 = 0x2c,
    GBPA = 0x44,
    IRQ_CTRL = 0x50,
    IRQ_CTRLACK = 0x54,
    GERROR = 0x60,
    GERRORN = 0x64,
    GERROR_IRQ_CFG0 = 0x68,
    STRTAB_BASE = 0x80,
    STRTAB_BASE_CFG = 0x88,
    CMDQ_BASE = 0x90,
    CMDQ_PROD = 0x98,
    CMDQ_CONS = 0x9c,
    EVENTQ_BASE = 0xa0,
    EVENTQ_IRQ_CFG0 = 0xb0,
    EVENTQ_PROD = 0x100a8,
    EVENTQ_CONS = 0x100ac,
};

#define SMMUEN 0x01u
#define EVENTQEN 0x04u
#define CMDQEN 0x08u
#define CR0_FIELDS 0x1fu
#define UPDATE 0x80000000u
#define ABORT 0x00100000u
#define OVERFLOW 0x80000000u
#define QUEUE_ADDRESS UINT64_C(0x000fffffffffffe0)
#define TABLE_ADDRESS UINT64_C(0x000fffffffffffc0)

struct fake_smmu fake_smmu;

static uint32_t in_effect(uint32_t bit) { return (fake_smmu.cr0 | fake_smmu.cr0ack) & bit; }

/* A queue's indices have one more bit than are needed: it tells a full queue from an empty one. */
static uint32_t wrap_mask(uint64_t base) { return (2u << (base & 0x1f)) - 1; }

static uint64_t entry_address(uint64_t base, uint32_t index, size_t size) {
    uint64_t entries = UINT64_C(1) << (base & 0x1f);
    uint64_t start = base & QUEUE_ADDRESS & ~(entries * size - 1);
    return start + (index & (entries - 1)) * size;
}

static bool command_valid(uint8_t opcode) { return opcode == 0x04 || opcode == 0x30 || opcode == 0x46; }

static void carry_out(const uint64_t word[2]) {
    if (fake_smmu.command_count < FAKE_SMMU_COMMANDS_MAX)
        fake_smmu.commands[fake_smmu.command_count] = (struct fake_smmu_command){
            {word[0], word[1]}, (fake_smmu.cr0ack & SMMUEN) != 0, fake_smmu.strtab_base & TABLE_ADDRESS};
    fake_smmu.command_count++;
    if ((word[0] & 0xff) == 0x04 && (word[1] & 0x1f) == 31)
        fake_smmu.cached = false;
}

static void read_commands(void) {
    uint32_t mask = wrap_mask(fake_smmu.cmdq_base);
    if ((fake_smmu.cr0ack & CMDQEN) == 0 || fake_smmu.silent || fake_smmu.reads_no_commands)
        return;
    while (((fake_smmu.cmdq_prod ^ fake_smmu.cmdq_cons) & mask) != 0 &&
           ((fake_smmu.gerror ^ fake_smmu.gerrorn) & 1) == 0) {
        uint64_t word[2];
        memcpy(word, (const void *)(uintptr_t)entry_address(fake_smmu.cmdq_base, fake_smmu.cmdq_cons, sizeof word),
               sizeof word);
        if (!command_valid((uint8_t)word[0])) {
            fake_smmu.cmdq_cons |= 1u << 24;
            fake_smmu_error(1);
            return;
        }
        carry_out(word);
        fake_smmu.cmdq_cons = (fake_smmu.cmdq_cons + 1) & mask;
    }
}

/** @return whether the update that is under way is complete with this reading */
static bool update_complete(void) {
    if (fake_smmu.silent)
        return false;
    if (fake_smmu.left == 0)
        return true;
    fake_smmu.left--;
    return false;
}

static void begin_update(void) { fake_smmu.left = fake_smmu.delay; }

static void update_cr0(void) {
    if (!update_complete() || (fake_smmu.never_opens && (fake_smmu.cr0 & SMMUEN) != 0))
        return;
    fake_smmu.cr0ack = fake_smmu.cr0 & CR0_FIELDS;
    if ((fake_smmu.idr0 >> 10 & 1) == 0)
        fake_smmu.cr0ack &= ~0x10u; /* ATSCHK is reserved without ATS */
    read_commands();
}

static uint32_t read_word(uint64_t offset) {
    switch (offset) {
    case IDR0:
        return fake_smmu.idr0;
    case IDR1:
        return fake_smmu.idr1;
    case IDR5:
        return fake_smmu.idr5;
    case CR0ACK:
        update_cr0();
        return fake_smmu.cr0ack;
    case GBPA:
        if ((fake_smmu.gbpa & UPDATE) != 0 && update_complete())
            fake_smmu.gbpa &= ~UPDATE;
        return fake_smmu.gbpa;
    case IRQ_CTRLACK:
        if (update_complete())
            fake_smmu.irq_ctrlack = fake_smmu.irq_ctrl;
        return fake_smmu.irq_ctrlack;
    case GERROR:
        return fake_smmu.gerror;
    case GERRORN:
        return fake_smmu.gerrorn;
    case CMDQ_CONS:
        if (update_complete())
            read_commands();
        return fake_smmu.cmdq_cons;
    case EVENTQ_PROD:
        return fake_smmu.eventq_prod;
    default:
        fail_msg("SMMU: read at 0x%llx", (unsigned long long)offset);
        return 0;
    }
}

static uint64_t read_register(void *context, uint64_t offset, unsigned size) {
    (void)context;
    assert_int_equal(size, 4);
    return read_word(offset);
}

/** For what may only be written while something is off. */
static void guard(bool allowed) { fake_smmu.unpredictable += !allowed; }

static void write_event_cons(uint32_t value) {
    bool took = ((value ^ fake_smmu.eventq_cons) & wrap_mask(fake_smmu.eventq_base)) != 0;
    fake_smmu.eventq_cons = value;
    if (!took || fake_smmu.more_events == 0)
        return;
    fake_smmu.more_events--;
    fake_smmu_fault(fake_smmu.more_events & 0xffff, 0x10, fake_smmu.more_events);
}

static void write_word(uint64_t offset, uint32_t value) {
    switch (offset) {
    case CR0:
        /* A field must not change again before its update is complete (6.3.9). */
        guard(((fake_smmu.cr0 ^ fake_smmu.cr0ack) & (fake_smmu.cr0 ^ value) & (SMMUEN | EVENTQEN | CMDQEN)) == 0 ||
              fake_smmu.silent || fake_smmu.never_opens);
        fake_smmu.cr0 = value;
        begin_update();
        break;
    case CR1:
        guard(in_effect(SMMUEN | EVENTQEN | CMDQEN) == 0);
        fake_smmu.cr1 = value;
        break;
    case CR2:
        guard(in_effect(SMMUEN) == 0);
        fake_smmu.cr2 = value;
        break;
    case GBPA:
        guard((fake_smmu.gbpa & UPDATE) == 0 && (value & UPDATE) != 0);
        fake_smmu.gbpa = value;
        begin_update();
        break;
    case IRQ_CTRL:
        fake_smmu.irq_ctrl = value;
        begin_update();
        break;
    case GERRORN:
        guard(((fake_smmu.gerrorn ^ value) & ~(fake_smmu.gerror ^ fake_smmu.gerrorn)) == 0);
        fake_smmu.gerrorn = value;
        break;
    case STRTAB_BASE_CFG:
        guard(in_effect(SMMUEN) == 0);
        fake_smmu.strtab_base_cfg = value;
        break;
    case CMDQ_PROD:
        /* The producer must not go past what is free. */
        guard(in_effect(CMDQEN) == 0 || ((value - fake_smmu.cmdq_cons) & wrap_mask(fake_smmu.cmdq_base)) <=
                                            (wrap_mask(fake_smmu.cmdq_base) + 1) / 2);
        fake_smmu.cmdq_prod = value;
        begin_update();
        break;
    case CMDQ_CONS:
        guard(in_effect(CMDQEN) == 0);
        fake_smmu.cmdq_cons = value;
        break;
    case EVENTQ_PROD:
        guard(in_effect(EVENTQEN) == 0);
        fake_smmu.eventq_prod = value;
        break;
    case EVENTQ_CONS:
        write_event_cons(value);
        break;
    default:
        fail_msg("SMMU: write at 0x%llx", (unsigned long long)offset);
    }
}

static void write_long(uint64_t offset, uint64_t value) {
    switch (offset) {
    case STRTAB_BASE:
        guard(in_effect(SMMUEN) == 0);
        fake_smmu.strtab_base = value;
        break;
    case CMDQ_BASE:
        guard(in_effect(CMDQEN) == 0);
        fake_smmu.cmdq_base = value;
        break;
    case EVENTQ_BASE:
        guard(in_effect(EVENTQEN) == 0);
        fake_smmu.eventq_base = value;
        break;
    case GERROR_IRQ_CFG0:
        guard(((fake_smmu.irq_ctrl | fake_smmu.irq_ctrlack) & 1) == 0);
        fake_smmu.gerror_irq_cfg0 = value;
        break;
    case EVENTQ_IRQ_CFG0:
        guard(((fake_smmu.irq_ctrl | fake_smmu.irq_ctrlack) & 4) == 0);
        fake_smmu.eventq_irq_cfg0 = value;
        break;
    default:
        fail_msg("SMMU: write of 8 bytes at 0x%llx", (unsigned long long)offset);
    }
}

static void write_register(void *context, uint64_t offset, unsigned size, uint64_t value) {
    (void)context;
    if (size == 8)
        write_long(offset, value);
    else
        write_word(offset, (uint32_t)value);
}

void fake_smmu_init(void) {
    static uint64_t firmware_queue[64];
    memset(&fake_smmu, 0, sizeof fake_smmu);
    fake_smmu.idr0 = 1u << 27 | 1u << 24 | 2u << 21 | 1u << 18 | 1u << 13 | 1u << 10 | 1u << 4 | 2u << 2 | 3u;
    fake_smmu.idr1 = 19u << 21 | 19u << 16 | 16u;
    fake_smmu.idr5 = 0x55;
    fake_smmu.cr0 = fake_smmu.cr0ack = SMMUEN | EVENTQEN | CMDQEN;
    fake_smmu.irq_ctrl = fake_smmu.irq_ctrlack = 5;
    fake_smmu.gerror = 0x40;
    fake_smmu.strtab_base = 0xdead0000;
    fake_smmu.gerror_irq_cfg0 = fake_smmu.eventq_irq_cfg0 = 0x08090040;
    fake_smmu.cmdq_base = fake_smmu.eventq_base = (uint64_t)(uintptr_t)firmware_queue;
    fake_smmu.cmdq_prod = fake_smmu.cmdq_cons = 1;
    fake_map(FAKE_SMMU_BASE, FAKE_SMMU_SIZE, read_register, write_register, NULL);
}

uint64_t fake_smmu_transaction(void) {
    if ((fake_smmu.cr0ack & SMMUEN) == 0) {
        bool aborts = (fake_smmu.gbpa & ABORT) != 0;
        fake_smmu.aborted += aborts;
        return aborts ? FAKE_SMMU_ABORTS : FAKE_SMMU_BYPASSES;
    }
    if (!fake_smmu.cached)
        fake_smmu.cached_table = fake_smmu.strtab_base & TABLE_ADDRESS;
    fake_smmu.cached = true;
    return fake_smmu.cached_table;
}

static void interrupt(unsigned which, uint32_t enable) {
    if ((fake_smmu.irq_ctrlack & enable) != 0 && fake_smmu.interrupt != NULL)
        fake_smmu.interrupt(which);
}

static void add_event(const uint64_t word[4]) {
    uint32_t mask = wrap_mask(fake_smmu.eventq_base);
    bool empty = ((fake_smmu.eventq_prod ^ fake_smmu.eventq_cons) & mask) == 0;
    memcpy((void *)(uintptr_t)entry_address(fake_smmu.eventq_base, fake_smmu.eventq_prod, 32), word, 32);
    fake_smmu.eventq_prod = (fake_smmu.eventq_prod & ~mask) | ((fake_smmu.eventq_prod + 1) & mask);
    if (empty)
        interrupt(FAKE_SMMU_EVENT, 4);
}

void fake_smmu_fault(uint32_t stream, uint8_t kind, uint64_t address) {
    uint32_t mask = wrap_mask(fake_smmu.eventq_base);
    const uint64_t word[4] = {(uint64_t)stream << 32 | kind, UINT64_C(1) << 39, address, address & ~UINT64_C(0xfff)};
    if ((fake_smmu.cr0ack & EVENTQEN) == 0)
        return;
    if (((fake_smmu.eventq_prod ^ fake_smmu.eventq_cons) & mask) != (mask + 1) / 2)
        add_event(word);
    else if (((fake_smmu.eventq_prod ^ fake_smmu.eventq_cons) & OVERFLOW) == 0)
        fake_smmu.eventq_prod ^= OVERFLOW;
}

void fake_smmu_error(uint32_t bits) {
    fake_smmu.gerror ^= bits & ~(fake_smmu.gerror ^ fake_smmu.gerrorn);
    interrupt(FAKE_SMMU_ERROR, 1);
}
