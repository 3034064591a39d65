// SPDX-License-Identifier: BSD-3-Clause
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/hkdf.h"
#include "key_file.h"
#include "usim_holder.h"

static const uint8_t no_fingerprint[KEY_FILE_FINGERPRINT_SIZE];
static const char kind[] = "usim";

static enum cli_exit open_key(const char *path, bool make, const struct passphrase *passphrase,
                              struct usim_directory *directory) {
    if (!make)
        return key_file_read(path, kind, passphrase, no_fingerprint, directory->key);
    const struct key_file_lock lock = {passphrase, {KEY_FILE_MEMORY_KIB, KEY_FILE_PASSES}};
    bool good = directory_make(directory->path) &&
                random_bytes(&directory->random, directory->key, SEAL_KEY_SIZE) == RANDOM_OK &&
                key_file_write(path, kind, directory->key, no_fingerprint, &lock, &directory->random);
    return good ? CLI_GOOD : CLI_FAILED;
}

static bool is_of_usim(const char *name, const char *suffix) {
    return strspn(name, "0123456789") == USIM_ICCID_DIGITS && strcmp(name + USIM_ICCID_DIGITS, suffix) == 0;
}

static int is_profile(const struct dirent *entry) { return is_of_usim(entry->d_name, USIM_PROFILE); }

static int is_removal(const struct dirent *entry) { return is_of_usim(entry->d_name, USIM_REMOVED); }

/* What is being written, and what is being taken away. */
static int is_leftover(const struct dirent *entry) {
    size_t length = strlen(entry->d_name);
    bool of_usim = strspn(entry->d_name, "0123456789") == USIM_ICCID_DIGITS || strncmp(entry->d_name, "usim.", 5) == 0;
    return of_usim && (is_of_usim(entry->d_name, USIM_REMOVING) || strcmp(entry->d_name + length - 4, ".new") == 0);
}

/* Names of files in their order; the caller frees them. @return how many, -1: told */
static int find_files(const struct usim_directory *directory, enum usim_files files, struct dirent ***found) {
    static int (*const filters[])(const struct dirent *) = {
        [USIM_PROFILES] = is_profile, [USIM_REMOVALS] = is_removal, [USIM_LEFTOVERS] = is_leftover};
    int count = scandir(directory->path, found, filters[files], alphasort);
    if (count < 0)
        cli_error("%s: %s", directory->path, strerror(errno));
    return count;
}

static void free_names(struct dirent **found, int count) {
    for (int i = 0; i < count; i++)
        free(found[i]);
    free((void *)found);
}

enum cli_exit usim_each_file(const struct usim_directory *directory, enum usim_files files,
                             enum cli_exit (*each)(void *context, const char *name), void *context) {
    struct dirent **found = NULL;
    enum cli_exit result = CLI_GOOD;
    int count = find_files(directory, files, &found);
    for (int i = 0; i < count && result == CLI_GOOD; i++)
        result = each(context, found[i]->d_name);
    free_names(found, count);
    return count < 0 ? CLI_FAILED : result;
}

/* A new key beside profiles would never open them, and hide that theirs is gone. */
static bool is_empty(const struct usim_directory *directory) {
    struct dirent **found = NULL;
    int count = find_files(directory, USIM_PROFILES, &found);
    if (count > 0)
        cli_error("%s has profiles, but usim.key is gone: put it back, they can't be read without", directory->path);
    free_names(found, count);
    return count == 0;
}

static enum cli_exit open_or_make(const struct cli *cli, const char *key, enum usim_use use,
                                  struct usim_directory *directory) {
    const struct secret_wish wish = {.what = "passphrase of the USIMs",
                                     .option = "passphrase-file",
                                     .file = cli->passphrase_file,
                                     .twice = use == USIM_MAKE && !path_is_there(key)};
    struct passphrase passphrase;
    if (wish.twice && !is_empty(directory))
        return CLI_FAILED;
    if (!secret_get(&wish, &passphrase))
        return CLI_FAILED;
    enum cli_exit result = open_key(key, wish.twice, &passphrase, directory);
    crypto_wipe(&passphrase, sizeof(passphrase));
    return result;
}

