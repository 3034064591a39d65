// SPDX-License-Identifier: BSD-3-Clause
#include "board/tree.h"

#include <libfdt.h>
#include <string.h>

enum {
    SPI_FIRST = 32,
    SPI_LAST = 1019,
    PPI_FIRST = 16,
    PPI_LAST = 31,
    CELL = 4, /* bytes */
};

/** The cells of a property. */
struct cells {
    const uint8_t *bytes;
    size_t count;
};

const char *tree_error_text(enum tree_error error) {
    switch (error) {
    case TREE_OK:
        return "no error";
    case TREE_END:
        return "no further node";
    case TREE_DAMAGED:
        return "the device tree is damaged";
    case TREE_TOO_DEEP:
        return "the device tree has too many levels";
    case TREE_BAD_PROPERTY:
        return "a property of the device tree makes no sense";
    case TREE_TOO_MANY:
        return "more entries than there is room for";
    case TREE_TOO_LONG:
        return "a path of the device tree is too long";
    }
    return "unknown error";
}

enum tree_error tree_check(const void *tree, size_t size) {
    enum { VERSION_WITH_STRUCT_SIZE = 17 };

    return fdt_check_full(tree, size) == 0 && fdt_version(tree) >= VERSION_WITH_STRUCT_SIZE ? TREE_OK : TREE_DAMAGED;
}

void tree_start(struct tree_cursor *cursor, const void *tree) {
    *cursor = (struct tree_cursor){.tree = tree, .depth = -1};
}

int tree_node(const struct tree_cursor *cursor) { return cursor->ancestors[cursor->depth]; }

enum tree_error tree_next(struct tree_cursor *cursor) {
    int depth = cursor->depth;
    int node = fdt_next_node(cursor->tree, depth < 0 ? -1 : tree_node(cursor), &depth);

    if (node == -FDT_ERR_NOTFOUND || (node >= 0 && depth < 0)) {
        return TREE_END;
    }
    if (node < 0) {
        return TREE_DAMAGED;
    }
    if (depth >= TREE_DEPTH_MAX) {
        return TREE_TOO_DEEP;
    }
    cursor->depth = depth;
    cursor->ancestors[depth] = node;
    return TREE_OK;
}

enum tree_error tree_skip(struct tree_cursor *cursor) {
    int depth = cursor->depth;
    enum tree_error error;

    do {
        error = tree_next(cursor);
    } while (error == TREE_OK && cursor->depth > depth);
    return error;
}

const char *tree_name(const struct tree_cursor *cursor) {
    const char *name = fdt_get_name(cursor->tree, tree_node(cursor), NULL);

    return name == NULL ? "" : name;
}

enum tree_error tree_path(const struct tree_cursor *cursor, char *path) {
    size_t used = 0;

    memcpy(path, "/", 2);
    for (int level = 1; level <= cursor->depth; level++) {
        int length = 0;
        const char *name = fdt_get_name(cursor->tree, cursor->ancestors[level], &length);

        if (name == NULL || used + (size_t)length + 2 > TREE_PATH_MAX) {
            return TREE_TOO_LONG;
        }
        path[used++] = '/';
        memcpy(path + used, name, (size_t)length + 1);
        used += (size_t)length;
    }
    return TREE_OK;
}

bool tree_has_string(const struct tree_cursor *cursor, const char *property, const char *string) {
    return fdt_stringlist_search(cursor->tree, tree_node(cursor), property, string) >= 0;
}

bool tree_is_enabled(const struct tree_cursor *cursor) {
    return fdt_getprop(cursor->tree, tree_node(cursor), "status", NULL) == NULL ||
           tree_has_string(cursor, "status", "okay") || tree_has_string(cursor, "status", "ok");
}

/** @return false when the node does not have the property; a length that is no multiple of a cell loses its rest */
static bool find_cells(const void *tree, int node, const char *property, struct cells *cells) {
    int length = 0;
    const void *value = fdt_getprop(tree, node, property, &length);

    *cells = (struct cells){.bytes = value, .count = value == NULL ? 0 : (size_t)length / CELL};
    return value != NULL;
}

static uint32_t cell(const struct cells *cells, size_t index) {
    return fdt32_ld((const fdt32_t *)(const void *)(cells->bytes + index * CELL));
}

