// SPDX-License-Identifier: BSD-3-Clause
#include "vault_memo.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"
#include "crypto/p256.h"

enum { ENTRIES = 1 << 14, RESULT_MAX = sizeof(struct p256_private) };

struct entry {
    uint8_t key[DIGEST_SIZE];
    bool used;
    enum p256_error error;
    uint8_t result[RESULT_MAX];
    struct random_stream after; /* the generator's, where it was used */
};

static struct entry entries[ENTRIES];
static struct vault_memo_count count;

struct vault_memo_count vault_memo_count(void) {
    return count;
}

/* The entry for a function and its arguments, as it is or to be filled in. */
static struct entry *find(char function, const void *const *arguments, const size_t *sizes, size_t number) {
    struct digest digest;
    uint8_t key[DIGEST_SIZE];
    digest_begin(&digest);
    digest_add(&digest, &function, 1);
    for (size_t i = 0; i < number; i++)
        digest_add(&digest, arguments[i], sizes[i]);
    if (!digest_end(&digest, key))
        abort();
    size_t at = ((size_t)key[0] | (size_t)key[1] << 8) % ENTRIES;
    struct entry *entry = &entries[at];
    if (entry->used && memcmp(entry->key, key, sizeof(key)) == 0) {
        count.found++;
        return entry;
    }
    count.done++;
    *entry = (struct entry){0};
    memcpy(entry->key, key, sizeof(key));
    return entry;
}

enum p256_error __real_p256_verify(const struct p256_public *key, const uint8_t *digest, const uint8_t *signature);
enum p256_error __wrap_p256_verify(const struct p256_public *key, const uint8_t *digest, const uint8_t *signature);
enum p256_error __real_p256_sign(const struct p256_private *key, const uint8_t *digest, struct random_stream *random,
                                 uint8_t *signature);
enum p256_error __wrap_p256_sign(const struct p256_private *key, const uint8_t *digest, struct random_stream *random,
                                 uint8_t *signature);
enum p256_error __real_p256_from_scalar(struct p256_private *key, const uint8_t *scalar, struct random_stream *random);
enum p256_error __wrap_p256_from_scalar(struct p256_private *key, const uint8_t *scalar, struct random_stream *random);
struct p256_agreer __real_p256_software_agreer(struct p256_software *software);
struct p256_agreer __wrap_p256_software_agreer(struct p256_software *software);
enum p256_error __real_p256_generate(struct p256_private *key, struct random_stream *random);
enum p256_error __wrap_p256_generate(struct p256_private *key, struct random_stream *random);

enum p256_error __wrap_p256_verify(const struct p256_public *key, const uint8_t *digest, const uint8_t *signature) {
    struct entry *entry = find('v', (const void *[]){key, digest, signature},
                               (size_t[]){sizeof(*key), P256_DIGEST_SIZE, P256_SIGNATURE_SIZE}, 3);
    if (!entry->used)
        entry->error = __real_p256_verify(key, digest, signature);
    entry->used = true;
    return entry->error;
}

enum p256_error __wrap_p256_sign(const struct p256_private *key, const uint8_t *digest, struct random_stream *random,
                                 uint8_t *signature) {
    struct entry *entry = find('s', (const void *[]){key, digest}, (size_t[]){sizeof(*key), P256_DIGEST_SIZE}, 2);
    if (!entry->used)
        entry->error = __real_p256_sign(key, digest, random, entry->result);
    entry->used = true;
    memcpy(signature, entry->result, P256_SIGNATURE_SIZE);
    return entry->error;
}

enum p256_error __wrap_p256_from_scalar(struct p256_private *key, const uint8_t *scalar, struct random_stream *random) {
    struct entry *entry = find('f', (const void *[]){scalar}, (size_t[]){P256_SIZE}, 1);
    if (!entry->used)
        entry->error = __real_p256_from_scalar((struct p256_private *)(void *)entry->result, scalar, random);
    entry->used = true;
    memcpy(key, entry->result, sizeof(*key));
    return entry->error;
}

static enum p256_error agree(void *context, const struct p256_public *other, uint8_t *shared) {
    const struct p256_software *software = context;
    struct entry *entry =
        find('a', (const void *[]){software->key, other}, (size_t[]){sizeof(*software->key), sizeof(*other)}, 2);
    if (!entry->used)
        entry->error = p256_agree(software->key, other, software->random, entry->result);
    entry->used = true;
    memcpy(shared, entry->result, P256_SIZE);
    return entry->error;
}

struct p256_agreer __wrap_p256_software_agreer(struct p256_software *software) {
    struct p256_agreer agreer = __real_p256_software_agreer(software);
    agreer.agree = agree;
    return agreer;
}

enum p256_error __wrap_p256_generate(struct p256_private *key, struct random_stream *random) {
    struct entry *entry = find('g', (const void *[]){random}, (size_t[]){sizeof(*random)}, 1);
    if (!entry->used) {
        entry->error = __real_p256_generate((struct p256_private *)(void *)entry->result, random);
        entry->after = *random;
    }
    entry->used = true;
    memcpy(key, entry->result, sizeof(*key));
    *random = entry->after;
    return entry->error;
}