enum cli_exit usim_directory_open(const struct cli *cli, const char *path, enum usim_use use,
                                  struct usim_directory *directory) {
    char key[CLI_PATH_SIZE];
    *directory = (struct usim_directory){.path = path, .lock = -1};
    if (path == NULL || path[0] == '\0') {
        cli_error("where are the profiles? Give --store=DIRECTORY");
        return CLI_USAGE;
    }
    if (!path_of(key, "%s/usim.key", path) || !host_random(&directory->random))
        return CLI_FAILED;
    directory->is_absent = !path_is_there(key) && use == USIM_MAKE && cli->dry_run;
    if (directory->is_absent)
        return !path_is_there(path) || is_empty(directory) ? CLI_GOOD : CLI_FAILED;
    if (use != USIM_MAKE && !path_is_there(key)) {
        cli_error("%s has no USIM profiles; 'flipside usim create' and 'flipside usim import' make some", path);
        return CLI_FAILED;
    }
    if (use == USIM_MAKE && !directory_make(path))
        return CLI_FAILED;
    if (use != USIM_READ && !directory_lock(path, &directory->lock))
        return CLI_FAILED;
    if (use != USIM_READ && !cli->dry_run)
        usim_clear_leftovers(directory);
    enum cli_exit result = open_or_make(cli, key, use, directory);
    if (result != CLI_GOOD && use == USIM_MAKE)
        (void)rmdir(path); /* what was made for nothing is empty */
    return result;
}

void usim_directory_unlock(struct usim_directory *directory) {
    if (directory->lock >= 0)
        (void)close(directory->lock);
    directory->lock = -1;
}

void usim_directory_close(struct usim_directory *directory) {
    usim_directory_unlock(directory);
    crypto_wipe(directory, sizeof(*directory));
    directory->lock = -1;
}

bool usim_path(const struct usim_directory *directory, const char *iccid, const char *suffix, char *path) {
    return path_of(path, "%s/%s%s", directory->path, iccid, suffix);
}

/* The nonce comes first (usim/seal.h). */
static struct usim_tag tag_of(const uint8_t *sealed) {
    struct usim_tag tag;
    memcpy(tag.bytes, sealed, sizeof(tag.bytes));
    return tag;
}

static enum cli_exit unseal(const struct usim_directory *directory, const char *iccid, struct usim_entry *entry) {
    char path[CLI_PATH_SIZE];
    uint8_t sealed[USIM_PROFILE_MAX + SEAL_OVERHEAD];
    size_t size = 0;
    if (!usim_path(directory, iccid, USIM_PROFILE, path))
        return CLI_FAILED;
    if (!path_is_there(path)) {
        cli_error("there is no USIM %s in %s; 'flipside usim show' lists them", iccid, directory->path);
        return CLI_FAILED;
    }
    if (!file_read(path, sealed, sizeof(sealed), &size))
        return CLI_FAILED;
    enum usim_error error = USIM_MALFORMED;
    if (size > SEAL_OVERHEAD)
        error = usim_unseal(directory->key, SEAL_PROFILE, sealed, entry->encoded, size - SEAL_OVERHEAD);
    if (error == USIM_OK)
        error = usim_profile_read(&entry->profile, entry->encoded, size - SEAL_OVERHEAD);
    if (error == USIM_OK && strcmp(entry->profile.iccid, iccid) != 0)
        error = USIM_OTHER_PROFILE;
    if (error == USIM_OK) {
        entry->tag = tag_of(sealed);
        return CLI_GOOD;
    }
    crypto_wipe(entry, sizeof(*entry));
    cli_error("%s: %s; put the file back from a copy, or move it out of the store", path, usim_error_text(error));
    return CLI_REFUSED;
}

enum cli_exit usim_load(const struct usim_directory *directory, const char *iccid, struct usim_entry *entry) {
    struct usim_profile wanted;
    memset(entry, 0, sizeof(*entry));
    return usim_take_iccid(&wanted, iccid) ? unseal(directory, wanted.iccid, entry) : CLI_FAILED;
}

