// SPDX-License-Identifier: BSD-3-Clause
#ifndef HEX_H
#define HEX_H

/* Published vectors are in hexadecimal digits. */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/** Decodes digits, between which there may be blanks. @return bytes written */
static inline size_t from_hex(const char *text, uint8_t *bytes) {
    size_t size = 0;
    while (*text != '\0') {
        if (*text == ' ') {
            text++;
            continue;
        }
        char pair[3] = {text[0], text[1], '\0'};
        bytes[size++] = (uint8_t)strtoul(pair, NULL, 16);
        text += 2;
    }
    return size;
}

#endif
