// SPDX-License-Identifier: BSD-3-Clause
/* What is there of a persona, as far as that can be told without its key. */
#include <string.h>

#include "crypto/hkdf.h"
#include "text.h"
#include "vault_parts.h"

static const char *const version_files[VAULT_VERSIONS] = {"a/manifest", "b/manifest"};

/* ---- Versions */

/* A folder's name as a persona's: FAT spells names as it likes. */
static void lower(char *to, const char *name) {
    size_t used = 0;
    for (; *name != '\0' && used + 1 < CONFIG_NAME_SIZE; name++)
        to[used++] = (char)(*name >= 'A' && *name <= 'Z' ? *name - 'A' + 'a' : *name);
    to[used] = '\0';
}

static const char *refusal(struct vault *vault, const struct manifest *manifest) {
    char name[CONFIG_NAME_SIZE];
    const struct state_persona *known = state_find(&vault->state, manifest->id);
    const struct manifest_target target = {.board = vault->setup.board,
                                           .device = vault->thumbprint,
                                           .version = known == NULL ? 0 : known->minimum_version};
    lower(name, vault->name);
    if (strcmp(manifest->name, name) != 0)
        return manifest_error_text(MANIFEST_WRONG_PERSONA);
    enum manifest_error error = manifest_check(manifest, &target);
    return error == MANIFEST_OK ? NULL : manifest_error_text(error);
}

static void refuse(struct vault_version *version, const char *file, const char *why) {
    version->there = false;
    version->reason[0] = '\0';
    vault_say(version->reason, file);
    vault_say(version->reason, ": ");
    vault_say(version->reason, why);
}

/* A persona is looked at more than once until it is open, and signatures take long: bytes that were genuine still are,
 * for the trust does not change while the vault is open. */
static struct manifest_fault open_manifest(const struct vault *vault, struct vault_version *version, size_t size) {
    uint8_t digest[DIGEST_SIZE];
    if (!digest_of(version->file, size, digest))
        return (struct manifest_fault){.error = MANIFEST_FAILED};
    if (version->genuine && memcmp(version->digest, digest, sizeof(digest)) == 0)
        return (struct manifest_fault){.error = MANIFEST_OK};
    struct manifest_fault fault = manifest_open(&version->manifest, &vault->trust, version->file, size);
    version->genuine = fault.error == MANIFEST_OK;
    memcpy(version->digest, digest, sizeof(digest));
    return fault;
}

static enum vault_error find_version(struct vault *vault, struct vault_version *version, const char *file) {
    char path[STORE_PATH_SIZE];
    size_t size = 0;
    version->there = false;
    version->reason[0] = '\0';
    vault_path(path, vault->name, file);
    enum vault_error error = vault_read(vault, path, version->file, sizeof(version->file), &size);
    if (error != VAULT_OK || size == 0) {
        memset(version, 0, sizeof(*version));
        return error;
    }
    struct manifest_fault fault = open_manifest(vault, version, size);
    const char *why = fault.error == MANIFEST_OK ? refusal(vault, &version->manifest) : manifest_fault_text(fault);
    version->there = why == NULL;
    if (why != NULL)
        refuse(version, file, why);
    return VAULT_OK;
}

static const struct vault_version *newest(const struct vault *vault) {
    const struct vault_version *best = NULL;
    for (size_t i = 0; i < VAULT_VERSIONS; i++)
        if (vault->versions[i].there && (best == NULL || vault->versions[i].manifest.version > best->manifest.version))
            best = &vault->versions[i];
    return best;
}

/* Two versions of one name may be of two personas: then it is the one that the device knows, else the newer one. */
static void choose_id(struct vault *vault) {
    const struct vault_version *best = newest(vault);
    for (size_t i = 0; i < VAULT_VERSIONS; i++)
        if (vault->versions[i].there && state_find(&vault->state, vault->versions[i].manifest.id) != NULL)
            best = &vault->versions[i];
    memset(vault->id, 0, sizeof(vault->id));
    if (best == NULL)
        return;
    memcpy(vault->id, best->manifest.id, sizeof(vault->id));
    for (size_t i = 0; i < VAULT_VERSIONS; i++)
        if (vault->versions[i].there && memcmp(vault->versions[i].manifest.id, vault->id, sizeof(vault->id)) != 0)
            refuse(&vault->versions[i], version_files[i], manifest_error_text(MANIFEST_WRONG_PERSONA));
}

