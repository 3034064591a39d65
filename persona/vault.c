// SPDX-License-Identifier: BSD-3-Clause
#include "persona/vault.h"

#include <string.h>

#include "crypto/hkdf.h"
#include "vault_parts.h"

enum vault_error vault_open(struct vault *vault, const struct vault_setup *setup) {
    memset(vault, 0, sizeof(*vault));
    vault->setup = *setup;
    if (setup->random == NULL)
        return vault_fail(vault, VAULT_NO_ENTROPY, NULL, NULL);
    return vault_end(vault, vault_open_device(vault));
}

void vault_close(struct vault *vault) {
    if (vault->tpm_open)
        tpm_close(&vault->tpm);
    crypto_wipe(vault, sizeof(*vault));
}

bool vault_has(const struct store_files *files, const char *name) {
    static const char *const any[] = {"a/manifest", "b/manifest", "grant"};
    char path[STORE_PATH_SIZE];
    uint64_t size = 0;
    for (size_t i = 0; i < sizeof(any) / sizeof(any[0]); i++) {
        vault_path(path, name, any[i]);
        if (files->size(files->context, path, &size) == STORE_FILE_OK)
            return true;
    }
    return false;
}

enum vault_error vault_look(struct vault *vault, const char *name, struct vault_persona *persona) {
    return vault_end(vault, vault_find(vault, name, persona));
}

/* ---- Opening */

/* Adds what a grant says to the state that is to be. */
static enum vault_error note_grant(struct vault *vault, struct state *next) {
    if (state_add(next, vault->id) != STATE_OK)
        return vault_fail(vault, VAULT_TOO_MANY, NULL, NULL);
    struct state_persona *persona = state_find(next, vault->id);
    memcpy(persona->check, vault->grant.check, sizeof(persona->check));
    persona->grant = vault->grant.number;
    state_attempt_good(persona);
    return VAULT_OK;
}

static enum vault_error fill_slots(struct vault *vault, struct slots *slots, const uint8_t *persona_key,
                                   const void *pin, size_t pin_size) {
    enum vault_error error = VAULT_OK;
    if (vault->grant.unlock == MANIFEST_UNLOCK_PIN)
        error = vault_add_pin(vault, slots, persona_key, pin, pin_size);
    else if (slots_add(slots, &vault->grant.device_slot) != SLOTS_OK)
        error = vault_fail(vault, VAULT_FAILED, NULL, NULL);
    if (error == VAULT_OK && slots_add(slots, &vault->grant.escrow_slot) != SLOTS_OK)
        error = vault_fail(vault, VAULT_FAILED, NULL, NULL);
    return error;
}

/* The slots go to the copy that does not count: nothing has changed before the state is written. */
static enum vault_error take_grant(struct vault *vault, struct state *next, const void *pin, size_t pin_size,
                                   uint8_t *persona_key) {
    static const uint8_t wiped[KEYS_SIZE];
    struct state_persona *known = state_find(&vault->state, vault->id);
    enum vault_error error = vault_open_grant(vault, persona_key);
    if (error == VAULT_OK && known != NULL && memcmp(known->check, wiped, sizeof(wiped)) != 0 &&
        memcmp(known->check, vault->grant.check, sizeof(known->check)) != 0)
        error = vault_fail(vault, VAULT_REFUSED, NULL, grant_error_text(GRANT_WRONG_KEY));
    if (error == VAULT_OK)
        error = note_grant(vault, next);
    if (error != VAULT_OK)
        return error;
    slots_begin(&vault->slots, vault->id);
    vault->slots.generation = known != NULL ? known->slots_generation : 0;
    error = fill_slots(vault, &vault->slots, persona_key, pin, pin_size);
    if (error == VAULT_OK)
        error = vault_write_slots(vault, &vault->slots, persona_key);
    if (error == VAULT_OK)
        state_find(next, vault->id)->slots_generation = vault->slots.generation + 1;
    return error;
}

