// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_PACK_H
#define CLI_PACK_H

/* Kernels and initrds, compressed as devices decompress them (loader/unlz4.h). */

#include <stddef.h>

/* Compresses where that makes it smaller by an eighth or more: less is not worth its decompression. The result is tried
 * as a device would. @return an LZ4 frame, secret as the bytes are, to be freed; NULL: the bytes are to stay as they
 * are, or there is not enough memory */
void *pack(const void *bytes, size_t size, size_t *packed_size);

/* Undoes it. @return unpacked_size bytes, to be freed; NULL: it has been said why */
void *pack_undo(const char *name, const void *frame, size_t size, size_t unpacked_size);

#endif
