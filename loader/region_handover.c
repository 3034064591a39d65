// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "region_build.h"

/* The destination is zero already; names are shorter than their fields. */
static void copy_text(char *to, const char *from, size_t size) {
    for (size_t i = 0; i + 1 < size && from[i] != '\0'; i++)
        to[i] = from[i];
}

static void fill_cpus(struct region_build *build) {
    const struct board *board = build->request->board;
    struct handover *handover = build->handover;
    uint64_t stacks = build->physical + build->layout.stacks;
    bool found = false;
    handover->cpu_count = board->cpu_count;
    for (uint32_t i = 0; i < board->cpu_count; i++) {
        handover->cpus[i].mpidr = board->cpus[i];
        handover->cpus[i].stack_top = stacks + (i + 1) * (uint64_t)(REGION_PAGE_SIZE + HANDOVER_STACK_SIZE);
        if (board->cpus[i] != build->request->boot_cpu)
            continue;
        handover->boot_cpu = i;
        found = true;
    }
    if (!found)
        region_fail(build, REGION_UNKNOWN_CPU, 0, NULL, build->request->boot_cpu);
}

static void fill_devices(struct handover *handover, const struct board *board) {
    handover->console = board->console;
    handover->gic.distributor = board->gic.distributor.base;
    handover->gic.redistributor_region_count = board->gic.redistributor_region_count;
    for (uint32_t i = 0; i < board->gic.redistributor_region_count; i++)
        handover->gic.redistributor_regions[i] = (struct handover_range){
            board->gic.redistributor_regions[i].base,
            board->gic.redistributor_regions[i].size,
        };
    handover->hypervisor_timer_intid = board->hypervisor_timer_intid;
    handover->flip_button_intid = board->flip_button_intid;
    handover->power_key = (struct handover_power_key){
        .base = board->power_key.base,
        .intid = board->power_key.intid,
        .pin = board->power_key.pin,
        .long_press_ms = board->power_key.long_press_ms,
        .active_low = board->power_key.active_low,
    };
    handover->channel = (struct handover_channel){.base = board->channel.base, .intid = board->channel.intid};
    handover->clock = (struct handover_clock){
        .base = board->clock.base,
        .intid = board->clock.intid,
        .persona_intid = board->clock.persona_intid,
    };
    handover->keyboard.base = board->keyboard.base;
    handover->keyboard.intid = board->keyboard.intid;
    handover->keyboard.chord_length = board->keyboard.chord_length;
    for (uint32_t i = 0; i < board->keyboard.chord_length && i < HANDOVER_CHORD_MAX; i++)
        handover->keyboard.chord[i] = board->keyboard.chord[i];
}

static void add_copy(struct handover_persona *persona, uint64_t source, uint64_t destination, uint64_t size) {
    if (size > 0)
        persona->copies[persona->copy_count++] = (struct handover_copy){source, destination, size};
}

static void fill_persona(struct region_build *build, uint32_t index) {
    const struct region_persona *from = &build->request->personas[index];
    struct handover_persona *to = &build->handover->personas[index];
    struct region_placement placement = region_place(from);
    uint64_t tree_size = devicetree_size(build->memory + build->layout.personas[index].tree);

    copy_text(to->name, from->name, sizeof(to->name));
    copy_text(to->title, from->title, sizeof(to->title));
    to->partition = (struct handover_range){from->partition.base, from->partition.size};
    to->entry = placement.kernel;
    to->devicetree = placement.tree;
    to->prewarm_ms = from->prewarm_ms;
    to->alarm_flip = from->alarm_flip;
    to->usim = build->request->usim.size > 0 ? (uint32_t)from->usim : HANDOVER_USIM_NONE;
    add_copy(to, build->physical + build->layout.personas[index].kernel, placement.kernel, from->kernel_size);
    add_copy(to, build->physical + build->layout.personas[index].tree, placement.tree, tree_size);
    add_copy(to, build->physical + build->layout.personas[index].initrd, placement.initrd, from->initrd_size);
    board_allowed_spis(build->request->board, from->name, to->spi_allowed);
}

static void fill_usim(struct region_build *build) {
    const struct region_usim *from = &build->request->usim;
    struct handover_usim *to = &build->handover->usim;
    if (from->size == 0)
        return;
    to->profile = (struct handover_range){build->physical + build->layout.usim, from->size};
    to->flash = from->memory != NULL ? build->physical + build->layout.usim_state : from->flash;
    to->flash_block_size = from->memory != NULL ? REGION_PAGE_SIZE : from->flash_block_size;
    to->flash_lanes = from->flash_lanes;
    memcpy(to->state_key, from->state_key, sizeof(to->state_key));
    memcpy(to->seed, from->seed, sizeof(to->seed));
}

_Static_assert((int)BOARD_SPI_WORDS == (int)HANDOVER_SPI_WORDS, "one bitmap");

void region_build_handover(struct region_build *build) {
    const struct region_request *request = build->request;
    struct handover *handover = build->handover;

    handover->magic = HANDOVER_MAGIC;
    handover->version = HANDOVER_VERSION;
    handover->size = sizeof(*handover);
    handover->switcher = (struct handover_range){build->physical, build->layout.size};
    fill_cpus(build);
    fill_devices(handover, request->board);
    handover->flip_timeout_ms =
        request->flip_timeout_ms != 0 ? request->flip_timeout_ms : request->board->flip_timeout_ms;
    handover->quiet_count = request->quiet_count;
    for (uint32_t i = 0; i < request->quiet_count; i++)
        handover->quiet[i] = request->quiet[i];
    fill_usim(build);
    handover->persona_count = request->persona_count;
    handover->first_persona = request->first_persona;
    for (uint32_t i = 0; i < request->persona_count; i++)
        fill_persona(build, i);
}
