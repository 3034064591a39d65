// SPDX-License-Identifier: BSD-3-Clause
// Which nodes of the firmware's tree a persona gets.
#include "devicetree_parts.h"

#include <libfdt.h>
#include <string.h>

enum devicetree_error devicetree_walk_error(enum tree_error error) {
    return error == TREE_TOO_DEEP || error == TREE_TOO_LONG ? DEVICETREE_TOO_DEEP : DEVICETREE_DAMAGED;
}

static bool contains(const struct tree_range *outer, const struct tree_range *inner) {
    return inner->base >= outer->base && inner->base - outer->base <= outer->size &&
           inner->size <= outer->size - (inner->base - outer->base);
}

static bool is_one_of(const char *name, const char *const *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, list[i]) == 0) {
            return true;
        }
    }
    return false;
}

static const char *parent_name(const struct tree_cursor *node) {
    return node->depth < 2 ? "" : fdt_get_name(node->tree, node->ancestors[node->depth - 1], NULL);
}

/** @return whether the node is compatible with one of these kinds */
static bool is_of_kind(const struct tree_cursor *node, const char *const *kinds, size_t count) {
    int size = 0;
    const char *compatible = fdt_getprop(node->tree, tree_node(node), "compatible", &size);

    for (size_t i = 0; compatible != NULL && i < count; i++) {
        if (fdt_stringlist_contains(compatible, size, kinds[i]) != 0) {
            return true;
        }
    }
    return false;
}

static bool is_psci(const struct tree_cursor *node) {
    static const char *const kinds[] = {"arm,psci-1.0", "arm,psci-0.2", "arm,psci"};

    return is_of_kind(node, kinds, sizeof(kinds) / sizeof(kinds[0]));
}

/** Interfaces to firmware, secure world and hypervisor that are answered by nobody under the switcher. */
static bool is_firmware_interface(const struct tree_cursor *node) {
    static const char *const kinds[] = {
        "arm,sdei-1.0", "linaro,optee-tz", "arm,scmi-smc",         "arm,scmi-smc-param", "arm,ffa",
        "xen,xen",      "linux,kvm",       "numa-distance-map-v1", "arm,idle-state",     "domain-idle-state",
    };

    return is_of_kind(node, kinds, sizeof(kinds) / sizeof(kinds[0]));
}

static bool is_written_anew(const struct tree_cursor *node, const char *path) {
    return tree_has_string(node, "device_type", "memory") || strcmp(path, "/chosen") == 0 || is_psci(node);
}

/** Children of the root that are about the firmware itself, or no longer true. */
static bool is_dropped_by_name(const struct tree_cursor *node) {
    static const char *const names[] = {"hypervisor", "__symbols__", "__fixups__", "__local_fixups__", "__overrides__",
                                        "binman",     "fit-images",  "signature",  "efi-runtime-data", "config"};

    return node->depth == 1 && is_one_of(tree_name(node), names, sizeof(names) / sizeof(names[0]));
}

static bool is_reserved_memory(const struct tree_cursor *node) {
    return node->depth == 2 && strcmp(parent_name(node), "reserved-memory") == 0;
}

/** Reserved memory is kept where it is the persona's own, or has no place yet (Devicetree Specification 3.5). */
static bool is_reserved_elsewhere(const struct devicetree_build *build, const struct tree_cursor *node) {
    struct tree_range ranges[BOARD_DEVICE_RANGES_MAX];
    size_t count = 0;

    if (!is_reserved_memory(node)) {
        return false;
    }
    if (tree_registers(node, ranges, BOARD_DEVICE_RANGES_MAX, &count) != TREE_OK) {
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        if (!contains(&build->request->partition, &ranges[i])) {
            return true;
        }
    }
    // Without a place of its own it is for the kernel to choose one; with one that can't be read, it is dropped.
    return count == 0 && fdt_getprop(node->tree, tree_node(node), "reg", NULL) != NULL;
}

static bool has_registers(const struct tree_cursor *node) {
    struct tree_range range;
    size_t count = 0;

    return tree_registers(node, &range, 1, &count) != TREE_OK || count > 0;
}

/** @return whether the board lets the persona see the node; one that it does not name is harmless without registers */
static bool is_visible(const struct devicetree_build *build, const struct tree_cursor *node, const char *path) {
    const struct board *board = build->request->board;
    const struct board_device *device = board_find_device(board, path);

    if (strcmp(path, board->gic.path) == 0 || devicetree_is_clock(build, path)) {
        return true;
    }
    if (device != NULL) {
        return board_device_visible(device, build->request->persona);
    }
    return !has_registers(node);
}

bool devicetree_keeps_node(const struct devicetree_build *build, const struct tree_cursor *node, const char *path) {
    if (node->depth == 0) {
        return true;
    }
    if (is_written_anew(node, path) || is_dropped_by_name(node) || is_firmware_interface(node) ||
        is_reserved_elsewhere(build, node)) {
        return false;
    }
    return is_reserved_memory(node) || is_visible(build, node, path);
}

bool devicetree_is_clock(const struct devicetree_build *build, const char *path) {
    return strcmp(path, build->request->board->clock.path) == 0;
}

bool devicetree_is_cpu(const struct tree_cursor *node) {
    return strcmp(parent_name(node), "cpus") == 0 && tree_has_string(node, "device_type", "cpu");
}

enum devicetree_error devicetree_find_removed(struct devicetree_build *build) {
    struct tree_cursor node;
    char path[TREE_PATH_MAX];
    int dropped = TREE_DEPTH_MAX; /* depth of the node left out that the walk is in; TREE_DEPTH_MAX: none */
    enum tree_error error;

    tree_start(&node, build->request->firmware);
    while ((error = tree_next(&node)) == TREE_OK) {
        if ((error = tree_path(&node, path)) != TREE_OK) {
            break;
        }
        if (node.depth <= dropped) {
            dropped = devicetree_keeps_node(build, &node, path) ? TREE_DEPTH_MAX : node.depth;
        }
        uint32_t phandle = fdt_get_phandle(node.tree, tree_node(&node));
        if (node.depth < dropped || phandle == 0) {
            continue;
        }
        if (build->removed_count == DEVICETREE_REMOVED_MAX) {
            return DEVICETREE_TOO_MANY;
        }
        build->removed[build->removed_count++] = phandle;
    }
    return error == TREE_END ? DEVICETREE_OK : devicetree_walk_error(error);
}

bool devicetree_keeps_path(const struct devicetree_build *build, const char *path, size_t length) {
    const void *firmware = build->request->firmware;
    int wanted = fdt_path_offset_namelen(firmware, path, (int)length);
    struct tree_cursor node;
    char own[TREE_PATH_MAX];
    bool kept = true;

    tree_start(&node, firmware);
    for (enum tree_error walk = tree_next(&node); wanted >= 0 && walk == TREE_OK;
         walk = kept ? tree_next(&node) : tree_skip(&node)) {
        kept = tree_path(&node, own) == TREE_OK && devicetree_keeps_node(build, &node, own);
        if (tree_node(&node) == wanted) {
            return kept;
        }
    }
    return false;
}
