// SPDX-License-Identifier: BSD-3-Clause
#include "virtio_pci.h"

#include "machine.h"

/* Configuration space (PCI 3.0, 6.1). */
enum {
    PCI_ID = 0x00,
    PCI_COMMAND = 0x04,
    PCI_BAR = 0x10,
    PCI_BARS = 6,
    PCI_CAPABILITIES = 0x34,
    PCI_FUNCTION_SIZE = 0x1000,
    PCI_FUNCTIONS = 256, /* of the first bus */
    COMMAND_MEMORY = 1 << 1,
    COMMAND_MASTER = 1 << 2,
    COMMAND_NO_INTX = 1 << 10,
    BAR_IO = 1 << 0,
    BAR_64 = 1 << 2,
    BAR_KIND = 0xf,
    CAPABILITY_VENDOR = 0x09,
    CAPABILITY_MSIX = 0x11,
    MSIX_CONTROL = 2,
    MSIX_TABLE = 4,
    MSIX_ENABLE = 1 << 15,
    VENDOR_VIRTIO = 0x1af4,
    DEVICE_MODERN = 0x1040,
};

/* virtio 1.2, 4.1.4: the capability, then the common structure (4.1.4.3). */
enum {
    CAP_NEXT = 1,
    CAP_TYPE = 3,
    CAP_BAR = 4,
    CAP_OFFSET = 8,
    CAP_MULTIPLIER = 16,
    TYPE_COMMON = 1,
    TYPE_NOTIFY = 2,
    TYPE_SPECIFIC = 4,

    DEVICE_FEATURE_SELECT = 0,
    DEVICE_FEATURE = 4,
    DRIVER_FEATURE_SELECT = 8,
    DRIVER_FEATURE = 12,
    CONFIG_MESSAGE = 16,
    DEVICE_STATUS = 20,
    QUEUE_SELECT = 22,
    QUEUE_SIZE = 24,
    QUEUE_MESSAGE = 26,
    QUEUE_ENABLE = 28,
    QUEUE_NOTIFY_OFFSET = 30,
    QUEUE_DESCRIPTORS = 32,
    QUEUE_AVAILABLE = 40,
    QUEUE_USED = 48,
    NO_MESSAGE = 0xffff,

    ACKNOWLEDGE_DRIVER = 3,
    FEATURES_OK = 8,
};

static uint64_t find(unsigned type) {
    for (uint64_t function = 0; machine.ecam != 0 && function < PCI_FUNCTIONS; function++) {
        uint64_t config = machine.ecam + function * PCI_FUNCTION_SIZE;
        if (read32(config + PCI_ID) == (VENDOR_VIRTIO | (uint32_t)(DEVICE_MODERN + type) << 16))
            return config;
    }
    return 0;
}

/* Each function has a place of its own in the window, each BAR a part of it that is large enough for any here. */
static void place_bars(uint64_t config) {
    enum { FUNCTION_ROOM = 1 << 20, BAR_ROOM = 1 << 16 };
    uint64_t place = machine.pci_window + (config - machine.ecam) / PCI_FUNCTION_SIZE * FUNCTION_ROOM;
    for (unsigned bar = 0; bar < PCI_BARS; bar++, place += BAR_ROOM) {
        uint64_t at = config + PCI_BAR + bar * 4;
        uint32_t kind = read32(at) & BAR_KIND;
        if ((kind & BAR_IO) != 0)
            continue;
        write32(at, (uint32_t)place);
        if ((kind & BAR_64) != 0)
            write32(config + PCI_BAR + ++bar * 4, 0);
    }
}

static uint64_t bar_address(uint64_t config, unsigned bar) {
    return read32(config + PCI_BAR + bar % PCI_BARS * 4) & ~(uint64_t)BAR_KIND;
}

static void take_structure(struct virtio_pci *device, uint64_t capability) {
    uint64_t place = bar_address(device->config, read8(capability + CAP_BAR)) + read32(capability + CAP_OFFSET);
    switch (read8(capability + CAP_TYPE)) {
    case TYPE_COMMON:
        device->common = place;
        break;
    case TYPE_NOTIFY:
        device->notify = place;
        device->notify_multiplier = read32(capability + CAP_MULTIPLIER);
        break;
    case TYPE_SPECIFIC:
        device->specific = place;
        break;
    default:
        break;
    }
}

