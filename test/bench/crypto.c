// SPDX-License-Identifier: BSD-3-Clause
// AES-256-GCM and Argon2id beside OpenSSL's and libargon2's, by turns in one process, as JSON: CPU nanoseconds, the
// least of the rounds, which other work on the machine disturbs the least.
#define _POSIX_C_SOURCE 200809L
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/pin.h"
#include "crypto/stream.h"
#include "known_random.h"

enum { ROUNDS = 12, PLAIN_SIZE = 16 << 20, CHUNK = 1 << STREAM_CHUNK_SHIFT };

static const uint8_t key[STREAM_KEY_SIZE] = {1}, nonce[AEAD_NONCE_SIZE] = {2}, salt[PIN_SALT_SIZE] = {3};
static const struct pin_cost cost = {65536, 2};
static uint8_t plain[PLAIN_SIZE], chunk[CHUNK], sealed[CHUNK];

static void require(bool good, const char *what) {
    if (good)
        return;
    (void)fprintf(stderr, "bench-crypto: %s\n", what);
    exit(EXIT_FAILURE);
}

/* The libraries are opened and not linked: nothing of the product has them. */
struct openssl {
    void *(*new_context)(void);
    void (*free_context)(void *context);
    const void *(*aes_256_gcm)(void);
    int (*init)(void *context, const void *cipher, void *engine, const uint8_t *key, const uint8_t *iv);
    int (*update)(void *context, uint8_t *out, int *out_size, const uint8_t *in, int size);
    int (*final)(void *context, uint8_t *out, int *out_size);
    int (*control)(void *context, int type, int argument, void *pointer);
};

typedef int argon2id(uint32_t passes, uint32_t memory_kib, uint32_t lanes, const void *pin, size_t pin_size,
                     const void *salt, size_t salt_size, void *hash, size_t hash_size);

static struct openssl openssl;
static argon2id *library_argon2id;

/* POSIX dlsym(): a function's address as an object's. */
static void find(void *library, const char *name, void *function) {
    void *found = library == NULL ? NULL : dlsym(library, name);
    require(found != NULL, name);
    memcpy(function, &found, sizeof(found));
}

static void open_libraries(void) {
    void *crypto = dlopen("libcrypto.so.3", RTLD_NOW);
    find(crypto, "EVP_CIPHER_CTX_new", &openssl.new_context);
    find(crypto, "EVP_CIPHER_CTX_free", &openssl.free_context);
    find(crypto, "EVP_aes_256_gcm", &openssl.aes_256_gcm);
    find(crypto, "EVP_EncryptInit_ex", &openssl.init);
    find(crypto, "EVP_EncryptUpdate", &openssl.update);
    find(crypto, "EVP_EncryptFinal_ex", &openssl.final);
    find(crypto, "EVP_CIPHER_CTX_ctrl", &openssl.control);
    find(dlopen("libargon2.so.1", RTLD_NOW), "argon2id_hash_raw", &library_argon2id);
}

static bool discard(void *context, const void *data, size_t size) {
    *(uint64_t *)context += size;
    return data != NULL;
}

static void our_stream(void) {
    struct random_stream random = known_random(1);
    struct stream_writer writer;
    const struct stream_key stream = {key, "bench", 5};
    uint64_t size = 0;
    require(stream_write_open(&writer, &stream, STREAM_CHUNK_SHIFT, chunk, &random, discard, &size) == STREAM_OK &&
                stream_write(&writer, plain, sizeof(plain)) == STREAM_OK && stream_write_end(&writer) == STREAM_OK,
            "stream");
    stream_write_close(&writer);
}

/* The same chunks, without the copy that a stream needs. */
static void their_stream(void) {
    const int get_tag = 0x10; /* EVP_CTRL_AEAD_GET_TAG */
    uint8_t tag[AEAD_TAG_SIZE];
    int size = 0;
    void *context = openssl.new_context();
    require(openssl.init(context, openssl.aes_256_gcm(), NULL, key, nonce) == 1, "EVP_EncryptInit_ex");
    for (size_t at = 0; at < sizeof(plain); at += CHUNK)
        require(openssl.init(context, NULL, NULL, NULL, nonce) == 1 &&
                    openssl.update(context, sealed, &size, plain + at, CHUNK) == 1 &&
                    openssl.final(context, sealed, &size) == 1 &&
                    openssl.control(context, get_tag, AEAD_TAG_SIZE, tag) == 1,
                "EVP_EncryptUpdate");
    openssl.free_context(context);
}

static void our_argon2(void) {
    uint8_t hash[PIN_KEY_SIZE];
    require(pin_stretch("2580", 4, salt, sizeof(salt), cost, hash) == PIN_OK, "pin_stretch");
}

static void their_argon2(void) {
    uint8_t hash[PIN_KEY_SIZE];
    require(library_argon2id(cost.passes, cost.memory_kib, 1, "2580", 4, salt, sizeof(salt), hash, sizeof(hash)) == 0,
            "argon2id_hash_raw");
}

static uint64_t now_ns(void) {
    struct timespec time;
    require(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0, "clock_gettime");
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

struct measured {
    const char *name;
    void (*run)(void);
    uint64_t least_ns;
};

int main(void) {
    struct measured all[] = {{"gcm_ns", our_stream, UINT64_MAX},
                             {"gcm_openssl_ns", their_stream, UINT64_MAX},
                             {"argon2_ns", our_argon2, UINT64_MAX},
                             {"argon2_library_ns", their_argon2, UINT64_MAX}};
    open_libraries();
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
            uint64_t started = now_ns();
            all[i].run();
            uint64_t taken = now_ns() - started;
            all[i].least_ns = taken < all[i].least_ns ? taken : all[i].least_ns;
        }
    }
    (void)printf("{\"gcm_bytes\": %d", PLAIN_SIZE);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        (void)printf(", \"%s\": %llu", all[i].name, (unsigned long long)all[i].least_ns);
    (void)puts("}");
    return EXIT_SUCCESS;
}
