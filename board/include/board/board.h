// SPDX-License-Identifier: BSD-3-Clause
#ifndef BOARD_BOARD_H
#define BOARD_BOARD_H

/**
 * A board: which devices of a terminal personas share in turn, have to themselves, or never see, and what the
 * switcher keeps. board_parse() makes it from two device trees: our description (board/NAME/board.dts, the format is
 * in board/README.md), which names things, and the firmware's tree, which says where they are.
 *
 * What the description does not name stays hidden. All addresses are the CPU's, all interrupts GIC INTIDs.
 */

#include "board/tree.h"

enum {
    BOARD_NAME_SIZE = 32,  /* bytes, with the final NUL: names of devices and of personas */
    BOARD_TITLE_SIZE = 64, /* bytes, with the final NUL */
    BOARD_CPUS_MAX = 8,
    BOARD_DEVICES_MAX = 96,
    BOARD_DEVICE_RANGES_MAX = 8,
    BOARD_DEVICE_INTIDS_MAX = 16,
    BOARD_REDISTRIBUTOR_REGIONS_MAX = 4,
    BOARD_KEPT_MAX = 8, /* ITS or SMMU register ranges */
    BOARD_CHORD_MAX = 4,
    BOARD_SHARES_MAX = 8,
    BOARD_SPI_WORDS = 32,   /* bitmap words: INTIDs 0 to 1023 */
    BOARD_PAGE_SIZE = 4096, /* bytes: what stage 2 can tell apart */
    BOARD_MAPPINGS_MAX = BOARD_DEVICES_MAX * BOARD_DEVICE_RANGES_MAX + 1 + BOARD_REDISTRIBUTOR_REGIONS_MAX,
};

enum board_policy {
    BOARD_HIDDEN = 0, /* no persona sees it */
    BOARD_SHARED,     /* each persona sees it while it runs */
    BOARD_EXCLUSIVE,  /* one persona sees it */
};

/** What a device can do to memory by itself, as the description says. */
enum board_dma {
    BOARD_DMA_NONE = 0,   /* it has no DMA */
    BOARD_DMA_SMMU,       /* it has, behind the SMMU */
    BOARD_DMA_UNCONFINED, /* it has, and nothing confines it */
};

/** How to tell that a device is at rest. */
enum board_quiet {
    BOARD_QUIET_UNKNOWN = 0, /* it does no DMA by itself, or nothing tells */
    BOARD_QUIET_VIRTIO_MMIO, /* virtio 1.2, 4.2.2: Status is 0 after a reset */
    BOARD_QUIET_PCI_ECAM,    /* a PCI host: Bus Master Enable is 0 in each function (PCI Local Bus 3.0, 6.2.2) */
};

struct board_device {
    char path[TREE_PATH_MAX];   /* of its node in the firmware's tree */
    char name[BOARD_NAME_SIZE]; /* of the group in the description that names it */
    enum board_policy policy;
    char persona[BOARD_NAME_SIZE]; /* BOARD_EXCLUSIVE: whose it is; "" otherwise */
    enum board_quiet quiet;
    enum board_dma dma;
    bool behind_smmu;  /* the firmware's tree says so: "iommu-map" of every requester, or "iommus", of smmu_v3 */
    uint8_t first_bus; /* BOARD_QUIET_PCI_ECAM: buses that ranges[0], the ECAM, holds */
    uint8_t last_bus;
    uint32_t range_count;
    uint32_t intid_count;
    struct tree_range ranges[BOARD_DEVICE_RANGES_MAX]; /* registers, then a PCI host's windows */
    uint32_t intids[BOARD_DEVICE_INTIDS_MAX];
};

struct board_gic {
    char path[TREE_PATH_MAX];
    struct tree_controller controller;
    struct tree_range distributor;
    uint32_t redistributor_region_count;
    uint32_t its_count;
    struct tree_range redistributor_regions[BOARD_REDISTRIBUTOR_REGIONS_MAX];
    struct tree_range its[BOARD_KEPT_MAX];
};

