// SPDX-License-Identifier: BSD-3-Clause
#include "scrub.h"

#include <string.h>

#include "cpu.h"
#include "region.h"

enum { LAST_CODE_MAX = REGION_CLEAR_SIZE - (CLEAR_RANGES_MAX + 1) * (int)sizeof(struct clear_range) };

_Static_assert(LAST_CODE_MAX >= 1024, "code and list have room");

/* Static: too large for the stack that the firmware gives. */
static struct clear_range list[CLEAR_RANGES_MAX];

static bool is_zero(const uint64_t *page) {
    uint64_t any = 0;
    for (size_t i = 0; i < EFI_PAGE_SIZE / sizeof(uint64_t) && any == 0; i += 8)
        any = page[i] | page[i + 1] | page[i + 2] | page[i + 3] | page[i + 4] | page[i + 5] | page[i + 6] | page[i + 7];
    return any == 0;
}

/* What is zero already is not written to: fresh memory costs a virtual machine nothing. It is cleaned all the same,
 * since the zeros may be in the cache only, with something else behind them. */
static void clear_range(const struct clear_range *range) {
    for (uint64_t at = 0; at < range->size; at += EFI_PAGE_SIZE) {
        uint64_t *page = (uint64_t *)(uintptr_t)(range->base + at);
        if (!is_zero(page))
            cpu_zero(page, EFI_PAGE_SIZE);
    }
    cpu_clean((const void *)(uintptr_t)range->base, range->size);
}

void scrub_memory(const struct firmware_memory *memory, const struct clear_range *region, void *last) {
    const size_t code_size = (size_t)(cpu_clear_end - (const uint8_t *)(uintptr_t)cpu_clear);
    size_t count = clear_list(CLEAR_NOW, memory->ranges, memory->count, region, list);
    for (size_t i = 0; i < count; i++)
        clear_range(&list[i]);
    count = clear_list(CLEAR_LAST, memory->ranges, memory->count, region, list);
    memset(last, 0, REGION_CLEAR_SIZE);
    memcpy(last, (const void *)(uintptr_t)cpu_clear, code_size);
    memcpy((uint8_t *)last + code_size, list, count * sizeof(list[0]));
}
