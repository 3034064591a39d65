// SPDX-License-Identifier: BSD-3-Clause
#include "handover_fixture.h"
#include "pseudorandom.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#define ALL_ONES UINT64_MAX

enum { MUTATIONS = 300000 };

static struct handover handover;

static int set_up(void **state) {
    (void)state;
    handover_example(&handover);
    return 0;
}

/* Changes one field, expects the error, and puts the good hand-over back. */
#define EXPECT(error, ...)                                                                                             \
    do {                                                                                                               \
        __VA_ARGS__;                                                                                                   \
        assert_int_equal(handover_check(&handover), error);                                                            \
        set_up(NULL);                                                                                                  \
    } while (0)

static void test_good(void **state) {
    (void)state;
    EXPECT(HANDOVER_OK, (void)0);
    EXPECT(HANDOVER_OK, handover.power_key = (struct handover_power_key){0});
    EXPECT(HANDOVER_OK, handover.keyboard = (struct handover_keyboard){0});
    EXPECT(HANDOVER_OK, handover.console = 0);
    EXPECT(HANDOVER_OK, handover.quiet_count = 0);
    EXPECT(HANDOVER_OK, handover.personas[0].copy_count = 0);
    EXPECT(HANDOVER_OK, (handover.persona_count = 1, handover.first_persona = 0));
    /* What a board without the key would have in its place says nothing. */
    EXPECT(HANDOVER_OK, (handover.power_key.base = 0, handover.power_key.intid = BUTTON));
}

static void test_header(void **state) {
    (void)state;
    EXPECT(HANDOVER_BAD_MAGIC, handover.magic++);
    EXPECT(HANDOVER_BAD_VERSION, handover.version++);
    EXPECT(HANDOVER_BAD_VERSION, handover.version = 0);
    EXPECT(HANDOVER_BAD_VERSION, handover.size--);
}

static void test_cpus(void **state) {
    (void)state;
    EXPECT(HANDOVER_BAD_CPUS, handover.cpu_count = 0);
    EXPECT(HANDOVER_BAD_CPUS, handover.cpu_count = HANDOVER_CPUS_MAX + 1);
    EXPECT(HANDOVER_BAD_CPUS, handover.boot_cpu = 2);
    EXPECT(HANDOVER_BAD_CPUS, handover.cpus[1].mpidr = 0);
    EXPECT(HANDOVER_BAD_CPUS, handover.cpus[1].mpidr |= UINT64_C(1) << 31);
    EXPECT(HANDOVER_OK, handover.cpus[1].mpidr = UINT64_C(0xff00ffffff));
}

static void test_gic(void **state) {
    (void)state;
    EXPECT(HANDOVER_BAD_GIC, handover.gic.distributor = 0);
    EXPECT(HANDOVER_BAD_GIC, handover.gic.distributor += 4096);
    EXPECT(HANDOVER_BAD_GIC, handover.gic.distributor = UINT64_C(0xffffffffffff0000));
    EXPECT(HANDOVER_BAD_GIC, handover.gic.redistributor_region_count = 0);
    EXPECT(HANDOVER_BAD_GIC, handover.gic.redistributor_region_count = HANDOVER_REDISTRIBUTOR_REGIONS_MAX + 1);
    EXPECT(HANDOVER_BAD_GIC, handover.gic.redistributor_regions[0].base = 0);
    EXPECT(HANDOVER_BAD_GIC, handover.gic.redistributor_regions[0].size = 0x10000);
    EXPECT(HANDOVER_BAD_GIC, handover.gic.redistributor_regions[1].size = ALL_ONES & ~UINT64_C(0xffff));
    EXPECT(HANDOVER_BAD_GIC, handover.gic.redistributor_regions[0].base = 0x08000000);
    EXPECT(HANDOVER_BAD_GIC, handover.gic.redistributor_regions[1] = handover.gic.redistributor_regions[0]);
}

