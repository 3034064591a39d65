// SPDX-License-Identifier: BSD-3-Clause
/* A persona that stays locked for now: what it takes to open it later, away from the disk. */
#include <string.h>

#include "text.h"
#include "vault_parts.h"

static const char *const folders[VAULT_VERSIONS] = {"a", "b"};
static const char *const own_files[VAULT_VERSIONS] = {"a/content.own", "b/content.own"};

static enum vault_error read_own(struct vault *vault, size_t index, struct vault_left *left, bool *there) {
    char path[STORE_PATH_SIZE];
    size_t size = 0;
    vault_path(path, vault->name, own_files[index]);
    enum vault_error error = vault_read(vault, path, left->content, sizeof(left->content), &size);
    *there = error == VAULT_OK && !text_is_blank(left->content, sizeof(left->content));
    return error;
}

/* The one that is known to come up, else the newer one: what is only tried is tried at a start of the machine. */
static bool is_better(const struct vault *vault, size_t index, const struct manifest *best, uint64_t proven) {
    uint64_t version = vault->versions[index].manifest.version;
    if (best == NULL || version == proven)
        return true;
    return best->version != proven && version > best->version;
}

static enum vault_error choose(struct vault *vault, uint64_t proven, struct vault_left *left) {
    size_t chosen = VAULT_VERSIONS;
    bool there = false;
    for (size_t i = 0; i < VAULT_VERSIONS; i++) {
        if (!vault->versions[i].there || !is_better(vault, i, left->manifest, proven))
            continue;
        enum vault_error error = read_own(vault, i, left, &there);
        if (error != VAULT_OK)
            return error;
        if (!there)
            continue;
        left->manifest = &vault->versions[i].manifest;
        chosen = i;
    }
    if (chosen == VAULT_VERSIONS)
        return vault_fail(vault, VAULT_REFUSED, NULL, "it has to be opened once before it can stay locked");
    vault_path(left->directory, vault->name, folders[chosen]);
    return read_own(vault, chosen, left, &there);
}

enum vault_error vault_leave(struct vault *vault, const char *name, struct vault_left *left) {
    struct vault_persona found;
    memset(left, 0, sizeof(*left));
    enum vault_error error = vault_find(vault, name, &found);
    if (error == VAULT_OK && found.status != VAULT_ASKS_PIN)
        error = vault_fail(vault, VAULT_REFUSED, NULL, found.reason[0] != '\0' ? found.reason : NULL);
    if (error != VAULT_OK)
        return error;
    const struct slot_pin *slot = &vault->slots.slots[slots_find(&vault->slots, SLOT_PIN, 0)].pin;
    const struct state_persona *known = state_find(&vault->state, vault->id);
    left->slots = vault->slots_file;
    memcpy(left->check, known->check, sizeof(left->check));
    left->failed_attempts = known->failed_attempts;
    left->pin_memory_kib = slot->cost.memory_kib;
    left->bound = slot->binding_size > 0;
    error = choose(vault, known->version, left);
    if (error != VAULT_OK)
        memset(left, 0, sizeof(*left));
    return error;
}
