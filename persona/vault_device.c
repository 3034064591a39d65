// SPDX-License-Identifier: BSD-3-Clause
/* Who the device is and what it remembers: made at its first start, opened at every later one. At the first start the
 * state is written before the key, and the request after it: so a key that is there has a state, and while there is no
 * request a key that is not whole is a first start that was cut. */
#include <string.h>

#include "crypto/digest.h"
#include "crypto/hkdf.h"
#include "text.h"
#include "vault_parts.h"

static const char key_path[] = "device/key";
static const char request_path[] = "device/request";

_Static_assert((int)KEYS_SIZE == (int)P256_THUMBPRINT_SIZE, "the state keeps the root's thumbprint");

static bool has_tpm(const struct vault *vault) { return vault->tpm_open && vault->tpm_error == TPM_OK; }

static enum vault_error name_device(struct vault *vault) {
    vault->keeping = vault->key.keeping;
    vault->software = (struct p256_software){&vault->key.key, vault->setup.random};
    vault->agreer = p256_software_agreer(&vault->software);
    if (p256_thumbprint(&vault->key.key.public_key, vault->thumbprint) != P256_OK)
        return vault_fail(vault, VAULT_FAILED, NULL, NULL);
    return VAULT_OK;
}

/* ---- The state */

static enum vault_error fail_state(struct vault *vault, enum state_error error) {
    switch (error) {
    case STATE_NO_TPM:
        return vault_fail(vault, VAULT_NO_TPM, NULL, state_error_text(error));
    case STATE_OTHER_TPM:
    case STATE_NO_COUNTER:
        return vault_fail(vault, VAULT_OTHER_TPM, NULL, state_error_text(error));
    case STATE_ROLLED_BACK:
        return vault_fail(vault, VAULT_ROLLED_BACK, NULL, NULL);
    case STATE_FAILED:
        return vault_fail(vault, VAULT_FAILED, NULL, NULL);
    default:
        return vault_fail(vault, VAULT_STATE_LOST, NULL, NULL);
    }
}

static enum vault_error read_counter(struct vault *vault, struct state_counter *counter) {
    *counter = (struct state_counter){.kind = STATE_COUNTER_NONE};
    if (vault->keeping != ENROLMENT_TPM)
        return VAULT_OK;
    counter->tpm = vault->key.tpm;
    enum tpm_error error = tpm_counter_read(&vault->tpm, VAULT_COUNTER, &counter->value);
    counter->kind = error == TPM_OK ? STATE_COUNTER_VALUE : STATE_COUNTER_MISSING;
    if (error == TPM_OK || error == TPM_NO_COUNTER || error == TPM_BAD_COUNTER)
        return VAULT_OK;
    return vault_fail_tpm(vault, error);
}

static enum vault_error read_state(struct vault *vault) {
    uint8_t *a = vault->buffer, *b = vault->buffer + VAULT_STATE_FILE_SIZE;
    struct state_copy copies[2] = {{a, 0}, {b, 0}};
    struct state_counter counter;
    enum vault_error error = vault_read(vault, "device/state.a", a, VAULT_STATE_FILE_SIZE, &copies[0].size);
    if (error == VAULT_OK)
        error = vault_read(vault, "device/state.b", b, VAULT_STATE_FILE_SIZE, &copies[1].size);
    if (error == VAULT_OK)
        error = read_counter(vault, &counter);
    if (error != VAULT_OK)
        return error;
    enum state_error opened = state_open(&vault->state, copies, vault->key.secret, vault->thumbprint, &counter);
    return opened == STATE_OK ? VAULT_OK : fail_state(vault, opened);
}

static enum vault_error check_root(struct vault *vault) {
    uint8_t root[P256_THUMBPRINT_SIZE];
    if (p256_thumbprint(&vault->organisation.root, root) != P256_OK)
        return vault_fail(vault, VAULT_FAILED, NULL, NULL);
    if (memcmp(root, vault->state.root, sizeof(root)) != 0)
        return vault_fail(vault, VAULT_WRONG_ROOT, NULL, NULL);
    return VAULT_OK;
}

/* A higher epoch stays, also when the organisation's file is put back to an earlier one. */
static enum vault_error take_epoch(struct vault *vault) {
    struct state next = vault->state;
    enum vault_error error = VAULT_OK;
    if (vault->organisation.epoch > vault->state.epoch) {
        next.epoch = vault->organisation.epoch;
        error = vault_save(vault, &next);
    }
    vault->trust = (struct delegation_trust){vault->organisation.root, vault->state.epoch};
    return error;
}

static enum vault_error open_state(struct vault *vault) {
    enum vault_error error = read_state(vault);
    if (error == VAULT_OK)
        error = check_root(vault);
    if (error == VAULT_OK)
        error = vault_catch_up(vault);
    return error == VAULT_OK ? take_epoch(vault) : error;
}