static void test_keys(void **state) {
    (void)state;
    EXPECT(HANDOVER_BAD_KEYS, handover.power_key.pin = 8);
    EXPECT(HANDOVER_BAD_KEYS, handover.power_key.long_press_ms = 0);
    EXPECT(HANDOVER_BAD_KEYS, handover.power_key.active_low = 2);
    EXPECT(HANDOVER_BAD_KEYS, handover.flip_timeout_ms = 0);
    EXPECT(HANDOVER_BAD_KEYS, handover.keyboard.chord_length = 0);
    EXPECT(HANDOVER_BAD_KEYS, handover.keyboard.chord_length = HANDOVER_CHORD_MAX + 1);
    EXPECT(HANDOVER_BAD_KEYS, handover.keyboard.chord[1] = 115);
    EXPECT(HANDOVER_BAD_KEYS, handover.keyboard.chord[1] = 0);
    EXPECT(HANDOVER_BAD_KEYS, handover.keyboard.chord[1] = 0x300);
    EXPECT(HANDOVER_OK, handover.power_key.active_low = 1);
}

static void test_quiet(void **state) {
    (void)state;
    EXPECT(HANDOVER_BAD_QUIET, handover.quiet_count = HANDOVER_QUIET_MAX + 1);
    EXPECT(HANDOVER_BAD_QUIET, handover.quiet[0].kind = 0);
    EXPECT(HANDOVER_BAD_QUIET, handover.quiet[1].kind = 3);
    EXPECT(HANDOVER_BAD_QUIET, handover.quiet[0].address = 0);
    EXPECT(HANDOVER_BAD_QUIET, handover.quiet[0].address += 2);
    EXPECT(HANDOVER_BAD_QUIET, handover.quiet[1].address += 1);
    /* It is written as a whole register, with the Status half. */
    EXPECT(HANDOVER_BAD_QUIET, handover.quiet[1].address += 2);
    EXPECT(HANDOVER_BAD_QUIET, handover.quiet[1].address = ALL_ONES - 1);
}

static void test_personas(void **state) {
    (void)state;
    EXPECT(HANDOVER_BAD_PERSONAS, handover.persona_count = 0);
    EXPECT(HANDOVER_BAD_PERSONAS, handover.persona_count = HANDOVER_PERSONAS_MAX + 1);
    EXPECT(HANDOVER_BAD_PERSONAS, handover.first_persona = 2);
    EXPECT(HANDOVER_BAD_PERSONAS, handover.personas[0].name[0] = '\0');
    EXPECT(HANDOVER_BAD_PERSONAS, memset(handover.personas[1].name, 'a', HANDOVER_NAME_SIZE));
    EXPECT(HANDOVER_BAD_PERSONAS, memset(handover.personas[1].title, 'a', HANDOVER_TITLE_SIZE));
    EXPECT(HANDOVER_BAD_PERSONAS, handover.personas[1].copy_count = HANDOVER_COPIES_MAX + 1);
    EXPECT(HANDOVER_OK, handover.personas[1].prewarm_ms = HANDOVER_PREWARM_MS_MAX);
    EXPECT(HANDOVER_BAD_PERSONAS, handover.personas[1].prewarm_ms = HANDOVER_PREWARM_MS_MAX + 1);
    EXPECT(HANDOVER_BAD_PERSONAS, handover.personas[1].alarm_flip = 2);
    EXPECT(HANDOVER_BAD_PERSONAS, handover.personas[1].usim = HANDOVER_USIM_AUTHENTICATE + 1);
    EXPECT(HANDOVER_OK, handover.personas[1].alarm_flip = 1);
}

static void test_intids(void **state) {
    (void)state;
    EXPECT(HANDOVER_BAD_INTID, handover.hypervisor_timer_intid = 15);
    EXPECT(HANDOVER_BAD_INTID, handover.hypervisor_timer_intid = 32);
    EXPECT(HANDOVER_BAD_INTID, handover.flip_button_intid = 31);
    EXPECT(HANDOVER_BAD_INTID, handover.flip_button_intid = 1020);
    EXPECT(HANDOVER_BAD_INTID, handover.flip_button_intid = UINT32_MAX);
    EXPECT(HANDOVER_BAD_INTID, handover.flip_button_intid = POWER_KEY);
    EXPECT(HANDOVER_BAD_INTID, handover.flip_button_intid = KEYBOARD);
    EXPECT(HANDOVER_BAD_INTID, handover.power_key.intid = 0);
    EXPECT(HANDOVER_BAD_INTID, handover.power_key.intid = UINT32_MAX);
    EXPECT(HANDOVER_BAD_INTID, handover.keyboard.intid = 0);
    EXPECT(HANDOVER_BAD_INTID, handover.keyboard.intid = POWER_KEY);
    EXPECT(HANDOVER_BAD_INTID, handover_allow(&handover.personas[1], POWER_KEY));
    EXPECT(HANDOVER_BAD_INTID, handover_allow(&handover.personas[0], KEYBOARD));
    EXPECT(HANDOVER_BAD_INTID, handover_allow(&handover.personas[0], 26));
    EXPECT(HANDOVER_BAD_INTID, handover_allow(&handover.personas[0], 1020));
    EXPECT(HANDOVER_OK, handover_allow(&handover.personas[0], 1019));
    EXPECT(HANDOVER_BAD_INTID, memset(handover.personas[1].spi_allowed, 0, sizeof handover.personas[1].spi_allowed));
}

