// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_GPT_H
#define CLI_GPT_H

/* Partition tables (UEFI specification 5.3), read from an untrusted disk to a checked structure. */

#include "cli.h"

enum { GPT_PARTITIONS_MAX = 128, GPT_LABEL_SIZE = 37 /* bytes, with the final NUL */ };

struct gpt_partition {
    bool is_esp;                /* an EFI system partition */
    char label[GPT_LABEL_SIZE]; /* what is not ASCII is '?' */
    uint64_t start;             /* bytes from the disk's beginning */
    uint64_t size;              /* bytes */
};

struct gpt {
    size_t count;
    struct gpt_partition partitions[GPT_PARTITIONS_MAX];
};

/* Reads the table of a disk of `size` bytes, of sectors of 512 or 4096 bytes.
 * @return NULL, or what is wrong with it */
const char *gpt_read(struct gpt *gpt, int disk, uint64_t size);

/* @return the first EFI system partition; NULL when there is none */
const struct gpt_partition *gpt_esp(const struct gpt *gpt);

/* @return the first partition with a label; NULL when there is none */
const struct gpt_partition *gpt_find(const struct gpt *gpt, const char *label);

#endif
