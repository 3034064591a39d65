// SPDX-License-Identifier: BSD-3-Clause
// flipside-check: says of a store on this machine what the loader would say of it, and optionally whether a board
// description fits a machine's device tree. For those who make disks and boards.
#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "board/board.h"
#include "initrd.h"
#include "kernel_image.h"
#include "persona/store.h"

enum { PATH_SIZE = 4096, EXIT_USAGE = 2, MIB = 1024 * 1024 };

static bool full_path(const char *root, const char *path, char *full) {
    return snprintf(full, PATH_SIZE, "%s/%s", root, path) < PATH_SIZE;
}

static enum store_file_result failure(void) {
    return errno == ENOENT || errno == ENOTDIR ? STORE_FILE_ABSENT : STORE_FILE_FAILED;
}

static bool is_directory(const char *directory, const char *name) {
    char full[PATH_SIZE];
    struct stat status;
    return full_path(directory, name, full) && stat(full, &status) == 0 && S_ISDIR(status.st_mode);
}

static enum store_file_result list(void *context, const char *path, size_t index, char *name, size_t name_size) {
    char full[PATH_SIZE];
    if (!full_path(context, path, full))
        return STORE_FILE_FAILED;
    DIR *directory = opendir(full);
    if (directory == NULL)
        return failure();
    enum store_file_result result = STORE_FILE_ABSENT;
    for (const struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || !is_directory(full, entry->d_name))
            continue;
        if (index-- > 0)
            continue;
        (void)snprintf(name, name_size, "%s", entry->d_name);
        result = STORE_FILE_OK;
        break;
    }
    (void)closedir(directory);
    return result;
}

static enum store_file_result size_of(void *context, const char *path, uint64_t *size) {
    char full[PATH_SIZE];
    struct stat status;
    if (!full_path(context, path, full))
        return STORE_FILE_FAILED;
    if (stat(full, &status) != 0)
        return failure();
    if (S_ISDIR(status.st_mode))
        return STORE_FILE_ABSENT;
    *size = (uint64_t)status.st_size;
    return STORE_FILE_OK;
}

static enum store_file_result read_at(void *context, const char *path, uint64_t offset, void *buffer, size_t size) {
    char full[PATH_SIZE];
    if (!full_path(context, path, full))
        return STORE_FILE_FAILED;
    FILE *file = fopen(full, "rb");
    if (file == NULL)
        return failure();
    bool good = fseeko(file, (off_t)offset, SEEK_SET) == 0 && fread(buffer, 1, size, file) == size;
    (void)fclose(file);
    return good ? STORE_FILE_OK : STORE_FILE_FAILED;
}

/* @return NULL when the kernel is good, else what is wrong with it */
static const char *check_kernel(const struct store_persona *persona, const struct store_files *files) {
    struct kernel_image image;
    size_t size = (size_t)persona->kernel_size;
    void *file = malloc(size);
    if (file == NULL || !store_read_kernel(persona, files, 0, file, size)) {
        free(file);
        return "kernel can't be read";
    }
    enum kernel_image_error error = kernel_image_open(&image, file, size);
    if (error == KERNEL_IMAGE_OK && image.format != KERNEL_IMAGE_RAW) {
        void *unpacked = malloc((size_t)image.unpacked_size);
        error = unpacked == NULL ? KERNEL_IMAGE_NO_MEMORY
                                 : kernel_image_unpack(&image, unpacked, (size_t)image.unpacked_size);
        free(unpacked);
    }
    free(file);
    return error == KERNEL_IMAGE_OK ? NULL : kernel_image_error_text(error);
}

static const char *check_initrd(const struct store_persona *persona, const struct store_files *files) {
    size_t size = (size_t)persona->initrd_size;
    if (size == 0)
        return NULL;
    void *file = malloc(size);
    if (file == NULL || !store_read_initrd(persona, files, 0, file, size)) {
        free(file);
        return "initrd can't be read";
    }
    enum initrd_error error = initrd_check(file, size);
    free(file);
    return error == INITRD_OK ? NULL : initrd_error_text(error);
}