static void test_smmu_intids(void **state) {
    (void)state;
    EXPECT(HANDOVER_BAD_INTID, handover.smmu.event_intid = 31);
    EXPECT(HANDOVER_BAD_INTID, handover.smmu.event_intid = 0);
    EXPECT(HANDOVER_BAD_INTID, handover.smmu.event_intid = 1020);
    EXPECT(HANDOVER_BAD_INTID, handover.smmu.event_intid = UINT32_MAX);
    EXPECT(HANDOVER_BAD_INTID, handover.smmu.event_intid = SMMU_ERROR);
    EXPECT(HANDOVER_BAD_INTID, handover.smmu.event_intid = POWER_KEY);
    EXPECT(HANDOVER_BAD_INTID, handover.smmu.event_intid = KEYBOARD);
    EXPECT(HANDOVER_BAD_INTID, handover.smmu.event_intid = BUTTON);
    EXPECT(HANDOVER_BAD_INTID, handover.smmu.event_intid = CHANNEL);
    EXPECT(HANDOVER_BAD_INTID, handover.smmu.error_intid = 26);
    EXPECT(HANDOVER_BAD_INTID, handover.smmu.error_intid = UINT32_MAX);
    EXPECT(HANDOVER_BAD_INTID, handover.smmu.error_intid = POWER_KEY);
    EXPECT(HANDOVER_BAD_INTID, handover.smmu.error_intid = KEYBOARD);
    EXPECT(HANDOVER_BAD_INTID, handover.smmu.error_intid = BUTTON);
    EXPECT(HANDOVER_BAD_INTID, handover.smmu.error_intid = CHANNEL);
    EXPECT(HANDOVER_BAD_INTID, handover_allow(&handover.personas[0], SMMU_EVENT));
    EXPECT(HANDOVER_BAD_INTID, handover_allow(&handover.personas[1], SMMU_ERROR));
    EXPECT(HANDOVER_OK, handover.smmu.error_intid = 1019);
    /* Without an SMMU they are anyone's. */
    EXPECT(HANDOVER_OK, (handover.smmu.base = 0, handover_allow(&handover.personas[0], SMMU_EVENT)));
}

static void test_smmu(void **state) {
    (void)state;
    const uint64_t end = 0x7e000000 + 32 * MIB;
    EXPECT(HANDOVER_BAD_SMMU, handover.smmu.base += 0x1000);
    EXPECT(HANDOVER_BAD_MEMORY, handover.smmu.base = UINT64_C(0xfffffffffffe0000));
    EXPECT(HANDOVER_BAD_MEMORY, handover.smmu.base = 0x40000000);
    EXPECT(HANDOVER_BAD_MEMORY, handover.smmu.base = 0x40000000 - 0x10000);
    EXPECT(HANDOVER_BAD_MEMORY, handover.smmu.base = handover.switcher.base);
    EXPECT(HANDOVER_BAD_SMMU, handover.smmu.stream_tables[0] = 0);
    EXPECT(HANDOVER_BAD_SMMU, handover.smmu.stream_tables[1] = handover.personas[1].partition.base);
    EXPECT(HANDOVER_BAD_SMMU, handover.smmu.stream_tables[1] = handover.switcher.base - 64);
    EXPECT(HANDOVER_BAD_SMMU, handover.smmu.stream_tables[1] = end);
    EXPECT(HANDOVER_BAD_SMMU, handover.smmu.stream_tables[1] = end - 32);
    EXPECT(HANDOVER_BAD_SMMU, handover.smmu.stream_tables[1] |= UINT64_C(1) << 62);
    EXPECT(HANDOVER_BAD_SMMU, handover.smmu.stream_tables[1] = handover.smmu.stream_tables[0]);
    EXPECT(HANDOVER_OK, handover.smmu.stream_tables[1] = end - 64);
    EXPECT(HANDOVER_OK, handover.smmu.base = 0x40000000 - 0x20000);
    EXPECT(HANDOVER_OK, handover.smmu.stream_tables[2] = 1); /* no third persona */
    EXPECT(HANDOVER_OK, (handover.smmu.base = 0, handover.smmu.stream_tables[0] = 0));
}

