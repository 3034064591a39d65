// SPDX-License-Identifier: BSD-3-Clause
/* Any file as an initial RAM disk: as it is, and behind each of the magic numbers. */
#include "initrd.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_behind(const char *magic, size_t magic_size, const uint8_t *data, size_t size) {
    uint8_t *file = malloc(magic_size + size);
    if (file == NULL) {
        abort();
    }
    memcpy(file, magic, magic_size);
    memcpy(file + magic_size, data, size);
    (void)!initrd_check(file, magic_size + size);
    free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    check_behind("", 0, data, size);
    check_behind("070701", 6, data, size);
    check_behind("\x1f\x8b\x08\0\0\0\0\0\0\3", 10, data, size);
    check_behind("\x28\xb5\x2f\xfd", 4, data, size);
    check_behind("\x02\x21\x4c\x18", 4, data, size);
    check_behind("\xfd"
                 "7zXZ\0\0\1\x69\x22\xde\x36",
                 12, data, size);
    return 0;
}
