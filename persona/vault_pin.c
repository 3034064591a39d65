// SPDX-License-Identifier: BSD-3-Clause
/* Key slots opened and written: what they cost, what they are bound to, how attempts count. */
#include <string.h>

#include "crypto/digest.h"
#include "crypto/hkdf.h"
#include "vault_parts.h"

enum { NS_PER_MS = 1000000 };

static enum vault_error find_cost(struct vault *vault, struct pin_cost *cost) {
    const struct vault_setup *setup = &vault->setup;
    uint32_t memory_kib = setup->pin_memory_kib > PIN_MEMORY_FLOOR ? setup->pin_memory_kib : PIN_MEMORY_FLOOR;
    *cost = setup->pin_cost;
    if (cost->memory_kib != 0)
        return VAULT_OK;
    enum pin_error error =
        pin_calibrate(memory_kib < PIN_MEMORY_MAX ? memory_kib : PIN_MEMORY_MAX,
                      (uint64_t)VAULT_PIN_LIMIT_MS * NS_PER_MS, setup->clock, setup->clock_context, cost);
    if (error == PIN_OK)
        return VAULT_OK;
    return vault_fail(vault, error == PIN_NO_MEMORY ? VAULT_NO_MEMORY : VAULT_FAILED, NULL, NULL);
}

/* A new secret of the TPM's, given out for this PIN alone. */
static enum vault_error seal_secret(struct vault *vault, const uint8_t *stretched, uint8_t *secret,
                                    struct tpm_blob *blob) {
    uint8_t value[TPM_AUTH_MAX];
    const struct tpm_auth auth = {value, sizeof(value)};
    if (random_bytes(vault->setup.random, secret, TPM_SECRET_SIZE) != RANDOM_OK)
        return vault_fail(vault, VAULT_NO_ENTROPY, NULL, NULL);
    if (slots_auth(stretched, value) != SLOTS_OK)
        return vault_fail(vault, VAULT_FAILED, NULL, NULL);
    enum tpm_error error = tpm_seal(&vault->tpm, &auth, secret, blob);
    crypto_wipe(value, sizeof(value));
    return error == TPM_OK ? VAULT_OK : vault_fail_tpm(vault, error);
}

static enum vault_error add_stretched(struct vault *vault, struct slots *slots, const uint8_t *persona_key,
                                      const struct slot_pin *slot, const uint8_t *stretched) {
    uint8_t secret[TPM_SECRET_SIZE];
    struct tpm_blob blob = {0};
    enum vault_error error = VAULT_OK;
    if (vault->keeping == ENROLMENT_TPM)
        error = seal_secret(vault, stretched, secret, &blob);
    if (error == VAULT_OK) {
        const struct slots_binding binding = {blob.bytes, blob.size, secret};
        enum slots_error added =
            slots_add_stretched(slots, persona_key, slot, stretched, &binding, vault->setup.random);
        error = added == SLOTS_OK ? VAULT_OK : vault_fail_slots(vault, added);
    }
    crypto_wipe(secret, sizeof(secret));
    return error;
}

enum vault_error vault_add_pin(struct vault *vault, struct slots *slots, const uint8_t *persona_key, const void *pin,
                               size_t pin_size) {
    struct slot_pin slot;
    struct pin_cost cost;
    uint8_t stretched[PIN_KEY_SIZE];
    enum vault_error error = find_cost(vault, &cost);
    if (error != VAULT_OK)
        return error;
    enum slots_error begun = slots_begin_pin(&slot, pin, pin_size, cost, vault->setup.random, stretched);
    error =
        begun == SLOTS_OK ? add_stretched(vault, slots, persona_key, &slot, stretched) : vault_fail_slots(vault, begun);
    crypto_wipe(stretched, sizeof(stretched));
    return error;
}

enum vault_error vault_write_slots(struct vault *vault, const struct slots *slots, const uint8_t *persona_key) {
    char path[STORE_PATH_SIZE];
    size_t size = 0;
    _Static_assert((int)VAULT_SLOTS_FILE_SIZE >= (int)SLOTS_FILE_MAX, "all slots fit");
    enum slots_error written = slots_write(slots, persona_key, vault->slots_file, sizeof(vault->slots_file), &size);
    if (written != SLOTS_OK)
        return vault_fail_slots(vault, written);
    vault_slots_path(vault, slots->generation + 1, path);
    return vault_write(vault, path, vault->slots_file, size, VAULT_SLOTS_FILE_SIZE);
}

void vault_wipe_old_slots(struct vault *vault) {
    char path[STORE_PATH_SIZE];
    const struct state_persona *known = state_find(&vault->state, vault->id);
    if (known == NULL)
        return;
    vault_slots_path(vault, known->slots_generation + 1, path);
    if (vault_blank(vault, path) != VAULT_OK)
        return;
}

