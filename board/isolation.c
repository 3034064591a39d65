// SPDX-License-Identifier: BSD-3-Clause
// The check that ends parsing: no page, interrupt or memory is both a persona's and somebody else's.
#include "parse.h"

#include <string.h>

static uint64_t first_page(const struct tree_range *range) { return range->base / BOARD_PAGE_SIZE; }

static uint64_t last_page(const struct tree_range *range) {
    return (range->base + (range->size - 1)) / BOARD_PAGE_SIZE;
}

bool parse_pages_meet(const struct tree_range *a, const struct tree_range *b) {
    return a->size > 0 && b->size > 0 && first_page(a) <= last_page(b) && first_page(b) <= last_page(a);
}

/** @return whether some persona sees the one device, but not the other; NULL: a device that no persona sees */
static bool is_seen_without(const struct board_device *device, const struct board_device *other) {
    if (device->policy == BOARD_HIDDEN || (other != NULL && other->policy == BOARD_SHARED)) {
        return false;
    }
    return other == NULL || other->policy == BOARD_HIDDEN || device->policy == BOARD_SHARED ||
           strcmp(device->persona, other->persona) != 0;
}

/** Checks all devices against one range that belongs to other; NULL: to no persona. */
static enum board_error check_range(struct parse *parse, const struct tree_range *range,
                                    const struct board_device *other, enum board_error error) {
    const struct board *board = parse->board;

    for (uint32_t i = 0; i < board->device_count; i++) {
        const struct board_device *device = &board->devices[i];

        for (uint32_t j = 0; device != other && j < device->range_count; j++) {
            if (is_seen_without(device, other) && parse_pages_meet(&device->ranges[j], range)) {
                return parse_fail(parse, device->path, error);
            }
        }
    }
    return BOARD_OK;
}

/** Whether a range has a byte in the channel's page, which must be nobody's. */
static bool meets_channel(const struct board *board, const struct tree_range *range) {
    struct tree_range page = {board->channel.base, board->channel.base != 0 ? BOARD_PAGE_SIZE : 0};

    return parse_pages_meet(&page, range);
}

static enum board_error check_ranges(struct parse *parse, const struct tree_range *ranges, uint32_t count) {
    enum board_error error = BOARD_OK;

    for (uint32_t i = 0; i < count && error == BOARD_OK; i++) {
        error = check_range(parse, &ranges[i], NULL, BOARD_PAGE_SHARED);
    }
    return error;
}

/** What the switcher keeps, whatever the firmware's tree says about nodes at the same place. */
static enum board_error check_kept(struct parse *parse) {
    const struct board *board = parse->board;
    struct tree_range keys[] = {{board->power_key.base, board->power_key.base != 0 ? BOARD_PAGE_SIZE : 0},
                                {board->keyboard.base, board->keyboard.base != 0 ? 1 : 0},
                                {board->channel.base, board->channel.base != 0 ? 1 : 0},
                                {board->clock.base, board->clock.base != 0 ? 1 : 0}};
    enum board_error error;

    if ((error = check_ranges(parse, &board->gic.distributor, 1)) != BOARD_OK ||
        (error = check_ranges(parse, board->gic.redistributor_regions, board->gic.redistributor_region_count)) !=
            BOARD_OK ||
        (error = check_ranges(parse, board->gic.its, board->gic.its_count)) != BOARD_OK ||
        (error = check_ranges(parse, board->smmu, board->smmu_count)) != BOARD_OK ||
        (error = check_ranges(parse, &board->usim_state.range, 1)) != BOARD_OK) {
        return error;
    }
    return check_ranges(parse, keys, 4);
}

/** Checks one node of the firmware's tree, with the registers that can be read of it. */
static enum board_error check_node(struct parse *parse, const struct tree_cursor *node) {
    struct tree_range ranges[PARSE_NODE_REGISTERS_MAX];
    char path[TREE_PATH_MAX];
    size_t count = 0;
    bool is_memory = tree_has_string(node, "device_type", "memory");
    enum tree_error walk = tree_registers(node, ranges, PARSE_NODE_REGISTERS_MAX, &count);
    enum board_error error = BOARD_OK;