static void test_switcher_memory(void **state) {
    (void)state;
    EXPECT(HANDOVER_BAD_MEMORY, handover.switcher.size = 0);
    EXPECT(HANDOVER_BAD_MEMORY, handover.switcher.size++);
    EXPECT(HANDOVER_BAD_MEMORY, handover.switcher.base += 16);
    EXPECT(HANDOVER_BAD_MEMORY, handover.switcher.size = ALL_ONES & ~UINT64_C(0xfff));
    EXPECT(HANDOVER_BAD_MEMORY, handover.ttbr0_el2 = 0x40000000);
    EXPECT(HANDOVER_BAD_MEMORY, handover.cpus[0].stack_top = 0);
    EXPECT(HANDOVER_BAD_MEMORY, handover.cpus[0].stack_top += 8);
    EXPECT(HANDOVER_BAD_MEMORY, handover.cpus[0].stack_top = 0x7e000000);
    EXPECT(HANDOVER_BAD_MEMORY, handover.cpus[0].stack_top = 0x7e000000 + 32 * MIB + 16);
    EXPECT(HANDOVER_BAD_MEMORY, handover.cpus[1].stack_top = handover.cpus[0].stack_top + HANDOVER_STACK_SIZE - 16);
    EXPECT(HANDOVER_OK, handover.cpus[0].stack_top = 0x7e000000 + 32 * MIB);
}

static void test_partitions(void **state) {
    (void)state;
    struct handover_persona *work = &handover.personas[1];
    EXPECT(HANDOVER_BAD_MEMORY, work->partition.size = 0);
    EXPECT(HANDOVER_BAD_MEMORY, work->partition.base -= 4096);
    EXPECT(HANDOVER_BAD_MEMORY, work->partition.size -= 8);
    EXPECT(HANDOVER_BAD_MEMORY, work->partition.size = 0x7e000000 - work->partition.base + 4096);
    EXPECT(HANDOVER_OK, work->partition.size = 0x7e000000 - work->partition.base);
    EXPECT(HANDOVER_BAD_MEMORY, work->partition.size = ALL_ONES & ~UINT64_C(0xfff));
    EXPECT(HANDOVER_BAD_MEMORY, work->partition = (struct handover_range){UINT64_C(1) << 47, UINT64_C(1) << 48});
    EXPECT(HANDOVER_BAD_MEMORY, work->entry = work->partition.base - 4);
    EXPECT(HANDOVER_BAD_MEMORY, work->entry = work->partition.base + work->partition.size);
    EXPECT(HANDOVER_BAD_MEMORY, work->entry += 2);
    EXPECT(HANDOVER_BAD_MEMORY, work->devicetree = handover.personas[0].devicetree);
    EXPECT(HANDOVER_BAD_MEMORY, work->devicetree += 4);
    EXPECT(HANDOVER_BAD_MEMORY, work->vttbr = UINT64_C(2) << 48 | work->partition.base);
}

static void test_copies(void **state) {
    (void)state;
    struct handover_persona *work = &handover.personas[1];
    EXPECT(HANDOVER_BAD_MEMORY, work->copies[0].size = 0);
    EXPECT(HANDOVER_BAD_MEMORY, work->copies[0].size = ALL_ONES);
    EXPECT(HANDOVER_BAD_MEMORY, work->copies[0].size = 32 * MIB);
    EXPECT(HANDOVER_BAD_MEMORY, work->copies[0].source = work->partition.base);
    EXPECT(HANDOVER_BAD_MEMORY, work->copies[0].destination = handover.personas[0].partition.base);
    EXPECT(HANDOVER_BAD_MEMORY, work->copies[0].destination = work->partition.base + work->partition.size - 4096);
    EXPECT(HANDOVER_BAD_MEMORY, work->copies[0].destination = handover.switcher.base);
    EXPECT(HANDOVER_BAD_MEMORY, work->copies[1].destination = work->copies[0].destination + 4 * MIB - 1);
    EXPECT(HANDOVER_OK, work->copies[1].destination = work->copies[0].destination + 4 * MIB);
}

