// SPDX-License-Identifier: BSD-3-Clause
// Writing a persona's device tree.
#include "devicetree_parts.h"

#include <libfdt.h>
#include <string.h>

enum {
    ADDED_BYTES = 16384, /* what is written anew, the command line apart */
    KEY_SLEEP = 142,     /* Linux, input-event-codes.h */
    EDGE_RISING = 1,     /* bindings/interrupt-controller/arm,gic-v3.yaml */
    SPI_FIRST = 32,
    CHANNEL_REGISTERS_SIZE = 0x200, /* bytes: virtio-mmio registers and the console's configuration */
    PLACED_NAME_SIZE = 32,          /* bytes of an added node's name with its address */
    CELL = 4,                       /* bytes */
};

const char *devicetree_error_text(enum devicetree_error error) {
    switch (error) {
    case DEVICETREE_OK:
        return "no error";
    case DEVICETREE_DAMAGED:
        return "the firmware's device tree is damaged";
    case DEVICETREE_TOO_DEEP:
        return "the firmware's device tree has too many levels or too long names";
    case DEVICETREE_TOO_MANY:
        return "too many nodes to leave out of the device tree";
    case DEVICETREE_NO_ROOM:
        return "the device tree does not fit its buffer";
    case DEVICETREE_BAD_PARTITION:
        return "the partition can't be said in the device tree";
    case DEVICETREE_BAD_INITRD:
        return "the initrd does not lie in the partition";
    }
    return "unknown error";
}

size_t devicetree_size(const void *tree) { return fdt_totalsize(tree); }

size_t devicetree_room(const struct devicetree_request *request) {
    return fdt_off_dt_struct(request->firmware) + fdt_size_dt_struct(request->firmware) +
           fdt_size_dt_strings(request->firmware) + strlen(request->command_line) + ADDED_BYTES;
}

static bool contains(const struct tree_range *outer, const struct tree_range *inner) {
    return inner->base >= outer->base && inner->base - outer->base <= outer->size &&
           inner->size <= outer->size - (inner->base - outer->base);
}

/** Keeps the first error: the result is looked at once, at the end. */
static void note(struct devicetree_build *build, int result) {
    if (build->fdt_error == 0) {
        build->fdt_error = result;
    }
}

static void put(struct devicetree_build *build, const char *name, const void *value, size_t size) {
    note(build, fdt_property(build->out, name, value, (int)size));
}

static void put_string(struct devicetree_build *build, const char *name, const char *text) {
    put(build, name, text, strlen(text) + 1);
}

static void begin(struct devicetree_build *build, const char *name) { note(build, fdt_begin_node(build->out, name)); }

static void end(struct devicetree_build *build) { note(build, fdt_end_node(build->out)); }

/** Writes a number as the root's cells say. */
static size_t write_cells(uint8_t *cells, uint64_t value, uint32_t width) {
    for (size_t i = 0; i < (size_t)width * CELL; i++) {
        cells[i] = (uint8_t)(value >> 8 * ((size_t)width * CELL - 1 - i));
    }
    return (size_t)width * CELL;
}

/** An SPI that the switcher makes pending. */
static void write_interrupt(struct devicetree_build *build, uint32_t intid) {
    const struct board *board = build->request->board;
    uint8_t interrupts[4 * CELL] = {0};
    size_t width = board->gic.controller.specifier_cells;

    (void)write_cells(interrupts + CELL, intid - SPI_FIRST, 1);
    (void)write_cells(interrupts + (size_t)2 * CELL, EDGE_RISING, 1);
    note(build, fdt_property_u32(build->out, "interrupt-parent", board->gic.controller.phandle));
    put(build, "interrupts", interrupts, width * CELL);
}