/** Reads a number of 0, 1 or 2 cells. */
static uint64_t number(const struct cells *cells, size_t index, uint32_t width) {
    uint64_t value = 0;

    for (uint32_t i = 0; i < width; i++) {
        value = value << 32 | cell(cells, index + i);
    }
    return value;
}

/** @return the first cell of a property, or what counts when there is none */
static uint32_t cell_or(const void *tree, int node, const char *property, uint32_t otherwise) {
    struct cells cells;

    return find_cells(tree, node, property, &cells) && cells.count > 0 ? cell(&cells, 0) : otherwise;
}

/** Devicetree Specification 2.3.5: how a bus writes its children's addresses, and what counts when it does not say. */
static uint32_t address_cells(const void *tree, int bus) { return cell_or(tree, bus, "#address-cells", 2); }

static uint32_t size_cells(const void *tree, int bus) { return cell_or(tree, bus, "#size-cells", 1); }

enum tree_error tree_number(const struct tree_cursor *cursor, const char *property, uint64_t *value) {
    int length = 0;
    struct cells cells;

    if (fdt_getprop(cursor->tree, tree_node(cursor), property, &length) == NULL) {
        return TREE_END;
    }
    if (length != CELL && length != 2 * CELL) {
        return TREE_BAD_PROPERTY;
    }
    (void)find_cells(cursor->tree, tree_node(cursor), property, &cells);
    *value = number(&cells, 0, (uint32_t)cells.count);
    return TREE_OK;
}

static bool is_sound(const struct tree_range *range) { return range->size <= UINT64_MAX - range->base; }

/** Takes a range one bus up. @return false when the bus does not let it through */
static bool translate_once(const struct tree_cursor *cursor, int level, struct tree_range *range) {
    int bus = cursor->ancestors[level];
    uint32_t child_cells = address_cells(cursor->tree, bus);
    uint32_t parent_cells = address_cells(cursor->tree, cursor->ancestors[level - 1]);
    uint32_t length_cells = size_cells(cursor->tree, bus);
    struct cells ranges;

    if (!find_cells(cursor->tree, bus, "ranges", &ranges)) {
        return false;
    }
    if (ranges.count == 0) {
        return true;
    }
    if (child_cells < 1 || child_cells > 2 || parent_cells < 1 || parent_cells > 2 || length_cells < 1 ||
        length_cells > 2) {
        return false;
    }
    size_t entry = child_cells + parent_cells + length_cells;
    for (size_t i = 0; i + entry <= ranges.count; i += entry) {
        uint64_t child = number(&ranges, i, child_cells);
        uint64_t parent = number(&ranges, i + child_cells, parent_cells);
        uint64_t size = number(&ranges, i + child_cells + parent_cells, length_cells);

        if (range->base >= child && range->base - child < size && range->size <= size - (range->base - child)) {
            range->base = parent + (range->base - child);
            return is_sound(range);
        }
    }
    return false;
}

/** Takes a range from the addresses of the bus at a level (its own children's) to the CPU's. */
static bool translate(const struct tree_cursor *cursor, int level, struct tree_range *range) {
    for (; level > 0; level--) {
        if (!translate_once(cursor, level, range)) {
            return false;
        }
    }
    return true;
}

/** @return whether what the bus at a level gives its children are addresses that the CPU could reach */
static bool is_addressable(const struct tree_cursor *cursor, int level) {
    for (; level > 0; level--) {
        if (fdt_getprop(cursor->tree, cursor->ancestors[level], "ranges", NULL) == NULL) {
            return false;
        }
    }
    return level == 0;
}

static enum tree_error add_range(const struct tree_range *range, struct tree_range *ranges, size_t max, size_t *count) {
    if (range->size == 0) {
        return TREE_OK;
    }
    if (!is_sound(range)) {
        return TREE_BAD_PROPERTY;
    }
    if (*count == max) {
        return TREE_TOO_MANY;
    }
    ranges[(*count)++] = *range;
    return TREE_OK;
}

enum tree_error tree_registers(const struct tree_cursor *cursor, struct tree_range *ranges, size_t max, size_t *count) {
    struct cells reg;

