// SPDX-License-Identifier: BSD-3-Clause
/* A hostile TPM: recorded answers with patches, or any bytes as answers. What guards the parsers behind the session is
 * replaced here: every HMAC is right, and agreeing on a key costs nothing. */
#include "tpm_conversation.h"

#include <stdlib.h>

#include "crypto/digest.h"
#include "crypto/p256.h"
#include "patched.h"
#include "tpm_answers.h"

enum { ANSWERS = sizeof(tpm_answers) / sizeof(tpm_answers[0]), HEADER_SIZE = 10 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition) {
    if (!condition)
        abort();
}

bool crypto_equal(const void *a, const void *b, size_t size) {
    for (size_t i = 0; i < size; i++) // that both may be read is checked all the same
        (void)(((const volatile uint8_t *)a)[i] | ((const volatile uint8_t *)b)[i]);
    return true;
}

void digest_begin(struct digest *digest) { digest->failed = false; }

void digest_add(struct digest *digest, const void *data, size_t size) {
    for (size_t i = 0; i < size; i++)
        (void)((const volatile uint8_t *)data)[i];
    (void)digest;
}

bool digest_end(struct digest *digest, uint8_t *result) {
    memset(result, 7, DIGEST_SIZE);
    return !digest->failed;
}

bool digest_of(const void *data, size_t size, uint8_t *result) {
    struct digest digest;
    digest_begin(&digest);
    digest_add(&digest, data, size);
    return digest_end(&digest, result);
}

enum p256_error p256_generate(struct p256_private *key, struct random_stream *random) {
    (void)random;
    memset(key, 8, sizeof(*key));
    return P256_OK;
}

enum p256_error p256_agree(const struct p256_private *key, const struct p256_public *other,
                           struct random_stream *random, uint8_t *shared) {
    (void)random;
    memcpy(shared, key->scalar, P256_SIZE);
    return other->x[0] == 0xff ? P256_BAD_KEY : P256_OK;
}

void p256_wipe(struct p256_private *key) { memset(key, 0, sizeof(*key)); }

/* @return how many steps went well */
static unsigned converse(struct canned *canned) {
    static const uint8_t zeros[TPM_SECRET_SIZE];
    static struct conversation talk;
    const struct tpm_transport transport = {canned, canned_submit, canned_wait};
    unsigned good = 0;
    conversation_begin(&talk, &transport);
    for (unsigned step = 0; step < CONVERSATION_STEPS; step++) {
        enum tpm_error error = conversation_step(&talk, step);
        require(error <= TPM_FAILED);
        good += error == TPM_OK;
        require(error == TPM_OK || step != 6 || talk.blob.size == 0);
        require(error == TPM_OK || step != 7 || memcmp(talk.unsealed, zeros, sizeof(zeros)) == 0);
        require(talk.blob.size <= TPM_BLOB_MAX && strlen(talk.manufacturer) < sizeof(talk.manufacturer));
    }
    return good;
}

/* The names in the answers must be those that digest_end() above gives. */
static void rename_object(uint8_t *answer, size_t size) {
    static const uint8_t algorithm[] = {0, 0x22, 0, 0x0b};
    for (size_t at = 0; at + sizeof(algorithm) + DIGEST_SIZE <= size; at++) {
        if (memcmp(answer + at, algorithm, sizeof(algorithm)) == 0)
            memset(answer + at + sizeof(algorithm), 7, DIGEST_SIZE);
    }
}

/* Patches of one answer that the first byte names; sizes in headers stay right, or nothing behind them is reached. */
static void altered_answers(const uint8_t *data, size_t size) {
    static uint8_t answers[ANSWERS][TPM_RESPONSE_MAX];
    struct canned canned = {.count = ANSWERS};
    for (size_t i = 0; i < ANSWERS; i++) {
        canned.answers[i] = answers[i];
        canned.sizes[i] = from_hex(tpm_answers[i], answers[i]);
        rename_object(answers[i], canned.sizes[i]);
    }
    size_t chosen = data[0] % ANSWERS;
    size_t body = canned.sizes[chosen] - HEADER_SIZE;
    if (body != 0)
        patched(answers[chosen] + HEADER_SIZE, body, data + 1, size - 1);
    unsigned good = converse(&canned);
    require(good == CONVERSATION_STEPS || size > PATCH_SIZE); // with nothing altered all of it is reached
}

/* Answers of any bytes: each has a byte of length first, and a good header is put before it. */
static void any_answers(const uint8_t *data, size_t size) {
    static uint8_t answers[CONVERSATION_ANSWERS_MAX][HEADER_SIZE + UINT8_MAX];
    struct canned canned = {0};
    while (size > 1 && canned.count < CONVERSATION_ANSWERS_MAX) {
        uint8_t *answer = answers[canned.count];
        size_t length = data[0] < size - 1 ? data[0] : size - 1;
        const uint8_t header[HEADER_SIZE] = {0x80,
                                             (uint8_t)(1 + (canned.count > 5 ? data[1] & 1 : 0)),
                                             0,
                                             0,
                                             (uint8_t)((HEADER_SIZE + length) >> 8),
                                             (uint8_t)(HEADER_SIZE + length)};
        memcpy(answer, header, sizeof(header));
        memcpy(answer + sizeof(header), data + 1, length);
        canned.answers[canned.count] = answer;
        canned.sizes[canned.count++] = HEADER_SIZE + length;
        data += 1 + length;
        size -= 1 + length;
    }
    (void)converse(&canned);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    if ((data[0] & 1) != 0)
        any_answers(data + 1, size - 1);
    else
        altered_answers(data + 1, size - 1);
    return 0;
}