static void test_devices_in_memory(void **state) {
    (void)state;
    EXPECT(HANDOVER_BAD_MEMORY, handover.console = 0x40001000);
    EXPECT(HANDOVER_BAD_MEMORY, handover.console = ALL_ONES);
    EXPECT(HANDOVER_BAD_MEMORY, handover.power_key.base = 0x7e000000);
    EXPECT(HANDOVER_BAD_MEMORY, handover.keyboard.base = 0x5ffffe00);
    EXPECT(HANDOVER_BAD_MEMORY, handover.gic.distributor = 0x3fff0000 + 0x10000);
    EXPECT(HANDOVER_BAD_MEMORY, handover.gic.redistributor_regions[0] = (struct handover_range){0x3fff0000, 0x20000});
    EXPECT(HANDOVER_BAD_MEMORY, handover.quiet[0].address = 0x50000000);
}

static void test_channel(void **state) {
    (void)state;
    EXPECT(HANDOVER_OK, handover.channel = (struct handover_channel){0});
    const uint64_t elsewhere[] = {0x0b000800,       0x40000000, 0x7e001000,
                                  0x09000000,       0x09030000, 0x0a003000,
                                  0x0800f000,       0x080a0000, ALL_ONES & ~UINT64_C(0xfff),
                                  UINT64_C(1) << 48};
    for (unsigned i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++)
        EXPECT(HANDOVER_BAD_CHANNEL, handover.channel.base = elsewhere[i]);
    EXPECT(HANDOVER_OK, handover.channel.base = 0x08010000);
    const uint32_t intids[] = {0, 31, 1020, UINT32_MAX, POWER_KEY, KEYBOARD, BUTTON, CHANNEL + 1};
    for (unsigned i = 0; i < sizeof intids / sizeof intids[0]; i++)
        EXPECT(HANDOVER_BAD_INTID, handover.channel.intid = intids[i]);
    EXPECT(HANDOVER_BAD_CHANNEL, handover.channel.base = handover.smmu.base);
    EXPECT(HANDOVER_BAD_CHANNEL, handover.channel.base = handover.smmu.base + 0x1f000);
    EXPECT(HANDOVER_OK, handover.channel.base = handover.smmu.base + 0x20000);
}

static void test_clock(void **state) {
    (void)state;
    EXPECT(HANDOVER_OK, handover.clock = (struct handover_clock){0});
    const uint64_t elsewhere[] = {0x09010800,
                                  0x40000000,
                                  0x7e001000,
                                  0x09000000,
                                  0x09030000,
                                  0x0a003000,
                                  0x0800f000,
                                  0x080a0000,
                                  0x09050000,
                                  0x0906f000,
                                  ALL_ONES & ~UINT64_C(0xfff),
                                  UINT64_C(1) << 48};
    for (unsigned i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++)
        EXPECT(HANDOVER_BAD_CLOCK, handover.clock.base = elsewhere[i]);
    EXPECT(HANDOVER_BAD_CLOCK, handover.clock.base = handover.channel.base);
    EXPECT(HANDOVER_OK, handover.clock.base = 0x09070000);
    const uint32_t intids[] = {0,        31,         1020,       UINT32_MAX, 33,      POWER_KEY,
                               KEYBOARD, SMMU_EVENT, SMMU_ERROR, BUTTON,     CHANNEL, PERSONA_CLOCK};
    for (unsigned i = 0; i < sizeof intids / sizeof intids[0]; i++)
        EXPECT(HANDOVER_BAD_INTID, handover.clock.intid = intids[i]);
    const uint32_t persona_intids[] = {0,          31,         1020,   UINT32_MAX, POWER_KEY, KEYBOARD,
                                       SMMU_EVENT, SMMU_ERROR, BUTTON, CHANNEL,    CLOCK,     PERSONA_CLOCK + 100};
    for (unsigned i = 0; i < sizeof persona_intids / sizeof persona_intids[0]; i++)
        EXPECT(HANDOVER_BAD_INTID, handover.clock.persona_intid = persona_intids[i]);
    EXPECT(HANDOVER_BAD_INTID, handover_allow(&handover.personas[1], CLOCK));
}

