// SPDX-License-Identifier: BSD-3-Clause
#include "attempts.h"

#include <string.h>

#define MAGIC UINT64_C(0x5354504d45545441) /* "ATTEMPTS", little-endian */

static bool is_good(const struct attempts_record *record, const uint8_t *id) {
    return record->magic == MAGIC && memcmp(record->id, id, sizeof(record->id)) == 0 &&
           record->failed == ~record->not_failed;
}

static void put(struct attempts_record *record, uint32_t failed) {
    record->failed = failed;
    record->not_failed = ~failed;
}

void attempts_open(struct attempts_record *record, const uint8_t *id, uint32_t failed) {
    if (is_good(record, id) && record->failed >= failed)
        return;
    record->magic = MAGIC;
    memcpy(record->id, id, sizeof(record->id));
    put(record, failed);
}

static struct state_persona state_of(const struct attempts_record *record) {
    return (struct state_persona){.failed_attempts = record->failed};
}

bool attempts_take(struct attempts_record *record) {
    struct state_persona state = state_of(record);
    if (state_attempt(&state) != STATE_OK)
        return false;
    put(record, state.failed_attempts);
    return true;
}

void attempts_return(struct attempts_record *record) {
    if (record->failed > 0)
        put(record, record->failed - 1);
}

uint32_t attempts_left(const struct attempts_record *record) {
    struct state_persona state = state_of(record);
    return state_attempts_left(&state);
}

uint32_t attempts_delay_s(const struct attempts_record *record) {
    struct state_persona state = state_of(record);
    return state_delay_s(&state);
}

void attempts_end(struct attempts_record *record) { memset(record, 0, sizeof(*record)); }
