// SPDX-License-Identifier: BSD-3-Clause
#ifndef LIBC_PIECES_H
#define LIBC_PIECES_H

/** Small pieces of one block of memory, by first fit: what a library asks for and gives back thousands of times. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PIECES_ALIGNMENT = 16 /* bytes, of a block and of each piece */ };

/** A block; its owner keeps the memory. */
struct pieces {
    uint8_t *memory;
    size_t size;
};

/**
 * Makes one free piece of a block. What was taken of it before is forgotten, not wiped.
 * @param memory size bytes, as aligned as their number is to PIECES_ALIGNMENT
 */
void pieces_open(struct pieces *pieces, void *memory, size_t size);

/** Takes a piece. @param size bytes @return as aligned as PIECES_ALIGNMENT says; NULL: no free piece is as large */
void *pieces_take(struct pieces *pieces, size_t size);

/** @return whether a piece is one of this block */
bool pieces_hold(const struct pieces *pieces, const void *piece);

/** Gives a piece back. @param piece one that pieces_hold() */
void pieces_give(void *piece);

#endif
