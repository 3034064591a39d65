// SPDX-License-Identifier: BSD-3-Clause
#include "trap.h"

#include "attention.h"
#include "channel.h"
#include "console.h"
#include "control.h"
#include "cpu.h"
#include "dma.h"
#include "flip.h"
#include "history.h"
#include "inject.h"
#include "lock.h"
#include "log.h"
#include "pl031.h"
#include "prewarm.h"
#include "psci.h"
#include "smmu.h"
#include "switcher.h"

enum {
    EC_HVC64 = 0x16,
    EC_SMC64 = 0x17,
    EC_SYSREG = 0x18,
    EC_INSTRUCTION_ABORT = 0x20,
    EC_DATA_ABORT = 0x24,
};

/* ISS of a data abort (Arm ARM, ESR_ELx, EC 0x24). */
#define ISS_ISV (UINT64_C(1) << 24)
#define ISS_SSE (UINT64_C(1) << 21)
#define ISS_SF (UINT64_C(1) << 15)
#define ISS_CM (UINT64_C(1) << 8)
#define ISS_S1PTW (UINT64_C(1) << 7)
#define ISS_WNR (UINT64_C(1) << 6)
#define FSC_TYPE(esr) ((esr)&0x3c)
#define FSC_PERMISSION 0x0c

/* ISS of EC 0x18. The registers that are trapped to be carried out have Op0 3, Op1 0 and CRn 12. */
#define ISS_READ UINT64_C(1)
#define ISS_CRM(esr) ((unsigned)((esr) >> 1) & 0xf)
#define ISS_OP2(esr) ((unsigned)((esr) >> 17) & 7)
#define ISS_OP0_OP1_CRN UINT64_C(0x31fc00)
#define ISS_ICC UINT64_C(0x303000)

#define SPSR_AARCH32 UINT64_C(0x10)

enum { FAULTS_TOLD = 8 /* per persona; the rest are counted */ };

static uint64_t general_register(const struct trap_frame *frame, unsigned index) {
    return index == 31 ? 0 : frame->x[index];
}

static unsigned register_of(uint64_t esr, unsigned shift) { return (unsigned)(esr >> shift) & 0x1f; }

/** IPA of an abort. HPFAR_EL2 is not valid for a permission fault outside a table walk. */
static bool address_of(const struct trap_syndrome *syndrome, uint64_t *address) {
    bool permission = FSC_TYPE(syndrome->esr) == FSC_PERMISSION;
    if (permission && !(syndrome->esr & ISS_S1PTW))
        return arch_translate(syndrome->far, (syndrome->esr & ISS_WNR) != 0, address);
    *address = (syndrome->hpfar & UINT64_C(0xfffffffffff0)) << 8 | (syndrome->far & 0xfff);
    return true;
}

/** Carries out a write to a frame of the GIC. @return false: the address is none of it */
static bool write_gic(uint64_t address, unsigned size, uint64_t value) {
    uint64_t distributor = switcher.handover->gic.distributor;
    unsigned cpu;
    uint32_t offset;
    struct gic_state *gic = &running_persona()->gic;
    if (address - distributor < 0x10000) {
        log_count(COUNT_GICD_WRITE, switcher.running);
        gic_distributor_write(gic, (uint32_t)(address - distributor), size, value);
        return true;
    }
    if (!gic_find_redistributor(address, &cpu, &offset))
        return false;
    log_count(COUNT_GICR_WRITE, switcher.running);
    gic_redistributor_write(gic, cpu, offset, size, value);
    return true;
}

static bool write_device(uint64_t address, unsigned size, uint64_t value) {
    if (channel_holds(address))
        channel_write(address, size, value);
    else if (pl031_holds(address))
        pl031_write(address, size, value);
    else
        return write_gic(address, size, value);
    return true;
}

/** The channel and the clock: what else there is to emulate is readable in stage 2. */
static bool read_device(uint64_t address, unsigned size, uint64_t *value) {
    if (channel_holds(address))
        *value = channel_read(address, size);
    else if (pl031_holds(address))
        *value = pl031_read(address, size);
    else
        return false;
    return true;
}

static uint64_t low_bits(uint64_t value, unsigned bits) {
    return bits < 64 ? value & ((UINT64_C(1) << bits) - 1) : value;
}

/** What a load leaves in its register: extended by the sign if it is a signed one, to 32 or 64 bits (ISS.SSE, SF). */
static uint64_t extended(uint64_t value, unsigned size, uint64_t esr) {
    uint64_t sign = UINT64_C(1) << (size * 8 - 1);
    if (esr & ISS_SSE)
        value = (value ^ sign) - sign;
    return low_bits(value, esr & ISS_SF ? 64 : 32);
}