static void copy_properties(struct devicetree_build *build, const struct tree_cursor *node, const char *path) {
    int item;

    fdt_for_each_property_offset(item, node->tree, tree_node(node)) {
        const char *name = NULL;
        int size = 0;
        const void *value = fdt_getprop_by_offset(node->tree, item, &name, &size);

        if (value != NULL && devicetree_keeps_property(build, node, path, name, value, (size_t)size)) {
            put(build, name, value, (size_t)size);
        }
    }
    if (devicetree_is_cpu(node)) {
        put_string(build, "enable-method", "psci");
    }
    if (devicetree_is_clock(build, path)) {
        write_interrupt(build, build->request->board->clock.persona_intid);
    }
}

static uint32_t root_cells(const struct devicetree_build *build, const char *property, uint32_t otherwise) {
    int length = 0;
    const void *value = fdt_getprop(build->request->firmware, 0, property, &length);

    return value == NULL || length != CELL ? otherwise : fdt32_ld(value);
}

/** Begins a node beneath the root with its place: PREFIX@BASE and "reg". */
static void begin_at(struct devicetree_build *build, const char *prefix, const struct tree_range *range) {
    static const char digits[] = "0123456789abcdef";
    char name[PLACED_NAME_SIZE] = {0};
    size_t place = strlen(prefix);
    uint8_t reg[4 * CELL];
    size_t size = 0;

    memcpy(name, prefix, place + 1);
    name[place++] = '@';
    for (int shift = 60; shift >= 0; shift -= 4) {
        if (shift == 0 || range->base >> shift != 0) {
            name[place++] = digits[range->base >> shift & 15];
        }
    }
    size += write_cells(reg + size, range->base, root_cells(build, "#address-cells", 2));
    size += write_cells(reg + size, range->size, root_cells(build, "#size-cells", 1));
    begin(build, name);
    put(build, "reg", reg, size);
}

static void write_memory(struct devicetree_build *build) {
    begin_at(build, "memory", &build->request->partition);
    put_string(build, "device_type", "memory");
    end(build);
}

/** The console goes on where the firmware's did, when the persona sees it. */
static void write_stdout_path(struct devicetree_build *build) {
    const void *firmware = build->request->firmware;
    int size = 0;
    const char *value = fdt_getprop(firmware, fdt_path_offset(firmware, "/chosen"), "stdout-path", &size);

    if (value == NULL || size < 2 || value[size - 1] != '\0') {
        return;
    }
    const char *options = memchr(value, ':', (size_t)size);
    size_t length = options == NULL ? (size_t)size - 1 : (size_t)(options - value);
    if (devicetree_keeps_path(build, value, length)) {
        put(build, "stdout-path", value, (size_t)size);
    }
}

static void write_chosen(struct devicetree_build *build) {
    const struct devicetree_request *request = build->request;

    begin(build, "chosen");
    put_string(build, "bootargs", request->command_line);
    write_stdout_path(build);
    if (request->initrd.size > 0) {
        note(build, fdt_property_u64(build->out, "linux,initrd-start", request->initrd.base));
        note(build, fdt_property_u64(build->out, "linux,initrd-end", request->initrd.base + request->initrd.size));
    }
    put(build, "kaslr-seed", request->kaslr_seed, sizeof(request->kaslr_seed));
    put(build, "rng-seed", request->rng_seed, sizeof(request->rng_seed));
    put_string(build, "flipside,persona", request->persona);
    if (request->store != NULL) {
        put_string(build, "flipside,store", request->store);
    }
    if (request->version != NULL) {
        put_string(build, "flipside,version", request->version);
    }
    if (request->up_token != NULL) {
        put_string(build, "flipside,up-token", request->up_token);
    }
    end(build);
}

/** PSCI 1.0 and later need no function numbers in the tree (bindings/arm/psci.yaml); the switcher answers HVC. */
static void write_psci(struct devicetree_build *build) {
    static const char compatible[] = "arm,psci-1.0\0arm,psci-0.2";

    begin(build, "psci");
    put(build, "compatible", compatible, sizeof(compatible));
    put_string(build, "method", "hvc");
    end(build);
}

