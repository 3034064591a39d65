// SPDX-License-Identifier: BSD-3-Clause
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "crypto/hkdf.h"
#include "key_file.h"
#include "usim.h"

static const uint8_t no_fingerprint[KEY_FILE_FINGERPRINT_SIZE];
static const char profile_suffix[] = ".profile", kind[] = "usim";

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

enum cli_exit usim_directory_open(const struct cli *cli, const char *path, bool make,
                                  struct usim_directory *directory) {
    char key[CLI_PATH_SIZE];
    struct stat status;
    struct passphrase passphrase;
    memset(directory, 0, sizeof(*directory));
    if (path == NULL) {
        cli_error("where are the profiles? Give --store=DIRECTORY");
        return CLI_USAGE;
    }
    directory->path = path;
    if (!path_of(key, "%s/usim.key", path) || !host_random(&directory->random))
        return CLI_FAILED;
    make = make && stat(key, &status) != 0 && (errno == ENOENT || errno == ENOTDIR);
    if (make && cli->dry_run)
        return CLI_GOOD;
    if (!passphrase_get(cli, make, &passphrase))
        return CLI_FAILED;
    enum cli_exit result = open_key(key, make, &passphrase, directory);
    crypto_wipe(&passphrase, sizeof(passphrase));
    if (result != CLI_GOOD)
        usim_directory_close(directory);
    return result;
}

void usim_directory_close(struct usim_directory *directory) { crypto_wipe(directory, sizeof(*directory)); }

enum cli_exit usim_load(const struct usim_directory *directory, const char *iccid, struct usim_entry *entry) {
    char path[CLI_PATH_SIZE];
    uint8_t sealed[USIM_PROFILE_MAX + SEAL_OVERHEAD];
    size_t size = 0;
    if (strlen(iccid) != USIM_ICCID_DIGITS || strspn(iccid, "0123456789") != USIM_ICCID_DIGITS) {
        cli_error("%s: an ICCID has %d digits", iccid, USIM_ICCID_DIGITS);
        return CLI_USAGE;
    }
    if (!path_of(path, "%s/%s%s", directory->path, iccid, profile_suffix) ||
        !file_read(path, sealed, sizeof(sealed), &size))
        return CLI_FAILED;
    enum usim_error error = USIM_MALFORMED;
    if (size > SEAL_OVERHEAD)
        error = usim_unseal(directory->key, SEAL_PROFILE, sealed, entry->encoded, size - SEAL_OVERHEAD);
    if (error == USIM_OK)
        error = usim_profile_read(&entry->profile, entry->encoded, size - SEAL_OVERHEAD);
    if (error == USIM_OK && strcmp(entry->profile.iccid, iccid) != 0)
        error = USIM_OTHER_PROFILE;
    if (error == USIM_OK)
        return CLI_GOOD;
    crypto_wipe(entry, sizeof(*entry));
    cli_error("%s: %s", path, usim_error_text(error));
    return CLI_REFUSED;
}

static bool path_in(const struct usim_directory *directory, const char *iccid, char *path) {
    return path_of(path, "%s/%s%s", directory->path, iccid, profile_suffix);
}

bool usim_is_new(const struct usim_directory *directory, const struct usim_profile *profile) {
    char path[CLI_PATH_SIZE];
    struct stat status;
    if (!path_in(directory, profile->iccid, path))
        return false;
    if (stat(path, &status) != 0)
        return true;
    cli_error("%s is there already, and was left as it is", path);
    return false;
}

bool usim_is_noted(const struct usim_directory *directory, const char *iccid, const char *suffix) {
    char path[CLI_PATH_SIZE];
    struct stat status;
    return !path_of(path, "%s/%s%s", directory->path, iccid, suffix) || stat(path, &status) == 0 || errno != ENOENT;
}

bool usim_save(const struct usim_directory *directory, const struct usim_profile *profile) {
    char path[CLI_PATH_SIZE];
    uint8_t encoded[USIM_PROFILE_MAX], sealed[USIM_PROFILE_MAX + SEAL_OVERHEAD];
    size_t size = 0;
    if (!path_in(directory, profile->iccid, path))
        return false;
    enum usim_error error = usim_profile_write(profile, encoded, sizeof(encoded), &size);
    if (error == USIM_OK)
        error = usim_seal(directory->key, SEAL_PROFILE, encoded, size, sealed);
    crypto_wipe(encoded, sizeof(encoded));
    if (error != USIM_OK)
        cli_error("%s: %s", profile->iccid, usim_error_text(error));
    return error == USIM_OK && file_write(path, sealed, size + SEAL_OVERHEAD, true);
}

static int is_profile(const struct dirent *entry) {
    size_t length = strlen(entry->d_name);
    return length == USIM_ICCID_DIGITS + sizeof(profile_suffix) - 1 &&
           strcmp(entry->d_name + USIM_ICCID_DIGITS, profile_suffix) == 0;
}

enum cli_exit usim_each(const struct usim_directory *directory,
                        enum cli_exit (*each)(void *context, const struct usim_entry *entry), void *context) {
    struct dirent **found = NULL;
    enum cli_exit result = CLI_GOOD;
    int count = scandir(directory->path, &found, is_profile, alphasort);
    if (count < 0) {
        cli_error("%s: %s", directory->path, strerror(errno));
        return CLI_FAILED;
    }
    for (int i = 0; i < count; i++) {
        struct usim_entry entry;
        found[i]->d_name[USIM_ICCID_DIGITS] = '\0';
        if (result == CLI_GOOD)
            result = usim_load(directory, found[i]->d_name, &entry);
        if (result == CLI_GOOD)
            result = each(context, &entry);
        crypto_wipe(&entry, sizeof(entry));
        free(found[i]);
    }
    free((void *)found);
    return result;
}
