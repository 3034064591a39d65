// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "crypto/hkdf.h"
#include "vault_parts.h"

enum { FILLER = 0xff }; /* begins no object: no item of CBOR that may be there */

static const char *const state_files[2] = {"device/state.a", "device/state.b"};

static void append(char *path, const char *more) {
    size_t used = strlen(path);
    while (*more != '\0' && used + 1 < STORE_PATH_SIZE)
        path[used++] = *more++;
    path[used] = '\0';
}

void vault_path(char *path, const char *name, const char *file) {
    path[0] = '\0';
    append(path, "personas/");
    append(path, name);
    append(path, "/");
    append(path, file);
}

enum vault_error vault_read(struct vault *vault, const char *path, uint8_t *data, size_t room, size_t *size) {
    const struct store_files *files = &vault->setup.files;
    uint64_t length = 0;
    enum store_file_result result = files->size(files->context, path, &length);
    memset(data, 0, room);
    *size = 0;
    if (result == STORE_FILE_ABSENT)
        return VAULT_OK;
    if (result == STORE_FILE_OK && length > room) {
        memset(data, FILLER, room);
        *size = room;
        return VAULT_OK;
    }
    if (result == STORE_FILE_OK && length > 0)
        result = files->read(files->context, path, 0, data, (size_t)length);
    if (result != STORE_FILE_OK) {
        memset(data, 0, room);
        return vault_fail(vault, VAULT_READ_FAILED, path, NULL);
    }
    *size = (size_t)length;
    return VAULT_OK;
}

enum vault_error vault_write(struct vault *vault, const char *path, const uint8_t *data, size_t used, size_t size) {
    const struct store_write *write = &vault->setup.write;
    if (used > size || size > sizeof(vault->buffer))
        return vault_fail(vault, VAULT_FAILED, path, NULL);
    memmove(vault->buffer, data, used);
    memset(vault->buffer + used, 0, size - used);
    enum store_file_result result = write->write(write->context, path, vault->buffer, size);
    crypto_wipe(vault->buffer, size);
    if (result == STORE_FILE_OK)
        return VAULT_OK;
    return vault_fail(vault, result == STORE_FILE_FULL ? VAULT_DISK_FULL : VAULT_WRITE_FAILED, path, NULL);
}

static bool is_blank(const uint8_t *data, size_t size) {
    uint8_t any = 0;
    for (size_t i = 0; i < size; i++)
        any |= data[i];
    return any == 0;
}

enum vault_error vault_blank(struct vault *vault, const char *path) {
    size_t size = 0;
    enum vault_error error = vault_read(vault, path, vault->buffer, sizeof(vault->buffer), &size);
    if (error != VAULT_OK || is_blank(vault->buffer, size))
        return error;
    return vault_write(vault, path, vault->buffer, 0, size);
}

enum vault_error vault_catch_up(struct vault *vault) {
    enum tpm_error error = TPM_OK;
    uint64_t value = 0;
    if (!vault->state.counted)
        return VAULT_OK;
    error = tpm_counter_read(&vault->tpm, VAULT_COUNTER, &value);
    for (uint64_t lag = state_counter_lag(&vault->state, value); error == TPM_OK && lag > 0; lag--)
        error = tpm_counter_raise(&vault->tpm, VAULT_COUNTER, &value);
    return error == TPM_OK ? VAULT_OK : vault_fail_tpm(vault, error);
}

static enum vault_error save_once(struct vault *vault, const struct state *next) {
    uint8_t file[STATE_FILE_MAX];
    size_t size = 0;
    unsigned copy = 0;
    // The counter never lags by more than one: else putting back an older state would not be noticed.
    enum vault_error error = vault_catch_up(vault);
    if (error != VAULT_OK)
        return error;
    if (state_write(next, vault->key.secret, vault->thumbprint, file, sizeof(file), &size, &copy) != STATE_OK)
        return vault_fail(vault, VAULT_FAILED, NULL, NULL);
    error = vault_write(vault, state_files[copy], file, size, VAULT_STATE_FILE_SIZE);
    if (error != VAULT_OK)
        return error;
    vault->state = *next;
    state_written(&vault->state);
    return vault_catch_up(vault);
}

enum vault_error vault_save(struct vault *vault, const struct state *next) {
    enum vault_error error = save_once(vault, next);
    if (error != VAULT_OK || !next->counted)
        return error;
    struct state again = vault->state;
    return save_once(vault, &again);
}
