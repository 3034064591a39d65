// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_BLOCK_USE_H
#define CLI_BLOCK_USE_H

/* What this machine uses a block device for, as the kernel tells it in /sys and /proc. */

#include <stdbool.h>

enum block_use_kind {
    BLOCK_FREE = 0,
    BLOCK_UNKNOWN,   /* /sys knows no such device, or /proc tells of no mounts */
    BLOCK_PARTITION, /* it is no whole disk */
    BLOCK_MOUNTED,   /* at `by` */
    BLOCK_SWAP,      /* `by`: the swap device */
    BLOCK_HELD,      /* `by`: the device that is built on it: LUKS, LVM, RAID, a loop device */
};

struct block_use {
    enum block_use_kind kind;
    char by[512];
};

/* Finds what a device, or a partition of it, is used for; the first use counts.
 * @param root  "" for the running system; else a directory that has its proc/ and sys/
 * @param major, minor  the device's number */
void block_use_find(const char *root, unsigned major, unsigned minor, struct block_use *use);

#endif
