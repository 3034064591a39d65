// SPDX-License-Identifier: BSD-3-Clause
#include "mark.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon.h"

#define MOUNT_POINT DAEMON_DIRECTORY "/store"

/* A string property: all but its NUL. @return its length; -1: it is not there, or too long */
static ssize_t read_property(const char *chosen, const char *name, char *value, size_t room) {
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s", chosen, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t size = read(fd, value, room);
    close(fd);
    if (size <= 0 || value[size - 1] != '\0' || strlen(value) != (size_t)size - 1)
        return -1;
    return size - 1;
}

/* Names that lead nowhere else. */
static bool is_plain(const char *text) {
    for (const char *at = text; *at != '\0'; at++)
        if (!isalnum((unsigned char)*at) && *at != '-')
            return false;
    return *text != '\0';
}

static bool is_token(const char *text, ssize_t size) {
    return size == MARK_TOKEN_SIZE && strspn(text, "0123456789abcdef") == MARK_TOKEN_SIZE;
}

enum mark_error mark_read(const char *chosen, struct mark *mark) {
    char path[PATH_MAX];
    *mark = (struct mark){0};
    (void)snprintf(path, sizeof path, "%s/flipside,up-token", chosen);
    if (access(path, F_OK) != 0)
        return MARK_NOT_ASKED;
    ssize_t token_size = read_property(chosen, "flipside,up-token", mark->token, sizeof mark->token);
    if (is_token(mark->token, token_size) &&
        read_property(chosen, "flipside,persona", mark->persona, sizeof mark->persona) > 0 && is_plain(mark->persona) &&
        read_property(chosen, "flipside,store", mark->store, sizeof mark->store) > 0 && is_plain(mark->store))
        return MARK_OK;
    *mark = (struct mark){0};
    return MARK_BAD_TREE;
}

static enum mark_error write_file(const struct mark *mark, int fd) {
    char contents[MARK_FILE_SIZE] = {0};
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size != MARK_FILE_SIZE)
        return MARK_WRONG_FILE;
    memcpy(contents, mark->token, MARK_TOKEN_SIZE);
    bool written = pwrite(fd, contents, sizeof contents, 0) == (ssize_t)sizeof contents && fsync(fd) == 0;
    return written ? MARK_OK : MARK_NOT_WRITTEN;
}

enum mark_error mark_write(const struct mark *mark, const char *directory) {
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/flipside/personas/%s/up", directory, mark->persona);
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return MARK_NO_FILE;
    enum mark_error error = write_file(mark, fd);
    if (close(fd) != 0 && error == MARK_OK)
        error = MARK_NOT_WRITTEN;
    return error;
}

/* In name space of its own, so that no other program finds the partition mounted, nor stays on it. */
static bool mount_store(const char *store) {
    char device[PATH_MAX];
    (void)snprintf(device, sizeof device, "/dev/disk/by-partuuid/%s", store);
    (void)mkdir(DAEMON_DIRECTORY, 0755);
    (void)mkdir(MOUNT_POINT, 0700);
    return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount(device, MOUNT_POINT, "vfat", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME, NULL) == 0;
}

enum mark_error mark_put(const struct mark *mark) {
    if (!mount_store(mark->store))
        return MARK_NO_STORE;
    enum mark_error error = mark_write(mark, MOUNT_POINT);
    int cause = errno;
    if (umount(MOUNT_POINT) != 0 && error == MARK_OK)
        return MARK_NOT_WRITTEN;
    errno = cause;
    return error;
}

const char *mark_error_text(enum mark_error error) {
    static const char *const texts[] = {
        [MARK_OK] = "written",
        [MARK_NOT_ASKED] = "the loader does not ask for it",
        [MARK_BAD_TREE] = "what the loader says in the device tree is not understood; is the agent of another version?",
        [MARK_NO_STORE] = "the partition with the terminal's store can't be mounted",
        [MARK_NO_FILE] = "the store has no file for it; 'flipside deliver' makes one",
        [MARK_WRONG_FILE] = "its file in the store is not the one that 'flipside deliver' made",
        [MARK_NOT_WRITTEN] = "it can't be written",
    };
    return (size_t)error < sizeof texts / sizeof texts[0] ? texts[error] : "unknown error";
}
