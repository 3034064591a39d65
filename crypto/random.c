// SPDX-License-Identifier: BSD-3-Clause
#include "crypto/random.h"
#include "crypto/hkdf.h"

#include <string.h>

static const char pool_label[] = "flipside random pool 1";

_Static_assert(sizeof(((struct random_pool *)0)->key) == HKDF_KEY_SIZE, "a pool is a pseudorandom key");

const char *random_error_text(enum random_error error) {
    switch (error) {
    case RANDOM_OK:
        return "no error";
    case RANDOM_NO_ENTROPY:
        return "nothing gives random numbers";
    case RANDOM_BAD_LABEL:
        return "a label is empty or too long";
    case RANDOM_TOO_LONG:
        return "too many random bytes asked for at once";
    case RANDOM_FAILED:
        return "the cryptographic library failed";
    }
    return "unknown error";
}

enum random_error random_init(struct random_pool *pool, const struct random_input *inputs, size_t count) {
    uint8_t next[HKDF_KEY_SIZE];
    size_t total = 0;

    if (hkdf_extract(NULL, 0, pool_label, sizeof(pool_label), pool->key) != HKDF_OK) {
        return RANDOM_FAILED;
    }
    pool->has_entropy = false;
    // Each extraction is salted with what came before: any one good input makes the pool good, and none can undo
    // another.
    for (size_t i = 0; i < count; i++) {
        if (hkdf_extract(pool->key, sizeof(pool->key), inputs[i].data, inputs[i].size, next) != HKDF_OK) {
            random_wipe(pool);
            return RANDOM_FAILED;
        }
        memcpy(pool->key, next, sizeof(pool->key));
        total += inputs[i].size;
        pool->has_entropy = pool->has_entropy || (inputs[i].size > 0 && !inputs[i].guessable);
    }
    crypto_wipe(next, sizeof(next));
    if (total == 0) {
        random_wipe(pool);
        return RANDOM_NO_ENTROPY;
    }
    return RANDOM_OK;
}

enum random_error random_derive(const struct random_pool *pool, const char *label, const char *persona, void *output,
                                size_t size) {
    uint8_t info[2 * (RANDOM_LABEL_MAX + 1)];
    size_t label_size = strlen(label) + 1;
    size_t persona_size = strlen(persona) + 1;

    memset(output, 0, size);
    if (label_size == 1 || label_size > RANDOM_LABEL_MAX + 1 || persona_size > RANDOM_LABEL_MAX + 1) {
        return RANDOM_BAD_LABEL;
    }
    // With their NULs, so that no two pairs of label and persona read the same.
    memcpy(info, label, label_size);
    memcpy(info + label_size, persona, persona_size);
    switch (hkdf_expand(pool->key, info, label_size + persona_size, output, size)) {
    case HKDF_OK:
        return RANDOM_OK;
    case HKDF_TOO_LONG:
        return RANDOM_TOO_LONG;
    case HKDF_FAILED:
        break;
    }
    return RANDOM_FAILED;
}

void random_wipe(struct random_pool *pool) { crypto_wipe(pool, sizeof(*pool)); }

enum random_error random_stream_open(struct random_stream *stream, const struct random_pool *pool, const char *label) {
    memset(stream->key, 0, sizeof(stream->key));
    if (!pool->has_entropy)
        return RANDOM_NO_ENTROPY;
    return random_derive(pool, label, "stream", stream->key, sizeof(stream->key));
}

enum random_error random_bytes(struct random_stream *stream, void *output, size_t size) {
    static const char next_label[] = "flipside random stream 1: next";
    static const char bytes_label[] = "flipside random stream 1: bytes";
    uint8_t next[HKDF_KEY_SIZE];
    enum hkdf_error error = HKDF_OK;

    // The key is replaced after each piece, and so what it gave is out of reach of whoever sees it later.
    for (size_t done = 0; done < size && error == HKDF_OK;) {
        size_t piece = size - done < RANDOM_OUTPUT_MAX ? size - done : RANDOM_OUTPUT_MAX;
        error = hkdf_expand(stream->key, bytes_label, sizeof(bytes_label), (uint8_t *)output + done, piece);
        if (error == HKDF_OK)
            error = hkdf_expand(stream->key, next_label, sizeof(next_label), next, sizeof(next));
        if (error == HKDF_OK)
            memcpy(stream->key, next, sizeof(next));
        done += piece;
    }
    crypto_wipe(next, sizeof(next));
    if (error != HKDF_OK)
        crypto_wipe(output, size);
    return error == HKDF_OK ? RANDOM_OK : RANDOM_FAILED;
}

void random_stream_wipe(struct random_stream *stream) { crypto_wipe(stream->key, sizeof(stream->key)); }
