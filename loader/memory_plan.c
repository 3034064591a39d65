// SPDX-License-Identifier: BSD-3-Clause
#include "memory_plan.h"

#include <stdbool.h>

#define UNIT ((uint64_t)MEMORY_PLAN_UNIT)

struct hole {
    uint64_t base;
    uint64_t size;
};

/** What may still be given away, in ascending order. Splitting a hole by the switcher's region adds one. */
struct holes {
    size_t count;
    struct hole hole[MEMORY_PLAN_RANGES_MAX + 1];
};

struct planner {
    const struct memory_request *requests;
    size_t request_count;
    bool left_out[MEMORY_PLAN_PERSONAS_MAX]; /* found not to fit: the others are planned as if it were not there */
    struct memory_partition *partitions;
    struct holes holes;
};

static uint64_t round_down(uint64_t value) { return value - value % UNIT; }

/** Saturates: what cannot be rounded up can't be satisfied either. */
static uint64_t round_up(uint64_t value) {
    return value > UINT64_MAX - (UNIT - 1) ? round_down(UINT64_MAX) : round_down(value + (UNIT - 1));
}

static bool range_is_good(const struct memory_range *range) {
    if (range->kind != MEMORY_FREE && range->kind != MEMORY_AFTER_EXIT && range->kind != MEMORY_LOADER_DATA) {
        return false;
    }
    return range->size <= UINT64_MAX - range->base;
}

static bool request_is_good(const struct memory_request *request) {
    switch (request->share) {
    case MEMORY_SHARE_EQUAL:
        return true;
    case MEMORY_SHARE_BYTES:
        return request->amount > 0;
    case MEMORY_SHARE_PERCENT:
        return request->amount >= 1 && request->amount <= 100;
    }
    return false;
}

/** Inserts a range where it belongs, and joins it to its neighbours. @return false when it overlaps another */
static bool holes_insert(struct holes *holes, uint64_t base, uint64_t size) {
    size_t at = holes->count;
    while (at > 0 && holes->hole[at - 1].base > base) {
        at--;
    }
    struct hole *before = at > 0 ? &holes->hole[at - 1] : NULL;
    struct hole *after = at < holes->count ? &holes->hole[at] : NULL;
    if ((before != NULL && before->base + before->size > base) || (after != NULL && base + size > after->base)) {
        return false;
    }
    const bool joins_before = before != NULL && before->base + before->size == base;
    const bool joins_after = after != NULL && base + size == after->base;
    if (joins_before && joins_after) {
        before->size += size + after->size;
        holes->count--;
        for (size_t i = at; i < holes->count; i++) {
            holes->hole[i] = holes->hole[i + 1];
        }
    } else if (joins_before) {
        before->size += size;
    } else if (joins_after) {
        after->base = base;
        after->size += size;
    } else {
        for (size_t i = holes->count; i > at; i--) {
            holes->hole[i] = holes->hole[i - 1];
        }
        holes->hole[at] = (struct hole){.base = base, .size = size};
        holes->count++;
    }
    return true;
}

/** Joins the ranges of the kinds wanted into holes. */
static enum memory_plan_error holes_from_ranges(struct holes *holes, const struct memory_range *ranges, size_t count,
                                                bool free_only) {
    holes->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!range_is_good(&ranges[i])) {
            return MEMORY_PLAN_BAD_RANGE;
        }
        if (ranges[i].size == 0 || (free_only && ranges[i].kind != MEMORY_FREE)) {
            continue;
        }
        if (!holes_insert(holes, ranges[i].base, ranges[i].size)) {
            return MEMORY_PLAN_BAD_RANGE;
        }
    }
    return MEMORY_PLAN_OK;
}

