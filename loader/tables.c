// SPDX-License-Identifier: BSD-3-Clause
#include "tables.h"

#define BIT(n) (UINT64_C(1) << (n))

/* Descriptors (DDI 0487, D8.3). Bit 1 tells tables and pages from blocks. */
#define VALID BIT(0)
#define TABLE_OR_PAGE BIT(1)
#define TYPE_MASK (VALID | TABLE_OR_PAGE)
#define ADDRESS_MASK UINT64_C(0x0000fffffffff000)
#define ACCESS_FLAG BIT(10) /* set from the start: nothing handles access flag faults */
#define INNER_SHAREABLE (UINT64_C(3) << 8)
#define EXECUTE_NEVER BIT(54)

#define STAGE1_INDEX(n) ((uint64_t)(n) << 2) /* AttrIndx: a byte of MAIR_EL2 */
#define STAGE1_AP1 BIT(6)                    /* RES1 in a regime of one exception level */
#define STAGE1_READ_ONLY BIT(7)

#define STAGE2_NORMAL (UINT64_C(0xf) << 2) /* MemAttr: write-back inside and outside */
#define STAGE2_DEVICE (UINT64_C(0x1) << 2) /* MemAttr: nGnRE */
#define STAGE2_READ BIT(6)
#define STAGE2_WRITE BIT(7)

enum {
    MAIR_NORMAL = 0, /* index */
    MAIR_DEVICE = 1, /* index */
    LEVEL_LAST = 3,
    ENTRIES = 512,
    STAGE1_INPUT_BITS = 48,
    STAGE2_INPUT_BITS_MAX = 40,
    PARANGE_48 = 5, /* what a 4 KiB granule reaches without FEAT_LPA2 */
    PARANGE_MAX = 7,
    VMID_MAX = 255,
};

static const uint8_t PARANGE_BITS[PARANGE_MAX + 1] = {32, 36, 40, 42, 44, 48, 52, 56};

static const struct {
    enum tables_stage stage;
    uint64_t attributes;
} ACCESSES[] = {
    [TABLES_EL2_READ_EXECUTE] = {TABLES_STAGE1, STAGE1_INDEX(MAIR_NORMAL) | STAGE1_AP1 | STAGE1_READ_ONLY |
                                                    INNER_SHAREABLE | ACCESS_FLAG},
    [TABLES_EL2_READ] = {TABLES_STAGE1, STAGE1_INDEX(MAIR_NORMAL) | STAGE1_AP1 | STAGE1_READ_ONLY | INNER_SHAREABLE |
                                            ACCESS_FLAG | EXECUTE_NEVER},
    [TABLES_EL2_READ_WRITE] = {TABLES_STAGE1,
                               STAGE1_INDEX(MAIR_NORMAL) | STAGE1_AP1 | INNER_SHAREABLE | ACCESS_FLAG | EXECUTE_NEVER},
    [TABLES_EL2_DEVICE] = {TABLES_STAGE1, STAGE1_INDEX(MAIR_DEVICE) | STAGE1_AP1 | ACCESS_FLAG | EXECUTE_NEVER},
    [TABLES_PERSONA_MEMORY] = {TABLES_STAGE2,
                               STAGE2_NORMAL | STAGE2_READ | STAGE2_WRITE | INNER_SHAREABLE | ACCESS_FLAG},
    [TABLES_PERSONA_DEVICE] = {TABLES_STAGE2, STAGE2_DEVICE | STAGE2_READ | STAGE2_WRITE | ACCESS_FLAG | EXECUTE_NEVER},
    [TABLES_PERSONA_DEVICE_READ] = {TABLES_STAGE2, STAGE2_DEVICE | STAGE2_READ | ACCESS_FLAG | EXECUTE_NEVER},
};

enum { ACCESS_COUNT = sizeof(ACCESSES) / sizeof(ACCESSES[0]) };

static unsigned int level_shift(unsigned int level) { return 39 - 9 * level; }

/** @return bytes that one entry of a level translates */
static uint64_t level_span(unsigned int level) { return BIT(level_shift(level)); }

static bool is_table(uint64_t descriptor, unsigned int level) {
    return level < LEVEL_LAST && (descriptor & TYPE_MASK) == TYPE_MASK;
}

/** Level 0 has no blocks, and at level 3 the type of a block is reserved. */
static bool is_leaf(uint64_t descriptor, unsigned int level) {
    const uint64_t type = level == LEVEL_LAST ? TYPE_MASK : VALID;
    return level > 0 && (descriptor & TYPE_MASK) == type;
}

