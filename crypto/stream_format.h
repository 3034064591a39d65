// SPDX-License-Identifier: BSD-3-Clause
#ifndef STREAM_FORMAT_H
#define STREAM_FORMAT_H

#include "crypto/stream.h"

/* A header, and the keys that come of it. */
struct stream_header {
    unsigned chunk_shift;
    uint8_t salt[STREAM_SALT_SIZE];
    uint8_t commitment[STREAM_COMMITMENT_SIZE];
};

/* header: STREAM_HEADER_SIZE bytes. */
void stream_header_write(const struct stream_header *header, uint8_t *bytes);
enum stream_error stream_header_read(struct stream_header *header, const uint8_t *bytes);

/* Makes the file's key ready and computes its commitment, STREAM_COMMITMENT_SIZE bytes. */
enum stream_error stream_open_key(struct aead *aead, const struct stream_key *key, const struct stream_header *header,
                                  uint8_t *commitment);

/* What a chunk is bound to. */
struct aead_binding stream_binding(uint64_t index, bool last);

#endif