/** The switcher's virtio console (bindings/virtio/mmio.yaml). */
static void write_channel(struct devicetree_build *build) {
    const struct board_channel *channel = &build->request->board->channel;
    struct tree_range registers = {channel->base, CHANNEL_REGISTERS_SIZE};

    if (channel->base == 0) {
        return;
    }
    begin_at(build, "virtio_mmio", &registers);
    put_string(build, "compatible", "virtio,mmio");
    write_interrupt(build, channel->intid);
    put(build, "dma-coherent", "", 0);
    end(build);
}

/** A button that has an interrupt but no pin (bindings/input/gpio-keys.yaml): the switcher makes it pending. */
static void write_flip_button(struct devicetree_build *build) {
    static const char usual_path[] = "/gpio-keys";

    // Where the firmware's buttons are a persona's too, theirs has the usual name.
    begin(build, devicetree_keeps_path(build, usual_path, strlen(usual_path)) ? "gpio-keys-flip" : usual_path + 1);
    put_string(build, "compatible", "gpio-keys");
    begin(build, "flip");
    put_string(build, "label", "flip");
    write_interrupt(build, build->request->board->flip_button_intid);
    note(build, fdt_property_u32(build->out, "linux,code", KEY_SLEEP));
    note(build, fdt_property_u32(build->out, "debounce-interval", 0));
    end(build);
    end(build);
}

/** Copies what is kept, in the order of the source; additions come last beneath the root. */
static enum devicetree_error write_nodes(struct devicetree_build *build) {
    struct tree_cursor node;
    char path[TREE_PATH_MAX];
    int open = 0; /* nodes begun and not yet ended */
    bool kept = true;
    enum tree_error walk;

    tree_start(&node, build->request->firmware);
    for (walk = tree_next(&node); walk == TREE_OK; walk = kept ? tree_next(&node) : tree_skip(&node)) {
        if ((walk = tree_path(&node, path)) != TREE_OK) {
            break;
        }
        kept = devicetree_keeps_node(build, &node, path);
        for (; kept && open > node.depth; open--) {
            end(build);
        }
        if (kept) {
            begin(build, tree_name(&node));
            copy_properties(build, &node, path);
            open++;
        }
    }
    if (walk != TREE_END) {
        return devicetree_walk_error(walk);
    }
    for (; open > 1; open--) {
        end(build);
    }
    write_memory(build);
    write_chosen(build);
    write_psci(build);
    write_flip_button(build);
    write_channel(build);
    end(build);
    return DEVICETREE_OK;
}

static bool fits_cells(uint64_t value, uint32_t width) { return width == 2 || (width == 1 && value <= UINT32_MAX); }

static enum devicetree_error check_request(const struct devicetree_build *build) {
    const struct tree_range *partition = &build->request->partition;
    const struct tree_range *initrd = &build->request->initrd;

    if (partition->size == 0 || partition->size > UINT64_MAX - partition->base ||
        !fits_cells(partition->base, root_cells(build, "#address-cells", 2)) ||
        !fits_cells(partition->size, root_cells(build, "#size-cells", 1))) {
        return DEVICETREE_BAD_PARTITION;
    }
    return initrd->size > 0 && !contains(partition, initrd) ? DEVICETREE_BAD_INITRD : DEVICETREE_OK;
}

enum devicetree_error devicetree_build(const struct devicetree_request *request, void *buffer, size_t size) {
    struct devicetree_build build = {.request = request, .out = buffer};
    enum devicetree_error error;

    if ((error = check_request(&build)) != DEVICETREE_OK ||
        (error = devicetree_find_removed(&build)) != DEVICETREE_OK) {
        return error;
    }
    // Nothing may be written behind a header that did not fit.
    if (fdt_create(buffer, size > INT32_MAX ? INT32_MAX : (int)size) != 0 || fdt_finish_reservemap(buffer) != 0) {
        return DEVICETREE_NO_ROOM;
    }
    error = write_nodes(&build);
    if (error != DEVICETREE_OK) {
        return error;
    }
    note(&build, fdt_finish(buffer));
    return build.fdt_error == 0 ? DEVICETREE_OK : DEVICETREE_NO_ROOM;
}
