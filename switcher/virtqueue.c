// SPDX-License-Identifier: BSD-3-Clause
#include "virtqueue.h"

/* 2.7.5 */
enum {
    DESCRIPTOR_SIZE = 16,
    DESCRIPTOR_LENGTH = 8,
    DESCRIPTOR_FLAGS = 12,
    DESCRIPTOR_NEXT = 14,
    FLAG_NEXT = 1,
    FLAG_WRITE = 2,
    FLAG_INDIRECT = 4,
};

/* 2.7.6, 2.7.8; sizes with the event index, for which a driver makes room in any case. */
enum {
    RING_INDEX = 2,
    RING_ENTRIES = 4,
    RING_OVERHEAD = 6,
    AVAILABLE_ENTRY_SIZE = 2,
    USED_ENTRY_SIZE = 8,
    AVAILABLE_NO_INTERRUPT = 1,
};

static bool holds(const struct handover_range *memory, uint64_t address, uint64_t size) {
    uint64_t offset = address - memory->base;
    return offset < memory->size && size <= memory->size - offset;
}

static bool area_valid(const struct handover_range *memory, uint64_t address, uint64_t size, uint64_t alignment) {
    return address % alignment == 0 && holds(memory, address, size);
}

enum virtqueue_error virtqueue_start(struct virtqueue *queue, const struct handover_range *memory) {
    uint64_t size = queue->size;
    queue->ready = false;
    if (size == 0 || size > VIRTQUEUE_SIZE_MAX || (size & (size - 1)) != 0)
        return VIRTQUEUE_BAD_SIZE;
    if (!area_valid(memory, queue->descriptors, size * DESCRIPTOR_SIZE, 16) ||
        !area_valid(memory, queue->available, RING_OVERHEAD + size * AVAILABLE_ENTRY_SIZE, 2) ||
        !area_valid(memory, queue->used, RING_OVERHEAD + size * USED_ENTRY_SIZE, 4))
        return VIRTQUEUE_BAD_AREA;
    queue->available_index = 0;
    queue->used_index = 0;
    queue->ready = true;
    return VIRTQUEUE_OK;
}

struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags;
    uint16_t next;
};

static struct descriptor read_descriptor(const struct virtqueue *queue, uint16_t index) {
    uint64_t at = queue->descriptors + (uint64_t)index * DESCRIPTOR_SIZE;
    return (struct descriptor){
        .address = arch_read64(at),
        .length = arch_read32(at + DESCRIPTOR_LENGTH),
        .flags = arch_read16(at + DESCRIPTOR_FLAGS),
        .next = arch_read16(at + DESCRIPTOR_NEXT),
    };
}

/* Takes one descriptor of a chain, copied already, into the buffer. */
static enum virtqueue_error add_span(const struct descriptor *descriptor, const struct handover_range *memory,
                                     enum virtqueue_direction direction, struct virtqueue_buffer *buffer) {
    bool writable = (descriptor->flags & FLAG_WRITE) != 0;
    if ((descriptor->flags & FLAG_INDIRECT) != 0 || writable != (direction == VIRTQUEUE_TO_DRIVER))
        return VIRTQUEUE_BAD_FLAGS;
    if (!holds(memory, descriptor->address, descriptor->length))
        return VIRTQUEUE_BAD_BUFFER;
    buffer->spans[buffer->span_count].address = descriptor->address;
    buffer->spans[buffer->span_count].length = descriptor->length;
    buffer->span_count++;
    buffer->length += descriptor->length;
    return VIRTQUEUE_OK;
}

static enum virtqueue_error follow_chain(const struct virtqueue *queue, const struct handover_range *memory,
                                         enum virtqueue_direction direction, struct virtqueue_buffer *buffer) {
    struct descriptor descriptor = {.next = buffer->head, .flags = FLAG_NEXT};
    while ((descriptor.flags & FLAG_NEXT) != 0) {
        if (descriptor.next >= queue->size)
            return VIRTQUEUE_BAD_DESCRIPTOR;
        if (buffer->span_count == queue->size)
            return VIRTQUEUE_LOOP;
        descriptor = read_descriptor(queue, descriptor.next);
        enum virtqueue_error error = add_span(&descriptor, memory, direction, buffer);
        if (error != VIRTQUEUE_OK)
            return error;
    }
    return VIRTQUEUE_OK;
}

