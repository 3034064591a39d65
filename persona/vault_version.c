// SPDX-License-Identifier: BSD-3-Clause
/* Which of a persona's two versions is started, and the key of its files. */
#include <string.h>

#include "crypto/digest.h"
#include "crypto/hkdf.h"
#include "vault_parts.h"

static const char *const folders[VAULT_VERSIONS] = {"a", "b"};

static void file_path(const struct vault *vault, size_t index, const char *file, char *path) {
    char inner[STORE_PATH_SIZE] = "";
    strncpy(inner, folders[index], sizeof(inner) - 1);
    inner[1] = '/';
    strncpy(inner + 2, file, sizeof(inner) - 3);
    vault_path(path, vault->name, inner);
}

/* ---- What came up */

static bool write_token(const uint8_t *persona_key, const uint8_t *id, uint64_t version, char *text) {
    static const char digits[] = "0123456789abcdef";
    uint8_t token[KEYS_SIZE];
    bool good = keys_derive(persona_key, KEYS_UP, id, version, token, sizeof(token)) == KEYS_OK;
    for (size_t i = 0; i < sizeof(token); i++) {
        text[2 * i] = digits[token[i] >> 4];
        text[2 * i + 1] = digits[token[i] & 0xf];
    }
    text[2 * sizeof(token)] = '\0';
    crypto_wipe(token, sizeof(token));
    return good;
}

/* What the running system wrote, of any length from the token's on: it may end with a line or with zeros. */
static bool read_up(struct vault *vault, char *said) {
    const struct store_files *files = &vault->setup.files;
    char path[STORE_PATH_SIZE];
    uint64_t size = 0;
    vault_path(path, vault->name, "up");
    return files->size(files->context, path, &size) == STORE_FILE_OK && size >= VAULT_UP_SIZE - 1 &&
           files->read(files->context, path, 0, said, VAULT_UP_SIZE - 1) == STORE_FILE_OK;
}

static enum vault_error note_what_came_up(struct vault *vault, struct state_persona *persona,
                                          const uint8_t *persona_key) {
    char said[VAULT_UP_SIZE], token[VAULT_UP_SIZE];
    enum vault_error error = VAULT_OK;
    if (!read_up(vault, said))
        return VAULT_OK;
    for (size_t i = 0; i < VAULT_VERSIONS; i++) {
        const struct manifest *manifest = &vault->versions[i].manifest;
        if (!vault->versions[i].there)
            continue;
        if (!write_token(persona_key, vault->id, manifest->version, token))
            error = vault_fail(vault, VAULT_FAILED, NULL, NULL);
        else if (crypto_equal(said, token, VAULT_UP_SIZE - 1))
            state_came_up(persona, manifest->version, manifest->minimum_version);
    }
    crypto_wipe(token, sizeof(token));
    crypto_wipe(said, sizeof(said));
    return error;
}

/* ---- Content key */

/* What was sealed to the device opens without the PIN: it goes once it is wrapped. A cut in between leaves both, and
 * the next opening wipes it; a medium that can't be written leaves it, too. */
static void keep_content(struct vault *vault, size_t index, const struct content_version *version,
                         const struct vault_unlocked *unlocked, bool own) {
    char path[STORE_PATH_SIZE];
    uint8_t file[CONTENT_WRAPPED_SIZE_MAX];
    size_t size = 0;
    file_path(vault, index, "content.own", path);
    if (!own &&
        (content_wrap(unlocked->content_key, version, unlocked->persona_key, file, sizeof(file), &size) != CONTENT_OK ||
         vault_write(vault, path, file, size, VAULT_OWN_FILE_SIZE) != VAULT_OK))
        return;
    file_path(vault, index, "content.key", path);
    if (vault_blank(vault, path) != VAULT_OK)
        return;
}

static enum vault_error open_sealed_content(struct vault *vault, size_t index, const struct content_version *version,
                                            struct vault_unlocked *unlocked, const char **why) {
    char path[STORE_PATH_SIZE];
    size_t size = 0;
    file_path(vault, index, "content.key", path);
    enum vault_error error = vault_read(vault, path, vault->buffer, sizeof(vault->buffer), &size);
    if (error != VAULT_OK)
        return error;
    enum content_error opened = content_unseal(vault->buffer, size, version, &vault->agreer, unlocked->content_key);
    *why = opened == CONTENT_OK ? NULL : content_error_text(opened);
    return VAULT_OK;
}

