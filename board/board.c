// SPDX-License-Identifier: BSD-3-Clause
#include "board/board.h"
#include "parse.h"

#include <string.h>

const char *board_error_text(enum board_error error) {
    switch (error) {
    case BOARD_OK:
        return "no error";
    case BOARD_NOT_THIS:
        return "the description is of another board";
    case BOARD_BAD_DESCRIPTION:
        return "the description is not a whole board description of version 1";
    case BOARD_BAD_FIRMWARE_TREE:
        return "the firmware's device tree is damaged";
    case BOARD_UNKNOWN_PROPERTY:
        return "the description has a node or property that is not known";
    case BOARD_BAD_PROPERTY:
        return "a property of the description is missing or out of range";
    case BOARD_NO_CPUS:
        return "the firmware names no CPU";
    case BOARD_TOO_MANY_CPUS:
        return "the machine has more CPUs than supported (8)";
    case BOARD_NO_GIC:
        return "the firmware names no GICv3";
    case BOARD_BAD_GIC:
        return "the GIC is laid out in a way that is not supported";
    case BOARD_NO_TIMER:
        return "the firmware names no timer interrupt for EL2";
    case BOARD_NO_ATTENTION:
        return "an attention key is not there, or of another kind";
    case BOARD_NO_CLOCK:
        return "the real-time clock is not there, or of another kind";
    case BOARD_NO_USIM_STATE:
        return "the flash for the USIM's state is not there, or of another kind";
    case BOARD_KEY_NOT_HIDDEN:
        return "an attention key is also given to personas";
    case BOARD_TOO_MANY_DEVICES:
        return "the description names more devices than supported";
    case BOARD_TOO_MANY_RESOURCES:
        return "a device has more address ranges or interrupts than supported";
    case BOARD_NAMED_TWICE:
        return "the description names a device twice";
    case BOARD_PAGE_SHARED:
        return "a device shares a page with one that a persona must not reach";
    case BOARD_DEVICE_IN_MEMORY:
        return "a device lies where memory is";
    case BOARD_INTID_SHARED:
        return "an interrupt of the switcher's is in use by a device";
    }
    return "unknown error";
}

enum board_error parse_fail(struct parse *parse, const char *node, enum board_error error) {
    size_t length = strlen(node);

    if (length >= sizeof(parse->board->fault)) {
        length = sizeof(parse->board->fault) - 1;
    }
    memcpy(parse->board->fault, node, length);
    parse->board->fault[length] = '\0';
    return error;
}

enum board_error parse_fail_at(struct parse *parse, const struct tree_cursor *node, enum board_error error) {
    char path[TREE_PATH_MAX];

    return parse_fail(parse, tree_path(node, path) == TREE_OK ? path : tree_name(node), error);
}

enum board_error board_parse(struct board *board, const void *description, size_t description_size,
                             const void *firmware, size_t firmware_size) {
    struct parse parse = {.board = board, .description = description, .firmware = firmware};
    enum board_error error;

    memset(board, 0, sizeof(*board));
    if (tree_check(description, description_size) != TREE_OK) {
        return BOARD_BAD_DESCRIPTION;
    }
    if (tree_check(firmware, firmware_size) != TREE_OK) {
        return BOARD_BAD_FIRMWARE_TREE;
    }
    if ((error = parse_description(&parse)) != BOARD_OK || (error = parse_processors(&parse)) != BOARD_OK ||
        (error = parse_devices(&parse)) != BOARD_OK) {
        return error;
    }
    return parse_check_isolation(&parse);
}
