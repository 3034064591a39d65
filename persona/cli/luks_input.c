// SPDX-License-Identifier: BSD-3-Clause
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "luks_input.h"

enum {
    SECTOR = 512,
    PAGE = 4096,
    CHILD_FILE = 3, /* the descriptor that mke2fs finds its file at */
};

/* Where /sbin is not in the user's PATH, mke2fs is there all the same. */
static const char *program(void) { return access("/sbin/mke2fs", X_OK) == 0 ? "/sbin/mke2fs" : "mke2fs"; }

static bool run(char *const *arguments, int file) {
    pid_t child = 0;
    int status = 0;
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return false;
    int error = posix_spawn_file_actions_adddup2(&actions, file, CHILD_FILE);
    if (error == 0)
        error = posix_spawnp(&child, arguments[0], &actions, NULL, arguments, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
        cli_error("mke2fs can't be started: %s (package e2fsprogs)", strerror(error));
        return false;
    }
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* What is in the directory may be secret: the file has no name, so that it goes with this process. */
static int nameless_file(const char *target) {
    char directory[CLI_PATH_SIZE];
    const char *slash = strrchr(target, '/');
    if (!path_of(directory, "%.*s", slash == NULL ? 1 : (int)(slash - target) + 1, slash == NULL ? "." : target))
        return -1;
    int file = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file < 0)
        cli_error("%s: no file can be made here: %s", directory, strerror(errno));
    // The child's descriptor is not closed for it only when it is another one.
    if (file == CHILD_FILE) {
        file = fcntl(CHILD_FILE, F_DUPFD_CLOEXEC, CHILD_FILE + 1);
        (void)close(CHILD_FILE);
    }
    return file;
}

static bool make_file_system(struct luks_input *input, const struct luks_request *request, const char *target) {
    char size[32], path[] = "/proc/self/fd/3";
    if (request->size == 0 || request->size % PAGE != 0) {
        cli_error("a root file system's size must be a multiple of %d bytes", PAGE);
        return false;
    }
    input->file = nameless_file(target);
    if (input->file < 0)
        return false;
    (void)snprintf(size, sizeof(size), "%lluk", (unsigned long long)(request->size / 1024));
    const char *label = request->label == NULL ? "" : request->label;
    const char *arguments[] = {program(), "-q",  "-t", "ext4", "-b", "4096", "-E", "root_owner=0:0",
                               "-L",      label, path, size,   NULL, NULL,   NULL};
    if (request->source == LUKS_DIRECTORY) {
        const char *from[] = {"-d", request->path, path, size};
        memcpy(&arguments[10], from, sizeof(from));
    }
    if (run((char *const *)arguments, input->file))
        return true;
    cli_error("%s: no file system of %llu bytes could be made of it; a larger one may do",
              request->source == LUKS_DIRECTORY ? request->path : "mke2fs", (unsigned long long)request->size);
    return false;
}

static bool open_image(struct luks_input *input, const char *path) {
    input->file = open(path, O_RDONLY | O_CLOEXEC);
    if (input->file < 0)
        cli_error("%s: %s", path, strerror(errno));
    return input->file >= 0;
}

static bool measure(struct luks_input *input, const char *name) {
    // Devices have no size in their status; seeking to the end tells it of both.
    off_t end = lseek(input->file, 0, SEEK_END);
    if (end > 0 && end % SECTOR == 0) {
        input->size = (uint64_t)end;
        return true;
    }
    if (end < 0)
        cli_error("%s: %s", name, strerror(errno));
    else
        cli_error("%s: a root file system's size must be a multiple of %d bytes, and not 0", name, SECTOR);
    return false;
}

/* A file system that is other than ext4, or was not unmounted, has no map that can be relied on. */
static void open_map(struct luks_input *input) {
    char path[64];
    ext2_filsys map = NULL;
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", input->file);
    if (ext2fs_open(path, EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &map) != 0)
        return;
    if (map->blocksize >= PAGE && input->size % PAGE == 0)
        input->sector_size = PAGE;
    if (!ext2fs_has_feature_journal_needs_recovery(map->super) && ext2fs_read_block_bitmap(map) == 0)
        input->map = map;
    else
        (void)ext2fs_free(map);
}

bool luks_input_open(struct luks_input *input, const struct luks_request *request, const char *target) {
    *input = (struct luks_input){.file = -1, .sector_size = SECTOR};
    bool good =
        request->source == LUKS_IMAGE ? open_image(input, request->path) : make_file_system(input, request, target);
    if (!good || !measure(input, request->source == LUKS_EMPTY ? "mke2fs" : request->path))
        return false;
    open_map(input);
    return true;
}

bool luks_input_is_free(const struct luks_input *input, uint64_t offset, size_t size) {
    if (input->map == NULL || offset % input->map->blocksize != 0 || size % input->map->blocksize != 0)
        return false;
    blk64_t first = offset / input->map->blocksize, count = size / input->map->blocksize;
    // What lies before the first block or behind the last is in no map.
    if (first <= input->map->super->s_first_data_block || first + count > ext2fs_blocks_count(input->map->super))
        return false;
    return ext2fs_test_block_bitmap_range2(input->map->block_map, first, (unsigned int)count) != 0;
}

void luks_input_close(struct luks_input *input) {
    if (input->map != NULL)
        (void)ext2fs_free(input->map);
    if (input->file >= 0)
        (void)close(input->file);
    *input = (struct luks_input){.file = -1};
}