/** The power key on a PL061 input. base = 0: the board has none. */
struct board_power_key {
    char path[TREE_PATH_MAX];
    uint64_t base;
    uint32_t intid;
    uint32_t pin; /* 0 to 7 */
    uint32_t long_press_ms;
    bool active_low;
};

/** The switcher's virtio keyboard (virtio-mmio). base = 0: the board has none. */
struct board_keyboard {
    char path[TREE_PATH_MAX];
    uint64_t base;
    uint32_t intid;
    uint32_t chord_length;           /* 1 to BOARD_CHORD_MAX */
    uint16_t chord[BOARD_CHORD_MAX]; /* Linux input event codes */
};

/** Where personas find the channel to the switcher: a page and an SPI that nothing on the board has. base = 0: none. */
struct board_channel {
    uint64_t base; /* of a page of BOARD_PAGE_SIZE bytes */
    uint32_t intid;
};

/** The real-time clock, a PL031 of which the switcher makes one for each persona. base = 0: the board shares none. */
struct board_clock {
    char path[TREE_PATH_MAX];
    uint64_t base; /* of a page of BOARD_PAGE_SIZE bytes */
    uint32_t intid;
    uint32_t persona_intid; /* of the personas' clocks: an SPI that nothing on the board has */
};

/**
 * The bank of NOR flash (CFI) whose last two erase blocks keep the virtual USIM's state. size = 0: the board has none.
 */
struct board_usim_state {
    char path[TREE_PATH_MAX];
    uint32_t bank;           /* which of the node's register ranges */
    struct tree_range range; /* the whole bank */
};

/** The SMMUv3 that the switcher drives. base = 0: none that it can. */
struct board_smmu {
    uint64_t base;
    uint32_t event_intid;
    uint32_t error_intid;
    uint32_t phandle;
};

struct board_share {
    char persona[BOARD_NAME_SIZE];
    uint32_t percent; /* of the memory that personas have; 1 to 100 */
};

struct board {
    char title[BOARD_TITLE_SIZE];
    char name[BOARD_NAME_SIZE]; /* what manifests of personas call this kind of board; "": not said */
    char fault[TREE_PATH_MAX];  /* after a failed board_parse(): the node that it is about, or "" */
    uint32_t cpu_count;
    uint64_t cpus[BOARD_CPUS_MAX]; /* affinity fields of MPIDR_EL1, in the order of the firmware's tree */
    struct board_gic gic;
    uint32_t smmu_count;
    struct tree_range smmu[BOARD_KEPT_MAX];
    uint64_t console; /* PL011 base; 0: none */
    uint32_t hypervisor_timer_intid;
    struct board_power_key power_key;
    struct board_keyboard keyboard;
    struct board_channel channel;
    struct board_clock clock;
    struct board_usim_state usim_state;
    struct board_smmu smmu_v3;
    uint32_t flip_button_intid;
    uint32_t flip_timeout_ms;
    uint32_t share_count;
    struct board_share shares[BOARD_SHARES_MAX];
    uint32_t device_count;
    struct board_device devices[BOARD_DEVICES_MAX];
};

enum board_error {
    BOARD_OK = 0,
    BOARD_NOT_THIS,          /* the description is of another board: none of its "match" is the firmware's */
    BOARD_BAD_DESCRIPTION,   /* the description is no whole device tree, or not of version 1 */
    BOARD_BAD_FIRMWARE_TREE, /* the firmware's is no whole device tree, or says impossible things */
    BOARD_UNKNOWN_PROPERTY,  /* the description has a node or property that its format does not know */
    BOARD_BAD_PROPERTY,      /* a property of the description is missing, too long or out of its range */
    BOARD_NO_CPUS,           /* the firmware names no CPU */
    BOARD_TOO_MANY_CPUS,     /* more than BOARD_CPUS_MAX */
    BOARD_NO_GIC,            /* the firmware names no GICv3 */
    BOARD_BAD_GIC,           /* more regions than supported, a stride, no phandle, other cells than 3 or 4 */
    BOARD_NO_TIMER,          /* the firmware names no EL2 physical timer interrupt */
    BOARD_NO_ATTENTION,      /* an attention key's node is not in the firmware's tree, or is of another kind */
    BOARD_NO_CLOCK,          /* the clock's node is not in the firmware's tree, or no PL031 with a page and an SPI */
    BOARD_NO_USIM_STATE,  /* the USIM state's node is not in the firmware's tree, is no CFI flash or has no such bank */
    BOARD_KEY_NOT_HIDDEN, /* an attention key's node is also given to personas */
    BOARD_TOO_MANY_DEVICES,   /* more than BOARD_DEVICES_MAX nodes named */
    BOARD_TOO_MANY_RESOURCES, /* a device with more ranges or interrupts than supported */
    BOARD_NAMED_TWICE,        /* two groups of the description name the same node, or one does and "clock" */
    BOARD_PAGE_SHARED,        /* a persona's device shares a page of 4 KiB with one that the persona must not see */
    BOARD_DEVICE_IN_MEMORY,   /* a persona's device lies where the firmware says memory is */
    BOARD_INTID_SHARED,       /* an interrupt of the switcher's is also a persona's device's */
};

