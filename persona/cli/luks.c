// SPDX-License-Identifier: BSD-3-Clause
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libcryptsetup.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/digest.h"
#include "crypto/hkdf.h"
#include "luks.h"
#include "luks_input.h"

enum {
    VOLUME_KEY_SIZE = 64,     /* bytes: two keys of AES-256 */
    IV_SIZE = 16,             /* bytes */
    IV_UNIT = 512,            /* bytes: plain64 counts in these, whatever the sectors' size */
    PIECE = 64 * 1024,        /* bytes that are encrypted, or left out, in one go */
    PBKDF_ITERATIONS = 1000,  /* the fewest that LUKS2 allows */
    HEADER_SIZE = 16 << 20,   /* bytes before the data, as cryptsetup itself lays it out */
    PROGRESS_STEP = 16 << 20, /* bytes between two reports */
};

/* One image being made. */
struct work {
    const struct luks_request *request;
    struct luks_input input;
    struct crypt_device *device;
    EVP_CIPHER_CTX *cipher;
    int target;
    char path[CLI_PATH_SIZE]; /* beside its place, until it is whole */
    uint8_t volume_key[VOLUME_KEY_SIZE];
    struct digest digest; /* of what was read */
    uint8_t piece[PIECE];
};

static void say(int level, const char *message, void *context) {
    (void)context;
    if (level == CRYPT_LOG_ERROR)
        cli_error("libcryptsetup: %.*s", (int)strcspn(message, "\n"), message);
}

