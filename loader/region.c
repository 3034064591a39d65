// SPDX-License-Identifier: BSD-3-Clause
#include "region.h"

#include <stdio.h>
#include <string.h>

#include "region_build.h"

enum {
    HUGE_PAGE = 2 * 1024 * 1024,
    /* A kernel unpacks its initrd into memory before it can free it; below this nothing useful starts. */
    ROOM_TO_RUN = 64 * 1024 * 1024,
    TABLES_FOR_SWITCHER = 128 * REGION_PAGE_SIZE,
    TABLES_PER_PERSONA = 96 * REGION_PAGE_SIZE,
};

static uint64_t round_up(uint64_t value, uint64_t unit) { return (value + unit - 1) / unit * unit; }

struct region_placement region_place(const struct region_persona *persona) {
    struct region_placement placement;
    placement.kernel = persona->partition.base + persona->text_offset;
    placement.tree = round_up(placement.kernel + persona->kernel_memory, HUGE_PAGE);
    placement.initrd = placement.tree + REGION_TREE_MAX;
    placement.end = placement.initrd + persona->initrd_size;
    return placement;
}

uint64_t region_partition_minimum(const struct region_persona *persona) {
    struct region_persona at_zero = *persona;
    at_zero.partition.base = 0;
    return round_up(region_place(&at_zero).end, HUGE_PAGE) + round_up(persona->room, HUGE_PAGE) + ROOM_TO_RUN;
}

static struct devicetree_request tree_request(const struct region_request *request,
                                              const struct region_persona *persona) {
    struct devicetree_request tree = {
        .firmware = request->firmware_tree,
        .board = request->board,
        .persona = persona->name,
        .partition = persona->partition,
        .initrd = {.base = region_place(persona).initrd, .size = persona->initrd_size},
        .command_line = persona->command_line,
        .store = request->store,
        .version = persona->version,
        .up_token = persona->up_token,
    };
    memcpy(tree.kaslr_seed, persona->kaslr_seed, sizeof(tree.kaslr_seed));
    memcpy(tree.rng_seed, persona->rng_seed, sizeof(tree.rng_seed));
    return tree;
}

/* Takes a piece of the region, in whole pages. */
static uint64_t take(struct region_layout *layout, uint64_t size) {
    uint64_t offset = layout->size;
    layout->size += round_up(size, REGION_PAGE_SIZE);
    return offset;
}

static uint32_t stage2_count(const struct region_request *request) {
    uint32_t count = request->persona_count;
    for (uint32_t i = 0; i < request->persona_count; i++)
        count += request->personas[i].tpm != 0;
    return count;
}

static struct region_layout lay_out(const struct region_request *request) {
    struct region_layout layout = {0};
    (void)take(&layout, request->switcher->size);
    layout.stacks = take(&layout, request->board->cpu_count * (uint64_t)(REGION_PAGE_SIZE + HANDOVER_STACK_SIZE));
    layout.handover = take(&layout, sizeof(struct handover));
    layout.clear = take(&layout, REGION_CLEAR_SIZE);
    layout.tables_size = TABLES_FOR_SWITCHER + stage2_count(request) * (uint64_t)TABLES_PER_PERSONA;
    layout.tables = take(&layout, layout.tables_size);
    layout.size = round_up(layout.size, REGION_STREAM_LEVEL2_SIZE);
    layout.stream_tables = take(&layout, request->persona_count * (uint64_t)REGION_STREAM_TABLE_SIZE);
    layout.usim_state = take(&layout, request->usim.memory != NULL ? REGION_USIM_MEMORY : 0);
    layout.copies = layout.size;
    layout.usim = take(&layout, request->usim.size);
    for (uint32_t i = 0; i < request->persona_count; i++) {
        const struct region_persona *persona = &request->personas[i];
        struct devicetree_request tree = tree_request(request, persona);
        layout.personas[i].tree_room = round_up(devicetree_room(&tree), REGION_PAGE_SIZE);
        layout.personas[i].kernel = take(&layout, persona->kernel_size);
        layout.personas[i].tree = take(&layout, layout.personas[i].tree_room);
        layout.personas[i].initrd = take(&layout, persona->initrd_size);
    }
    return layout;
}

uint64_t region_size(const struct region_request *request) { return lay_out(request).size; }

void region_fail(struct region_build *build, enum region_error error, int cause, const char *persona,
                 uint64_t address) {
    if (build->fault.error == REGION_OK)
        build->fault = (struct region_fault){.error = error, .cause = cause, .persona = persona, .address = address};
}

static void check_request(struct region_build *build, uint64_t size) {
    const struct region_request *request = build->request;
    if (request->persona_count > HANDOVER_PERSONAS_MAX || request->board->cpu_count > HANDOVER_CPUS_MAX ||
        request->quiet_count > HANDOVER_QUIET_MAX ||
        request->board->gic.redistributor_region_count > HANDOVER_REDISTRIBUTOR_REGIONS_MAX) {
        region_fail(build, REGION_TOO_MANY, 0, NULL, 0);
        return;
    }
    build->layout = lay_out(request);
    if (size < build->layout.size)
        region_fail(build, REGION_TOO_SMALL, 0, NULL, 0);
    for (uint32_t i = 0; i < request->persona_count; i++) {
        const struct region_persona *persona = &request->personas[i];
        if (persona->partition.size < region_partition_minimum(persona))
            region_fail(build, REGION_PARTITION_SMALL, 0, persona->name, persona->partition.base);
    }
}