/* ---- Grant */

static bool is_known(const struct state_persona *persona) {
    return persona != NULL && !text_is_blank(persona->check, sizeof(persona->check));
}

static const char *grant_refusal(struct vault *vault, const struct state_persona *known, struct grant_fault fault,
                                 bool *taken) {
    if (fault.error != GRANT_OK)
        return grant_fault_text(fault);
    enum grant_error error = grant_check(&vault->grant, vault->id, vault->thumbprint, known == NULL ? 0 : known->grant);
    *taken = error == GRANT_TAKEN;
    if (error != GRANT_OK)
        return grant_error_text(error);
    if (known == NULL || !is_known(known))
        return NULL;
    if (vault->grant.kind != GRANT_RECOVERY)
        return "the grant would issue a persona that is here already; recovery takes another one";
    bool same = memcmp(known->check, vault->grant.check, sizeof(known->check)) == 0;
    return same ? NULL : grant_error_text(GRANT_WRONG_KEY);
}

/* @param why NULL: there is none, or it is good */
static enum vault_error find_grant(struct vault *vault, const struct state_persona *known, const char **why) {
    char path[STORE_PATH_SIZE];
    size_t size = 0;
    bool taken = false;
    *why = NULL;
    vault->grant_waits = false;
    vault_path(path, vault->name, "grant");
    enum vault_error error = vault_read(vault, path, vault->buffer, VAULT_GRANT_FILE_SIZE, &size);
    if (error != VAULT_OK)
        return error;
    struct grant_fault fault = grant_open(&vault->grant, &vault->trust, vault->buffer, size);
    if (fault.error == GRANT_ABSENT)
        return VAULT_OK;
    *why = grant_refusal(vault, known, fault, &taken);
    vault->grant_waits = *why == NULL;
    if (*why != NULL)
        crypto_wipe(&vault->grant, sizeof(vault->grant));
    // It was taken before a cut, or was put back: what it has opens the persona without its PIN. A medium that can't be
    // written is told when something has to be.
    if (taken && vault_blank(vault, path) == VAULT_OK)
        *why = NULL;
    return VAULT_OK;
}

/* ---- Slots */

void vault_slots_path(const struct vault *vault, uint64_t generation, char *path) {
    vault_path(path, vault->name, generation % 2 == 0 ? "slots.a" : "slots.b");
}

/* Only the generation that the state names counts: an older one was put back, a newer one was cut before the state was
 * written. */
static enum vault_error find_slots(struct vault *vault, const struct state_persona *known, const char **why) {
    char path[STORE_PATH_SIZE];
    size_t size = 0;
    vault->slots_good = false;
    vault_slots_path(vault, known->slots_generation, path);
    enum vault_error error = vault_read(vault, path, vault->slots_file, sizeof(vault->slots_file), &size);
    if (error != VAULT_OK)
        return error;
    enum slots_error read = slots_read(&vault->slots, vault->id, vault->slots_file, size);
    vault->slots_good = read == SLOTS_OK && vault->slots.generation == known->slots_generation;
    *why = read != SLOTS_OK ? slots_error_text(read) : "the key slots were put back to earlier ones";
    if (text_is_blank(vault->slots_file, size))
        *why = "the key slots are missing";
    return VAULT_OK;
}

/* ---- All of it */

static void close_up(struct vault_persona *persona, enum vault_status status, const char *why) {
    persona->status = status;
    persona->reason[0] = '\0';
    vault_say(persona->reason, why);
}

