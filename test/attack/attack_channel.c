// SPDX-License-Identifier: BSD-3-Clause
/*
 * A hostile driver of the channel. Whatever breaks the protocol must be answered by DEVICE_NEEDS_RESET and nothing
 * else, and after a reset the channel must work as it should.
 */
#include "access.h"
#include "attack.h"
#include "channel.h"
#include "machine.h"
#include "random.h"

static void expect_works(const char *after) {
    if (!channel_works())
        attack_broken("the channel does not work after %s: status 0x%x", after, channel_status());
}

static void expect_reset(const char *what, uint64_t address) {
    attack_try();
    if ((channel_status() & CHANNEL_NEEDS_RESET) == 0)
        attack_broken("%s, 0x%lx, was taken: status 0x%x", what, address, channel_status());
}

/* --- rings --- */

static void attack_area(const char *what, const struct ring_place *place, uint32_t size) {
    for (unsigned queue = 0; queue < CHANNEL_QUEUES; queue++) {
        channel_begin();
        if (channel_queue(queue, place, size))
            attack_broken("%s: queue %u runs", what, queue);
        expect_reset(what, place->descriptors);
    }
}

static void attack_areas(const char *what, uint64_t address) {
    const struct ring_place own = ring_clear(&channel_rings[0]);
    struct ring_place place = own;
    place.descriptors = address & ~UINT64_C(15);
    attack_area(what, &place, RING_SIZE);
    place = own;
    place.available = address & ~UINT64_C(1);
    attack_area(what, &place, RING_SIZE);
    place = own;
    place.used = address & ~UINT64_C(3);
    attack_area(what, &place, RING_SIZE);
}

static void attack_rings(void) {
    static const uint32_t sizes[] = {0, 3, 5, 7, 9, 17, 32, 0x8000, 0xffff, 0x10000, 0x80000000, UINT32_MAX};
    for (unsigned i = 0; i < attack_target_count; i++) {
        attack_areas(attack_targets[i].name, attack_targets[i].first);
        attack_areas(attack_targets[i].name, attack_targets[i].last);
    }
    attack_areas("over its own edge", machine.memory_base + machine.memory_size - 16);
    attack_areas("before its own", machine.memory_base - 16);
    attack_areas("the highest", UINT64_MAX);
    const struct ring_place own = ring_clear(&channel_rings[0]);
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        attack_area("a size", &own, sizes[i]);
    expect_works("rings elsewhere");
}

/* --- buffers --- */

static void open_with(const struct channel_buffers *buffers) {
    channel_start(buffers);
    channel_open();
    channel_ask();
}

/* Each way that a buffer goes: to and from the driver, of control and of the port. */
static void attack_buffer(const char *what, uint64_t address, uint32_t length) {
    struct channel_buffers buffers = channel_own_buffers();
    buffers.control = address;
    buffers.control_length = length;
    open_with(&buffers);
    expect_reset(what, address);
    buffers = channel_own_buffers();
    buffers.message = address;
    buffers.message_length = length;
    open_with(&buffers);
    expect_reset(what, address);
    for (unsigned queue = CHANNEL_CONTROL_FROM_DRIVER; queue <= CHANNEL_FROM_DRIVER; queue += 2) {
        const struct ring_buffer buffer = {address, length, false};
        (void)channel_works();
        uint16_t head = channel_rings[queue].available.index % RING_SIZE;
        ring_chain(&channel_rings[queue].descriptors[head], &buffer, 1);
        ring_offer(&channel_rings[queue], head);
        channel_notify(queue);
        expect_reset(what, address);
    }
}

static void attack_buffers(void) {
    uint64_t own = channel_own_buffers().message, end = machine.memory_base + machine.memory_size;
    for (unsigned i = 0; i < attack_target_count; i++) {
        attack_buffer(attack_targets[i].name, attack_targets[i].first, 16);
        attack_buffer(attack_targets[i].name, attack_targets[i].last, 1);
        attack_buffer(attack_targets[i].name, attack_targets[i].first, UINT32_MAX);
    }
    attack_buffer("over its own edge", end - 1, 2);
    attack_buffer("before its own", machine.memory_base - 1, 2);
    attack_buffer("longer than its own", own, UINT32_MAX);
    attack_buffer("around", UINT64_MAX - 7, 16);
    expect_works("buffers elsewhere");
}

