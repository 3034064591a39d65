// SPDX-License-Identifier: BSD-3-Clause
#include "device_path.h"

#include <stdint.h>
#include <stdio.h>

enum {
    NODE_HEADER = 4, /* type, sub-type, length */
    TYPE_MEDIA = 4,
    TYPE_END = 0x7f,
    MEDIA_HARD_DRIVE = 1, /* 10.3.5.1 */
    HARD_DRIVE_SIZE = 42,
    SIGNATURE = 24, /* offsets in it */
    SIGNATURE_TYPE = 41,
    SIGNATURE_GUID = 2,
};

/* EFI's GUIDs have their first three fields with the low byte first (Appendix A). */
static void print_guid(const uint8_t *guid, char *text) {
    static const uint8_t order[] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    size_t at = 0;
    for (size_t i = 0; i < sizeof(order); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            text[at++] = '-';
        (void)snprintf(text + at, 3, "%02x", guid[order[i]]);
        at += 2;
    }
}

bool device_path_partition(const void *path, size_t room, char *text) {
    const uint8_t *node = path;
    text[0] = '\0';
    while (room >= NODE_HEADER && node[0] != TYPE_END) {
        size_t size = (size_t)node[2] | (size_t)node[3] << 8;
        if (size < NODE_HEADER || size > room)
            return false;
        if (node[0] == TYPE_MEDIA && node[1] == MEDIA_HARD_DRIVE && size == HARD_DRIVE_SIZE &&
            node[SIGNATURE_TYPE] == SIGNATURE_GUID) {
            print_guid(node + SIGNATURE, text);
            return true;
        }
        node += size;
        room -= size;
    }
    return false;
}
