// SPDX-License-Identifier: BSD-3-Clause
#include "region_build.h"

enum { SMMU_SIZE = 0x20000 /* IHI 0070, 6.1: two pages of 64 KiB */ };
enum { FORBIDDEN_MAX = HANDOVER_PERSONAS_MAX + 2 * BOARD_KEPT_MAX + 5 + BOARD_DEVICES_MAX * BOARD_DEVICE_RANGES_MAX };

/* Static: too large for the stack that firmware gives (UEFI 2.10, 2.3.6.2: 128 KiB). */
static struct board_mapping mappings[BOARD_MAPPINGS_MAX];
static struct tables_range forbidden[FORBIDDEN_MAX];

static void map(struct region_build *build, struct tables *tables, uint64_t base, uint64_t size,
                enum tables_access access, const char *persona) {
    uint64_t first = base & ~(uint64_t)(REGION_PAGE_SIZE - 1);
    uint64_t end = (base + size + REGION_PAGE_SIZE - 1) & ~(uint64_t)(REGION_PAGE_SIZE - 1);
    if (size == 0 || build->fault.error != REGION_OK)
        return;
    enum tables_error error = tables_map(tables, first, end - first, access);
    if (error != TABLES_OK)
        region_fail(build, REGION_BAD_TABLES, (int)error, persona, base);
}

static enum tables_access segment_access(const struct elf_segment *segment) {
    if (segment->executable)
        return TABLES_EL2_READ_EXECUTE;
    return segment->writable ? TABLES_EL2_READ_WRITE : TABLES_EL2_READ;
}

/* The tables themselves are not mapped: nothing changes them after this. */
static void map_region(struct region_build *build, struct tables *stage1) {
    const struct elf_image *image = build->request->switcher;
    const struct region_layout *layout = &build->layout;
    for (unsigned i = 0; i < image->segment_count; i++)
        map(build, stage1, build->physical + image->segments[i].offset, image->segments[i].size,
            segment_access(&image->segments[i]), NULL);
    for (uint32_t i = 0; i < build->handover->cpu_count; i++)
        map(build, stage1, build->handover->cpus[i].stack_top - HANDOVER_STACK_SIZE, HANDOVER_STACK_SIZE,
            TABLES_EL2_READ_WRITE, NULL);
    map(build, stage1, build->physical + layout->handover, sizeof(struct handover), TABLES_EL2_READ, NULL);
    map(build, stage1, build->physical + layout->usim_state, layout->copies - layout->usim_state, TABLES_EL2_READ_WRITE,
        NULL);
    map(build, stage1, build->physical + layout->copies, layout->size - layout->copies, TABLES_EL2_READ, NULL);
}

static void map_devices(struct region_build *build, struct tables *stage1) {
    const struct board *board = build->request->board;
    map(build, stage1, board->gic.distributor.base, board->gic.distributor.size, TABLES_EL2_DEVICE, NULL);
    for (uint32_t i = 0; i < board->gic.redistributor_region_count; i++)
        map(build, stage1, board->gic.redistributor_regions[i].base, board->gic.redistributor_regions[i].size,
            TABLES_EL2_DEVICE, NULL);
    if (board->console != 0)
        map(build, stage1, board->console, REGION_PAGE_SIZE, TABLES_EL2_DEVICE, NULL);
    if (board->power_key.base != 0)
        map(build, stage1, board->power_key.base, REGION_PAGE_SIZE, TABLES_EL2_DEVICE, NULL);
    if (board->keyboard.base != 0)
        map(build, stage1, board->keyboard.base, 1, TABLES_EL2_DEVICE, NULL);
    if (board->clock.base != 0)
        map(build, stage1, board->clock.base, REGION_PAGE_SIZE, TABLES_EL2_DEVICE, NULL);
    map(build, stage1, board->smmu_v3.base, board->smmu_v3.base != 0 ? SMMU_SIZE : 0, TABLES_EL2_DEVICE, NULL);
    if (build->request->usim.flash != 0)
        map(build, stage1, build->request->usim.flash, 2 * (uint64_t)build->request->usim.flash_block_size,
            TABLES_EL2_DEVICE, NULL);
    for (uint32_t i = 0; i < build->request->quiet_count; i++)
        map(build, stage1, build->request->quiet[i].address, sizeof(uint32_t), TABLES_EL2_DEVICE, NULL);
}

static void build_stage1(struct region_build *build) {
    struct tables stage1;
    enum tables_error error = tables_stage1_init(&stage1, &build->pool);
    if (error != TABLES_OK) {
        region_fail(build, REGION_BAD_TABLES, (int)error, NULL, 0);
        return;
    }
    map_region(build, &stage1);
    for (uint32_t i = 0; i < build->request->persona_count; i++)
        map(build, &stage1, build->request->personas[i].partition.base, build->request->personas[i].partition.size,
            TABLES_EL2_READ_WRITE, NULL);
    map_devices(build, &stage1);
    build->handover->mair_el2 = tables_mair_el2();
    build->handover->tcr_el2 = tables_tcr_el2(build->request->parange);
    build->handover->ttbr0_el2 = tables_ttbr0_el2(&stage1);
}

