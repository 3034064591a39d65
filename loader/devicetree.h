// SPDX-License-Identifier: BSD-3-Clause
#ifndef LOADER_DEVICETREE_H
#define LOADER_DEVICETREE_H

/**
 * A persona's device tree: the firmware's, less what the persona must not see, plus what Flipside gives it.
 *
 * The tree is copied node by node. Left out: devices that the board hides or gives to others, nodes with registers
 * that the board does not name, the ITS and SMMU, secure and hypervisor interfaces, reserved memory outside the
 * partition, overlay symbols. A property that refers to something left out goes too. Written anew: memory, /chosen,
 * PSCI (HVC, version 1.1), the CPUs' enable-method. Added: the flip button.
 */

#include "board/board.h"

enum {
    DEVICETREE_KASLR_SEED_SIZE = 8, /* bytes */
    DEVICETREE_RNG_SEED_SIZE = 64,  /* bytes */
};

enum devicetree_error {
    DEVICETREE_OK = 0,
    DEVICETREE_DAMAGED,       /* the firmware's tree can not be read */
    DEVICETREE_TOO_DEEP,      /* more levels than TREE_DEPTH_MAX, or a path of TREE_PATH_MAX bytes or more */
    DEVICETREE_TOO_MANY,      /* more phandles left out than can be remembered */
    DEVICETREE_NO_ROOM,       /* the buffer is too small */
    DEVICETREE_BAD_PARTITION, /* empty, or not to be said in the root's address cells */
    DEVICETREE_BAD_INITRD,    /* the initrd does not lie in the partition */
};

struct devicetree_request {
    const void *firmware; /* the firmware's tree, as board_parse() checked it */
    const struct board *board;
    const char *persona;         /* its name */
    struct tree_range partition; /* its memory */
    struct tree_range initrd;    /* inside the partition; size 0: none */
    const char *command_line;    /* UTF-8, goes to the kernel as it is */
    uint8_t kaslr_seed[DEVICETREE_KASLR_SEED_SIZE];
    uint8_t rng_seed[DEVICETREE_RNG_SEED_SIZE];
    const char *version;  /* of an encrypted persona, decimal: /chosen/flipside,version; NULL: none */
    const char *store;    /* GPT identifier of the partition with the store: /chosen/flipside,store; NULL: not known */
    const char *up_token; /* what its system writes down when it has come up: /chosen/flipside,up-token; NULL: none */
};

/**
 * Builds a persona's device tree.
 * @param buffer 8-byte aligned, best of devicetree_room() bytes
 * @param size   bytes of buffer; the tree's own size comes out in its header
 * @return DEVICETREE_OK or the first error found; the buffer's contents are then of no use
 */
__attribute__((warn_unused_result)) enum devicetree_error devicetree_build(const struct devicetree_request *request,
                                                                           void *buffer, size_t size);

/** @return bytes that are enough for any devicetree_build() from this request */
size_t devicetree_room(const struct devicetree_request *request);

/** @return bytes that a built tree takes */
size_t devicetree_size(const void *tree);

/** @return the error's text, one line without a full stop; never NULL */
const char *devicetree_error_text(enum devicetree_error error);

#endif
