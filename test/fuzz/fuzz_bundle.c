// SPDX-License-Identifier: BSD-3-Clause
/* Any bytes as a bundle: what is accepted lies within them, and is the same when it is written and read again. */
#include "bundle.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition) {
    if (!condition)
        abort();
}

static void require_same(const struct bundle *a, const struct bundle *b) {
    require(memcmp(&a->about, &b->about, sizeof(a->about)) == 0);
    for (unsigned i = 0; i < BUNDLE_PARTS; i++) {
        require(a->parts[i].size == b->parts[i].size);
        require(a->parts[i].size == 0 || memcmp(a->parts[i].bytes, b->parts[i].bytes, a->parts[i].size) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bundle bundle, again;
    if (bundle_read(&bundle, data, size) != BUNDLE_OK)
        return 0;
    for (unsigned i = 0; i < BUNDLE_PARTS; i++)
        require(bundle.parts[i].bytes >= data && bundle.parts[i].bytes + bundle.parts[i].size <= data + size);
    size_t needed = bundle_size(&bundle);
    uint8_t *buffer = malloc(needed);
    require(buffer != NULL && bundle_write(&bundle, buffer, needed) == BUNDLE_OK);
    require(bundle_read(&again, buffer, needed) == BUNDLE_OK);
    require_same(&bundle, &again);
    free(buffer);
    return 0;
}
