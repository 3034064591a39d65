// SPDX-License-Identifier: BSD-3-Clause
#include "tpm.h"

#include <string.h>

#include "board/tree.h"
#include "console.h"
#include "cpu.h"
#include "firmware.h"

enum { HEADER_SIZE = 10, SIZE_OFFSET = 2, TAG_HIGH = 0x80 };

static struct tis tis;
static struct tis_machine machine;
static const char *fault; /* of finding the registers */

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

/* @return the protocol; NULL: the firmware has none */
static struct efi_tcg2 *find_protocol(void) {
    static const struct efi_guid guid = EFI_TCG2_GUID;
    struct efi_tcg2 *tcg2 = NULL;
    efi_status status = firmware_boot_services()->locate_protocol(&guid, NULL, (void **)&tcg2);
    return status == EFI_SUCCESS ? tcg2 : NULL;
}

uint64_t firmware_tpm_registers(const void *tree) {
    struct tree_cursor cursor;
    struct tree_range range;
    size_t count = 0;
    tree_start(&cursor, tree);
    while (tree_next(&cursor) == TREE_OK)
        if (tree_has_string(&cursor, "compatible", "tcg,tpm-tis-mmio") && tree_is_enabled(&cursor) &&
            tree_registers(&cursor, &range, 1, &count) == TREE_OK && count == 1)
            return range.base;
    return 0;
}

static enum tpm_way open_registers(uint64_t base) {
    machine = tis_mapped(cpu_milliseconds, cpu_relax);
    if (base == 0)
        return TPM_WAY_NONE;
    if (!cpu_reaches_device(base)) {
        fault = "the firmware has not mapped them as a device's";
        return TPM_WAY_BLOCKED;
    }
    return tis_open(&tis, &machine, base) == TIS_OK ? TPM_WAY_REGISTERS : TPM_WAY_BLOCKED;
}

enum tpm_way firmware_tpm(const void *tree, struct tpm_transport *transport) {
    struct efi_tcg2_capability capability = {.size = sizeof(capability)};
    struct efi_tcg2 *tcg2 = find_protocol();
    fault = NULL;
    tis.error = TIS_OK;
    if (tcg2 == NULL) {
        enum tpm_way way = open_registers(firmware_tpm_registers(tree));
        *transport = tis_transport(&tis);
        return way;
    }
    if (tcg2->get_capability(tcg2, &capability) != EFI_SUCCESS || capability.present == 0)
        return TPM_WAY_NONE;
    *transport = (struct tpm_transport){tcg2, submit, wait};
    return TPM_WAY_FIRMWARE;
}

const char *firmware_tpm_fault(void) {
    if (fault != NULL)
        return fault;
    return tis.error == TIS_OK ? NULL : tis_error_text(tis.error);
}
