// SPDX-License-Identifier: BSD-3-Clause
#ifndef LOADER_SCRUB_H
#define LOADER_SCRUB_H

/** Clearing of RAM between the firmware's end and the first persona's beginning (clear.h). */

#include "clear.h"
#include "firmware.h"

/**
 * Clears what is not in use any more, down to the point of coherency, and prepares the clearing of the rest, which
 * cpu_hand_over() begins. To be called after firmware_leave(), whose memory map it takes.
 * @param region the switcher's, which is left as it is
 * @param last   REGION_CLEAR_SIZE bytes in the region: code and list for the rest; the caller cleans them
 */
void scrub_memory(const struct firmware_memory *memory, const struct clear_range *region, void *last);

#endif
