// SPDX-License-Identifier: BSD-3-Clause
#include "smmu.h"

#include "console.h"

/* Registers (IHI 0070, 6.3), offsets in page 0; the event queue's indices are in page 1. */
enum {
    SMMU_IDR0 = 0x00,
    SMMU_IDR1 = 0x04,
    SMMU_IDR5 = 0x14,
    SMMU_CR0 = 0x20,
    SMMU_CR0ACK = 0x24,
    SMMU_CR1 = 0x28,
    SMMU_CR2 = 0x2c,
    SMMU_GBPA = 0x44,
    SMMU_IRQ_CTRL = 0x50,
    SMMU_IRQ_CTRLACK = 0x54,
    SMMU_GERROR = 0x60,
    SMMU_GERRORN = 0x64,
    SMMU_GERROR_IRQ_CFG0 = 0x68,
    SMMU_STRTAB_BASE = 0x80,
    SMMU_STRTAB_BASE_CFG = 0x88,
    SMMU_CMDQ_BASE = 0x90,
    SMMU_CMDQ_PROD = 0x98,
    SMMU_CMDQ_CONS = 0x9c,
    SMMU_EVENTQ_BASE = 0xa0,
    SMMU_EVENTQ_IRQ_CFG0 = 0xb0,
    SMMU_EVENTQ_PROD = 0x100a8,
    SMMU_EVENTQ_CONS = 0x100ac,
};

/* Stage 2, AArch64 tables, coherent accesses, and stream tables of two levels. */
#define IDR0_NEEDED (UINT32_C(1) << 0 | UINT32_C(1) << 3 | UINT32_C(1) << 4 | UINT32_C(1) << 27)
#define IDR0_BIG_ENDIAN UINT32_C(3)     /* TTENDIAN, bits 22:21 */
#define IDR0_STALL_FORCED UINT32_C(2)   /* STALL_MODEL, bits 25:24 */
#define IDR1_PRESET (UINT32_C(3) << 29) /* the firmware's tables or queues cannot be changed */
#define IDR5_GRAN4K (UINT32_C(1) << 4)
#define CR0_SMMUEN (UINT32_C(1) << 0)
#define CR0_PRIQEN (UINT32_C(1) << 1)
#define CR0_EVENTQEN (UINT32_C(1) << 2)
#define CR0_CMDQEN (UINT32_C(1) << 3)
#define CR0_ATSCHK (UINT32_C(1) << 4)
/* ATSCHK: without it what a PCI device calls translated already goes past the stream table. */
#define CR0_BLOCKED (CR0_EVENTQEN | CR0_CMDQEN | CR0_ATSCHK)
#define CR0_OPEN (CR0_BLOCKED | CR0_SMMUEN)
/* What CR0ACK always has; an SMMU without ATS does not have ATSCHK. */
#define CR0_ACKNOWLEDGED (CR0_SMMUEN | CR0_PRIQEN | CR0_EVENTQEN | CR0_CMDQEN)
/* CR1: tables and queues inner shareable, write-back. */
#define CR1_CACHEABLE UINT32_C(0xd75)
/* CR2.RECINVSID: unknown streams are recorded too; PTM: broadcast TLB maintenance of the CPUs is not needed. */
#define CR2_VALUE UINT32_C(0x6)
#define GBPA_UPDATE (UINT32_C(1) << 31)
#define GBPA_ABORT (UINT32_C(1) << 20)
#define IRQ_CTRL_ALL UINT32_C(0x7)
#define IRQ_CTRL_GERROR_EVENTQ UINT32_C(0x5)
#define GERROR_EVENTQ_ABT_ERR (UINT32_C(1) << 2)

#define CMD_CFGI_ALL UINT64_C(0x04)
#define CMD_CFGI_ALL_RANGE UINT64_C(31)
#define CMD_TLBI_NSNH_ALL UINT64_C(0x30)
#define CMD_SYNC UINT64_C(0x46)

enum {
    COMMANDS_LOG2 = 4,
    EVENTS_LOG2 = 6,
    COMMAND_SIZE = 16,
    EVENT_SIZE = 32,
    WAIT_READINGS = 1000000, /* more than any SMMU takes */
};

struct command {
    uint64_t word[2];
};

struct event {
    uint64_t word[4];
};

static struct command commands[1 << COMMANDS_LOG2] __attribute__((aligned(COMMAND_SIZE << COMMANDS_LOG2)));
static struct event events[1 << EVENTS_LOG2] __attribute__((aligned(EVENT_SIZE << EVENTS_LOG2)));

static struct {
    const struct handover_smmu *description;
    uint64_t base;
    uint32_t produced; /* commands, with the wrap bit */
    uint32_t consumed; /* events, with the wrap bit */
    uint64_t lost;
    bool usable; /* it has answered so far */
    bool open;
} smmu;