    *count = 0;
    if (!is_addressable(cursor, cursor->depth - 1) || !find_cells(cursor->tree, tree_node(cursor), "reg", &reg)) {
        return TREE_OK;
    }
    int bus = cursor->ancestors[cursor->depth - 1];
    uint32_t base_cells = address_cells(cursor->tree, bus);
    uint32_t length_cells = size_cells(cursor->tree, bus);
    // Other widths are other kinds of address: PCI functions, chip selects, CPUs.
    if (base_cells < 1 || base_cells > 2 || length_cells < 1 || length_cells > 2) {
        return TREE_OK;
    }
    size_t entry = base_cells + length_cells;
    if (reg.count % entry != 0) {
        return TREE_BAD_PROPERTY;
    }
    for (size_t i = 0; i < reg.count; i += entry) {
        struct tree_range range = {number(&reg, i, base_cells), number(&reg, i + base_cells, length_cells)};

        if (translate(cursor, cursor->depth - 1, &range)) {
            enum tree_error error = add_range(&range, ranges, max, count);
            if (error != TREE_OK) {
                return error;
            }
        }
    }
    return TREE_OK;
}

enum tree_error tree_pci_windows(const struct tree_cursor *cursor, struct tree_range *ranges, size_t max,
                                 size_t *count) {
    enum { PCI_ADDRESS_CELLS = 3 };
    struct cells windows;

    *count = 0;
    if (cursor->depth < 1 || !find_cells(cursor->tree, tree_node(cursor), "ranges", &windows)) {
        return TREE_OK;
    }
    uint32_t base_cells = address_cells(cursor->tree, cursor->ancestors[cursor->depth - 1]);
    uint32_t length_cells = size_cells(cursor->tree, tree_node(cursor));
    if (address_cells(cursor->tree, tree_node(cursor)) != PCI_ADDRESS_CELLS || base_cells < 1 || base_cells > 2 ||
        length_cells < 1 || length_cells > 2 || windows.count % (PCI_ADDRESS_CELLS + base_cells + length_cells) != 0) {
        return TREE_BAD_PROPERTY;
    }
    for (size_t i = 0; i < windows.count; i += PCI_ADDRESS_CELLS + base_cells + length_cells) {
        struct tree_range range = {number(&windows, i + PCI_ADDRESS_CELLS, base_cells),
                                   number(&windows, i + PCI_ADDRESS_CELLS + base_cells, length_cells)};

        if (translate(cursor, cursor->depth - 1, &range)) {
            enum tree_error error = add_range(&range, ranges, max, count);
            if (error != TREE_OK) {
                return error;
            }
        }
    }
    return TREE_OK;
}

/** Where INTIDs are gathered. */
struct intids {
    const struct tree_controller *gic;
    uint32_t *intids;
    size_t max;
    size_t *count;
};

static enum tree_error add_intid(const struct intids *gathered, uint32_t intid) {
    for (size_t i = 0; i < *gathered->count; i++) {
        if (gathered->intids[i] == intid) {
            return TREE_OK;
        }
    }
    if (*gathered->count == gathered->max) {
        return TREE_TOO_MANY;
    }
    gathered->intids[(*gathered->count)++] = intid;
    return TREE_OK;
}

/** The GICv3 binding's specifier: kind, number, flags, and sometimes an affinity. */
static enum tree_error add_specifier(const struct intids *gathered, const struct cells *cells, size_t index) {
    enum { KIND_SPI = 0, KIND_PPI = 1 };

    if (gathered->gic->specifier_cells != 3 && gathered->gic->specifier_cells != 4) {
        return TREE_BAD_PROPERTY;
    }
    uint32_t kind = cell(cells, index);
    uint32_t line = cell(cells, index + 1);
    if (kind == KIND_SPI && line <= SPI_LAST - SPI_FIRST) {
        return add_intid(gathered, SPI_FIRST + line);
    }
    if (kind == KIND_PPI && line <= PPI_LAST - PPI_FIRST) {
        return add_intid(gathered, PPI_FIRST + line);
    }
    return TREE_BAD_PROPERTY;
}

bool tree_find_controller(const void *tree, uint32_t phandle, struct tree_controller *controller) {
    int node = fdt_node_offset_by_phandle(tree, phandle);

    if (node < 0) {
        return false;
    }
    // Devicetree Specification 2.4.3: without it, the unit address in an interrupt map has no cells.
    *controller = (struct tree_controller){phandle, cell_or(tree, node, "#interrupt-cells", 0),
                                           cell_or(tree, node, "#address-cells", 0)};
    return controller->specifier_cells >= 1 && controller->specifier_cells <= 16 && controller->unit_cells <= 4;
}

