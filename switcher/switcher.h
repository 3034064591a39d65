// SPDX-License-Identifier: BSD-3-Clause
#ifndef SWITCHER_SWITCHER_H
#define SWITCHER_SWITCHER_H

/** The switcher's state, and the personas. */

#include "arch.h"
#include "gic.h"
#include "pl031.h"
#include "switcher/handover.h"
#include "virtio_console.h"

enum persona_state {
    PERSONA_LOADED = 0, /* pristine, never started */
    PERSONA_RUNNING,
    PERSONA_SUSPENDED, /* waits for a flip back at its resume address */
    PERSONA_ASLEEP,    /* suspended with no flip asked for; still the running one */
    PERSONA_OFF,       /* ended by SYSTEM_OFF */
    PERSONA_CUT_OFF,   /* stopped against its will: what it had in memory is lost */
};

/** A persona's view of a CPU's power (DEN0022 6.6). */
enum persona_cpu_power { PERSONA_CPU_OFF, PERSONA_CPU_ON_PENDING, PERSONA_CPU_ON };

struct persona_cpu {
    enum persona_cpu_power power;
    bool resumes;     /* it goes on after SYSTEM_SUSPEND: its interrupts are as they were */
    uint64_t entry;   /* where it starts, while ON_PENDING */
    uint64_t context; /* x0 there */
};

struct persona {
    const struct handover_persona *description;
    enum persona_state state;
    uint64_t stage2;     /* VTTBR_EL2 */
    uint64_t since;      /* counter, when it came into its state */
    unsigned resume_cpu; /* CPU that called SYSTEM_SUSPEND */
    uint64_t resume_entry;
    uint64_t resume_context;
    struct persona_cpu cpus[HANDOVER_CPUS_MAX];
    struct gic_state gic;
    struct virtio_console channel;
    struct pl031 clock;
};

struct switcher {
    const struct handover *handover;
    unsigned running; /* index of the persona that owns the CPUs */
    struct persona personas[HANDOVER_PERSONAS_MAX];
};

extern struct switcher switcher;

/** @return the running persona */
static inline struct persona *running_persona(void) { return &switcher.personas[switcher.running]; }

/** @return whether size bytes from address lie in the persona's partition */
bool persona_contains(const struct persona *persona, uint64_t address, uint64_t size);

/** @return the state's name, as a user reads it */
const char *persona_state_text(enum persona_state state);

/**
 * First entry of every CPU, from start.S. Fills the frame with which the persona is entered.
 * @param handover from the loader
 * @param frame    at the top of this CPU's stack
 */
void switcher_main(const struct handover *handover, struct trap_frame *frame);

#endif
