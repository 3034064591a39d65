// SPDX-License-Identifier: BSD-3-Clause
#define _GNU_SOURCE
#include "medium.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "process.h"

static bool is_directory(const struct medium *medium) { return medium->file < 0; }

static bool local_path(const struct medium *medium, const char *path, char *local) {
    return path_of(local, "%s/%s", medium->path, path);
}

/* ---- mtools */

/* Runs one of mtools on the EFI system partition. `from` may be NULL. */
static bool run_tool(const struct medium *medium, struct process *process, const char *tool, const char *flag,
                     const char *from, const char *path) {
    char target[CLI_PATH_SIZE];
    const char *arguments[8] = {tool};
    size_t count = 1;
    if (!path_of(target, "::/%s", path))
        return false;
    if (flag != NULL)
        arguments[count++] = flag;
    arguments[count++] = "-i";
    arguments[count++] = medium->drive;
    if (from != NULL)
        arguments[count++] = from;
    arguments[count] = target;
    process->arguments = arguments;
    process->input = -1;
    return process_run(process);
}

/* mtools says so in words only, which it does not translate. */
static bool says_absent(const struct process *process) {
    return strstr(process->error, "not found") != NULL || strstr(process->error, "No such file") != NULL;
}

static void tell(const struct medium *medium, const char *path, const struct process *process) {
    cli_error("%s: \\%s: %s", medium->path, path, process->error[0] == '\0' ? "failed" : process->error);
}

/* ---- Reading */

static enum medium_result stream_file(const char *path, process_output *take, void *context) {
    static uint8_t bytes[1 << 16];
    FILE *file = fopen(path, "rb");
    if (file == NULL && (errno == ENOENT || errno == ENOTDIR))
        return MEDIUM_ABSENT;
    bool good = file != NULL;
    for (size_t got = 1; good && got > 0;) {
        got = fread(bytes, 1, sizeof(bytes), file);
        good = ferror(file) == 0 && (got == 0 || take(context, bytes, got));
    }
    if (!good)
        cli_error("%s: %s", path, strerror(errno));
    if (file != NULL)
        (void)fclose(file);
    return good ? MEDIUM_GOOD : MEDIUM_FAILED;
}

enum medium_result medium_stream(const struct medium *medium, const char *path, process_output *take, void *context) {
    struct process process = {.output = take, .context = context};
    char local[CLI_PATH_SIZE];
    if (is_directory(medium))
        return local_path(medium, path, local) ? stream_file(local, take, context) : MEDIUM_FAILED;
    if (run_tool(medium, &process, "mtype", NULL, NULL, path))
        return MEDIUM_GOOD;
    if (says_absent(&process))
        return MEDIUM_ABSENT;
    tell(medium, path, &process);
    return MEDIUM_FAILED;
}

struct buffer {
    uint8_t *bytes;
    size_t room;
    size_t size;
    bool too_long;
};

static bool gather(void *context, const void *bytes, size_t size) {
    struct buffer *buffer = context;
    buffer->too_long = buffer->too_long || size > buffer->room - buffer->size;
    if (buffer->too_long)
        return true;
    memcpy(buffer->bytes + buffer->size, bytes, size);
    buffer->size += size;
    return true;
}

enum medium_result medium_read(const struct medium *medium, const char *path, void *bytes, size_t room, size_t *size) {
    struct buffer buffer = {bytes, room, 0, false};
    enum medium_result result = medium_stream(medium, path, gather, &buffer);
    *size = result == MEDIUM_GOOD && !buffer.too_long ? buffer.size : 0;
    if (result != MEDIUM_GOOD || !buffer.too_long)
        return result;
    cli_error("%s: \\%s is longer than the %zu bytes that such a file has", medium->path, path, room);
    return MEDIUM_FAILED;
}

/* ---- Writing */

/* What mtools is given to copy from, without a file that others could see. */
static bool copy_bytes(struct medium *medium, struct process *process, const char *path, const void *bytes,
                       size_t size) {
    char from[64];
    int file = memfd_create("flipside", 0);
    (void)snprintf(from, sizeof(from), "/proc/self/fd/%d", file);
    bool good =
        file >= 0 && descriptor_write(file, bytes, size) && run_tool(medium, process, "mcopy", "-o", from, path);
    if (file >= 0)
        (void)close(file);
    return good;
}

bool medium_write(struct medium *medium, const char *path, const void *bytes, size_t size) {
    struct process process = {.output = NULL};
    char local[CLI_PATH_SIZE];
    medium->changed = true;
    if (is_directory(medium))
        return local_path(medium, path, local) && file_write(local, bytes, size, false);
    if (copy_bytes(medium, &process, path, bytes, size))
        return true;
    tell(medium, path, &process);
    return false;
}

