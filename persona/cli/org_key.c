// SPDX-License-Identifier: BSD-3-Clause
#include "org_key.h"

#include <string.h>
#include <sys/stat.h>

#include "crypto/hkdf.h"
#include "persona/delegation.h"
#include "token.h"

const char *org_key_name(enum org_key_kind kind) {
    static const char *const names[ORG_KEY_KINDS] = {"root", "signing", "escrow", "storage"};
    return names[kind];
}

static enum cli_exit open_file(const struct record *record, enum org_key_kind kind, const char *path,
                               const struct passphrase *passphrase, struct random_stream *random, struct org_key *key) {
    uint8_t scalar[P256_SIZE];
    enum cli_exit status = key_file_read(path, org_key_name(kind), passphrase, record->fingerprint, scalar);
    if (status == CLI_GOOD && p256_from_scalar(&key->key, scalar, random) != P256_OK)
        status = CLI_FAILED;
    crypto_wipe(scalar, sizeof(scalar));
    key->software = (struct p256_software){&key->key, random};
    key->signer = p256_software_signer(&key->software);
    key->agreer = p256_software_agreer(&key->software);
    return status;
}

static enum cli_exit open_token(enum org_key_kind kind, const char *path, const struct passphrase *passphrase,
                                struct org_key *key) {
    char uri[TOKEN_URI_MAX + 1];
    size_t size = 0;
    if (!file_read(path, uri, TOKEN_URI_MAX, &size))
        return CLI_FAILED;
    uri[size] = '\0';
    uri[strcspn(uri, "\n")] = '\0';
    enum cli_exit status = token_open(uri, passphrase, &key->token);
    if (status == CLI_GOOD)
        status = token_key(key->token, org_key_name(kind), &key->signer, &key->agreer);
    return status;
}

/* The token's own keys are the truth; what lies in the directory is compared with them. */
static bool is_known(const struct record *record, enum org_key_kind kind, const struct p256_public *key) {
    const struct p256_public *const known[ORG_KEY_KINDS] = {
        [ORG_KEY_ROOT] = &record->root, [ORG_KEY_ESCROW] = &record->escrow, [ORG_KEY_STORAGE] = &record->storage};
    return known[kind] == NULL || memcmp(known[kind], key, sizeof(*key)) == 0;
}

/* A token holds all public keys, so that each of its keys vouches for the others. */
static enum cli_exit check_token(const struct record *record, struct org_key *key) {
    struct p256_public held;
    for (int kind = 0; kind < ORG_KEY_KINDS; kind++) {
        enum cli_exit status = token_public(key->token, org_key_name((enum org_key_kind)kind), &held);
        if (status != CLI_GOOD)
            return status;
        if (!is_known(record, (enum org_key_kind)kind, &held)) {
            cli_error("%s/%s.pub is not the key in the token: it was altered", record->directory,
                      org_key_name((enum org_key_kind)kind));
            return CLI_REFUSED;
        }
    }
    return CLI_GOOD;
}

enum cli_exit org_key_open(const struct record *record, enum org_key_kind kind, const struct passphrase *passphrase,
                           struct random_stream *random, struct org_key *key) {
    char path[CLI_PATH_SIZE];
    struct stat status;
    memset(key, 0, sizeof(*key));
    if (!path_of(path, "%s/%s.token", record->directory, org_key_name(kind)))
        return CLI_FAILED;
    if (stat(path, &status) == 0) {
        enum cli_exit result = open_token(kind, path, passphrase, key);
        return result == CLI_GOOD ? check_token(record, key) : result;
    }
    if (!path_of(path, "%s/%s.key", record->directory, org_key_name(kind)))
        return CLI_FAILED;
    enum cli_exit result = open_file(record, kind, path, passphrase, random, key);
    if (result == CLI_GOOD && !is_known(record, kind, &key->key.public_key)) {
        cli_error("%s: not the key of %s.pub", path, org_key_name(kind));
        return CLI_REFUSED;
    }
    return result;
}

void org_key_close(struct org_key *key) {
    if (key->token != NULL)
        token_close(key->token);
    crypto_wipe(key, sizeof(*key));
}

bool org_key_delegation(const struct record *record, uint32_t role, struct cbor_bytes *chain, uint8_t *bytes,
                        struct p256_public *key) {
    char path[CLI_PATH_SIZE];
    struct delegation_trust trust = {record->root, record->epoch};
    *chain = (struct cbor_bytes){bytes, 0};
    if (!path_of(path, "%s/signing.delegation", record->directory) ||
        !file_read(path, bytes, DELEGATION_SIZE_MAX, &chain->size))
        return false;
    enum delegation_error error = delegation_follow(&trust, chain, 1, role, NULL, key);
    if (error != DELEGATION_OK)
        cli_error("%s: %s", path, delegation_error_text(error));
    return error == DELEGATION_OK;
}