static void turn(unsigned index, uint64_t bits) {
    handover.personas[index].vttbr ^= bits;
    handover.personas[index].vttbr_start ^= bits;
}

static void test_vmids(void **state) {
    (void)state;
    EXPECT(HANDOVER_BAD_VMID, turn(0, handover.personas[0].vttbr & UINT64_C(0xffff) << 48));
    EXPECT(HANDOVER_BAD_VMID, turn(1, UINT64_C(3) << 48));
    EXPECT(HANDOVER_BAD_VMID, turn(1, 0x10000));
    EXPECT(HANDOVER_OK, turn(1, UINT64_C(0x100) << 48));
    EXPECT(HANDOVER_BAD_VMID, (handover.vtcr_el2 = 0, turn(1, UINT64_C(0x100) << 48)));
    // A start may have tables of its own, under the same VMID, and nobody else's.
    EXPECT(HANDOVER_OK, handover.personas[1].vttbr_start ^= 0x8000);
    EXPECT(HANDOVER_BAD_VMID, handover.personas[1].vttbr_start ^= UINT64_C(4) << 48);
    EXPECT(HANDOVER_BAD_VMID, handover.personas[1].vttbr_start ^= 0x10000);
    EXPECT(HANDOVER_BAD_MEMORY, handover.personas[1].vttbr_start ^= handover.switcher.base);
}

static void test_every_error_has_a_text_of_its_own(void **state) {
    (void)state;
    for (int i = HANDOVER_OK; i <= HANDOVER_BAD_VMID; i++)
        for (int j = HANDOVER_OK; j < i; j++)
            assert_string_not_equal(handover_error_text((enum handover_error)i),
                                    handover_error_text((enum handover_error)j));
    assert_non_null(handover_error_text((enum handover_error)1000));
}

static bool apart(struct handover_range a, struct handover_range b) {
    return a.base >= b.base + b.size || b.base >= a.base + a.size;
}

static bool inside(struct handover_range range, uint64_t base, uint64_t size) {
    return base >= range.base && base + size >= base && base + size <= range.base + range.size;
}

/* What the switcher relies on must hold whatever the check lets pass. */
static void assert_safe(void) {
    assert_in_range(handover.cpu_count, 1, HANDOVER_CPUS_MAX);
    assert_in_range(handover.persona_count, 1, HANDOVER_PERSONAS_MAX);
    for (uint32_t i = 0; i < handover.persona_count; i++) {
        const struct handover_persona *persona = &handover.personas[i];
        assert_true(persona->partition.base + persona->partition.size > persona->partition.base);
        assert_true(apart(persona->partition, handover.switcher));
        assert_true(handover.smmu.base == 0 || inside(handover.switcher, handover.smmu.stream_tables[i], 64));
        for (uint32_t j = 0; j < i; j++)
            assert_true(apart(persona->partition, handover.personas[j].partition));
        assert_true(inside(persona->partition, persona->entry, 4));
        for (uint32_t j = 0; j < persona->copy_count; j++) {
            assert_true(inside(persona->partition, persona->copies[j].destination, persona->copies[j].size));
            assert_true(inside(handover.switcher, persona->copies[j].source, persona->copies[j].size));
        }
    }
}

/* A few bytes or words of a good hand-over changed at random: never out of bounds, and what passes is safe. */
static void test_mutations(void **state) {
    (void)state;
    struct pseudorandom random = {1};
    const uint64_t edges[] = {0, 1, 4096, UINT64_C(1) << 47, UINT64_C(1) << 48, ALL_ONES - 4095, ALL_ONES};
    for (unsigned i = 0; i < MUTATIONS; i++) {
        set_up(NULL);
        for (uint64_t count = 1 + pseudorandom_below(&random, 3); count > 0; count--) {
            uint8_t *at = (uint8_t *)&handover + pseudorandom_below(&random, sizeof handover / 8) * 8;
            uint64_t value = edges[pseudorandom_below(&random, sizeof edges / sizeof edges[0])];
            if (pseudorandom_below(&random, 2) == 0)
                memcpy(at, &value, sizeof value);
            else
                at[pseudorandom_below(&random, 8)] ^= (uint8_t)(1u << pseudorandom_below(&random, 8));
        }
        if (handover_check(&handover) == HANDOVER_OK)
            assert_safe();
    }
}

