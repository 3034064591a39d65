// SPDX-License-Identifier: BSD-3-Clause
#include "region.h"
#include "tables.h"
#include "tree_fixture.h"

#include <libfdt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PHYSICAL UINT64_C(0xb0000000)

enum {
    ENTRY = 0x40,
    IMAGE_SIZE = 0x6000,
    KERNEL_SIZE = 5000,
    KERNEL_MEMORY = 0x300000,
    INITRD_SIZE = 7000,
    PARTITION_SIZE = 0x10000000,
    PERSONAL = 0x40000000,
    WORK = 0x60000000,
    REGION_ALIGNMENT = 0x200000,
    GUARD = 4096,
};

static struct tree_fixture description;
static struct tree_fixture firmware;
static struct board board;
static struct region_request request;
static struct region region;
static struct elf_image image;
static enum elf_error elf_answer;
static uint8_t kernel[KERNEL_SIZE];
static uint8_t initrd[INITRD_SIZE];
static uint8_t *memory;
static uint64_t memory_size;

/* In place of elf.c: an image of a recognisable byte. */
enum elf_error elf_load(const struct elf_image *loaded, void *destination, size_t destination_size,
                        uint64_t run_address, uint64_t *entry) {
    assert_true(destination_size >= loaded->size);
    memset(destination, 0xe1, (size_t)loaded->size);
    *entry = run_address + ENTRY;
    return elf_answer;
}

const char *elf_error_text(enum elf_error error) { return error == ELF_OK ? "no error" : "some ELF error"; }

static struct region_persona persona(const char *name, uint64_t base) {
    struct region_persona made = {
        .name = name,
        .title = "A title",
        .command_line = "console=ttyAMA0",
        .kernel = kernel,
        .kernel_size = KERNEL_SIZE,
        .kernel_memory = KERNEL_MEMORY,
        .text_offset = 0x80000,
        .initrd = initrd,
        .initrd_size = INITRD_SIZE,
        .partition = {base, PARTITION_SIZE},
    };
    memset(made.rng_seed, 0x5a, sizeof(made.rng_seed));
    return made;
}

static int fresh(void **state) {
    (void)state;
    tree_fixture_load(&description, "qemu-virt");
    tree_fixture_load(&firmware, "virt");
    assert_int_equal(
        board_parse(&board, description.bytes, sizeof(description.bytes), firmware.bytes, sizeof(firmware.bytes)),
        BOARD_OK);
    memset(kernel, 0xcc, sizeof(kernel));
    memset(initrd, 0x1d, sizeof(initrd));
    elf_answer = ELF_OK;
    image = (struct elf_image){.size = IMAGE_SIZE, .alignment = 4096, .entry = ENTRY, .segment_count = 3};
    image.segments[0] = (struct elf_segment){.offset = 0, .size = 0x2000, .executable = true};
    image.segments[1] = (struct elf_segment){.offset = 0x2000, .size = 0x1000};
    image.segments[2] = (struct elf_segment){.offset = 0x4000, .size = 0x2000, .writable = true};
    request = (struct region_request){
        .board = &board,
        .firmware_tree = firmware.bytes,
        .switcher = &image,
        .parange = 5,
        .boot_cpu = board.cpus[0],
        .persona_count = 2,
        .first_persona = 1,
        .personas = {persona("personal", PERSONAL), persona("work", WORK)},
    };
    memory_size = (region_size(&request) + REGION_ALIGNMENT - 1) / REGION_ALIGNMENT * REGION_ALIGNMENT;
    memory = aligned_alloc(REGION_ALIGNMENT, (size_t)memory_size);
    assert_non_null(memory);
    memset(memory, 0xff, (size_t)memory_size);
    return 0;
}

static int done(void **state) {
    (void)state;
    free(memory);
    return 0;
}

static struct region_fault fill(void) { return region_fill(&region, &request, memory, PHYSICAL, memory_size); }

static const struct handover *filled(void) {
    assert_int_equal(fill().error, REGION_OK);
    return (const struct handover *)(void *)(memory + (region.handover - PHYSICAL));
}

static void assert_fault(enum region_error error, const char *expected) {
    struct region_fault fault = fill();
    char text[160];
    region_fault_text(&fault, text, sizeof(text));
    assert_int_equal(fault.error, error);
    assert_string_equal(text, expected);
}