enum vault_error vault_check_key(struct vault *vault, const uint8_t *persona_key) {
    uint8_t check[KEYS_SIZE];
    const struct state_persona *known = state_find(&vault->state, vault->id);
    if (keys_derive(persona_key, KEYS_CHECK, vault->id, 0, check, sizeof(check)) != KEYS_OK)
        return vault_fail(vault, VAULT_FAILED, NULL, NULL);
    if (known == NULL || !crypto_equal(check, known->check, sizeof(check)))
        return vault_fail(vault, VAULT_REFUSED, NULL, slots_error_text(SLOTS_ALTERED));
    enum slots_error error = slots_check(&vault->slots, persona_key, vault->slots_file, sizeof(vault->slots_file));
    return error == SLOTS_OK ? VAULT_OK : vault_fail_slots(vault, error);
}

/* ---- Attempts */

static enum vault_error count_attempt(struct vault *vault) {
    struct state next = vault->state;
    if (state_attempt(state_find(&next, vault->id)) != STATE_OK)
        return vault_fail(vault, VAULT_LOCKED_OUT, NULL, NULL);
    return vault_save(vault, &next);
}

/* While the TPM gives no answer to any PIN, none is counted here. */
static enum vault_error check_lockout(struct vault *vault) {
    struct tpm_lockout lockout;
    enum tpm_error error = tpm_lockout(&vault->tpm, &lockout);
    if (error == TPM_OK && lockout.locked)
        error = TPM_LOCKED_OUT;
    return error == TPM_OK ? VAULT_OK : vault_fail_tpm(vault, error);
}

static enum vault_error fail_attempt(struct vault *vault) {
    uint32_t left = state_attempts_left(state_find(&vault->state, vault->id));
    if (left == 0)
        return vault_fail(vault, VAULT_LOCKED_OUT, vault_error_text(VAULT_WRONG_PIN),
                          vault_error_text(VAULT_LOCKED_OUT));
    (void)vault_fail(vault, VAULT_WRONG_PIN, NULL, NULL);
    vault_say(vault->reason, ": ");
    vault_say_number(vault->reason, left);
    vault_say(vault->reason, left == 1 ? " attempt left" : " attempts left");
    return VAULT_WRONG_PIN;
}

/* The TPM's secret for a PIN. */
static enum vault_error unseal_secret(struct vault *vault, const struct slot_pin *slot, const uint8_t *stretched,
                                      uint8_t *secret) {
    uint8_t value[TPM_AUTH_MAX];
    const struct tpm_auth auth = {value, sizeof(value)};
    if (slots_auth(stretched, value) != SLOTS_OK)
        return vault_fail(vault, VAULT_FAILED, NULL, NULL);
    enum tpm_error error = tpm_unseal(&vault->tpm, slot->binding, slot->binding_size, &auth, secret);
    crypto_wipe(value, sizeof(value));
    if (error == TPM_WRONG_AUTH)
        return fail_attempt(vault);
    if (error == TPM_BAD_BLOB)
        return vault_fail(vault, VAULT_REFUSED, NULL, slots_error_text(SLOTS_ALTERED));
    return error == TPM_OK ? VAULT_OK : vault_fail_tpm(vault, error);
}

static enum vault_error open_stretched(struct vault *vault, size_t index, const uint8_t *stretched,
                                       uint8_t *persona_key) {
    const struct slot_pin *slot = &vault->slots.slots[index].pin;
    uint8_t secret[TPM_SECRET_SIZE] = {0};
    enum vault_error error = VAULT_OK;
    if (slot->binding_size > 0)
        error = unseal_secret(vault, slot, stretched, secret);
    if (error == VAULT_OK) {
        enum slots_error opened = slots_open_stretched(&vault->slots, index, stretched, secret, persona_key);
        if (opened == SLOTS_WRONG_PIN)
            error = fail_attempt(vault);
        else if (opened != SLOTS_OK)
            error = vault_fail_slots(vault, opened);
    }
    crypto_wipe(secret, sizeof(secret));
    return error;
}

enum vault_error vault_open_pin(struct vault *vault, const void *pin, size_t pin_size, uint8_t *persona_key) {
    uint8_t stretched[PIN_KEY_SIZE];
    size_t index = slots_find(&vault->slots, SLOT_PIN, 0);
    bool bound = vault->slots.slots[index].pin.binding_size > 0;
    if (bound && vault->keeping != ENROLMENT_TPM)
        return vault_fail(vault, VAULT_REFUSED, NULL, slots_error_text(SLOTS_NEEDS_SECRET));
    enum vault_error error = bound ? check_lockout(vault) : VAULT_OK;
    if (error != VAULT_OK)
        return error;
    // Stretching tells nothing of the PIN, and may find too little memory: it is done before the attempt counts.
    enum slots_error made = slots_stretch_pin(&vault->slots, index, pin, pin_size, stretched);
    error = made == SLOTS_OK ? count_attempt(vault) : vault_fail_slots(vault, made);
    if (error == VAULT_OK)
        error = open_stretched(vault, index, stretched, persona_key);
    crypto_wipe(stretched, sizeof(stretched));
    return error;
}
