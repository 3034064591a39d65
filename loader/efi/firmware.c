// SPDX-License-Identifier: BSD-3-Clause
#include "firmware.h"

#include "device_path.h"

#include <libfdt.h>
#include <string.h>

enum { MAP_MAX = 64 * 1024, LEAVE_ATTEMPTS = 4 };

static struct {
    efi_handle image;
    struct efi_system_table *table;
    size_t map_key;
    size_t map_size;
    size_t descriptor_size;
    uint64_t map[MAP_MAX / sizeof(uint64_t)]; /* static, so that reading the map does not change it */
    struct firmware_memory memory;            /* for firmware_leave() */
} firmware;

void firmware_open(efi_handle image, struct efi_system_table *table) {
    firmware.image = image;
    firmware.table = table;
    /* The firmware would start the terminal anew after five minutes in the picker (UEFI 2.10, 7.5). */
    (void)table->boot_services->set_watchdog_timer(0, 0, 0, NULL);
}

struct efi_boot_services *firmware_boot_services(void) {
    return firmware.table->boot_services;
}

efi_handle firmware_device(void) {
    static const struct efi_guid guid = EFI_LOADED_IMAGE_GUID;
    struct efi_loaded_image *image = NULL;
    if (firmware_boot_services()->handle_protocol(firmware.image, &guid, (void **)&image) != EFI_SUCCESS)
        return NULL;
    return image->device;
}

void firmware_partition(efi_handle device, char *text) {
    static const struct efi_guid guid = EFI_DEVICE_PATH_GUID;
    const void *path = NULL;
    text[0] = '\0';
    if (device != NULL && firmware_boot_services()->handle_protocol(device, &guid, (void **)&path) == EFI_SUCCESS)
        (void)!device_path_partition(path, DEVICE_PATH_MAX, text);
}

enum firmware_error firmware_device_tree(const void **tree, size_t *size) {
    static const struct efi_guid guid = EFI_DEVICE_TREE_GUID;
    const struct efi_configuration_table *tables = firmware.table->configuration_tables;
    for (size_t i = 0; i < firmware.table->configuration_table_count; i++) {
        if (memcmp(&tables[i].guid, &guid, sizeof(guid)) != 0)
            continue;
        if (fdt_check_header(tables[i].table) != 0)
            return FIRMWARE_BAD_DEVICE_TREE;
        *tree = tables[i].table;
        *size = fdt_totalsize(*tree);
        return fdt_check_full(*tree, *size) == 0 ? FIRMWARE_OK : FIRMWARE_BAD_DEVICE_TREE;
    }
    return FIRMWARE_NO_DEVICE_TREE;
}

static size_t pages_of(uint64_t size) { return (size_t)((size + EFI_PAGE_SIZE - 1) / EFI_PAGE_SIZE); }

void *firmware_allocate(uint64_t size) {
    uint64_t address = 0;
    if (firmware_boot_services()->allocate_pages(EFI_ALLOCATE_ANY_PAGES, EFI_LOADER_DATA, pages_of(size), &address) !=
        EFI_SUCCESS)
        return NULL;
    return (void *)(uintptr_t)address;
}

enum firmware_error firmware_claim(uint64_t base, uint64_t size) {
    uint64_t address = base;
    efi_status status =
        firmware_boot_services()->allocate_pages(EFI_ALLOCATE_ADDRESS, EFI_LOADER_DATA, pages_of(size), &address);
    return status == EFI_SUCCESS ? FIRMWARE_OK : FIRMWARE_MEMORY_TAKEN;
}

void firmware_free(void *memory, uint64_t size) {
    if (memory != NULL)
        (void)firmware_boot_services()->free_pages((uint64_t)(uintptr_t)memory, pages_of(size));
}

static bool kind_of(const struct efi_memory_descriptor *descriptor, enum memory_kind *kind) {
    if ((descriptor->attribute & EFI_MEMORY_WB) == 0)
        return false;
    switch (descriptor->type) {
    case EFI_CONVENTIONAL_MEMORY:
        *kind = MEMORY_FREE;
        return true;
    case EFI_LOADER_DATA:
        *kind = MEMORY_LOADER_DATA;
        return true;
    case EFI_LOADER_CODE:
    case EFI_BOOT_SERVICES_CODE:
    case EFI_BOOT_SERVICES_DATA:
        *kind = MEMORY_AFTER_EXIT;
        return true;
    default:
        return false;
    }
}