static void forbid(size_t *count, uint64_t base, uint64_t size) {
    if (size > 0 && *count < FORBIDDEN_MAX)
        forbidden[(*count)++] = (struct tables_range){base, size};
}

static void forbid_device(size_t *count, const struct board_device *device) {
    for (uint32_t i = 0; i < device->range_count; i++)
        forbid(count, device->ranges[i].base, device->ranges[i].size);
}

static size_t list_forbidden(const struct region_build *build, uint32_t index) {
    const struct board *board = build->request->board;
    size_t count = 0;
    forbid(&count, build->physical, build->layout.size);
    for (uint32_t i = 0; i < build->request->persona_count; i++)
        if (i != index)
            forbid(&count, build->request->personas[i].partition.base, build->request->personas[i].partition.size);
    for (uint32_t i = 0; i < board->gic.its_count; i++)
        forbid(&count, board->gic.its[i].base, board->gic.its[i].size);
    for (uint32_t i = 0; i < board->smmu_count; i++)
        forbid(&count, board->smmu[i].base, board->smmu[i].size);
    forbid(&count, board->power_key.base, board->power_key.base != 0 ? REGION_PAGE_SIZE : 0);
    forbid(&count, board->clock.base, board->clock.base != 0 ? REGION_PAGE_SIZE : 0);
    forbid(&count, board->usim_state.range.base, board->usim_state.range.size);
    forbid(&count, board->keyboard.base, board->keyboard.base != 0 ? 4 : 0);
    for (uint32_t i = 0; i < board->device_count; i++)
        if (!board_device_visible(&board->devices[i], build->request->personas[index].name))
            forbid_device(&count, &board->devices[i]);
    return count;
}

static void check_isolation(struct region_build *build, const struct tables *stage2, uint32_t index) {
    size_t count = list_forbidden(build, index);
    uint64_t address = 0;
    enum tables_error error = tables_check_isolation(stage2, forbidden, count, &address);
    if (error != TABLES_OK)
        region_fail(build, REGION_NOT_ISOLATED, (int)error, build->request->personas[index].name, address);
}

static void map_persona(struct region_build *build, struct tables *stage2, const struct region_persona *persona) {
    size_t count = 0;
    if (!board_visible_ranges(build->request->board, persona->name, mappings, BOARD_MAPPINGS_MAX, &count)) {
        region_fail(build, REGION_TOO_MANY, 0, persona->name, 0);
        return;
    }
    map(build, stage2, persona->partition.base, persona->partition.size, TABLES_PERSONA_MEMORY, persona->name);
    for (size_t i = 0; i < count; i++)
        map(build, stage2, mappings[i].range.base, mappings[i].range.size,
            mappings[i].read_only ? TABLES_PERSONA_DEVICE_READ : TABLES_PERSONA_DEVICE, persona->name);
}

/* What only a start may reach is mapped last, over tables that were proven to reach nothing foreign. */
static uint64_t build_stage2(struct region_build *build, uint32_t index, uint64_t more) {
    const struct region_persona *persona = &build->request->personas[index];
    struct tables stage2;
    uint64_t vttbr = 0;
    enum tables_error error = tables_stage2_init(&stage2, &build->pool, build->request->parange);
    if (error == TABLES_OK)
        error = tables_vttbr_el2(&stage2, index + 1, &vttbr);
    if (error != TABLES_OK) {
        region_fail(build, REGION_BAD_TABLES, (int)error, persona->name, 0);
        return 0;
    }
    map_persona(build, &stage2, persona);
    if (build->fault.error == REGION_OK)
        check_isolation(build, &stage2, index);
    if (more != 0)
        map(build, &stage2, more, REGION_PAGE_SIZE, TABLES_PERSONA_DEVICE, persona->name);
    return vttbr;
}

static void build_persona(struct region_build *build, uint32_t index) {
    struct handover_persona *persona = &build->handover->personas[index];
    const uint64_t tpm = build->request->personas[index].tpm;
    persona->vttbr = build_stage2(build, index, 0);
    persona->vttbr_start = tpm == 0 ? persona->vttbr : build_stage2(build, index, tpm);
}

void region_build_tables(struct region_build *build) {
    enum tables_error error =
        tables_pool_init(&build->pool, build->memory + build->layout.tables, build->physical + build->layout.tables,
                         (size_t)build->layout.tables_size);
    if (error != TABLES_OK) {
        region_fail(build, REGION_BAD_TABLES, (int)error, NULL, 0);
        return;
    }
    build->handover->vtcr_el2 = tables_vtcr_el2(build->request->parange);
    build_stage1(build);
    for (uint32_t i = 0; i < build->request->persona_count && build->fault.error == REGION_OK; i++)
        build_persona(build, i);
}
