// SPDX-License-Identifier: BSD-3-Clause
#include "clear.h"

static enum clear_pass pass_of(enum memory_kind kind) { return kind == MEMORY_AFTER_EXIT ? CLEAR_LAST : CLEAR_NOW; }

static size_t add(struct clear_range *list, size_t count, uint64_t base, uint64_t end) {
    if (base >= end)
        return count;
    if (count > 0 && list[count - 1].base + list[count - 1].size == base) {
        list[count - 1].size += end - base;
        return count;
    }
    list[count] = (struct clear_range){base, end - base};
    return count + 1;
}

size_t clear_list(enum clear_pass pass, const struct memory_range *ranges, size_t count, const struct clear_range *kept,
                  struct clear_range *list) {
    const uint64_t kept_end = kept->base + kept->size;
    size_t listed = 0;
    for (size_t i = 0; i < count; i++) {
        const uint64_t base = ranges[i].base, end = base + ranges[i].size;
        if (pass_of(ranges[i].kind) != pass)
            continue;
        listed = add(list, listed, base, end < kept->base ? end : kept->base);
        listed = add(list, listed, base > kept_end ? base : kept_end, end);
    }
    return listed;
}
