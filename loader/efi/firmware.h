// SPDX-License-Identifier: BSD-3-Clause
#ifndef LOADER_FIRMWARE_H
#define LOADER_FIRMWARE_H

/** What the loader asks the firmware for: memory, its map, its device tree, random bytes, and to leave. */

#include "efi.h"
#include "memory_plan.h"

enum firmware_error {
    FIRMWARE_OK = 0,
    FIRMWARE_NO_DEVICE_TREE,  /* none in the configuration tables (EDK2: start QEMU with acpi=off) */
    FIRMWARE_BAD_DEVICE_TREE, /* its header is wrong */
    FIRMWARE_NO_MEMORY,       /* the firmware gives no memory */
    FIRMWARE_NO_MEMORY_MAP,   /* the firmware does not tell its memory map */
    FIRMWARE_TOO_MANY_RANGES, /* more than MEMORY_PLAN_RANGES_MAX */
    FIRMWARE_MEMORY_TAKEN,    /* memory of the plan was taken by the firmware meanwhile */
};

/** Usable RAM as the firmware tells it. */
struct firmware_memory {
    struct memory_range ranges[MEMORY_PLAN_RANGES_MAX];
    size_t count;
};

/** Nothing else here may be called before. @param image this program's handle @param table the firmware's */
void firmware_open(efi_handle image, struct efi_system_table *table);

/** @return the firmware's boot services; not to be called after firmware_leave() */
struct efi_boot_services *firmware_boot_services(void);

/** @return the device that this program was started from; NULL when the firmware does not tell */
efi_handle firmware_device(void);

/** Names the GPT partition of a device. @param text DEVICE_PATH_PARTITION_SIZE bytes; "": it is none */
void firmware_partition(efi_handle device, char *text);

/**
 * Finds the firmware's device tree (EBBR 2.0, 2.3).
 * @param tree out: the tree, checked to be one (libfdt's fdt_check_full())
 * @param size out: its bytes
 * @return FIRMWARE_OK, FIRMWARE_NO_DEVICE_TREE or FIRMWARE_BAD_DEVICE_TREE
 */
__attribute__((warn_unused_result)) enum firmware_error firmware_device_tree(const void **tree, size_t *size);

/**
 * Allocates whole pages anywhere; personas may use them after firmware_leave().
 * @param size bytes, not 0
 * @return the memory, page-aligned, or NULL
 */
__attribute__((warn_unused_result)) void *firmware_allocate(uint64_t size);

/**
 * Allocates memory at an address that the memory plan chose.
 * @param base bytes, page-aligned @param size bytes
 * @return FIRMWARE_OK or FIRMWARE_MEMORY_TAKEN
 */
__attribute__((warn_unused_result)) enum firmware_error firmware_claim(uint64_t base, uint64_t size);

/** Gives memory back. @param memory from firmware_allocate() or claimed; NULL does nothing @param size bytes, as then
 */
void firmware_free(void *memory, uint64_t size);

/**
 * Reads the memory map.
 * @param memory out: what personas can use (memory_plan.h), in no order
 * @return FIRMWARE_OK, FIRMWARE_NO_MEMORY, FIRMWARE_NO_MEMORY_MAP or FIRMWARE_TOO_MANY_RANGES
 */
__attribute__((warn_unused_result)) enum firmware_error firmware_memory_map(struct firmware_memory *memory);

/** @param out filled with random bytes @param size bytes @return whether the firmware has random bytes
 * (EFI_RNG_PROTOCOL) */
__attribute__((warn_unused_result)) bool firmware_random(void *out, size_t size);

/**
 * Ends boot services. Before, it makes sure that the ranges are still nobody else's. After FIRMWARE_OK no function
 * here or in console.h works any more; after an error all still do.
 * A firmware that fails half-way can't be gone back to (UEFI 2.10, 7.4.6): then the machine is reset.
 * @param wanted ranges that must be usable (any kind) @param count number of them
 * @param memory out: the memory map that boot services ended with
 * @return FIRMWARE_OK, FIRMWARE_MEMORY_TAKEN, or as firmware_memory_map()
 */
__attribute__((warn_unused_result)) enum firmware_error firmware_leave(const struct memory_range *wanted, size_t count,
                                                                       const struct firmware_memory **memory);

/** @return the error's text, one line without a full stop; never NULL */
const char *firmware_error_text(enum firmware_error error);

#endif
