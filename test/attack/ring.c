// SPDX-License-Identifier: BSD-3-Clause
#include "ring.h"

#include "machine.h"

struct ring_place ring_clear(volatile struct ring *ring) {
    volatile uint64_t *words = (volatile uint64_t *)ring;
    for (unsigned i = 0; i < sizeof(*ring) / sizeof(*words); i++)
        words[i] = 0;
    return (struct ring_place){.descriptors = address_of(&ring->descriptors),
                               .available = address_of(&ring->available),
                               .used = address_of(&ring->used)};
}

void ring_chain(volatile struct ring_descriptor *table, const struct ring_buffer *buffers, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        table[i].address = buffers[i].address;
        table[i].length = buffers[i].length;
        table[i].flags = (uint16_t)((buffers[i].written ? RING_WRITE : 0) | (i + 1 < count ? RING_NEXT : 0));
        table[i].next = (uint16_t)(i + 1);
    }
}

void ring_offer(volatile struct ring *ring, uint16_t head) {
    ring->available.entries[ring->available.index % RING_SIZE] = head;
    /* The device reads the entry once the index says that it is there. */
    barrier();
    ring->available.index = (uint16_t)(ring->available.index + 1);
    barrier();
}
