// SPDX-License-Identifier: BSD-3-Clause
#include "persona/vault_usim.h"

#include <string.h>

#include "crypto/hkdf.h"
#include "usim/card.h"
#include "vault_parts.h"

static const char path[] = "device/usim";

/* Which keys of the device's secret. */
enum { KEY_OF_PROFILE = 0, KEY_OF_STATE = 1 };

/* Too large for the stack that the firmware gives; wiped after use. */
static uint8_t file[USIM_FILE_SIZE];
static struct usim_card card;

static bool derive(const struct vault *vault, uint64_t number, uint8_t *key) {
    /* The identifier is the device's: the beginning of its thumbprint. */
    return keys_derive(vault->key.secret, KEYS_USIM, vault->thumbprint, number, key, SEAL_KEY_SIZE) == KEYS_OK;
}

static bool fail(char *reason, const char *what, const char *why) {
    reason[0] = '\0';
    vault_say(reason, what);
    vault_say(reason, why);
    return false;
}

static bool read_file(struct vault *vault, const uint8_t *key, struct vault_usim *usim, struct usim_file *found,
                      char *reason) {
    const struct usim_file_opener opener = {&vault->trust, &vault->agreer, key};
    size_t size = 0;
    if (vault_read(vault, path, file, sizeof(file), &size) != VAULT_OK)
        return fail(reason, "the USIM's file: ", vault->reason);
    enum usim_file_error error = usim_file_open(&opener, file, size, usim->profile, sizeof(usim->profile), found);
    usim->size = found->size;
    return error == USIM_FILE_OK || error == USIM_FILE_ABSENT || fail(reason, "", usim_file_error_text(error));
}

static bool keep(struct vault *vault, const uint8_t *key, uint64_t number, const struct vault_usim *usim,
                 char *reason) {
    size_t size = 0;
    if (usim_file_write_kept(key, number, usim->profile, usim->size, file, sizeof(file), &size) != USIM_FILE_OK)
        return fail(reason, "the USIM can't be sealed", "");
    return vault_write(vault, path, file, size, USIM_FILE_SIZE) == VAULT_OK ||
           fail(reason, "the USIM's file: ", vault->reason);
}

/* What was accepted is remembered in the vault's state before anything can be. */
static bool remember(struct vault *vault, const struct usim_anchor *anchor, char *reason) {
    struct state next = vault->state;
    next.usim = *anchor;
    return vault_save(vault, &next) == VAULT_OK || fail(reason, "the USIM's start can't be noted: ", vault->reason);
}

static enum usim_error prepare(const struct usim_storage *storage, uint64_t number, struct usim_anchor *anchor,
                               struct vault_usim *usim) {
    card.store.storage = *storage;
    memcpy(card.store.key, usim->state_key, sizeof(card.store.key));
    enum usim_error error = usim_profile_read(&card.profile, usim->profile, usim->size);
    if (error != USIM_OK)
        return error;
    usim->generation = card.profile.generation;
    usim->policy = card.profile.policy;
    memcpy(usim->iccid, card.profile.iccid, sizeof(usim->iccid));
    return usim_card_prepare(&card, number, anchor, &usim->begun);
}

/* What the user can have done about it, where the error's own text does not say it. */
static const char *remedy(enum usim_error error) {
    return error == USIM_NO_STATE || error == USIM_OTHER_PROFILE ? "; have it issued to this device anew" : "";
}

static bool take(struct vault *vault, const uint8_t *key, const struct usim_storage *storage,
                 const struct usim_file *found, struct vault_usim *usim, char *reason) {
    struct usim_anchor anchor = vault->state.usim;
    if (storage == NULL)
        return fail(reason, "the USIM has nowhere to remember what it accepted", "");
    enum usim_error error = prepare(storage, found->number, &anchor, usim);
    if (error != USIM_OK) {
        (void)fail(reason, "the USIM can't be used: ", usim_error_text(error));
        vault_say(reason, remedy(error));
        return false;
    }
    return remember(vault, &anchor, reason) && (!found->issued || keep(vault, key, found->number, usim, reason));
}

bool vault_usim_open(struct vault *vault, const struct usim_storage *storage, struct vault_usim *usim, char *reason) {
    uint8_t key[SEAL_KEY_SIZE];
    struct usim_file found;
    memset(usim, 0, sizeof(*usim));
    reason[0] = '\0';
    bool good = (derive(vault, KEY_OF_PROFILE, key) && derive(vault, KEY_OF_STATE, usim->state_key)) ||
                fail(reason, "the USIM's key can't be derived", "");
    good = good && read_file(vault, key, usim, &found, reason);
    if (good && usim->size != 0)
        good = take(vault, key, storage, &found, usim, reason);
    crypto_wipe(key, sizeof(key));
    crypto_wipe(&card, sizeof(card));
    crypto_wipe(file, sizeof(file));
    if (!good)
        vault_usim_wipe(usim);
    return good;
}

static bool is_named(const struct usim_policy *policy, size_t index, const char *persona, const uint8_t *id) {
    if (strcmp(policy->personas[index].name, persona) != 0)
        return false;
    return !policy->personas[index].bound || (id != NULL && memcmp(policy->personas[index].id, id, KEYS_ID_SIZE) == 0);
}

_Static_assert((int)USIM_PERSONA_ID_SIZE == (int)KEYS_ID_SIZE, "a persona's identifier");

bool vault_usim_allows(const struct vault_usim *usim, const char *persona, const uint8_t *id,
                       enum usim_access *access) {
    *access = USIM_AUTHENTICATE;
    for (size_t i = 0; i < usim->policy.persona_count; i++) {
        if (!is_named(&usim->policy, i, persona, id))
            continue;
        *access = usim->policy.personas[i].access;
        return true;
    }
    return usim->size != 0 && usim->policy.persona_count == 0;
}

void vault_usim_wipe(struct vault_usim *usim) { crypto_wipe(usim, sizeof(*usim)); }
