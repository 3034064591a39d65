// SPDX-License-Identifier: BSD-3-Clause
/*
 * The network, made to send and receive memory that is not the payload's: by where a ring lies, by a buffer, by an
 * indirect table. What was sent the driver finds in its record of the network, what was received in memory. A question
 * to the gateway and its answer with own memory in each form come first: they must arrive.
 */
#include <string.h>

#include "attack.h"
#include "machine.h"
#include "virtio_pci.h"

enum {
    RECEIVE,
    SEND,
    QUEUES,
    HEADER_SIZE = 12, /* virtio 1.2, 5.1.6, with VERSION_1 */
    FRAME_SIZE = 60,
    BUFFER_SIZE = 2048,
    WAIT_STEP = 50, /* microseconds */
    WAIT_STEPS = 400,
    WAIT_STEPS_ANSWER = 40000, /* for what must come */
};

/* What is put elsewhere, and of which queue. */
enum part { DESCRIPTORS, AVAILABLE, USED, BUFFER, TABLE, TABLE_BUFFER, PARTS };

static const struct {
    const char *name;
    uint32_t size, alignment;
} parts[PARTS] = {
    [DESCRIPTORS] = {"descriptor table", sizeof(struct ring_descriptor) * RING_SIZE, 16},
    [AVAILABLE] = {"available ring", 6 + 2 * RING_SIZE, 2},
    [USED] = {"used ring", 6 + 8 * RING_SIZE, 4},
    [BUFFER] = {"buffer", BUFFER_SIZE, 1},
    [TABLE] = {"indirect table", 2 * sizeof(struct ring_descriptor), 1},
    [TABLE_BUFFER] = {"buffer in an indirect table", BUFFER_SIZE, 1},
};

/* One exchange: a frame sent, a buffer for what comes. */
struct exchange {
    struct ring_place places[QUEUES];
    uint64_t buffers[QUEUES];
    uint32_t lengths[QUEUES];
    bool indirect[QUEUES]; /* by a descriptor that points at a table */
    uint64_t tables[QUEUES];
};

static struct virtio_pci net;
static volatile struct ring rings[QUEUES];
static uint8_t header[HEADER_SIZE], frame[FRAME_SIZE], received[BUFFER_SIZE];

/* Who has 10.0.2.2? (RFC 826) */
static void make_question(void) {
    static const uint8_t question[] = {8, 6, 0, 1, 8, 0, 6, 4, 0, 1}, own[] = {10, 0, 2, 15}, gateway[] = {10, 0, 2, 2};
    memset(frame, 0, sizeof(frame));
    memset(frame, 0xff, 6);
    for (unsigned i = 0; i < 6; i++)
        frame[6 + i] = frame[22 + i] = read8(net.specific + i);
    memcpy(frame + 12, question, sizeof(question));
    memcpy(frame + 28, own, sizeof(own));
    memcpy(frame + 38, gateway, sizeof(gateway));
}

static struct exchange exchange(void) {
    /* On a busy host the last exchange may only begin now: with what would be written here. */
    virtio_pci_reset(&net);
    struct exchange own = {.buffers = {address_of(received), address_of(frame)}, .lengths = {BUFFER_SIZE, FRAME_SIZE}};
    for (unsigned queue = 0; queue < QUEUES; queue++) {
        own.places[queue] = ring_clear(&rings[queue]);
        own.tables[queue] = address_of(rings[queue].table);
    }
    memset(received, 0, sizeof(received));
    return own;
}

static void fill_ring(const struct exchange *exchange, unsigned queue) {
    const struct ring_buffer data = {exchange->buffers[queue], exchange->lengths[queue], queue == RECEIVE};
    const struct ring_buffer sent[] = {{address_of(header), HEADER_SIZE, false}, data};
    volatile struct ring *ring = &rings[queue];
    bool indirect = exchange->indirect[queue];
    unsigned count = queue == SEND ? 2 : 1;
    ring_chain(indirect ? ring->table : ring->descriptors, queue == SEND ? sent : &data, count);
    if (indirect) {
        ring->descriptors[0].address = exchange->tables[queue];
        ring->descriptors[0].length = (uint32_t)(count * sizeof(struct ring_descriptor));
        ring->descriptors[0].flags = RING_INDIRECT;
    }
    ring->available.flags = 1; /* no interrupts */
}

