// SPDX-License-Identifier: BSD-3-Clause
#ifndef TEST_UNIT_GZIP_STORED_H
#define TEST_UNIT_GZIP_STORED_H

/** Makes gzip members of stored blocks (RFC 1952; RFC 1951, 3.2.4), so that tests need no compressor. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <zlib.h>

enum { GZIP_STORED_OVERHEAD = 10 + 8, GZIP_STORED_BLOCK_OVERHEAD = 5, GZIP_STORED_BLOCK_MAX = 65535 };

static inline uint8_t *gzip_stored_number(uint8_t *at, uint32_t value, unsigned int bytes) {
    for (unsigned int i = 0; i < bytes; i++) {
        *at++ = (uint8_t)(value >> (8 * i));
    }
    return at;
}

/** @return bytes written to out, which holds size and the overheads */
static inline size_t gzip_stored(uint8_t *out, const uint8_t *data, size_t size) {
    static const uint8_t header[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
    uint8_t *at = out + sizeof(header);
    memcpy(out, header, sizeof(header));
    for (size_t done = 0;;) {
        const size_t length = size - done < GZIP_STORED_BLOCK_MAX ? size - done : GZIP_STORED_BLOCK_MAX;
        *at++ = done + length == size; /* BFINAL, BTYPE = 00 */
        at = gzip_stored_number(at, (uint32_t)length, 2);
        at = gzip_stored_number(at, ~(uint32_t)length, 2);
        memcpy(at, data + done, length);
        at += length;
        done += length;
        if (done == size) {
            break;
        }
    }
    at = gzip_stored_number(at, (uint32_t)crc32(0, data, (unsigned int)size), 4);
    at = gzip_stored_number(at, (uint32_t)size, 4);
    return (size_t)(at - out);
}

#endif
