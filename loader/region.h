// SPDX-License-Identifier: BSD-3-Clause
#ifndef LOADER_REGION_H
#define LOADER_REGION_H

/**
 * The switcher's region: one contiguous piece of RAM that no persona can reach, filled at boot with the switcher's
 * image, a stack for each CPU with an unmapped page below it, all translation tables, the hand-over, and the pristine
 * copies (kernel, device tree, initrd) from which the switcher starts each persona.
 *
 * Pure: from checked parts to bytes in memory. Where the region and the partitions lie is the memory plan's business.
 */

#include "devicetree.h"
#include "elf.h"
#include "switcher/handover.h"

/** A persona with its files in memory, checked and unpacked. */
struct region_persona {
    const char *name;         /* shorter than HANDOVER_NAME_SIZE */
    const char *title;        /* shorter than HANDOVER_TITLE_SIZE */
    const char *command_line; /* of the kernel */
    const void *kernel;       /* arm64 Image */
    uint64_t kernel_size;     /* bytes of the Image */
    uint64_t kernel_memory;   /* bytes that the kernel uses from its load address, kernel_size or more */
    uint64_t text_offset;     /* bytes from a 2 MiB boundary to the load address */
    const void *initrd;
    uint64_t initrd_size; /* bytes; 0: none */
    uint64_t room;        /* bytes that it needs besides, before its system runs */
    uint32_t prewarm_ms;  /* as in the hand-over; 0: not prewarmed */
    struct tree_range partition;
    uint64_t tpm; /* page of the TPM's registers that it reaches until it gives them up; 0: none */
    enum handover_usim_access usim;
    bool alarm_flip; /* an alarm that comes due while it is suspended asks for a flip to it */
    uint8_t kaslr_seed[DEVICETREE_KASLR_SEED_SIZE];
    uint8_t rng_seed[DEVICETREE_RNG_SEED_SIZE];
    const char *version;  /* as in the device tree's request; NULL: none */
    const char *up_token; /* the same */
};

enum { REGION_USIM_MEMORY = 2 * 4096 /* bytes */ };

/** The virtual USIM, its profile opened. size = 0: none. */
struct region_usim {
    const void *profile;
    uint64_t size;             /* bytes */
    const void *memory;        /* its state, REGION_USIM_MEMORY bytes, which are copied; NULL: it is in flash */
    uint64_t flash;            /* as in the hand-over, like all that follows; without flash all three are 0 */
    uint32_t flash_block_size; /* bytes */
    uint32_t flash_lanes;
    uint8_t state_key[HANDOVER_USIM_KEY_SIZE];
    uint8_t seed[HANDOVER_USIM_KEY_SIZE];
};

struct region_request {
    const struct board *board;
    const void *firmware_tree; /* the one that the board was made from */
    const struct elf_image *switcher;
    const char *store;        /* as in the device tree's request; NULL: not known */
    unsigned parange;         /* ID_AA64MMFR0_EL1.PARange */
    uint64_t boot_cpu;        /* affinity fields of the loader's CPU */
    uint32_t flip_timeout_ms; /* 0: the board's */
    uint32_t quiet_count;
    const struct handover_quiet *quiet;
    uint32_t persona_count;
    uint32_t first_persona; /* index of the one to start */
    struct region_persona personas[HANDOVER_PERSONAS_MAX];
    struct region_usim usim;
};

enum region_error {
    REGION_OK = 0,
    REGION_TOO_SMALL,       /* the memory is smaller than region_size() */
    REGION_UNKNOWN_CPU,     /* the loader's CPU is not among the board's */
    REGION_TOO_MANY,        /* personas, CPUs, GIC regions or quiet addresses that the hand-over has no room for */
    REGION_PARTITION_SMALL, /* a partition below region_partition_minimum() */
    REGION_TREE_TOO_LARGE,  /* a device tree above 2 MiB (arm64 boot protocol) */
    REGION_BAD_SWITCHER,    /* cause: enum elf_error */
    REGION_BAD_TREE,        /* cause: enum devicetree_error */
    REGION_BAD_TABLES,      /* cause: enum tables_error; address: where */
    REGION_NOT_ISOLATED,    /* a persona would reach what it must not; cause: enum tables_error; address: where */
    REGION_BAD_HANDOVER,    /* what was built contradicts itself; cause: enum handover_error */
};

struct region_fault {
    enum region_error error;
    int cause;
    const char *persona; /* NULL: none in particular */
    uint64_t address;
};

enum { REGION_CLEAR_SIZE = 3 * 4096 /* bytes */ };

/** What the loader needs to leave for the switcher. */
struct region {
    uint64_t handover;    /* physical address */
    uint64_t entry;       /* the switcher's, physical address */
    uint64_t clear;       /* REGION_CLEAR_SIZE bytes that nobody maps: the code of the last clearing, and its list */
    uint64_t tables_used; /* bytes of translation tables */
};

/** @return bytes of memory without which a persona can't start: kernel, device tree, initrd and room to unpack and run
 */
uint64_t region_partition_minimum(const struct region_persona *persona);

/** @return bytes that the region takes, a multiple of 4 KiB; partitions need not be known yet */
uint64_t region_size(const struct region_request *request);

/**
 * Fills the region, then proves by walking the tables that no persona reaches it, another's partition, or what the
 * board keeps from personas, and that the switcher will accept the hand-over.
 * @param region   out, when the error is REGION_OK
 * @param request  partitions known
 * @param memory   where the loader sees the region, 2 MiB aligned
 * @param physical where hardware sees it, 2 MiB aligned
 * @param size     bytes, region_size() or more
 * @return the first fault found
 */
__attribute__((warn_unused_result)) struct region_fault region_fill(struct region *region,
                                                                    const struct region_request *request, void *memory,
                                                                    uint64_t physical, uint64_t size);

/** Writes the fault as one line without a full stop. @param text room for size bytes, with the final NUL */
void region_fault_text(const struct region_fault *fault, char *text, size_t size);

#endif
