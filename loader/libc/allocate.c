// SPDX-License-Identifier: BSD-3-Clause
#include "allocate.h"

#include <stdlib.h>

static struct efi_boot_services *boot_services;

void allocate_open(struct efi_boot_services *services) { boot_services = services; }

void *malloc(size_t size) {
    void *block = NULL;
    if (boot_services == NULL || boot_services->allocate_pool(EFI_LOADER_DATA, size, &block) != EFI_SUCCESS)
        return NULL;
    return block;
}

void free(void *block) {
    if (block != NULL)
        (void)boot_services->free_pool(block);
}
