// SPDX-License-Identifier: BSD-3-Clause
#ifndef TEST_UNIT_LZ4_FRAME_H
#define TEST_UNIT_LZ4_FRAME_H

/** LZ4 frames for tests, as `flipside` writes them unless told otherwise. */

#include <lz4frame.h>
#include <stdlib.h>

static inline LZ4F_preferences_t lz4_frame_preferences(size_t size) {
    return (LZ4F_preferences_t){
        .frameInfo = {.blockSizeID = LZ4F_max64KB, .blockMode = LZ4F_blockIndependent, .contentSize = size},
        .autoFlush = 1,
    };
}

/** @return bytes of the frame; `room` must do for it */
static inline size_t lz4_frame(const LZ4F_preferences_t *preferences, const void *bytes, size_t size, uint8_t *frame,
                               size_t room) {
    const size_t used = LZ4F_compressFrame(frame, room, bytes, size, preferences);
    if (LZ4F_isError(used) != 0)
        abort();
    return used;
}

#endif
