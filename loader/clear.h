// SPDX-License-Identifier: BSD-3-Clause
#ifndef LOADER_CLEAR_H
#define LOADER_CLEAR_H

/**
 * Which RAM is cleared before the first persona runs: all that personas could get, and all that the firmware and the
 * loader leave. What an earlier start, the firmware or the loader had there - a PIN among its keys' buffers, a
 * decrypted file - is then nobody's. It takes two passes: memory in use until the very end (the loader's code and
 * stack, the firmware's tables) is cleared by code that lies in the switcher's region, once the MMU is off.
 *
 * Pure: from a memory map to lists of ranges.
 */

#include "memory_plan.h"

enum { CLEAR_RANGES_MAX = MEMORY_PLAN_RANGES_MAX + 1 /* one is cut in two by the switcher's region */ };

struct clear_range {
    uint64_t base; /* bytes, physical */
    uint64_t size; /* bytes; 0 ends a list in memory */
};

enum clear_pass {
    CLEAR_NOW = 0, /* nothing in it is in use any more */
    CLEAR_LAST,    /* code, stacks or tables may still be in use */
};

/**
 * Lists the ranges of a pass, neighbours of the map joined.
 * @param ranges count of them, at most MEMORY_PLAN_RANGES_MAX: the memory map that boot services ended with
 * @param kept   the switcher's region, which is not cleared
 * @param list   out: CLEAR_RANGES_MAX of them
 * @return how many
 */
size_t clear_list(enum clear_pass pass, const struct memory_range *ranges, size_t count, const struct clear_range *kept,
                  struct clear_range *list);

#endif
