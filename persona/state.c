// SPDX-License-Identifier: BSD-3-Clause
#include "persona/state.h"

#include <string.h>

const char *state_error_text(enum state_error error) {
    switch (error) {
    case STATE_OK:
        return "no error";
    case STATE_ABSENT:
        return "this device has no state yet";
    case STATE_DAMAGED:
        return "the device's state is damaged, or of another device";
    case STATE_ROLLED_BACK:
        return "the device's state was put back to an earlier one";
    case STATE_NO_TPM:
        return "the device's state is guarded by a TPM that is not there";
    case STATE_OTHER_TPM:
        return "the device's state is guarded by another TPM, or this one was cleared";
    case STATE_NO_COUNTER:
        return "the TPM's counter that guards the device's state was removed";
    case STATE_FULL:
        return "the device has as many personas as it can have";
    case STATE_LOCKED_OUT:
        return "locked out after too many wrong PINs";
    case STATE_TOO_LONG:
        return "the device's state is too long";
    case STATE_FAILED:
        return "the cryptographic library failed";
    }
    return "unknown error";
}

struct state_persona *state_find(struct state *state, const uint8_t *id) {
    for (size_t i = 0; i < state->persona_count; i++)
        if (memcmp(state->personas[i].id, id, KEYS_ID_SIZE) == 0)
            return &state->personas[i];
    return NULL;
}

enum state_error state_add(struct state *state, const uint8_t *id) {
    if (state_find(state, id) != NULL)
        return STATE_OK;
    if (state->persona_count == STORE_PERSONAS_MAX)
        return STATE_FULL;
    struct state_persona *persona = &state->personas[state->persona_count++];
    memset(persona, 0, sizeof(*persona));
    memcpy(persona->id, id, sizeof(persona->id));
    return STATE_OK;
}

void state_remove(struct state *state, const uint8_t *id) {
    struct state_persona *persona = state_find(state, id);
    if (persona == NULL)
        return;
    *persona = state->personas[--state->persona_count];
    memset(&state->personas[state->persona_count], 0, sizeof(*persona));
}

enum state_error state_attempt(struct state_persona *persona) {
    if (persona->failed_attempts >= STATE_ATTEMPTS_MAX)
        return STATE_LOCKED_OUT;
    persona->failed_attempts++;
    return STATE_OK;
}

void state_attempt_good(struct state_persona *persona) { persona->failed_attempts = 0; }

uint32_t state_attempts_left(const struct state_persona *persona) {
    return persona->failed_attempts < STATE_ATTEMPTS_MAX ? STATE_ATTEMPTS_MAX - persona->failed_attempts : 0;
}

uint32_t state_delay_s(const struct state_persona *persona) {
    uint32_t delay_s = 5;
    if (persona->failed_attempts < STATE_FREE_ATTEMPTS)
        return 0;
    for (uint32_t i = STATE_FREE_ATTEMPTS; i < persona->failed_attempts && delay_s < STATE_DELAY_MAX; i++)
        delay_s *= 2;
    return delay_s < STATE_DELAY_MAX ? delay_s : STATE_DELAY_MAX;
}

static void try_version(struct state_persona *persona, uint64_t version) {
    if (persona->trying == version)
        return;
    persona->trying = version;
    persona->tries_left = STATE_TRIES_MAX;
}

static void give_up(struct state_persona *persona, uint64_t version) {
    persona->given_up = version;
    persona->trying = 0;
    persona->tries_left = 0;
}

struct state_choice state_choose(struct state_persona *persona, uint64_t newest, uint64_t other) {
    bool is_new = newest > persona->version;
    if (is_new && newest > persona->given_up) {
        try_version(persona, newest);
        if (other != 0 && persona->tries_left == 0)
            give_up(persona, newest);
        else if (other != 0)
            persona->tries_left--;
    }
    if (is_new && newest <= persona->given_up && other != 0)
        return (struct state_choice){other, other != persona->version, true};
    return (struct state_choice){newest, newest != persona->version, false};
}

void state_came_up(struct state_persona *persona, uint64_t version, uint64_t minimum) {
    if (version == persona->trying) {
        persona->trying = 0;
        persona->tries_left = 0;
    }
    if (version == persona->given_up)
        persona->given_up = 0;
    persona->version = version;
    if (minimum > persona->minimum_version)
        persona->minimum_version = minimum;
}
