// SPDX-License-Identifier: BSD-3-Clause
/* Any description and any firmware's tree: what is accepted gives a persona no node whose registers it does not reach,
 * and nothing of what the switcher keeps. */
#include "board/board.h"
#include "devicetree.h"

#include "patched.h"

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>

enum { TREE_SIZE = 16384, ROOM = 65536, REGISTERS_MAX = 64 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t good[2][2][TREE_SIZE]; /* description and firmware's tree, of two boards */
static size_t sizes[2][2];
static _Alignas(8) uint8_t description[TREE_SIZE];
static _Alignas(8) uint8_t firmware[TREE_SIZE];
static _Alignas(8) uint8_t built[ROOM];
static struct board board;
static struct board_mapping mappings[BOARD_MAPPINGS_MAX];
static size_t mapping_count;

static void require(bool condition) {
    if (!condition) {
        abort();
    }
}

static size_t load(uint8_t *tree, const char *path) {
    FILE *file = fopen(path, "rb");

    require(file != NULL);
    const size_t size = fread(tree, 1, TREE_SIZE, file);
    require(fclose(file) == 0 && size > 0 && size < TREE_SIZE);
    return size;
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    sizes[0][0] = load(good[0][0], TREES "/qemu-virt.dtb");
    sizes[0][1] = load(good[0][1], TREES "/virt-u-boot.dtb");
    sizes[1][0] = load(good[1][0], TREES "/soc-board.dtb");
    sizes[1][1] = load(good[1][1], TREES "/soc.dtb");
    return 0;
}

static bool meets(const struct tree_range *a, const struct tree_range *b) {
    return a->size > 0 && b->size > 0 && a->base <= b->base + (b->size - 1) && b->base <= a->base + (a->size - 1);
}

/** Nothing that is kept is mapped; the GIC is not writable. */
static void check_kept(const struct tree_range *kept, bool may_be_read) {
    for (size_t i = 0; i < mapping_count; i++) {
        require(!meets(&mappings[i].range, kept) || (may_be_read && mappings[i].read_only));
    }
}

static void check_mappings(const char *persona) {
    const struct tree_range keys[] = {{board.power_key.base, board.power_key.base != 0},
                                      {board.keyboard.base, board.keyboard.base != 0},
                                      {board.channel.base, board.channel.base != 0},
                                      {board.clock.base, board.clock.base != 0}};

    require(board_visible_ranges(&board, persona, mappings, BOARD_MAPPINGS_MAX, &mapping_count));
    for (size_t i = 0; i < mapping_count; i++) {
        require((mappings[i].range.base | mappings[i].range.size) % BOARD_PAGE_SIZE == 0);
        require(i == 0 || !meets(&mappings[i - 1].range, &mappings[i].range));
    }
    check_kept(&board.gic.distributor, true);
    check_kept(&keys[0], false);
    check_kept(&keys[1], false);
    check_kept(&keys[2], false);
    check_kept(&keys[3], false);
    for (uint32_t i = 0; i < board.smmu_count; i++) {
        check_kept(&board.smmu[i], false);
    }
}

static bool is_mapped(const struct tree_range *range) {
    for (size_t i = 0; i < mapping_count; i++) {
        const struct tree_range *mapped = &mappings[i].range;

        if (range->base >= mapped->base && range->base - mapped->base < mapped->size &&
            range->size <= mapped->size - (range->base - mapped->base)) {
            return true;
        }
    }
    return false;
}

/** @return whether the path means one node only: nodes of the same name are told apart by nobody */
static bool is_unique(const void *tree, const char *wanted) {
    struct tree_cursor node;
    char path[TREE_PATH_MAX];
    unsigned found = 0;

    tree_start(&node, tree);
    while (tree_next(&node) == TREE_OK) {
        found += tree_path(&node, path) == TREE_OK && strcmp(path, wanted) == 0;
    }
    return found == 1;
}

static void check_node(const struct tree_cursor *node) {
    struct tree_range ranges[REGISTERS_MAX];
    char path[TREE_PATH_MAX];
    size_t count = 0;

    require(tree_path(node, path) == TREE_OK);
    if (tree_has_string(node, "device_type", "memory") || strncmp(path, "/reserved-memory/", 17) == 0 ||
        strcmp(path, board.gic.path) == 0 || tree_registers(node, ranges, REGISTERS_MAX, &count) != TREE_OK) {
        return;
    }
    // What the switcher makes of the clock traps; of all else a persona reaches what its tree tells.
    for (size_t i = 0; i < count && strcmp(path, board.clock.path) != 0; i++) {
        require(is_mapped(&ranges[i]) || !is_unique(firmware, path));
    }
}

static void check_tree(const char *persona) {
    const struct devicetree_request request = {.firmware = firmware,
                                               .board = &board,
                                               .persona = persona,
                                               .partition = {0x50000000, 0x20000000},
                                               .initrd = {0x51000000, 0x1000},
                                               .command_line = "quiet"};
    struct tree_cursor node;
    enum tree_error walk;

    if (devicetree_build(&request, built, sizeof(built)) != DEVICETREE_OK) {
        return;
    }
    require(tree_check(built, devicetree_size(built)) == TREE_OK);
    tree_start(&node, built);
    while ((walk = tree_next(&node)) == TREE_OK) {
        check_node(&node);
    }
    require(walk == TREE_END);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1) {
        return 0;
    }
    const unsigned which = data[0] & 1;
    const size_t half = (size - 1) * (data[0] >> 1) / 127;

    memcpy(description, good[which][0], TREE_SIZE);
    memcpy(firmware, good[which][1], TREE_SIZE);
    patched(description, sizes[which][0], data + 1, half);
    patched(firmware, sizes[which][1], data + 1 + half, size - 1 - half);
    if (board_parse(&board, description, sizes[which][0], firmware, sizes[which][1]) != BOARD_OK) {
        return 0;
    }
    check_mappings("work");
    check_tree("work");
    check_mappings("personal");
    check_tree("personal");
    return 0;
}