/* The tables as hardware finds them: from the registers' values. Stage 1's root is the first table of the pool. */
static struct tables_pool pool_of(const struct handover *handover) {
    uint64_t base = handover->ttbr0_el2 & ~UINT64_C(0xfff);
    size_t size = (size_t)(memory_size - (base - PHYSICAL));
    return (struct tables_pool){memory + (base - PHYSICAL), base, size, size};
}

static struct tables_entry stage1(const struct handover *handover, uint64_t address) {
    struct tables_pool pool = pool_of(handover);
    struct tables tables = {&pool, TABLES_STAGE1, 48, 0, handover->ttbr0_el2 & ~UINT64_C(0xfff)};
    return tables_lookup(&tables, address);
}

static struct tables_entry stage2(const struct handover *handover, unsigned index, uint64_t address) {
    struct tables_pool pool = pool_of(handover);
    struct tables tables = {&pool, TABLES_STAGE2, 40, 1, handover->personas[index].vttbr & UINT64_C(0xfffffffff000)};
    return tables_lookup(&tables, address);
}

static struct tables_entry stage2_at_start(const struct handover *handover, unsigned index, uint64_t address) {
    struct tables_pool pool = pool_of(handover);
    struct tables tables = {&pool, TABLES_STAGE2, 40, 1,
                            handover->personas[index].vttbr_start & UINT64_C(0xfffffffff000)};
    return tables_lookup(&tables, address);
}

static void a_tpm_is_reached_from_a_start_on_only(void **state) {
    const uint64_t tpm = 0x0c000000;
    (void)state;
    request.personas[1].tpm = tpm;
    const struct handover *handover = filled();
    assert_int_equal(handover_check(handover), HANDOVER_OK);
    assert_true(handover->personas[0].vttbr_start == handover->personas[0].vttbr);
    assert_true(handover->personas[1].vttbr_start >> 48 == handover->personas[1].vttbr >> 48);
    assert_int_equal(stage2_at_start(handover, 1, tpm).access, TABLES_PERSONA_DEVICE);
    assert_int_equal(stage2_at_start(handover, 1, tpm + 4096).access, TABLES_NONE);
    assert_int_equal(stage2_at_start(handover, 1, WORK).access, TABLES_PERSONA_MEMORY);
    assert_int_equal(stage2(handover, 1, tpm).access, TABLES_NONE);
    assert_int_equal(stage2(handover, 0, tpm).access, TABLES_NONE);
}

static void room_besides_makes_a_partition_larger(void **state) {
    struct region_persona larger = request.personas[0];
    (void)state;
    larger.room = 5 * 1024 * 1024;
    assert_int_equal(region_partition_minimum(&larger),
                     region_partition_minimum(&request.personas[0]) + 6 * 1024 * 1024);
}

static void fills_a_handover_that_the_switcher_accepts(void **state) {
    (void)state;
    const struct handover *handover = filled();
    assert_int_equal(handover_check(handover), HANDOVER_OK);
    assert_int_equal(region.entry, PHYSICAL + ENTRY);
    assert_int_equal(handover->switcher.base, PHYSICAL);
    assert_int_equal(handover->switcher.size, region_size(&request));
    assert_int_equal(handover->first_persona, 1);
    assert_int_equal(handover->flip_timeout_ms, board.flip_timeout_ms);
    assert_string_equal(handover->personas[0].name, "personal");
    assert_string_equal(handover->personas[1].title, "A title");
    assert_int_equal(handover->personas[1].entry, WORK + 0x80000);
    assert_int_not_equal(handover->personas[0].vttbr >> 48, handover->personas[1].vttbr >> 48);
}

static void the_clock_is_handed_over(void **state) {
    (void)state;
    request.personas[1].alarm_flip = true;
    const struct handover *handover = filled();
    assert_int_equal(handover->clock.base, 0x09010000);
    assert_int_equal(handover->clock.intid, 34);
    assert_int_equal(handover->clock.persona_intid, 141);
    assert_int_equal(handover->personas[0].alarm_flip, 0);
    assert_int_equal(handover->personas[1].alarm_flip, 1);
}

