// SPDX-License-Identifier: BSD-3-Clause
#ifndef SWITCHER_VIRTQUEUE_H
#define SWITCHER_VIRTQUEUE_H

/**
 * The device's side of a split virtqueue (virtio 1.2, 2.7) in a persona's memory.
 *
 * Nothing that the persona writes is believed: each index and each descriptor is read once, each address is checked
 * against the persona's partition before it is touched, a chain is never longer than the queue. No feature that changes
 * the format (indirect descriptors, event index, packed ring) is offered. All need the switcher lock.
 */

#include "arch.h"
#include "switcher/handover.h"

enum { VIRTQUEUE_SIZE_MAX = 16 }; /* entries: bounds what one notification costs */

enum virtqueue_error {
    VIRTQUEUE_OK = 0,
    VIRTQUEUE_EMPTY,          /* no error: the driver has made nothing available */
    VIRTQUEUE_BAD_SIZE,       /* no power of two, or above VIRTQUEUE_SIZE_MAX (2.7) */
    VIRTQUEUE_BAD_AREA,       /* a ring or table is misaligned or not wholly in the partition */
    VIRTQUEUE_BAD_INDEX,      /* the available index is further on than the queue is long */
    VIRTQUEUE_BAD_DESCRIPTOR, /* a descriptor's number is not below the queue's size */
    VIRTQUEUE_BAD_BUFFER,     /* a buffer is not wholly in the partition */
    VIRTQUEUE_BAD_FLAGS,      /* an indirect descriptor, or one of the wrong direction */
    VIRTQUEUE_LOOP,           /* a chain longer than the queue */
};

/** Set by the driver through registers; guest-physical addresses. */
struct virtqueue {
    uint64_t descriptors;
    uint64_t available;
    uint64_t used;
    uint32_t size; /* entries */
    bool ready;    /* checked and started; the fields above stay as they are until a reset */
    uint16_t available_index;
    uint16_t used_index;
};

/** A chain of descriptors, every part of which lies in the partition. */
struct virtqueue_buffer {
    uint16_t head;
    uint16_t span_count;
    uint64_t length; /* bytes in all spans */
    struct {
        uint64_t address;
        uint32_t length; /* bytes */
    } spans[VIRTQUEUE_SIZE_MAX];
};

/** What the driver may do with a buffer's memory decides what the device may. */
enum virtqueue_direction {
    VIRTQUEUE_FROM_DRIVER, /* device-readable */
    VIRTQUEUE_TO_DRIVER,   /* device-writable */
};

/**
 * Starts a queue as its fields say, both indices 0.
 * @param memory the persona's partition
 * @return VIRTQUEUE_OK; VIRTQUEUE_BAD_SIZE or VIRTQUEUE_BAD_AREA: it is not ready
 */
__attribute__((warn_unused_result)) enum virtqueue_error virtqueue_start(struct virtqueue *queue,
                                                                         const struct handover_range *memory);

/**
 * Takes the next available chain.
 * @param queue     ready
 * @param direction that every descriptor of the chain must have
 * @param buffer    written when VIRTQUEUE_OK is returned; to be given back with virtqueue_give()
 * @return VIRTQUEUE_OK, VIRTQUEUE_EMPTY, or how the driver broke the protocol: the queue must not be used on
 */
__attribute__((warn_unused_result)) enum virtqueue_error virtqueue_take(struct virtqueue *queue,
                                                                        const struct handover_range *memory,
                                                                        enum virtqueue_direction direction,
                                                                        struct virtqueue_buffer *buffer);

/** Reads a buffer's first bytes, each once. @param size bytes; more than buffer->length reads as 0 */
void virtqueue_read(const struct virtqueue_buffer *buffer, uint8_t *data, size_t size);

/** Writes to a buffer from its start. @return bytes written: size, or fewer if the buffer is shorter */
uint32_t virtqueue_write(const struct virtqueue_buffer *buffer, const uint8_t *data, size_t size);

/** Gives a buffer back to the driver (2.7.8). @param written bytes that the device wrote to it */
void virtqueue_give(struct virtqueue *queue, const struct virtqueue_buffer *buffer, uint32_t written);

/** @return whether the driver wants an interrupt for what was given back (2.7.7) */
bool virtqueue_wants_interrupt(const struct virtqueue *queue);

/** @return the error's text, one line without a full stop; never NULL */
const char *virtqueue_error_text(enum virtqueue_error error);

#endif