static enum vault_error open_slots(struct vault *vault, struct state *next, const void *pin, size_t pin_size,
                                   uint8_t *persona_key) {
    size_t device = slots_find(&vault->slots, SLOT_DEVICE, 0);
    enum vault_error error = VAULT_OK;
    if (slots_find(&vault->slots, SLOT_PIN, 0) != SIZE_MAX) {
        error = vault_open_pin(vault, pin, pin_size, persona_key);
    } else {
        enum slots_error opened = slots_open_sealed(&vault->slots, device, &vault->agreer, persona_key);
        error = opened == SLOTS_OK ? VAULT_OK : vault_fail_slots(vault, opened);
    }
    if (error == VAULT_OK)
        error = vault_check_key(vault, persona_key);
    // What counted the attempt changed the state.
    *next = vault->state;
    if (error == VAULT_OK)
        state_attempt_good(state_find(next, vault->id));
    return error;
}

static enum vault_error check_request(struct vault *vault, const struct vault_persona *found, const void *pin,
                                      size_t pin_size) {
    switch (found->status) {
    case VAULT_READY:
        return VAULT_OK;
    case VAULT_ASKS_PIN:
        return pin != NULL ? VAULT_OK : vault_fail(vault, VAULT_PIN_NEEDED, NULL, NULL);
    case VAULT_ASKS_NEW_PIN:
        if (found->code)
            return vault_fail(vault, VAULT_CODE_NEEDED, NULL, NULL);
        if (pin == NULL)
            return vault_fail(vault, VAULT_PIN_NEEDED, NULL, NULL);
        return pin_size >= VAULT_PIN_MIN && pin_size <= PIN_SIZE_MAX ? VAULT_OK
                                                                     : vault_fail(vault, VAULT_PIN_BAD, NULL, NULL);
    case VAULT_IS_LOCKED_OUT:
        return vault_fail(vault, VAULT_LOCKED_OUT, NULL, NULL);
    case VAULT_CANT_BE_OPENED:
        break;
    }
    return vault_fail(vault, VAULT_REFUSED, NULL, found->reason);
}

/* Each writing wears the TPM's memory: a start at which nothing changes writes nothing. */
static bool has_changed(struct vault *vault, struct state *next) {
    const struct state_persona *a = state_find(&vault->state, vault->id);
    const struct state_persona *b = state_find(next, vault->id);
    return vault->grant_waits || a == NULL || b == NULL || a->failed_attempts != b->failed_attempts ||
           a->minimum_version != b->minimum_version || a->version != b->version || a->trying != b->trying ||
           a->tries_left != b->tries_left || a->given_up != b->given_up;
}

static enum vault_error unlock(struct vault *vault, const char *name, const void *pin, size_t pin_size,
                               struct vault_unlocked *unlocked) {
    struct vault_persona found;
    struct state next;
    enum vault_error error = vault_find(vault, name, &found);
    if (error == VAULT_OK)
        error = check_request(vault, &found, pin, pin_size);
    if (error != VAULT_OK)
        return error;
    next = vault->state;
    if (vault->grant_waits)
        error = take_grant(vault, &next, pin, pin_size, unlocked->persona_key);
    else
        error = open_slots(vault, &next, pin, pin_size, unlocked->persona_key);
    if (error == VAULT_OK)
        error = vault_choose(vault, &next, unlocked);
    if (error == VAULT_OK && has_changed(vault, &next))
        error = vault_save(vault, &next);
    return error;
}

/* Where this fails or is cut, vault_look() does it the next time. */
static void wipe_grant(struct vault *vault) {
    char path[STORE_PATH_SIZE];
    vault_path(path, vault->name, "grant");
    if (vault_blank(vault, path) == VAULT_OK)
        vault->grant_waits = false;
    crypto_wipe(&vault->grant, sizeof(vault->grant));
    vault_forget_code(vault);
}