/* ---- The request */

static enum vault_error write_request(struct vault *vault) {
    struct enrolment enrolment = {.keeping = vault->keeping};
    struct p256_signer signer = p256_software_signer(&vault->software);
    uint8_t object[ENROLMENT_SIZE_MAX];
    size_t size = 0;
    strncpy(enrolment.board, vault->setup.board, sizeof(enrolment.board) - 1);
    if (enrolment_write(&enrolment, &signer, object, sizeof(object), &size) != COSE_OK)
        return vault_fail(vault, VAULT_FAILED, NULL, NULL);
    return vault_write(vault, request_path, object, size, VAULT_REQUEST_FILE_SIZE);
}

/* The last step of a first start, which may have been cut before it. */
static enum vault_error need_request(struct vault *vault) {
    struct enrolment request;
    size_t size = 0;
    enum vault_error error = vault_read(vault, request_path, vault->buffer, VAULT_REQUEST_FILE_SIZE, &size);
    if (error != VAULT_OK)
        return error;
    bool is_ours = enrolment_read(&request, vault->buffer, size) == ENROLMENT_OK &&
                   memcmp(&request.key, &vault->key.key.public_key, sizeof(request.key)) == 0;
    return is_ours ? VAULT_OK : write_request(vault);
}

/* ---- The first start */

/* The password that would lift the lock-out is known to nobody: what is locked heals with time alone. */
static void guard_tpm(struct vault *vault) {
    static const struct tpm_limits limits = {VAULT_TPM_FAILURES, VAULT_TPM_INTERVAL_S, 0};
    struct tpm_lockout lockout;
    uint8_t password[TPM_AUTH_MAX];
    const struct tpm_auth auth = {password, sizeof(password)};
    if (tpm_lockout(&vault->tpm, &lockout) == TPM_OK && !lockout.guarded &&
        random_bytes(vault->setup.random, password, sizeof(password)) == RANDOM_OK)
        lockout.guarded = tpm_guard(&vault->tpm, NULL, &auth, &limits) == TPM_OK;
    vault->guarded = lockout.guarded;
    crypto_wipe(password, sizeof(password));
}

static enum vault_error fail_key(struct vault *vault, enum device_key_error error) {
    switch (error) {
    case DEVICE_KEY_ABSENT:
    case DEVICE_KEY_DAMAGED:
        return vault_fail(vault, VAULT_KEY_LOST, NULL, NULL);
    case DEVICE_KEY_NO_TPM:
        return vault_fail(vault, VAULT_NO_TPM, NULL, NULL);
    case DEVICE_KEY_OTHER:
        return vault_fail(vault, VAULT_OTHER_TPM, NULL, NULL);
    case DEVICE_KEY_TPM:
        return vault_fail_tpm(vault, vault->tpm_error);
    case DEVICE_KEY_NO_RANDOM:
        return vault_fail(vault, VAULT_NO_ENTROPY, NULL, NULL);
    default:
        return vault_fail(vault, VAULT_FAILED, NULL, NULL);
    }
}

/* A TPM that is not ours to use is as none, and the request says so; one that fails may work the next time. */
static enum vault_error make_key(struct vault *vault, uint8_t *file, size_t *size) {
    struct tpm *tpm = vault->tpm_open ? &vault->tpm : NULL;
    if (tpm != NULL && vault->tpm_error != TPM_OK)
        return vault_fail_tpm(vault, vault->tpm_error);
    enum device_key_error error = device_key_make(&vault->key, vault->setup.random);
    if (error == DEVICE_KEY_OK)
        error =
            device_key_write(&vault->key, tpm, vault->setup.random, &vault->tpm_error, file, DEVICE_KEY_SIZE_MAX, size);
    if (error == DEVICE_KEY_TPM && (vault->tpm_error == TPM_OWNED || vault->tpm_error == TPM_UNSUPPORTED)) {
        enum tpm_error ignored = TPM_OK;
        error = device_key_write(&vault->key, NULL, vault->setup.random, &ignored, file, DEVICE_KEY_SIZE_MAX, size);
    }
    return error == DEVICE_KEY_OK ? name_device(vault) : fail_key(vault, error);
}

static enum vault_error make_state(struct vault *vault) {
    struct state first = {.epoch = vault->organisation.epoch};
    enum tpm_error error = TPM_OK;
    memset(&vault->state, 0, sizeof(vault->state));
    if (p256_thumbprint(&vault->organisation.root, first.root) != P256_OK)
        return vault_fail(vault, VAULT_FAILED, NULL, NULL);
    if (vault->keeping == ENROLMENT_TPM) {
        guard_tpm(vault);
        first.counted = true;
        memcpy(first.tpm, vault->key.tpm, sizeof(first.tpm));
        error = tpm_counter_make(&vault->tpm, VAULT_COUNTER, &first.counter_base);
    }
    if (error != TPM_OK)
        return vault_fail_tpm(vault, error);
    enum vault_error saved = vault_save(vault, &first);
    if (saved != VAULT_OK)
        return saved;
    first = vault->state;
    return vault_save(vault, &first);
}

