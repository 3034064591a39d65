// SPDX-License-Identifier: BSD-3-Clause
// flipside org init
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "crypto/cose_key.h"
#include "crypto/hkdf.h"
#include "key_file.h"
#include "persona/delegation.h"
#include "record.h"

/* The keys of a new organisation, all secret until they are wiped. */
struct new_keys {
    struct random_stream random;
    struct p256_private root;
    struct p256_private signing;
    struct p256_private escrow;
};

static bool generate(struct new_keys *keys) {
    if (!host_random(&keys->random))
        return false;
    bool good = p256_generate(&keys->root, &keys->random) == P256_OK &&
                p256_generate(&keys->signing, &keys->random) == P256_OK &&
                p256_generate(&keys->escrow, &keys->random) == P256_OK;
    if (!good)
        cli_error("no keys could be made: no memory");
    return good;
}

static bool write_key(const struct cli *cli, const char *kind, const struct p256_private *key,
                      const struct passphrase *passphrase, struct random_stream *random) {
    char path[CLI_PATH_SIZE];
    return path_of(path, "%s/%s.key", cli->organisation, kind) &&
           key_file_write(path, kind, key->scalar, passphrase, random);
}

static bool write_public(const struct cli *cli, const struct new_keys *keys) {
    char path[CLI_PATH_SIZE];
    uint8_t bytes[P256_COSE_KEY_SIZE];
    struct cbor_writer writer = cbor_write(bytes, sizeof(bytes));
    cose_write_key(&writer, &keys->root.public_key);
    return path_of(path, "%s/root.pub", cli->organisation) && file_write(path, bytes, writer.size, false);
}

static bool write_delegation(const struct cli *cli, struct new_keys *keys) {
    char path[CLI_PATH_SIZE];
    uint8_t object[DELEGATION_SIZE_MAX];
    size_t size = 0;
    struct delegation delegation = {.key = keys->signing.public_key, .roles = DELEGATION_ROLE_ALL, .epoch = 1};
    struct p256_software software = {&keys->root, &keys->random};
    struct p256_signer root = p256_software_signer(&software);
    enum cose_error error = delegation_write(&delegation, &root, object, sizeof(object), &size);
    if (error != COSE_OK)
        cli_error("signing key: %s", cose_error_text(error));
    return error == COSE_OK && path_of(path, "%s/signing.delegation", cli->organisation) &&
           file_write(path, object, size, false);
}

/* The database comes last: a directory with one is whole. */
static bool write_organisation(const struct cli *cli, const char *name, struct new_keys *keys,
                               const struct passphrase *passphrase) {
    struct record record = {.root = keys->root.public_key, .escrow = keys->escrow.public_key, .epoch = 1};
    (void)snprintf(record.name, sizeof(record.name), "%s", name);
    bool good = directory_make(cli->organisation) && write_key(cli, "root", &keys->root, passphrase, &keys->random) &&
                write_key(cli, "signing", &keys->signing, passphrase, &keys->random) &&
                write_key(cli, "escrow", &keys->escrow, passphrase, &keys->random) && write_public(cli, keys) &&
                write_delegation(cli, keys) && record_make(&record, cli->organisation);
    if (good)
        record_close(&record);
    return good;
}

/* Keys without a database are as precious as those with one. */
static bool is_free(const struct cli *cli) {
    static const char *const files[] = {"organisation.db", "root.key", "signing.key", "escrow.key"};
    char path[CLI_PATH_SIZE];
    struct stat status;
    if (cli->organisation == NULL) {
        cli_error("where? Give --org=DIRECTORY or set FLIPSIDE_ORG");
        return false;
    }
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (!path_of(path, "%s/%s", cli->organisation, files[i]))
            return false;
        if (stat(path, &status) != 0 && (errno == ENOENT || errno == ENOTDIR))
            continue;
        cli_error("%s already holds an organisation; it was left as it is", cli->organisation);
        return false;
    }
    return true;
}

static void print(const struct cli *cli, const char *name, const struct new_keys *keys) {
    struct report report = report_begin(cli);
    uint8_t thumbprint[P256_THUMBPRINT_SIZE];
    report_text(&report, "organisation", name);
    report_text(&report, "directory", cli->organisation);
    report_bool(&report, "dry-run", cli->dry_run);
    if (!cli->dry_run && p256_thumbprint(&keys->root.public_key, thumbprint) == P256_OK)
        report_hex(&report, "root", thumbprint, sizeof(thumbprint));
    report_end(&report);
}

static enum cli_exit run(struct cli *cli, int argc, char **argv) {
    const char *name = NULL;
    const struct option_value options[] = {{.name = "name", .to = &name}};
    struct new_keys keys;
    struct passphrase passphrase;
    int at = cli_options(cli, options, 1, argc, argv);
    if (at == 0)
        return CLI_USAGE;
    if (at != argc || name == NULL || !config_is_text(name, strlen(name)) || strlen(name) >= CONFIG_TITLE_SIZE) {
        cli_error("a name of at most %d bytes is needed: flipside org init --name=NAME", CONFIG_TITLE_SIZE - 1);
        return CLI_USAGE;
    }
    if (!is_free(cli))
        return CLI_FAILED;
    memset(&keys, 0, sizeof(keys));
    bool good = cli->dry_run || passphrase_get(cli, true, &passphrase);
    if (good && !cli->dry_run) {
        good = generate(&keys) && write_organisation(cli, name, &keys, &passphrase);
        crypto_wipe(&passphrase, sizeof(passphrase));
    }
    if (good)
        print(cli, name, &keys);
    crypto_wipe(&keys, sizeof(keys));
    return good ? CLI_GOOD : CLI_FAILED;
}

const struct verb verb_org_init = {
    {"org", "init"},
    "make an organisation: root, signing and escrow keys",
    "usage: flipside org init --org=DIRECTORY --name=NAME\n\n"
    "Makes DIRECTORY with the organisation's keys, each in a file under one passphrase, the root's public key "
    "(root.pub,\n"
    "which goes onto every device), the signing key's delegation, and the record of personas and devices.\n"
    "Keep root.key and escrow.key offline: only signing.key is needed day by day.\n\n"
    "  --name=NAME             what people know the organisation by\n",
    run,
};