static void test_usim(void **state) {
    (void)state;
    EXPECT(HANDOVER_BAD_USIM, handover.usim.profile.base = 0x40000000);
    EXPECT(HANDOVER_BAD_USIM, handover.usim.profile.base += 4);
    EXPECT(HANDOVER_BAD_USIM, handover.usim.profile.size = 64 * MIB);
    EXPECT(HANDOVER_BAD_USIM, handover.usim.profile.size = 0);
    EXPECT(HANDOVER_BAD_USIM, handover.usim.flash += 0x800);
    EXPECT(HANDOVER_BAD_USIM, handover.usim.flash_block_size = 0);
    EXPECT(HANDOVER_BAD_USIM, handover.usim.flash_block_size = UINT32_MAX);
    EXPECT(HANDOVER_BAD_USIM, handover.usim.flash_lanes = 0);
    const uint64_t taken[] = {0x50000000, 0x7e000000, 0x09000000, 0x09030000, 0x0a003000,
                              0x0b000000, 0x09010000, 0x09050000, 0x08000000, 0x080a0000};
    for (unsigned i = 0; i < sizeof taken / sizeof taken[0]; i++)
        EXPECT(HANDOVER_BAD_USIM, (handover.usim.flash = taken[i] - 0x1000, handover.usim.flash_block_size = 0x1000));
    EXPECT(HANDOVER_OK, (memset(&handover.usim, 0, sizeof handover.usim), handover.personas[0].usim = 0,
                         handover.personas[1].usim = 0));
}

static void put_usim_in_memory(uint64_t base, uint32_t size) {
    handover.usim.flash = base;
    handover.usim.flash_block_size = size;
    handover.usim.flash_lanes = 0;
}

static void test_usim_in_memory(void **state) {
    const uint64_t inside = 0x7e302000, page = 0x1000;
    (void)state;
    EXPECT(HANDOVER_OK, put_usim_in_memory(inside, 0x1000));
    EXPECT(HANDOVER_BAD_USIM, put_usim_in_memory(inside + 0x800, 0x1000));
    EXPECT(HANDOVER_BAD_USIM, put_usim_in_memory(0, 0x1000));
    EXPECT(HANDOVER_BAD_USIM, put_usim_in_memory(0x50000000, 0x1000));
    EXPECT(HANDOVER_BAD_USIM, put_usim_in_memory(handover.switcher.base + handover.switcher.size - page, 0x1000));
    EXPECT(HANDOVER_BAD_USIM, put_usim_in_memory(inside, 0));
    EXPECT(HANDOVER_BAD_USIM, put_usim_in_memory(inside, 0x2000));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_good, set_up),
        cmocka_unit_test_setup(test_header, set_up),
        cmocka_unit_test_setup(test_cpus, set_up),
        cmocka_unit_test_setup(test_gic, set_up),
        cmocka_unit_test_setup(test_keys, set_up),
        cmocka_unit_test_setup(test_quiet, set_up),
        cmocka_unit_test_setup(test_personas, set_up),
        cmocka_unit_test_setup(test_intids, set_up),
        cmocka_unit_test_setup(test_smmu_intids, set_up),
        cmocka_unit_test_setup(test_smmu, set_up),
        cmocka_unit_test_setup(test_switcher_memory, set_up),
        cmocka_unit_test_setup(test_partitions, set_up),
        cmocka_unit_test_setup(test_copies, set_up),
        cmocka_unit_test_setup(test_devices_in_memory, set_up),
        cmocka_unit_test_setup(test_channel, set_up),
        cmocka_unit_test_setup(test_clock, set_up),
        cmocka_unit_test_setup(test_vmids, set_up),
        cmocka_unit_test_setup(test_every_error_has_a_text_of_its_own, set_up),
        cmocka_unit_test_setup(test_mutations, set_up),
        cmocka_unit_test_setup(test_usim, set_up),
        cmocka_unit_test_setup(test_usim_in_memory, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
