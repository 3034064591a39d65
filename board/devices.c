// SPDX-License-Identifier: BSD-3-Clause
// Finding in the firmware's tree what the description names.
#include "parse.h"

#include <libfdt.h>
#include <string.h>

enum { ECAM_BUS_SIZE = 1 << 20 }; /* bytes; PCI Express Base 5.0, 7.2.2 */

/** @return whether the node describes memory, CPUs or settings: never a device, whatever the description says */
static bool is_no_device(const struct tree_cursor *node) {
    static const char *const names[] = {"cpus", "chosen", "aliases", "reserved-memory", "__symbols__"};

    if (node->depth == 0 || tree_has_string(node, "device_type", "memory")) {
        return true;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (node->depth == 1 && strcmp(tree_name(node), names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_registers(const struct tree_cursor *node) {
    struct tree_range ranges[PARSE_NODE_REGISTERS_MAX];
    size_t count = 0;

    // Registers that can't be read are registers all the same: such a node must not be taken for a harmless one.
    return tree_registers(node, ranges, PARSE_NODE_REGISTERS_MAX, &count) != TREE_OK || count > 0;
}

static bool is_within(const struct parse_group *group, const struct tree_cursor *node) {
    struct tree_range ranges[PARSE_NODE_REGISTERS_MAX];
    size_t count = 0;

    if (group->within_count == 0) {
        return true;
    }
    if (tree_registers(node, ranges, PARSE_NODE_REGISTERS_MAX, &count) != TREE_OK || count == 0) {
        return false;
    }
    for (uint32_t i = 0; i < group->within_count; i++) {
        const struct tree_range *within = &group->within[i];

        if (ranges[0].base >= within->base && ranges[0].base - within->base < within->size &&
            ranges[0].size <= within->size - (ranges[0].base - within->base)) {
            return true;
        }
    }
    return false;
}

static bool is_of_kind(const struct parse *parse, const struct parse_group *group, const struct tree_cursor *node) {
    int count = fdt_stringlist_count(parse->description, group->node, "compatible");

    for (int i = 0; i < count; i++) {
        const char *kind = fdt_stringlist_get(parse->description, group->node, "compatible", i, NULL);

        if (kind != NULL && tree_has_string(node, "compatible", kind)) {
            return is_within(group, node);
        }
    }
    return false;
}

static bool names(const struct parse *parse, const struct parse_group *group, const struct tree_cursor *node,
                  const char *path) {
    if (group->by_path) {
        return fdt_stringlist_search(parse->description, group->node, "nodes", path) >= 0;
    }
    return is_of_kind(parse, group, node);
}

static enum board_error resource_error(enum tree_error error) {
    return error == TREE_TOO_MANY ? BOARD_TOO_MANY_RESOURCES : BOARD_BAD_FIRMWARE_TREE;
}

/** A PCI host: its windows are a persona's too, and its buses must fit its ECAM. */
static enum board_error read_pci_host(struct board_device *device, const struct tree_cursor *node) {
    size_t count = 0;
    enum tree_error error = tree_pci_windows(node, device->ranges + device->range_count,
                                             BOARD_DEVICE_RANGES_MAX - device->range_count, &count);

    if (error != TREE_OK) {
        return resource_error(error);
    }
    if (device->quiet == BOARD_QUIET_PCI_ECAM) {
        int length = 0;
        const void *buses = fdt_getprop(node->tree, tree_node(node), "bus-range", &length);
        uint32_t first = buses == NULL || length != 8 ? 0 : fdt32_ld(buses);
        uint32_t last = buses == NULL || length != 8 ? 255 : fdt32_ld((const fdt32_t *)buses + 1);

        if (first > last || last > 255 || device->range_count == 0 ||
            device->ranges[0].size / ECAM_BUS_SIZE < last - first + 1) {
            return BOARD_BAD_FIRMWARE_TREE;
        }
        device->first_bus = (uint8_t)first;
        device->last_bus = (uint8_t)last;
    }
    device->range_count += (uint32_t)count;
    return BOARD_OK;
}

static enum board_error read_resources(const struct parse *parse, struct board_device *device,
                                       const struct tree_cursor *node) {
    bool is_pci = tree_has_string(node, "device_type", "pci");
    size_t count = 0;
    enum tree_error error = tree_registers(node, device->ranges, BOARD_DEVICE_RANGES_MAX, &count);

    if (error != TREE_OK) {
        return resource_error(error);
    }
    device->range_count = (uint32_t)count;
    error = tree_interrupts(node, &parse->board->gic.controller, device->intids, BOARD_DEVICE_INTIDS_MAX, &count);
    if (error != TREE_OK) {
        return resource_error(error);
    }
    device->intid_count = (uint32_t)count;
    if (!is_pci && device->quiet == BOARD_QUIET_PCI_ECAM) {
        return BOARD_BAD_PROPERTY;
    }
    return is_pci ? read_pci_host(device, node) : BOARD_OK;
}

/** bindings/pci/pci-iommu.txt: one entry that maps every requester to the stream of the same number. */
static bool maps_every_requester(const struct tree_cursor *node, uint32_t phandle) {
    enum { CELLS = 4, REQUESTERS = 0x10000 };
    int length = 0;
    const fdt32_t *map = fdt_getprop(node->tree, tree_node(node), "iommu-map", &length);

    return map != NULL && length == CELLS * (int)sizeof(*map) && fdt32_ld(map) == 0 && fdt32_ld(map + 1) == phandle &&
           fdt32_ld(map + 2) == 0 && fdt32_ld(map + 3) >= REQUESTERS;
}

/** bindings/iommu/arm,smmu-v3.yaml: one cell after each phandle. A stream that goes elsewhere goes past the SMMU. */
static bool is_master_of_smmu_only(const struct tree_cursor *node, uint32_t phandle) {
    enum { CELLS = 2 };
    int length = 0;
    const fdt32_t *iommus = fdt_getprop(node->tree, tree_node(node), "iommus", &length);
    int count = length / (int)sizeof(*iommus);

    if (iommus == NULL || count == 0 || length % (CELLS * (int)sizeof(*iommus)) != 0) {
        return false;
    }
    for (int i = 0; i < count; i += CELLS) {
        if (fdt32_ld(iommus + i) != phandle) {
            return false;
        }
    }
    return true;
}

static bool is_behind_smmu(const struct board *board, const struct tree_cursor *node) {
    uint32_t phandle = board->smmu_v3.phandle;

    return board->smmu_v3.base != 0 && (maps_every_requester(node, phandle) || is_master_of_smmu_only(node, phandle));
}

static enum board_error add_device(struct parse *parse, const struct parse_group *group, const struct tree_cursor *node,
                                   const char *path) {
    struct board *board = parse->board;

    if (board->device_count == BOARD_DEVICES_MAX) {
        return parse_fail(parse, path, BOARD_TOO_MANY_DEVICES);
    }
    struct board_device *device = &board->devices[board->device_count++];
    memcpy(device->path, path, strlen(path) + 1);
    memcpy(device->name, group->name, sizeof(device->name));
    memcpy(device->persona, group->persona, sizeof(device->persona));
    device->policy = group->policy;
    device->quiet = group->quiet;
    device->dma = group->dma;
    device->behind_smmu = is_behind_smmu(board, node);
    if (device->policy == BOARD_HIDDEN) {
        return BOARD_OK;
    }
    enum board_error error = read_resources(parse, device, node);
    return error == BOARD_OK ? BOARD_OK : parse_fail(parse, path, error);
}

/** Reads what the switcher's own devices need: one place, and one SPI. */
static bool read_own(const struct parse *parse, const struct tree_cursor *node, const char *kind, uint64_t *base,
                     uint32_t *intid) {
    enum { SPI_FIRST = 32 };
    struct tree_range range;
    size_t ranges = 0;
    size_t intids = 0;

    if (!tree_has_string(node, "compatible", kind) || tree_registers(node, &range, 1, &ranges) != TREE_OK ||
        ranges != 1 || range.base == 0 ||
        tree_interrupts(node, &parse->board->gic.controller, intid, 1, &intids) != TREE_OK || intids != 1 ||
        *intid < SPI_FIRST) {
        return false;
    }
    *base = range.base;
    return true;
}

static bool read_key(const struct parse *parse, const struct tree_cursor *node, const char *kind, uint64_t *base,
                     uint32_t *intid) {
    return tree_is_enabled(node) && read_own(parse, node, kind, base, intid);
}

/** Whole pages are what stage 2 can hide. The firmware may mark the node disabled: it has the clock while it runs. */
static bool read_clock(const struct parse *parse, const struct tree_cursor *node, struct board_clock *clock) {
    return read_own(parse, node, "arm,pl031", &clock->base, &clock->intid) && clock->base % BOARD_PAGE_SIZE == 0;
}

/** The firmware may mark it disabled: its own variables are in the same bank. */
static bool read_usim_state(const struct tree_cursor *node, struct board_usim_state *state) {
    struct tree_range banks[BOARD_DEVICE_RANGES_MAX];
    size_t count = 0;

    if (!tree_has_string(node, "compatible", "cfi-flash") ||
        tree_registers(node, banks, BOARD_DEVICE_RANGES_MAX, &count) != TREE_OK || state->bank >= count) {
        return false;
    }
    state->range = banks[state->bank];
    return state->range.size > 0 && (state->range.base | state->range.size) % BOARD_PAGE_SIZE == 0;
}

/** Looks whether the node is one of those that the switcher itself uses. */
static enum board_error look_for_own(struct parse *parse, const struct tree_cursor *node, const char *path) {
    struct board *board = parse->board;
    struct tree_range range;
    size_t count = 0;

    if (strcmp(path, parse->console) == 0) {
        if (!tree_has_string(node, "compatible", "arm,pl011") || !tree_is_enabled(node) ||
            tree_registers(node, &range, 1, &count) != TREE_OK || count != 1) {
            return parse_fail(parse, path, BOARD_BAD_PROPERTY);
        }
        board->console = range.base;
    }
    if (strcmp(path, board->power_key.path) == 0 &&
        !read_key(parse, node, "arm,pl061", &board->power_key.base, &board->power_key.intid)) {
        return parse_fail(parse, path, BOARD_NO_ATTENTION);
    }
    if (strcmp(path, board->keyboard.path) == 0 &&
        !read_key(parse, node, "virtio,mmio", &board->keyboard.base, &board->keyboard.intid)) {
        return parse_fail(parse, path, BOARD_NO_ATTENTION);
    }
    if (strcmp(path, board->clock.path) == 0 && !read_clock(parse, node, &board->clock)) {
        return parse_fail(parse, path, BOARD_NO_CLOCK);
    }
    if (strcmp(path, board->usim_state.path) == 0 && !read_usim_state(node, &board->usim_state)) {
        return parse_fail(parse, path, BOARD_NO_USIM_STATE);
    }
    return BOARD_OK;
}

/** @return whether the walk goes on beneath the node: what a persona does not see has nothing visible beneath */
static bool is_open(const struct board_device *device, const struct tree_cursor *node) {
    return device != NULL ? device->policy != BOARD_HIDDEN : !has_registers(node);
}

static enum board_error look_at(struct parse *parse, const struct tree_cursor *node, const char *path, bool *open) {
    const struct parse_group *found = NULL;
    enum board_error error;

    for (size_t i = 0; i < parse->group_count; i++) {
        if (names(parse, &parse->groups[i], node, path)) {
            if (found != NULL || strcmp(path, parse->board->clock.path) == 0) {
                return parse_fail(parse, path, BOARD_NAMED_TWICE);
            }
            found = &parse->groups[i];
        }
    }
    // A device that firmware has not enabled is not there, and with no group its registers keep it hidden.
    if (found == NULL || (found->policy != BOARD_HIDDEN && !found->even_if_disabled && !tree_is_enabled(node))) {
        *open = is_open(NULL, node);
        return BOARD_OK;
    }
    error = add_device(parse, found, node, path);
    if (error == BOARD_OK) {
        *open = is_open(&parse->board->devices[parse->board->device_count - 1], node);
    }
    return error;
}

static enum board_error look_at_all(struct parse *parse,
                                    enum board_error (*look)(struct parse *, const struct tree_cursor *, const char *,
                                                             bool *open)) {
    struct tree_cursor node;
    char path[TREE_PATH_MAX];
    bool open = true;
    enum tree_error walk;

    tree_start(&node, parse->firmware);
    for (walk = tree_next(&node); walk == TREE_OK; walk = open ? tree_next(&node) : tree_skip(&node)) {
        open = true;
        if (node.depth == 0) {
            continue;
        }
        if (tree_path(&node, path) != TREE_OK) {
            return parse_fail_at(parse, &node, BOARD_BAD_FIRMWARE_TREE);
        }
        enum board_error error = look(parse, &node, path, &open);
        if (error != BOARD_OK) {
            return error;
        }
    }
    return walk == TREE_END ? BOARD_OK : BOARD_BAD_FIRMWARE_TREE;
}

static enum board_error look_for_device(struct parse *parse, const struct tree_cursor *node, const char *path,
                                        bool *open) {
    if (is_no_device(node) || strcmp(path, parse->board->gic.path) == 0) {
        *open = false;
        return BOARD_OK;
    }
    return look_at(parse, node, path, open);
}

static enum board_error look_for_own_anywhere(struct parse *parse, const struct tree_cursor *node, const char *path,
                                              bool *open) {
    *open = true;
    return look_for_own(parse, node, path);
}

enum board_error parse_devices(struct parse *parse) {
    const struct board *board = parse->board;
    enum board_error error = look_at_all(parse, look_for_own_anywhere);

    if (error == BOARD_OK) {
        error = look_at_all(parse, look_for_device);
    }
    if (error != BOARD_OK) {
        return error;
    }
    if (board->power_key.path[0] != '\0' && board->power_key.base == 0) {
        return parse_fail(parse, board->power_key.path, BOARD_NO_ATTENTION);
    }
    if (board->keyboard.path[0] != '\0' && board->keyboard.base == 0) {
        return parse_fail(parse, board->keyboard.path, BOARD_NO_ATTENTION);
    }
    if (board->clock.path[0] != '\0' && board->clock.base == 0) {
        return parse_fail(parse, board->clock.path, BOARD_NO_CLOCK);
    }
    if (board->usim_state.path[0] != '\0' && board->usim_state.range.size == 0) {
        return parse_fail(parse, board->usim_state.path, BOARD_NO_USIM_STATE);
    }
    return BOARD_OK;
}