enum vault_error vault_unlock(struct vault *vault, const char *name, const void *pin, size_t pin_size,
                              struct vault_unlocked *unlocked) {
    memset(unlocked, 0, sizeof(*unlocked));
    enum vault_error error = unlock(vault, name, pin, pin_size, unlocked);
    if (error != VAULT_OK)
        vault_unlocked_wipe(unlocked);
    else if (vault->grant_waits)
        wipe_grant(vault);
    if (error == VAULT_OK)
        vault_wipe_old_slots(vault);
    return vault_end(vault, error);
}

void vault_unlocked_wipe(struct vault_unlocked *unlocked) { crypto_wipe(unlocked, sizeof(*unlocked)); }

/* ---- Changing */

static enum vault_error set_pin(struct vault *vault, const char *name, const uint8_t *persona_key, const void *pin,
                                size_t pin_size) {
    struct vault_persona found;
    enum vault_error error = vault_find(vault, name, &found);
    if (error == VAULT_OK && !vault->slots_good)
        error = vault_fail(vault, VAULT_REFUSED, NULL, found.reason);
    if (error == VAULT_OK && (pin_size < VAULT_PIN_MIN || pin_size > PIN_SIZE_MAX))
        error = vault_fail(vault, VAULT_PIN_BAD, NULL, NULL);
    if (error == VAULT_OK)
        error = vault_check_key(vault, persona_key);
    if (error == VAULT_OK && slots_find(&vault->slots, SLOT_PIN, 0) == SIZE_MAX)
        error = vault_fail(vault, VAULT_NO_PIN, NULL, NULL);
    if (error != VAULT_OK)
        return error;
    for (size_t at = slots_find(&vault->slots, SLOT_PIN, 0); at != SIZE_MAX;
         at = slots_find(&vault->slots, SLOT_PIN, 0))
        if (slots_remove(&vault->slots, at) != SLOTS_OK)
            return vault_fail(vault, VAULT_FAILED, NULL, NULL);
    error = vault_add_pin(vault, &vault->slots, persona_key, pin, pin_size);
    if (error == VAULT_OK)
        error = vault_write_slots(vault, &vault->slots, persona_key);
    if (error != VAULT_OK)
        return error;
    struct state next = vault->state;
    state_find(&next, vault->id)->slots_generation = vault->slots.generation + 1;
    state_attempt_good(state_find(&next, vault->id));
    error = vault_save(vault, &next);
    if (error == VAULT_OK)
        vault_wipe_old_slots(vault);
    return error;
}

enum vault_error vault_set_pin(struct vault *vault, const char *name, const uint8_t *persona_key, const void *pin,
                               size_t pin_size) {
    return vault_end(vault, set_pin(vault, name, persona_key, pin, pin_size));
}

static enum vault_error blank_files(struct vault *vault) {
    static const char *const files[] = {"grant", "a/content.own", "b/content.own", "a/content.key", "b/content.key"};
    char path[STORE_PATH_SIZE];
    const struct state_persona *known = state_find(&vault->state, vault->id);
    enum vault_error error = VAULT_OK;
    for (uint64_t i = 0; i < 2 && error == VAULT_OK; i++) {
        // The copy that counts is the first to go: after a cut nothing opens.
        vault_slots_path(vault, known == NULL ? i : known->slots_generation + i, path);
        error = vault_blank(vault, path);
    }
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && error == VAULT_OK; i++) {
        vault_path(path, vault->name, files[i]);
        error = vault_blank(vault, path);
    }
    return error;
}

static enum vault_error wipe(struct vault *vault, const char *name) {
    struct vault_persona found;
    enum vault_error error = vault_find(vault, name, &found);
    if (error == VAULT_OK)
        error = blank_files(vault);
    struct state next = vault->state;
    struct state_persona *known = state_find(&next, vault->id);
    if (error != VAULT_OK || known == NULL)
        return error;
    memset(known->check, 0, sizeof(known->check));
    known->slots_generation += 2;
    return vault_save(vault, &next);
}

enum vault_error vault_wipe(struct vault *vault, const char *name) { return vault_end(vault, wipe(vault, name)); }
