// SPDX-License-Identifier: BSD-3-Clause
#include "prewarm.h"

#include "attention.h"
#include "console.h"
#include "flip.h"
#include "history.h"
#include "log.h"
#include "switcher.h"

static struct {
    bool under_way;
    unsigned current;  /* index of the persona that is being prepared; HANDOVER_PERSONAS_MAX: none yet */
    uint64_t since;    /* counter, at its first start */
    uint64_t deadline; /* counter, when it has to be up */
} prewarm;

static unsigned seconds(uint64_t ticks) { return (unsigned)(ticks / arch_counter_frequency()); }

static unsigned next_from(unsigned index) {
    const struct handover *handover = switcher.handover;
    for (; index < handover->persona_count; index++)
        if (index != handover->first_persona && handover->personas[index].prewarm_ms != 0)
            return index;
    return handover->first_persona;
}

unsigned prewarm_first(void) {
    unsigned first = next_from(0);
    prewarm.under_way = first != switcher.handover->first_persona;
    prewarm.current = HANDOVER_PERSONAS_MAX;
    return first;
}

bool prewarm_under_way(void) { return prewarm.under_way; }

unsigned prewarm_next(void) { return next_from(prewarm.current + 1); }

static void report_last(uint64_t now) {
    if (prewarm.current == HANDOVER_PERSONAS_MAX || switcher.personas[prewarm.current].state != PERSONA_SUSPENDED)
        return;
    console_print("flipside: %s is ready after %u s\n", switcher.handover->personas[prewarm.current].name,
                  seconds(now - prewarm.since));
}

static void begin(unsigned index, uint64_t now) {
    uint32_t time_ms = switcher.handover->personas[index].prewarm_ms;
    prewarm.current = index;
    prewarm.since = now;
    prewarm.deadline = now + arch_counter_frequency() * time_ms / 1000;
    console_print("flipside: preparing %s (up to %u s)...\n", switcher.handover->personas[index].name, time_ms / 1000);
}

bool prewarm_started(unsigned index) {
    uint64_t now = arch_counter();
    if (prewarm.under_way && index != prewarm.current)
        report_last(now);
    prewarm.under_way = prewarm.under_way && index != switcher.handover->first_persona;
    if (!prewarm.under_way)
        return false;
    if (index != prewarm.current)
        begin(index, now);
    prewarm_resume();
    return true;
}

void prewarm_resume(void) {
    if (prewarm.under_way)
        attention_prewarm(prewarm_next(), prewarm.deadline);
}

void prewarm_up(void) {
    if (!prewarm.under_way)
        return;
    log_add(LOG_FLIP_ASKED, switcher.running, 0, 0);
    history_note(HISTORY_ASKED, switcher.running, prewarm_next());
    attention_prewarmed();
}

bool prewarm_give_up(bool hurry, struct trap_frame *frame) {
    if (!prewarm.under_way)
        return false;
    console_print("flipside: %s %s; it starts at the first flip to it\n", running_persona()->description->name,
                  hurry ? "is not waited for" : "was not ready in its time");
    flip_take_back(hurry ? switcher.handover->first_persona : prewarm_next(), frame);
    return true;
}