static void the_usim_is_handed_over_to_el2_alone(void **state) {
    static const char profile[] = "K and OPc";
    const uint64_t flash = 0x7f80000;
    (void)state;
    assert_int_equal(filled()->personas[1].usim, HANDOVER_USIM_NONE);
    request.personas[1].usim = HANDOVER_USIM_READ;
    request.usim = (struct region_usim){.profile = profile,
                                        .size = sizeof profile,
                                        .flash = flash,
                                        .flash_block_size = 0x40000,
                                        .flash_lanes = 0x10001,
                                        .state_key = {1, 2, 3},
                                        .seed = {4, 5}};
    const struct handover *handover = filled();
    const struct handover_usim *usim = &handover->usim;
    assert_int_equal(usim->profile.size, sizeof profile);
    assert_memory_equal(memory + (usim->profile.base - PHYSICAL), profile, sizeof profile);
    assert_int_equal(stage1(handover, usim->profile.base).access, TABLES_EL2_READ);
    assert_int_equal(usim->flash, flash);
    assert_memory_equal(usim->state_key, request.usim.state_key, sizeof usim->state_key);
    assert_memory_equal(usim->seed, request.usim.seed, sizeof usim->seed);
    assert_int_equal(handover->personas[0].usim, HANDOVER_USIM_NONE);
    assert_int_equal(handover->personas[1].usim, HANDOVER_USIM_READ);
    assert_int_equal(stage1(handover, flash - 1).access, TABLES_NONE);
    assert_int_equal(stage1(handover, flash).access, TABLES_EL2_DEVICE);
    assert_int_equal(stage1(handover, flash + 0x7ffff).access, TABLES_EL2_DEVICE);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(stage2(handover, i, flash).access, TABLES_NONE);
        assert_int_equal(stage2(handover, i, usim->profile.base).access, TABLES_NONE);
    }
}

static void the_usims_state_is_in_memory_without_flash(void **state) {
    static uint8_t records[REGION_USIM_MEMORY];
    (void)state;
    memset(records, 0x5a, sizeof records);
    request.usim = (struct region_usim){.profile = "K", .size = 2, .memory = records};
    const struct handover *handover = filled();
    const struct handover_usim *usim = &handover->usim;
    assert_int_equal(usim->flash_lanes, 0);
    assert_int_equal(2 * usim->flash_block_size, sizeof records);
    assert_memory_equal(memory + (usim->flash - PHYSICAL), records, sizeof records);
    assert_int_equal(stage1(handover, usim->flash).access, TABLES_EL2_READ_WRITE);
    assert_int_equal(stage1(handover, usim->flash + sizeof records - 1).access, TABLES_EL2_READ_WRITE);
    assert_int_equal(stage1(handover, usim->flash + sizeof records).access, TABLES_EL2_READ);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(stage2(handover, i, usim->flash).access, TABLES_NONE);
}

static void configured_flip_timeout_counts(void **state) {
    (void)state;
    request.flip_timeout_ms = 1234;
    assert_int_equal(filled()->flip_timeout_ms, 1234);
}

static void prewarmed_personas_have_their_time(void **state) {
    (void)state;
    request.personas[1].prewarm_ms = 5000;
    const struct handover *handover = filled();
    assert_int_equal(handover->personas[0].prewarm_ms, 0);
    assert_int_equal(handover->personas[1].prewarm_ms, 5000);
}

static void copies_are_whole_and_go_into_the_partition(void **state) {
    (void)state;
    const struct handover *handover = filled();
    const struct handover_persona *work = &handover->personas[1];
    assert_int_equal(work->copy_count, 3);
    assert_memory_equal(memory + (work->copies[0].source - PHYSICAL), kernel, KERNEL_SIZE);
    assert_memory_equal(memory + (work->copies[2].source - PHYSICAL), initrd, INITRD_SIZE);
    const void *tree = memory + (work->copies[1].source - PHYSICAL);
    assert_int_equal(fdt_check_header(tree), 0);
    assert_int_equal(work->copies[1].destination, work->devicetree);
    assert_int_equal(work->copies[1].size, fdt_totalsize(tree));
    assert_true(work->copies[1].destination >= work->entry + KERNEL_MEMORY);
    assert_int_equal(work->devicetree % 8, 0);
}

static void no_initrd_is_no_copy(void **state) {
    (void)state;
    request.personas[1].initrd_size = 0;
    assert_int_equal(filled()->personas[1].copy_count, 2);
}