    if (tree_path(node, path) != TREE_OK || (is_memory && walk != TREE_OK)) {
        return parse_fail_at(parse, node, BOARD_BAD_FIRMWARE_TREE);
    }
    const struct board_device *device = board_find_device(parse->board, path);
    for (size_t i = 0; i < count && error == BOARD_OK; i++) {
        error = meets_channel(parse->board, &ranges[i])
                    ? parse_fail_at(parse, node, BOARD_PAGE_SHARED)
                    : check_range(parse, &ranges[i], is_memory ? NULL : device,
                                  is_memory ? BOARD_DEVICE_IN_MEMORY : BOARD_PAGE_SHARED);
    }
    return error;
}

static bool has_intid(const uint32_t *intids, size_t count, uint32_t intid) {
    for (size_t i = 0; i < count; i++) {
        if (intids[i] == intid) {
            return true;
        }
    }
    return false;
}

/**
 * What the switcher raises, the interrupts of flip button, channel and personas' clocks, must be raised by nothing else
 * on the board, whether a persona sees it or not.
 */
static enum board_error check_raised(struct parse *parse, const struct tree_cursor *node) {
    const struct board *board = parse->board;
    uint32_t intids[BOARD_DEVICE_INTIDS_MAX];
    size_t count = 0;

    // What can't be read is an error where it counts, of devices that personas see, and found before.
    if (tree_interrupts(node, &board->gic.controller, intids, BOARD_DEVICE_INTIDS_MAX, &count) == TREE_OK &&
        (has_intid(intids, count, board->flip_button_intid) ||
         (board->channel.base != 0 && has_intid(intids, count, board->channel.intid)) ||
         (board->clock.base != 0 && has_intid(intids, count, board->clock.persona_intid)))) {
        return parse_fail_at(parse, node, BOARD_INTID_SHARED);
    }
    return BOARD_OK;
}

static enum board_error check_tree(struct parse *parse) {
    struct tree_cursor node;
    enum tree_error walk;

    tree_start(&node, parse->firmware);
    while ((walk = tree_next(&node)) == TREE_OK) {
        enum board_error error = check_node(parse, &node);

        if (error == BOARD_OK) {
            error = check_raised(parse, &node);
        }
        if (error != BOARD_OK) {
            return error;
        }
    }
    return walk == TREE_END ? BOARD_OK : BOARD_BAD_FIRMWARE_TREE;
}

/** @return whether the interrupt is that of the power key, the keyboard or the clock */
static bool is_own(const struct board *board, uint32_t intid) {
    return (board->power_key.base != 0 && intid == board->power_key.intid) ||
           (board->keyboard.base != 0 && intid == board->keyboard.intid) ||
           (board->clock.base != 0 && intid == board->clock.intid);
}

/** The switcher's own interrupts, and that its keys are nobody else's. */
static enum board_error check_keys(struct parse *parse) {
    const struct board *board = parse->board;

    if (board->power_key.base != 0 && board->power_key.intid == board->keyboard.intid) {
        return parse_fail(parse, board->keyboard.path, BOARD_INTID_SHARED);
    }
    if (board->clock.base != 0 &&
        (board->clock.intid == board->power_key.intid || board->clock.intid == board->keyboard.intid)) {
        return parse_fail(parse, board->clock.path, BOARD_INTID_SHARED);
    }
    for (uint32_t i = 0; i < board->device_count; i++) {
        const struct board_device *device = &board->devices[i];

        if (device->policy == BOARD_HIDDEN) {
            continue;
        }
        if (strcmp(device->path, board->power_key.path) == 0 || strcmp(device->path, board->keyboard.path) == 0) {
            return parse_fail(parse, device->path, BOARD_KEY_NOT_HIDDEN);
        }
        for (uint32_t j = 0; j < device->intid_count; j++) {
            if (is_own(board, device->intids[j])) {
                return parse_fail(parse, device->path, BOARD_INTID_SHARED);
            }
        }
    }
    return BOARD_OK;
}

enum board_error parse_check_isolation(struct parse *parse) {
    enum board_error error;

    if ((error = check_keys(parse)) != BOARD_OK || (error = check_kept(parse)) != BOARD_OK) {
        return error;
    }
    return check_tree(parse);
}
