// SPDX-License-Identifier: BSD-3-Clause
#include "tables.h"

#include "pseudorandom.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define PAGE ((uint64_t)TABLES_PAGE_SIZE)
#define MIB UINT64_C(0x100000)
#define GIB UINT64_C(0x40000000)
#define POOL_PHYSICAL UINT64_C(0x7f001000) /* page-aligned, and no more */

enum {
    POOL_PAGES = 4096,
    PARANGE_32 = 0,
    PARANGE_36 = 1,
    PARANGE_40 = 2,
    PARANGE_44 = 4,
    PARANGE_52 = 6,
    RANDOM_ROUNDS = 300,
    RANDOM_CHANGES = 24,
};

static _Alignas(4096) uint8_t memory[POOL_PAGES * TABLES_PAGE_SIZE];
static struct tables_pool pool;

static int fresh_pool(void **state) {
    (void)state;
    memset(memory, 0xa5, sizeof(memory));
    return tables_pool_init(&pool, memory, POOL_PHYSICAL, sizeof(memory)) == TABLES_OK ? 0 : -1;
}

static size_t pages_used(void) { return pool.used / TABLES_PAGE_SIZE; }

static struct tables stage1(void) {
    struct tables tables;
    assert_int_equal(tables_stage1_init(&tables, &pool), TABLES_OK);
    return tables;
}

static struct tables stage2(unsigned int parange) {
    struct tables tables;
    assert_int_equal(tables_stage2_init(&tables, &pool, parange), TABLES_OK);
    return tables;
}

/*
 * A walk that shares nothing with the code under test: it starts from the register values, as hardware does, and reads
 * descriptors by the bit positions of DDI 0487, D8.3.
 */
struct walked {
    bool mapped;
    uint64_t output;
    uint64_t low_attributes;  /* descriptor bits 11:2 */
    uint64_t high_attributes; /* descriptor bits 63:48 */
    unsigned int level;
};

static uint64_t read_descriptor(uint64_t physical) {
    uint64_t descriptor;
    assert_true(physical >= POOL_PHYSICAL && physical + 8 <= POOL_PHYSICAL + sizeof(memory));
    memcpy(&descriptor, memory + (physical - POOL_PHYSICAL), sizeof(descriptor));
    return descriptor;
}

static struct walked walk(uint64_t address, uint64_t ttbr, uint64_t tcr, unsigned int level) {
    const unsigned int input_bits = 64 - (unsigned int)(tcr & 0x3f);
    if (address >> input_bits != 0) {
        return (struct walked){.mapped = false};
    }
    uint64_t table = ttbr & UINT64_C(0x0000fffffffffffe);
    uint64_t index = address >> (39 - 9 * level); /* the first index may be wider than 9 bits: concatenation */
    for (;; level++) {
        const uint64_t descriptor = read_descriptor(table + index * 8);
        if ((descriptor & 1) == 0) {
            return (struct walked){.mapped = false, .level = level};
        }
        const unsigned int shift = 39 - 9 * level;
        if (level < 3 && (descriptor & 2) != 0) {
            table = descriptor & UINT64_C(0x0000fffffffff000);
            index = (address >> (shift - 9)) & 0x1ff;
            continue;
        }
        assert_true(level == 3 ? (descriptor & 2) != 0 : level > 0);
        const uint64_t offset = (UINT64_C(1) << shift) - 1;
        const uint64_t output = descriptor & UINT64_C(0x0000fffffffff000);
        assert_int_equal(output & offset, 0);
        return (struct walked){true, output | (address & offset), descriptor & 0xffc, descriptor >> 48, level};
    }
}

static struct walked walk_tables(const struct tables *tables, unsigned int parange, uint64_t address) {
    if (tables->stage == TABLES_STAGE1) {
        return walk(address, tables_ttbr0_el2(tables), tables_tcr_el2(parange), 0);
    }
    uint64_t vttbr;
    assert_int_equal(tables_vttbr_el2(tables, 3, &vttbr), TABLES_OK);
    const uint64_t vtcr = tables_vtcr_el2(parange);
    assert_int_equal(vtcr >> 6 & 3, 1);
    return walk(address, vttbr, vtcr, 1);
}