bool medium_copy(struct medium *medium, const char *path, const char *from) {
    struct process process = {.output = NULL};
    char local[CLI_PATH_SIZE];
    medium->changed = true;
    if (is_directory(medium))
        return local_path(medium, path, local) && file_copy(from, local);
    if (run_tool(medium, &process, "mcopy", "-o", from, path))
        return true;
    tell(medium, path, &process);
    return false;
}

static bool remove_with(struct medium *medium, const char *tool, const char *path) {
    struct process process = {.output = NULL};
    if (run_tool(medium, &process, tool, NULL, NULL, path) || says_absent(&process))
        return true;
    tell(medium, path, &process);
    return false;
}

bool medium_remove(struct medium *medium, const char *path) {
    char local[CLI_PATH_SIZE];
    medium->changed = true;
    if (!is_directory(medium))
        return remove_with(medium, "mdel", path);
    if (!local_path(medium, path, local))
        return false;
    if (unlink(local) == 0)
        return directory_sync(local);
    if (errno == ENOENT)
        return true;
    cli_error("%s: %s", local, strerror(errno));
    return false;
}

bool medium_exists(const struct medium *medium, const char *path) {
    struct process process = {.output = NULL};
    char local[CLI_PATH_SIZE];
    struct stat status;
    if (is_directory(medium))
        return local_path(medium, path, local) && stat(local, &status) == 0;
    return run_tool(medium, &process, "mdir", "-b", NULL, path);
}