/* --- chains --- */

/* Offers a descriptor of the queue, which may lead anywhere, in a channel that has worked until now. */
static void attack_chain(const char *what, unsigned queue, const struct ring_descriptor *descriptors, unsigned count,
                         uint16_t head) {
    (void)channel_works();
    volatile struct ring *ring = &channel_rings[queue];
    for (unsigned i = 0; i < count; i++) {
        ring->descriptors[i].address = descriptors[i].address;
        ring->descriptors[i].length = descriptors[i].length;
        ring->descriptors[i].flags = descriptors[i].flags;
        ring->descriptors[i].next = descriptors[i].next;
    }
    ring_offer(ring, head);
    channel_notify(queue);
    expect_reset(what, head);
}

static void attack_chains(void) {
    uint64_t own = channel_own_buffers().control, foreign = attack_target_count > 0 ? attack_targets[0].first : 0;
    const struct {
        const char *name;
        struct ring_descriptor descriptors[3];
        uint16_t head;
    } chains[] = {
        {"a chain into itself", {{own, 4, RING_NEXT, 0}}, 0},
        {"a chain of two into itself", {{own, 4, RING_NEXT, 1}, {own, 4, RING_NEXT, 0}}, 0},
        {"an empty chain into itself", {{own, 0, RING_NEXT, 0}}, 0},
        {"a next that is none", {{own, 4, RING_NEXT, RING_SIZE}}, 0},
        {"a next far off", {{own, 4, RING_NEXT, 0xffff}}, 0},
        {"a head that is none", {{own, 4, 0, 0}}, RING_SIZE},
        {"a head far off", {{own, 4, 0, 0}}, 0xffff},
        {"a last buffer elsewhere", {{own, 4, RING_NEXT, 1}, {own, 4, RING_NEXT, 2}, {foreign, 4, 0, 0}}, 0},
        {"an indirect table", {{address_of(channel_rings[0].table), 32, RING_INDIRECT, 0}}, 0},
        {"an indirect table elsewhere", {{foreign, 32, RING_INDIRECT, 0}}, 0},
        {"an indirect table in a chain", {{own, 4, RING_NEXT, 1}, {foreign, 32, RING_INDIRECT, 0}}, 0},
        {"the wrong direction", {{own, 4, RING_WRITE, 0}}, 0},
    };
    for (unsigned i = 0; i < sizeof(chains) / sizeof(chains[0]); i++)
        for (unsigned queue = CHANNEL_CONTROL_FROM_DRIVER; queue <= CHANNEL_FROM_DRIVER; queue += 2)
            attack_chain(chains[i].name, queue, chains[i].descriptors, 3, chains[i].head);
    expect_works("chains");
}

static void attack_indices(void) {
    static const uint16_t jumps[] = {RING_SIZE + 1, 0x7fff, 0x8000, 0xffff};
    for (unsigned i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
        (void)channel_works();
        volatile struct ring *ring = &channel_rings[CHANNEL_FROM_DRIVER];
        ring->available.index = (uint16_t)(ring->available.index + jumps[i]);
        channel_notify(CHANNEL_FROM_DRIVER);
        expect_reset("an index that jumps", jumps[i]);
    }
    expect_works("indices");
}

/* --- registers and messages without sense --- */

static void attack_registers(uint64_t *state) {
    enum { WRITES = 20000 };
    (void)channel_works();
    for (const struct access *access = accesses_begin; access < accesses_end; access++) {
        (void)access_aborts(access->touch, machine.channel + CHANNEL_STATUS);
        (void)access_aborts(access->touch, machine.channel + CHANNEL_REGISTERS - access->bytes);
        attack_try();
    }
    for (unsigned i = 0; i < WRITES; i++) {
        uint64_t random = random_next(state), offset = random >> 8 & (i % 2 != 0 ? 0xbc : 0xffc);
        uint64_t value = random_next(state) >> (random & 63);
        if ((random >> 40) % 4 == 0)
            value = address_of(&channel_rings[random >> 42 & 3]);
        if ((random >> 40) % 64 == 1)
            write8(machine.channel + offset, (uint8_t)value);
        else
            write32(machine.channel + offset, (uint32_t)value);
        attack_try();
    }
    expect_works("writes to any register");
}

