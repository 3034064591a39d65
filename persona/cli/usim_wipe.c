// SPDX-License-Identifier: BSD-3-Clause
// What leaves a directory of USIMs: what is removed, and what was interrupted.
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "usim_holder.h"

/* Not through a link, and lastingly before the name goes. @return whether it is overwritten, or can't be by its kind */
static bool overwrite(const char *path) {
    static const uint8_t zeros[4096];
    struct stat status;
    int file = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0)
        return errno == ENOENT || errno == ELOOP;
    bool good = fstat(file, &status) == 0;
    off_t left = good && S_ISREG(status.st_mode) ? status.st_size : 0;
    for (; left > 0 && good; left -= (off_t)sizeof(zeros))
        good = descriptor_write(file, zeros, left < (off_t)sizeof(zeros) ? (size_t)left : sizeof(zeros));
    good = good && (!S_ISREG(status.st_mode) || fsync(file) == 0);
    (void)close(file);
    return good;
}

static bool wipe_file(const char *path) {
    bool good = overwrite(path) && (unlink(path) == 0 || errno == ENOENT);
    if (!good)
        cli_error("%s: %s", path, strerror(errno));
    return good;
}

/* The notes of who has it go before the profile does, since the note of the removal says the same; a profile that is
 * half overwritten is never found in its place. */
bool usim_take_away(const struct usim_directory *directory, const struct usim_profile *profile) {
    char path[CLI_PATH_SIZE], removing[CLI_PATH_SIZE];
    static const char *const notes[] = {USIM_SERVED, USIM_ISSUED};
    for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++)
        if (!usim_path(directory, profile->iccid, notes[i], path) || !wipe_file(path))
            return false;
    if (!usim_path(directory, profile->iccid, USIM_PROFILE, path) ||
        !usim_path(directory, profile->iccid, USIM_REMOVING, removing))
        return false;
    if (rename(path, removing) != 0) {
        cli_error("%s: %s", path, strerror(errno));
        return false;
    }
    return directory_sync(path) && wipe_file(removing) && directory_sync(path);
}

struct clearing {
    const struct usim_directory *directory;
    unsigned count;
};

static enum cli_exit clear(void *context, const char *name) {
    struct clearing *clearing = context;
    char path[CLI_PATH_SIZE];
    if (!path_of(path, "%s/%s", clearing->directory->path, name))
        return CLI_FAILED;
    bool removing = strcmp(name + strlen(name) - strlen(USIM_REMOVING), USIM_REMOVING) == 0;
    if (removing ? !wipe_file(path) : unlink(path) != 0)
        return CLI_FAILED;
    clearing->count++;
    return CLI_GOOD;
}

void usim_clear_leftovers(const struct usim_directory *directory) {
    struct clearing clearing = {directory, 0};
    if (flock(directory->lock, LOCK_EX | LOCK_NB) != 0)
        return; /* a file system without locks: they may be another flipside's, which writes them just now */
    (void)usim_each_file(directory, USIM_LEFTOVERS, clear, &clearing);
    if (clearing.count == 1)
        cli_error("a file that an interrupted flipside left in %s was cleared away", directory->path);
    else if (clearing.count > 1)
        cli_error("%u files that an interrupted flipside left in %s were cleared away", clearing.count,
                  directory->path);
}
