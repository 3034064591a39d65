// SPDX-License-Identifier: BSD-3-Clause
#include "tpm.h"

#include <string.h>

#include "console.h"
#include "firmware.h"

enum { HEADER_SIZE = 10, SIZE_OFFSET = 2, TAG_HIGH = 0x80 };

/* The protocol does not tell how long the response is: its header does (TPM 2.0, part 1, 18.2). */
static size_t response_size(const uint8_t *response, size_t capacity) {
    const uint8_t *at = response + SIZE_OFFSET;
    uint32_t size = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    return response[0] == TAG_HIGH && size >= HEADER_SIZE && size <= capacity ? size : 0;
}

static size_t submit(void *context, const uint8_t *command, size_t size, uint8_t *response, size_t capacity) {
    struct efi_tcg2 *tcg2 = context;
    memset(response, 0, capacity);
    efi_status status = tcg2->submit_command(tcg2, (uint32_t)size, command, (uint32_t)capacity, response);
    // U-Boot calls every response code but success a device error; the response is there all the same.
    if (status != EFI_SUCCESS && status != EFI_DEVICE_ERROR)
        return 0;
    return response_size(response, capacity);
}

static void wait(void *context, unsigned milliseconds) {
    (void)context;
    console_wait(milliseconds);
}

bool firmware_tpm(struct tpm_transport *transport) {
    static const struct efi_guid guid = EFI_TCG2_GUID;
    struct efi_tcg2_capability capability = {.size = sizeof(capability)};
    struct efi_tcg2 *tcg2 = NULL;
    if (firmware_boot_services()->locate_protocol(&guid, NULL, (void **)&tcg2) != EFI_SUCCESS)
        return false;
    if (tcg2->get_capability(tcg2, &capability) != EFI_SUCCESS || capability.present == 0)
        return false;
    *transport = (struct tpm_transport){tcg2, submit, wait};
    return true;
}