/** Cuts every hole to whole units and drops what is smaller. */
static void holes_align(struct holes *holes) {
    size_t kept = 0;
    for (size_t i = 0; i < holes->count; i++) {
        const uint64_t base = round_up(holes->hole[i].base);
        const uint64_t end = round_down(holes->hole[i].base + holes->hole[i].size);
        if (base < end) {
            holes->hole[kept++] = (struct hole){.base = base, .size = end - base};
        }
    }
    holes->count = kept;
}

/** Takes a range out of the hole that contains it; bases and sizes are whole units. */
static void holes_remove(struct holes *holes, uint64_t base, uint64_t size) {
    size_t at = 0;
    while (holes->hole[at].base + holes->hole[at].size <= base) {
        at++;
    }
    const uint64_t below = base - holes->hole[at].base;
    const uint64_t above = holes->hole[at].size - below - size;
    const struct hole upper = {.base = base + size, .size = above};
    if (below > 0 && above > 0) {
        for (size_t i = holes->count; i > at + 1; i--) {
            holes->hole[i] = holes->hole[i - 1];
        }
        holes->count++;
        holes->hole[at].size = below;
        holes->hole[at + 1] = upper;
    } else if (below > 0) {
        holes->hole[at].size = below;
    } else if (above > 0) {
        holes->hole[at] = upper;
    } else {
        holes->count--;
        for (size_t i = at; i < holes->count; i++) {
            holes->hole[i] = holes->hole[i + 1];
        }
    }
}

static uint64_t holes_total(const struct holes *holes) {
    uint64_t total = 0;
    for (size_t i = 0; i < holes->count; i++) {
        total += holes->hole[i].size;
    }
    return total;
}

static uint64_t holes_largest(const struct holes *holes) {
    uint64_t largest = 0;
    for (size_t i = 0; i < holes->count; i++) {
        if (holes->hole[i].size > largest) {
            largest = holes->hole[i].size;
        }
    }
    return largest;
}

/** @return the smallest hole that holds size bytes, the lowest of equals; NULL when there is none */
static const struct hole *holes_best_fit(const struct holes *holes, uint64_t size) {
    const struct hole *best = NULL;
    for (size_t i = 0; i < holes->count; i++) {
        const struct hole *hole = &holes->hole[i];
        if (hole->size >= size && (best == NULL || hole->size < best->size)) {
            best = hole;
        }
    }
    return best;
}

/** @return how many partitions of a size the holes hold */
static uint64_t holes_capacity(const struct holes *holes, uint64_t size) {
    uint64_t capacity = 0;
    for (size_t i = 0; i < holes->count; i++) {
        capacity += holes->hole[i].size / size;
    }
    return capacity;
}

/** @return the largest size, in whole units, of which the holes hold `count` partitions; 0 when there is none */
static uint64_t holes_equal_share(const struct holes *holes, uint64_t count) {
    uint64_t fits = 0;
    uint64_t fails = holes_largest(holes) / UNIT + 1;
    while (fits + 1 < fails) {
        const uint64_t middle = fits + (fails - fits) / 2;
        if (holes_capacity(holes, middle * UNIT) >= count) {
            fits = middle;
        } else {
            fails = middle;
        }
    }
    return fits * UNIT;
}

/** Chooses the highest place that the firmware lets the loader write to now. @return false when there is none */
static bool place_switcher(struct memory_plan *plan, const struct holes *free, uint64_t size) {
    for (size_t i = free->count; i > 0; i--) {
        const struct hole *hole = &free->hole[i - 1];
        if (hole->size >= size) {
            plan->switcher_base = hole->base + hole->size - size;
            plan->switcher_size = size;
            return true;
        }
    }
    return false;
}

static uint64_t minimum_of(const struct memory_request *request) {
    const uint64_t minimum = round_up(request->minimum);
    return minimum < UNIT ? UNIT : minimum;
}

static void refuse(struct planner *planner, size_t persona, enum memory_fit fit, uint64_t needed, uint64_t available) {
    planner->partitions[persona] = (struct memory_partition){.fit = fit, .needed = needed, .available = available};
    planner->left_out[persona] = true;
}

