// SPDX-License-Identifier: BSD-3-Clause
#include "psci.h"

#include "cpu.h"
#include "flip.h"
#include "lock.h"
#include "log.h"
#include "switcher.h"

/** The arguments of a call, cut to 32 bits for a 32-bit one (DEN0028 3.1). */
struct call {
    uint32_t function;
    uint64_t argument[3];
};

enum outcome {
    OUTCOME_RETURN, /* the result goes into x0 */
    OUTCOME_ENTERED /* the frame is another one now */
};

#define FUNCTION_IS_64_BIT (UINT32_C(1) << 30)

static struct call call_of(const struct trap_frame *frame) {
    struct call call = {.function = (uint32_t)frame->x[0]};
    uint64_t mask = (call.function & FUNCTION_IS_64_BIT) ? UINT64_MAX : UINT32_MAX;
    for (int i = 0; i < 3; i++)
        call.argument[i] = frame->x[i + 1] & mask;
    return call;
}

static bool entry_is_valid(uint64_t entry) { return entry % 4 == 0 && persona_contains(running_persona(), entry, 4); }

/** DEN0022 5.4. Standby only: power_state with anything but StateID set is not one that FEATURES offers. */
static int64_t cpu_suspend(const struct call *call) {
    if ((uint32_t)call->argument[0] != 0)
        return PSCI_INVALID_PARAMETERS;
    /* IRQs to EL2 meanwhile, where they stay masked: one that goes to EL1 need not end WFI here. */
    arch_wfi_routing(true);
    arch_wait_for_interrupt();
    arch_wfi_routing(false);
    return PSCI_SUCCESS;
}

/** DEN0022 5.6. */
static int64_t cpu_on(const struct call *call) {
    int cpu = cpu_find(call->argument[0]);
    if (cpu < 0)
        return PSCI_INVALID_PARAMETERS;
    if (!entry_is_valid(call->argument[1]))
        return PSCI_INVALID_ADDRESS;
    struct persona_cpu *target = &running_persona()->cpus[cpu];
    if (target->power == PERSONA_CPU_ON)
        return PSCI_ALREADY_ON;
    if (target->power == PERSONA_CPU_ON_PENDING)
        return PSCI_ON_PENDING;
    *target =
        (struct persona_cpu){.power = PERSONA_CPU_ON_PENDING, .entry = call->argument[1], .context = call->argument[2]};
    log_add(LOG_CPU_ON, switcher.running, (uint64_t)cpu, call->argument[1]);
    if (cpu_power_on((unsigned)cpu) == CPU_OK)
        return PSCI_SUCCESS;
    target->power = PERSONA_CPU_OFF;
    return PSCI_INTERNAL_FAILURE;
}

static bool others_are_off(const struct persona *persona, unsigned self) {
    for (unsigned cpu = 0; cpu < switcher.handover->cpu_count; cpu++)
        if (cpu != self && persona->cpus[cpu].power != PERSONA_CPU_OFF)
            return false;
    return true;
}

/** @return the CPU that attention goes to: one that is on, or else one that comes up */
static unsigned cpu_that_stays(const struct persona *persona) {
    unsigned stays = 0;
    for (unsigned cpu = 0; cpu < switcher.handover->cpu_count; cpu++) {
        if (persona->cpus[cpu].power == PERSONA_CPU_ON)
            return cpu;
        if (persona->cpus[cpu].power == PERSONA_CPU_ON_PENDING)
            stays = cpu;
    }
    return stays;
}

/** DEN0022 5.5. The last CPU may not go: nothing could start the persona again. */
static int64_t cpu_off(void) {
    struct persona *persona = running_persona();
    unsigned self = arch_cpu_index();
    if (others_are_off(persona, self))
        return PSCI_DENIED;
    persona->cpus[self].power = PERSONA_CPU_OFF;
    log_add(LOG_CPU_OFF, switcher.running, self, 0);
    /* Attention must not go off with this CPU; neither must the timer of a flip request. */
    unsigned stays = cpu_that_stays(persona);
    if (gic_route_switcher(stays))
        gic_send_stop(stays);
    cpu_order_off(self);
    return PSCI_INTERNAL_FAILURE; /* read by nobody, unless the firmware does not turn the CPU off */
}

/** DEN0022 5.7. Affinity levels above 0 are not offered (optional since PSCI 1.0). */
static int64_t affinity_info(const struct call *call) {
    int cpu = cpu_find(call->argument[0]);
    if (cpu < 0 || (uint32_t)call->argument[1] != 0)
        return PSCI_INVALID_PARAMETERS;
    switch (running_persona()->cpus[cpu].power) {
    case PERSONA_CPU_ON:
        return PSCI_AFFINITY_ON;
    case PERSONA_CPU_ON_PENDING:
        return PSCI_AFFINITY_ON_PENDING;
    default:
        return cpu_is_off((unsigned)cpu) ? PSCI_AFFINITY_OFF : PSCI_AFFINITY_ON;
    }
}

static bool is_errata_call(uint32_t function) {
    return function == SMCCC_ARCH_WORKAROUND_1 || function == SMCCC_ARCH_WORKAROUND_2 ||
           function == SMCCC_ARCH_WORKAROUND_3;
}

