// SPDX-License-Identifier: BSD-3-Clause
#ifndef ATTACK_RING_H
#define ATTACK_RING_H

/** The driver's side of a split virtqueue (virtio 1.2, 2.7), in the payload's own memory or with parts anywhere. */

#include <stdbool.h>
#include <stdint.h>

enum {
    RING_SIZE = 8,
    RING_NEXT = 1,  /* flags of a descriptor */
    RING_WRITE = 2, /* for the device to write */
    RING_INDIRECT = 4,
};

struct ring_descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags;
    uint16_t next;
};

struct ring {
    struct ring_descriptor descriptors[RING_SIZE];
    struct ring_descriptor table[RING_SIZE]; /* to point an indirect descriptor at */
    struct {
        uint16_t flags, index, entries[RING_SIZE], event;
    } available;
    struct {
        uint16_t flags, index;
        struct {
            uint32_t head, length;
        } entries[RING_SIZE];
        uint16_t event;
    } used __attribute__((aligned(4)));
} __attribute__((aligned(4096)));

/** Where the device is told that the parts of a ring are. */
struct ring_place {
    uint64_t descriptors, available, used;
};

/** Empties a ring. @return where its parts are in truth */
struct ring_place ring_clear(volatile struct ring *ring);

/** One buffer of a chain. */
struct ring_buffer {
    uint64_t address;
    uint32_t length;
    bool written; /* by the device */
};

/** Writes a chain of buffers to a table of descriptors, from its first one on. */
void ring_chain(volatile struct ring_descriptor *table, const struct ring_buffer *buffers, unsigned count);

/** Makes the chain that begins with the descriptor `head` available. */
void ring_offer(volatile struct ring *ring, uint16_t head);

#endif
