// SPDX-License-Identifier: BSD-3-Clause
// One stream table a persona (IHI 0070, chapter 5): whatever device asks, the answer is the persona's stage 2.
#include "region_build.h"

enum { SPLIT = 8, STREAM_ID_BITS = 16, ENTRIES = 256, ENTRY_WORDS = 8 };

/* L1 stream table descriptor: Span 9 means 2^8 entries. */
static const uint64_t level1_span = SPLIT + 1;

/* Stream table entry: valid, stage 1 bypassed and stage 2 translating, attributes as they come. */
static const uint64_t entry_valid_stage2 = 1u | 6u << 1;
static const uint64_t entry_incoming_attributes = UINT64_C(1) << 44;
/* Its third word: AArch64 tables, no access-flag faults, faults recorded and never stalled. */
static const uint64_t entry_aa64_affd_record = UINT64_C(1) << 51 | UINT64_C(1) << 53 | UINT64_C(1) << 58;

enum { VTTBR_VMID_SHIFT = 48 };

/* S2T0SZ to S2PS of the entry are in VTCR_EL2's order. */
static const uint64_t vtcr_shared_fields = 0x7ffff;
static const uint64_t vttbr_address = UINT64_C(0x0000fffffffffff0);

static void fill_entries(uint64_t *entries, uint64_t vtcr, uint64_t vttbr) {
    for (unsigned i = 0; i < ENTRIES; i++) {
        uint64_t *entry = entries + i * ENTRY_WORDS;
        entry[0] = entry_valid_stage2;
        entry[1] = entry_incoming_attributes;
        entry[2] = entry_aa64_affd_record | (vtcr & vtcr_shared_fields) << 32 | vttbr >> VTTBR_VMID_SHIFT;
        entry[3] = vttbr & vttbr_address;
        for (unsigned word = 4; word < ENTRY_WORDS; word++)
            entry[word] = 0;
    }
}

static void build_stream_table(struct region_build *build, uint32_t index) {
    uint64_t level2 = build->layout.stream_tables + index * (uint64_t)REGION_STREAM_TABLE_SIZE;
    uint64_t level1 = level2 + REGION_STREAM_LEVEL2_SIZE;
    uint64_t *descriptors = (uint64_t *)(void *)(build->memory + level1);

    fill_entries((uint64_t *)(void *)(build->memory + level2), build->handover->vtcr_el2,
                 build->handover->personas[index].vttbr);
    for (unsigned i = 0; i < ENTRIES; i++)
        descriptors[i] = (build->physical + level2) | level1_span;
    build->handover->smmu.stream_tables[index] = build->physical + level1;
}

void region_build_streams(struct region_build *build) {
    const struct board_smmu *smmu = &build->request->board->smmu_v3;
    const uint32_t two_levels = 1u << 16;

    if (smmu->base == 0)
        return;
    build->handover->smmu.base = smmu->base;
    build->handover->smmu.event_intid = smmu->event_intid;
    build->handover->smmu.error_intid = smmu->error_intid;
    build->handover->smmu.stream_table_config = two_levels | (uint32_t)SPLIT << 6 | STREAM_ID_BITS;
    for (uint32_t i = 0; i < build->request->persona_count; i++)
        build_stream_table(build, i);
}