static enum vault_error start_first(struct vault *vault) {
    uint8_t file[DEVICE_KEY_SIZE_MAX];
    size_t size = 0;
    enum vault_error error = make_key(vault, file, &size);
    if (error == VAULT_OK)
        error = make_state(vault);
    if (error == VAULT_OK)
        error = vault_write(vault, key_path, file, size, VAULT_KEY_FILE_SIZE);
    if (error == VAULT_OK)
        error = write_request(vault);
    crypto_wipe(file, sizeof(file));
    vault->first_start = error == VAULT_OK;
    vault->trust = (struct delegation_trust){vault->organisation.root, vault->state.epoch};
    return error;
}

/* ---- Every start */

/* Who takes the file away does not make the terminal nobody's, where plain personas start. */
static enum vault_error without_organisation(struct vault *vault) {
    size_t size = 0;
    enum vault_error error = vault_read(vault, key_path, vault->buffer, VAULT_KEY_FILE_SIZE, &size);
    bool has_key = error == VAULT_OK && !text_is_blank(vault->buffer, size);
    crypto_wipe(vault->buffer, size);
    if (error != VAULT_OK)
        return error;
    return has_key ? vault_fail(vault, VAULT_BAD_ORGANISATION, NULL,
                                "the organisation's file is missing, and this device has a key: 'flipside install' "
                                "puts it back")
                   : vault_fail(vault, VAULT_NO_ORGANISATION, NULL, NULL);
}

static enum vault_error read_organisation(struct vault *vault) {
    size_t size = 0;
    enum vault_error error = vault_read(vault, "organisation", vault->buffer, VAULT_REQUEST_FILE_SIZE, &size);
    if (error != VAULT_OK)
        return error;
    if (size == 0)
        return without_organisation(vault);
    enum organisation_error read = organisation_read(&vault->organisation, vault->buffer, size);
    if (read == ORGANISATION_FAILED)
        return vault_fail(vault, VAULT_FAILED, NULL, NULL);
    if (read != ORGANISATION_OK)
        return vault_fail(vault, VAULT_BAD_ORGANISATION, NULL, organisation_error_text(read));
    return VAULT_OK;
}

static void open_tpm(struct vault *vault) {
    if (vault->setup.tpm == NULL)
        return;
    vault->tpm_open = true;
    vault->tpm_error = tpm_open(&vault->tpm, vault->setup.tpm, vault->setup.random);
}

static bool request_is_blank(struct vault *vault, enum vault_error *error) {
    size_t size = 0;
    *error = vault_read(vault, request_path, vault->buffer, VAULT_REQUEST_FILE_SIZE, &size);
    return *error == VAULT_OK && text_is_blank(vault->buffer, size);
}

static enum vault_error open_key(struct vault *vault, bool *is_first) {
    size_t size = 0;
    enum tpm_error tpm_error = vault->tpm_error;
    enum vault_error error = vault_read(vault, key_path, vault->buffer, VAULT_KEY_FILE_SIZE, &size);
    *is_first = false;
    if (error != VAULT_OK)
        return error;
    enum device_key_error opened = device_key_open(&vault->key, has_tpm(vault) ? &vault->tpm : NULL,
                                                   vault->setup.random, &vault->tpm_error, vault->buffer, size);
    crypto_wipe(vault->buffer, size);
    if (tpm_error != TPM_OK)
        vault->tpm_error = tpm_error;
    // A TPM that is there and does not work is not one that was taken out.
    if (opened == DEVICE_KEY_NO_TPM && tpm_error != TPM_OK)
        return vault_fail_tpm(vault, tpm_error);
    if (opened == DEVICE_KEY_ABSENT || opened == DEVICE_KEY_DAMAGED)
        *is_first = request_is_blank(vault, &error);
    if (error != VAULT_OK || *is_first)
        return error;
    return opened == DEVICE_KEY_OK ? name_device(vault) : fail_key(vault, opened);
}

enum vault_error vault_open_device(struct vault *vault) {
    bool is_first = false;
    struct tpm_lockout lockout;
    enum vault_error error = read_organisation(vault);
    if (error != VAULT_OK)
        return error;
    open_tpm(vault);
    error = open_key(vault, &is_first);
    if (error != VAULT_OK)
        return error;
    if (is_first)
        return start_first(vault);
    if (vault->keeping == ENROLMENT_TPM && tpm_lockout(&vault->tpm, &lockout) == TPM_OK)
        vault->guarded = lockout.guarded;
    error = open_state(vault);
    return error == VAULT_OK ? need_request(vault) : error;
}