/** What each access must be in a descriptor, written out by hand. */
static void assert_attributes(enum tables_access access, const struct walked *walked) {
    static const struct {
        uint64_t low, high;
    } expected[] = {
        [TABLES_EL2_READ_EXECUTE] = {0x7c0, 0x0000},    [TABLES_EL2_READ] = {0x7c0, 0x0040},
        [TABLES_EL2_READ_WRITE] = {0x740, 0x0040},      [TABLES_EL2_DEVICE] = {0x444, 0x0040},
        [TABLES_PERSONA_MEMORY] = {0x7fc, 0x0000},      [TABLES_PERSONA_DEVICE] = {0x4c4, 0x0040},
        [TABLES_PERSONA_DEVICE_READ] = {0x444, 0x0040},
    };
    assert_int_equal(walked->low_attributes, expected[access].low);
    assert_int_equal(walked->high_attributes, expected[access].high);
}

static void assert_translates(const struct tables *tables, unsigned int parange, uint64_t address,
                              enum tables_access access) {
    const struct walked walked = walk_tables(tables, parange, address);
    const struct tables_entry entry = tables_lookup(tables, address);
    assert_int_equal(entry.access, access);
    assert_int_equal(walked.mapped, access != TABLES_NONE);
    if (walked.mapped) {
        assert_int_equal(walked.output, address);
        assert_int_equal(entry.output, entry.base);
        assert_int_equal(entry.size, UINT64_C(1) << (39 - 9 * walked.level));
        assert_true(address - entry.base < entry.size);
        assert_attributes(access, &walked);
    }
}

static void test_registers(void **state) {
    (void)state;
    assert_int_equal(tables_mair_el2(), 0x04ff);
    assert_int_equal(tables_tcr_el2(PARANGE_40), 0x80823510);
    assert_int_equal(tables_tcr_el2(PARANGE_52), 0x80853510);
    assert_int_equal(tables_vtcr_el2(PARANGE_32), 0x80003560);
    assert_int_equal(tables_vtcr_el2(PARANGE_36), 0x8001355c);
    assert_int_equal(tables_vtcr_el2(PARANGE_40), 0x80023558);
    assert_int_equal(tables_vtcr_el2(PARANGE_44), 0x80043558);
    assert_int_equal(tables_vtcr_el2(PARANGE_52), 0x80053558);

    const struct tables tables = stage2(PARANGE_40);
    uint64_t vttbr;
    assert_int_equal(tables_vttbr_el2(&tables, 0, &vttbr), TABLES_BAD_VMID);
    assert_int_equal(tables_vttbr_el2(&tables, 256, &vttbr), TABLES_BAD_VMID);
    assert_int_equal(tables_vttbr_el2(&tables, 255, &vttbr), TABLES_OK);
    assert_int_equal(vttbr, UINT64_C(255) << 48 | tables.root);
    assert_int_equal(tables.root % (2 * PAGE), 0);
}

static void test_every_access(void **state) {
    (void)state;
    struct tables el2 = stage1();
    struct tables persona = stage2(PARANGE_44);
    for (unsigned int i = TABLES_EL2_READ_EXECUTE; i <= TABLES_PERSONA_DEVICE_READ; i++) {
        const enum tables_access access = (enum tables_access)i;
        const bool is_stage1 = access <= TABLES_EL2_DEVICE;
        struct tables *tables = is_stage1 ? &el2 : &persona;
        struct tables *other = is_stage1 ? &persona : &el2;
        const uint64_t base = i * GIB;
        assert_int_equal(tables_map(tables, base + 2 * MIB - PAGE, 2 * MIB + PAGE, access), TABLES_OK);
        assert_translates(tables, PARANGE_44, base + 2 * MIB - PAGE, access); /* as a page */
        assert_translates(tables, PARANGE_44, base + 2 * MIB, access);        /* as a block */
        assert_translates(tables, PARANGE_44, base + 4 * MIB, TABLES_NONE);
        assert_int_equal(tables_map(other, base, PAGE, access), TABLES_BAD_ACCESS);
    }
    assert_int_equal(tables_map(&el2, 0, PAGE, TABLES_NONE), TABLES_BAD_ACCESS);
    assert_int_equal(tables_map(&el2, 0, PAGE, (enum tables_access)99), TABLES_BAD_ACCESS);
}

static void test_largest_blocks(void **state) {
    (void)state;
    struct tables tables = stage2(PARANGE_40);
    /* Pages up to the first 2 MiB, 511 blocks of 2 MiB, 1 of 1 GiB, 1 of 2 MiB, 1 page. */
    const uint64_t end = 3 * GIB + 2 * MIB + PAGE;
    assert_int_equal(tables_map(&tables, GIB + PAGE, end - GIB - PAGE, TABLES_PERSONA_MEMORY), TABLES_OK);
    assert_int_equal(tables_lookup(&tables, GIB).access, TABLES_NONE);
    assert_int_equal(tables_lookup(&tables, GIB + PAGE).size, PAGE);
    assert_int_equal(tables_lookup(&tables, GIB + 2 * MIB).size, 2 * MIB);
    assert_int_equal(tables_lookup(&tables, 2 * GIB).size, GIB);
    assert_int_equal(tables_lookup(&tables, 3 * GIB).size, 2 * MIB);
    assert_int_equal(tables_lookup(&tables, 3 * GIB + 2 * MIB).size, PAGE);
    assert_int_equal(tables_lookup(&tables, end).access, TABLES_NONE);
}