static unsigned int stage2_input_bits(unsigned int parange) {
    const unsigned int bits = PARANGE_BITS[parange];
    return bits < STAGE2_INPUT_BITS_MAX ? bits : STAGE2_INPUT_BITS_MAX;
}

/** Entries of the root: more than 512 when tables are concatenated (D8.2.2). */
static size_t root_entries(const struct tables *tables) {
    return (size_t)1 << (tables->input_bits - level_shift(tables->start_level));
}

/** @return where the loader sees a table, NULL when it is not in the pool */
static uint64_t *table_at(const struct tables_pool *pool, uint64_t physical) {
    if (physical < pool->physical || physical - pool->physical >= pool->used) {
        return NULL;
    }
    return (uint64_t *)(void *)(pool->memory + (physical - pool->physical));
}

/** Takes zeroed, naturally aligned pages. @return false when the pool is used up */
static bool take(struct tables_pool *pool, size_t size, uint64_t *physical) {
    const size_t misaligned = (size_t)((pool->physical + pool->used) % size);
    const size_t skipped = misaligned == 0 ? 0 : size - misaligned;
    if (pool->size - pool->used < skipped || pool->size - pool->used - skipped < size) {
        return false;
    }
    uint8_t *memory = pool->memory + pool->used + skipped;
    for (size_t i = 0; i < size; i++) {
        memory[i] = 0;
    }
    *physical = pool->physical + pool->used + skipped;
    pool->used += skipped + size;
    return true;
}

enum tables_error tables_pool_init(struct tables_pool *pool, void *memory, uint64_t physical, size_t size) {
    if ((uintptr_t)memory % TABLES_PAGE_SIZE != 0 || physical % TABLES_PAGE_SIZE != 0) {
        return TABLES_BAD_POOL;
    }
    *pool = (struct tables_pool){.memory = memory, .physical = physical, .size = size - size % TABLES_PAGE_SIZE};
    return TABLES_OK;
}

static enum tables_error init_root(struct tables *tables) {
    size_t size = root_entries(tables) * sizeof(uint64_t);
    if (size < TABLES_PAGE_SIZE) {
        size = TABLES_PAGE_SIZE;
    }
    return take(tables->pool, size, &tables->root) ? TABLES_OK : TABLES_NO_ROOM;
}

enum tables_error tables_stage1_init(struct tables *tables, struct tables_pool *pool) {
    *tables = (struct tables){.pool = pool, .stage = TABLES_STAGE1, .input_bits = STAGE1_INPUT_BITS, .start_level = 0};
    return init_root(tables);
}

enum tables_error tables_stage2_init(struct tables *tables, struct tables_pool *pool, unsigned int parange) {
    if (parange > PARANGE_MAX) {
        return TABLES_BAD_PARANGE;
    }
    *tables = (struct tables){
        .pool = pool, .stage = TABLES_STAGE2, .input_bits = stage2_input_bits(parange), .start_level = 1};
    return init_root(tables);
}

/** Turns a block or nothing into a table that says the same. */
static enum tables_error split(struct tables *tables, uint64_t *descriptor, unsigned int level) {
    uint64_t physical;
    if (!take(tables->pool, TABLES_PAGE_SIZE, &physical)) {
        return TABLES_NO_ROOM;
    }
    if (is_leaf(*descriptor, level)) {
        uint64_t *table = table_at(tables->pool, physical);
        const uint64_t type = level + 1 == LEVEL_LAST ? TYPE_MASK : VALID;
        for (uint64_t i = 0; i < ENTRIES; i++) {
            table[i] = ((*descriptor & ~TYPE_MASK) + i * level_span(level + 1)) | type;
        }
    }
    *descriptor = physical | TYPE_MASK;
    return TABLES_OK;
}

/** What is to be written: leaves of some attributes, or nothing at all. */
struct change {
    uint64_t base;
    uint64_t last; /* the last byte, so that the end of the address space needs no special case */
    bool maps;
    uint64_t attributes;
};

static bool covers(const struct change *change, uint64_t base, uint64_t span) {
    return change->base <= base && base + (span - 1) <= change->last;
}

static uint64_t leaf(const struct change *change, uint64_t address, unsigned int level) {
    return change->maps ? address | change->attributes | (level == LEVEL_LAST ? TYPE_MASK : VALID) : 0;
}

/** Writes the entries of one table that the change touches, and those below. @param base what its first entry
 * translates */
