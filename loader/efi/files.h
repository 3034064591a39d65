// SPDX-License-Identifier: BSD-3-Clause
#ifndef LOADER_FILES_H
#define LOADER_FILES_H

/** The store on the EFI system partition that the loader was started from: everything below `\flipside` (UEFI 2.10,
 * 13). */

#include "efi.h"
#include "persona/store.h"

struct files {
    struct efi_file *root; /* of the volume */
};

/**
 * Opens the volume on a device.
 * @param files  filled; to be closed with files_close()
 * @param device from firmware_device(); NULL is an error
 * @return whether there is a file system that can be read
 */
__attribute__((warn_unused_result)) bool files_open(struct files *files, efi_handle device);

/** Closes the volume. */
void files_close(struct files *files);

/**
 * Writes a file of the store from its beginning and flushes it. What is there is written over in place: a file that
 * keeps its size changes nowhere but in its own blocks.
 * @param path   below the store, as in persona/store.h
 * @param data   size bytes
 * @param create makes the file, and the directories above it, where it is not there
 * @return STORE_FILE_OK, STORE_FILE_ABSENT (not there, and not to be made), STORE_FILE_FAILED
 */
__attribute__((warn_unused_result)) enum store_file_result files_write(struct files *files, const char *path,
                                                                       const void *data, size_t size, bool create);

/** @param files open, and longer alive than the result @return access to the store as persona/store.h wants it */
struct store_files files_access(struct files *files);

#endif