static bool create(struct work *work, const char *target) {
    if (!path_of(work->path, "%s.new", target))
        return false;
    (void)unlink(work->path);
    work->target = open(work->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (work->target >= 0 && ftruncate(work->target, (off_t)(HEADER_SIZE + work->input.size)) == 0) {
        /* A disk without room for the header is told here: libcryptsetup does not say why it fails to write. */
        errno = posix_fallocate(work->target, 0, HEADER_SIZE);
        if (errno == 0)
            return true;
    }
    cli_error("%s: %s", work->path, strerror(errno));
    return false;
}

static bool volume_key(struct work *work) {
    struct random_stream random;
    if (!host_random(&random))
        return false;
    bool good = random_bytes(&random, work->volume_key, sizeof(work->volume_key)) == RANDOM_OK;
    random_stream_wipe(&random);
    return good;
}

/* Header and key slot. */
static bool format(struct work *work) {
    const struct crypt_pbkdf_type pbkdf = {
        .type = CRYPT_KDF_PBKDF2, .hash = "sha256", .iterations = PBKDF_ITERATIONS, .flags = CRYPT_PBKDF_NO_BENCHMARK};
    struct crypt_params_luks2 parameters = {.pbkdf = &pbkdf, .sector_size = work->input.sector_size};
    if (crypt_init(&work->device, work->path) < 0)
        return false;
    crypt_set_log_callback(work->device, say, NULL);
    int error = crypt_set_data_offset(work->device, HEADER_SIZE / IV_UNIT);
    if (error >= 0)
        error = crypt_format(work->device, CRYPT_LUKS2, "aes", "xts-plain64", NULL, (const char *)work->volume_key,
                             sizeof(work->volume_key), &parameters);
    if (error >= 0)
        error =
            crypt_keyslot_add_by_volume_key(work->device, 0, (const char *)work->volume_key, sizeof(work->volume_key),
                                            (const char *)work->request->key_file, LUKS_KEY_FILE_SIZE);
    if (error < 0)
        cli_error("%s: no LUKS2 header could be written: %s", work->path, strerror(-error));
    return error >= 0;
}

static bool open_cipher(struct work *work) {
    work->cipher = EVP_CIPHER_CTX_new();
    if (work->cipher != NULL && EVP_EncryptInit_ex(work->cipher, EVP_aes_256_xts(), NULL, work->volume_key, NULL) == 1)
        return true;
    cli_error("AES-XTS can't be had from the library libcrypto");
    return false;
}

/* In place. plain64: the number of the sector, little-endian, in units of 512 bytes. */
static bool encrypt(struct work *work, uint64_t offset, size_t size) {
    for (size_t at = 0; at < size; at += work->input.sector_size) {
        uint8_t iv[IV_SIZE] = {0};
        uint64_t number = (offset + at) / IV_UNIT;
        int written = 0;
        for (unsigned i = 0; i < sizeof(number); i++)
            iv[i] = (uint8_t)(number >> (8 * i));
        if (EVP_EncryptInit_ex(work->cipher, NULL, NULL, NULL, iv) != 1 ||
            EVP_EncryptUpdate(work->cipher, work->piece + at, &written, work->piece + at,
                              (int)work->input.sector_size) != 1)
            return false;
    }
    return true;
}

static bool move(ssize_t (*step)(int, void *, size_t, off_t), int file, uint8_t *bytes, size_t size, uint64_t offset) {
    while (size > 0) {
        ssize_t moved = step(file, bytes, size, (off_t)offset);
        if (moved < 0 && errno == EINTR)
            continue;
        if (moved <= 0) {
            errno = moved == 0 ? EIO : errno;
            return false;
        }
        bytes += moved;
        size -= (size_t)moved;
        offset += (uint64_t)moved;
    }
    return true;
}

static ssize_t write_some(int file, void *bytes, size_t size, off_t offset) {
    return pwrite(file, bytes, size, offset);
}

static bool read_piece(struct work *work, uint64_t offset, size_t size) {
    if (!move(pread, work->input.file, work->piece, size, offset)) {
        cli_error("the root file system can't be read: %s", strerror(errno));
        return false;
    }
    digest_add(&work->digest, work->piece, size);
    return true;
}

static bool write_piece(struct work *work, uint64_t offset, size_t size) {
    if (!encrypt(work, offset, size)) {
        cli_error("the library libcrypto failed to encrypt");
        return false;
    }
    if (move(write_some, work->target, work->piece, size, HEADER_SIZE + offset))
        return true;
    cli_error("%s: %s", work->path, strerror(errno));
    return false;
}

static void report(const struct work *work, uint64_t done) {
    if (work->request->progress != NULL && (done % PROGRESS_STEP == 0 || done == work->input.size))
        work->request->progress(work->request->context, done, work->input.size);
}

/* What is left out counts in the digest, too: whether it is free, the file itself says. */
static bool copy(struct work *work) {
    digest_begin(&work->digest);
    for (uint64_t offset = 0; offset < work->input.size;) {
        uint64_t left = work->input.size - offset;
        size_t size = left < PIECE ? (size_t)left : PIECE;
        bool out = work->request->sparse && luks_input_is_free(&work->input, offset, size);
        if ((!out || work->request->digest != NULL) && !read_piece(work, offset, size))
            return false;
        if (!out && !write_piece(work, offset, size))
            return false;
        offset += size;
        report(work, offset);
    }
    return true;
}

/* The bytes that were encrypted are the ones that were looked at. */
static bool is_the_one(struct work *work) {
    const struct luks_request *request = work->request;
    uint8_t digest[DIGEST_SIZE];
    if (!digest_end(&work->digest, digest))
        return false;
    if (request->digest == NULL ||
        (work->input.size == request->size && memcmp(digest, request->digest, sizeof(digest)) == 0))
        return true;
    cli_error("%s is not the image any more that the persona was made with: put that back, or take this one for "
              "devices to come with 'flipside persona update --root=%s'",
              request->path, request->path);
    return false;
}

static bool finish(struct work *work, const char *target) {
    if (fsync(work->target) == 0 && rename(work->path, target) == 0)
        return true;
    cli_error("%s: %s", target, strerror(errno));
    return false;
}

static bool make(struct work *work, const char *target) {
    return luks_input_open(&work->input, work->request, target) && create(work, target) && volume_key(work) &&
           format(work) && open_cipher(work) && copy(work) && is_the_one(work) && finish(work, target);
}

bool luks_make(const struct luks_request *request, const char *target) {
    struct work *work = calloc(1, sizeof(*work));
    if (work == NULL) {
        cli_error("not enough memory");
        return false;
    }
    work->request = request;
    work->target = work->input.file = -1;
    bool good = make(work, target);
    EVP_CIPHER_CTX_free(work->cipher);
    crypt_free(work->device);
    luks_input_close(&work->input);
    if (work->target >= 0)
        (void)close(work->target);
    if (!good && work->target >= 0)
        (void)unlink(work->path);
    crypto_wipe(work, sizeof(*work));
    free(work);
    return good;
}