enum virtqueue_error virtqueue_take(struct virtqueue *queue, const struct handover_range *memory,
                                    enum virtqueue_direction direction, struct virtqueue_buffer *buffer) {
    uint16_t ahead = (uint16_t)(arch_read16(queue->available + RING_INDEX) - queue->available_index);
    if (ahead == 0)
        return VIRTQUEUE_EMPTY;
    if (ahead > queue->size)
        return VIRTQUEUE_BAD_INDEX;
    /* The entry is read after the index that says that it is there: 2.7.13. */
    arch_barrier();
    uint64_t entry = queue->available_index % queue->size;
    uint16_t head = arch_read16(queue->available + RING_ENTRIES + entry * AVAILABLE_ENTRY_SIZE);
    *buffer = (struct virtqueue_buffer){.head = head};
    queue->available_index++;
    return follow_chain(queue, memory, direction, buffer);
}

/* Byte by byte: messages are short, and a buffer may begin at any address. */
void virtqueue_read(const struct virtqueue_buffer *buffer, uint8_t *data, size_t size) {
    size_t done = 0;
    for (uint16_t span = 0; span < buffer->span_count; span++)
        for (uint32_t i = 0; i < buffer->spans[span].length && done < size; i++)
            data[done++] = arch_read8(buffer->spans[span].address + i);
    while (done < size)
        data[done++] = 0;
}

uint32_t virtqueue_write(const struct virtqueue_buffer *buffer, const uint8_t *data, size_t size) {
    uint32_t done = 0;
    for (uint16_t span = 0; span < buffer->span_count; span++)
        for (uint32_t i = 0; i < buffer->spans[span].length && done < size; i++)
            arch_write8(buffer->spans[span].address + i, data[done++]);
    return done;
}

void virtqueue_give(struct virtqueue *queue, const struct virtqueue_buffer *buffer, uint32_t written) {
    uint64_t entry = queue->used + RING_ENTRIES + queue->used_index % queue->size * USED_ENTRY_SIZE;
    arch_write32(entry, buffer->head);
    arch_write32(entry + 4, written);
    /* The driver takes the buffer as soon as the index says so: 2.7.14. */
    arch_barrier();
    queue->used_index++;
    /* Flags and index in one; the flags are 0, so that the driver notifies. */
    arch_write32(queue->used, (uint32_t)queue->used_index << 16);
}

bool virtqueue_wants_interrupt(const struct virtqueue *queue) {
    /* After the index, else neither side might see what the other wrote: 2.7.7.2. */
    arch_barrier();
    return (arch_read16(queue->available) & AVAILABLE_NO_INTERRUPT) == 0;
}

const char *virtqueue_error_text(enum virtqueue_error error) {
    static const char *const texts[] = {
        [VIRTQUEUE_OK] = "no error",
        [VIRTQUEUE_EMPTY] = "nothing is available",
        [VIRTQUEUE_BAD_SIZE] = "a queue of no possible size",
        [VIRTQUEUE_BAD_AREA] = "a queue that is misaligned or outside its memory",
        [VIRTQUEUE_BAD_INDEX] = "an index that jumps",
        [VIRTQUEUE_BAD_DESCRIPTOR] = "a descriptor that the queue does not have",
        [VIRTQUEUE_BAD_BUFFER] = "a buffer outside its memory",
        [VIRTQUEUE_BAD_FLAGS] = "a descriptor of a kind that was not agreed on",
        [VIRTQUEUE_LOOP] = "a chain of descriptors without end",
    };
    return (unsigned)error < sizeof texts / sizeof texts[0] ? texts[error] : "unknown error";
}
