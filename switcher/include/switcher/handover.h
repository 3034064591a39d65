// SPDX-License-Identifier: BSD-3-Clause
#ifndef SWITCHER_HANDOVER_H
#define SWITCHER_HANDOVER_H

/**
 * The hand-over: everything that the loader tells the switcher, once, at boot.
 *
 * The loader places this structure in the switcher's region, fills it, cleans it to the point of coherency, turns the
 * MMU off, brings HCR_EL2 to 0 and branches to the switcher's entry with x0 = the structure's physical address.
 * All translation tables (EL2 stage 1, one stage 2 a persona) are built by the loader; the switcher only points the
 * hardware at them. All addresses are physical; EL2 stage 1 and every stage 2 are identity maps.
 *
 * A change of layout or meaning raises HANDOVER_VERSION; the switcher refuses any other version.
 *
 * The loader proves a hand-over with handover_check(), while there is still a firmware to go back to and a user to
 * tell. The switcher trusts it: whoever could give it a wrong one could as well give it wrong translation tables, or
 * run in its place. So the check is no code at EL2.
 */

#include <stddef.h>
#include <stdint.h>

#define HANDOVER_MAGIC UINT64_C(0x4544495350494c46) /* "FLIPSIDE", little-endian */
#define HANDOVER_VERSION 8u

enum {
    HANDOVER_CPUS_MAX = 8,
    HANDOVER_PERSONAS_MAX = 8,
    HANDOVER_COPIES_MAX = 4,
    HANDOVER_REDISTRIBUTOR_REGIONS_MAX = 4,
    HANDOVER_QUIET_MAX = 64,
    HANDOVER_CHORD_MAX = 4,
    HANDOVER_NAME_SIZE = 32,     /* bytes, with the final NUL */
    HANDOVER_TITLE_SIZE = 64,    /* bytes, UTF-8, with the final NUL */
    HANDOVER_SPI_WORDS = 32,     /* bitmap words: INTIDs 0 to 1023 */
    HANDOVER_STACK_SIZE = 32768, /* bytes of stack per CPU; the page below each stack is not mapped */
    HANDOVER_PREWARM_MS_MAX = 3600000,
    HANDOVER_USIM_KEY_SIZE = 32, /* bytes */
};

struct handover_range {
    uint64_t base; /* bytes, physical */
    uint64_t size; /* bytes */
};

/** A pristine image, copied into the partition at each start of the persona. The source is readable by EL2 only. */
struct handover_copy {
    uint64_t source;
    uint64_t destination; /* inside the persona's partition */
    uint64_t size;        /* bytes */
};

struct handover_cpu {
    uint64_t mpidr;     /* affinity fields of MPIDR_EL1 (Aff3:Aff2:Aff1:Aff0), other bits 0 */
    uint64_t stack_top; /* 16-byte aligned; HANDOVER_STACK_SIZE bytes below it are mapped read-write */
};

struct handover_persona {
    char name[HANDOVER_NAME_SIZE];
    char title[HANDOVER_TITLE_SIZE];
    struct handover_range partition;
    uint64_t entry;       /* of the kernel, inside the partition */
    uint64_t devicetree;  /* handed to the kernel in x0 (arm64 boot protocol), inside the partition */
    uint64_t vttbr;       /* VTTBR_EL2: stage-2 root with the VMID in bits 63:48; VMID >= 1, one a persona */
    uint64_t vttbr_start; /* the same from each start on, until the persona calls SMCCC_GIVE_UP; may reach more */
    uint32_t copy_count;
    uint32_t prewarm_ms; /* started before the first persona, and suspended when it is up in this time; 0: it is not */
    uint32_t alarm_flip; /* 1: an alarm that comes due while it is suspended asks for a flip to it */
    uint32_t usim;       /* enum handover_usim_access */
    struct handover_copy copies[HANDOVER_COPIES_MAX];
    uint32_t spi_allowed[HANDOVER_SPI_WORDS]; /* bit n%32 of word n/32: SPI n is the persona's; also those
                                                 that the switcher raises: flip button, channel, clock */
};

