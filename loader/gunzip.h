// SPDX-License-Identifier: BSD-3-Clause
#ifndef LOADER_GUNZIP_H
#define LOADER_GUNZIP_H

/** Decompresses gzip (RFC 1952), whole members in memory, with their checksum and length checked. */

#include <stddef.h>
#include <stdint.h>

enum gunzip_error {
    GUNZIP_OK = 0,
    GUNZIP_TRUNCATED, /* ends in the middle of a member */
    GUNZIP_DAMAGED,   /* no gzip member, or a checksum or length is wrong */
    GUNZIP_TOO_LARGE, /* more comes out than the buffer holds */
    GUNZIP_NO_MEMORY, /* no memory for the decompressor */
};

/**
 * Decompresses one member.
 * @param data the member and what follows it
 * @param size bytes
 * @param buffer where to
 * @param buffer_size bytes
 * @param produced out: bytes written
 * @param consumed out: bytes of data that the member took
 * @return GUNZIP_OK or any other of enum gunzip_error
 */
__attribute__((warn_unused_result)) enum gunzip_error gunzip(const void *data, size_t size, void *buffer,
                                                             size_t buffer_size, size_t *produced, size_t *consumed);

/**
 * Decompresses the first bytes of a member and checks nothing beyond them.
 * @param data the member
 * @param size bytes
 * @param buffer where to
 * @param buffer_size bytes, all of which are filled
 * @return GUNZIP_OK, GUNZIP_TRUNCATED, GUNZIP_DAMAGED (also when less comes out) or GUNZIP_NO_MEMORY
 */
__attribute__((warn_unused_result)) enum gunzip_error gunzip_start(const void *data, size_t size, void *buffer,
                                                                   size_t buffer_size);

/**
 * Decompresses one member to nowhere, to check it.
 * @param data the member and what follows it
 * @param size bytes
 * @param consumed out: bytes of data that the member took
 * @return GUNZIP_OK or any other of enum gunzip_error but GUNZIP_TOO_LARGE
 */
__attribute__((warn_unused_result)) enum gunzip_error gunzip_check(const void *data, size_t size, size_t *consumed);

#endif
