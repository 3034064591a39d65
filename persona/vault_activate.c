// SPDX-License-Identifier: BSD-3-Clause
/* The grant that waits and what it is opened with: the device's key, and the code that its user was given. */
#include <string.h>

#include "crypto/hkdf.h"
#include "vault_parts.h"

static bool is_for_grant(const struct vault *vault) {
    return vault->code_known && memcmp(vault->code_salt, vault->grant.salt, sizeof(vault->code_salt)) == 0;
}

bool vault_needs_code(const struct vault *vault) {
    return vault->grant_waits && vault->grant.activation && !is_for_grant(vault);
}

static enum vault_error fail_grant(struct vault *vault, enum grant_error error) {
    switch (error) {
    case GRANT_OK:
        return VAULT_OK;
    case GRANT_NO_RANDOM:
        return vault_fail(vault, VAULT_NO_ENTROPY, NULL, NULL);
    case GRANT_NO_MEMORY:
        return vault_fail(vault, VAULT_NO_MEMORY, NULL, grant_error_text(error));
    case GRANT_CODE_NEEDED:
        return vault_fail(vault, VAULT_CODE_NEEDED, NULL, NULL);
    case GRANT_WRONG_CODE:
        return vault_fail(vault, VAULT_WRONG_CODE, NULL, NULL);
    case GRANT_FAILED:
        return vault_fail(vault, VAULT_FAILED, NULL, NULL);
    default:
        return vault_fail(vault, VAULT_REFUSED, NULL, grant_error_text(error));
    }
}

enum vault_error vault_open_grant(struct vault *vault, uint8_t *persona_key) {
    const uint8_t *code_key = is_for_grant(vault) ? vault->code_key : NULL;
    return fail_grant(vault, grant_open_key(&vault->grant, SLOT_DEVICE, &vault->agreer, code_key, persona_key));
}

/* Whether it is the right one shows at once: the user is not to choose a PIN first. */
static enum vault_error try_code(struct vault *vault, const char *code) {
    uint8_t persona_key[KEYS_SIZE];
    enum vault_error error = fail_grant(vault, grant_code_key(&vault->grant, code, vault->code_key));
    if (error != VAULT_OK)
        return error;
    memcpy(vault->code_salt, vault->grant.salt, sizeof(vault->code_salt));
    vault->code_known = true;
    error = vault_open_grant(vault, persona_key);
    crypto_wipe(persona_key, sizeof(persona_key));
    return error;
}

static enum vault_error activate(struct vault *vault, const char *name, const char *typed, size_t size) {
    struct vault_persona found;
    char code[ACTIVATION_SYMBOLS];
    enum vault_error error = vault_find(vault, name, &found);
    if (error != VAULT_OK || !vault_needs_code(vault))
        return error;
    enum activation_error read = activation_read(typed, size, code);
    error = read == ACTIVATION_OK ? try_code(vault, code)
                                  : vault_fail(vault, VAULT_CODE_BAD, NULL, activation_error_text(read));
    crypto_wipe(code, sizeof(code));
    if (error != VAULT_OK)
        vault_forget_code(vault);
    return error;
}

enum vault_error vault_activate(struct vault *vault, const char *name, const char *typed, size_t size) {
    return vault_end(vault, activate(vault, name, typed, size));
}

void vault_forget_code(struct vault *vault) {
    vault->code_known = false;
    crypto_wipe(vault->code_salt, sizeof(vault->code_salt));
    crypto_wipe(vault->code_key, sizeof(vault->code_key));
}
