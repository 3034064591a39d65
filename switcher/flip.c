// SPDX-License-Identifier: BSD-3-Clause
#include "flip.h"

#include "attention.h"
#include "channel.h"
#include "console.h"
#include "cpu.h"
#include "dma.h"
#include "history.h"
#include "log.h"
#include "pl031.h"
#include "prewarm.h"
#include "psci.h"
#include "quiet.h"
#include "smmu.h"
#include "switcher.h"
#include "usim.h"

/* PSTATE at an entry by PSCI (DEN0022 6.4.3): EL1 with SP_EL1, D, A, I and F masked. */
#define SPSR_ENTRY UINT64_C(0x3c5)

static const char *name_of(const struct persona *persona) { return persona->description->name; }

unsigned flip_target(void) {
    unsigned wanted = attention_target();
    return wanted < switcher.handover->persona_count ? wanted
                                                     : (switcher.running + 1) % switcher.handover->persona_count;
}

void flip_ask(unsigned target) {
    log_add(LOG_FLIP_ASKED, switcher.running, 0, 0);
    history_note(HISTORY_ASKED, switcher.running, target);
    attention_request(target);
}

static void set_state(struct persona *persona, enum persona_state state) {
    persona->state = state;
    persona->since = arch_counter();
}

static void enter_frame(struct trap_frame *frame, uint64_t entry, uint64_t context) {
    arch_clear_registers();
    *frame = (struct trap_frame){.elr = entry, .spsr = SPSR_ENTRY};
    frame->x[0] = context;
}

static void make_current(unsigned index) {
    switcher.running = index;
    arch_set_stage2(switcher.personas[index].stage2);
}

static void reset_cpus(struct persona *persona, unsigned on) {
    for (unsigned cpu = 0; cpu < HANDOVER_CPUS_MAX; cpu++)
        persona->cpus[cpu] = (struct persona_cpu){.power = cpu == on ? PERSONA_CPU_ON : PERSONA_CPU_OFF};
}

static void copy_pristine(const struct handover_persona *description) {
    for (uint32_t i = 0; i < description->copy_count; i++) {
        const struct handover_copy *copy = &description->copies[i];
        arch_copy(copy->destination, copy->source, copy->size);
        /* The kernel starts with its caches off. */
        arch_clean_invalidate(copy->destination, copy->size);
    }
}

static void start(unsigned index, struct trap_frame *frame) {
    static struct gic_state leaving;
    struct persona *persona = &switcher.personas[index];
    struct gic_state *from = &running_persona()->gic;
    if (from == &persona->gic) {
        leaving = *from;
        from = &leaving;
    }
    gic_state_reset(&persona->gic, persona->description, arch_cpu_index());
    gic_switch(from, &persona->gic);
    persona->stage2 = persona->description->vttbr_start;
    make_current(index);
    (void)gic_route_switcher(arch_cpu_index());
    channel_start(index);
    pl031_reset(index);
    copy_pristine(persona->description);
    arch_flush_stage2();
    smmu_open(index);
    reset_cpus(persona, arch_cpu_index());
    set_state(persona, PERSONA_RUNNING);
    log_add(LOG_START, index, persona->description->entry, 0);
    if (!prewarm_started(index))
        console_print("flipside: starting %s\n", name_of(persona));
    enter_frame(frame, persona->description->entry, persona->description->devicetree);
}

/** As its CPUs were: SYSTEM_SUSPEND leaves one on, the caller's. */
static void resume_here(struct persona *persona, struct trap_frame *frame) {
    smmu_open(switcher.running);
    set_state(persona, PERSONA_RUNNING);
    log_add(LOG_RESUME, switcher.running, persona->resume_entry, 0);
    enter_frame(frame, persona->resume_entry, persona->resume_context);
}

/** The persona was suspended on another CPU: that one goes on, this one ends. */
static void resume_elsewhere(struct persona *persona, struct trap_frame *frame) {
    unsigned cpu = persona->resume_cpu;
    smmu_open(switcher.running);
    reset_cpus(persona, HANDOVER_CPUS_MAX);
    persona->cpus[cpu] = (struct persona_cpu){.power = PERSONA_CPU_ON_PENDING,
                                              .resumes = true,
                                              .entry = persona->resume_entry,
                                              .context = persona->resume_context};
    set_state(persona, PERSONA_RUNNING);
    log_add(LOG_RESUME, switcher.running, persona->resume_entry, cpu);
    (void)gic_route_switcher(cpu);
    if (cpu_power_on(cpu) == CPU_OK) {
        cpu_order_off(arch_cpu_index());
        return;
    }
    console_print("flipside: CPU %u does not start; %s is lost and starts afresh\n", cpu, name_of(persona));
    start(switcher.running, frame);
}

void flip_enter(unsigned index, struct trap_frame *frame) {
    struct persona *to = &switcher.personas[index];
    if (to->state != PERSONA_SUSPENDED) {
        start(index, frame);
        return;
    }
    gic_switch(&running_persona()->gic, &to->gic);
    make_current(index);
    if (to->resume_cpu == arch_cpu_index())
        resume_here(to, frame);
    else
        resume_elsewhere(to, frame);
}

static void stop_machine(void) {
    attention_clear();
    history_note(HISTORY_GIVEN_UP, 0, 0);
    pl031_reset(switcher.running);
    /* Whatever runs next must not meet a CPU of this persona. */
    while (cpu_stop_others() != CPU_OK)
        console_print("flipside: a CPU of %s does not stop; waiting for it\n", name_of(running_persona()));
    dma_block();
    quiet_stop_devices(switcher.handover);
}

void flip_reset(struct trap_frame *frame) {
    stop_machine();
    log_add(LOG_RESET, switcher.running, 0, 0);
    start(switcher.running, frame);
}