static void test_pci_window_takes_no_more_than_a_page(void **state) {
    (void)state;
    struct tables persona = stage2(PARANGE_40);
    const size_t before = pages_used();
    assert_int_equal(tables_map(&persona, 512 * GIB, 512 * GIB, TABLES_PERSONA_DEVICE), TABLES_OK);
    assert_int_equal(pages_used(), before); /* it fits into the concatenated root */
    assert_translates(&persona, PARANGE_40, 512 * GIB, TABLES_PERSONA_DEVICE);
    assert_translates(&persona, PARANGE_40, 1024 * GIB - 1, TABLES_PERSONA_DEVICE);
    assert_translates(&persona, PARANGE_40, 512 * GIB - 1, TABLES_NONE);

    struct tables el2 = stage1();
    const size_t before_el2 = pages_used();
    assert_int_equal(tables_map(&el2, 512 * GIB, 512 * GIB, TABLES_EL2_DEVICE), TABLES_OK);
    assert_int_equal(pages_used(), before_el2 + 1);
}

static void test_split_keeps_the_rest(void **state) {
    (void)state;
    struct tables tables = stage2(PARANGE_40);
    const uint64_t hole = GIB + 512 * MIB + 5 * PAGE;
    assert_int_equal(tables_map(&tables, GIB, GIB, TABLES_PERSONA_MEMORY), TABLES_OK);
    const size_t before = pages_used();
    assert_int_equal(tables_unmap(&tables, hole, PAGE), TABLES_OK);
    assert_int_equal(pages_used(), before + 2);
    assert_int_equal(tables_map(&tables, hole + PAGE, PAGE, TABLES_PERSONA_DEVICE_READ), TABLES_OK);
    assert_int_equal(pages_used(), before + 2);
    for (uint64_t address = GIB; address < 2 * GIB; address += PAGE) {
        const enum tables_access access = address == hole          ? TABLES_NONE
                                          : address == hole + PAGE ? TABLES_PERSONA_DEVICE_READ
                                                                   : TABLES_PERSONA_MEMORY;
        assert_translates(&tables, PARANGE_40, address, access);
    }
}

static void test_unmapping_nothing_takes_no_room(void **state) {
    (void)state;
    struct tables el2 = stage1();
    const size_t before = pages_used();
    assert_int_equal(tables_unmap(&el2, 5 * PAGE, 3 * GIB), TABLES_OK);
    assert_int_equal(tables_unmap(&el2, 0, UINT64_C(1) << 48), TABLES_OK);
    assert_int_equal(pages_used(), before);
}

static void test_bad_ranges(void **state) {
    (void)state;
    struct tables tables = stage2(PARANGE_36);
    const uint64_t end = UINT64_C(1) << 36;
    assert_int_equal(tables_map(&tables, 1, PAGE, TABLES_PERSONA_MEMORY), TABLES_UNALIGNED);
    assert_int_equal(tables_map(&tables, PAGE, PAGE + 1, TABLES_PERSONA_MEMORY), TABLES_UNALIGNED);
    assert_int_equal(tables_map(&tables, PAGE, 0, TABLES_PERSONA_MEMORY), TABLES_UNALIGNED);
    assert_int_equal(tables_map(&tables, end, PAGE, TABLES_PERSONA_MEMORY), TABLES_OUT_OF_RANGE);
    assert_int_equal(tables_map(&tables, end - PAGE, 2 * PAGE, TABLES_PERSONA_MEMORY), TABLES_OUT_OF_RANGE);
    assert_int_equal(tables_map(&tables, PAGE, UINT64_MAX - PAGE + 1, TABLES_PERSONA_MEMORY), TABLES_OUT_OF_RANGE);
    assert_int_equal(tables_unmap(&tables, end, PAGE), TABLES_OUT_OF_RANGE);
    assert_int_equal(tables_map(&tables, end - PAGE, PAGE, TABLES_PERSONA_MEMORY), TABLES_OK);
    assert_translates(&tables, PARANGE_36, end - 1, TABLES_PERSONA_MEMORY);
    assert_int_equal(tables_lookup(&tables, end).access, TABLES_NONE);
    assert_int_equal(tables_lookup(&tables, UINT64_MAX).access, TABLES_NONE);
}

