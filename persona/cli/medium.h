// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_MEDIUM_H
#define CLI_MEDIUM_H

/* Where a device's files are: the EFI system partition of a disk (a block device or an image of one), or a directory.
 * Disks are reached through mtools, so that nothing is mounted and an image needs no root. Paths have `/` between their
 * parts and none at their beginning. */

#include "cli.h"
#include "gpt.h"

enum medium_use {
    MEDIUM_READ = 0,
    MEDIUM_CHANGE = 1 << 0, /* it will be changed: nobody else may be at it */
    MEDIUM_DISK = 1 << 1,   /* a directory will not do */
};

struct medium {
    char path[CLI_PATH_SIZE];
    int file; /* of a disk; -1: a directory */
    bool changed;
    struct gpt gpt;
    char drive[CLI_PATH_SIZE + 32]; /* the EFI system partition, as mtools names it */
};

enum medium_result {
    MEDIUM_GOOD = 0,
    MEDIUM_ABSENT, /* nothing was told */
    MEDIUM_FAILED, /* told */
};

/* Opens a target. What is wrong with it is told: not GPT, no EFI system partition, a partition, mounted, in use. */
bool medium_open(struct medium *medium, const char *target, unsigned use);

/* @return whether all that was changed is lasting */
bool medium_close(struct medium *medium);

/* Reads a file of at most `room` bytes. */
enum medium_result medium_read(const struct medium *medium, const char *path, void *bytes, size_t room, size_t *size);

/* Gives a file's bytes to a function, as they come. */
enum medium_result medium_stream(const struct medium *medium, const char *path,
                                 bool (*take)(void *context, const void *bytes, size_t size), void *context);

/* Writes a file, over what is there; the directory must be there. */
bool medium_write(struct medium *medium, const char *path, const void *bytes, size_t size);

/* The same from a file of this machine. */
bool medium_copy(struct medium *medium, const char *path, const char *from);

/* @return whether there is a file or directory */
bool medium_exists(const struct medium *medium, const char *path);

/* Takes a file away; one that is not there is no error. */
bool medium_remove(struct medium *medium, const char *path);

/* Makes a directory, with those above it. */
bool medium_make_directory(struct medium *medium, const char *path);

/* Takes a directory away when it is empty. */
void medium_remove_empty(struct medium *medium, const char *path);

/* Takes a directory away with all that is in it; one that is not there is no error. */
bool medium_remove_all(struct medium *medium, const char *path);

/* Names what is in a directory. @return how many there are; 0 also when it is not there */
enum { MEDIUM_NAME_SIZE = 64, MEDIUM_LIST_MAX = 64 };
size_t medium_list(const struct medium *medium, const char *path, char names[][MEDIUM_NAME_SIZE], size_t room);

/* Says how many bytes are free. */
bool medium_free(const struct medium *medium, uint64_t *bytes);

/* Copies a file of this machine into the partition with a label; told when there is none or it is too small. */
bool medium_fill_partition(struct medium *medium, const char *label, const char *from);

/* Whether a file fits into the partition with a label; told when not. */
bool medium_partition_fits(const struct medium *medium, const char *label, const char *from);

#endif
