// SPDX-License-Identifier: BSD-3-Clause
#ifndef LOADER_TABLES_H
#define LOADER_TABLES_H

/**
 * Translation tables, built at boot and never changed afterwards (Arm ARM DDI 0487, chapter D8: VMSAv8-64, 4 KiB
 * granule). Stage 1 is EL2's own (48-bit input, from level 0); stage 2 is a persona's (at most 40-bit input, from
 * level 1, two concatenated tables for 40 bits). Both are identity maps: the address that goes in comes out.
 *
 * Mappings take the largest blocks (1 GiB, 2 MiB, 4 KiB) that alignment allows. Mapping over something replaces it,
 * and a block is split when a part of it is mapped otherwise or unmapped. No table may be in use by hardware while it
 * is built: nothing here does break-before-make or invalidates a TLB, and cleaning the caches is the caller's work.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TABLES_PAGE_SIZE = 4096 };

enum tables_error {
    TABLES_OK = 0,
    TABLES_BAD_POOL,     /* pool not page-aligned */
    TABLES_BAD_PARANGE,  /* ID_AA64MMFR0_EL1.PARange is a reserved value */
    TABLES_BAD_VMID,     /* VMID 0 or above 255 */
    TABLES_BAD_ACCESS,   /* not an access of this stage */
    TABLES_UNALIGNED,    /* base or size is no multiple of TABLES_PAGE_SIZE, or size is 0 */
    TABLES_OUT_OF_RANGE, /* the range goes beyond what the tables can translate */
    TABLES_NO_ROOM,      /* the pool is used up */
    TABLES_NOT_IDENTITY, /* an entry leads to another address than its own */
    TABLES_NOT_ISOLATED, /* a forbidden byte is mapped */
};

/** What a mapping allows. Normal memory is write-back, read- and write-allocating, inner shareable; devices nGnRE. */
enum tables_access {
    TABLES_NONE = 0,
    TABLES_EL2_READ_EXECUTE,    /* stage 1: the switcher's text */
    TABLES_EL2_READ,            /* stage 1: normal memory, execute-never */
    TABLES_EL2_READ_WRITE,      /* stage 1: normal memory, execute-never */
    TABLES_EL2_DEVICE,          /* stage 1: read-write, execute-never */
    TABLES_PERSONA_MEMORY,      /* stage 2: normal memory, read, write and execute */
    TABLES_PERSONA_DEVICE,      /* stage 2: read-write, execute-never */
    TABLES_PERSONA_DEVICE_READ, /* stage 2: read-only, execute-never: writes come to EL2 */
};

enum tables_stage { TABLES_STAGE1 = 1, TABLES_STAGE2 = 2 };

/** Where tables are taken from; several translations may share one. */
struct tables_pool {
    uint8_t *memory;   /* where the loader sees it; page-aligned */
    uint64_t physical; /* where hardware sees it; page-aligned */
    size_t size;       /* bytes */
    size_t used;       /* bytes */
};

/** One translation: a root and what grows below it. */
struct tables {
    struct tables_pool *pool;
    enum tables_stage stage;
    unsigned int input_bits;  /* of addresses */
    unsigned int start_level; /* of the walk */
    uint64_t root;            /* physical */
};

/** What the tables say of one address. */
struct tables_entry {
    enum tables_access access; /* TABLES_NONE: not mapped */
    uint64_t base;             /* first address that the same descriptor translates */
    uint64_t size;             /* bytes that it translates (mapped), or that are unmapped at that level */
    uint64_t output;           /* address that `base` is translated to; 0 when not mapped */
};

struct tables_range {
    uint64_t base; /* bytes */
    uint64_t size; /* bytes */
};

/**
 * Makes a pool of zeroed or not zeroed memory; every table is zeroed when it is taken.
 * @param pool filled
 * @param memory where the loader sees the pool, TABLES_PAGE_SIZE aligned
 * @param physical where hardware sees it, TABLES_PAGE_SIZE aligned
 * @param size bytes; what is beyond the last whole page is not used
 * @return TABLES_OK or TABLES_BAD_POOL
 */
__attribute__((warn_unused_result)) enum tables_error tables_pool_init(struct tables_pool *pool, void *memory,
                                                                       uint64_t physical, size_t size);

