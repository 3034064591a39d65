// SPDX-License-Identifier: BSD-3-Clause
#include "console.h"
#include "firmware.h"

efi_status loader_main(efi_handle image, struct efi_system_table *table);

efi_status loader_main(efi_handle image, struct efi_system_table *table) {
    firmware_open(image, table);
    console_open(table);
    console_print("Hello %s %u\n", "EFI", 42);
    for (;;) {
        unsigned k = console_key();
        if (k)
            console_print("key %x\n", k);
        if (k == 'q')
            return EFI_SUCCESS;
    }
}