static bool emulate_access(struct trap_frame *frame, const struct trap_syndrome *syndrome, uint64_t address) {
    if (!(syndrome->esr & ISS_ISV) || (syndrome->esr & ISS_S1PTW))
        return false;
    if (frame->spsr & SPSR_AARCH32) /* its instructions have two lengths and conditions; no system has need of it */
        return false;
    unsigned size = 1u << ((syndrome->esr >> 22) & 3);
    unsigned index = register_of(syndrome->esr, 16);
    bool write = (syndrome->esr & ISS_WNR) != 0;
    uint64_t value = low_bits(general_register(frame, index), size * 8);
    lock_acquire();
    bool done = write ? write_device(address, size, value) : read_device(address, size, &value);
    lock_release();
    if (!done)
        return false;
    if (!write && index != 31)
        frame->x[index] = extended(value, size, syndrome->esr);
    frame->elr += 4;
    return true;
}

static void fault(struct trap_frame *frame, const struct trap_syndrome *syndrome, uint64_t address) {
    const struct persona *persona = running_persona();
    log_count(COUNT_FAULT, switcher.running);
    log_add(LOG_FAULT, switcher.running, address, syndrome->esr);
    if (log_counted(COUNT_FAULT, switcher.running) <= FAULTS_TOLD)
        console_print("flipside: %s touched 0x%lx, which is not its own (pc 0x%lx); it gets an abort\n",
                      persona->description->name, address, frame->elr);
    inject_external_abort(frame, syndrome);
}

static void abort_taken(struct trap_frame *frame, const struct trap_syndrome *syndrome, bool data) {
    uint64_t address;
    if (!address_of(syndrome, &address)) {
        /* Its own tables changed in between: the access, tried again, finds what they say now. */
        return;
    }
    if (data && (syndrome->esr & ISS_CM) && FSC_TYPE(syndrome->esr) == FSC_PERMISSION) {
        frame->elr += 4; /* cache maintenance of a read-only frame: there is nothing to write back */
        return;
    }
    if (data && emulate_access(frame, syndrome, address))
        return;
    fault(frame, syndrome, address);
}

static void undefined(struct trap_frame *frame) {
    log_count(COUNT_UNDEFINED, switcher.running);
    inject_undefined(frame);
}

/** Carries out an access to a register that traps. @return false: it is none that a persona has */
static bool use_register(uint64_t esr, uint64_t *value) {
    /* By CRm: bit n is Op2 n. */
    static const struct {
        uint8_t readable, writable;
    } known[16] = {[9] = {0x0f, 0x0f}, [11] = {0, 0xe0}, [12] = {0x8d, 0x8a}};
    unsigned crm = ISS_CRM(esr), op2 = ISS_OP2(esr);
    bool read = (esr & ISS_READ) != 0;
    if ((esr & ISS_OP0_OP1_CRN) != ISS_ICC || ((read ? known[crm].readable : known[crm].writable) >> op2 & 1) == 0)
        return false;
    if (crm == 12) /* ICC_IAR1_EL1 and ICC_EOIR1_EL1, two for each interrupt; the others of Group 1 */
        *value = arch_icc_group1_register(op2, read, *value);
    else if (crm == 11) /* ICC_SGI1R_EL1, ICC_ASGI1R_EL1, ICC_SGI0R_EL1 */
        gic_send_sgi(*value);
    else if (read) /* ICC_AP1Rn_EL1: nothing is active, to one who asks */
        *value = 0;
    else /* a kernel that starts drops what is active, by writing 0; no other value is carried out */
        arch_icc_drop_active();
    return true;
}

static void system_register(struct trap_frame *frame, uint64_t esr) {
    unsigned rt = register_of(esr, 5);
    uint64_t value = general_register(frame, rt);
    log_count(COUNT_SYSREG, switcher.running);
    if (!use_register(esr, &value)) {
        undefined(frame);
        return;
    }
    if ((esr & ISS_READ) != 0 && rt != 31)
        frame->x[rt] = value;
    frame->elr += 4;
}