static void test_small_address_space(void **state) {
    (void)state;
    struct tables tables = stage2(PARANGE_32);
    assert_int_equal(tables_map(&tables, 0, 4 * GIB, TABLES_PERSONA_MEMORY), TABLES_OK);
    assert_translates(&tables, PARANGE_32, 4 * GIB - 1, TABLES_PERSONA_MEMORY);
    struct tables none;
    assert_int_equal(tables_stage2_init(&none, &pool, 8), TABLES_BAD_PARANGE);
}

static void test_pool_runs_out(void **state) {
    (void)state;
    struct tables tables;
    assert_int_equal(tables_pool_init(&pool, memory + 8, POOL_PHYSICAL, PAGE), TABLES_BAD_POOL);
    assert_int_equal(tables_pool_init(&pool, memory, POOL_PHYSICAL + 8, PAGE), TABLES_BAD_POOL);
    assert_int_equal(tables_pool_init(&pool, memory, POOL_PHYSICAL, 2 * PAGE), TABLES_OK);
    assert_int_equal(tables_stage2_init(&tables, &pool, PARANGE_40), TABLES_NO_ROOM); /* 8 KiB alignment */
    assert_int_equal(tables_pool_init(&pool, memory, POOL_PHYSICAL, 3 * PAGE - 1), TABLES_OK);
    assert_int_equal(tables_stage1_init(&tables, &pool), TABLES_OK);
    assert_int_equal(tables_map(&tables, 0, GIB, TABLES_EL2_READ), TABLES_OK);
    assert_int_equal(tables_map(&tables, GIB, PAGE, TABLES_EL2_READ), TABLES_NO_ROOM);
    assert_int_equal(tables_unmap(&tables, PAGE, PAGE), TABLES_NO_ROOM);
}

/** The last change that covers an address decides. */
struct model {
    size_t count;
    struct {
        uint64_t base, size;
        enum tables_access access;
    } changes[RANDOM_CHANGES];
};

static enum tables_access model_access(const struct model *model, uint64_t address) {
    for (size_t i = model->count; i > 0; i--) {
        if (address - model->changes[i - 1].base < model->changes[i - 1].size) {
            return model->changes[i - 1].access;
        }
    }
    return TABLES_NONE;
}

static void random_change(struct pseudorandom *random, struct tables *tables, struct model *model) {
    static const uint64_t units[] = {4096, 2 * MIB, GIB};
    const uint64_t unit = units[pseudorandom_below(random, 3)];
    const uint64_t near = (510 + pseudorandom_below(random, 4)) * GIB; /* across the seam of the concatenated tables */
    const uint64_t base = near + pseudorandom_below(random, GIB / PAGE) / (unit / PAGE) * unit;
    const uint64_t size = (1 + pseudorandom_below(random, 700)) * unit;
    const enum tables_access first = tables->stage == TABLES_STAGE1 ? TABLES_EL2_READ_EXECUTE : TABLES_PERSONA_MEMORY;
    const uint64_t kinds = tables->stage == TABLES_STAGE1 ? 4 : 3;
    const uint64_t kind = pseudorandom_below(random, kinds + 1);
    const enum tables_access access = kind == kinds ? TABLES_NONE : (enum tables_access)(first + kind);
    const uint64_t limit = 1024 * GIB;
    const uint64_t fitting = size > limit - base ? limit - base : size;
    const enum tables_error error =
        access == TABLES_NONE ? tables_unmap(tables, base, fitting) : tables_map(tables, base, fitting, access);
    assert_int_equal(error, TABLES_OK);
    model->changes[model->count].base = base;
    model->changes[model->count].size = fitting;
    model->changes[model->count++].access = access;
}

static void test_random_changes(void **state) {
    for (uint64_t seed = 0; seed < RANDOM_ROUNDS; seed++) {
        struct pseudorandom random = {seed};
        assert_int_equal(fresh_pool(state), 0);
        struct tables tables = seed % 2 == 0 ? stage1() : stage2(PARANGE_40);
        struct model model = {0};
        for (size_t i = 0; i < RANDOM_CHANGES; i++) {
            random_change(&random, &tables, &model);
        }
        for (size_t i = 0; i < model.count; i++) {
            const uint64_t edges[] = {model.changes[i].base, model.changes[i].base + model.changes[i].size};
            for (size_t j = 0; j < 2; j++) {
                for (int side = 0; side < 2; side++) {
                    const uint64_t address = edges[j] - (uint64_t)side;
                    assert_translates(&tables, PARANGE_40, address % (1024 * GIB),
                                      model_access(&model, address % (1024 * GIB)));
                }
            }
            const uint64_t inside = model.changes[i].base + pseudorandom_below(&random, model.changes[i].size);
            assert_translates(&tables, PARANGE_40, inside, model_access(&model, inside));
        }
    }
}