static void switcher_maps_itself_without_write_and_execute(void **state) {
    (void)state;
    const struct handover *handover = filled();
    assert_int_equal(stage1(handover, PHYSICAL).access, TABLES_EL2_READ_EXECUTE);
    assert_int_equal(stage1(handover, PHYSICAL + 0x2000).access, TABLES_EL2_READ);
    assert_int_equal(stage1(handover, PHYSICAL + 0x3000).access, TABLES_NONE);
    assert_int_equal(stage1(handover, PHYSICAL + 0x4000).access, TABLES_EL2_READ_WRITE);
    assert_int_equal(stage1(handover, region.handover).access, TABLES_EL2_READ);
    assert_int_equal(stage1(handover, handover->personas[0].copies[0].source).access, TABLES_EL2_READ);
    assert_int_equal(stage1(handover, PERSONAL).access, TABLES_EL2_READ_WRITE);
    assert_int_equal(stage1(handover, board.gic.distributor.base).access, TABLES_EL2_DEVICE);
    assert_int_equal(stage1(handover, board.power_key.base).access, TABLES_EL2_DEVICE);
    assert_int_equal(stage1(handover, board.clock.base).access, TABLES_EL2_DEVICE);
}

static void stacks_have_guard_pages_and_tables_are_not_mapped(void **state) {
    (void)state;
    const struct handover *handover = filled();
    for (uint32_t i = 0; i < handover->cpu_count; i++) {
        uint64_t bottom = handover->cpus[i].stack_top - HANDOVER_STACK_SIZE;
        assert_int_equal(stage1(handover, handover->cpus[i].stack_top - 1).access, TABLES_EL2_READ_WRITE);
        assert_int_equal(stage1(handover, bottom).access, TABLES_EL2_READ_WRITE);
        assert_int_equal(stage1(handover, bottom - GUARD).access, TABLES_NONE);
        assert_int_equal(stage1(handover, bottom - 1).access, TABLES_NONE);
    }
    assert_int_equal(stage1(handover, handover->ttbr0_el2).access, TABLES_NONE);
}

static void personas_reach_their_own_only(void **state) {
    (void)state;
    const struct handover *handover = filled();
    static const uint64_t partitions[] = {PERSONAL, WORK};
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(stage2(handover, i, partitions[i]).access, TABLES_PERSONA_MEMORY);
        assert_int_equal(stage2(handover, i, partitions[i] + PARTITION_SIZE - 1).access, TABLES_PERSONA_MEMORY);
        assert_int_equal(stage2(handover, i, partitions[1 - i]).access, TABLES_NONE);
        assert_int_equal(stage2(handover, i, PHYSICAL).access, TABLES_NONE);
        assert_int_equal(stage2(handover, i, region.handover).access, TABLES_NONE);
        assert_int_equal(stage2(handover, i, board.gic.distributor.base).access, TABLES_PERSONA_DEVICE_READ);
        assert_int_equal(stage2(handover, i, board.console).access, TABLES_PERSONA_DEVICE);
        assert_int_equal(stage2(handover, i, board.power_key.base).access, TABLES_NONE);
        assert_int_equal(stage2(handover, i, board.clock.base).access, TABLES_NONE);
        assert_int_equal(stage2(handover, i, board.keyboard.base).access, TABLES_NONE);
        assert_int_equal(stage2(handover, i, 0x09020000).access, TABLES_NONE); /* fw_cfg */
    }
}

/* The stream tables as the SMMU reads them (IHI 0070, 5.1 and 5.2). */

enum { STREAMS = 0x10000, DESCRIPTORS = 256, ENTRIES = 256, ENTRY_SIZE = 64, LEVEL2_SIZE = ENTRIES * ENTRY_SIZE };

static uint64_t word_at(const struct handover *handover, uint64_t address) {
    uint64_t word;
    assert_true(address >= handover->switcher.base && address + 8 <= handover->switcher.base + handover->switcher.size);
    memcpy(&word, memory + (address - PHYSICAL), sizeof(word));
    return word;
}

static uint64_t bits(uint64_t word, unsigned high, unsigned low) {
    return word >> low & (UINT64_MAX >> (63 - high + low));
}

/** @return the address of a stream's entry, by the way of the two levels */
static uint64_t stream_entry(const struct handover *handover, unsigned index, uint32_t stream) {
    uint64_t descriptor = word_at(handover, handover->smmu.stream_tables[index] + stream / ENTRIES * 8);
    uint64_t level2 = descriptor & UINT64_C(0x000fffffffffffc0);
    assert_int_equal(bits(descriptor, 4, 0), 9);
    assert_int_equal(descriptor & ~(level2 | 0x1f), 0);
    assert_int_equal(level2 % LEVEL2_SIZE, 0);
    return level2 + stream % ENTRIES * ENTRY_SIZE;
}