static uint32_t read_register(uint32_t offset) { return arch_read32(smmu.base + offset); }

static void write_register(uint32_t offset, uint32_t value) { arch_write32(smmu.base + offset, value); }

/** @return whether the register's bits under mask became value in time */
static bool wait_for(uint32_t offset, uint32_t mask, uint32_t value) {
    for (uint32_t i = 0; i < WAIT_READINGS; i++) {
        if ((read_register(offset) & mask) == value)
            return true;
        arch_relax();
    }
    console_print("flipside: SMMU register 0x%x does not become 0x%x\n", offset, value);
    return false;
}

static bool set_control(uint32_t value) {
    write_register(SMMU_CR0, value);
    return wait_for(SMMU_CR0ACK, CR0_ACKNOWLEDGED, value & CR0_ACKNOWLEDGED);
}

/** With SMMUEN 0 this is what happens to every transaction (IHI 0070, 6.3.14). */
static bool abort_when_off(void) {
    if (!wait_for(SMMU_GBPA, GBPA_UPDATE, 0))
        return false;
    write_register(SMMU_GBPA, GBPA_UPDATE | GBPA_ABORT);
    return wait_for(SMMU_GBPA, GBPA_UPDATE | GBPA_ABORT, GBPA_ABORT);
}

static uint32_t bits(uint32_t value, unsigned shift, unsigned count) { return value >> shift & ((1u << count) - 1); }

static bool features_suffice(void) {
    uint32_t idr0 = read_register(SMMU_IDR0);
    uint32_t idr1 = read_register(SMMU_IDR1);
    return (idr0 & IDR0_NEEDED) == IDR0_NEEDED && bits(idr0, 21, 2) != IDR0_BIG_ENDIAN &&
           bits(idr0, 24, 2) != IDR0_STALL_FORCED && (idr1 & IDR1_PRESET) == 0 && bits(idr1, 21, 5) >= COMMANDS_LOG2 &&
           bits(idr1, 16, 5) >= EVENTS_LOG2 && (read_register(SMMU_IDR5) & IDR5_GRAN4K) != 0;
}

static void set_tables(void) {
    write_register(SMMU_CR1, CR1_CACHEABLE);
    write_register(SMMU_CR2, CR2_VALUE);
    arch_write64(smmu.base + SMMU_STRTAB_BASE, smmu.description->stream_tables[0]);
    write_register(SMMU_STRTAB_BASE_CFG, smmu.description->stream_table_config);
}

static void set_queues(void) {
    const uint64_t read_write_allocate = UINT64_C(1) << 62;
    arch_write64(smmu.base + SMMU_CMDQ_BASE, read_write_allocate | (uint64_t)(uintptr_t)commands | COMMANDS_LOG2);
    arch_write64(smmu.base + SMMU_EVENTQ_BASE, read_write_allocate | (uint64_t)(uintptr_t)events | EVENTS_LOG2);
    write_register(SMMU_CMDQ_PROD, 0);
    write_register(SMMU_CMDQ_CONS, 0);
    write_register(SMMU_EVENTQ_PROD, 0);
    write_register(SMMU_EVENTQ_CONS, 0);
}

/** By wire: an address that the firmware left for messages would be written to (IHI 0070, 3.18). */
static bool set_interrupts(void) {
    write_register(SMMU_IRQ_CTRL, 0);
    if (!wait_for(SMMU_IRQ_CTRLACK, IRQ_CTRL_ALL, 0))
        return false;
    arch_write64(smmu.base + SMMU_GERROR_IRQ_CFG0, 0);
    arch_write64(smmu.base + SMMU_EVENTQ_IRQ_CFG0, 0);
    write_register(SMMU_GERRORN, read_register(SMMU_GERROR));
    write_register(SMMU_IRQ_CTRL, IRQ_CTRL_GERROR_EVENTQ);
    return wait_for(SMMU_IRQ_CTRLACK, IRQ_CTRL_ALL, IRQ_CTRL_GERROR_EVENTQ);
}

enum smmu_error smmu_init(const struct handover *handover) {
    __builtin_memset(&smmu, 0, sizeof smmu);
    smmu.description = &handover->smmu;
    smmu.base = handover->smmu.base;
    if (smmu.base == 0)
        return SMMU_OK;
    if (!abort_when_off() || !set_control(0))
        return SMMU_NOT_BLOCKED;
    if (!features_suffice())
        return SMMU_UNSUITABLE;
    set_tables();
    set_queues();
    smmu.usable = set_interrupts() && set_control(CR0_BLOCKED);
    return smmu.usable ? SMMU_OK : SMMU_NO_ANSWER;
}

