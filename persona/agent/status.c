// SPDX-License-Identifier: BSD-3-Clause
#include "status.h"

#include <inttypes.h>

/* Whether all was written, the stream knows at its end. */
#define PRINT(...) ((void)fprintf(__VA_ARGS__))

static const char *const state_texts[STATES] = {
    [STATE_LOADED] = "loaded", [STATE_RUNNING] = "running", [STATE_SUSPENDED] = "suspended",
    [STATE_ASLEEP] = "asleep", [STATE_OFF] = "off",         [STATE_CUT_OFF] = "cut off",
};

static const char *const stage_texts[STAGES] = {
    [STAGE_ASKED] = "asked",       [STAGE_ACKNOWLEDGED] = "acknowledged", [STAGE_SUSPENDING] = "suspending",
    [STAGE_FLIPPED] = "flipped",   [STAGE_REFUSED] = "refused",           [STAGE_TIMED_OUT] = "timed out",
    [STAGE_GIVEN_UP] = "given up",
};

static const char *const counter_texts[COUNTERS] = {
    [COUNTER_HVC] = "hvc",
    [COUNTER_SMC] = "smc",
    [COUNTER_SYSTEM_REGISTER] = "system-register",
    [COUNTER_DISTRIBUTOR_WRITE] = "distributor-write",
    [COUNTER_REDISTRIBUTOR_WRITE] = "redistributor-write",
    [COUNTER_FAULT] = "fault",
    [COUNTER_ATTENTION_INTERRUPT] = "attention-interrupt",
    [COUNTER_UNDEFINED] = "undefined",
    [COUNTER_FLIP] = "flip",
    [COUNTER_CHANNEL] = "channel",
    [COUNTER_DMA_FAULT] = "dma-fault",
    [COUNTER_CLOCK] = "clock",
};

static const char *const time_texts[TIMES] = {"asked", "acknowledged", "suspended", "resumed"};

enum { SECOND = 1000000000, MILLISECOND = 1000000, DURATION_SIZE = 48 };

/* Two units are enough: "3 h 12 min". */
static const char *duration(uint64_t nanoseconds, char text[DURATION_SIZE]) {
    uint64_t seconds = nanoseconds / SECOND;
    if (seconds >= 86400)
        (void)snprintf(text, DURATION_SIZE, "%" PRIu64 " d %" PRIu64 " h", seconds / 86400, seconds / 3600 % 24);
    else if (seconds >= 3600)
        (void)snprintf(text, DURATION_SIZE, "%" PRIu64 " h %" PRIu64 " min", seconds / 3600, seconds / 60 % 60);
    else if (seconds >= 60)
        (void)snprintf(text, DURATION_SIZE, "%" PRIu64 " min %" PRIu64 " s", seconds / 60, seconds % 60);
    else
        (void)snprintf(text, DURATION_SIZE, "%" PRIu64 ".%03u s", seconds,
                       (unsigned)(nanoseconds % SECOND / MILLISECOND));
    return text;
}

/* Of a time that came to pass before another; else nothing of it is known. */
static uint64_t age(uint64_t now, uint64_t then) { return then != 0 && then <= now ? now - then : 0; }

static uint64_t started(const struct message_flip *flip) {
    return flip->times[TIME_ASKED] != 0 ? flip->times[TIME_ASKED] : flip->times[TIME_SUSPENDED];
}

static void print_personas(const struct message_status *status, FILE *to) {
    char text[DURATION_SIZE];
    for (unsigned i = 0; i < status->persona_count; i++) {
        const struct message_persona *persona = &status->personas[i];
        PRINT(to, "%-16s %-10s", persona->name, state_texts[persona->state]);
        if (persona->since != 0)
            PRINT(to, " for %-14s", duration(age(status->now, persona->since), text));
        PRINT(to, "%s%s\n", persona->agent ? " agent" : "", i == status->self ? " (this system)" : "");
    }
}

/* How long after its beginning a request came to its stages. */
static void print_stages(const struct message_flip *flip, FILE *to) {
    char text[DURATION_SIZE];
    for (unsigned i = TIME_ACKNOWLEDGED; i < TIMES; i++)
        if (flip->times[i] > started(flip))
            PRINT(to, ", %s after %s", time_texts[i], duration(flip->times[i] - started(flip), text));
}

static void print_flip(const struct message_status *status, const struct message_flip *flip, FILE *to) {
    char text[DURATION_SIZE];
    PRINT(to, "  %s to %s: %s", status->personas[flip->from].name, status->personas[flip->to].name,
          stage_texts[flip->stage]);
    if (started(flip) != 0)
        PRINT(to, ", %s ago", duration(age(status->now, started(flip)), text));
    print_stages(flip, to);
    PRINT(to, "\n");
}

void status_print(const struct message_status *status, FILE *to) {
    print_personas(status, to);
    PRINT(to, "%s\n", status->flip_count == 0 ? "flips: none yet" : "flips, newest first:");
    for (unsigned i = 0; i < status->flip_count; i++)
        print_flip(status, &status->flips[i], to);
    PRINT(to, "counts of this system:");
    for (unsigned i = 0; i < COUNTERS; i++)
        PRINT(to, "%s %s %" PRIu64, i == 0 ? "" : ",", counter_texts[i], status->counters[i]);
    PRINT(to, "\n");
}

/* No text needs an escape: names are [a-z0-9-], checked as they came. */
static void print_json_flip(const struct message_status *status, const struct message_flip *flip, FILE *to) {
    PRINT(to, "{\"from\":\"%s\",\"to\":\"%s\",\"stage\":\"%s\"", status->personas[flip->from].name,
          status->personas[flip->to].name, stage_texts[flip->stage]);
    for (unsigned i = 0; i < TIMES; i++)
        PRINT(to, ",\"%s\":%" PRIu64, time_texts[i], flip->times[i]);
    PRINT(to, "}");
}

void status_print_json(const struct message_status *status, FILE *to) {
    PRINT(to, "{\"now\":%" PRIu64 ",\"self\":\"%s\",\"personas\":[", status->now, status->personas[status->self].name);
    for (unsigned i = 0; i < status->persona_count; i++) {
        const struct message_persona *persona = &status->personas[i];
        PRINT(to, "%s{\"name\":\"%s\",\"state\":\"%s\",\"since\":%" PRIu64 ",\"agent\":%s}", i == 0 ? "" : ",",
              persona->name, state_texts[persona->state], persona->since, persona->agent ? "true" : "false");
    }
    PRINT(to, "],\"flips\":[");
    for (unsigned i = 0; i < status->flip_count; i++) {
        PRINT(to, "%s", i == 0 ? "" : ",");
        print_json_flip(status, &status->flips[i], to);
    }
    PRINT(to, "],\"counters\":{");
    for (unsigned i = 0; i < COUNTERS; i++)
        PRINT(to, "%s\"%s\":%" PRIu64, i == 0 ? "" : ",", counter_texts[i], status->counters[i]);
    PRINT(to, "}}\n");
}