static enum tables_error apply(struct tables *tables, const struct change *change, uint64_t *table, size_t entries,
                               unsigned int level, uint64_t base) {
    const uint64_t span = level_span(level);
    size_t i = change->base > base ? (size_t)((change->base - base) / span) : 0;
    for (; i < entries && base + i * span <= change->last; i++) {
        const uint64_t address = base + i * span;
        if (covers(change, address, span) && (level > 0 || !change->maps)) {
            table[i] = leaf(change, address, level);
            continue;
        }
        if (table[i] == 0 && !change->maps) {
            continue;
        }
        if (!is_table(table[i], level)) {
            const enum tables_error error = split(tables, &table[i], level);
            if (error != TABLES_OK) {
                return error;
            }
        }
        uint64_t *below = table_at(tables->pool, table[i] & ADDRESS_MASK);
        const enum tables_error error = apply(tables, change, below, ENTRIES, level + 1, address);
        if (error != TABLES_OK) {
            return error;
        }
    }
    return TABLES_OK;
}

static enum tables_error change_range(struct tables *tables, uint64_t base, uint64_t size, bool maps,
                                      uint64_t attributes) {
    const uint64_t limit = BIT(tables->input_bits);
    if (base % TABLES_PAGE_SIZE != 0 || size % TABLES_PAGE_SIZE != 0 || size == 0) {
        return TABLES_UNALIGNED;
    }
    if (base >= limit || size > limit - base) {
        return TABLES_OUT_OF_RANGE;
    }
    const struct change change = {.base = base, .last = base + (size - 1), .maps = maps, .attributes = attributes};
    return apply(tables, &change, table_at(tables->pool, tables->root), root_entries(tables), tables->start_level, 0);
}

enum tables_error tables_map(struct tables *tables, uint64_t base, uint64_t size, enum tables_access access) {
    if (access <= TABLES_NONE || (unsigned int)access >= ACCESS_COUNT || ACCESSES[access].stage != tables->stage) {
        return TABLES_BAD_ACCESS;
    }
    return change_range(tables, base, size, true, ACCESSES[access].attributes);
}

enum tables_error tables_unmap(struct tables *tables, uint64_t base, uint64_t size) {
    return change_range(tables, base, size, false, 0);
}

static enum tables_access access_of(const struct tables *tables, uint64_t descriptor) {
    const uint64_t attributes = descriptor & ~(ADDRESS_MASK | TYPE_MASK);
    for (unsigned int i = TABLES_NONE + 1; i < ACCESS_COUNT; i++) {
        if (ACCESSES[i].stage == tables->stage && ACCESSES[i].attributes == attributes) {
            return (enum tables_access)i;
        }
    }
    return TABLES_NONE;
}

struct tables_entry tables_lookup(const struct tables *tables, uint64_t address) {
    if (address >= BIT(tables->input_bits)) {
        return (struct tables_entry){.access = TABLES_NONE, .base = address, .size = 1};
    }
    const uint64_t *table = table_at(tables->pool, tables->root);
    size_t entries = root_entries(tables);
    for (unsigned int level = tables->start_level;; level++, entries = ENTRIES) {
        const uint64_t span = level_span(level);
        const uint64_t descriptor = table[(address / span) % entries];
        if (!is_table(descriptor, level)) {
            const bool mapped = is_leaf(descriptor, level);
            return (struct tables_entry){.access = mapped ? access_of(tables, descriptor) : TABLES_NONE,
                                         .base = address - address % span,
                                         .size = span,
                                         .output = mapped ? descriptor & ADDRESS_MASK : 0};
        }
        table = table_at(tables->pool, descriptor & ADDRESS_MASK);
        if (table == NULL) {
            return (struct tables_entry){.access = TABLES_NONE, .base = address - address % span, .size = span};
        }
    }
}

struct isolation {
    const struct tables_pool *pool;
    const struct tables_range *forbidden;
    size_t count;
    uint64_t address; /* the first that offends */
};

/** Checks one block or page by where it leads, not by where it stands. */
static enum tables_error check_leaf(struct isolation *isolation, uint64_t output, uint64_t base, uint64_t span) {
    isolation->address = base;
    if (output != base) {
        return TABLES_NOT_IDENTITY;
    }
    for (size_t i = 0; i < isolation->count; i++) {
        const struct tables_range *range = &isolation->forbidden[i];
        const bool below = range->base < output + span; /* span is far below 2^64 - output: outputs have 48 bits */
        const bool above = range->size > 0 && range->base + (range->size - 1) >= output;
        if (below && above) {
            isolation->address = range->base > output ? range->base : output;
            return TABLES_NOT_ISOLATED;
        }
    }
    isolation->address = 0;
    return TABLES_OK;
}

