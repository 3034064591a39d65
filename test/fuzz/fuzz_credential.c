// SPDX-License-Identifier: BSD-3-Clause
/* Any name and secret as a credential: the archive is an initrd, alone and behind another, and stays in its room. */
#include "credential.h"
#include "initrd.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NAME_ROOM = CREDENTIAL_NAME_MAX + 3 };

static void require(int condition) {
    if (!condition) {
        abort();
    }
}

/** The archive behind `before` bytes of an initrd, of which the buffer has just enough room. */
static void write_behind(const char *name, const uint8_t *secret, size_t secret_size, uint64_t before) {
    size_t offset = (size_t)credential_offset(before);
    size_t needed = credential_size(name, secret_size), written = 0;
    uint8_t *buffer = calloc(1, offset + needed + 1);
    require(buffer != NULL);
    require(needed == 0 ||
            credential_write(name, secret, secret_size, buffer + offset, needed - 1, &written) == CREDENTIAL_NO_ROOM);
    enum credential_error error = credential_write(name, secret, secret_size, buffer + offset, needed, &written);
    require((error == CREDENTIAL_OK) == (needed != 0) && written == needed);
    if (error == CREDENTIAL_OK) {
        require(initrd_check(buffer, offset + written) == INITRD_OK);
    }
    free(buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char name[NAME_ROOM] = {0};
    if (size < 2) {
        return 0;
    }
    size_t length = data[0] % (NAME_ROOM - 1);
    uint8_t before = data[1];
    data += 2;
    size -= 2;
    length = length < size ? length : size;
    memcpy(name, data, length);
    write_behind(name, data + length, size - length, before);
    /* What is no letter becomes one, so that a name is good more often than by chance. */
    for (size_t i = 0; i < length; i++) {
        name[i] = (char)('a' + (name[i] & 15));
    }
    write_behind(name, data + length, size - length, before);
    return 0;
}
