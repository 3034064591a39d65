// SPDX-License-Identifier: BSD-3-Clause
#ifndef HANDOVER_FIXTURE_H
#define HANDOVER_FIXTURE_H

/* A good hand-over. */

#include <string.h>

#include "switcher/handover.h"

#define MIB UINT64_C(0x100000)

enum {
    CLOCK = 34,
    POWER_KEY = 39,
    KEYBOARD = 79,
    SMMU_EVENT = 106,
    SMMU_ERROR = 109,
    PERSONA_CLOCK = 141,
    BUTTON = 142,
    CHANNEL = 143,
};

static inline void handover_allow(struct handover_persona *persona, unsigned intid) {
    persona->spi_allowed[intid / 32] |= 1u << intid % 32;
}

static inline void handover_fill_persona(struct handover_persona *persona, const char *name, uint64_t base,
                                         uint64_t number) {
    strcpy(persona->name, name);
    strcpy(persona->title, name);
    persona->partition = (struct handover_range){base, 256 * MIB};
    persona->entry = base + 2 * MIB;
    persona->devicetree = base + 128 * MIB;
    persona->vttbr = number << 48 | (UINT64_C(0x7e010000) + number * 0x10000);
    persona->vttbr_start = persona->vttbr;
    persona->copy_count = 2;
    persona->copies[0] = (struct handover_copy){0x7e400000, base + 2 * MIB, 4 * MIB};
    persona->copies[1] = (struct handover_copy){0x7e800000, base + 128 * MIB, 64 * 1024};
    persona->usim = HANDOVER_USIM_AUTHENTICATE;
    handover_allow(persona, 33);
    handover_allow(persona, BUTTON);
    handover_allow(persona, CHANNEL);
    handover_allow(persona, PERSONA_CLOCK);
}

/* QEMU virt with two CPUs and two personas. */
static inline void handover_example(struct handover *handover) {
    *handover = (struct handover){
        .magic = HANDOVER_MAGIC,
        .version = HANDOVER_VERSION,
        .size = sizeof(struct handover),
        .ttbr0_el2 = 0x7e008000,
        .vtcr_el2 = 1u << 19,
        .cpu_count = 2,
        .boot_cpu = 0,
        .cpus = {{0, 0x7e108000}, {1, 0x7e110000}},
        .switcher = {0x7e000000, 32 * MIB},
        .console = 0x09000000,
        .gic = {.distributor = 0x08000000,
                .redistributor_region_count = 2,
                .redistributor_regions = {{0x080a0000, 0xf60000}, {0x4000000000, 0x4000000}}},
        .hypervisor_timer_intid = 26,
        .flip_button_intid = BUTTON,
        .flip_timeout_ms = 20000,
        .quiet_count = 2,
        .power_key = {.base = 0x09030000, .intid = POWER_KEY, .pin = 3, .long_press_ms = 2000},
        .keyboard = {.base = 0x0a003e00, .intid = KEYBOARD, .chord_length = 2, .chord = {115, 116}},
        .channel = {.base = 0x0b000000, .intid = CHANNEL},
        .clock = {.base = 0x09010000, .intid = CLOCK, .persona_intid = PERSONA_CLOCK},
        .smmu = {.base = 0x09050000,
                 .event_intid = SMMU_EVENT,
                 .error_intid = SMMU_ERROR,
                 .stream_table_config = 1u << 16 | 8u << 6 | 16u,
                 .stream_tables = {0x7e200000, 0x7e208000}},
        .quiet = {{.address = 0x0a000070, .kind = HANDOVER_QUIET_VIRTIO_MMIO},
                  {.address = 0x4010008004, .kind = HANDOVER_QUIET_PCI_COMMAND}},
        .persona_count = 2,
        .first_persona = 1,
    };
    handover->usim = (struct handover_usim){
        .profile = {0x7e300000, 4096}, .flash = 0x7f80000, .flash_block_size = 0x40000, .flash_lanes = 0x10001};
    handover_fill_persona(&handover->personas[0], "personal", 0x40000000, 1);
    handover_fill_persona(&handover->personas[1], "work", 0x50000000, 2);
}

#endif