/** DEN0022 5.15: 0 or flags for what psci_call carries out. */
static int64_t features(uint32_t function) {
    switch (function) {
    case PSCI_VERSION:
    case PSCI_CPU_SUSPEND_32: /* flags 0: original power_state format, platform-coordinated */
    case PSCI_CPU_SUSPEND_64:
    case PSCI_CPU_OFF:
    case PSCI_CPU_ON_32:
    case PSCI_CPU_ON_64:
    case PSCI_AFFINITY_INFO_32:
    case PSCI_AFFINITY_INFO_64:
    case PSCI_MIGRATE_INFO_TYPE:
    case PSCI_SYSTEM_OFF:
    case PSCI_SYSTEM_RESET:
    case PSCI_FEATURES:
    case PSCI_SYSTEM_SUSPEND_32:
    case PSCI_SYSTEM_SUSPEND_64:
    case PSCI_SYSTEM_RESET2_32:
    case PSCI_SYSTEM_RESET2_64:
    case SMCCC_VERSION:
        return 0;
    default:
        return PSCI_NOT_SUPPORTED;
    }
}

/** DEN0028 7.3. Errata work-arounds are the firmware's to know. */
static int64_t arch_features_of(uint32_t function) {
    if (function == SMCCC_VERSION || function == SMCCC_ARCH_FEATURES)
        return PSCI_SUCCESS;
    if (is_errata_call(function) && arch_smc(PSCI_FEATURES, SMCCC_VERSION, 0, 0) == PSCI_SUCCESS)
        return (int32_t)arch_smc(SMCCC_ARCH_FEATURES, function, 0, 0);
    return PSCI_NOT_SUPPORTED;
}

/** DEN0022 5.17: every other CPU must be off. */
static int64_t system_suspend(const struct call *call, struct trap_frame *frame, enum outcome *outcome) {
    struct persona *persona = running_persona();
    unsigned self = arch_cpu_index();
    if (!entry_is_valid(call->argument[0]))
        return PSCI_INVALID_ADDRESS;
    if (!others_are_off(persona, self))
        return PSCI_DENIED;
    for (unsigned cpu = 0; cpu < switcher.handover->cpu_count; cpu++)
        if (cpu != self && !cpu_wait_until_off(cpu))
            return PSCI_DENIED;
    if (!flip_suspend(call->argument[0], call->argument[1], frame))
        return PSCI_DENIED;
    *outcome = OUTCOME_ENTERED;
    return PSCI_SUCCESS;
}

static int64_t give_up(struct persona *persona) {
    persona->stage2 = persona->description->vttbr;
    arch_set_stage2(persona->stage2);
    arch_flush_stage2();
    return PSCI_SUCCESS;
}

static int64_t locked_call(const struct call *call, struct trap_frame *frame, enum outcome *outcome) {
    switch (call->function) {
    case PSCI_CPU_OFF:
        return cpu_off();
    case PSCI_CPU_ON_32:
    case PSCI_CPU_ON_64:
        return cpu_on(call);
    case PSCI_AFFINITY_INFO_32:
    case PSCI_AFFINITY_INFO_64:
        return affinity_info(call);
    case PSCI_SYSTEM_SUSPEND_32:
    case PSCI_SYSTEM_SUSPEND_64:
        return system_suspend(call, frame, outcome);
    case SMCCC_GIVE_UP:
        return give_up(running_persona());
    case PSCI_SYSTEM_OFF:
        flip_off(frame);
        *outcome = OUTCOME_ENTERED;
        return PSCI_SUCCESS;
    case PSCI_SYSTEM_RESET2_32:
    case PSCI_SYSTEM_RESET2_64:
        if ((uint32_t)call->argument[0] != 0) /* DEN0022 5.11: the warm reset; there is none of the vendor's */
            return PSCI_INVALID_PARAMETERS;
        __attribute__((fallthrough));
    case PSCI_SYSTEM_RESET:
        flip_reset(frame);
        *outcome = OUTCOME_ENTERED;
        return PSCI_SUCCESS;
    default:
        return PSCI_NOT_SUPPORTED;
    }
}

static int64_t carry_out(const struct call *call, struct trap_frame *frame, enum outcome *outcome) {
    switch (call->function) {
    case PSCI_VERSION:
        return PSCI_VERSION_1_1;
    case PSCI_CPU_SUSPEND_32:
    case PSCI_CPU_SUSPEND_64:
        return cpu_suspend(call);
    case PSCI_MIGRATE_INFO_TYPE:
        return 2; /* DEN0022 5.9: no trusted OS to migrate */
    case PSCI_FEATURES:
        return features((uint32_t)call->argument[0]);
    case SMCCC_VERSION:
        return SMCCC_VERSION_1_1;
    case SMCCC_ARCH_FEATURES:
        return arch_features_of((uint32_t)call->argument[0]);
    case SMCCC_ARCH_WORKAROUND_1:
    case SMCCC_ARCH_WORKAROUND_2:
    case SMCCC_ARCH_WORKAROUND_3:
        return arch_smc(call->function, call->argument[0], 0, 0);
    default:
        break;
    }
    lock_acquire();
    int64_t result = locked_call(call, frame, outcome);
    lock_release();
    return result;
}

void psci_call(struct trap_frame *frame) {
    struct call call = call_of(frame);
    enum outcome outcome = OUTCOME_RETURN;
    int64_t result = carry_out(&call, frame, &outcome);
    if (outcome == OUTCOME_ENTERED)
        return;
    frame->x[0] = (uint64_t)result;
    /* A query for what is not there, and a CPU that is about to go off, are no errors. */
    if (result < 0 && result != PSCI_NOT_SUPPORTED && call.function != PSCI_CPU_OFF)
        log_add(LOG_PSCI_ERROR, switcher.running, call.function, (uint64_t)result);
}
