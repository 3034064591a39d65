// SPDX-License-Identifier: BSD-3-Clause
#ifndef BOARD_TREE_H
#define BOARD_TREE_H

/**
 * Reading a flattened device tree (Devicetree Specification 0.4) node by node, with what the ancestors say about a
 * node at hand: addresses translated to the CPU's view, interrupts as the interrupt controller's INTIDs.
 *
 * A tree is checked once with tree_check(); the other functions take checked trees only, but still report
 * properties whose contents make no sense. Nothing is allocated and nothing is written to the tree.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TREE_DEPTH_MAX = 16, /* nodes from the root to a leaf, both counted */
    TREE_PATH_MAX = 128, /* bytes of a node's path, with the final NUL */
};

enum tree_error {
    TREE_OK = 0,
    TREE_END,          /* no further node */
    TREE_DAMAGED,      /* not a device tree, cut short, or inconsistent */
    TREE_TOO_DEEP,     /* more than TREE_DEPTH_MAX levels */
    TREE_BAD_PROPERTY, /* a property has a length or a value that its definition does not allow */
    TREE_TOO_MANY,     /* more entries than the caller has room for */
    TREE_TOO_LONG,     /* a path of TREE_PATH_MAX bytes or more */
};

struct tree_range {
    uint64_t base; /* bytes, as the CPU addresses it */
    uint64_t size; /* bytes */
};

/** An interrupt controller: finding one takes a walk through the whole tree, so it is done once. */
struct tree_controller {
    uint32_t phandle;
    uint32_t specifier_cells; /* "#interrupt-cells" */
    uint32_t unit_cells;      /* "#address-cells" as interrupt maps count them: 0 when not said */
};

/** A place in a tree. ancestors[0] is the root, ancestors[depth] the node at hand (libfdt offsets). */
struct tree_cursor {
    const void *tree;
    int depth;
    int ancestors[TREE_DEPTH_MAX];
};

/** @return the error's text, one line without a full stop; never NULL */
const char *tree_error_text(enum tree_error error);

/**
 * Checks that bytes are one whole, consistent device tree of version 17.
 * @param tree  8-byte aligned
 * @param size  bytes that may be read; more than the tree's own size is allowed
 * @return TREE_OK, TREE_DAMAGED
 */
__attribute__((warn_unused_result)) enum tree_error tree_check(const void *tree, size_t size);

/** Puts a cursor before the root: tree_next() comes to the root first. */
void tree_start(struct tree_cursor *cursor, const void *tree);

/**
 * Goes on to the next node, children before siblings.
 * @return TREE_OK, TREE_END, TREE_DAMAGED, TREE_TOO_DEEP
 */
__attribute__((warn_unused_result)) enum tree_error tree_next(struct tree_cursor *cursor);

/** Goes on to the next node that does not lie beneath the one at hand; as tree_next() otherwise. */
__attribute__((warn_unused_result)) enum tree_error tree_skip(struct tree_cursor *cursor);

/** @return the libfdt offset of the node at hand */
int tree_node(const struct tree_cursor *cursor);

/** @return the name of the node at hand with its unit address; "" for the root */
const char *tree_name(const struct tree_cursor *cursor);

/**
 * Writes the full path of the node at hand.
 * @param path TREE_PATH_MAX bytes; "/" for the root
 * @return TREE_OK, TREE_TOO_LONG (path is then cut, but has its NUL)
 */
__attribute__((warn_unused_result)) enum tree_error tree_path(const struct tree_cursor *cursor, char *path);

/** @return whether the property, a list of strings, holds this string */
bool tree_has_string(const struct tree_cursor *cursor, const char *property, const char *string);

/** @return false when "status" is there and neither "okay" nor "ok" (Devicetree Specification 2.3.4) */
bool tree_is_enabled(const struct tree_cursor *cursor);

/**
 * Reads a property of one or two cells.
 * @return TREE_OK, TREE_END when the node does not have it, TREE_BAD_PROPERTY when it is neither 4 nor 8 bytes long
 */
__attribute__((warn_unused_result)) enum tree_error tree_number(const struct tree_cursor *cursor, const char *property,
                                                                uint64_t *value);

/**
 * Reads "reg" as the CPU's addresses, through the "ranges" of all ancestors (Devicetree Specification 2.3.6, 2.3.8).
 * A node without "reg", beneath a bus without "ranges", or beneath PCI has none; entries of size 0 are left out.
 * @param ranges room for max entries
 * @param count  entries written
 * @return TREE_OK, TREE_BAD_PROPERTY, TREE_TOO_MANY
 */
__attribute__((warn_unused_result)) enum tree_error
tree_registers(const struct tree_cursor *cursor, struct tree_range *ranges, size_t max, size_t *count);

/**
 * Reads the windows that a PCI host opens for its functions: the CPU's side of its "ranges"
 * (IEEE 1275 PCI Bus Binding 2.1, 12). As tree_registers() otherwise.
 */
__attribute__((warn_unused_result)) enum tree_error
tree_pci_windows(const struct tree_cursor *cursor, struct tree_range *ranges, size_t max, size_t *count);

/** @return the phandle of the controller that a node's "interrupts" is meant for (Devicetree Specification 2.4.1); 0:
 * none */
uint32_t tree_interrupt_parent(const struct tree_cursor *cursor);

/**
 * Finds an interrupt controller by its phandle.
 * @return false when there is none, or its cells make no sense
 */
__attribute__((warn_unused_result)) bool tree_find_controller(const void *tree, uint32_t phandle,
                                                              struct tree_controller *controller);

/**
 * Reads the interrupts that a node raises at one GICv3: "interrupts", "interrupts-extended" and, of a PCI host,
 * "interrupt-map". Those that go to another controller are left out; each INTID is given once.
 * @param gic    with 3 or 4 cells a specifier; others make every interrupt of it a TREE_BAD_PROPERTY
 * @param intids room for max entries; PPIs 16 to 31, SPIs 32 to 1019
 * @param count  entries written
 * @return TREE_OK, TREE_BAD_PROPERTY, TREE_TOO_MANY
 */
__attribute__((warn_unused_result)) enum tree_error tree_interrupts(const struct tree_cursor *cursor,
                                                                    const struct tree_controller *gic, uint32_t *intids,
                                                                    size_t max, size_t *count);

#endif