/**
 * Starts EL2's stage 1 with nothing mapped.
 * @param tables filled
 * @param pool where its tables come from; must live as long as tables are added
 * @return TABLES_OK or TABLES_NO_ROOM
 */
__attribute__((warn_unused_result)) enum tables_error tables_stage1_init(struct tables *tables,
                                                                         struct tables_pool *pool);

/**
 * Starts a persona's stage 2 with nothing mapped.
 * @param tables filled
 * @param pool as above; a root for 40 bits takes two pages at an address that is a multiple of their size
 * @param parange ID_AA64MMFR0_EL1.PARange of the CPUs (the smallest, where they differ)
 * @return TABLES_OK, TABLES_BAD_PARANGE or TABLES_NO_ROOM
 */
__attribute__((warn_unused_result)) enum tables_error
tables_stage2_init(struct tables *tables, struct tables_pool *pool, unsigned int parange);

/**
 * Maps [base, base + size) to itself, replacing what was mapped there.
 * @param tables the translation
 * @param base bytes, a multiple of TABLES_PAGE_SIZE
 * @param size bytes, a multiple of TABLES_PAGE_SIZE, not 0
 * @param access an access of the tables' stage
 * @return TABLES_OK, TABLES_BAD_ACCESS, TABLES_UNALIGNED, TABLES_OUT_OF_RANGE or TABLES_NO_ROOM; after TABLES_NO_ROOM
 *         a part may be mapped
 */
__attribute__((warn_unused_result)) enum tables_error tables_map(struct tables *tables, uint64_t base, uint64_t size,
                                                                 enum tables_access access);

/**
 * Unmaps [base, base + size), mapped or not.
 * @param tables, base, size as for tables_map()
 * @return as tables_map(); TABLES_NO_ROOM since a block may have to be split
 */
__attribute__((warn_unused_result)) enum tables_error tables_unmap(struct tables *tables, uint64_t base, uint64_t size);

/**
 * Walks the tables for one address as hardware does.
 * @param tables the translation
 * @param address any address; one beyond the input range is not mapped
 * @return the entry that translates it; unknown descriptors count as TABLES_NONE
 */
struct tables_entry tables_lookup(const struct tables *tables, uint64_t address);

/**
 * Proves that a stage 2 leads nowhere that it must not: walks every descriptor and compares where it leads.
 * @param tables the stage 2
 * @param forbidden ranges no byte of which may be reachable: the switcher's region, the other partitions, hidden
 * devices
 * @param count number of ranges
 * @param address out: the first offending address, or 0; may be NULL
 * @return TABLES_OK, TABLES_NOT_IDENTITY or TABLES_NOT_ISOLATED
 */
__attribute__((warn_unused_result)) enum tables_error tables_check_isolation(const struct tables *tables,
                                                                             const struct tables_range *forbidden,
                                                                             size_t count, uint64_t *address);

/** @return the value of MAIR_EL2 that stage 1's descriptors index */
uint64_t tables_mair_el2(void);

/**
 * @param parange ID_AA64MMFR0_EL1.PARange
 * @return the value of TCR_EL2 (with HCR_EL2.E2H = 0) for a stage 1
 */
uint64_t tables_tcr_el2(unsigned int parange);

/** @return the value of TTBR0_EL2 for a stage 1 */
uint64_t tables_ttbr0_el2(const struct tables *tables);

/**
 * @param parange ID_AA64MMFR0_EL1.PARange, the one that the stage 2s were made for
 * @return the value of VTCR_EL2, the same for every persona: 8-bit VMIDs
 */
uint64_t tables_vtcr_el2(unsigned int parange);

/**
 * The value of VTTBR_EL2 for a stage 2.
 * @param tables the stage 2
 * @param vmid 1 to 255
 * @param vttbr out
 * @return TABLES_OK or TABLES_BAD_VMID
 */
__attribute__((warn_unused_result)) enum tables_error tables_vttbr_el2(const struct tables *tables, unsigned int vmid,
                                                                       uint64_t *vttbr);

/** @return the error's text, one line without a full stop; never NULL */
const char *tables_error_text(enum tables_error error);

#endif
