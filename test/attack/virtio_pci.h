// SPDX-License-Identifier: BSD-3-Clause
#ifndef ATTACK_VIRTIO_PCI_H
#define ATTACK_VIRTIO_PCI_H

/** The driver's side of a modern virtio device on PCI (virtio 1.2, 4.1), found in the ECAM of the device tree. */

#include <stdbool.h>
#include <stdint.h>

#include "ring.h"

enum {
    VIRTIO_NET = 1, /* device types (virtio 1.2, 5) */
    VIRTIO_BLOCK = 2,
    VIRTIO_DRIVER_OK = 4, /* device_status (2.1) */
    VIRTIO_NEEDS_RESET = 64,
};

#define VIRTIO_F_INDIRECT_DESC (UINT64_C(1) << 28)
#define VIRTIO_F_VERSION_1 (UINT64_C(1) << 32)
#define VIRTIO_F_ACCESS_PLATFORM (UINT64_C(1) << 33)

struct virtio_pci {
    uint64_t config;          /* configuration space of the function */
    uint64_t common;          /* the structures of 4.1.4 */
    uint64_t notify;          /* with notify_multiplier bytes a queue */
    uint64_t specific;        /* the device type's own configuration */
    uint64_t messages;        /* MSI-X table; 0: none */
    uint64_t message_control; /* in configuration space */
    uint32_t notify_multiplier;
};

/**
 * Finds a device and makes its registers reachable: BARs in the window, bus mastering on, INTx off.
 * @param type VIRTIO_NET, ...
 * @return whether there is one with all structures
 */
bool virtio_pci_open(struct virtio_pci *device, unsigned type);

/** Resets the device: when it returns nothing of before goes on. */
void virtio_pci_reset(const struct virtio_pci *device);

/** Resets the device and agrees on those of the features that it offers (3.1.1, up to FEATURES_OK). @return whether it
 * took them */
bool virtio_pci_begin(const struct virtio_pci *device, uint64_t features);

/** Starts a queue of RING_SIZE. @param message whether its interrupts are MSI-X number 0 */
void virtio_pci_queue(const struct virtio_pci *device, uint16_t queue, const struct ring_place *place, bool message);

/** Sets DRIVER_OK. */
void virtio_pci_go(const struct virtio_pci *device);

/** Tells the device that a queue has something. */
void virtio_pci_notify(const struct virtio_pci *device, uint16_t queue);

/** @return device_status */
uint8_t virtio_pci_status(const struct virtio_pci *device);

/** Has interrupt message 0 be a write of `data` to `address`. */
void virtio_pci_message(const struct virtio_pci *device, uint64_t address, uint32_t data);

/** Sets whether the function may do DMA. */
void virtio_pci_master(const struct virtio_pci *device, bool on);

/** As a driver leaves it at a suspend: reset, no DMA. */
void virtio_pci_close(const struct virtio_pci *device);

#endif
