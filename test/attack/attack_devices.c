// SPDX-License-Identifier: BSD-3-Clause
/*
 * Devices as a way from one persona to the next: `arm` leaves each running with its rings in foreign memory, and only
 * bus mastering off, so that a flip is not refused; or, with an argument, on. `devices` looks at what it finds before
 * it touches anything.
 */
#include "attack.h"
#include "machine.h"
#include "virtio_pci.h"

static const unsigned types[] = {VIRTIO_NET, VIRTIO_BLOCK};

static void arm(const struct attack_arguments *arguments) {
    uint64_t foreign = attack_target_count > 0 ? attack_targets[0].first : machine.memory_base;
    const struct ring_place place = {foreign, foreign + 0x1000, foreign + 0x2000};
    for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct virtio_pci device;
        attack_try();
        if (!virtio_pci_open(&device, types[i]) ||
            !virtio_pci_begin(&device, VIRTIO_F_VERSION_1 | VIRTIO_F_ACCESS_PLATFORM))
            continue;
        virtio_pci_queue(&device, 0, &place, false);
        virtio_pci_go(&device);
        if (arguments->count > 0)
            continue;
        virtio_pci_master(&device, false);
        /* Bus mastering off may have stopped it. */
        virtio_pci_go(&device);
        attack_note("status 0x%x", virtio_pci_status(&device));
    }
}

ATTACK(arm, "arm", arm, "[BUSY] (devices, with rings at the first target)");

static void look(const struct attack_arguments *arguments) {
    (void)arguments;
    for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct virtio_pci device;
        attack_try();
        if (!virtio_pci_open(&device, types[i]))
            continue;
        if ((virtio_pci_status(&device) & VIRTIO_DRIVER_OK) != 0)
            attack_broken("device %u runs: status 0x%x", types[i], virtio_pci_status(&device));
        virtio_pci_close(&device);
    }
}

ATTACK(devices, "devices", look, "(as the last persona left them)");
