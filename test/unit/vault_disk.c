// SPDX-License-Identifier: BSD-3-Clause
#include "vault_disk.h"

#include <stdlib.h>
#include <string.h>

static void require(bool condition) {
    if (!condition)
        abort();
}

struct disk_file *disk_find(struct disk *disk, const char *path) {
    for (size_t i = 0; i < disk->file_count; i++)
        if (strcmp(disk->files[i].path, path) == 0)
            return &disk->files[i];
    return NULL;
}

uint8_t *disk_bytes(struct disk *disk, const char *path) {
    struct disk_file *file = disk_find(disk, path);
    require(file != NULL);
    return disk->bytes + file->start;
}

static struct disk_file *make(struct disk *disk, const char *path, size_t size) {
    require(disk->file_count < DISK_FILES_MAX && strlen(path) < STORE_PATH_SIZE);
    require(size <= DISK_BYTES - disk->used);
    struct disk_file *file = &disk->files[disk->file_count++];
    *file = (struct disk_file){.start = disk->used, .size = size, .room = size};
    strcpy(file->path, path);
    disk->used += (size + DISK_SECTOR - 1) / DISK_SECTOR * DISK_SECTOR;
    return file;
}

void disk_remove(struct disk *disk, const char *path) {
    struct disk_file *file = disk_find(disk, path);
    if (file != NULL)
        *file = disk->files[--disk->file_count];
}

static struct disk_file *need(struct disk *disk, const char *path, size_t size) {
    struct disk_file *file = disk_find(disk, path);
    if (file != NULL && file->room < size) {
        disk_remove(disk, path);
        file = NULL;
    }
    if (file == NULL)
        file = make(disk, path, size);
    file->size = size;
    return file;
}

void disk_put(struct disk *disk, const char *path, const void *data, size_t used, size_t size) {
    struct disk_file *file = need(disk, path, size);
    require(used <= size);
    memset(disk->bytes + file->start, 0, size);
    if (used > 0)
        memcpy(disk->bytes + file->start, data, used);
}

/* ---- As the vault sees it */

static enum store_file_result list(void *context, const char *path, size_t index, char *name, size_t name_size) {
    (void)context, (void)path, (void)index, (void)name, (void)name_size;
    return STORE_FILE_ABSENT;
}

static enum store_file_result size_of(void *context, const char *path, uint64_t *size) {
    struct drive *drive = context;
    const struct disk_file *file = disk_find(drive->disk, path);
    if (drive->read_fails)
        return STORE_FILE_FAILED;
    if (file == NULL)
        return STORE_FILE_ABSENT;
    *size = file->size;
    return STORE_FILE_OK;
}

static enum store_file_result read_at(void *context, const char *path, uint64_t offset, void *buffer, size_t size) {
    struct drive *drive = context;
    const struct disk_file *file = disk_find(drive->disk, path);
    if (file == NULL)
        return STORE_FILE_ABSENT;
    if (drive->read_fails || offset > file->size || size > file->size - offset)
        return STORE_FILE_FAILED;
    memcpy(buffer, drive->disk->bytes + file->start + offset, size);
    return STORE_FILE_OK;
}

static void write_sector(struct drive *drive, size_t at, const uint8_t *data, size_t size) {
    memcpy(drive->disk->bytes + at, data, size);
    if (!drive->recording)
        return;
    require(drive->record_count < DISK_RECORDS_MAX);
    struct disk_record *record = &drive->records[drive->record_count++];
    record->at = at;
    memcpy(record->data, drive->disk->bytes + at, DISK_SECTOR); // with what is behind the file's end
}

static enum store_file_result write_all(void *context, const char *path, const void *data, size_t size) {
    struct drive *drive = context;
    if (drive->write_fails != STORE_FILE_OK)
        return drive->write_fails;
    const struct disk_file *file = need(drive->disk, path, size);
    drive->writes++;
    for (size_t done = 0; done < size; done += DISK_SECTOR)
        write_sector(drive, file->start + done, (const uint8_t *)data + done,
                     size - done < DISK_SECTOR ? size - done : DISK_SECTOR);
    return STORE_FILE_OK;
}

struct store_files drive_files(struct drive *drive) {
    return (struct store_files){drive, list, size_of, read_at};
}

struct store_write drive_write(struct drive *drive) {
    return (struct store_write){drive, write_all};
}
