// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_LUKS_INPUT_H
#define CLI_LUKS_INPUT_H

/* What goes into a LUKS2 image: a file system that is there, or one that is made for it. */

#include <ext2fs/ext2fs.h>

#include "luks.h"

struct luks_input {
    int file;
    uint64_t size;        /* bytes */
    uint32_t sector_size; /* bytes that are encrypted in one piece: 4096, where the file system never asks for less */
    ext2_filsys map;      /* which blocks are free; NULL: not known */
};

/* Opens the source, or makes it in a file without a name in the directory of `target`. Closed in any case. */
bool luks_input_open(struct luks_input *input, const struct luks_request *request, const char *target);

/* Whether no file system reads those bytes, whatever they are. */
bool luks_input_is_free(const struct luks_input *input, uint64_t offset, size_t size);

void luks_input_close(struct luks_input *input);

#endif
