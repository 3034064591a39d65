// SPDX-License-Identifier: BSD-3-Clause
#include "console.h"
#include "session.h"

/* virtio 1.2, 4.2.2: DeviceID 0 is a transport with no device, which does no DMA. */
static bool is_present(const struct board_device *device) {
    const uint64_t device_id = 0x08;
    return device->quiet != BOARD_QUIET_VIRTIO_MMIO || device->range_count == 0 ||
           *(const volatile uint32_t *)(uintptr_t)(device->ranges[0].base + device_id) != 0;
}

bool session_check_dma(const struct session *session) {
    const struct board *board = &session->board;
    bool confined = true;
    for (uint32_t i = 0; i < board->device_count; i++) {
        const struct board_device *device = &board->devices[i];
        if (!board_is_unconfined(board, device) || !is_present(device))
            continue;
        console_print("DMA not confined: %s (%s) can reach all memory, the other personas' too\n", device->path,
                      device->name);
        confined = false;
    }
    if (confined) {
        console_print("DMA confined\n");
        return true;
    }
    if (session->store.terminal.allow_unconfined_dma)
        return true;
    console_print("Not started. Put the device behind an SMMU, or, if you trust every persona's kernel, say "
                  "allow-unconfined-dma=yes in flipside.conf\n");
    return false;
}
