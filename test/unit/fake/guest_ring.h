// SPDX-License-Identifier: BSD-3-Clause
#ifndef FAKE_GUEST_RING_H
#define FAKE_GUEST_RING_H

/**
 * A persona's memory and the driver's side of split virtqueues in it (virtio 1.2, 2.7), for tests of the device's side.
 * The memory is all that is mapped: an access beside it fails the test, or ends the fuzzer.
 */

#include "machine.h"
#include "virtqueue.h"

#define GUEST_BASE UINT64_C(0x50000000)

enum {
    GUEST_QUEUES = 16,
    GUEST_DESCRIPTORS = 16, /* entries of each queue */
    GUEST_BUFFER_SIZE = 512,

    GUEST_NEXT = 1,
    GUEST_WRITE = 2,
    GUEST_INDIRECT = 4,
};

struct guest_descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags;
    uint16_t next;
};

struct guest_queue {
    struct guest_descriptor descriptors[GUEST_DESCRIPTORS];
    struct {
        uint16_t flags;
        uint16_t index;
        uint16_t ring[GUEST_DESCRIPTORS];
        uint16_t used_event;
    } available;
    struct {
        uint16_t flags;
        uint16_t index;
        struct {
            uint32_t id;
            uint32_t length;
        } ring[GUEST_DESCRIPTORS];
        uint16_t available_event;
    } used __attribute__((aligned(4)));
};

union guest_memory {
    struct {
        struct guest_queue queues[GUEST_QUEUES];
        uint8_t buffers[GUEST_QUEUES][GUEST_DESCRIPTORS][GUEST_BUFFER_SIZE] __attribute__((aligned(8)));
    };
    uint8_t bytes[0x30000];
};

extern union guest_memory guest;
extern const struct handover_range guest_partition;

/** Maps the memory, all zero, into the fake machine. */
void guest_reset(void);

/** @return the physical address of a place in `guest` */
uint64_t guest_address(const void *place);

/** Fills in what a driver tells the device of a queue. */
void guest_describe(unsigned queue, struct virtqueue *virtqueue);

/** Makes descriptor `head` available: one buffer of `length` bytes, its own. @param flags GUEST_WRITE or 0 */
void guest_offer(unsigned queue, uint16_t head, uint32_t length, uint16_t flags);

/** The same with contents that the device may read. */
void guest_send(unsigned queue, uint16_t head, const void *data, uint32_t size);

#endif
