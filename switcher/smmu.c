// SPDX-License-Identifier: BSD-3-Clause
#include "smmu.h"

#include "console.h"

/* Registers (IHI 0070, 6.3), offsets in page 0; the event queue's indices are in page 1. */
enum {
    SMMU_IDR0 = 0x00,
    SMMU_IDR1 = 0x04,
    SMMU_CR0 = 0x20,
    SMMU_CR0ACK = 0x24,
    SMMU_CR1 = 0x28,
    SMMU_CR2 = 0x2c,
    SMMU_GBPA = 0x44,
    SMMU_IRQ_CTRL = 0x50,
    SMMU_IRQ_CTRLACK = 0x54,
    SMMU_GERROR = 0x60,
    SMMU_GERRORN = 0x64,
    SMMU_STRTAB_BASE = 0x80,
    SMMU_STRTAB_BASE_CFG = 0x88,
    SMMU_CMDQ_BASE = 0x90,
    SMMU_CMDQ_PROD = 0x98,
    SMMU_CMDQ_CONS = 0x9c,
    SMMU_EVENTQ_BASE = 0xa0,
    SMMU_EVENTQ_PROD = 0x100a8,
    SMMU_EVENTQ_CONS = 0x100ac,
};

#define IDR0_S2P (UINT32_C(1) << 0)
#define IDR0_COHACC (UINT32_C(1) << 4)
#define CR0_SMMUEN (UINT32_C(1) << 0)
#define CR0_EVENTQEN (UINT32_C(1) << 2)
#define CR0_CMDQEN (UINT32_C(1) << 3)
#define CR0_QUEUES (CR0_EVENTQEN | CR0_CMDQEN)
/* CR1: tables and queues inner shareable, write-back. */
#define CR1_CACHEABLE UINT32_C(0xd75)
/* CR2.RECINVSID: unknown streams are recorded too; PTM: broadcast TLB maintenance of the CPUs is not needed. */
#define CR2_VALUE UINT32_C(0x6)
#define GBPA_UPDATE (UINT32_C(1) << 31)
#define GBPA_ABORT (UINT32_C(1) << 20)
#define IRQ_CTRL_GERROR_EVENTQ UINT32_C(0x5)

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
    return wait_for(SMMU_CR0ACK, CR0_QUEUES | CR0_SMMUEN, value);
}

/** With SMMUEN 0 this is what happens to every transaction (IHI 0070, 6.3.14). */
static bool abort_when_off(void) {
    if (!wait_for(SMMU_GBPA, GBPA_UPDATE, 0))
        return false;
    write_register(SMMU_GBPA, GBPA_UPDATE | GBPA_ABORT);
    return wait_for(SMMU_GBPA, GBPA_UPDATE | GBPA_ABORT, GBPA_ABORT);
}

static bool features_suffice(void) {
    const uint32_t needed = IDR0_S2P | IDR0_COHACC;
    if ((read_register(SMMU_IDR0) & needed) == needed)
        return true;
    console_print("flipside: the SMMU has no stage 2, or does not see the CPUs' caches\n");
    return false;
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

bool smmu_init(const struct handover *handover) {
    smmu.description = &handover->smmu;
    smmu.base = handover->smmu.base;
    smmu.produced = 0;
    smmu.consumed = 0;
    smmu.lost = 0;
    smmu.open = false;
    if (smmu.base == 0)
        return true;
    if (!abort_when_off() || !set_control(0) || !features_suffice())
        return false;
    write_register(SMMU_CR1, CR1_CACHEABLE);
    write_register(SMMU_CR2, CR2_VALUE);
    set_queues();
    arch_write64(smmu.base + SMMU_STRTAB_BASE, handover->smmu.stream_tables[0]);
    write_register(SMMU_STRTAB_BASE_CFG, handover->smmu.stream_table_config);
    write_register(SMMU_GERRORN, read_register(SMMU_GERROR));
    write_register(SMMU_IRQ_CTRL, IRQ_CTRL_GERROR_EVENTQ);
    return wait_for(SMMU_IRQ_CTRLACK, IRQ_CTRL_GERROR_EVENTQ, IRQ_CTRL_GERROR_EVENTQ) && set_control(CR0_QUEUES);
}

static void add_command(uint64_t low, uint64_t high) {
    const uint32_t index_mask = (1u << COMMANDS_LOG2) - 1;
    commands[smmu.produced & index_mask] = (struct command){.word = {low, high}};
    smmu.produced = (smmu.produced + 1) & (2 * index_mask + 1);
}

/** Everything cached of configuration and translation goes, and is gone when this returns. */
static void invalidate(void) {
    add_command(CMD_CFGI_ALL, CMD_CFGI_ALL_RANGE);
    add_command(CMD_TLBI_NSNH_ALL, 0);
    add_command(CMD_SYNC, 0);
    arch_barrier(); /* the commands are in memory before their index */
    write_register(SMMU_CMDQ_PROD, smmu.produced);
    (void)wait_for(SMMU_CMDQ_CONS, (2u << COMMANDS_LOG2) - 1, smmu.produced);
}

void smmu_block(void) {
    if (smmu.base == 0)
        return;
    smmu.open = false;
    (void)set_control(CR0_QUEUES);
    invalidate(); /* CMD_SYNC also waits for what was translated before (IHI 0070, 4.7.3) */
}

void smmu_open(unsigned persona) {
    if (smmu.base == 0 || smmu.open)
        return;
    /* Only while SMMUEN is 0 may the table change (IHI 0070, 6.3.23). */
    arch_write64(smmu.base + SMMU_STRTAB_BASE, smmu.description->stream_tables[persona]);
    invalidate();
    smmu.open = set_control(CR0_QUEUES | CR0_SMMUEN);
}

bool smmu_is_interrupt(uint32_t intid) {
    return smmu.base != 0 && (intid == smmu.description->event_intid || intid == smmu.description->error_intid);
}

static void acknowledge_errors(void) {
    uint32_t errors = read_register(SMMU_GERROR);
    if (errors != read_register(SMMU_GERRORN))
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
    if (smmu.base == 0)
        return false;
    acknowledge_errors();
    uint32_t produced = read_register(SMMU_EVENTQ_PROD);
    note_overflow(produced);
    bool found = ((produced ^ smmu.consumed) & wrap_mask) != 0;
    if (found) {
        arch_barrier(); /* the index before the entry */
        const struct event *event = &events[smmu.consumed & index_mask];
        *fault = (struct smmu_fault){.stream = (uint32_t)(event->word[0] >> 32),
                                     .kind = (uint32_t)event->word[0] & 0xff,
                                     .address = event->word[2]};
        smmu.consumed = (smmu.consumed & ~wrap_mask) | ((smmu.consumed + 1) & wrap_mask);
    }
    write_register(SMMU_EVENTQ_CONS, smmu.consumed);
    return found;
}

uint64_t smmu_lost(void) { return smmu.lost; }
