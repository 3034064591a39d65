// SPDX-License-Identifier: BSD-3-Clause
/* Reads, writes, execution, cache maintenance and table walks where the persona has no business. */
#include <string.h>

#include "access.h"
#include "attack.h"
#include "machine.h"
#include "serial.h"

enum { PAGE = 4096 };

static void touch_all(const struct attack_target *target, uint64_t address, uint64_t room, const char *how) {
    for (const struct access *access = accesses_begin; access < accesses_end; access++) {
        if (access->bytes > room)
            continue;
        attack_try();
        bool aborted = access_aborts(access->touch, address);
        if (!aborted && access->kind == ACCESS_MUST_ABORT)
            attack_broken("%s: %s at 0x%lx%s", target->name, access->name, address, how);
    }
}

static void execute(const struct attack_target *target, uint64_t address) {
    attack_try();
    if (!access_aborts(access_execute, address & ~UINT64_C(3)))
        attack_broken("%s: execution at 0x%lx", target->name, address);
}

/* A table of the stage 1 there: the walk reads it, and its entries would lead anywhere. */
static void walk(const struct attack_target *target, uint64_t address) {
    uint64_t through = machine_walk_through(address);
    attack_try();
    if (!access_aborts(accesses_begin->touch, through) || (exception.syndrome & 0x3f) == 0x05)
        attack_broken("%s: a table walk read 0x%lx", target->name, address);
}

static void touch_place(const struct attack_target *target, uint64_t address) {
    static const char *const names[] = {
        [VIEW_DEVICE] = " as a device", [VIEW_NORMAL] = " by another name", [VIEW_UNCACHED] = " uncached"};
    uint64_t room = target->last - address + 1;
    touch_all(target, address, room, "");
    for (enum machine_view view = VIEW_DEVICE; view <= VIEW_UNCACHED; view++)
        touch_all(target, machine_view(address, view), room, names[view]);
    execute(target, address);
    walk(target, address);
}

static void attack_target(const struct attack_target *target) {
    uint64_t size = target->last - target->first + 1;
    touch_place(target, target->first);
    if (size > PAGE)
        touch_place(target, target->last - PAGE + 1);
    uint64_t middle = (target->first + size / 2) & ~UINT64_C(0xfff);
    if (middle > target->first)
        touch_place(target, middle);
    for (uint64_t back = 1; back <= 64 && back <= size; back *= 2)
        touch_all(target, target->last - back + 1, back, "");
    /* Unaligned, within the place and across a page of it. */
    if (size > 80)
        touch_all(target, target->first + 3, size - 3, " unaligned");
    if (size > 2 * PAGE)
        touch_all(target, target->first + PAGE - 5, size - PAGE, " across pages");
}

static void attack_memory(const struct attack_arguments *arguments) {
    (void)arguments;
    for (unsigned i = 0; i < attack_target_count; i++)
        attack_target(&attack_targets[i]);
}

ATTACK(memory, "memory", attack_memory, "(of all targets)");

/* From the persona's own last and first bytes over its edge. */
static void attack_edges(const struct attack_arguments *arguments) {
    struct attack_target edges = {.name = "own edge"};
    (void)arguments;
    for (const struct access *access = accesses_begin; access < accesses_end; access++) {
        for (uint64_t inside = 1; inside < access->bytes; inside++) {
            uint64_t end = machine.memory_base + machine.memory_size;
            if (access->kind != ACCESS_MUST_ABORT || strcmp(access->name, "dc zva") == 0)
                continue;
            attack_try();
            if (!access_aborts(access->touch, end - inside))
                attack_broken("%s: %s at 0x%lx", edges.name, access->name, end - inside);
            attack_try();
            if (!access_aborts(access->touch, machine.memory_base - inside))
                attack_broken("%s: %s at 0x%lx", edges.name, access->name, machine.memory_base - inside);
        }
    }
}

ATTACK(edges, "edges", attack_edges, "(of the own partition)");

/*
 * What can be read at all: prints the ranges, for the driver to compare. Arguments: first address, one after the last,
 * step. The first and last byte of each step are read, and so is the byte before each change.
 */
static bool readable(uint64_t address) { return !access_aborts(accesses_begin->touch, address); }

static void attack_probe(const struct attack_arguments *arguments) {
    uint64_t start = 0;
    bool inside = false;
    if (arguments->count != 3 || arguments->values[2] == 0)
        return;
    for (uint64_t at = arguments->values[0]; at < arguments->values[1]; at += arguments->values[2]) {
        attack_try();
        bool now = readable(at), at_end = readable(at + arguments->values[2] - 1);
        if (now && !inside)
            start = at;
        if (!now && inside)
            serial_print("READABLE 0x%lx-0x%lx\n", start, at - 1);
        if (now != at_end)
            serial_print("READABLE 0x%lx-0x%lx\n", now ? at : at + arguments->values[2] - 1,
                         now ? at : at + arguments->values[2] - 1);
        inside = now && at_end;
        if (at_end && !now) {
            inside = true;
            start = at + arguments->values[2] - 1;
        }
    }
    if (inside)
        serial_print("READABLE 0x%lx-0x%lx\n", start, arguments->values[1] - 1);
}

ATTACK(probe, "probe", attack_probe, "FIRST END STEP");
