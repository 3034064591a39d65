// SPDX-License-Identifier: BSD-3-Clause
#ifndef ATTACK_DISK_H
#define ATTACK_DISK_H

/**
 * The virtio disk (virtio 1.2, 5.2), one request at a time, each part of it and of the ring wherever an attack wants
 * it. Only one sector is written, in the room between the partition table and the first partition.
 */

#include <stdbool.h>
#include <stdint.h>

#include "ring.h"
#include "virtio_pci.h"

enum { DISK_SECTOR_SIZE = 512 };

struct disk_request {
    bool write;                    /* to the disk: the device reads `data` */
    uint64_t header, data, status; /* addresses */
    uint32_t length;               /* of data, bytes */
    struct ring_place ring;
    bool indirect;  /* by a descriptor that points at a table */
    uint64_t table; /* where that is, valid when indirect */
    bool message;   /* an interrupt by message at its end */
    bool refused;   /* it is not to be done: no long wait for its end */
};

extern struct virtio_pci disk;
extern uint8_t disk_buffer[DISK_SECTOR_SIZE];

/** Finds the disk. @return whether there is one */
bool disk_open(void);

/** @return a request of one sector all of whose parts are the payload's own */
struct disk_request disk_request(bool write);

/** Resets the disk, hands it the request and waits for its end. @return whether the device did it */
bool disk_run(const struct disk_request *request);

/** Fills disk_buffer with a pattern and brings it to the disk. @return whether it is there */
bool disk_write_pattern(uint8_t seed);

/**
 * Reads the sector back.
 * @param seed  the pattern that it had
 * @param first byte to look at
 * @param count bytes to look at
 * @return whether it holds neither the pattern nor nothing but zeros, or cannot be read
 */
bool disk_leaked(uint8_t seed, uint32_t first, uint32_t count);

#endif