const char *smmu_error_text(enum smmu_error error) {
    switch (error) {
    case SMMU_OK:
        return "no error";
    case SMMU_NOT_BLOCKED:
        return "it does not block devices";
    case SMMU_UNSUITABLE:
        return "it has no stage 2, or not all else that is needed; devices behind it stay blocked";
    case SMMU_NO_ANSWER:
        return "it does not answer; devices behind it stay blocked";
    }
    return "unknown error";
}

static void add_command(uint64_t low, uint64_t high) {
    const uint32_t index_mask = (1u << COMMANDS_LOG2) - 1;
    commands[smmu.produced & index_mask] = (struct command){.word = {low, high}};
    smmu.produced = (smmu.produced + 1) & (2 * index_mask + 1);
}

/** From here on everything stays blocked: what it has cached of one persona could serve another. */
static void give_up(void) {
    smmu.usable = false;
    console_print("flipside: %s until the machine starts again\n", smmu_error_text(SMMU_NO_ANSWER));
}

/** Everything cached of configuration and translation goes. @return whether it is gone */
static bool invalidate(void) {
    add_command(CMD_CFGI_ALL, CMD_CFGI_ALL_RANGE);
    add_command(CMD_TLBI_NSNH_ALL, 0);
    add_command(CMD_SYNC, 0);
    arch_barrier(); /* the commands are in memory before their index */
    write_register(SMMU_CMDQ_PROD, smmu.produced);
    return wait_for(SMMU_CMDQ_CONS, (2u << COMMANDS_LOG2) - 1, smmu.produced);
}

/** Without end: nothing else may run while devices still reach this persona's memory. */
static void disable(void) {
    smmu.open = false;
    while (!set_control(CR0_BLOCKED))
        continue;
}

void smmu_block(void) {
    if (!smmu.usable)
        return;
    disable();
    /* Transactions that used what is invalidated are over with CMD_SYNC (IHI 0070, 4.7.3). */
    if (!invalidate())
        give_up();
}

void smmu_open(unsigned persona) {
    if (!smmu.usable || smmu.open)
        return;
    /* Only while SMMUEN is 0 may the table change (IHI 0070, SMMU_STRTAB_BASE). */
    arch_write64(smmu.base + SMMU_STRTAB_BASE, smmu.description->stream_tables[persona]);
    if (!invalidate()) {
        give_up();
        return;
    }
    smmu.open = set_control(CR0_OPEN);
    if (smmu.open)
        return;
    disable();
    give_up();
}

bool smmu_is_interrupt(uint32_t intid) {
    return smmu.base != 0 && (intid == smmu.description->event_intid || intid == smmu.description->error_intid);
}

static void take_errors(void) {
    uint32_t errors = read_register(SMMU_GERROR);
    uint32_t active = errors ^ read_register(SMMU_GERRORN);
    if (active == 0)
        return;
    if ((active & GERROR_EVENTQ_ABT_ERR) != 0)
        smmu.lost++;
    if ((active & ~GERROR_EVENTQ_ABT_ERR) != 0)
        console_print("flipside: the SMMU reports errors 0x%x\n", active);
    write_register(SMMU_GERRORN, errors);
}

/** Bit 31 of PROD and CONS differ while an overflow is not acknowledged (IHI 0070, 7.4). */
static void note_overflow(uint32_t produced) {
    const uint32_t overflow = UINT32_C(1) << 31;
    if (((produced ^ smmu.consumed) & overflow) == 0)
        return;
    smmu.lost++;
    smmu.consumed ^= overflow;
}

bool smmu_next_fault(struct smmu_fault *fault) {
    const uint32_t index_mask = (1u << EVENTS_LOG2) - 1;
    const uint32_t wrap_mask = 2 * index_mask + 1;
    if (!smmu.usable)
        return false;
    take_errors();
    uint32_t produced = read_register(SMMU_EVENTQ_PROD);
    note_overflow(produced);
    bool found = ((produced ^ smmu.consumed) & wrap_mask) != 0;
    if (found) {
        arch_barrier(); /* the index before the entry */
        const struct event *event = &events[smmu.consumed & index_mask];
        *fault = (struct smmu_fault){.stream = (uint32_t)(event->word[0] >> 32),
                                     .kind = (uint32_t)event->word[0] & 0xff,
                                     .address = event->word[2]};
        arch_barrier(); /* read, before the SMMU may write over it */
        smmu.consumed = (smmu.consumed & ~wrap_mask) | ((smmu.consumed + 1) & wrap_mask);
    }
    write_register(SMMU_EVENTQ_CONS, smmu.consumed);
    return found;
}

uint64_t smmu_lost(void) { return smmu.lost; }