void trap_sync(struct trap_frame *frame) {
    struct trap_syndrome syndrome = arch_syndrome();
    cpu_stop_if_ordered(); /* what it asks for is no longer the running persona's wish */
    switch (syndrome.esr >> 26 & 0x3f) {
    case EC_SMC64:
        frame->elr += 4; /* a trapped SMC has not been executed, an HVC has */
        log_count(COUNT_SMC, switcher.running);
        psci_call(frame);
        break;
    case EC_HVC64:
        log_count(COUNT_HVC, switcher.running);
        psci_call(frame);
        break;
    case EC_SYSREG:
        system_register(frame, syndrome.esr);
        break;
    case EC_DATA_ABORT:
        abort_taken(frame, &syndrome, true);
        break;
    case EC_INSTRUCTION_ABORT:
        abort_taken(frame, &syndrome, false);
        break;
    default:
        undefined(frame);
        break;
    }
    cpu_stop_if_ordered();
}

static void print_states(void) {
    for (unsigned i = 0; i < switcher.handover->persona_count; i++)
        console_print("flipside: %s is %s\n", switcher.personas[i].description->name,
                      persona_state_text(switcher.personas[i].state));
}

static void act(enum attention_action action, struct trap_frame *frame) {
    const char *name = running_persona()->description->name;
    if (action != ATTENTION_DO_NOTHING && prewarm_give_up(action != ATTENTION_DO_TIMEOUT, frame))
        return;
    switch (action) {
    case ATTENTION_DO_NOTHING:
        break;
    case ATTENTION_DO_ASK:
        log_add(LOG_FLIP_ASKED, switcher.running, 0, 0);
        history_note(HISTORY_ASKED, switcher.running, flip_target());
        break;
    case ATTENTION_DO_TIMEOUT:
        log_add(LOG_UNANSWERED, switcher.running, 0, 0);
        history_note(HISTORY_TIMED_OUT, 0, 0);
        control_cancel();
        console_print("flipside: %s did not answer and stays. Press again to ask again; hold the key to cut it off "
                      "(what it has not saved is lost)\n",
                      name);
        break;
    case ATTENTION_DO_CUT_OFF:
        flip_cut_off(frame);
        break;
    case ATTENTION_DO_REPORT:
        print_states();
        log_print();
        break;
    }
}

void trap_fiq(struct trap_frame *frame) {
    cpu_stop_if_ordered();
    uint32_t intid = arch_icc_iar0();
    if (intid >= GIC_INTID_NONE)
        return;
    /* Ended at once: were this CPU stopped while it waits for the lock, the key's interrupt would stay active for ever.
     */
    arch_icc_eoir0(intid);
    log_count(COUNT_FIQ, switcher.running);
    lock_acquire();
    pl031_interrupt(intid);
    if (intid == GIC_SGI_STOP) /* not an order: the CPU that had the flip request's timer goes off */
        attention_cpu_changed();
    else if (smmu_is_interrupt(intid))
        dma_report_faults();
    else
        act(attention_interrupt(intid), frame);
    lock_release();
    cpu_stop_if_ordered();
}

static void print_frame(const struct trap_frame *frame, unsigned kind) {
    struct trap_syndrome syndrome = arch_syndrome();
    console_print("flipside: unexpected exception %u on CPU %u, persona %s\n", kind, arch_cpu_index(),
                  running_persona()->description->name);
    console_print("  esr 0x%lx elr 0x%lx far 0x%lx hpfar 0x%lx spsr 0x%lx\n", syndrome.esr, frame->elr, syndrome.far,
                  syndrome.hpfar, frame->spsr);
    for (unsigned i = 0; i < 30; i += 3)
        console_print("  x%u 0x%lx 0x%lx 0x%lx\n", i, frame->x[i], frame->x[i + 1], frame->x[i + 2]);
    console_print("  x30 0x%lx\n", frame->x[30]);
}

static void halt(void) {
    console_print("flipside: the switcher cannot go on; turn the machine off\n");
    for (;;) {
        arch_wait_for_interrupt();
        cpu_stop_if_ordered();
    }
}

struct trap_frame *trap_unexpected(struct trap_frame *frame, unsigned kind) {
    static bool seen;
    cpu_stop_if_ordered();
    print_frame(frame, kind);
    if (__atomic_exchange_n(&seen, true, __ATOMIC_RELAXED) || flip_target() == switcher.running)
        halt();
    /* The persona in whose time it happened is stopped; the next one starts on a stack that is empty again. */
    lock_break();
    frame = (struct trap_frame *)(uintptr_t)(switcher.handover->cpus[arch_cpu_index()].stack_top - sizeof(*frame));
    flip_cut_off(frame);
    __atomic_store_n(&seen, false, __ATOMIC_RELAXED);
    lock_release();
    cpu_stop_if_ordered();
    return frame;
}
