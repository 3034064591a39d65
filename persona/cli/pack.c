// SPDX-License-Identifier: BSD-3-Clause
#include "pack.h"

#include <lz4frame.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "crypto/hkdf.h"
#include "unlz4.h"

enum {
    LEAST_GAIN = 8, /* what is left out, as a part of the whole: one in so many */
    LEVEL = 9,      /* of LZ4HC; higher ones gain less than one byte in a hundred */
};

static bool undo(const void *frame, size_t size, void *bytes, size_t unpacked_size, const char **why) {
    enum unlz4_error error = unlz4(frame, size, bytes, unpacked_size);
    *why = unlz4_error_text(error);
    return error == UNLZ4_OK;
}

static bool comes_back(const void *frame, size_t frame_size, const void *bytes, size_t size) {
    const char *why = NULL;
    void *again = malloc(size);
    bool same = again != NULL && undo(frame, frame_size, again, size, &why) && memcmp(again, bytes, size) == 0;
    if (again != NULL)
        crypto_wipe(again, size);
    free(again);
    return same;
}

void *pack(const void *bytes, size_t size, size_t *packed_size) {
    /* Large blocks that stand alone: each is decompressed straight to its place. The chunks that a frame is kept in are
     * authenticated, so it needs no checksums. */
    const LZ4F_preferences_t preferences = {
        .frameInfo = {.blockSizeID = LZ4F_max4MB, .blockMode = LZ4F_blockIndependent, .contentSize = size},
        .compressionLevel = LEVEL,
        .autoFlush = 1,
    };
    const size_t room = LZ4F_compressFrameBound(size, &preferences);
    void *frame = malloc(room);
    if (frame == NULL)
        return NULL;
    const size_t used = LZ4F_compressFrame(frame, room, bytes, size, &preferences);
    *packed_size = used;
    if (LZ4F_isError(used) == 0 && used <= size - size / LEAST_GAIN && comes_back(frame, used, bytes, size))
        return frame;
    crypto_wipe(frame, room);
    free(frame);
    return NULL;
}

void *pack_undo(const char *name, const void *frame, size_t size, size_t unpacked_size) {
    const char *why = "not enough memory";
    void *bytes = malloc(unpacked_size);
    if (bytes != NULL && undo(frame, size, bytes, unpacked_size, &why))
        return bytes;
    cli_error("%s: %s", name, why);
    free(bytes);
    return NULL;
}
