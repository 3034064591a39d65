// SPDX-License-Identifier: BSD-3-Clause
// What a thief could do with software of his own, for whole-machine tests: interop-vault [--tpm=STATE] DIRECTORY
// attempts PERSONA COUNT makes wrong attempts at a PIN without waiting; interop-vault [--tpm=STATE] DIRECTORY keys
// PERSONA PIN [CODE] prints the keys behind a right one, with the activation code if that is asked for. DIRECTORY is a
// copy of a device's \flipside, STATE the directory of its TPM's state (swtpm).
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include "persona/vault.h"
#include "swtpm.h"

enum { PATH_SIZE = 4096, SECOND = 1000000000 };

static struct vault vault;

static bool full_path(const char *root, const char *path, char *full) {
    return snprintf(full, PATH_SIZE, "%s/%s", root, path) < PATH_SIZE;
}

static enum store_file_result size_of(void *context, const char *path, uint64_t *size) {
    char full[PATH_SIZE];
    struct stat status;
    if (!full_path(context, path, full) || stat(full, &status) != 0)
        return errno == ENOENT || errno == ENOTDIR ? STORE_FILE_ABSENT : STORE_FILE_FAILED;
    *size = (uint64_t)status.st_size;
    return STORE_FILE_OK;
}

static enum store_file_result read_at(void *context, const char *path, uint64_t offset, void *buffer, size_t size) {
    char full[PATH_SIZE];
    FILE *file = full_path(context, path, full) ? fopen(full, "rb") : NULL;
    if (file == NULL)
        return STORE_FILE_FAILED;
    bool good = fseeko(file, (off_t)offset, SEEK_SET) == 0 && fread(buffer, 1, size, file) == size;
    (void)fclose(file);
    return good ? STORE_FILE_OK : STORE_FILE_FAILED;
}

static enum store_file_result write_whole(void *context, const char *path, const void *data, size_t size) {
    char full[PATH_SIZE];
    FILE *file = full_path(context, path, full) ? fopen(full, "wb") : NULL;
    if (file == NULL)
        return STORE_FILE_FAILED;
    bool good = fwrite(data, 1, size, file) == size;
    return fclose(file) == 0 && good ? STORE_FILE_OK : STORE_FILE_FAILED;
}

static uint64_t clock_ns(void *context) {
    struct timespec now;
    (void)context;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

static bool open_vault(char *directory, struct random_stream *random, const struct tpm_transport *tpm) {
    uint8_t seed[RANDOM_POOL_SIZE];
    struct random_input input = {seed, sizeof(seed), false};
    struct random_pool pool;
    struct vault_setup setup = {.files = {.context = directory, .size = size_of, .read = read_at},
                                .write = {directory, write_whole},
                                .tpm = tpm,
                                .random = random,
                                .board = "qemu-virt",
                                .clock = clock_ns,
                                .pin_memory_kib = PIN_MEMORY_FLOOR};
    if (getrandom(seed, sizeof(seed), 0) != sizeof(seed) || random_init(&pool, &input, 1) != RANDOM_OK ||
        random_stream_open(random, &pool, "vault") != RANDOM_OK)
        return false;
    return vault_open(&vault, &setup) == VAULT_OK;
}

static bool make_attempts(const char *name, int count) {
    static struct vault_unlocked unlocked;
    enum vault_error error = VAULT_WRONG_PIN;
    for (int i = 0; i < count && error == VAULT_WRONG_PIN; i++)
        error = vault_unlock(&vault, name, "no such PIN", strlen("no such PIN"), &unlocked);
    return error == VAULT_WRONG_PIN || error == VAULT_LOCKED_OUT;
}

static void print_key(const char *name, const uint8_t *key, size_t size) {
    printf("%s ", name);
    for (size_t i = 0; i < size; i++)
        printf("%02x", key[i]);
    printf("\n");
}

static bool print_keys(const char *name, const char *pin, const char *code) {
    static struct vault_unlocked unlocked;
    uint8_t volume[KEYS_VOLUME_SIZE];
    if ((code != NULL && vault_activate(&vault, name, code, strlen(code)) != VAULT_OK) ||
        vault_unlock(&vault, name, pin, strlen(pin), &unlocked) != VAULT_OK ||
        keys_derive(unlocked.persona_key, KEYS_VOLUME, unlocked.manifest->id, 0, volume, sizeof(volume)) != KEYS_OK)
        return false;
    print_key("persona", unlocked.persona_key, sizeof(unlocked.persona_key));
    print_key("content", unlocked.content_key, sizeof(unlocked.content_key));
    print_key("volume", volume, sizeof(volume));
    return true;
}

static bool run(int argc, char **argv, const struct tpm_transport *tpm) {
    static struct random_stream random;
    bool good = (argc == 5 || argc == 6) && open_vault(argv[1], &random, tpm);
    if (good)
        good = strcmp(argv[2], "attempts") == 0 ? make_attempts(argv[3], atoi(argv[4]))
                                                : print_keys(argv[3], argv[4], argc == 6 ? argv[5] : NULL);
    if (!good)
        (void)fprintf(stderr, "%s\n", vault.reason);
    vault_close(&vault);
    return good;
}

int main(int argc, char **argv) {
    static const char option[] = "--tpm=";
    bool with_tpm = argc > 1 && strncmp(argv[1], option, strlen(option)) == 0, good;
    struct swtpm swtpm;
    if (!with_tpm)
        return run(argc, argv, NULL) ? EXIT_SUCCESS : EXIT_FAILURE;
    swtpm_open(&swtpm, argv[1] + strlen(option));
    const struct tpm_transport transport = swtpm_transport(&swtpm);
    good = run(argc - 1, argv + 1, &transport);
    swtpm_remove(&swtpm);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
