// SPDX-License-Identifier: BSD-3-Clause
#include "disk.h"

#include "machine.h"

enum {
    SECTOR = 64, /* behind the partition table, before the first partition */
    REQUEST_IN = 0,
    REQUEST_OUT = 1,
    STATUS_UNSET = 0xff,
    WAIT_STEP = 50,              /* microseconds */
    WAIT_STEPS = 40000,          /* for what must come */
    WAIT_STEPS_IF_REFUSED = 400, /* for what may never come */
};

struct virtio_pci disk;
uint8_t disk_buffer[DISK_SECTOR_SIZE] __attribute__((aligned(4096)));

static volatile struct ring ring;
static volatile struct {
    uint32_t type, reserved;
    uint64_t sector;
} header;
static volatile uint8_t status;

bool disk_open(void) { return virtio_pci_open(&disk, VIRTIO_BLOCK); }

struct disk_request disk_request(bool write) {
    /* On a busy host the last request may only begin now: with what would be written here. */
    virtio_pci_reset(&disk);
    header.type = write ? REQUEST_OUT : REQUEST_IN;
    header.sector = SECTOR;
    return (struct disk_request){.write = write,
                                 .header = address_of(&header),
                                 .data = address_of(disk_buffer),
                                 .status = address_of(&status),
                                 .length = DISK_SECTOR_SIZE,
                                 .ring = ring_clear(&ring),
                                 .table = address_of(&ring.table)};
}

static void fill_ring(const struct disk_request *request) {
    const struct ring_buffer buffers[] = {{request->header, sizeof(header), false},
                                          {request->data, request->length, !request->write},
                                          {request->status, 1, true}};
    ring_chain(request->indirect ? ring.table : ring.descriptors, buffers, 3);
    if (request->indirect) {
        ring.descriptors[0].address = request->table;
        ring.descriptors[0].length = 3 * sizeof(struct ring_descriptor);
        ring.descriptors[0].flags = RING_INDIRECT;
    }
    ring.available.flags = !request->message;
}

/* The ring's used part or the status may be elsewhere: whichever of the two is the payload's own tells. */
static bool await_end(unsigned steps) {
    for (unsigned i = 0; i < steps; i++) {
        if (ring.used.index != 0 || status != STATUS_UNSET)
            return true;
        if ((virtio_pci_status(&disk) & VIRTIO_NEEDS_RESET) != 0)
            return false;
        machine_wait(WAIT_STEP);
    }
    return false;
}

bool disk_run(const struct disk_request *request) {
    status = STATUS_UNSET;
    fill_ring(request);
    if (!virtio_pci_begin(&disk, VIRTIO_F_VERSION_1 | VIRTIO_F_ACCESS_PLATFORM | VIRTIO_F_INDIRECT_DESC))
        return false;
    virtio_pci_queue(&disk, 0, &request->ring, request->message);
    virtio_pci_go(&disk);
    ring_offer(&ring, 0);
    virtio_pci_notify(&disk, 0);
    return await_end(request->refused ? WAIT_STEPS_IF_REFUSED : WAIT_STEPS) && status == 0;
}

static uint8_t pattern(uint8_t seed, unsigned at) { return (uint8_t)(seed + at * 7 + 1); }

bool disk_write_pattern(uint8_t seed) {
    struct disk_request request = disk_request(true);
    for (unsigned i = 0; i < DISK_SECTOR_SIZE; i++)
        disk_buffer[i] = pattern(seed, i);
    return disk_run(&request) && !disk_leaked(seed, 0, DISK_SECTOR_SIZE) && disk_buffer[0] == pattern(seed, 0);
}

bool disk_leaked(uint8_t seed, uint32_t first, uint32_t count) {
    struct disk_request request = disk_request(false);
    bool zeros = true, unchanged = true;
    if (!disk_run(&request))
        return true;
    for (unsigned i = first; i < first + count; i++) {
        zeros = zeros && disk_buffer[i] == 0;
        unchanged = unchanged && disk_buffer[i] == pattern(seed, i);
    }
    return !zeros && !unchanged;
}
