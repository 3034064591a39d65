// SPDX-License-Identifier: BSD-3-Clause
#include "quiet.h"

enum {
    PCI_COMMAND_BUS_MASTER = 1 << 2,
    PCI_NOTHING_THERE = 0xffff, /* PCI 3.0, 6.1: reads of an absent function return all ones */
};

/* A device that says that it rests is made to once more: one that was set going since it was told to end, with rings
 * wherever the leaving persona liked, would go on as soon as the next one lets it. @return whether it rests */
static bool keep_at_rest(const struct handover_quiet *quiet) {
    if (quiet->kind == HANDOVER_QUIET_VIRTIO_MMIO) {
        if (arch_read32(quiet->address) != 0)
            return false;
        arch_write32(quiet->address, 0); /* virtio 1.2, 2.1.2: 0 resets the device */
        return true;
    }
    uint16_t command = arch_read16(quiet->address);
    if ((command & PCI_COMMAND_BUS_MASTER) != 0)
        return command == PCI_NOTHING_THERE;
    /* A virtio device of QEMU's takes this as its driver's end each time. The Status half is 0: its bits are cleared
     * by writing 1 (PCI 3.0, 6.2.3). */
    arch_write32(quiet->address, command);
    return true;
}

bool quiet_check(const struct handover *handover, uint64_t *busy_address) {
    for (uint32_t i = 0; i < handover->quiet_count; i++) {
        if (keep_at_rest(&handover->quiet[i]))
            continue;
        *busy_address = handover->quiet[i].address;
        return false;
    }
    return true;
}

static void stop(const struct handover_quiet *quiet) {
    if (keep_at_rest(quiet))
        return;
    bool mmio = quiet->kind == HANDOVER_QUIET_VIRTIO_MMIO; /* virtio 1.2, 2.1.2: 0 resets the device */
    arch_write32(quiet->address, mmio ? 0 : arch_read16(quiet->address) & ~(uint32_t)PCI_COMMAND_BUS_MASTER);
}

void quiet_stop_devices(const struct handover *handover) {
    for (uint32_t i = 0; i < handover->quiet_count; i++)
        stop(&handover->quiet[i]);
    arch_barrier();
}