/** Gives a persona the best-fitting place for a size that one hole holds. */
static void give(struct planner *planner, size_t persona, uint64_t size, uint64_t wanted) {
    const uint64_t largest = holes_largest(&planner->holes);
    const struct hole hole = *holes_best_fit(&planner->holes, size);
    planner->partitions[persona] = (struct memory_partition){.fit = size < wanted ? MEMORY_SHRUNK : MEMORY_FITS,
                                                             .base = hole.base,
                                                             .size = size,
                                                             .needed = wanted,
                                                             .available = largest};
    holes_remove(&planner->holes, hole.base, size);
}

/** Bytes that a request names. Divided first: 100 times all RAM need not fit in 64 bits. */
static uint64_t wanted_of(const struct memory_request *request, uint64_t usable) {
    if (request->share == MEMORY_SHARE_BYTES) {
        return round_down(request->amount);
    }
    return round_down(usable / 100 * request->amount + usable % 100 * request->amount / 100);
}

/** Places one persona that names its share. @return false when it does not fit */
static bool place_named(struct planner *planner, size_t persona, uint64_t wanted) {
    const struct memory_request *request = &planner->requests[persona];
    const uint64_t minimum = minimum_of(request);
    const uint64_t largest = holes_largest(&planner->holes);
    if (wanted < minimum) {
        refuse(planner, persona, MEMORY_SHARE_TOO_SMALL, minimum, wanted);
        return false;
    }
    if (wanted <= largest) {
        give(planner, persona, wanted, wanted);
        return true;
    }
    if (request->share == MEMORY_SHARE_BYTES || largest < minimum) {
        refuse(planner, persona, MEMORY_NO_ROOM, request->share == MEMORY_SHARE_BYTES ? wanted : minimum, largest);
        return false;
    }
    give(planner, persona, largest, wanted);
    return true;
}

/** Places all personas that name their share in one way, the largest first. @return false when one does not fit */
static bool place_group(struct planner *planner, enum memory_share share, uint64_t usable) {
    bool done[MEMORY_PLAN_PERSONAS_MAX] = {false};
    for (;;) {
        size_t next = planner->request_count;
        uint64_t largest = 0;
        for (size_t i = 0; i < planner->request_count; i++) {
            if (planner->requests[i].share != share || planner->left_out[i] || done[i]) {
                continue;
            }
            const uint64_t wanted = wanted_of(&planner->requests[i], usable);
            if (next == planner->request_count || wanted > largest) {
                next = i;
                largest = wanted;
            }
        }
        if (next == planner->request_count) {
            return true;
        }
        done[next] = true;
        if (!place_named(planner, next, largest)) {
            return false;
        }
    }
}

/** @return the persona of the largest minimum among those that wait, the last of equals; SIZE_MAX when none waits */
static size_t most_demanding(const struct planner *planner, const bool *waits) {
    size_t found = SIZE_MAX;
    for (size_t i = 0; i < planner->request_count; i++) {
        if (waits[i] &&
            (found == SIZE_MAX || minimum_of(&planner->requests[i]) >= minimum_of(&planner->requests[found]))) {
            found = i;
        }
    }
    return found;
}

/**
 * Divides what is left. One that needs more than an equal share gets its minimum, and the others divide the rest.
 * @return false when one does not fit
 */
static bool place_equals(struct planner *planner) {
    bool waits[MEMORY_PLAN_PERSONAS_MAX] = {false};
    uint64_t count = 0;
    for (size_t i = 0; i < planner->request_count; i++) {
        waits[i] = planner->requests[i].share == MEMORY_SHARE_EQUAL && !planner->left_out[i];
        count += waits[i] ? 1 : 0;
    }
    for (; count > 0; count--) {
        const size_t persona = most_demanding(planner, waits);
        const uint64_t minimum = minimum_of(&planner->requests[persona]);
        const uint64_t share = holes_equal_share(&planner->holes, count);
        const uint64_t size = minimum > share ? minimum : share;
        if (holes_largest(&planner->holes) < size) {
            refuse(planner, persona, MEMORY_NO_ROOM, minimum, holes_largest(&planner->holes));
            return false;
        }
        give(planner, persona, size, size);
        waits[persona] = false;
    }
    return true;
}

