// SPDX-License-Identifier: BSD-3-Clause
#ifndef LOADER_UNLZ4_H
#define LOADER_UNLZ4_H

/**
 * Decompresses an LZ4 frame (LZ4 Frame Format Description 1.6.4) in memory, of the one kind that `flipside` writes: its
 * blocks do not depend on one another, it says how long its content is, and has no checksums but the header's, since
 * what it is kept in is authenticated. Blocks are full but for the last one.
 */

#include <stddef.h>
#include <stdint.h>

enum unlz4_error {
    UNLZ4_OK = 0,
    UNLZ4_UNKNOWN,    /* no frame, or one of another kind */
    UNLZ4_WRONG_SIZE, /* its content has another length than the buffer */
    UNLZ4_TRUNCATED,  /* ends in the middle of the frame */
    UNLZ4_DAMAGED,    /* a block does not decompress to what belongs there, or something follows the frame */
};

/**
 * Decompresses one frame.
 * @param data        the frame, all of it and nothing behind it
 * @param size        bytes
 * @param buffer      where to; may not overlap the data. On failure it is left half written
 * @param buffer_size bytes of the content: all are written, none behind them
 * @return UNLZ4_OK or any other of enum unlz4_error
 */
__attribute__((warn_unused_result)) enum unlz4_error unlz4(const void *data, size_t size, void *buffer,
                                                           size_t buffer_size);

/** @return the error's text, one line without a full stop; never NULL */
const char *unlz4_error_text(enum unlz4_error error);

#endif