bool medium_make_directory(struct medium *medium, const char *path) {
    char part[CLI_PATH_SIZE];
    struct process process = {.output = NULL};
    if (is_directory(medium))
        return local_path(medium, path, part) && directory_make(part);
    if (!path_of(part, "%s", path))
        return false;
    for (char *slash = strchr(part, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (!medium_exists(medium, part) && !medium_make_directory(medium, part))
            return false;
        *slash = '/';
    }
    medium->changed = true;
    if (medium_exists(medium, path) || run_tool(medium, &process, "mmd", NULL, NULL, path))
        return true;
    tell(medium, path, &process);
    return false;
}

void medium_remove_empty(struct medium *medium, const char *path) {
    char names[1][MEDIUM_NAME_SIZE], local[CLI_PATH_SIZE];
    if (medium_list(medium, path, names, 1) > 0)
        return;
    medium->changed = true;
    if (is_directory(medium))
        (void)(local_path(medium, path, local) && rmdir(local) == 0);
    else
        (void)remove_with(medium, "mrd", path);
}

bool medium_remove_all(struct medium *medium, const char *path) {
    char names[MEDIUM_LIST_MAX][MEDIUM_NAME_SIZE], part[CLI_PATH_SIZE];
    struct stat status;
    medium->changed = true;
    if (!is_directory(medium))
        return !medium_exists(medium, path) || remove_with(medium, "mdeltree", path);
    if (!local_path(medium, path, part) || lstat(part, &status) != 0)
        return true;
    if (!S_ISDIR(status.st_mode))
        return medium_remove(medium, path);
    size_t count = medium_list(medium, path, names, MEDIUM_LIST_MAX);
    for (size_t i = 0; i < count && i < MEDIUM_LIST_MAX; i++)
        if (!path_of(part, "%s/%s", path, names[i]) || !medium_remove_all(medium, part))
            return false;
    medium_remove_empty(medium, path);
    return true;
}

/* ---- Directories */

static void add_name(char names[][MEDIUM_NAME_SIZE], size_t room, size_t *count, const char *name, size_t size) {
    if (size == 0 || size >= MEDIUM_NAME_SIZE || *count >= room)
        return;
    memcpy(names[*count], name, size);
    names[(*count)++][size] = '\0';
}

static size_t list_local(const char *path, char names[][MEDIUM_NAME_SIZE], size_t room) {
    size_t count = 0;
    DIR *directory = opendir(path);
    for (struct dirent *entry = directory == NULL ? NULL : readdir(directory); entry != NULL;
         entry = readdir(directory))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            add_name(names, room, &count, entry->d_name, strlen(entry->d_name));
    if (directory != NULL)
        (void)closedir(directory);
    return count;
}

/* mdir -b prints one `::/path/name` a line, with a `/` behind directories. */
size_t medium_list(const struct medium *medium, const char *path, char names[][MEDIUM_NAME_SIZE], size_t room) {
    static char text[MEDIUM_LIST_MAX * CLI_PATH_SIZE / 8];
    struct buffer buffer = {(uint8_t *)text, sizeof(text) - 1, 0, false};
    struct process process = {.output = gather, .context = &buffer};
    char local[CLI_PATH_SIZE];
    size_t count = 0;
    if (is_directory(medium))
        return local_path(medium, path, local) ? list_local(local, names, room) : 0;
    if (!path_of(local, "%s/", path) || !run_tool(medium, &process, "mdir", "-b", NULL, local))
        return 0;
    text[buffer.size] = '\0';
    for (char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        char *next = line + length + (line[length] == '\n');
        if (length > 0 && line[length - 1] == '/')
            length--;
        size_t start = length;
        while (start > 0 && line[start - 1] != '/')
            start--;
        add_name(names, room, &count, line + start, length - start);
        line = next;
    }
    return count;
}

/* The last line that mdir prints: `290 123 456 bytes free`. */
static bool parse_free(char *text, uint64_t *bytes) {
    char *end = strstr(text, "bytes free");
    *bytes = 0;
    if (end == NULL)
        return false;
    char *start = end;
    while (start > text && start[-1] != '\n')
        start--;
    for (; start < end; start++)
        if (*start >= '0' && *start <= '9')
            *bytes = *bytes * 10 + (uint64_t)(*start - '0');
    return true;
}

bool medium_free(const struct medium *medium, uint64_t *bytes) {
    char text[8192];
    struct buffer buffer = {(uint8_t *)text, sizeof(text) - 1, 0, false};
    struct process process = {.output = gather, .context = &buffer};
    struct statvfs status;
    if (is_directory(medium)) {
        bool good = statvfs(medium->path, &status) == 0;
        *bytes = good ? (uint64_t)status.f_bavail * status.f_frsize : 0;
        return good;
    }
    bool good = run_tool(medium, &process, "mdir", NULL, NULL, "");
    text[buffer.size] = '\0';
    good = good && parse_free(text, bytes);
    if (!good)
        cli_error("%s: the EFI system partition has no FAT file system that can be read: %s", medium->path,
                  process.error);
    return good;
}

/* ---- Partitions */

bool medium_partition_fits(const struct medium *medium, const char *label, const char *from) {
    const struct gpt_partition *partition = gpt_find(&medium->gpt, label);
    struct stat status;
    if (is_directory(medium) || partition == NULL) {
        cli_error("%s has no partition labelled %s, which the persona's root file system is for", medium->path, label);
        return false;
    }
    if (stat(from, &status) != 0) {
        cli_error("%s: %s", from, strerror(errno));
        return false;
    }
    if ((uint64_t)status.st_size <= partition->size)
        return true;
    cli_error("%s: partition %s has %llu MB, %llu MB are needed", medium->path, label,
              (unsigned long long)(partition->size >> 20), (unsigned long long)((uint64_t)status.st_size >> 20));
    return false;
}

static bool copy_stretch(const struct medium *medium, const struct gpt_partition *partition, int from, off_t start,
                         off_t end) {
    static uint8_t piece[1 << 20];
    while (start < end) {
        size_t wanted = (size_t)(end - start) < sizeof(piece) ? (size_t)(end - start) : sizeof(piece);
        ssize_t got = pread(from, piece, wanted, start);
        if (got <= 0 || pwrite(medium->file, piece, (size_t)got, (off_t)partition->start + start) != got)
            return false;
        start += got;
        cli_progress(partition->label, (uint64_t)start, partition->size);
    }
    return true;
}

/* Holes stay what they were on the disk: of an encrypted file system they are what was never written. */
static bool copy_image(const struct medium *medium, const struct gpt_partition *partition, int from, off_t size) {
    for (off_t at = 0; at < size;) {
        off_t start = lseek(from, at, SEEK_DATA);
        if (start < 0)
            return errno == ENXIO;
        at = lseek(from, start, SEEK_HOLE);
        if (at < 0 || !copy_stretch(medium, partition, from, start, at))
            return false;
    }
    return true;
}

bool medium_fill_partition(struct medium *medium, const char *label, const char *from) {
    struct stat status;
    if (!medium_partition_fits(medium, label, from))
        return false;
    int file = open(from, O_RDONLY | O_CLOEXEC);
    medium->changed = true;
    bool good = file >= 0 && fstat(file, &status) == 0 &&
                copy_image(medium, gpt_find(&medium->gpt, label), file, status.st_size);
    cli_progress_end();
    if (!good)
        cli_error("%s: partition %s: %s", medium->path, label, strerror(errno));
    if (file >= 0)
        (void)close(file);
    return good;
}