static void assert_leads_to(const struct handover *handover, unsigned index, uint64_t entry) {
    uint64_t vttbr = handover->personas[index].vttbr, vtcr = handover->vtcr_el2;
    uint64_t word[ENTRY_SIZE / 8];
    for (unsigned i = 0; i < ENTRY_SIZE / 8; i++)
        word[i] = word_at(handover, entry + 8 * i);
    assert_true(word[0] == 0xd);               /* valid; stage 1 bypassed, stage 2 translates */
    assert_true(word[1] == UINT64_C(1) << 44); /* shareability as it comes; EATS 0: no ATS */
    assert_true(bits(word[2], 15, 0) == vttbr >> 48);
    assert_int_equal(bits(word[2], 31, 16), 0);
    assert_int_equal(bits(word[2], 37, 32), bits(vtcr, 5, 0));   /* T0SZ */
    assert_int_equal(bits(word[2], 39, 38), bits(vtcr, 7, 6));   /* SL0 */
    assert_int_equal(bits(word[2], 41, 40), bits(vtcr, 9, 8));   /* IRGN0 */
    assert_int_equal(bits(word[2], 43, 42), bits(vtcr, 11, 10)); /* ORGN0 */
    assert_int_equal(bits(word[2], 45, 44), bits(vtcr, 13, 12)); /* SH0 */
    assert_int_equal(bits(word[2], 47, 46), bits(vtcr, 15, 14)); /* TG0 */
    assert_int_equal(bits(word[2], 50, 48), bits(vtcr, 18, 16)); /* PS */
    assert_int_equal(bits(word[2], 63, 51), 0x85);               /* S2AA64, S2AFFD, S2R; no stalls */
    assert_true(word[3] == (vttbr & UINT64_C(0x0000fffffffff000)));
    assert_int_equal(word[4] | word[5] | word[6] | word[7], 0);
}

static void every_stream_leads_to_the_personas_stage2(void **state) {
    (void)state;
    const struct handover *handover = filled();
    for (unsigned i = 0; i < 2; i++)
        for (uint32_t stream = 0; stream < STREAMS; stream++)
            assert_leads_to(handover, i, stream_entry(handover, i, stream));
    assert_true(handover->smmu.base == board.smmu_v3.base);
    assert_int_equal(handover->smmu.event_intid, 106);
    assert_int_equal(handover->smmu.error_intid, 109);
    assert_int_equal(handover->smmu.stream_table_config, 1 << 16 | 8 << 6 | 16); /* two levels, SPLIT 8, 16 bits */
}

static bool apart(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size) {
    return a + a_size <= b || b + b_size <= a;
}

static void stream_tables_are_aligned_and_out_of_everyones_reach(void **state) {
    (void)state;
    const struct handover *handover = filled();
    for (unsigned i = 0; i < 2; i++) {
        uint64_t level1 = handover->smmu.stream_tables[i], level2 = stream_entry(handover, i, 0);
        assert_int_equal(level1 % (DESCRIPTORS * 8), 0);
        assert_true(apart(level1, DESCRIPTORS * 8, level2, LEVEL2_SIZE));
        assert_true(apart(level2, LEVEL2_SIZE, stream_entry(handover, 1 - i, 0), LEVEL2_SIZE));
        assert_true(apart(level2, LEVEL2_SIZE, handover->smmu.stream_tables[1 - i], DESCRIPTORS * 8));
        for (unsigned j = 0; j < 2; j++)
            for (uint32_t k = 0; k < handover->personas[j].copy_count; k++)
                assert_true(apart(level2, LEVEL2_SIZE, handover->personas[j].copies[k].source,
                                  handover->personas[j].copies[k].size));
        assert_int_equal(stage1(handover, level1).access, TABLES_NONE);
        assert_int_equal(stage1(handover, level2).access, TABLES_NONE);
        assert_int_equal(stage1(handover, level2 + LEVEL2_SIZE - 1).access, TABLES_NONE);
        assert_int_equal(stage2(handover, i, level1).access, TABLES_NONE);
        assert_int_equal(stage2(handover, i, level2).access, TABLES_NONE);
    }
}

