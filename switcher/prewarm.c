// SPDX-License-Identifier: BSD-3-Clause
#include "prewarm.h"

#include "attention.h"
#include "console.h"
#include "flip.h"
#include "history.h"
#include "log.h"

static unsigned current; /* index of the persona that is being prepared; of the chosen one: none is */
static uint64_t since;   /* counter, when that began */

static unsigned begin(unsigned index) {
    current = index;
    since = arch_counter();
    return index;
}

static unsigned next_from(unsigned index) {
    const struct handover *handover = switcher.handover;
    for (; index < handover->persona_count; index++)
        if (index != handover->first_persona && handover->personas[index].prewarm_ms != 0)
            return index;
    return handover->first_persona;
}

unsigned prewarm_first(void) { return begin(next_from(0)); }

bool prewarm_under_way(void) { return current != switcher.handover->first_persona; }

unsigned prewarm_next(void) { return next_from(current + 1); }

static void report_ready(const struct persona *persona) {
    uint64_t seconds = (arch_counter() - since) / arch_counter_frequency();
    if (persona->state == PERSONA_SUSPENDED)
        console_print("flipside: %s is ready after %u s\n", persona->description->name, (unsigned)seconds);
}

bool prewarm_started(unsigned index) {
    const struct handover_persona *persona = &switcher.handover->personas[index];
    if (index != current && prewarm_under_way()) {
        report_ready(&switcher.personas[current]);
        (void)begin(index);
    }
    if (!prewarm_under_way())
        return false;
    console_print("flipside: preparing %s (up to %u s)...\n", persona->name, persona->prewarm_ms / 1000);
    prewarm_resume();
    return true;
}

void prewarm_resume(void) {
    uint64_t time = arch_counter_frequency() * switcher.handover->personas[current].prewarm_ms / 1000;
    if (prewarm_under_way())
        attention_prewarm(prewarm_next(), since + time);
}

void prewarm_up(void) {
    if (!prewarm_under_way())
        return;
    log_add(LOG_FLIP_ASKED, switcher.running, 0, 0);
    history_note(HISTORY_ASKED, switcher.running, prewarm_next());
    attention_prewarmed();
}

bool prewarm_give_up(bool hurry, struct trap_frame *frame) {
    if (!prewarm_under_way() || switcher.running != current)
        return false;
    console_print("flipside: %s %s; it starts at the first flip to it\n", running_persona()->description->name,
                  hurry ? "is not waited for" : "was not ready in its time");
    flip_stop(PERSONA_LOADED, hurry ? switcher.handover->first_persona : prewarm_next(), frame);
    return true;
}
