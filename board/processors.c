// SPDX-License-Identifier: BSD-3-Clause
// What every board has and the firmware's tree tells by itself: CPUs, GIC and ITS, SMMUs, the EL2 timer.
#include "parse.h"

#include <libfdt.h>
#include <string.h>

static const uint64_t mpidr_affinity = UINT64_C(0xff00ffffff); /* DDI 0487, MPIDR_EL1: Aff3, Aff2, Aff1, Aff0 */

/** Reads the GIC's node (Linux, bindings/interrupt-controller/arm,gic-v3.yaml). */
static enum board_error read_gic(struct parse *parse, const struct tree_cursor *node) {
    struct board_gic *gic = &parse->board->gic;
    struct tree_range ranges[BOARD_DEVICE_RANGES_MAX];
    size_t count = 0;
    uint64_t regions = 1;
    uint64_t stride = 0;
    enum tree_error error = tree_number(node, "#redistributor-regions", &regions);

    if (error == TREE_BAD_PROPERTY || tree_number(node, "redistributor-stride", &stride) != TREE_END ||
        tree_registers(node, ranges, BOARD_DEVICE_RANGES_MAX, &count) != TREE_OK ||
        tree_path(node, gic->path) != TREE_OK) {
        return parse_fail_at(parse, node, BOARD_BAD_GIC);
    }
    if (!tree_find_controller(node->tree, fdt_get_phandle(node->tree, tree_node(node)), &gic->controller) ||
        gic->controller.specifier_cells < 3 || gic->controller.specifier_cells > 4 || regions < 1 ||
        regions > BOARD_REDISTRIBUTOR_REGIONS_MAX || count < 1 + regions) {
        return parse_fail_at(parse, node, BOARD_BAD_GIC);
    }
    gic->distributor = ranges[0];
    gic->redistributor_region_count = (uint32_t)regions;
    memcpy(gic->redistributor_regions, ranges + 1, (size_t)regions * sizeof(ranges[0]));
    return BOARD_OK;
}

/** Adds a node's registers to a list of what no persona ever reaches. */
static enum board_error add_kept(struct parse *parse, const struct tree_cursor *node, struct tree_range *kept,
                                 uint32_t *kept_count) {
    size_t count = 0;
    enum tree_error error = tree_registers(node, kept + *kept_count, BOARD_KEPT_MAX - *kept_count, &count);

    if (error != TREE_OK) {
        return parse_fail_at(parse, node, error == TREE_TOO_MANY ? BOARD_TOO_MANY_RESOURCES : BOARD_BAD_FIRMWARE_TREE);
    }
    *kept_count += (uint32_t)count;
    return BOARD_OK;
}

static bool is_cpu(const struct tree_cursor *node) {
    const char *parent = node->depth == 2 ? fdt_get_name(node->tree, node->ancestors[1], NULL) : NULL;

    return parent != NULL && strcmp(parent, "cpus") == 0 && tree_has_string(node, "device_type", "cpu");
}

static enum board_error add_cpu(struct parse *parse, const struct tree_cursor *node) {
    struct board *board = parse->board;
    uint64_t mpidr = 0;

    if (tree_number(node, "reg", &mpidr) != TREE_OK || (mpidr & ~mpidr_affinity) != 0) {
        return parse_fail_at(parse, node, BOARD_BAD_FIRMWARE_TREE);
    }
    if (board->cpu_count == BOARD_CPUS_MAX) {
        return parse_fail_at(parse, node, BOARD_TOO_MANY_CPUS);
    }
    for (uint32_t i = 0; i < board->cpu_count; i++) {
        if (board->cpus[i] == mpidr) {
            return parse_fail_at(parse, node, BOARD_BAD_FIRMWARE_TREE);
        }
    }
    board->cpus[board->cpu_count++] = mpidr;
    return BOARD_OK;
}

/** bindings/timer/arm,arch_timer.yaml: by name, or fourth of secure, non-secure, virtual, hypervisor. */
static enum board_error read_timer(struct parse *parse, const struct tree_cursor *node) {
    enum { TIMERS_MAX = 5, HYPERVISOR = 3, PPI_FIRST = 16, PPI_LAST = 31 };
    uint32_t intids[TIMERS_MAX];
    size_t count = 0;
    int index = fdt_stringlist_search(node->tree, tree_node(node), "interrupt-names", "hyp-phys");