/** Plans all personas that are not left out. @return false when one more had to be left out */
static bool place_all(struct planner *planner, uint64_t usable) {
    return place_group(planner, MEMORY_SHARE_BYTES, usable) && place_group(planner, MEMORY_SHARE_PERCENT, usable) &&
           place_equals(planner);
}

static enum memory_plan_error check(size_t range_count, uint64_t switcher_size, const struct memory_request *requests,
                                    size_t request_count) {
    if (range_count > MEMORY_PLAN_RANGES_MAX) {
        return MEMORY_PLAN_TOO_MANY_RANGES;
    }
    if (request_count > MEMORY_PLAN_PERSONAS_MAX) {
        return MEMORY_PLAN_TOO_MANY_PERSONAS;
    }
    for (size_t i = 0; i < request_count; i++) {
        if (!request_is_good(&requests[i])) {
            return MEMORY_PLAN_BAD_REQUEST;
        }
    }
    return switcher_size == 0 ? MEMORY_PLAN_NO_SWITCHER_ROOM : MEMORY_PLAN_OK;
}

enum memory_plan_error memory_plan_make(struct memory_plan *plan, const struct memory_range *ranges, size_t range_count,
                                        uint64_t switcher_size, const struct memory_request *requests,
                                        size_t request_count) {
    enum memory_plan_error error = check(range_count, switcher_size, requests, request_count);
    if (error != MEMORY_PLAN_OK) {
        return error;
    }
    *plan = (struct memory_plan){0};
    struct planner planner = {.requests = requests, .request_count = request_count, .partitions = plan->personas};
    error = holes_from_ranges(&planner.holes, ranges, range_count, true);
    if (error != MEMORY_PLAN_OK) {
        return error;
    }
    holes_align(&planner.holes);
    if (!place_switcher(plan, &planner.holes, round_up(switcher_size))) {
        return MEMORY_PLAN_NO_SWITCHER_ROOM;
    }
    do {
        /* The error can't come again but for an overlap of the two kinds, which the first pass does not see. */
        error = holes_from_ranges(&planner.holes, ranges, range_count, false);
        if (error != MEMORY_PLAN_OK) {
            return error;
        }
        holes_align(&planner.holes);
        holes_remove(&planner.holes, plan->switcher_base, plan->switcher_size);
        plan->usable = holes_total(&planner.holes);
    } while (!place_all(&planner, plan->usable));
    return MEMORY_PLAN_OK;
}

const char *memory_plan_error_text(enum memory_plan_error error) {
    switch (error) {
    case MEMORY_PLAN_OK:
        return "no error";
    case MEMORY_PLAN_TOO_MANY_RANGES:
        return "the firmware's memory map has too many ranges";
    case MEMORY_PLAN_TOO_MANY_PERSONAS:
        return "too many personas";
    case MEMORY_PLAN_BAD_RANGE:
        return "the firmware's memory map has a malformed or overlapping range";
    case MEMORY_PLAN_BAD_REQUEST:
        return "a memory share is neither a size nor 1 to 100 percent";
    case MEMORY_PLAN_NO_SWITCHER_ROOM:
        return "no free memory range holds the switcher";
    }
    return "unknown error";
}

const char *memory_fit_text(enum memory_fit fit) {
    switch (fit) {
    case MEMORY_FITS:
        return "fits";
    case MEMORY_SHRUNK:
        return "fits with less memory than asked for";
    case MEMORY_SHARE_TOO_SMALL:
        return "its memory share is less than it needs to start";
    case MEMORY_NO_ROOM:
        return "not enough memory";
    }
    return "unknown";
}
