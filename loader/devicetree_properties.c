// SPDX-License-Identifier: BSD-3-Clause
// Which properties a persona gets of the nodes that it gets: none that is about something left out.
#include "devicetree_parts.h"

#include <libfdt.h>
#include <string.h>

enum { CELL = 4 }; /* bytes */

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text);
    size_t end_length = strlen(end);

    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static bool is_one_of(const char *name, const char *const *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, list[i]) == 0) {
            return true;
        }
    }
    return false;
}

static uint32_t cell(const void *value, size_t index) { return fdt32_ld((const fdt32_t *)value + index); }

/** @return how many cells follow a reference to the node with this phandle, as it says itself in a property */
static size_t specifier_cells(const void *tree, uint32_t phandle, const char *property) {
    int length = 0;
    int node = property == NULL ? -1 : fdt_node_offset_by_phandle(tree, phandle);
    const void *value = node < 0 ? NULL : fdt_getprop(tree, node, property, &length);

    return value == NULL || length != CELL ? 0 : cell(value, 0);
}

/** A property that is a list of phandles, each with as many cells behind it as its node says in `cells`. */
struct reference {
    const char *property; /* the whole name, or its end when it begins with '-' */
    const char *cells;    /* NULL: none */
};

static const struct reference references[] = {
    {"iommus", "#iommu-cells"},
    {"msi-parent", "#msi-cells"},
    {"interrupts-extended", "#interrupt-cells"},
    {"clocks", "#clock-cells"},
    {"assigned-clocks", "#clock-cells"},
    {"assigned-clock-parents", "#clock-cells"},
    {"resets", "#reset-cells"},
    {"power-domains", "#power-domain-cells"},
    {"dmas", "#dma-cells"},
    {"phys", "#phy-cells"},
    {"pwms", "#pwm-cells"},
    {"mboxes", "#mbox-cells"},
    {"hwlocks", "#hwlock-cells"},
    {"interconnects", "#interconnect-cells"},
    {"io-channels", "#io-channel-cells"},
    {"thermal-sensors", "#thermal-sensor-cells"},
    {"cooling-device", "#cooling-cells"},
    {"sound-dai", "#sound-dai-cells"},
    {"nvmem-cells", "#nvmem-cell-cells"},
    {"gpios", "#gpio-cells"},
    {"gpio", "#gpio-cells"},
    {"-gpios", "#gpio-cells"},
    {"-gpio", "#gpio-cells"},
    {"-supply", NULL},
    {"interrupt-parent", NULL},
    {"memory-region", NULL},
    {"cpu", NULL},
    {"cpu-idle-states", NULL},
    {"interrupt-affinity", NULL},
    {"next-level-cache", NULL},
    {"operating-points-v2", NULL},
    {"remote-endpoint", NULL},
    {"phy-handle", NULL},
    {"syscon", NULL},
};

static bool is_removed(const struct devicetree_build *build, uint32_t phandle) {
    for (size_t i = 0; i < build->removed_count; i++) {
        if (build->removed[i] == phandle) {
            return true;
        }
    }
    return false;
}

static bool refers_in_list(const struct devicetree_build *build, const void *value, size_t count, const char *cells) {
    for (size_t i = 0; i < count;) {
        uint32_t phandle = cell(value, i);

        if (is_removed(build, phandle)) {
            return true;
        }
        size_t arguments = specifier_cells(build->request->firmware, phandle, cells);
        if (arguments >= count - i) {
            return false;
        }
        i += 1 + arguments;
    }
    return false;
}

/** "iommu-map" and "msi-map": entries of four cells, the second a phandle (bindings/pci/pci-iommu.txt, pci-msi.txt). */
static bool refers_in_map(const struct devicetree_build *build, const void *value, size_t count) {
    for (size_t i = 0; i + 4 <= count; i += 4) {
        if (is_removed(build, cell(value, i + 1))) {
            return true;
        }
    }
    return false;
}

