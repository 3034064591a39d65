// SPDX-License-Identifier: BSD-3-Clause
#include "files.h"

#include <string.h>

#include "firmware.h"

#define STORE_DIRECTORY "flipside/"

enum {
    FILE_INFO_SIZE = sizeof(struct efi_file_info) + 256 * sizeof(efi_char),
    PATH_ROOM = sizeof(STORE_DIRECTORY) + STORE_PATH_SIZE, /* characters, with the final NUL */
};

/* Aligned as the structure asks for. */
struct info_buffer {
    union {
        struct efi_file_info info;
        uint64_t words[(FILE_INFO_SIZE + 7) / 8];
    };
};

static enum store_file_result result_of(efi_status status) {
    if (status == EFI_SUCCESS)
        return STORE_FILE_OK;
    return status == EFI_NOT_FOUND ? STORE_FILE_ABSENT : STORE_FILE_FAILED;
}

/* With the firmware's separators, and none at the end: a store's root is "flipside/". */
static void to_firmware_path(const char *path, efi_char *name) {
    size_t length = 0;
    for (const char *at = STORE_DIRECTORY; *at != '\0'; at++)
        name[length++] = (efi_char)*at;
    for (const char *at = path; *at != '\0' && length < PATH_ROOM - 1; at++)
        name[length++] = (efi_char)(unsigned char)*at;
    while (length > 0 && name[length - 1] == '/')
        length--;
    name[length] = 0;
    for (size_t i = 0; i < length; i++)
        if (name[i] == '/')
            name[i] = '\\';
}

static enum store_file_result open_path(struct files *files, const char *path, struct efi_file **file) {
    efi_char name[PATH_ROOM];
    to_firmware_path(path, name);
    return result_of(files->root->open(files->root, file, name, EFI_FILE_MODE_READ, 0));
}

static efi_status file_info(struct efi_file *file, struct info_buffer *buffer) {
    static const struct efi_guid guid = EFI_FILE_INFO_GUID;
    size_t size = sizeof(*buffer);
    return file->get_info(file, &guid, &size, buffer);
}

static void copy_name(const efi_char *from, char *to, size_t size) {
    size_t i = 0;
    for (; i + 1 < size && from[i] != 0; i++)
        to[i] = from[i] < 0x80 ? (char)from[i] : '?';
    to[i] = '\0';
}

static bool is_dots(const efi_char *name) {
    return name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0));
}

/* Reads entries up to the subdirectory wanted. */
static enum store_file_result find_entry(struct efi_file *directory, size_t index, char *name, size_t name_size) {
    for (;;) {
        struct info_buffer buffer;
        size_t size = sizeof(buffer);
        if (directory->read(directory, &size, &buffer) != EFI_SUCCESS)
            return STORE_FILE_FAILED;
        if (size == 0)
            return STORE_FILE_ABSENT;
        if ((buffer.info.attribute & EFI_FILE_DIRECTORY) == 0 || is_dots(buffer.info.name))
            continue;
        if (index-- > 0)
            continue;
        copy_name(buffer.info.name, name, name_size);
        return STORE_FILE_OK;
    }
}

static enum store_file_result list(void *context, const char *path, size_t index, char *name, size_t name_size) {
    struct efi_file *directory = NULL;
    enum store_file_result result = open_path(context, path, &directory);
    if (result != STORE_FILE_OK)
        return result;
    result = find_entry(directory, index, name, name_size);
    (void)directory->close(directory);
    return result;
}

static enum store_file_result size_of(void *context, const char *path, uint64_t *size) {
    struct efi_file *file = NULL;
    struct info_buffer buffer;
    enum store_file_result result = open_path(context, path, &file);
    if (result != STORE_FILE_OK)
        return result;
    result = result_of(file_info(file, &buffer));
    (void)file->close(file);
    if (result == STORE_FILE_OK && (buffer.info.attribute & EFI_FILE_DIRECTORY) != 0)
        return STORE_FILE_ABSENT;
    *size = buffer.info.file_size;
    return result;
}

/* Firmware may give less than asked for at once; nothing at all is the end of the file. */
static enum store_file_result read_all(struct efi_file *file, uint64_t offset, uint8_t *buffer, size_t size) {
    if (file->set_position(file, offset) != EFI_SUCCESS)
        return STORE_FILE_FAILED;
    while (size > 0) {
        size_t done = size;
        if (file->read(file, &done, buffer) != EFI_SUCCESS || done == 0)
            return STORE_FILE_FAILED;
        buffer += done;
        size -= done;
    }
    return STORE_FILE_OK;
}