/* @return whether the queue's one buffer came back */
static bool await(unsigned queue, unsigned steps) {
    for (unsigned i = 0; i < steps; i++) {
        if (rings[queue].used.index != 0)
            return true;
        if ((virtio_pci_status(&net) & VIRTIO_NEEDS_RESET) != 0)
            return false;
        machine_wait(WAIT_STEP);
    }
    return false;
}

static bool begin(const struct exchange *exchange) {
    if (!virtio_pci_begin(&net, VIRTIO_F_VERSION_1 | VIRTIO_F_ACCESS_PLATFORM | VIRTIO_F_INDIRECT_DESC))
        return false;
    for (uint16_t queue = 0; queue < QUEUES; queue++) {
        fill_ring(exchange, queue);
        virtio_pci_queue(&net, queue, &exchange->places[queue], false);
    }
    virtio_pci_go(&net);
    for (uint16_t queue = 0; queue < QUEUES; queue++) {
        ring_offer(&rings[queue], 0);
        virtio_pci_notify(&net, queue);
    }
    return true;
}

/* @return whether the gateway's answer is in the buffer */
static bool answered(const uint8_t *buffer) {
    return buffer[HEADER_SIZE + 12] == 8 && buffer[HEADER_SIZE + 13] == 6 && buffer[HEADER_SIZE + 21] == 2;
}

static bool exchange_works(void) {
    struct exchange own = exchange();
    return begin(&own) && await(SEND, WAIT_STEPS_ANSWER) && await(RECEIVE, WAIT_STEPS_ANSWER) && answered(received);
}

static struct exchange exchange_with(unsigned queue, enum part part, uint64_t address) {
    struct exchange with = exchange();
    with.indirect[queue] = part == TABLE || part == TABLE_BUFFER;
    switch (part) {
    case DESCRIPTORS:
        with.places[queue].descriptors = address;
        break;
    case AVAILABLE:
        with.places[queue].available = address;
        break;
    case USED:
        with.places[queue].used = address;
        break;
    case TABLE:
        with.tables[queue] = address;
        break;
    default:
        with.buffers[queue] = address;
        with.lengths[queue] = queue == SEND ? 1024 : BUFFER_SIZE;
        break;
    }
    return with;
}

static void attack_place(const struct attack_target *target, unsigned queue, enum part part, uint64_t address) {
    struct exchange with = exchange_with(queue, part, address);
    attack_try();
    if (begin(&with))
        (void)await(queue, WAIT_STEPS);
    if (!exchange_works())
        attack_broken("%s: the network does not work after its %s was at 0x%lx", target->name, parts[part].name,
                      address);
}

static void attack_target(const struct attack_target *target, unsigned queue) {
    for (unsigned part = 0; part < PARTS; part++) {
        uint64_t alignment = parts[part].alignment, size = parts[part].size;
        uint64_t last = target->last - target->first + 1 >= size ? target->last - size + 1 : target->first;
        attack_place(target, queue, part, (target->first + alignment - 1) / alignment * alignment);
        attack_place(target, queue, part, last / alignment * alignment);
    }
}

static bool works_indirectly(void) {
    struct exchange own = exchange();
    own.indirect[RECEIVE] = own.indirect[SEND] = true;
    return begin(&own) && await(SEND, WAIT_STEPS_ANSWER) && await(RECEIVE, WAIT_STEPS_ANSWER) && answered(received);
}

static void attack(const struct attack_arguments *arguments) {
    (void)arguments;
    if (!virtio_pci_open(&net, VIRTIO_NET)) {
        attack_broken("there is no network");
        return;
    }
    make_question();
    if (!exchange_works() || !works_indirectly())
        attack_broken("the control does not work: no answer with own memory");
    for (unsigned i = 0; i < attack_target_count; i++)
        for (unsigned queue = 0; queue < QUEUES; queue++)
            attack_target(&attack_targets[i], queue);
    virtio_pci_close(&net);
}

ATTACK(dma_net, "dma-net", attack, "(at all targets)");
