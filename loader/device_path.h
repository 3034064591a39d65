// SPDX-License-Identifier: BSD-3-Clause
#ifndef LOADER_DEVICE_PATH_H
#define LOADER_DEVICE_PATH_H

/** Which partition a file system is on, from the firmware's device path of it (UEFI 2.10, 10.3). */

#include <stdbool.h>
#include <stddef.h>

enum {
    DEVICE_PATH_MAX = 1024,          /* bytes of a device path that is looked at */
    DEVICE_PATH_PARTITION_SIZE = 37, /* bytes of a partition's identifier as text, with the final NUL */
};

/**
 * Names the GPT partition that a device path leads to, as operating systems write it (PARTUUID): lower case.
 * @param path its nodes, up to the one that ends it, are looked at
 * @param room bytes that can be read at path; DEVICE_PATH_MAX will do
 * @param text DEVICE_PATH_PARTITION_SIZE bytes; "" when false
 * @return false: it leads to no GPT partition, or is damaged
 */
__attribute__((warn_unused_result)) bool device_path_partition(const void *path, size_t room, char *text);

#endif