/* @return bytes; 0: told */
static size_t seal(const struct usim_directory *directory, const struct usim_profile *profile, uint8_t *sealed) {
    uint8_t encoded[USIM_PROFILE_MAX];
    size_t size = 0;
    enum usim_error error = usim_profile_write(profile, encoded, sizeof(encoded), &size);
    if (error == USIM_OK)
        error = usim_seal(directory->key, SEAL_PROFILE, encoded, size, sealed);
    crypto_wipe(encoded, sizeof(encoded));
    if (error != USIM_OK)
        cli_error("%s: %s", profile->iccid, usim_error_text(error));
    return error == USIM_OK ? size + SEAL_OVERHEAD : 0;
}

bool usim_tag_read(const struct usim_directory *directory, const char *iccid, struct usim_tag *tag) {
    char path[CLI_PATH_SIZE];
    int file = usim_path(directory, iccid, USIM_PROFILE, path) ? open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;
    bool good = file >= 0 && read(file, tag->bytes, sizeof(tag->bytes)) == (ssize_t)sizeof(tag->bytes);
    if (file >= 0)
        (void)close(file);
    return good;
}

bool usim_save(const struct usim_directory *directory, const struct usim_profile *profile, struct usim_tag *tag) {
    char path[CLI_PATH_SIZE];
    uint8_t sealed[USIM_PROFILE_MAX + SEAL_OVERHEAD];
    size_t size = seal(directory, profile, sealed);
    if (size == 0 || !usim_path(directory, profile->iccid, USIM_PROFILE, path) || !file_write(path, sealed, size, true))
        return false;
    *tag = tag_of(sealed);
    return true;
}

/* ---- Many at once */

bool usim_batch_add(const struct usim_directory *directory, struct usim_batch *batch,
                    const struct usim_profile *profile, struct usim_tag *tag) {
    char path[CLI_PATH_SIZE];
    uint8_t sealed[USIM_PROFILE_MAX + SEAL_OVERHEAD];
    size_t size = seal(directory, profile, sealed);
    if (size == 0 || !usim_path(directory, profile->iccid, USIM_PROFILE, path) ||
        !file_write_beside(path, sealed, size, true))
        return false;
    *tag = tag_of(sealed);
    memcpy(batch->iccids[batch->count++], profile->iccid, sizeof(batch->iccids[0]));
    return true;
}

/* Contents are lasting before names are. */
size_t usim_batch_end(const struct usim_directory *directory, struct usim_batch *batch) {
    char path[CLI_PATH_SIZE];
    size_t placed = 0;
    bool lasting = syncfs(directory->lock) == 0;
    if (!lasting)
        cli_error("%s: %s", directory->path, strerror(errno));
    for (size_t i = 0; i < batch->count; i++)
        placed += usim_path(directory, batch->iccids[i], USIM_PROFILE, path) && file_place(path, lasting);
    batch->count = 0;
    return placed == 0 || fsync(directory->lock) == 0 ? placed : 0;
}

struct each {
    const struct usim_directory *directory;
    enum cli_exit (*each)(void *context, const struct usim_entry *entry);
    void *context;
};

static enum cli_exit open_one(void *context, const char *name) {
    const struct each *each = context;
    char iccid[USIM_ICCID_DIGITS + 1];
    struct usim_entry entry;
    (void)snprintf(iccid, sizeof(iccid), "%s", name);
    enum cli_exit result = unseal(each->directory, iccid, &entry);
    if (result == CLI_GOOD)
        result = each->each(each->context, &entry);
    crypto_wipe(&entry, sizeof(entry));
    return result;
}

enum cli_exit usim_each(const struct usim_directory *directory,
                        enum cli_exit (*each)(void *context, const struct usim_entry *entry), void *context) {
    struct each call = {directory, each, context};
    return usim_each_file(directory, USIM_PROFILES, open_one, &call);
}
