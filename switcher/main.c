// SPDX-License-Identifier: BSD-3-Clause
#include "attention.h"
#include "console.h"
#include "cpu.h"
#include "flip.h"
#include "lock.h"
#include "log.h"
#include "pl031.h"
#include "prewarm.h"
#include "quiet.h"
#include "smmu.h"
#include "switcher.h"
#include "usim.h"

struct switcher switcher;

bool persona_contains(const struct persona *persona, uint64_t address, uint64_t size) {
    const struct handover_range *partition = &persona->description->partition;
    uint64_t offset = address - partition->base;
    return offset < partition->size && size <= partition->size - offset;
}

const char *persona_state_text(enum persona_state state) {
    static const char *const texts[] = {
        [PERSONA_LOADED] = "loaded", [PERSONA_RUNNING] = "running", [PERSONA_SUSPENDED] = "suspended",
        [PERSONA_ASLEEP] = "asleep", [PERSONA_OFF] = "off",         [PERSONA_CUT_OFF] = "cut off",
    };
    return (unsigned)state < sizeof(texts) / sizeof(texts[0]) ? texts[state] : "unknown";
}

static void halt(void) {
    for (;;)
        arch_wait_for_interrupt();
}

static void take_smmu(const struct handover *handover) {
    enum smmu_error error = smmu_init(handover);
    if (error == SMMU_OK)
        return;
    console_print("flipside: the SMMU cannot be used: %s\n", smmu_error_text(error));
    if (error == SMMU_NOT_BLOCKED)
        halt();
}

static void start_first(const struct handover *handover, struct trap_frame *frame) {
    /* The loader has checked all of it; of another version not even the console's place is known. */
    if (handover->magic != HANDOVER_MAGIC || handover->version != HANDOVER_VERSION ||
        handover->size != sizeof *handover)
        halt();
    switcher.handover = handover;
    console_init(handover->console);
    log_init(handover);
    for (uint32_t i = 0; i < handover->persona_count; i++)
        switcher.personas[i].description = &handover->personas[i];
    switcher.running = prewarm_first();
    struct persona *first = running_persona();
    gic_init(handover);
    gic_state_reset(&first->gic, first->description, arch_cpu_index());
    gic_cpu_init(&first->gic, true);
    gic_switch(NULL, &first->gic);
    take_smmu(handover);
    attention_init(handover);
    pl031_init();
    usim_init();
    /* A device that the firmware left at work, and that no driver of the persona knows, would refuse every flip. */
    quiet_stop_devices(handover);
    flip_enter(switcher.running, frame);
}

void switcher_main(const struct handover *handover, struct trap_frame *frame) {
    static bool started;
    if (started)
        cpu_stop_if_ordered();
    arch_cpu_init(handover->vtcr_el2);
    lock_acquire();
    if (!started) {
        started = true;
        start_first(handover, frame);
    } else if (!flip_start_cpu(frame)) {
        cpu_order_off(arch_cpu_index());
    }
    lock_release();
    cpu_stop_if_ordered();
}
