// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as what a switcher says on the port: the reader driver ends, and hands on no more than it was given room
// for.
#include "../../persona/ifd/ifd.c"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Parsing alone, at every length; on the heap, so that the sanitizer sees one byte too many. */
static void take(const uint8_t *data, size_t size) {
    uint8_t *bytes = malloc(size);
    struct port_answer answer = {0};
    if (bytes == NULL)
        return;
    memcpy(bytes, data, size);
    if (port_take(bytes, size, &answer) == PORT_TAKEN && answer.size + PORT_PREFIX_SIZE + 1 != size)
        abort();
    free(bytes);
}

/* What a caller with little room gets of it. */
static void hand_on_to(const struct port_answer *answer, DWORD room) {
    UCHAR *response = malloc(room + 1);
    DWORD size = room;
    if (response == NULL)
        return;
    if (hand_on(answer, response, &size) == IFD_SUCCESS ? size > room || size != answer->size : size != 0)
        abort();
    free(response);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    for (size_t part = 0; part <= size && part < 8; part++)
        take(data, part);
    take(data, size);
    struct port_answer answer = {0};
    if (port_take(data, size, &answer) == PORT_TAKEN) {
        hand_on_to(&answer, size > 3 ? data[3] : 0);
        hand_on_to(&answer, 258);
    }
    return 0;
}