static bool check_persona(const struct store_persona *persona, const struct store_files *files) {
    if (persona->status == STORE_ENCRYPTED) {
        printf("%-16s encrypted: only its device can say more\n", persona->name);
        return true;
    }
    const char *fault = persona->status == STORE_READY ? check_kernel(persona, files) : persona->reason;
    if (fault == NULL)
        fault = check_initrd(persona, files);
    if (fault != NULL)
        printf("%-16s damaged: %s\n", persona->name, fault);
    else
        printf("%-16s ready: %s, %llu MB to read\n", persona->name, persona->config.title,
               (unsigned long long)((persona->kernel_size + persona->initrd_size + MIB - 1) / MIB));
    return fault == NULL;
}

static bool check_store(char *directory) {
    static struct store store;
    struct store_files files = {.context = directory, .list = list, .size = size_of, .read = read_at};
    enum store_error error = store_scan(&store, &files);
    if (error != STORE_OK) {
        printf("%s: %s\n", directory, store_error_text(error));
        return false;
    }
    bool good = store.left_out == 0 && store.terminal_reason[0] == '\0';
    if (store.terminal_reason[0] != '\0')
        printf("flipside.conf is not followed: %s\n", store.terminal_reason);
    if (store.left_out > 0)
        printf("%zu personas more than the %d that are supported\n", store.left_out, STORE_PERSONAS_MAX);
    for (size_t i = 0; i < store.persona_count; i++)
        good &= check_persona(&store.personas[i], &files);
    if (store.default_persona < store.persona_count)
        printf("%s starts by itself after %u s\n", store.personas[store.default_persona].name,
               store.terminal.timeout_s);
    return good;
}

/* Aligned as libfdt wants it. @return NULL after a message */
static void *read_whole(const char *name, size_t *size) {
    struct stat status;
    FILE *file = fopen(name, "rb");
    void *bytes = NULL;
    if (file != NULL && fstat(fileno(file), &status) == 0 && (bytes = malloc((size_t)status.st_size + 1)) != NULL)
        *size = fread(bytes, 1, (size_t)status.st_size, file);
    if (bytes == NULL)
        perror(name);
    if (file != NULL)
        (void)fclose(file);
    return bytes;
}

static bool check_board(const char *description_name, const char *firmware_name) {
    static struct board board;
    size_t description_size = 0;
    size_t firmware_size = 0;
    void *description = read_whole(description_name, &description_size);
    void *firmware = read_whole(firmware_name, &firmware_size);
    bool good = false;
    if (description != NULL && firmware != NULL) {
        enum board_error error = board_parse(&board, description, description_size, firmware, firmware_size);
        good = error == BOARD_OK;
        if (good)
            printf("%s: %u CPUs, %u devices named\n", board.title, board.cpu_count, board.device_count);
        else
            printf("%s: %s%s%s\n", description_name, board_error_text(error), board.fault[0] != '\0' ? ": " : "",
                   board.fault);
    }
    free(description);
    free(firmware);
    return good;
}

int main(int argc, char **argv) {
    static const char usage[] =
        "usage: flipside-check store DIRECTORY          what the loader would find (DIRECTORY is \\flipside of a "
        "disk)\n"
        "       flipside-check board BOARD.dtb TREE.dtb  whether a board's description fits a machine's device tree\n";
    if (argc == 3 && strcmp(argv[1], "store") == 0)
        return check_store(argv[2]) ? EXIT_SUCCESS : EXIT_FAILURE;
    if (argc == 4 && strcmp(argv[1], "board") == 0)
        return check_board(argv[2], argv[3]) ? EXIT_SUCCESS : EXIT_FAILURE;
    bool asked = argc == 2 && strcmp(argv[1], "--help") == 0;
    (void)fputs(usage, asked ? stdout : stderr);
    return asked ? EXIT_SUCCESS : EXIT_USAGE;
}
