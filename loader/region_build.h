// SPDX-License-Identifier: BSD-3-Clause
#ifndef LOADER_REGION_BUILD_H
#define LOADER_REGION_BUILD_H

/** Between the parts of region_fill(): where everything lies, and the work at hand. The first fault sticks. */

#include "region.h"
#include "tables.h"

enum {
    REGION_PAGE_SIZE = 4096,
    /* Two levels (IHI 0070, 3.3.1.2): 256 descriptors that all lead to one table of 256 entries, all alike. */
    REGION_STREAM_LEVEL1_SIZE = 256 * 8,
    REGION_STREAM_LEVEL2_SIZE = 256 * 64,
    REGION_STREAM_TABLE_SIZE = 2 * REGION_STREAM_LEVEL2_SIZE, /* each level aligned to its size */
    REGION_TREE_MAX = 2 * 1024 * 1024,                        /* bytes (Linux, Documentation/arch/arm64/booting.rst) */
};

/** Offsets from the region's start, all page-aligned. */
struct region_layout {
    uint64_t stacks; /* per CPU: a guard page, then HANDOVER_STACK_SIZE */
    uint64_t handover;
    uint64_t clear; /* REGION_CLEAR_SIZE bytes, not mapped */
    uint64_t tables;
    uint64_t tables_size;
    uint64_t stream_tables; /* per persona: first level, then second level, REGION_STREAM_TABLE_SIZE bytes */
    uint64_t copies;        /* to the end */
    uint64_t usim;          /* the profile */
    uint64_t usim_state;    /* where it is in memory, before the copies: the switcher writes it */
    struct {
        uint64_t kernel;
        uint64_t tree;
        uint64_t tree_room;
        uint64_t initrd;
    } personas[HANDOVER_PERSONAS_MAX];
    uint64_t size;
};

/** Addresses in a persona's partition. */
struct region_placement {
    uint64_t kernel;
    uint64_t tree;
    uint64_t initrd;
    uint64_t end; /* of the initrd */
};

struct region_build {
    const struct region_request *request;
    struct region_layout layout;
    uint8_t *memory;
    uint64_t physical;
    struct handover *handover; /* in the region */
    struct tables_pool pool;
    struct region_fault fault;
};

/** Notes a fault unless there is one already. */
void region_fail(struct region_build *build, enum region_error error, int cause, const char *persona, uint64_t address);

/** @return where a persona's parts go in its partition */
struct region_placement region_place(const struct region_persona *persona);

/** Builds EL2's stage 1 and each persona's stage 2, and puts the registers' values into the hand-over. */
void region_build_tables(struct region_build *build);

/** Builds each persona's SMMU stream table, where the board has an SMMU; the stage-2 tables are there. */
void region_build_streams(struct region_build *build);

/** Puts everything but the tables' part into the hand-over. */
void region_build_handover(struct region_build *build);

#endif
