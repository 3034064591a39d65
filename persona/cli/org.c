// SPDX-License-Identifier: BSD-3-Clause
// flipside org init, flipside org show
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/hkdf.h"
#include "org_key.h"
#include "persona/delegation.h"
#include "persona/manifest.h"
#include "token.h"

/* A new organisation; secret until it is wiped. */
struct new_organisation {
    struct record record;
    struct random_stream random;
    struct passphrase passphrase;
    uint64_t memory_mib; /* that trying a passphrase takes */
    const char *uri;
    struct token *token; /* NULL: keys in files */
    struct p256_private keys[ORG_KEY_KINDS];
    struct p256_public public_keys[ORG_KEY_KINDS];
};

static enum cli_exit generate_in_token(struct new_organisation *made) {
    enum cli_exit status = token_open(made->uri, &made->passphrase, &made->token);
    for (int kind = 0; kind < ORG_KEY_KINDS && status == CLI_GOOD; kind++)
        status = token_generate(made->token, org_key_name((enum org_key_kind)kind), &made->public_keys[kind]);
    return status;
}

static enum cli_exit generate(struct new_organisation *made) {
    if (!host_random(&made->random))
        return CLI_FAILED;
    if (made->uri != NULL)
        return generate_in_token(made);
    for (int kind = 0; kind < ORG_KEY_KINDS; kind++) {
        if (p256_generate(&made->keys[kind], &made->random) != P256_OK) {
            cli_error("no keys could be made: no memory");
            return CLI_FAILED;
        }
        made->public_keys[kind] = made->keys[kind].public_key;
    }
    return CLI_GOOD;
}

static bool write_key(struct new_organisation *made, enum org_key_kind kind) {
    char path[CLI_PATH_SIZE];
    const char *name = org_key_name(kind), *directory = made->record.directory;
    if (made->uri != NULL)
        return path_of(path, "%s/%s.token", directory, name) && file_write(path, made->uri, strlen(made->uri), false);
    const struct key_file_lock lock = {&made->passphrase, {(uint32_t)made->memory_mib << 10, KEY_FILE_PASSES}};
    return path_of(path, "%s/%s.key", directory, name) &&
           key_file_write(path, name, made->keys[kind].scalar, made->record.fingerprint, &lock, &made->random);
}

static bool write_delegation(struct new_organisation *made, const struct p256_signer *root) {
    char path[CLI_PATH_SIZE];
    uint8_t object[DELEGATION_SIZE_MAX];
    size_t size = 0;
    struct delegation delegation = {
        .key = made->public_keys[ORG_KEY_SIGNING], .roles = DELEGATION_ROLE_ALL, .epoch = made->record.epoch};
    enum cose_error error = delegation_write(&delegation, root, object, sizeof(object), &size);
    if (error != COSE_OK)
        cli_error("signing key: %s", cose_error_text(error));
    return error == COSE_OK && path_of(path, "%s/signing.delegation", made->record.directory) &&
           file_write(path, object, size, false);
}

static bool write_organisation(struct new_organisation *made, const struct p256_signer *root) {
    char path[CLI_PATH_SIZE];
    uint8_t object[ORGANISATION_SIZE_MAX];
    size_t size = 0;
    struct organisation organisation = {.epoch = made->record.epoch};
    memcpy(organisation.name, made->record.name, sizeof(organisation.name));
    enum cose_error error = organisation_write(&organisation, root, object, sizeof(object), &size);
    if (error != COSE_OK)
        cli_error("organisation: %s", cose_error_text(error));
    return error == COSE_OK && path_of(path, "%s/organisation", made->record.directory) &&
           file_write(path, object, size, false);
}

static bool sign_all(struct new_organisation *made) {
    struct p256_software software = {&made->keys[ORG_KEY_ROOT], &made->random};
    struct p256_signer root = p256_software_signer(&software);
    struct p256_agreer unused;
    if (made->token != NULL && token_key(made->token, org_key_name(ORG_KEY_ROOT), &root, &unused) != CLI_GOOD)
        return false;
    return write_delegation(made, &root) && write_organisation(made, &root);
}

/* The database comes last: a directory with one is whole. */
static bool write_all(struct new_organisation *made) {
    made->record.root = made->public_keys[ORG_KEY_ROOT];
    made->record.escrow = made->public_keys[ORG_KEY_ESCROW];
    made->record.storage = made->public_keys[ORG_KEY_STORAGE];
    if (!record_fingerprint(&made->record))
        return false;
    for (int kind = 0; kind < ORG_KEY_KINDS; kind++)
        if (!write_key(made, (enum org_key_kind)kind))
            return false;
    return sign_all(made) && record_make(&made->record, made->record.directory);
}

