// SPDX-License-Identifier: BSD-3-Clause
#ifndef VAULT_DISK_H
#define VAULT_DISK_H

/* A disk with files, for the vault: its writes go to it sector by sector and are recorded, so that each can be done
 * again up to any point; and it fails when it is told to. Copied by assignment. */

#include "persona/store.h"

enum {
    DISK_FILES_MAX = 40,
    DISK_FILE_MAX = 16384,
    DISK_BYTES = 160 * 1024, /* of all files */
    DISK_SECTOR = 512,
    DISK_RECORDS_MAX = 512,
};

struct disk_file {
    char path[STORE_PATH_SIZE];
    size_t start; /* in the disk's bytes */
    size_t size;
    size_t room;
};

struct disk {
    size_t file_count;
    struct disk_file files[DISK_FILES_MAX];
    size_t used;
    uint8_t bytes[DISK_BYTES];
};

/* One sector that was written: where in the disk's bytes, and what. A file that is made has its room from the start. */
struct disk_record {
    size_t at;
    uint8_t data[DISK_SECTOR];
};

/* The disk in use, and what is asked of it. */
struct drive {
    struct disk *disk;
    bool recording;
    size_t record_count;
    struct disk_record records[DISK_RECORDS_MAX];
    enum store_file_result write_fails; /* STORE_FILE_OK: it does not */
    bool read_fails;
    size_t writes; /* whole files that were written */
};

struct store_files drive_files(struct drive *drive);
struct store_write drive_write(struct drive *drive);

/* Puts a file there, padded with zeros to `size`. */
void disk_put(struct disk *disk, const char *path, const void *data, size_t used, size_t size);

/* @return a file; NULL when it is not there */
struct disk_file *disk_find(struct disk *disk, const char *path);

/* @return a file's bytes; the test fails when it is not there */
uint8_t *disk_bytes(struct disk *disk, const char *path);

/* Removes a file. */
void disk_remove(struct disk *disk, const char *path);

#endif