    if (fdt_getprop(node->tree, tree_node(node), "interrupt-names", NULL) == NULL) {
        index = HYPERVISOR;
    }
    if (tree_interrupts(node, &parse->board->gic.controller, intids, TIMERS_MAX, &count) != TREE_OK || index < 0 ||
        (size_t)index >= count || intids[index] < PPI_FIRST || intids[index] > PPI_LAST) {
        return parse_fail_at(parse, node, BOARD_NO_TIMER);
    }
    parse->board->hypervisor_timer_intid = intids[index];
    return BOARD_OK;
}

static bool is_smmu(const struct tree_cursor *node) {
    return tree_has_string(node, "compatible", "arm,smmu-v3") || tree_has_string(node, "compatible", "arm,mmu-500") ||
           tree_has_string(node, "compatible", "arm,smmu-v2");
}

/** @return the INTID of the interrupt that the node calls so; 0: none */
static uint32_t named_interrupt(const struct tree_cursor *node, const char *name, const uint32_t *intids,
                                size_t count) {
    int index = fdt_stringlist_search(node->tree, tree_node(node), "interrupt-names", name);

    return index >= 0 && (size_t)index < count ? intids[index] : 0;
}

/** bindings/iommu/arm,smmu-v3.yaml. One that is not as needed is kept from personas all the same, and confines nothing.
 */
static void read_smmu(struct parse *parse, const struct tree_cursor *node) {
    enum { SMMU_INTIDS_MAX = 4, SPI_FIRST = 32, SMMU_SIZE = 0x20000 /* IHI 0070, 6.1: two pages of 64 KiB */ };
    struct board_smmu *smmu = &parse->board->smmu_v3;
    struct tree_range range;
    uint32_t intids[SMMU_INTIDS_MAX];
    size_t ranges = 0;
    size_t count = 0;

    if (smmu->base != 0 || !tree_has_string(node, "compatible", "arm,smmu-v3") || !tree_is_enabled(node) ||
        tree_registers(node, &range, 1, &ranges) != TREE_OK || ranges != 1 || range.size < SMMU_SIZE ||
        tree_interrupts(node, &parse->board->gic.controller, intids, SMMU_INTIDS_MAX, &count) != TREE_OK) {
        return;
    }
    uint32_t event = named_interrupt(node, "eventq", intids, count);
    uint32_t error = named_interrupt(node, "gerror", intids, count);
    uint32_t phandle = fdt_get_phandle(node->tree, tree_node(node));
    if (event < SPI_FIRST || error < SPI_FIRST || event == error || phandle == 0) {
        return;
    }
    *smmu = (struct board_smmu){range.base, event, error, phandle};
}

static enum board_error look_at(struct parse *parse, const struct tree_cursor *node) {
    struct board *board = parse->board;

    if (is_cpu(node)) {
        return add_cpu(parse, node);
    }
    if (tree_has_string(node, "compatible", "arm,gic-v3-its")) {
        return add_kept(parse, node, board->gic.its, &board->gic.its_count);
    }
    if (is_smmu(node)) {
        read_smmu(parse, node);
        return add_kept(parse, node, board->smmu, &board->smmu_count);
    }
    if (tree_has_string(node, "compatible", "arm,armv8-timer")) {
        return read_timer(parse, node);
    }
    return BOARD_OK;
}

/** The interrupts of all others are told by the GIC's phandle, so it comes first. */
static enum board_error find_gic(struct parse *parse) {
    struct tree_cursor node;
    enum tree_error error;

    tree_start(&node, parse->firmware);
    while ((error = tree_next(&node)) == TREE_OK) {
        if (tree_has_string(&node, "compatible", "arm,gic-v3") && tree_is_enabled(&node)) {
            return read_gic(parse, &node);
        }
    }
    return error == TREE_END ? BOARD_NO_GIC : BOARD_BAD_FIRMWARE_TREE;
}

enum board_error parse_processors(struct parse *parse) {
    struct tree_cursor node;
    enum tree_error walk;
    enum board_error error = find_gic(parse);

    if (error != BOARD_OK) {
        return error;
    }
    tree_start(&node, parse->firmware);
    while ((walk = tree_next(&node)) == TREE_OK) {
        error = look_at(parse, &node);
        if (error != BOARD_OK) {
            return error;
        }
    }
    if (walk != TREE_END) {
        return BOARD_BAD_FIRMWARE_TREE;
    }
    if (parse->board->cpu_count == 0) {
        return BOARD_NO_CPUS;
    }
    return parse->board->hypervisor_timer_intid == 0 ? BOARD_NO_TIMER : BOARD_OK;
}