static enum tables_error check_table(struct isolation *isolation, const uint64_t *table, size_t entries,
                                     unsigned int level, uint64_t base) {
    for (size_t i = 0; i < entries; i++) {
        const uint64_t address = base + i * level_span(level);
        const uint64_t output = table[i] & ADDRESS_MASK;
        enum tables_error error = TABLES_OK;
        if (is_table(table[i], level)) {
            const uint64_t *below = table_at(isolation->pool, output);
            isolation->address = address;
            error = below == NULL ? TABLES_NOT_IDENTITY : check_table(isolation, below, ENTRIES, level + 1, address);
        } else if (is_leaf(table[i], level)) {
            error = check_leaf(isolation, output, address, level_span(level));
        }
        if (error != TABLES_OK) {
            return error;
        }
    }
    isolation->address = 0;
    return TABLES_OK;
}

enum tables_error tables_check_isolation(const struct tables *tables, const struct tables_range *forbidden,
                                         size_t count, uint64_t *address) {
    struct isolation isolation = {.pool = tables->pool, .forbidden = forbidden, .count = count};
    const enum tables_error error =
        check_table(&isolation, table_at(tables->pool, tables->root), root_entries(tables), tables->start_level, 0);
    if (address != NULL) {
        *address = isolation.address;
    }
    return error;
}

uint64_t tables_mair_el2(void) {
    const uint64_t normal = 0xff; /* write-back, non-transient, read- and write-allocating, inside and outside */
    const uint64_t device = 0x04; /* nGnRE */
    return normal << (8 * MAIR_NORMAL) | device << (8 * MAIR_DEVICE);
}

/** Walks are cached like normal memory: IRGN0, ORGN0, SH0 of TCR_EL2 and VTCR_EL2 lie at the same bits, as does PS. */
static uint64_t walk_controls(unsigned int parange, unsigned int input_bits) {
    const uint64_t t0sz = 64 - input_bits;
    const uint64_t write_back = UINT64_C(1) << 8 | UINT64_C(1) << 10;
    const uint64_t inner_shareable = UINT64_C(3) << 12;
    const uint64_t physical_size = (uint64_t)(parange > PARANGE_48 ? PARANGE_48 : parange) << 16;
    return t0sz | write_back | inner_shareable | physical_size | BIT(31);
}

uint64_t tables_tcr_el2(unsigned int parange) {
    return walk_controls(parange, STAGE1_INPUT_BITS) | BIT(23); /* bits 23 and 31 are RES1 */
}

uint64_t tables_ttbr0_el2(const struct tables *tables) { return tables->root; }

uint64_t tables_vtcr_el2(unsigned int parange) {
    const uint64_t from_level_1 = UINT64_C(1) << 6; /* SL0 with a 4 KiB granule */
    return walk_controls(parange, stage2_input_bits(parange > PARANGE_MAX ? PARANGE_MAX : parange)) | from_level_1;
}

enum tables_error tables_vttbr_el2(const struct tables *tables, unsigned int vmid, uint64_t *vttbr) {
    if (vmid == 0 || vmid > VMID_MAX) {
        return TABLES_BAD_VMID;
    }
    *vttbr = (uint64_t)vmid << 48 | tables->root;
    return TABLES_OK;
}

const char *tables_error_text(enum tables_error error) {
    switch (error) {
    case TABLES_OK:
        return "no error";
    case TABLES_BAD_POOL:
        return "the memory for translation tables is not page-aligned";
    case TABLES_BAD_PARANGE:
        return "the CPU's physical address size is unknown";
    case TABLES_BAD_VMID:
        return "VMID outside 1 to 255";
    case TABLES_BAD_ACCESS:
        return "mapping of another stage's kind";
    case TABLES_UNALIGNED:
        return "mapping not in whole pages";
    case TABLES_OUT_OF_RANGE:
        return "mapping beyond what the translation tables reach";
    case TABLES_NO_ROOM:
        return "no room for translation tables";
    case TABLES_NOT_IDENTITY:
        return "a translation table leads to another address than its own";
    case TABLES_NOT_ISOLATED:
        return "a persona's translation tables reach memory that is not its own";
    }
    return "unknown error";
}