/** Finds a controller that is most often the GIC. */
static bool find_controller(const struct tree_cursor *cursor, const struct intids *gathered, uint32_t phandle,
                            struct tree_controller *controller) {
    if (phandle == gathered->gic->phandle) {
        *controller = *gathered->gic;
        return true;
    }
    return tree_find_controller(cursor->tree, phandle, controller);
}

uint32_t tree_interrupt_parent(const struct tree_cursor *cursor) {
    for (int level = cursor->depth; level >= 0; level--) {
        uint32_t phandle = cell_or(cursor->tree, cursor->ancestors[level], "interrupt-parent", 0);

        if (phandle != 0) {
            return phandle;
        }
        if (level > 0 && cell_or(cursor->tree, cursor->ancestors[level - 1], "#interrupt-cells", 0) != 0) {
            return fdt_get_phandle(cursor->tree, cursor->ancestors[level - 1]);
        }
    }
    return 0;
}

static enum tree_error add_interrupts(const struct tree_cursor *cursor, const struct intids *gathered) {
    uint32_t width = gathered->gic->specifier_cells;
    struct cells cells;

    if (!find_cells(cursor->tree, tree_node(cursor), "interrupts", &cells) ||
        tree_interrupt_parent(cursor) != gathered->gic->phandle) {
        return TREE_OK;
    }
    if (width == 0 || cells.count % width != 0) {
        return TREE_BAD_PROPERTY;
    }
    for (size_t i = 0; i < cells.count; i += width) {
        enum tree_error error = add_specifier(gathered, &cells, i);
        if (error != TREE_OK) {
            return error;
        }
    }
    return TREE_OK;
}

static enum tree_error add_extended_interrupts(const struct tree_cursor *cursor, const struct intids *gathered,
                                               const struct cells *cells) {
    struct tree_controller controller = {0};

    for (size_t i = 0; i < cells->count; i += 1 + controller.specifier_cells) {
        if (!find_controller(cursor, gathered, cell(cells, i), &controller) ||
            controller.specifier_cells > cells->count - i - 1) {
            return TREE_BAD_PROPERTY;
        }
        if (controller.phandle == gathered->gic->phandle) {
            enum tree_error error = add_specifier(gathered, cells, i + 1);
            if (error != TREE_OK) {
                return error;
            }
        }
    }
    return TREE_OK;
}

/** Devicetree Specification 2.4.3: child unit address and specifier, controller, its unit address and specifier. */
static enum tree_error add_interrupt_map(const struct tree_cursor *cursor, const struct intids *gathered,
                                         const struct cells *map) {
    struct tree_controller controller = {0};
    size_t child = (size_t)address_cells(cursor->tree, tree_node(cursor)) +
                   cell_or(cursor->tree, tree_node(cursor), "#interrupt-cells", 1);
    size_t entry = 0;

    for (size_t i = 0; i < map->count; i += entry) {
        if (child >= map->count - i || !find_controller(cursor, gathered, cell(map, i + child), &controller)) {
            return TREE_BAD_PROPERTY;
        }
        entry = child + 1 + controller.unit_cells + controller.specifier_cells;
        if (entry > map->count - i) {
            return TREE_BAD_PROPERTY;
        }
        if (controller.phandle == gathered->gic->phandle) {
            enum tree_error error = add_specifier(gathered, map, i + child + 1 + controller.unit_cells);
            if (error != TREE_OK) {
                return error;
            }
        }
    }
    return TREE_OK;
}

enum tree_error tree_interrupts(const struct tree_cursor *cursor, const struct tree_controller *gic, uint32_t *intids,
                                size_t max, size_t *count) {
    struct intids gathered = {.gic = gic, .max = max, .count = count};
    struct cells cells;
    enum tree_error error;

    *count = 0;
    gathered.intids = intids;
    // Devicetree Specification 2.4.1.2: the extended form counts where both are given.
    if (find_cells(cursor->tree, tree_node(cursor), "interrupts-extended", &cells)) {
        error = add_extended_interrupts(cursor, &gathered, &cells);
    } else {
        error = add_interrupts(cursor, &gathered);
    }
    if (error != TREE_OK || !find_cells(cursor->tree, tree_node(cursor), "interrupt-map", &cells)) {
        return error;
    }
    return add_interrupt_map(cursor, &gathered, &cells);
}
