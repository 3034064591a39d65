// SPDX-License-Identifier: BSD-3-Clause
#ifndef UNLOCKER_ATTEMPTS_H
#define UNLOCKER_ATTEMPTS_H

/**
 * Counts attempts at the PIN in the partition's last page, which no start of the persona overwrites: to cut it off and
 * start it again gains nothing. Before the persona is open only the unlocker runs in the partition; after a power-off
 * the loader clears all RAM, and begins with what the device's state says.
 */

#include "persona/state.h"

enum { ATTEMPTS_PAGE_SIZE = 4096 /* bytes */ };

/** As it lies in memory. */
struct attempts_record {
    uint64_t magic;
    uint8_t id[KEYS_ID_SIZE]; /* the persona's */
    uint32_t failed;
    uint32_t not_failed; /* all bits turned: so that no other content passes for a count */
};

/**
 * Takes what is recorded, or begins a record.
 * @param record in the partition
 * @param failed what the loader says, which counts where nothing is recorded, or less
 */
void attempts_open(struct attempts_record *record, const uint8_t *id, uint32_t failed);

/** Counts an attempt, before it is made. @return false: no attempt is left */
__attribute__((warn_unused_result)) bool attempts_take(struct attempts_record *record);

/** Counts one less: nothing answered whether the PIN was right. */
void attempts_return(struct attempts_record *record);

/** @return attempts left */
uint32_t attempts_left(const struct attempts_record *record);

/** @return seconds to wait before the next one */
uint32_t attempts_delay_s(const struct attempts_record *record);

/** Wipes the record: the PIN was right. */
void attempts_end(struct attempts_record *record);

#endif