/** "interrupt-map" (Devicetree Specification 2.4.3). */
static bool refers_in_interrupt_map(const struct devicetree_build *build, const struct tree_cursor *node,
                                    const void *value, size_t count) {
    struct tree_controller controller = build->request->board->gic.controller;
    uint64_t address = 2;
    uint64_t interrupt = 1;

    if (tree_number(node, "#address-cells", &address) == TREE_BAD_PROPERTY ||
        tree_number(node, "#interrupt-cells", &interrupt) == TREE_BAD_PROPERTY || address > 4 || interrupt > 16) {
        return true;
    }
    for (size_t i = (size_t)(address + interrupt); i < count; i += (size_t)(address + interrupt)) {
        uint32_t phandle = cell(value, i);

        // One that can't be found leads nowhere, as one that was left out.
        if (is_removed(build, phandle) ||
            (phandle != controller.phandle && !tree_find_controller(node->tree, phandle, &controller))) {
            return true;
        }
        i += 1 + controller.unit_cells + controller.specifier_cells;
    }
    return false;
}

static bool refers_to_removed(const struct devicetree_build *build, const struct tree_cursor *node, const char *name,
                              const void *value, size_t size) {
    size_t count = size / CELL;

    if (strcmp(name, "iommu-map") == 0 || strcmp(name, "msi-map") == 0) {
        return refers_in_map(build, value, count);
    }
    if (strcmp(name, "interrupt-map") == 0) {
        return refers_in_interrupt_map(build, node, value, count);
    }
    // Without its own controller "interrupts" would be taken for the controller's of the bus above.
    if (strcmp(name, "interrupts") == 0) {
        return is_removed(build, tree_interrupt_parent(node));
    }
    if (strncmp(name, "pinctrl-", strlen("pinctrl-")) == 0 && strcmp(name, "pinctrl-names") != 0) {
        return refers_in_list(build, value, count, NULL);
    }
    for (size_t i = 0; i < sizeof(references) / sizeof(references[0]); i++) {
        const struct reference *reference = &references[i];

        if (reference->property[0] == '-' ? ends_with(name, reference->property)
                                          : strcmp(name, reference->property) == 0) {
            return refers_in_list(build, value, count, reference->cells);
        }
    }
    return false;
}

/** Properties that are not true in a persona, whatever the node. */
static bool is_untrue(const struct devicetree_build *build, const struct tree_cursor *node, const char *path,
                      const char *name) {
    // The numbering of memory nodes and message interrupts by the distributor's registers are gone.
    static const char *const of_cpu[] = {"numa-node-id", "cpu-release-addr", "enable-method"};
    static const char *const of_gic[] = {"mbi-ranges", "mbi-alias", "msi-controller"};
    // The real clock's, which is the switcher's; the persona's own is written anew.
    static const char *const of_clock[] = {"status", "interrupts", "interrupts-extended", "interrupt-parent"};

    // A board's device is given to the persona even where the firmware had it to itself.
    if (strcmp(name, "status") == 0 && board_find_device(build->request->board, path) != NULL) {
        return true;
    }
    if (strcmp(path, build->request->board->gic.path) == 0) {
        return is_one_of(name, of_gic, sizeof(of_gic) / sizeof(of_gic[0]));
    }
    if (devicetree_is_clock(build, path)) {
        return is_one_of(name, of_clock, sizeof(of_clock) / sizeof(of_clock[0]));
    }
    return devicetree_is_cpu(node) && is_one_of(name, of_cpu, sizeof(of_cpu) / sizeof(of_cpu[0]));
}

bool devicetree_keeps_property(const struct devicetree_build *build, const struct tree_cursor *node, const char *path,
                               const char *name, const void *value, size_t size) {
    if (strcmp(path, "/aliases") == 0) {
        return size > 1 && devicetree_keeps_path(build, value, size - 1);
    }
    return !is_untrue(build, node, path, name) && !refers_to_removed(build, node, name, value, size);
}
