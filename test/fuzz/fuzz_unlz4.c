// SPDX-License-Identifier: BSD-3-Clause
/* Any bytes as a frame, for a buffer of the size that it says, if that is no more than a few blocks, or of another one:
 * nothing is read or written outside, and what is accepted is the same when it is compressed anew and read again. */
#include "unlz4.h"

#include "lz4_frame.h"
#include "padded.h"

enum { CONTENT_SIZE_AT = 6, SIZE_MAX_HERE = 300000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require_again(const uint8_t *content, size_t size) {
    const LZ4F_preferences_t preferences = lz4_frame_preferences(size);
    const size_t room = LZ4F_compressFrameBound(size, &preferences);
    uint8_t *frame = malloc(room), *again = malloc(size);
    require(frame != NULL && again != NULL);
    require(unlz4(frame, lz4_frame(&preferences, content, size, frame, room), again, size) == UNLZ4_OK);
    require(memcmp(again, content, size) == 0);
    free(frame);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t wanted = size;
    if (size >= CONTENT_SIZE_AT + 3)
        wanted = (size_t)data[CONTENT_SIZE_AT] | (size_t)data[CONTENT_SIZE_AT + 1] << 8 |
                 (size_t)data[CONTENT_SIZE_AT + 2] << 16;
    if (wanted > SIZE_MAX_HERE)
        return 0;
    uint8_t *content = malloc(wanted);
    require(content != NULL || wanted == 0);
    if (unlz4(data, size, content, wanted) == UNLZ4_OK && wanted > 0)
        require_again(content, wanted);
    free(content);
    return 0;
}
