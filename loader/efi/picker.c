// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "console.h"
#include "session.h"

enum { MIB = 1024 * 1024, PROMPT_WIDTH = 78 };

static void print_persona(const struct session *session, size_t index) {
    static const char *const states[] = {
        [SESSION_READY] = "ready",     [SESSION_LOCKED] = "locked",   [SESSION_LOCKED_OUT] = "locked out",
        [SESSION_REFUSED] = "refused", [SESSION_DAMAGED] = "damaged", [SESSION_NO_FIT] = "does not fit"};
    const struct store_persona *entry = &session->store.personas[index];
    const struct session_persona *persona = &session->personas[index];
    console_print("  %lu  %-16s %-24s %s", (unsigned long)index + 1, entry->name, entry->config.title,
                  states[persona->state]);
    if (session_can_choose(session, index))
        console_print(", %lu MB", (unsigned long)(persona->partition.size / MIB));
    /* A folder can be called as a signed persona was: what asks for its PIN then is not to be trusted with it. */
    if (entry->status == STORE_READY && session->vault_error != VAULT_NO_ORGANISATION)
        console_print(", not signed");
    if (persona->version[0] != '\0')
        console_print(", version %s", persona->version);
    console_print("%s%s\n", persona->reason[0] != '\0' ? ": " : "", persona->reason);
}

static bool has_encrypted(const struct session *session) {
    for (size_t i = 0; i < session->store.persona_count; i++)
        if (session->store.personas[i].status == STORE_ENCRYPTED)
            return true;
    return false;
}

static void print_list(const struct session *session) {
    console_print("\nPersonas%s\n", session->store.persona_count == 0 ? ": none" : "");
    for (size_t i = 0; i < session->store.persona_count; i++)
        print_persona(session, i);
    console_print("Digits and arrows choose, Enter starts; %sv: details, r: read anew, q: back to the firmware\n",
                  has_encrypted(session) ? "u: unlock only, p: change the PIN, " : "");
}

/* One line, written over the one before: as plain as a serial terminal needs it. */
static void print_prompt(const struct session *session, size_t chosen, unsigned seconds, bool counting) {
    const char *name = chosen == SIZE_MAX ? "" : session->store.personas[chosen].name;
    if (chosen == SIZE_MAX)
        console_print("\r%-*s", PROMPT_WIDTH, "Nothing can be started.");
    else if (counting)
        console_print("\rStart %lu %s in %u s   ", (unsigned long)chosen + 1, name, seconds);
    else
        console_print("\rStart %lu %-*s", (unsigned long)chosen + 1, PROMPT_WIDTH - 10, name);
}

/* The next one in a direction that can be started; the same one when there is no other. */
static size_t step(const struct session *session, size_t chosen, int direction) {
    size_t count = session->store.persona_count;
    for (size_t steps = 1; steps < count; steps++) {
        size_t index = (chosen + (direction > 0 ? steps : count - steps)) % count;
        if (session_can_choose(session, index))
            return index;
    }
    return chosen;
}

static void choose_digit(struct session *session, unsigned key, size_t *chosen) {
    size_t index = key - '1';
    if (session_can_choose(session, index))
        *chosen = index;
    else if (index < session->store.persona_count)
        console_print("\r%-*s\n", PROMPT_WIDTH, "That one can't be started.");
}

static void read_anew(struct session *session, size_t *chosen) {
    console_print("\n");
    session_load(session);
    session_plan(session, true);
    *chosen = session_default(session);
    print_list(session);
}

/* Unlocks without a start, so that several can be open for one. */
static void unlock_only(struct session *session, size_t *chosen, bool change) {
    console_print("\n");
    if (session->store.personas[*chosen].status != STORE_ENCRYPTED)
        console_print("%s is not encrypted\n", session->store.personas[*chosen].name);
    else if (change || session->personas[*chosen].state == SESSION_LOCKED)
        session_unlock(session, *chosen, change);
    session_plan(session, true);
    if (!session_can_choose(session, *chosen))
        *chosen = session_default(session);
    print_list(session);
}

enum outcome { STAY, START, LEAVE };

static enum outcome take_key(struct session *session, unsigned key, size_t *chosen) {
    if (key == CONSOLE_KEY_ENTER)
        return *chosen == SIZE_MAX ? STAY : START;
    if (key == 'q')
        return LEAVE;
    if (key >= '1' && key <= '9')
        choose_digit(session, key, chosen);
    if ((key == CONSOLE_KEY_UP || key == CONSOLE_KEY_DOWN) && *chosen != SIZE_MAX)
        *chosen = step(session, *chosen, key == CONSOLE_KEY_DOWN ? 1 : -1);
    if ((key == 'u' || key == 'p') && *chosen != SIZE_MAX)
        unlock_only(session, chosen, key == 'p');
    if (key == 'r')
        read_anew(session, chosen);
    if (key == 'v') {
        console_print("\n");
        session_print_detail(session);
        print_list(session);
    }
    return STAY;
}

/* @return the first key pressed, or CONSOLE_KEY_NONE when the time is over */
static unsigned count_down(const struct session *session, size_t chosen, unsigned seconds) {
    unsigned key = console_key();
    for (; key == CONSOLE_KEY_NONE && seconds > 0; seconds--) {
        print_prompt(session, chosen, seconds, true);
        for (unsigned waited = 0; key == CONSOLE_KEY_NONE && waited < 1000; waited += CONSOLE_POLL_MS) {
            console_wait(CONSOLE_POLL_MS);
            key = console_key();
        }
    }
    return key;
}

size_t session_pick(struct session *session) {
    size_t chosen = session_default(session);
    unsigned key = CONSOLE_KEY_NONE;
    print_list(session);
    if (chosen != SIZE_MAX && !session->start_failed) {
        key = count_down(session, chosen, session->store.terminal.timeout_s);
        if (key == CONSOLE_KEY_NONE) {
            console_print("\n");
            return chosen;
        }
    }
    for (;;) {
        enum outcome outcome = key == CONSOLE_KEY_NONE ? STAY : take_key(session, key, &chosen);
        if (outcome != STAY) {
            console_print("\n");
            return outcome == START ? chosen : SIZE_MAX;
        }
        print_prompt(session, chosen, 0, false);
        key = console_wait_key();
    }
}
