// SPDX-License-Identifier: BSD-3-Clause
#ifndef BOARD_PARSE_H
#define BOARD_PARSE_H

/** What board_parse() is made of: the description read to a list of groups, then the firmware's tree against them. */

#include "board/board.h"

enum {
    PARSE_GROUPS_MAX = 32,
    PARSE_WITHIN_MAX = 4,
    PARSE_NODE_REGISTERS_MAX = 8, /* of nodes that no group names */
};

/** One node beneath /devices of the description: which nodes of the firmware's tree it is about, and what they are. */
struct parse_group {
    int node; /* in the description: "nodes" or "compatible" are looked up there */
    bool by_path;
    uint32_t within_count; /* 0: anywhere */
    struct tree_range within[PARSE_WITHIN_MAX];
    char name[BOARD_NAME_SIZE];
    enum board_policy policy;
    char persona[BOARD_NAME_SIZE];
    enum board_quiet quiet;
    enum board_dma dma;
    bool even_if_disabled; /* the firmware marks it so because it has the device to itself while it runs */
};

struct parse {
    struct board *board;
    const void *description;
    const void *firmware;
    size_t group_count;
    struct parse_group groups[PARSE_GROUPS_MAX];
    char console[TREE_PATH_MAX]; /* path in the firmware's tree; "": none */
};

/** Notes the node that an error is about. @return the error */
enum board_error parse_fail(struct parse *parse, const char *node, enum board_error error);

/** The same for a node of the firmware's tree. */
enum board_error parse_fail_at(struct parse *parse, const struct tree_cursor *node, enum board_error error);

/** Reads the description: groups, console and what of the board it says by itself. The firmware's root is looked at for
 * a match only. */
__attribute__((warn_unused_result)) enum board_error parse_description(struct parse *parse);

/** Finds in the firmware's tree the GIC with its ITS, the SMMUs, the CPUs and the EL2 timer. */
__attribute__((warn_unused_result)) enum board_error parse_processors(struct parse *parse);

/** Finds in the firmware's tree the devices that the groups name, the console and the attention keys. */
__attribute__((warn_unused_result)) enum board_error parse_devices(struct parse *parse);

/** Checks that what a persona reaches is nothing that another one or the switcher has. */
__attribute__((warn_unused_result)) enum board_error parse_check_isolation(struct parse *parse);

/** @return whether the two have a page of BOARD_PAGE_SIZE in common */
bool parse_pages_meet(const struct tree_range *a, const struct tree_range *b);

#endif
