// SPDX-License-Identifier: BSD-3-Clause
#include "guest_ring.h"

#include <string.h>

union guest_memory guest;
const struct handover_range guest_partition = {GUEST_BASE, sizeof guest};

void guest_reset(void) {
    memset(&guest, 0, sizeof guest);
    fake_map_memory(GUEST_BASE, sizeof guest, &guest);
}

uint64_t guest_address(const void *place) { return GUEST_BASE + (uint64_t)((const uint8_t *)place - guest.bytes); }

void guest_describe(unsigned queue, struct virtqueue *virtqueue) {
    *virtqueue = (struct virtqueue){
        .descriptors = guest_address(guest.queues[queue].descriptors),
        .available = guest_address(&guest.queues[queue].available),
        .used = guest_address(&guest.queues[queue].used),
        .size = GUEST_DESCRIPTORS,
    };
}

void guest_offer(unsigned queue, uint16_t head, uint32_t length, uint16_t flags) {
    struct guest_queue *ring = &guest.queues[queue];
    if (head < GUEST_DESCRIPTORS)
        ring->descriptors[head] =
            (struct guest_descriptor){guest_address(guest.buffers[queue][head]), length, flags, 0};
    ring->available.ring[ring->available.index % GUEST_DESCRIPTORS] = head;
    ring->available.index++;
}

void guest_send(unsigned queue, uint16_t head, const void *data, uint32_t size) {
    memcpy(guest.buffers[queue][head], data, size < GUEST_BUFFER_SIZE ? size : GUEST_BUFFER_SIZE);
    guest_offer(queue, head, size, 0);
}
