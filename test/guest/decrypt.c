// SPDX-License-Identifier: BSD-3-Clause
/*
 * Decrypts an encrypted file in memory again and again, as the loader does with a kernel, with the CPU's instructions
 * for cryptography or as if it had none, and tells the counter ticks of each round.
 */

#include "guest.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

#include "crypto/stream.h"

enum { ROUNDS_MAX = 1000, PLAIN_SIZE = 1 << 20, CHUNK = 1 << STREAM_CHUNK_SHIFT };

static const uint8_t content_key[STREAM_KEY_SIZE] = {1};
static const struct stream_key key = {content_key, "kernel", 6};
static uint8_t plain[PLAIN_SIZE], chunk[CHUNK], file[PLAIN_SIZE + 2 * CHUNK];
static size_t file_size;
static unsigned long capabilities;

/* In place of the C library's: what the cryptographic libraries ask. */
unsigned long getauxval(unsigned long type) { return type == AT_HWCAP ? capabilities : 0; }

static bool put(void *context, const void *data, size_t size) {
    (void)context;
    if (size > sizeof(file) - file_size)
        return false;
    memcpy(file + file_size, data, size);
    file_size += size;
    return true;
}

static bool get(void *context, uint64_t offset, void *data, size_t size) {
    (void)context;
    memcpy(data, file + offset, size);
    return true;
}

static void require(enum stream_error error) {
    if (error != STREAM_OK)
        fail(stream_error_text(error));
}

static void encrypt(void) {
    static const uint8_t seed[32] = {2};
    const struct random_input input = {.data = seed, .size = sizeof(seed)};
    struct random_pool pool;
    struct random_stream random;
    struct stream_writer writer;
    if (random_init(&pool, &input, 1) != RANDOM_OK || random_stream_open(&random, &pool, "bench") != RANDOM_OK)
        fail("random numbers");
    require(stream_write_open(&writer, &key, STREAM_CHUNK_SHIFT, chunk, &random, put, NULL));
    require(stream_write(&writer, plain, sizeof(plain)));
    require(stream_write_end(&writer));
    stream_write_close(&writer);
}

static void decrypt(void) {
    struct stream_reader reader;
    require(stream_read_open(&reader, &key, file_size, chunk, sizeof(chunk), get, NULL));
    require(stream_read(&reader, 0, plain, sizeof(plain)));
    stream_read_close(&reader);
}

int main(int argument_count, char **arguments) {
    if (argument_count != 3)
        usage("decrypt ROUNDS plain|extensions");
    unsigned long rounds = number(arguments[1], 1, ROUNDS_MAX);
    capabilities = strcmp(arguments[2], "extensions") == 0 ? HWCAP_ASIMD | HWCAP_AES | HWCAP_PMULL | HWCAP_SHA2 : 0;
    encrypt();
    for (unsigned long i = 0; i < rounds; i++) {
        uint64_t start = counter();
        decrypt();
        printf("decrypted %zu %" PRIu64 "\n", sizeof(plain), counter() - start);
    }
    return 0;
}