static void attack_messages(uint64_t *state) {
    enum { MESSAGES = 20000, LENGTH_MAX = 64 };
    (void)channel_works();
    for (unsigned i = 0; i < MESSAGES; i++) {
        uint8_t message[LENGTH_MAX];
        size_t length = random_next(state) % LENGTH_MAX;
        for (size_t at = 0; at < length; at++)
            message[at] = (uint8_t)(random_next(state) >> 8);
        if (length >= 2 && i % 8 != 0) {
            message[0] = 0;
            message[1] = (uint8_t)(length - 2);
        }
        if (length >= 4 && i % 2 != 0) {
            message[2] = (uint8_t)(0x80 | i % 5);
            message[3] = (uint8_t)(i % 7);
        }
        channel_send(i % 3 == 0 ? CHANNEL_CONTROL_FROM_DRIVER : CHANNEL_FROM_DRIVER, message, length);
        attack_try();
        if (channel_status() != CHANNEL_WORKS)
            (void)channel_works();
    }
    expect_works("messages without sense");
}

/* --- changes while the switcher looks --- */

static unsigned resets;
static uint64_t changes;

/* The descriptors that are hammered at carry every message and every answer. A busy host may run one CPU at a time. */
static void work_meanwhile(const struct hammering *hammering) {
    enum { ROUNDS = 1000, HAMMERED = 10000, SECONDS_MAX = 10 };
    uint64_t end = READ_SYSREG("cntvct_el0") + SECONDS_MAX * READ_SYSREG("cntfrq_el0");
    for (unsigned i = 0; i < ROUNDS || (hammering->count < HAMMERED && READ_SYSREG("cntvct_el0") < end); i++) {
        attack_try();
        if ((channel_status() & CHANNEL_NEEDS_RESET) != 0) {
            resets++;
            (void)channel_works();
        }
        ring_offer(&channel_rings[CHANNEL_TO_DRIVER], 0);
        channel_notify(CHANNEL_TO_DRIVER);
        ring_offer(&channel_rings[CHANNEL_FROM_DRIVER], 0);
        channel_notify(CHANNEL_FROM_DRIVER);
    }
}

static void hammer_at(const volatile void *where, uint64_t first, uint64_t second) {
    static struct hammering hammering;
    (void)channel_works();
    hammering.where = address_of(where);
    hammering.first = first;
    hammering.second = second;
    if (!hammer_start(&hammering)) {
        attack_broken("there is no second CPU to change things");
        return;
    }
    work_meanwhile(&hammering);
    hammer_stop(&hammering);
    changes += hammering.count;
    expect_works("changes while it looks");
}

static void attack_races(void) {
    volatile struct ring *from = &channel_rings[CHANNEL_FROM_DRIVER], *to = &channel_rings[CHANNEL_TO_DRIVER];
    const struct channel_buffers own = channel_own_buffers();
    for (unsigned i = 0; i < attack_target_count && i < 4; i++) {
        uint64_t foreign = attack_targets[i].first;
        hammer_at(&from->descriptors[0].address, own.control, foreign);
        hammer_at(&to->descriptors[0].address, own.message, foreign);
    }
    hammer_at(&from->descriptors[0].length, 4, 0x7fffffff);
    hammer_at(&to->descriptors[0].length, 4, 0x7fffffff);
    hammer_at(&from->descriptors[0].flags, 0, RING_NEXT | 1 << 16);
    hammer_at(&from->available, 0, 5 << 16);
    hammer_at((const volatile void *)(uintptr_t)(machine.channel + CHANNEL_STATUS), 0, CHANNEL_WORKS);
    hammer_at((const volatile void *)(uintptr_t)(machine.channel + CHANNEL_NOTIFY), CHANNEL_FROM_DRIVER,
              CHANNEL_TO_DRIVER);
}

static void attack(const struct attack_arguments *arguments) {
    uint64_t state = RANDOM_SEED;
    (void)arguments;
    resets = 0;
    changes = 0;
    if (machine.channel == 0 || !channel_works()) {
        attack_broken("there is no channel that works");
        return;
    }
    attack_rings();
    attack_buffers();
    attack_chains();
    attack_indices();
    attack_registers(&state);
    attack_messages(&state);
    attack_races();
    channel_close();
    attack_note("%u resets while %lu changes were made", resets, changes);
}

ATTACK(channel, "channel", attack, "(at all targets)");