/* @param why this version's files can't be decrypted; NULL: its key is there */
static enum vault_error open_content(struct vault *vault, size_t index, struct vault_unlocked *unlocked,
                                     const char **why) {
    struct content_version version = {.version = vault->versions[index].manifest.version};
    char path[STORE_PATH_SIZE];
    size_t size = 0;
    *why = NULL;
    memcpy(version.id, vault->id, sizeof(version.id));
    file_path(vault, index, "content.own", path);
    enum vault_error error = vault_read(vault, path, vault->buffer, VAULT_OWN_FILE_SIZE, &size);
    if (error != VAULT_OK)
        return error;
    bool own =
        content_unwrap(vault->buffer, size, &version, unlocked->persona_key, unlocked->content_key) == CONTENT_OK;
    if (!own)
        error = open_sealed_content(vault, index, &version, unlocked, why);
    if (error == VAULT_OK && *why == NULL)
        keep_content(vault, index, &version, unlocked, own);
    return error;
}

/* ---- Choice */

static size_t newest(const struct vault *vault, const bool *left) {
    size_t best = VAULT_VERSIONS;
    for (size_t i = 0; i < VAULT_VERSIONS; i++)
        if (left[i] &&
            (best == VAULT_VERSIONS || vault->versions[i].manifest.version > vault->versions[best].manifest.version))
            best = i;
    return best;
}

static void describe(const struct vault *vault, size_t index, struct state_choice choice,
                     struct vault_unlocked *unlocked) {
    unlocked->manifest = &vault->versions[index].manifest;
    vault_path(unlocked->directory, vault->name, folders[index]);
    unlocked->trial = choice.trial;
    if (!choice.fell_back)
        return;
    unlocked->notice[0] = '\0';
    vault_say(unlocked->notice, "version ");
    vault_say_number(unlocked->notice, vault->versions[1 - index].manifest.version);
    vault_say(unlocked->notice, " did not come up: version ");
    vault_say_number(unlocked->notice, vault->versions[index].manifest.version);
    vault_say(unlocked->notice, " is started");
}

/* Tries one of the versions that are left. */
static enum vault_error choose_one(struct vault *vault, struct state *next, const bool *left, size_t *index,
                                   struct vault_unlocked *unlocked, const char **why) {
    size_t first = newest(vault, left);
    if (first == VAULT_VERSIONS)
        return vault_fail(vault, VAULT_REFUSED, NULL, unlocked->notice[0] != '\0' ? unlocked->notice : NULL);
    size_t other = left[1 - first] ? 1 - first : VAULT_VERSIONS;
    struct state_choice choice = state_choose(state_find(next, vault->id), vault->versions[first].manifest.version,
                                              other == VAULT_VERSIONS ? 0 : vault->versions[other].manifest.version);
    bool is_first = other == VAULT_VERSIONS || choice.version == vault->versions[first].manifest.version;
    *index = is_first ? first : other;
    enum vault_error error = open_content(vault, *index, unlocked, why);
    if (error == VAULT_OK && *why == NULL)
        describe(vault, *index, choice, unlocked);
    return error;
}

static void say_why(const struct vault *vault, size_t index, const char *why, struct vault_unlocked *unlocked) {
    unlocked->notice[0] = '\0';
    vault_say(unlocked->notice, "version ");
    vault_say_number(unlocked->notice, vault->versions[index].manifest.version);
    vault_say(unlocked->notice, ": ");
    vault_say(unlocked->notice, why);
}

enum vault_error vault_choose(struct vault *vault, struct state *next, struct vault_unlocked *unlocked) {
    bool left[VAULT_VERSIONS];
    size_t index = 0;
    struct state before;
    enum vault_error error = note_what_came_up(vault, state_find(next, vault->id), unlocked->persona_key);
    for (size_t i = 0; i < VAULT_VERSIONS; i++)
        left[i] = vault->versions[i].there;
    before = *next;
    while (error == VAULT_OK) {
        const char *why = NULL;
        *next = before;
        error = choose_one(vault, next, left, &index, unlocked, &why);
        if (error != VAULT_OK || why == NULL)
            break;
        // Its files can't be read: the other one is started, if there is one.
        say_why(vault, index, why, unlocked);
        left[index] = false;
    }
    if (error == VAULT_OK && !write_token(unlocked->persona_key, vault->id, unlocked->manifest->version, unlocked->up))
        error = vault_fail(vault, VAULT_FAILED, NULL, NULL);
    return error;
}
