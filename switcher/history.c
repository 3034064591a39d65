// SPDX-License-Identifier: BSD-3-Clause
#include "history.h"

static struct history_entry entries[HISTORY_ENTRIES];
static uint64_t count; /* of all that ever began; the last is entries[(count - 1) % HISTORY_ENTRIES] */

static struct history_entry *newest(void) { return &entries[(count + HISTORY_ENTRIES - 1) % HISTORY_ENTRIES]; }

static bool under_way(void) { return count > 0 && newest()->stage < HISTORY_FLIPPED; }

static void begin(unsigned from, unsigned to) {
    if (under_way())
        newest()->stage = HISTORY_GIVEN_UP;
    count++;
    *newest() = (struct history_entry){.from = from, .to = to};
}

void history_note(enum history_stage stage, unsigned from, unsigned to) {
    if (stage == HISTORY_ASKED || (stage == HISTORY_SUSPENDING && !under_way()))
        begin(from, to);
    if (!under_way())
        return;
    newest()->stage = stage;
    if (stage <= HISTORY_FLIPPED)
        newest()->times[stage - HISTORY_ASKED] = arch_counter();
}

bool history_get(unsigned age, struct history_entry *entry) {
    if (age >= HISTORY_ENTRIES || age >= count)
        return false;
    *entry = entries[(count - 1 - age) % HISTORY_ENTRIES];
    return true;
}