static void look_at_slots(struct vault *vault, const struct state_persona *known, struct vault_persona *persona) {
    if (slots_find(&vault->slots, SLOT_PIN, 0) == SIZE_MAX) {
        persona->status = VAULT_READY;
        if (slots_find(&vault->slots, SLOT_DEVICE, 0) == SIZE_MAX)
            close_up(persona, VAULT_CANT_BE_OPENED, slots_error_text(SLOTS_NO_SLOT));
        return;
    }
    persona->status = VAULT_ASKS_PIN;
    persona->attempts_left = state_attempts_left(known);
    persona->delay_s = state_delay_s(known);
    if (persona->attempts_left == 0)
        close_up(persona, VAULT_IS_LOCKED_OUT, vault_error_text(VAULT_LOCKED_OUT));
}

static enum vault_error find_way_in(struct vault *vault, struct vault_persona *persona) {
    const struct state_persona *known = state_find(&vault->state, vault->id);
    const char *grant_why = NULL, *slots_why = NULL;
    enum vault_error error = find_grant(vault, known, &grant_why);
    if (error == VAULT_OK && is_known(known))
        error = find_slots(vault, known, &slots_why);
    if (error != VAULT_OK)
        return error;
    if (grant_why != NULL && persona->reason[0] == '\0')
        vault_say(persona->reason, grant_why);
    persona->recovery = vault->grant_waits && is_known(known);
    persona->code = vault_needs_code(vault);
    if (vault->grant_waits)
        persona->status = vault->grant.unlock == MANIFEST_UNLOCK_PIN ? VAULT_ASKS_NEW_PIN : VAULT_READY;
    else if (!is_known(known))
        close_up(persona, VAULT_CANT_BE_OPENED,
                 grant_why != NULL ? grant_why : "the organisation has not issued the persona to this device");
    else if (!vault->slots_good)
        close_up(persona, VAULT_CANT_BE_OPENED, slots_why);
    else
        look_at_slots(vault, known, persona);
    return VAULT_OK;
}

static void describe(struct vault *vault, struct vault_persona *persona) {
    const struct vault_version *best = newest(vault);
    strncpy(persona->title, vault->name, sizeof(persona->title) - 1);
    for (size_t i = 0; i < VAULT_VERSIONS; i++)
        if (persona->reason[0] == '\0')
            vault_say(persona->reason, vault->versions[i].reason);
    if (best == NULL)
        return;
    persona->manifest = &best->manifest;
    if (best->manifest.title[0] != '\0')
        memcpy(persona->title, best->manifest.title, sizeof(persona->title));
}

static void forget(struct vault *vault) {
    vault->slots_good = false;
    vault->grant_waits = false;
    crypto_wipe(&vault->grant, sizeof(vault->grant));
    crypto_wipe(&vault->slots, sizeof(vault->slots));
}

/* A disk that fails shows with the persona, too. */
static enum vault_error find(struct vault *vault, struct vault_persona *persona) {
    enum vault_error error = VAULT_OK;
    for (size_t i = 0; i < VAULT_VERSIONS && error == VAULT_OK; i++)
        error = find_version(vault, &vault->versions[i], version_files[i]);
    if (error != VAULT_OK)
        return error;
    choose_id(vault);
    describe(vault, persona);
    if (persona->manifest != NULL)
        return find_way_in(vault, persona);
    if (persona->reason[0] == '\0')
        vault_say(persona->reason, "there is no manifest");
    return VAULT_OK;
}

enum vault_error vault_find(struct vault *vault, const char *name, struct vault_persona *persona) {
    memset(persona, 0, sizeof(*persona));
    persona->status = VAULT_CANT_BE_OPENED;
    forget(vault);
    memset(vault->name, 0, sizeof(vault->name));
    if (strlen(name) >= sizeof(vault->name) || !vault_has(&vault->setup.files, name))
        return vault_fail(vault, VAULT_NO_PERSONA, NULL, NULL);
    strncpy(vault->name, name, sizeof(vault->name) - 1);
    enum vault_error error = find(vault, persona);
    if (error != VAULT_OK)
        close_up(persona, VAULT_CANT_BE_OPENED, vault->reason);
    return VAULT_OK;
}
