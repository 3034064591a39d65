// SPDX-License-Identifier: BSD-3-Clause
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "crypto/hkdf.h"

enum { ARRAY_FIRST = 64 /* elements */ };

bool path_of(char *path, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(path, CLI_PATH_SIZE, format, arguments);
    va_end(arguments);
    if (length >= 0 && length < CLI_PATH_SIZE)
        return true;
    cli_error("a path is too long");
    return false;
}

bool path_is_there(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

void hex_write(char *hex, const void *bytes, size_t size) {
    const uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", at[i]);
}

void *array_with_room(void *array, size_t element, size_t count, size_t *room) {
    size_t wanted = *room == 0 ? ARRAY_FIRST : 2 * *room;
    if (count < *room)
        return array;
    void *larger = wanted > SIZE_MAX / element ? NULL : realloc(array, wanted * element);
    if (larger == NULL)
        cli_error("not enough memory");
    else
        *room = wanted;
    return larger;
}

bool file_read_stream(FILE *file, const char *name, void *bytes, size_t room, size_t *size) {
    // No copy of what may be a secret stays behind in a buffer.
    (void)setvbuf(file, NULL, _IONBF, 0);
    *size = fread(bytes, 1, room, file);
    bool whole = fgetc(file) == EOF && ferror(file) == 0;
    if (!whole)
        cli_error("%s: can't be read, or is longer than the %zu bytes that such a file has", name, room);
    return whole;
}

bool file_read(const char *path, void *bytes, size_t room, size_t *size) {
    FILE *file = fopen(path, "rb");
    *size = 0;
    if (file == NULL) {
        cli_error("%s: %s", path, strerror(errno));
        return false;
    }
    bool whole = file_read_stream(file, path, bytes, room, size);
    (void)fclose(file);
    return whole;
}

bool descriptor_write(int file, const void *bytes, size_t size) {
    const uint8_t *at = bytes;
    while (size > 0) {
        ssize_t written = write(file, at, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        at += written;
        size -= (size_t)written;
    }
    return true;
}

bool directory_sync(const char *path) {
    char directory[CLI_PATH_SIZE];
    if (!path_of(directory, "%s", path))
        return false;
    char *slash = strrchr(directory, '/');
    if (slash == NULL)
        (void)snprintf(directory, sizeof(directory), ".");
    else
        slash[slash == directory ? 1 : 0] = '\0';
    int file = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = file >= 0 && fsync(file) == 0;
    if (!good)
        cli_error("%s: %s", directory, strerror(errno));
    if (file >= 0)
        (void)close(file);
    return good;
}

/* A device or a link would be replaced, not written to: /dev/null would be a file with keys in it from then on. */
static bool is_replaceable(const char *path) {
    struct stat status;
    if (lstat(path, &status) != 0 || S_ISREG(status.st_mode))
        return true;
    cli_error("%s: %s", path, S_ISDIR(status.st_mode) ? strerror(EISDIR) : "is no plain file, and would be replaced");
    return false;
}

/* Beside its place first, since a file that is half written must not be found there. */
bool file_output_open(struct file_output *output, const char *path, bool secret) {
    output->file = -1;
    if (!path_of(output->path, "%s", path) || !path_of(output->beside, "%s.new", path))
        return false;
    if (!is_replaceable(path))
        return false;
    /* What an interrupted run left, or somebody laid there, would keep its own owner and mode. */
    (void)unlink(output->beside);
    output->file = open(output->beside, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, secret ? 0600 : 0644);
    if (output->file < 0)
        cli_error("%s: %s", path, strerror(errno));
    return output->file >= 0;
}

bool file_output_close(struct file_output *output, bool good) {
    if (output->file < 0)
        return false;
    bool written = good && fsync(output->file) == 0;
    written = close(output->file) == 0 && written;
    output->file = -1;
    if (good && !written)
        cli_error("%s: %s", output->path, strerror(errno));
    return file_place(output->path, written) && directory_sync(output->path);
}

bool file_write(const char *path, const void *bytes, size_t size, bool secret) {
    struct file_output output;
    if (!file_output_open(&output, path, secret))
        return false;
    bool good = descriptor_write(output.file, bytes, size);
    if (!good)
        cli_error("%s: %s", path, strerror(errno));
    return file_output_close(&output, good);
}

bool file_write_beside(const char *path, const void *bytes, size_t size, bool secret) {
    struct file_output output;
    if (!file_output_open(&output, path, secret))
        return false;
    bool good = descriptor_write(output.file, bytes, size);
    good = close(output.file) == 0 && good;
    if (!good) {
        cli_error("%s: %s", path, strerror(errno));
        (void)unlink(output.beside);
    }
    return good;
}

bool file_place(const char *path, bool good) {
    char beside[CLI_PATH_SIZE];
    if (!path_of(beside, "%s.new", path))
        return false;
    if (good && rename(beside, path) == 0)
        return true;
    if (good)
        cli_error("%s: %s", path, strerror(errno));
    (void)unlink(beside);
    return false;
}

/* One stretch without holes. */
static bool copy_stretch(int from, int to, off_t start, off_t end) {
    static uint8_t piece[1 << 20];
    while (start < end) {
        size_t wanted = (size_t)(end - start) < sizeof(piece) ? (size_t)(end - start) : sizeof(piece);
        ssize_t got = pread(from, piece, wanted, start);
        if (got <= 0 || lseek(to, start, SEEK_SET) < 0 || !descriptor_write(to, piece, (size_t)got))
            return false;
        start += got;
    }
    return true;
}

static bool copy_all(int from, int to) {
    struct stat status;
    if (fstat(from, &status) != 0 || ftruncate(to, status.st_size) != 0)
        return false;
    for (off_t at = 0; at < status.st_size;) {
        off_t start = lseek(from, at, SEEK_DATA);
        if (start < 0)
            return errno == ENXIO;
        at = lseek(from, start, SEEK_HOLE);
        if (at < 0 || !copy_stretch(from, to, start, at))
            return false;
    }
    return true;
}

bool file_copy(const char *from, const char *to) {
    struct file_output output;
    int file = open(from, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        cli_error("%s: %s", from, strerror(errno));
    bool good = file >= 0 && file_output_open(&output, to, false);
    if (good) {
        bool copied = copy_all(file, output.file);
        if (!copied)
            cli_error("%s: %s", to, strerror(errno));
        good = file_output_close(&output, copied);
    }
    if (file >= 0)
        (void)close(file);
    return good;
}

static bool make_one(const char *path) {
    if (mkdir(path, 0777) == 0)
        return directory_sync(path);
    return errno == EEXIST;
}

bool directory_make(const char *path) {
    char part[CLI_PATH_SIZE];
    if (!path_of(part, "%s", path))
        return false;
    size_t length = strlen(part);
    while (length > 1 && part[length - 1] == '/')
        part[--length] = '\0';
    for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)make_one(part);
        *slash = '/';
    }
    if (make_one(part))
        return true;
    cli_error("%s: %s", path, strerror(errno));
    return false;
}

bool directory_lock(const char *path, int *lock) {
    *lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*lock < 0) {
        cli_error("%s: %s", path, strerror(errno));
        return false;
    }
    if (flock(*lock, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        return true; /* a file system without locks goes without */
    cli_error("waiting: another flipside changes %s", path);
    while (flock(*lock, LOCK_EX) != 0)
        if (errno != EINTR) {
            cli_error("%s: %s", path, strerror(errno));
            return false;
        }
    return true;
}

bool host_random(struct random_stream *random) {
    uint8_t seed[64];
    struct random_pool pool;
    struct random_input input = {.data = seed, .size = sizeof(seed)};
    bool good = getrandom(seed, sizeof(seed), 0) == (ssize_t)sizeof(seed) && random_init(&pool, &input, 1) == RANDOM_OK;
    if (good) {
        good = random_stream_open(random, &pool, "flipside") == RANDOM_OK;
        random_wipe(&pool);
    }
    crypto_wipe(seed, sizeof(seed));
    if (!good)
        cli_error("the kernel gives no random numbers");
    return good;
}