static void test_isolation(void **state) {
    (void)state;
    struct tables tables = stage2(PARANGE_40);
    const struct tables_range forbidden[] = {{GIB, 256 * MIB}, {2 * GIB, GIB}, {5 * GIB, 0}, {UINT64_MAX, 1}};
    uint64_t address = 1;
    assert_int_equal(tables_map(&tables, GIB + 256 * MIB, 768 * MIB, TABLES_PERSONA_MEMORY), TABLES_OK);
    assert_int_equal(tables_map(&tables, 5 * GIB, GIB, TABLES_PERSONA_MEMORY), TABLES_OK);
    assert_int_equal(tables_check_isolation(&tables, forbidden, 4, &address), TABLES_OK);
    assert_int_equal(address, 0);

    assert_int_equal(tables_map(&tables, 3 * GIB - PAGE, PAGE, TABLES_PERSONA_DEVICE_READ), TABLES_OK);
    assert_int_equal(tables_check_isolation(&tables, forbidden, 4, &address), TABLES_NOT_ISOLATED);
    assert_int_equal(address, 3 * GIB - PAGE);
    assert_int_equal(tables_unmap(&tables, 3 * GIB - PAGE, PAGE), TABLES_OK);
    assert_int_equal(tables_check_isolation(&tables, forbidden, 4, NULL), TABLES_OK);

    const struct tables_range middle = {5 * GIB + 123 * PAGE, PAGE}; /* inside a block of 1 GiB */
    assert_int_equal(tables_check_isolation(&tables, &middle, 1, &address), TABLES_NOT_ISOLATED);
    assert_int_equal(address, 5 * GIB + 123 * PAGE);
}

/** A descriptor that someone else wrote must be found, whatever it looks like. */
static void test_isolation_sees_foreign_descriptors(void **state) {
    (void)state;
    struct tables tables = stage2(PARANGE_40);
    uint64_t address;
    uint64_t *root = (uint64_t *)(void *)(memory + (tables.root - POOL_PHYSICAL));
    root[4] = 5 * GIB | 1; /* 4 GiB leads to 5 GiB */
    assert_int_equal(tables_check_isolation(&tables, NULL, 0, &address), TABLES_NOT_IDENTITY);
    assert_int_equal(address, 4 * GIB);
    root[4] = (POOL_PHYSICAL - PAGE) | 3; /* a table outside the pool */
    assert_int_equal(tables_check_isolation(&tables, NULL, 0, &address), TABLES_NOT_IDENTITY);
    assert_int_equal(tables_lookup(&tables, 4 * GIB).access, TABLES_NONE);
    root[4] = 4 * GIB | 1; /* attributes that are none of ours */
    const struct tables_range forbidden = {4 * GIB + PAGE, PAGE};
    assert_int_equal(tables_check_isolation(&tables, &forbidden, 1, &address), TABLES_NOT_ISOLATED);
    assert_int_equal(tables_lookup(&tables, 4 * GIB).access, TABLES_NONE);
}

static void test_texts(void **state) {
    (void)state;
    for (int i = TABLES_OK; i <= TABLES_NOT_ISOLATED; i++) {
        assert_string_not_equal(tables_error_text((enum tables_error)i), "unknown error");
    }
    assert_string_equal(tables_error_text((enum tables_error)99), "unknown error");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_registers, fresh_pool),
        cmocka_unit_test_setup(test_every_access, fresh_pool),
        cmocka_unit_test_setup(test_largest_blocks, fresh_pool),
        cmocka_unit_test_setup(test_pci_window_takes_no_more_than_a_page, fresh_pool),
        cmocka_unit_test_setup(test_split_keeps_the_rest, fresh_pool),
        cmocka_unit_test_setup(test_unmapping_nothing_takes_no_room, fresh_pool),
        cmocka_unit_test_setup(test_bad_ranges, fresh_pool),
        cmocka_unit_test_setup(test_small_address_space, fresh_pool),
        cmocka_unit_test_setup(test_pool_runs_out, fresh_pool),
        cmocka_unit_test_setup(test_random_changes, fresh_pool),
        cmocka_unit_test_setup(test_isolation, fresh_pool),
        cmocka_unit_test_setup(test_isolation_sees_foreign_descriptors, fresh_pool),
        cmocka_unit_test_setup(test_texts, fresh_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