bool flip_start_cpu(struct trap_frame *frame) {
    struct persona *persona = running_persona();
    struct persona_cpu *cpu = &persona->cpus[arch_cpu_index()];
    if (cpu->power != PERSONA_CPU_ON_PENDING)
        return false;
    cpu->power = PERSONA_CPU_ON;
    gic_cpu_init(&persona->gic, !cpu->resumes);
    arch_set_stage2(persona->stage2);
    attention_cpu_changed();
    enter_frame(frame, cpu->entry, cpu->context);
    return true;
}

void flip_stop(enum persona_state left, unsigned next, struct trap_frame *frame) {
    stop_machine();
    set_state(running_persona(), left);
    log_add(LOG_CUT_OFF, switcher.running, 0, 0);
    flip_enter(next, frame);
}

void flip_cut_off(struct trap_frame *frame) {
    unsigned next = flip_target();
    console_print("flipside: %s was cut off; what it had not written is lost. Now: %s\n", name_of(running_persona()),
                  name_of(&switcher.personas[next]));
    flip_stop(PERSONA_CUT_OFF, next, frame);
}

/** @return whether the persona goes on when the running one is off: it has something in memory that would be lost */
static bool goes_on(unsigned index) {
    return prewarm_under_way() ? index == prewarm_next() : switcher.personas[index].state == PERSONA_SUSPENDED;
}

void flip_off(struct trap_frame *frame) {
    struct persona *persona = running_persona();
    stop_machine();
    set_state(persona, PERSONA_OFF);
    log_add(LOG_OFF, switcher.running, 0, 0);
    for (unsigned i = 1; i < switcher.handover->persona_count; i++) {
        unsigned index = (switcher.running + i) % switcher.handover->persona_count;
        if (!goes_on(index))
            continue;
        console_print("flipside: %s is off; %s goes on\n", name_of(persona), name_of(&switcher.personas[index]));
        flip_enter(index, frame);
        return;
    }
    console_print("flipside: %s is off and no other persona has anything to lose: power off\n", name_of(persona));
    usim_stop();
    (void)arch_smc(PSCI_SYSTEM_OFF, 0, 0, 0);
    console_print("flipside: the firmware did not turn the machine off\n");
    for (;;)
        arch_wait_for_interrupt();
}

/** Why sleep ended. */
enum wake { WAKE_INTERRUPT, WAKE_FLIP };

static enum wake sleep_until_wake(void) {
    enum wake wake = WAKE_INTERRUPT;
    gic_wake_redistributor();
    /* IRQs to EL2 for the time of the sleep: they stay masked there but end WFI, whatever the CPU makes of it
     * otherwise. */
    arch_wfi_routing(true);
    arch_icc_group1(true);
    while (!gic_persona_interrupt_pending()) {
        uint32_t intid = arch_icc_iar0();
        if (intid >= GIC_INTID_NONE) {
            arch_wait_for_interrupt();
            continue;
        }
        if (smmu_is_interrupt(intid))
            dma_report_faults();
        enum attention_press press = attention_poll(intid);
        pl031_interrupt(intid);
        arch_icc_eoir0(intid);
        bool asked = press == ATTENTION_SHORT || attention_flip_requested();
        if (press == ATTENTION_NONE && !asked)
            continue;
        wake = asked && flip_target() != switcher.running ? WAKE_FLIP : WAKE_INTERRUPT;
        break;
    }
    log_add(LOG_WAKE, switcher.running, wake == WAKE_FLIP ? 0 : arch_icc_hppir1(), 0);
    arch_icc_group1(false);
    arch_wfi_routing(false);
    return wake;
}

/** @return whether the shared devices are at rest; if not, the user is told */
static bool devices_quiet(const struct persona *persona) {
    uint64_t busy;
    if (quiet_check(switcher.handover, &busy))
        return true;
    log_add(LOG_REFUSED, switcher.running, busy, 0);
    history_note(HISTORY_REFUSED, 0, 0);
    attention_clear();
    /* An alarm that ended its sleep may have pressed it. */
    gic_unpend(switcher.handover->flip_button_intid);
    prewarm_resume();
    console_print("flipside: no flip: %s suspended, but the device at 0x%lx is still at work\n", name_of(persona),
                  busy);
    return false;
}

static void flip(struct persona *persona, struct trap_frame *frame) {
    unsigned target = flip_target();
    attention_clear();
    history_note(HISTORY_SUSPENDING, switcher.running, target);
    log_count(COUNT_FLIP, switcher.running);
    /* Nothing reaches either persona's memory from here until the next one is entered. */
    dma_block();
    set_state(persona, PERSONA_SUSPENDED);
    flip_enter(target, frame);
    history_note(HISTORY_FLIPPED, 0, 0);
}

/** Sleeps; then the same persona goes on, or the next if attention was asked for and the devices are at rest. */
static void sleep(struct persona *persona, struct trap_frame *frame) {
    attention_clear();
    set_state(persona, PERSONA_ASLEEP);
    enum wake wake = sleep_until_wake();
    arch_icc_init();
    if (wake == WAKE_FLIP && devices_quiet(persona))
        flip(persona, frame);
    else
        resume_here(persona, frame);
}

bool flip_suspend(uint64_t entry, uint64_t context, struct trap_frame *frame) {
    struct persona *persona = running_persona();
    bool asked = attention_flip_requested() && flip_target() != switcher.running;
    if (asked && !devices_quiet(persona))
        return false;
    persona->resume_cpu = arch_cpu_index();
    persona->resume_entry = entry;
    persona->resume_context = context;
    log_add(asked ? LOG_SUSPEND : LOG_SLEEP, switcher.running, entry, 0);
    if (asked)
        flip(persona, frame);
    else
        sleep(persona, frame);
    return true;
}