static void the_smmu_is_the_switchers(void **state) {
    (void)state;
    const struct handover *handover = filled();
    for (uint64_t page = 0; page < 0x20000; page += 0x1000) {
        assert_int_equal(stage1(handover, board.smmu_v3.base + page).access, TABLES_EL2_DEVICE);
        assert_int_equal(stage2(handover, 0, board.smmu_v3.base + page).access, TABLES_NONE);
        assert_int_equal(stage2(handover, 1, board.smmu_v3.base + page).access, TABLES_NONE);
    }
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(handover->personas[i].spi_allowed[106 / 32] & (1u << 106 % 32 | 1u << 109 % 32), 0);
}

static void without_an_smmu_there_are_no_stream_tables(void **state) {
    (void)state;
    board.smmu_v3 = (struct board_smmu){0};
    const struct handover *handover = filled();
    assert_int_equal(handover->smmu.base, 0);
    assert_int_equal(handover->smmu.stream_tables[0] | handover->smmu.stream_tables[1], 0);
    assert_int_equal(stage1(handover, 0x09050000).access, TABLES_NONE);
    assert_int_equal(stage2(handover, 0, 0x09050000).access, TABLES_NONE);
}

static void what_would_not_be_isolated_is_refused(void **state) {
    (void)state;
    request.personas[1].partition.base = PERSONAL + PARTITION_SIZE - 0x200000;
    assert_int_equal(fill().error, REGION_NOT_ISOLATED);
    request.personas[1].partition.base = PHYSICAL;
    assert_int_equal(fill().error, REGION_NOT_ISOLATED);
    request.personas[1].partition.base = 0x08000000; /* over all devices */
    assert_int_equal(fill().error, REGION_NOT_ISOLATED);
}

static void faults_say_what_and_whose(void **state) {
    (void)state;
    request.boot_cpu = 77;
    assert_fault(REGION_UNKNOWN_CPU, "the firmware's device tree does not name this CPU (0x4d)");
    request.boot_cpu = board.cpus[1];
    elf_answer = ELF_NOT_ELF;
    assert_fault(REGION_BAD_SWITCHER, "the switcher can't be loaded: some ELF error");
    elf_answer = ELF_OK;
    request.personas[1].partition.size = region_partition_minimum(&request.personas[1]) - 1;
    assert_fault(REGION_PARTITION_SMALL, "work: the partition is too small (0x60000000)");
}

static void too_little_or_too_much_is_refused(void **state) {
    (void)state;
    memory_size = region_size(&request) - 1;
    assert_int_equal(fill().error, REGION_TOO_SMALL);
    request.quiet_count = HANDOVER_QUIET_MAX + 1;
    assert_int_equal(fill().error, REGION_TOO_MANY);
}

static void every_error_has_a_text(void **state) {
    (void)state;
    for (int error = REGION_OK; error <= REGION_BAD_HANDOVER; error++) {
        struct region_fault fault = {.error = (enum region_error)error};
        char text[160] = "";
        region_fault_text(&fault, text, sizeof(text));
        assert_null(strstr(text, "unknown error"));
    }
}

static void minimum_leaves_room_to_unpack_and_run(void **state) {
    (void)state;
    uint64_t minimum = region_partition_minimum(&request.personas[0]);
    assert_true(minimum >= 0x80000 + KERNEL_MEMORY + INITRD_SIZE + UINT64_C(64) * 1024 * 1024);
    assert_int_equal(minimum % REGION_ALIGNMENT, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, done)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(fills_a_handover_that_the_switcher_accepts),
        TEST(a_tpm_is_reached_from_a_start_on_only),
        TEST(room_besides_makes_a_partition_larger),
        TEST(the_clock_is_handed_over),
        TEST(the_usim_is_handed_over_to_el2_alone),
        TEST(the_usims_state_is_in_memory_without_flash),
        TEST(configured_flip_timeout_counts),
        TEST(prewarmed_personas_have_their_time),
        TEST(copies_are_whole_and_go_into_the_partition),
        TEST(no_initrd_is_no_copy),
        TEST(switcher_maps_itself_without_write_and_execute),
        TEST(stacks_have_guard_pages_and_tables_are_not_mapped),
        TEST(personas_reach_their_own_only),
        TEST(every_stream_leads_to_the_personas_stage2),
        TEST(stream_tables_are_aligned_and_out_of_everyones_reach),
        TEST(the_smmu_is_the_switchers),
        TEST(without_an_smmu_there_are_no_stream_tables),
        TEST(what_would_not_be_isolated_is_refused),
        TEST(faults_say_what_and_whose),
        TEST(too_little_or_too_much_is_refused),
        TEST(every_error_has_a_text),
        TEST(minimum_leaves_room_to_unpack_and_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
