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

/** @param files open, and longer alive than the result @return access to the store as persona/store.h wants it */
struct store_files files_access(struct files *files);

/** @param files open, and longer alive than the result @return how its files are written, as persona/store.h wants it
 */
struct store_write files_writing(struct files *files);

#endif