/** What stage 2 lets a persona reach besides its memory. */
struct board_mapping {
    struct tree_range range; /* whole pages of 4 KiB */
    bool read_only;          /* the GIC: the switcher carries out the writes */
};

/** A PCI host that personas share. */
struct board_pci_host {
    struct tree_range ecam; /* 1 MiB a bus */
    uint8_t first_bus;
    uint8_t last_bus;
};

/**
 * Makes the board from its description and the firmware's tree; neither is needed afterwards.
 * @param board            all of it is written, also on failure
 * @param description      compiled board.dts, 8-byte aligned
 * @param description_size bytes
 * @param firmware         the firmware's device tree, 8-byte aligned
 * @param firmware_size    bytes
 * @return BOARD_OK, or the first error found; board->fault then names a node where there is one to name
 */
__attribute__((warn_unused_result)) enum board_error board_parse(struct board *board, const void *description,
                                                                 size_t description_size, const void *firmware,
                                                                 size_t firmware_size);

/** @return the error's text, one line without a full stop; never NULL */
const char *board_error_text(enum board_error error);

/** @return the device whose node in the firmware's tree has this path; NULL when the description names none such */
const struct board_device *board_find_device(const struct board *board, const char *path);

/** @return whether a persona sees the device; persona NULL asks for one that is none of the exclusive ones' owners */
bool board_device_visible(const struct board_device *device, const char *persona);

/**
 * Lists what a persona reaches besides its memory: its devices and, read-only, the GIC's distributor and
 * redistributors. Sorted by address; touching ranges of the same access are one; no two overlap.
 * @param mappings room for max entries; BOARD_MAPPINGS_MAX is always enough
 * @param count    entries written
 * @return false when max is too small
 */
__attribute__((warn_unused_result)) bool board_visible_ranges(const struct board *board, const char *persona,
                                                              struct board_mapping *mappings, size_t max,
                                                              size_t *count);

/**
 * Says which SPIs a persona may use: its devices', the flip button's, the channel's and its clock's.
 * @param words BOARD_SPI_WORDS words; bit n%32 of word n/32 stands for INTID n
 */
void board_allowed_spis(const struct board *board, const char *persona, uint32_t *words);

/**
 * Lists the Status registers of the virtio-mmio transports that personas share.
 * @param addresses room for max entries
 * @param count     entries written
 * @return false when max is too small
 */
__attribute__((warn_unused_result)) bool board_quiet_virtio_mmio(const struct board *board, uint64_t *addresses,
                                                                 size_t max, size_t *count);

/** Lists the PCI hosts that personas share; as board_quiet_virtio_mmio() otherwise. */
__attribute__((warn_unused_result)) bool board_pci_hosts(const struct board *board, struct board_pci_host *hosts,
                                                         size_t max, size_t *count);

/** @return whether the device can do DMA that nothing confines to the running persona */
bool board_is_unconfined(const struct board *board, const struct board_device *device);

/** @return percent of the memory that the board gives a persona whose configuration asks for none; 0: not said */
uint32_t board_memory_percent(const struct board *board, const char *persona);

#endif
