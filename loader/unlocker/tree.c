// SPDX-License-Identifier: BSD-3-Clause
#include "tree.h"

#include <libfdt.h>
#include <stdio.h>
#include <string.h>

enum { VERSION_SIZE = 24, CELL = 4, CELLS_MAX = 2 };

/* A number of one or two cells. */
static uint64_t cells(const fdt32_t *value, int count) {
    uint64_t number = 0;
    for (int i = 0; i < count; i++)
        number = number << 32 | fdt32_to_cpu(value[i]);
    return number;
}

static bool find_partition(const void *tree, struct tree_place *partition) {
    int addresses = fdt_address_cells(tree, 0), sizes = fdt_size_cells(tree, 0), size = 0;
    int memory = fdt_node_offset_by_prop_value(tree, -1, "device_type", "memory", sizeof("memory"));
    const fdt32_t *reg = memory < 0 ? NULL : fdt_getprop(tree, memory, "reg", &size);
    if (reg == NULL || addresses < 1 || addresses > CELLS_MAX || sizes < 1 || sizes > CELLS_MAX ||
        size != (addresses + sizes) * CELL)
        return false;
    *partition = (struct tree_place){cells(reg, addresses), cells(reg + addresses, sizes)};
    return true;
}

static bool find_number(const void *tree, const char *name, uint64_t *number) {
    int size = 0;
    int chosen = fdt_path_offset(tree, "/chosen");
    const fdt32_t *value = chosen < 0 ? NULL : fdt_getprop(tree, chosen, name, &size);
    if (value == NULL || (size != CELL && size != 2 * CELL))
        return false;
    *number = cells(value, size / CELL);
    return true;
}

bool tree_find(const void *tree, struct tree_place *partition, struct tree_place *bundle) {
    uint64_t end = 0;
    if (fdt_check_header(tree) != 0 || !find_partition(tree, partition) ||
        !find_number(tree, "linux,initrd-start", &bundle->base) || !find_number(tree, "linux,initrd-end", &end))
        return false;
    bundle->size = end - bundle->base;
    return partition->size > 0 && bundle->base >= partition->base && end >= bundle->base &&
           end - partition->base <= partition->size;
}

static bool set_text(void *tree, int node, const char *name, const char *text) {
    return fdt_setprop(tree, node, name, text, (int)strlen(text) + 1) == 0;
}

bool tree_change(const void *tree, const struct tree_change *change, void *to, size_t room) {
    char version[VERSION_SIZE];
    if (fdt_open_into(tree, to, room > INT32_MAX ? INT32_MAX : (int)room) != 0)
        return false;
    int chosen = fdt_path_offset(to, "/chosen");
    (void)snprintf(version, sizeof(version), "%llu", (unsigned long long)change->version);
    return chosen >= 0 && fdt_setprop_u64(to, chosen, "linux,initrd-start", change->initrd) == 0 &&
           fdt_setprop_u64(to, chosen, "linux,initrd-end", change->initrd_end) == 0 &&
           set_text(to, chosen, "flipside,version", version) && set_text(to, chosen, "flipside,up-token", change->up) &&
           fdt_pack(to) == 0;
}
