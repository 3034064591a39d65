// SPDX-License-Identifier: BSD-3-Clause
/*
 * The disk, made to read and write memory that is not the payload's: by where its ring lies, by a buffer, by an
 * indirect table. What it read would be on the disk, and is looked for there; what it wrote the driver finds in memory.
 * Each form is tried with the payload's own memory first, where it must work.
 */
#include <string.h>

#include "attack.h"
#include "disk.h"
#include "machine.h"

enum { PAGE = 4096, PATTERN = 0x31, OTHER_PATTERN = 0x77, EDGE = DISK_SECTOR_SIZE / 2 };

/* What of a request is put elsewhere. */
enum part {
    DESCRIPTORS,
    AVAILABLE,
    USED,
    HEADER,
    READ_DATA,
    WRITTEN_DATA,
    STATUS,
    TABLE,
    TABLE_READ,
    TABLE_WRITTEN,
    PARTS
};

static const struct {
    const char *name;
    uint32_t size;      /* bytes that must fit there */
    uint32_t alignment; /* of the part, as the standard has it */
    bool write;         /* to the disk */
    bool indirect;
} parts[PARTS] = {
    [DESCRIPTORS] = {"descriptor table", sizeof(struct ring_descriptor) * RING_SIZE, 16, true, false},
    [AVAILABLE] = {"available ring", 6 + 2 * RING_SIZE, 2, true, false},
    [USED] = {"used ring", 6 + 8 * RING_SIZE, 4, false, false},
    [HEADER] = {"request header", 16, 1, true, false},
    [READ_DATA] = {"buffer to read", DISK_SECTOR_SIZE, 1, true, false},
    [WRITTEN_DATA] = {"buffer to write", DISK_SECTOR_SIZE, 1, false, false},
    [STATUS] = {"status byte", 1, 1, false, false},
    [TABLE] = {"indirect table", 3 * sizeof(struct ring_descriptor), 1, true, true},
    [TABLE_READ] = {"buffer to read in an indirect table", DISK_SECTOR_SIZE, 1, true, true},
    [TABLE_WRITTEN] = {"buffer to write in an indirect table", DISK_SECTOR_SIZE, 1, false, true},
};

static uint8_t own_page[PAGE] __attribute__((aligned(PAGE)));

static uint64_t *place_of(struct disk_request *request, enum part part) {
    switch (part) {
    case DESCRIPTORS:
        return &request->ring.descriptors;
    case AVAILABLE:
        return &request->ring.available;
    case USED:
        return &request->ring.used;
    case HEADER:
        return &request->header;
    case STATUS:
        return &request->status;
    case TABLE:
        return &request->table;
    default:
        return &request->data;
    }
}

static bool run_with(enum part part, uint64_t address, bool refused) {
    struct disk_request request = disk_request(parts[part].write);
    request.indirect = parts[part].indirect;
    request.refused = refused;
    *place_of(&request, part) = address;
    return disk_run(&request);
}

static void attack_place(const char *name, enum part part, uint64_t address, uint32_t from, uint32_t count) {
    attack_try();
    for (unsigned i = 0; i < DISK_SECTOR_SIZE; i++)
        disk_buffer[i] = 0xee;
    (void)run_with(part, address, true);
    if ((part == READ_DATA || part == TABLE_READ) && disk_leaked(PATTERN, from, count))
        attack_broken("%s: what lies at 0x%lx is on the disk (%s)", name, address, parts[part].name);
    if (!disk_write_pattern(PATTERN))
        attack_broken("%s: the disk does not work after its %s was at 0x%lx", name, parts[part].name, address);
}

static void attack_target(const struct attack_target *target) {
    for (unsigned part = 0; part < PARTS; part++) {
        uint64_t alignment = parts[part].alignment, size = parts[part].size;
        uint64_t last = target->last - target->first + 1 >= size ? target->last - size + 1 : target->first;
        uint64_t first = (target->first + alignment - 1) / alignment * alignment;
        attack_place(target->name, part, first, 0, DISK_SECTOR_SIZE);
        attack_place(target->name, part, last / alignment * alignment, 0, DISK_SECTOR_SIZE);
    }
}

/* Buffers that begin in the payload's own memory and end outside, or the other way round. */
static void attack_edges(void) {
    static uint8_t kept[2][EDGE];
    uint64_t begin = machine.memory_base, end = begin + machine.memory_size - EDGE;
    memcpy(kept[0], (const void *)(uintptr_t)begin, EDGE);
    memcpy(kept[1], (const void *)(uintptr_t)end, EDGE);
    for (unsigned part = 0; part < PARTS; part++) {
        if (parts[part].size != DISK_SECTOR_SIZE)
            continue;
        attack_place("own edge", part, begin - EDGE, 0, EDGE);
        attack_place("own edge", part, end, EDGE, EDGE);
    }
    memcpy((void *)(uintptr_t)begin, kept[0], EDGE);
    memcpy((void *)(uintptr_t)end, kept[1], EDGE);
}

/* With the payload's own page each form works, and is seen: else an attack that "holds" would say nothing. */
static bool works_with_own(enum part part) {
    struct disk_request request = disk_request(parts[part].write);
    for (unsigned i = 0; i < PAGE; i++)
        own_page[i] = (uint8_t)(OTHER_PATTERN + i);
    request.indirect = parts[part].indirect;
    /* The rest is the payload's own as disk_request() has it. */
    if (part == DESCRIPTORS || part == AVAILABLE || part == USED || part == HEADER || part == TABLE)
        return disk_run(&request);
    if (!run_with(part, address_of(own_page), part == STATUS))
        return part == STATUS && own_page[0] == 0;
    if (parts[part].write)
        return disk_leaked(PATTERN, 0, DISK_SECTOR_SIZE) && memcmp(disk_buffer, own_page, DISK_SECTOR_SIZE) == 0;
    return memcmp(own_page, disk_buffer, DISK_SECTOR_SIZE) == 0;
}

static void attack(const struct attack_arguments *arguments) {
    unsigned controls = 0;
    (void)arguments;
    if (!disk_open() || !disk_write_pattern(PATTERN)) {
        attack_broken("there is no disk that works");
        return;
    }
    for (unsigned part = 0; part < PARTS; part++, controls++)
        if (!works_with_own(part) || !disk_write_pattern(PATTERN))
            attack_broken("the control does not work: own %s", parts[part].name);
    for (unsigned i = 0; i < attack_target_count; i++)
        attack_target(&attack_targets[i]);
    attack_edges();
    virtio_pci_close(&disk);
    attack_note("%u transfers with own memory done", controls);
}

ATTACK(dma_disk, "dma-disk", attack, "(at all targets)");