static void take_capabilities(struct virtio_pci *device) {
    for (uint8_t at = read8(device->config + PCI_CAPABILITIES); at != 0; at = read8(device->config + at + CAP_NEXT)) {
        uint64_t capability = device->config + at;
        if (read8(capability) == CAPABILITY_VENDOR)
            take_structure(device, capability);
        if (read8(capability) != CAPABILITY_MSIX)
            continue;
        uint32_t table = read32(capability + MSIX_TABLE);
        device->messages = bar_address(device->config, table & 7) + (table & ~UINT32_C(7));
        device->message_control = capability + MSIX_CONTROL;
    }
}

bool virtio_pci_open(struct virtio_pci *device, unsigned type) {
    *device = (struct virtio_pci){.config = find(type)};
    if (device->config == 0)
        return false;
    place_bars(device->config);
    virtio_pci_master(device, true);
    take_capabilities(device);
    return device->common != 0 && device->notify != 0 && device->specific != 0;
}

void virtio_pci_master(const struct virtio_pci *device, bool on) {
    write16(device->config + PCI_COMMAND, (uint16_t)(COMMAND_MEMORY | COMMAND_NO_INTX | (on ? COMMAND_MASTER : 0)));
}

uint8_t virtio_pci_status(const struct virtio_pci *device) { return read8(device->common + DEVICE_STATUS); }

void virtio_pci_reset(const struct virtio_pci *device) {
    write8(device->common + DEVICE_STATUS, 0);
    while (virtio_pci_status(device) != 0)
        ;
}

bool virtio_pci_begin(const struct virtio_pci *device, uint64_t features) {
    virtio_pci_reset(device);
    write8(device->common + DEVICE_STATUS, ACKNOWLEDGE_DRIVER);
    for (uint32_t half = 0; half < 2; half++) {
        write32(device->common + DEVICE_FEATURE_SELECT, half);
        uint32_t offered = read32(device->common + DEVICE_FEATURE);
        write32(device->common + DRIVER_FEATURE_SELECT, half);
        write32(device->common + DRIVER_FEATURE, offered & (uint32_t)(features >> 32 * half));
    }
    write8(device->common + DEVICE_STATUS, ACKNOWLEDGE_DRIVER | FEATURES_OK);
    write16(device->common + CONFIG_MESSAGE, NO_MESSAGE);
    return (virtio_pci_status(device) & FEATURES_OK) != 0;
}

void virtio_pci_queue(const struct virtio_pci *device, uint16_t queue, const struct ring_place *place, bool message) {
    write16(device->common + QUEUE_SELECT, queue);
    write16(device->common + QUEUE_SIZE, RING_SIZE);
    write16(device->common + QUEUE_MESSAGE, message ? 0 : NO_MESSAGE);
    const uint64_t addresses[] = {place->descriptors, place->available, place->used};
    for (unsigned i = 0; i < 3; i++) {
        write32(device->common + QUEUE_DESCRIPTORS + 8 * i, (uint32_t)addresses[i]);
        write32(device->common + QUEUE_DESCRIPTORS + 8 * i + 4, (uint32_t)(addresses[i] >> 32));
    }
    write16(device->common + QUEUE_ENABLE, 1);
}

void virtio_pci_go(const struct virtio_pci *device) {
    write8(device->common + DEVICE_STATUS, ACKNOWLEDGE_DRIVER | FEATURES_OK | VIRTIO_DRIVER_OK);
}

void virtio_pci_notify(const struct virtio_pci *device, uint16_t queue) {
    write16(device->common + QUEUE_SELECT, queue);
    uint64_t offset = (uint64_t)read16(device->common + QUEUE_NOTIFY_OFFSET) * device->notify_multiplier;
    barrier();
    write16(device->notify + offset, queue);
}

void virtio_pci_message(const struct virtio_pci *device, uint64_t address, uint32_t data) {
    write16(device->message_control, MSIX_ENABLE);
    write32(device->messages, (uint32_t)address);
    write32(device->messages + 4, (uint32_t)(address >> 32));
    write32(device->messages + 8, data);
    write32(device->messages + 12, 0); /* not masked */
}

void virtio_pci_close(const struct virtio_pci *device) {
    virtio_pci_reset(device);
    if (device->message_control != 0)
        write16(device->message_control, 0);
    virtio_pci_master(device, false);
}