/* Keys without a database are as precious as those with one. */
static bool is_free(const struct cli *cli) {
    static const char *const files[] = {"organisation.db", "root.key", "root.token", "signing.key", "escrow.key"};
    char path[CLI_PATH_SIZE];
    struct stat status;
    if (!cli_has_organisation(cli)) {
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

static void print(const struct cli *cli, const struct record *record, bool in_token) {
    struct report report = report_begin(cli);
    uint8_t thumbprint[P256_THUMBPRINT_SIZE];
    report_text(&report, "organisation", record->name);
    report_text(&report, "directory", cli->organisation);
    report_text(&report, "keys-kept-in", in_token ? "token" : "files");
    report_bool(&report, "dry-run", cli->dry_run);
    if (!cli->dry_run && p256_thumbprint(&record->root, thumbprint) == P256_OK)
        report_hex(&report, "root", thumbprint, sizeof(thumbprint));
    report_end(&report);
}

static enum cli_exit make(const struct cli *cli, struct new_organisation *made) {
    if (cli->dry_run)
        return made->uri == NULL ? CLI_GOOD : token_open(made->uri, NULL, &made->token);
    if (!directory_make(made->record.directory) || !directory_lock(made->record.directory, &made->record.lock) ||
        !is_free(cli))
        return CLI_FAILED;
    // The token has its PIN already; the keys' files get a new passphrase.
    if (!passphrase_get(cli, made->uri == NULL, &made->passphrase))
        return CLI_FAILED;
    enum cli_exit status = generate(made);
    return status == CLI_GOOD && !write_all(made) ? CLI_FAILED : status;
}

static enum cli_exit run(struct cli *cli, int argc, char **argv) {
    const char *name = NULL, *memory = NULL;
    static struct new_organisation made = {.memory_mib = KEY_FILE_MEMORY_KIB >> 10};
    const struct option_value options[] = {
        {.name = "name", .to = &name}, {.name = "token", .to = &made.uri}, {.name = "key-memory", .to = &memory}};
    int at = cli_options(cli, options, 3, argc, argv);
    if (at == 0)
        return CLI_USAGE;
    if (made.uri != NULL && memory != NULL) {
        cli_error("--token or --key-memory: a token's keys are under no passphrase of ours");
        return CLI_USAGE;
    }
    if (at != argc || name == NULL || name[0] == '\0' || !config_is_text(name, strlen(name)) ||
        strlen(name) >= CONFIG_TITLE_SIZE || (made.uri != NULL && strlen(made.uri) > TOKEN_URI_MAX)) {
        cli_error("a name of at most %d bytes is needed: flipside org init --name=NAME", CONFIG_TITLE_SIZE - 1);
        return CLI_USAGE;
    }
    if (memory != NULL && !cli_number("key-memory", memory, 1, PIN_MEMORY_MAX >> 10, &made.memory_mib))
        return CLI_FAILED;
    if (!is_free(cli))
        return CLI_FAILED;
    made.record.directory = cli->organisation;
    made.record.lock = -1;
    made.record.epoch = 1;
    (void)snprintf(made.record.name, sizeof(made.record.name), "%s", name);
    enum cli_exit status = make(cli, &made);
    if (status == CLI_GOOD)
        print(cli, &made.record, made.uri != NULL);
    else if (!cli->dry_run)
        (void)rmdir(cli->organisation); /* what was made for nothing is empty */
    token_close(made.token);
    record_close(&made.record);
    crypto_wipe(&made, sizeof(made));
    return status;
}

static enum cli_exit show(struct cli *cli, int argc, char **argv) {
    struct record record;
    char path[CLI_PATH_SIZE];
    struct stat status;
    int at = cli_options(cli, NULL, 0, argc, argv);
    if (at != argc) {
        if (at != 0)
            cli_error("org show takes no arguments");
        return CLI_USAGE;
    }
    if (!record_open(&record, cli))
        return CLI_FAILED;
    print(cli, &record, path_of(path, "%s/root.token", record.directory) && stat(path, &status) == 0);
    record_close(&record);
    return CLI_GOOD;
}

const struct verb verb_org_init = {
    {"org", "init"},
    "make an organisation: root, signing, escrow and storage keys",
    "usage: flipside org init --org=DIRECTORY --name=NAME [--token=URI | --key-memory=MIB]\n\n"
    "Makes DIRECTORY with the organisation's keys, each in a file under one passphrase or all in a PKCS#11 token; "
    "what\n"
    "goes onto every device (organisation: name and root key, signed by it); the signing key's delegation; and the\n"
    "record of personas and devices. Keep root.key and escrow.key offline: day by day only signing.key and\n"
    "storage.key are needed.\n\n"
    "  --name=NAME             what people know the organisation by\n"
    "  --token=URI             make the keys in this token (RFC 7512, such as pkcs11:token=acme); the passphrase of\n"
    "                          all verbs is then its PIN\n"
    "  --key-memory=MIB        memory that trying a passphrase takes; the more, the costlier to guess (64)\n",
    run,
};

const struct verb verb_org_show = {
    {"org", "show"},
    "show the organisation",
    "usage: flipside org show\n\n"
    "Shows the organisation's name, the thumbprint of its root key, and where its keys are kept.\n",
    show,
};
