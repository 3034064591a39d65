// SPDX-License-Identifier: BSD-3-Clause
#include "allocate.h"

#include <stdlib.h>

#include "pieces.h"

/* A signature's check takes a thousand pieces, and firmware takes its time for each: U-Boot gives it whole pages, and
 * sorts its list of memory. Some hundreds of bytes are in use at a time. */
enum { SMALL_ROOM = 128 * 1024, SMALL_MAX = 64 * 1024 };

static _Alignas(PIECES_ALIGNMENT) uint8_t memory[SMALL_ROOM];
static struct pieces small;
static struct efi_boot_services *boot_services;

void allocate_open(struct efi_boot_services *services) {
    boot_services = services;
    pieces_open(&small, memory, sizeof(memory));
}

static void *from_firmware(size_t size) {
    void *block = NULL;
    return boot_services->allocate_pool(EFI_LOADER_DATA, size, &block) == EFI_SUCCESS ? block : NULL;
}

void *malloc(size_t size) {
    if (boot_services == NULL)
        return NULL;
    void *block = size <= SMALL_MAX ? pieces_take(&small, size) : NULL;
    return block != NULL ? block : from_firmware(size);
}

void free(void *block) {
    if (block == NULL)
        return;
    if (pieces_hold(&small, block))
        pieces_give(block);
    else
        (void)boot_services->free_pool(block);
}