static enum store_file_result read_at(void *context, const char *path, uint64_t offset, void *buffer, size_t size) {
    struct efi_file *file = NULL;
    enum store_file_result result = open_path(context, path, &file);
    if (result != STORE_FILE_OK)
        return result;
    result = read_all(file, offset, buffer, size);
    (void)file->close(file);
    return result;
}

/* Makes the directories above a file that are not there yet. */
static efi_status make_directories(struct files *files, efi_char *name) {
    const uint64_t mode = EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE | EFI_FILE_MODE_CREATE;
    efi_status status = EFI_SUCCESS;
    for (size_t i = 0; name[i] != 0 && status == EFI_SUCCESS; i++) {
        struct efi_file *directory = NULL;
        if (name[i] != '\\')
            continue;
        name[i] = 0;
        status = files->root->open(files->root, &directory, name, mode, EFI_FILE_DIRECTORY);
        if (status == EFI_SUCCESS)
            (void)directory->close(directory);
        name[i] = '\\';
    }
    return status;
}

/* Opens a file to be written over, and makes it where it is not there. */
static efi_status open_to_write(struct files *files, const char *path, struct efi_file **file) {
    const uint64_t mode = EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE;
    efi_char name[PATH_ROOM];
    to_firmware_path(path, name);
    efi_status status = files->root->open(files->root, file, name, mode, 0);
    if (status != EFI_NOT_FOUND)
        return status;
    status = make_directories(files, name);
    if (status != EFI_SUCCESS)
        return status;
    return files->root->open(files->root, file, name, mode | EFI_FILE_MODE_CREATE, 0);
}

/* Removes a file that is longer than wanted: not every firmware can shorten one. */
static efi_status open_fitting(struct files *files, const char *path, size_t size, struct efi_file **file) {
    struct info_buffer buffer;
    efi_status status = open_to_write(files, path, file);
    if (status != EFI_SUCCESS)
        return status;
    status = file_info(*file, &buffer);
    if (status == EFI_SUCCESS && buffer.info.file_size > size) {
        status = (*file)->delete (*file);
        return status == EFI_SUCCESS ? open_to_write(files, path, file) : status;
    }
    if (status != EFI_SUCCESS)
        (void)(*file)->close(*file);
    return status;
}

static efi_status write_all(struct efi_file *file, const uint8_t *data, size_t size) {
    efi_status status = file->set_position(file, 0);
    while (status == EFI_SUCCESS && size > 0) {
        size_t done = size;
        status = file->write(file, &done, data);
        if (status == EFI_SUCCESS && done == 0)
            status = EFI_VOLUME_FULL;
        data += done;
        size -= done;
    }
    return status == EFI_SUCCESS ? file->flush(file) : status;
}

static enum store_file_result write_whole(void *context, const char *path, const void *data, size_t size) {
    struct efi_file *file = NULL;
    efi_status status = open_fitting(context, path, size, &file);
    if (status == EFI_SUCCESS) {
        status = write_all(file, data, size);
        efi_status closed = file->close(file);
        status = status == EFI_SUCCESS ? closed : status;
    }
    if (status == EFI_VOLUME_FULL || status == EFI_WRITE_PROTECTED)
        return STORE_FILE_FULL;
    return status == EFI_SUCCESS ? STORE_FILE_OK : STORE_FILE_FAILED;
}

bool files_open(struct files *files, efi_handle device) {
    static const struct efi_guid guid = EFI_SIMPLE_FILE_SYSTEM_GUID;
    struct efi_simple_file_system *volume = NULL;
    *files = (struct files){0};
    if (device == NULL || firmware_boot_services()->handle_protocol(device, &guid, (void **)&volume) != EFI_SUCCESS)
        return false;
    return volume->open_volume(volume, &files->root) == EFI_SUCCESS;
}

void files_close(struct files *files) {
    if (files->root != NULL)
        (void)files->root->close(files->root);
    files->root = NULL;
}

struct store_files files_access(struct files *files) {
    return (struct store_files){.context = files, .list = list, .size = size_of, .read = read_at};
}

struct store_write files_writing(struct files *files) {
    return (struct store_write){.context = files, .write = write_whole};
}