enum firmware_error firmware_memory_map(struct firmware_memory *memory) {
    uint32_t version;
    firmware.map_size = sizeof(firmware.map);
    if (firmware_boot_services()->get_memory_map(&firmware.map_size, firmware.map, &firmware.map_key,
                                                 &firmware.descriptor_size, &version) != EFI_SUCCESS ||
        firmware.descriptor_size < sizeof(struct efi_memory_descriptor))
        return FIRMWARE_NO_MEMORY_MAP;
    memory->count = 0;
    for (size_t at = 0; at + firmware.descriptor_size <= firmware.map_size; at += firmware.descriptor_size) {
        struct efi_memory_descriptor descriptor;
        enum memory_kind kind;
        memcpy(&descriptor, (const uint8_t *)firmware.map + at, sizeof(descriptor));
        if (!kind_of(&descriptor, &kind))
            continue;
        if (memory->count == MEMORY_PLAN_RANGES_MAX)
            return FIRMWARE_TOO_MANY_RANGES;
        memory->ranges[memory->count++] = (struct memory_range){
            .base = descriptor.physical_start,
            .size = descriptor.number_of_pages * EFI_PAGE_SIZE,
            .kind = kind,
        };
    }
    return FIRMWARE_OK;
}

bool firmware_random(void *out, size_t size) {
    static const struct efi_guid guid = EFI_RNG_GUID;
    struct efi_rng *rng = NULL;
    if (firmware_boot_services()->locate_protocol(&guid, NULL, (void **)&rng) != EFI_SUCCESS)
        return false;
    return rng->get_rng(rng, NULL, size, out) == EFI_SUCCESS;
}

/* Whether every byte is in some range; ranges are in no order and may each hold a part. */
static bool covered(const struct memory_range *wanted, const struct firmware_memory *memory) {
    uint64_t at = wanted->base;
    uint64_t end = wanted->base + wanted->size;
    bool progress = true;
    while (at < end && progress) {
        progress = false;
        for (size_t i = 0; i < memory->count; i++) {
            const struct memory_range *range = &memory->ranges[i];
            if (at < range->base || at - range->base >= range->size)
                continue;
            at = range->base + range->size;
            progress = true;
        }
    }
    return at >= end;
}

/* The map as it now is, if the ranges are still usable in it. */
static enum firmware_error check_map(const struct memory_range *wanted, size_t count) {
    enum firmware_error error = firmware_memory_map(&firmware.memory);
    for (size_t i = 0; i < count && error == FIRMWARE_OK; i++)
        if (!covered(&wanted[i], &firmware.memory))
            error = FIRMWARE_MEMORY_TAKEN;
    return error;
}

enum firmware_error firmware_leave(const struct memory_range *wanted, size_t count,
                                   const struct firmware_memory **memory) {
    *memory = &firmware.memory;
    enum firmware_error error = check_map(wanted, count);
    if (error != FIRMWARE_OK)
        return error;
    for (int attempt = 0; attempt < LEAVE_ATTEMPTS && error == FIRMWARE_OK; attempt++) {
        /* Fails when the map has changed since it was read: a driver's timer, say (UEFI 2.10, 7.4.6). */
        if (firmware_boot_services()->exit_boot_services(firmware.image, firmware.map_key) == EFI_SUCCESS)
            return FIRMWARE_OK;
        error = check_map(wanted, count);
    }
    firmware.table->runtime_services->reset_system(EFI_RESET_COLD, EFI_SUCCESS, 0, NULL);
    return error;
}

const char *firmware_error_text(enum firmware_error error) {
    switch (error) {
    case FIRMWARE_OK:
        return "no error";
    case FIRMWARE_NO_DEVICE_TREE:
        return "the firmware has no device tree (QEMU with EDK2: -machine acpi=off)";
    case FIRMWARE_BAD_DEVICE_TREE:
        return "the firmware's device tree is damaged";
    case FIRMWARE_NO_MEMORY:
        return "the firmware gives no memory";
    case FIRMWARE_NO_MEMORY_MAP:
        return "the firmware does not tell its memory map";
    case FIRMWARE_TOO_MANY_RANGES:
        return "the firmware's memory map has too many ranges";
    case FIRMWARE_MEMORY_TAKEN:
        return "the firmware took memory that was planned otherwise";
    }
    return "unknown error";
}
