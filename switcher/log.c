// SPDX-License-Identifier: BSD-3-Clause
#include "log.h"

#include "console.h"

/* An entry is complete when `ticket` is one more than the number it was added as; 0 while it is written. */
struct slot {
    uint64_t ticket;
    struct log_entry entry;
};

static struct slot ring[LOG_ENTRIES];
static uint64_t next_number;
static uint64_t counters[HANDOVER_PERSONAS_MAX][LOG_COUNTERS];
static uint64_t start_time;
static const struct handover *names;

/* How an entry reads; a value without a label says nothing and is left out. */
struct event_text {
    const char *text;
    const char *a;
    const char *b;
};

static const struct event_text event_texts[] = {
    [LOG_START] = {"started", NULL, NULL},
    [LOG_FLIP_ASKED] = {"asked to flip", NULL, NULL},
    [LOG_SUSPEND] = {"suspended", "resumes at", NULL},
    [LOG_RESUME] = {"resumed", NULL, NULL},
    [LOG_SLEEP] = {"asleep", NULL, NULL},
    [LOG_WAKE] = {"woken", "by INTID", NULL},
    [LOG_REFUSED] = {"flip refused", "busy device at", NULL},
    [LOG_UNANSWERED] = {"did not answer", NULL, NULL},
    [LOG_CUT_OFF] = {"cut off", NULL, NULL},
    [LOG_RESET] = {"reset", NULL, NULL},
    [LOG_OFF] = {"off", NULL, NULL},
    [LOG_CPU_ON] = {"CPU on", "index", "entry"},
    [LOG_CPU_OFF] = {"CPU off", "index", NULL},
    [LOG_FAULT] = {"access outside", "at", "ESR_EL2"},
    [LOG_PSCI_ERROR] = {"PSCI call refused", "function", "result"},
    [LOG_ACKNOWLEDGED] = {"acknowledged", NULL, NULL},
    [LOG_DECLINED] = {"does not want to flip", NULL, NULL},
    [LOG_DMA_FAULT] = {"DMA outside", "at", "stream and event"},
    [LOG_UP] = {"is up", NULL, NULL},
    [LOG_ALARM] = {"alarm due", NULL, NULL},
};

void log_init(const struct handover *handover) {
    names = handover;
    start_time = arch_counter();
}

void log_add(enum log_event event, unsigned persona, uint64_t a, uint64_t b) {
    uint64_t number = __atomic_fetch_add(&next_number, 1, __ATOMIC_RELAXED);
    struct slot *slot = &ring[number % LOG_ENTRIES];
    __atomic_store_n(&slot->ticket, 0, __ATOMIC_RELAXED);
    /* A reader that sees part of the new entry sees the ticket gone too. */
    __atomic_thread_fence(__ATOMIC_RELEASE);
    slot->entry = (struct log_entry){
        .time = arch_counter(),
        .a = a,
        .b = b,
        .event = (uint16_t)event,
        .persona = (uint16_t)persona,
        .cpu = arch_cpu_index(),
    };
    __atomic_store_n(&slot->ticket, number + 1, __ATOMIC_RELEASE);
}

void log_count(enum log_counter counter, unsigned persona) {
    if (persona < HANDOVER_PERSONAS_MAX && counter < LOG_COUNTERS)
        (void)__atomic_fetch_add(&counters[persona][counter], 1, __ATOMIC_RELAXED);
}

uint64_t log_counted(enum log_counter counter, unsigned persona) {
    if (persona >= HANDOVER_PERSONAS_MAX || counter >= LOG_COUNTERS)
        return 0;
    return __atomic_load_n(&counters[persona][counter], __ATOMIC_RELAXED);
}

bool log_get(uint64_t number, struct log_entry *entry) {
    const struct slot *slot = &ring[number % LOG_ENTRIES];
    if (__atomic_load_n(&slot->ticket, __ATOMIC_ACQUIRE) != number + 1)
        return false;
    *entry = slot->entry;
    /* The copy is whole only if nobody began to overwrite it meanwhile. */
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return __atomic_load_n(&slot->ticket, __ATOMIC_RELAXED) == number + 1;
}

uint64_t log_end(void) { return __atomic_load_n(&next_number, __ATOMIC_RELAXED); }

static struct event_text event_text(unsigned event) {
    if (event >= sizeof event_texts / sizeof event_texts[0] || event_texts[event].text == NULL)
        return (struct event_text){"unknown event", "a", "b"};
    return event_texts[event];
}

static const char *persona_name(unsigned persona) {
    return names != NULL && persona < names->persona_count ? names->personas[persona].name : "no persona";
}

static uint64_t milliseconds_since_start(uint64_t time) {
    uint64_t frequency = arch_counter_frequency();
    if (time < start_time || frequency == 0)
        return 0;
    uint64_t elapsed = time - start_time;
    return elapsed / frequency * 1000 + elapsed % frequency * 1000 / frequency;
}

/* Each line is one print, so that lines of two CPUs do not mix. */
static void print_entry(const struct log_entry *entry) {
    uint64_t time = milliseconds_since_start(entry->time);
    const char *name = persona_name(entry->persona);
    struct event_text text = event_text(entry->event);
    if (text.a == NULL)
        console_print("%lu ms CPU %u %s: %s\n", time, entry->cpu, name, text.text);
    else if (text.b == NULL)
        console_print("%lu ms CPU %u %s: %s, %s 0x%lx\n", time, entry->cpu, name, text.text, text.a, entry->a);
    else
        console_print("%lu ms CPU %u %s: %s, %s 0x%lx, %s 0x%lx\n", time, entry->cpu, name, text.text, text.a, entry->a,
                      text.b, entry->b);
}

static void print_counters(unsigned persona) {
    console_print("%s: %lu flips; traps: HVC %lu, SMC %lu, system register %lu, distributor %lu, redistributor %lu, "
                  "fault %lu, FIQ %lu, undefined %lu, channel %lu, DMA fault %lu, clock %lu\n",
                  persona_name(persona), log_counted(COUNT_FLIP, persona), log_counted(COUNT_HVC, persona),
                  log_counted(COUNT_SMC, persona), log_counted(COUNT_SYSREG, persona),
                  log_counted(COUNT_GICD_WRITE, persona), log_counted(COUNT_GICR_WRITE, persona),
                  log_counted(COUNT_FAULT, persona), log_counted(COUNT_FIQ, persona),
                  log_counted(COUNT_UNDEFINED, persona), log_counted(COUNT_CHANNEL, persona),
                  log_counted(COUNT_DMA_FAULT, persona), log_counted(COUNT_CLOCK, persona));
}

void log_print(void) {
    uint64_t end = log_end();
    for (uint64_t number = end > LOG_ENTRIES ? end - LOG_ENTRIES : 0; number < end; number++) {
        struct log_entry entry;
        if (log_get(number, &entry))
            print_entry(&entry);
    }
    unsigned personas = names != NULL ? names->persona_count : HANDOVER_PERSONAS_MAX;
    for (unsigned persona = 0; persona < personas && persona < HANDOVER_PERSONAS_MAX; persona++)
        print_counters(persona);
}
