// SPDX-License-Identifier: BSD-3-Clause
#ifndef LOADER_MEMORY_PLAN_H
#define LOADER_MEMORY_PLAN_H

/**
 * The memory plan: which RAM the switcher and each persona get. Pure: from a map and requests to ranges, the same for
 * the same input.
 *
 * The switcher's region comes first, at the highest address that the firmware lets the loader write to already now.
 * Then each persona gets one partition: those that ask for bytes first, then those that ask for a percentage, and
 * what is left is divided equally among those that ask for nothing. Within each group the largest comes first, each
 * into the smallest hole that holds it. A persona that does not fit leaves its share to the others.
 */

#include <stddef.h>
#include <stdint.h>

enum {
    MEMORY_PLAN_RANGES_MAX = 512, /* of the map */
    MEMORY_PLAN_PERSONAS_MAX = 8,
    MEMORY_PLAN_UNIT = 2 * 1024 * 1024, /* bytes: every base and size of a plan is a multiple */
};

enum memory_kind {
    MEMORY_FREE = 1,    /* usable now (EfiConventionalMemory) */
    MEMORY_AFTER_EXIT,  /* usable by personas once boot services have ended (theirs, and the loader's image) */
    MEMORY_LOADER_DATA, /* the same, but what the loader itself asked for (EfiLoaderData) */
};

struct memory_range {
    uint64_t base; /* bytes, physical */
    uint64_t size; /* bytes */
    enum memory_kind kind;
};

enum memory_share {
    MEMORY_SHARE_EQUAL = 0, /* what the others leave, divided equally */
    MEMORY_SHARE_BYTES,     /* exactly so much, or nothing */
    MEMORY_SHARE_PERCENT,   /* of all RAM that personas can use; less when no hole is large enough */
};

struct memory_request {
    enum memory_share share;
    uint64_t amount;  /* bytes or percent (1 to 100); ignored for MEMORY_SHARE_EQUAL */
    uint64_t minimum; /* bytes without which the persona cannot start: kernel, initrd, device tree and some room */
};

enum memory_fit {
    MEMORY_FITS = 0,
    MEMORY_SHRUNK,          /* planned, with less than asked for: the largest hole was smaller */
    MEMORY_SHARE_TOO_SMALL, /* not planned: what is asked for is below the minimum */
    MEMORY_NO_ROOM,         /* not planned: no hole is large enough */
};

/** What one persona gets. */
struct memory_partition {
    enum memory_fit fit;
    uint64_t base;      /* bytes; 0 when not planned */
    uint64_t size;      /* bytes; 0 when not planned */
    uint64_t needed;    /* bytes asked for (shrunk), or without which it does not fit */
    uint64_t available; /* bytes: its share or the largest hole when it was looked at */
};

struct memory_plan {
    uint64_t switcher_base; /* bytes */
    uint64_t switcher_size; /* bytes, rounded up to MEMORY_PLAN_UNIT */
    uint64_t usable;        /* bytes that personas can use: the base of percentages */
    struct memory_partition personas[MEMORY_PLAN_PERSONAS_MAX]; /* in the order of the requests */
};

enum memory_plan_error {
    MEMORY_PLAN_OK = 0,
    MEMORY_PLAN_TOO_MANY_RANGES,   /* more than MEMORY_PLAN_RANGES_MAX */
    MEMORY_PLAN_TOO_MANY_PERSONAS, /* more than MEMORY_PLAN_PERSONAS_MAX */
    MEMORY_PLAN_BAD_RANGE,         /* a range that ends at 2^64 or above, of no known kind, or that overlaps another */
    MEMORY_PLAN_BAD_REQUEST,       /* an unknown share, 0 bytes, or a percentage outside 1 to 100 */
    MEMORY_PLAN_NO_SWITCHER_ROOM,  /* no free range holds the switcher's region */
};

/**
 * Plans the switcher's region and the personas' partitions.
 * A persona that does not fit is no error of the plan: its `fit` says so and the others are planned without it.
 * @param plan filled when MEMORY_PLAN_OK is returned
 * @param ranges the usable RAM in any order, ranges that do not overlap; what is reserved is simply absent
 * @param range_count number of ranges
 * @param switcher_size bytes that the switcher's region needs, at least 1
 * @param requests one a persona
 * @param request_count number of requests, may be 0
 * @return MEMORY_PLAN_OK or any other of enum memory_plan_error
 */
__attribute__((warn_unused_result)) enum memory_plan_error
memory_plan_make(struct memory_plan *plan, const struct memory_range *ranges, size_t range_count,
                 uint64_t switcher_size, const struct memory_request *requests, size_t request_count);

/** @return the error's text, one line without a full stop; never NULL */
const char *memory_plan_error_text(enum memory_plan_error error);

/** @return what became of a request, as text, one line without a full stop; never NULL */
const char *memory_fit_text(enum memory_fit fit);

#endif