struct handover_gic {
    uint64_t distributor; /* GICD base, 64 KiB */
    uint32_t redistributor_region_count;
    uint32_t reserved;
    struct handover_range redistributor_regions[HANDOVER_REDISTRIBUTOR_REGIONS_MAX];
};

/**
 * The SMMUv3 (IHI 0070) that the switcher owns. base = 0: none, and nothing confines the devices' DMA.
 * In a persona's stream table every stream is translated by that persona's stage 2.
 */
struct handover_smmu {
    uint64_t base;                /* of page 0, 128 KiB */
    uint32_t event_intid;         /* SPI of the event queue, edge triggered */
    uint32_t error_intid;         /* SPI of global errors, edge triggered */
    uint32_t stream_table_config; /* SMMU_STRTAB_BASE_CFG */
    uint32_t reserved;
    uint64_t stream_tables[HANDOVER_PERSONAS_MAX]; /* SMMU_STRTAB_BASE, by persona */
};

/** The terminal's power key on a PL061 input. base = 0: the board has none. */
struct handover_power_key {
    uint64_t base;
    uint32_t intid;
    uint32_t pin;           /* 0 to 7 */
    uint32_t long_press_ms; /* held at least this long, a press is long */
    uint32_t active_low;    /* 1: pressed when the line is low */
};

/** A switcher-owned virtio keyboard (virtio-mmio, version 2) whose chord asks for attention. base = 0: none. */
struct handover_keyboard {
    uint64_t base;
    uint32_t intid;
    uint32_t chord_length;              /* keys in the chord, 1 to HANDOVER_CHORD_MAX */
    uint16_t chord[HANDOVER_CHORD_MAX]; /* Linux input event codes that must be held together */
};

/** Where personas find the channel to the switcher: registers of a virtio console that no device has. base = 0: none.
 */
struct handover_channel {
    uint64_t base;  /* of a page of 4 KiB that no stage 2 maps */
    uint32_t intid; /* SPI, edge triggered, raised by nothing else */
    uint32_t reserved;
};

/** The real-time clock, a PL031 (DDI 0224) that the switcher owns and of which it makes one a persona. base = 0: none.
 */
struct handover_clock {
    uint64_t base;          /* of a page of 4 KiB that no stage 2 maps; each persona finds its own clock there */
    uint32_t intid;         /* SPI of the real one */
    uint32_t persona_intid; /* SPI of the personas', edge triggered, raised by nothing else */
};

/** What a persona may do with the virtual USIM. */
enum handover_usim_access { HANDOVER_USIM_NONE, HANDOVER_USIM_READ, HANDOVER_USIM_AUTHENTICATE };

/** The virtual USIM. profile.size = 0: there is none. */
struct handover_usim {
    struct handover_range profile; /* in clear, in the switcher's region, readable by EL2 only */
    uint64_t flash;                /* two erase blocks of NOR flash (CFI, Intel's commands) for its state; or memory
                                      in the switcher's region, two pages that it may write */
    uint32_t flash_block_size;     /* bytes; of memory, a page */
    uint32_t flash_lanes;          /* a 1 in the lowest bit of each chip's part of the bus of 32 bits; 0: memory */
    uint8_t state_key[HANDOVER_USIM_KEY_SIZE];
    uint8_t seed[HANDOVER_USIM_KEY_SIZE]; /* random, new at each start: of what the card needs */
};

/** A place that tells whether a shared device is at rest. */
enum handover_quiet_kind {
    HANDOVER_QUIET_VIRTIO_MMIO = 1, /* address of the Status register (virtio 1.2, 4.2.2): must read 0 */
    HANDOVER_QUIET_PCI_COMMAND = 2, /* address of the Command register (PCI 3.0, 6.2.2): Bus Master Enable must be 0 */
};