static uint64_t load_switcher(struct region_build *build) {
    uint64_t entry = 0;
    enum elf_error error =
        elf_load(build->request->switcher, build->memory, build->request->switcher->size, build->physical, &entry);
    if (error != ELF_OK)
        region_fail(build, REGION_BAD_SWITCHER, (int)error, NULL, 0);
    return entry;
}

/* Nothing of what the memory was used for before stays behind the end. */
static void copy_pages(const struct region_build *build, uint64_t offset, const void *from, uint64_t size) {
    uint8_t *to = build->memory + offset;
    memcpy(to, from, (size_t)size);
    memset(to + size, 0, (size_t)(round_up(size, REGION_PAGE_SIZE) - size));
}

static void copy_persona(struct region_build *build, uint32_t index) {
    const struct region_persona *persona = &build->request->personas[index];
    struct devicetree_request tree = tree_request(build->request, persona);
    uint8_t *tree_memory = build->memory + build->layout.personas[index].tree;
    memset(tree_memory, 0, (size_t)build->layout.personas[index].tree_room);
    enum devicetree_error error = devicetree_build(&tree, tree_memory, (size_t)build->layout.personas[index].tree_room);
    if (error != DEVICETREE_OK)
        region_fail(build, REGION_BAD_TREE, (int)error, persona->name, 0);
    else if (devicetree_size(tree_memory) > REGION_TREE_MAX)
        region_fail(build, REGION_TREE_TOO_LARGE, 0, persona->name, 0);
    copy_pages(build, build->layout.personas[index].kernel, persona->kernel, persona->kernel_size);
    if (persona->initrd_size > 0)
        copy_pages(build, build->layout.personas[index].initrd, persona->initrd, persona->initrd_size);
}

static void copy_usim(const struct region_build *build) {
    const struct region_usim *usim = &build->request->usim;
    if (usim->size > 0)
        memcpy(build->memory + build->layout.usim, usim->profile, (size_t)usim->size);
    if (usim->memory != NULL)
        memcpy(build->memory + build->layout.usim_state, usim->memory, REGION_USIM_MEMORY);
}

static void check_handover(struct region_build *build) {
    enum handover_error error = handover_check(build->handover);
    if (error != HANDOVER_OK)
        region_fail(build, REGION_BAD_HANDOVER, (int)error, NULL, 0);
}

struct region_fault region_fill(struct region *region, const struct region_request *request, void *memory,
                                uint64_t physical, uint64_t size) {
    struct region_build build = {.request = request, .memory = memory, .physical = physical};
    check_request(&build, size);
    if (build.fault.error != REGION_OK)
        return build.fault;

    /* Stacks and guard pages hold nothing of what the memory was used for before. */
    memset(build.memory, 0, (size_t)build.layout.copies);
    memset(build.memory + build.layout.size, 0, (size_t)(size - build.layout.size));
    build.handover = (struct handover *)(void *)(build.memory + build.layout.handover);
    region->handover = physical + build.layout.handover;
    region->clear = physical + build.layout.clear;
    region->entry = load_switcher(&build);
    for (uint32_t i = 0; i < request->persona_count && build.fault.error == REGION_OK; i++)
        copy_persona(&build, i);
    copy_usim(&build);
    if (build.fault.error == REGION_OK)
        region_build_handover(&build);
    if (build.fault.error == REGION_OK)
        region_build_tables(&build);
    if (build.fault.error == REGION_OK)
        region_build_streams(&build);
    if (build.fault.error == REGION_OK)
        check_handover(&build);
    region->tables_used = build.pool.used;
    return build.fault;
}

static const char *error_text(enum region_error error) {
    switch (error) {
    case REGION_OK:
        return "no error";
    case REGION_TOO_SMALL:
        return "the switcher's memory is too small";
    case REGION_UNKNOWN_CPU:
        return "the firmware's device tree does not name this CPU";
    case REGION_TOO_MANY:
        return "more CPUs, interrupt controller regions or devices than supported";
    case REGION_PARTITION_SMALL:
        return "the partition is too small";
    case REGION_TREE_TOO_LARGE:
        return "the device tree is larger than 2 MiB";
    case REGION_BAD_SWITCHER:
        return "the switcher can't be loaded";
    case REGION_BAD_TREE:
        return "no device tree";
    case REGION_BAD_TABLES:
        return "no translation tables";
    case REGION_NOT_ISOLATED:
        return "not isolated";
    case REGION_BAD_HANDOVER:
        return "the hand-over is wrong";
    }
    return "unknown error";
}

static const char *cause_text(const struct region_fault *fault) {
    switch (fault->error) {
    case REGION_BAD_SWITCHER:
        return elf_error_text((enum elf_error)fault->cause);
    case REGION_BAD_TREE:
        return devicetree_error_text((enum devicetree_error)fault->cause);
    case REGION_BAD_TABLES:
    case REGION_NOT_ISOLATED:
        return tables_error_text((enum tables_error)fault->cause);
    case REGION_BAD_HANDOVER:
        return handover_error_text((enum handover_error)fault->cause);
    default:
        return NULL;
    }
}

void region_fault_text(const struct region_fault *fault, char *text, size_t size) {
    const char *cause = cause_text(fault);
    char where[32] = "";
    if (fault->address != 0)
        (void)snprintf(where, sizeof(where), " (0x%llx)", (unsigned long long)fault->address);
    (void)snprintf(text, size, "%s%s%s%s%s%s", fault->persona != NULL ? fault->persona : "",
                   fault->persona != NULL ? ": " : "", error_text(fault->error), cause != NULL ? ": " : "",
                   cause != NULL ? cause : "", where);
}