struct handover_quiet {
    uint64_t address;
    uint32_t kind; /* enum handover_quiet_kind */
    uint32_t reserved;
};

struct handover {
    uint64_t magic;
    uint32_t version;
    uint32_t size; /* sizeof(struct handover) */

    /* What start.S loads before the MMU is on, at fixed offsets. */
    uint64_t mair_el2;
    uint64_t tcr_el2;
    uint64_t ttbr0_el2;
    uint64_t vtcr_el2;
    uint32_t cpu_count;
    uint32_t boot_cpu; /* index into cpus of the CPU that runs the loader */
    struct handover_cpu cpus[HANDOVER_CPUS_MAX];

    struct handover_range switcher; /* the whole region: image, stacks, tables, this structure, pristine copies */
    uint64_t console;               /* PL011 base; 0: no console */
    struct handover_gic gic;
    uint32_t hypervisor_timer_intid; /* PPI of CNTHP_EL2 */
    uint32_t flip_button_intid;      /* SPI that the personas' gpio-keys node listens to, edge triggered */
    uint32_t flip_timeout_ms;        /* how long a persona may take to answer a flip request */
    uint32_t quiet_count;
    struct handover_power_key power_key;
    struct handover_keyboard keyboard;
    struct handover_channel channel;
    struct handover_clock clock;
    struct handover_smmu smmu;
    struct handover_quiet quiet[HANDOVER_QUIET_MAX];
    uint32_t persona_count;
    uint32_t first_persona; /* index of the persona to start */
    struct handover_persona personas[HANDOVER_PERSONAS_MAX];
    struct handover_usim usim;
};

enum handover_error {
    HANDOVER_OK = 0,
    HANDOVER_BAD_MAGIC,
    HANDOVER_BAD_VERSION,
    HANDOVER_BAD_CPUS,     /* none, too many, boot_cpu out of range, two alike, or bits beside the affinity */
    HANDOVER_BAD_GIC,      /* no distributor or redistributor, too many regions, not aligned to 64 KiB, overlapping */
    HANDOVER_BAD_INTID,    /* the switcher's own interrupts are no SPIs or PPIs, not distinct, or allowed to a persona;
                              or a persona may not use the flip button, the channel or the clock */
    HANDOVER_BAD_KEYS,     /* pin above 7, chord empty, too long or with a key twice, a time of 0 ms */
    HANDOVER_BAD_QUIET,    /* too many, of an unknown kind, or not aligned */
    HANDOVER_BAD_PERSONAS, /* none, too many, first_persona out of range, no name or one without end, too many copies,
                              more time to come up than HANDOVER_PREWARM_MS_MAX, or a setting that is none */
    HANDOVER_BAD_SMMU,     /* its registers misaligned; a stream table misaligned, outside the region or used twice */
    HANDOVER_BAD_CHANNEL,  /* its page is misaligned, or in memory or at a device of the switcher's */
    HANDOVER_BAD_CLOCK,    /* the same of the clock's, or it is the channel's */
    HANDOVER_BAD_USIM,     /* its profile is outside the region; its flash misaligned, in memory or at a device; or a
                              persona may use one that is not there */
    HANDOVER_BAD_MEMORY,   /* a range that wraps or is not of whole pages; a partition that overlaps another, a device
                              or the switcher's region; an entry, device tree or copy outside its partition; a stack,
                              table root or copy's source outside the switcher's region */
    HANDOVER_BAD_VMID,     /* VMID 0, larger than VTCR_EL2.VS allows, used twice, or another at the start; a stage-2
                              root used twice */
};

/**
 * Checks a hand-over from end to end. The loader's (loader/handover.c): a hand-over that fails is never entered with.
 * @param handover the structure, HANDOVER_VERSION's size
 * @return HANDOVER_OK or the first error found
 */
__attribute__((warn_unused_result)) enum handover_error handover_check(const struct handover *handover);

/** @return the error's text, one line without a full stop; never NULL */
const char *handover_error_text(enum handover_error error);

#endif
