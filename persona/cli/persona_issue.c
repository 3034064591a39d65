// SPDX-License-Identifier: BSD-3-Clause
// flipside persona issue
#include <stdlib.h>
#include <string.h>

#include "crypto/hkdf.h"
#include "issue.h"
#include "root.h"

struct work {
    struct record record;
    struct random_stream random;
    struct passphrase passphrase;
    struct org_key storage, signing;
    struct manifest manifest;
    uint8_t manifest_file[MANIFEST_SIZE_MAX];
    size_t manifest_size;
    struct root root;
    struct issued devices[COSE_RECIPIENTS_MAX]; /* all that have the persona, with those that get it now */
    size_t device_count;
    const char *to;
    bool without_code;
};

/* ---- To whom */

static bool is_for_board(const struct manifest *manifest, const struct device *device) {
    struct manifest_target target = {.board = device->enrolment.board};
    enum manifest_error error = manifest_check(manifest, &target);
    if (error != MANIFEST_OK)
        cli_error("%s is a %s: %s", device->name, device->enrolment.board, manifest_error_text(error));
    return error == MANIFEST_OK;
}

static bool is_listed(const struct work *work, const struct device *device) {
    for (size_t i = 0; i < work->device_count; i++)
        if (memcmp(work->devices[i].device.thumbprint, device->thumbprint, P256_THUMBPRINT_SIZE) == 0)
            return true;
    return false;
}

/* A device that has the persona already keeps its grant: a second key would make its data unreadable. */
static enum cli_exit add_device(struct work *work, const char *text) {
    struct device device;
    enum cli_exit status = device_find(&work->record, text, &device);
    if (status != CLI_GOOD)
        return status;
    if (!is_for_board(&work->manifest, &device))
        return CLI_FAILED;
    if (is_listed(work, &device))
        return CLI_GOOD;
    if (work->device_count == COSE_RECIPIENTS_MAX) {
        cli_error("a persona goes to %d devices at most", COSE_RECIPIENTS_MAX);
        return CLI_FAILED;
    }
    struct issued *issued = &work->devices[work->device_count++];
    issued->device = device;
    return issue_read(&work->record, &work->manifest, issued);
}

/* Names of the devices that have the persona. */
struct holders {
    char names[COSE_RECIPIENTS_MAX][CONFIG_NAME_SIZE];
    size_t count;
};

static void holder_row(void *context, sqlite3_stmt *row) {
    struct holders *holders = context;
    if (holders->count < COSE_RECIPIENTS_MAX)
        (void)snprintf(holders->names[holders->count++], CONFIG_NAME_SIZE, "%s",
                       (const char *)sqlite3_column_text(row, 0));
}

/* One that the record says has the persona must have its signed grant, else whoever wrote that gives the persona away.
 */
static enum cli_exit add_holder(struct work *work, const char *name) {
    enum cli_exit status = add_device(work, name);
    if (status != CLI_GOOD || work->devices[work->device_count - 1].number > 0)
        return status;
    cli_error("the record says that %s has %s, but has no grant of it: the record was altered", name,
              work->manifest.name);
    return CLI_REFUSED;
}

/* The content key is sealed to all devices anew, so that what is in TO serves each of them. */
static enum cli_exit find_devices(struct work *work, const char *const *names, size_t count) {
    static struct holders holders;
    const struct record_value value = {.text = work->manifest.name};
    enum cli_exit status = CLI_GOOD;
    if (!record_each(&work->record, "SELECT device FROM issue WHERE persona = ? ORDER BY device", &value, 1, holder_row,
                     &holders))
        return CLI_FAILED;
    for (size_t i = 0; i < holders.count && status == CLI_GOOD; i++)
        status = add_holder(work, holders.names[i]);
    for (size_t i = 0; i < count && status == CLI_GOOD; i++)
        status = add_device(work, names[i]);
    if (status == CLI_GOOD && work->device_count == 0) {
        cli_error("%s was issued to no device yet: give --device=DEVICE", work->manifest.name);
        return CLI_FAILED;
    }
    return status;
}

/* ---- What they get */

static bool output_path(const struct work *work, const char *file, char *path) {
    return path_of(path, "%s/personas/%s/%s", work->to, work->manifest.name, file);
}

static bool copy_component(const struct work *work, const struct manifest_component *component) {
    char from[CLI_PATH_SIZE], to[CLI_PATH_SIZE];
    uint8_t digest[DIGEST_SIZE];
    size_t size = 0;
    if (!persona_path(&work->record, work->manifest.name, work->manifest.version, component->file, from) ||
        !output_path(work, component->file, to))
        return false;
    void *bytes = persona_read_whole(from, &size);
    if (bytes == NULL)
        return false;
    enum manifest_error error = digest_of(bytes, size, digest)
                                    ? manifest_check_component(&work->manifest, component->kind, size, digest)
                                    : MANIFEST_FAILED;
    if (error != MANIFEST_OK)
        cli_error("%s: %s", from, manifest_error_text(error));
    bool good = error == MANIFEST_OK && file_write(to, bytes, size, false);
    free(bytes);
    return good;
}

static bool write_content_key(struct work *work, const uint8_t *content_key) {
    static uint8_t file[PERSONA_SEALED_MAX];
    static struct p256_public keys[COSE_RECIPIENTS_MAX];
    char path[CLI_PATH_SIZE];
    size_t size = 0;
    struct content_version version = {.version = work->manifest.version};
    memcpy(version.id, work->manifest.id, sizeof(version.id));
    for (size_t i = 0; i < work->device_count; i++)
        keys[i] = work->devices[i].device.enrolment.key;
    enum content_error error =
        content_seal(content_key, &version, keys, work->device_count, &work->random, file, sizeof(file), &size);
    if (error != CONTENT_OK)
        cli_error("content key: %s", content_error_text(error));
    return error == CONTENT_OK && output_path(work, "content.key", path) && file_write(path, file, size, false);
}

static bool write_version(struct work *work, const uint8_t *content_key) {
    char path[CLI_PATH_SIZE];
    if (!output_path(work, "", path) || !directory_make(path))
        return false;
    for (size_t i = 0; i < work->manifest.component_count; i++)
        if (!copy_component(work, &work->manifest.components[i]))
            return false;
    return write_content_key(work, content_key) && output_path(work, "manifest", path) &&
           file_write(path, work->manifest_file, work->manifest_size, false);
}

static bool write_root(const struct work *work, const struct issued *issued, const uint8_t *persona_key) {
    char path[CLI_PATH_SIZE];
    uint8_t key_file[KEYS_VOLUME_SIZE];
    if (work->root.kind == ROOT_NONE)
        return true;
    bool good = path_of(path, "%s/devices/%s", work->to, issued->device.hex) && directory_make(path) &&
                path_of(path, "%s/devices/%s/%s.root", work->to, issued->device.hex, work->manifest.name) &&
                keys_derive(persona_key, KEYS_VOLUME, work->manifest.id, 0, key_file, sizeof(key_file)) == KEYS_OK &&
                root_make(&work->root, work->manifest.name, key_file, path);
    crypto_wipe(key_file, sizeof(key_file));
    const struct root_image image = {path, work->manifest.id, issued->device.thumbprint};
    return good && root_image_sign(&image, &work->record, &work->signing);
}

/* The persona's key on this device is made here; from here on only its grant and, later, its slots have it. */
static bool make_grant(struct work *work, struct issued *issued) {
    static struct grant grant;
    uint8_t persona_key[KEYS_SIZE];
    memset(&grant, 0, sizeof(grant));
    grant.kind = GRANT_ISSUE;
    grant.unlock = work->manifest.unlock;
    memcpy(grant.id, work->manifest.id, sizeof(grant.id));
    bool good =
        random_bytes(&work->random, persona_key, sizeof(persona_key)) == RANDOM_OK &&
        write_root(work, issued, persona_key) &&
        issue_grant(&work->record, &work->signing, &grant, persona_key, &work->random, work->without_code, issued);
    crypto_wipe(persona_key, sizeof(persona_key));
    return good;
}

static bool note_all(struct work *work) {
    bool good = record_change(&work->record, "BEGIN", NULL, 0);
    for (size_t i = 0; i < work->device_count && good; i++)
        good = issue_note(&work->record, &work->manifest, &work->devices[i]);
    return good && record_change(&work->record, "COMMIT", NULL, 0);
}

static bool write_all(struct work *work, const uint8_t *content_key) {
    bool good = write_version(work, content_key);
    for (size_t i = 0; i < work->device_count && good; i++) {
        struct issued *issued = &work->devices[i];
        good = (issued->number > 0 || make_grant(work, issued)) && issue_write(issued, work->manifest.name, work->to);
    }
    return good && note_all(work);
}

static enum cli_exit open_keys(const struct cli *cli, struct work *work) {
    if (!passphrase_get(cli, false, &work->passphrase))
        return CLI_FAILED;
    enum cli_exit status =
        org_key_open(&work->record, ORG_KEY_STORAGE, &work->passphrase, &work->random, &work->storage);
    if (status != CLI_GOOD)
        return status;
    return org_key_open(&work->record, ORG_KEY_SIGNING, &work->passphrase, &work->random, &work->signing);
}

static enum cli_exit issue(const struct cli *cli, struct work *work, const char *name, const char *const *names,
                           size_t count) {
    uint8_t content_key[STREAM_KEY_SIZE];
    uint64_t version = persona_newest(&work->record, name);
    if (version == 0 || !host_random(&work->random))
        return CLI_FAILED;
    enum cli_exit status =
        persona_manifest(&work->record, name, version, &work->manifest, work->manifest_file, &work->manifest_size);
    if (status == CLI_GOOD)
        status = find_devices(work, names, count);
    if (status == CLI_GOOD)
        status = root_read(&work->root, &work->record, &work->manifest);
    if (status != CLI_GOOD || cli->dry_run)
        return status;
    status = open_keys(cli, work);
    if (status == CLI_GOOD)
        status = persona_content_key(&work->record, &work->manifest, &work->storage, content_key);
    if (status == CLI_GOOD && !write_all(work, content_key))
        status = CLI_FAILED;
    crypto_wipe(content_key, sizeof(content_key));
    return status;
}

static void print(const struct cli *cli, const struct work *work) {
    struct report report = report_begin(cli);
    report_text(&report, "persona", work->manifest.name);
    report_number(&report, "version", work->manifest.version);
    report_bool(&report, "dry-run", cli->dry_run);
    report_list_begin(&report, "devices");
    for (size_t i = 0; i < work->device_count; i++) {
        report_item_begin(&report);
        report_text(&report, "device", work->devices[i].device.name);
        report_text(&report, "thumbprint", work->devices[i].device.hex);
        report_number(&report, "grant", work->devices[i].number);
        issue_report_code(&report, &work->devices[i]);
        report_item_end(&report);
    }
    report_list_end(&report);
    report_end(&report);
}

static enum cli_exit run(struct cli *cli, int argc, char **argv) {
    static struct work work;
    static const char *names[COSE_RECIPIENTS_MAX];
    size_t count = 0;
    const struct option_value options[] = {
        {.name = "device", .list = names, .list_room = COSE_RECIPIENTS_MAX, .list_count = &count},
        {.name = "to", .to = &work.to},
        {.name = "no-activation-code", .flag = &work.without_code},
    };
    int at = cli_options(cli, options, 3, argc, argv);
    if (at == 0)
        return CLI_USAGE;
    if (at != argc - 1 || !config_is_name(argv[at]) || work.to == NULL) {
        cli_error("needed: --to=DIRECTORY and the persona's name (see --help)");
        return CLI_USAGE;
    }
    if (!record_open_to_change(&work.record, cli))
        return CLI_FAILED;
    enum cli_exit status = issue(cli, &work, argv[at], names, count);
    if (status == CLI_GOOD)
        print(cli, &work);
    org_key_close(&work.storage);
    org_key_close(&work.signing);
    record_close(&work.record);
    crypto_wipe(&work, sizeof(work));
    return status;
}

const struct verb verb_persona_issue = {
    {"persona", "issue"},
    "issue a persona's newest version to devices",
    "usage: flipside persona issue [--device=DEVICE ...] --to=DIRECTORY [--no-activation-code] PERSONA\n\n"
    "Writes what the devices need to DIRECTORY, from where anything may carry it to them and 'deliver' puts it onto "
    "their\n"
    "disks: the encrypted files and their manifest; the content key, sealed to all devices that have the persona; and\n"
    "for each device its grant, which holds the persona's key for this device, sealed to the device and to the escrow\n"
    "key. A device that gets the persona now also gets its encrypted root file system; one that has it already keeps\n"
    "its key and its data.\n\n"
    "Where the user chooses a PIN, the grant opens only with an activation code besides the device, so that nobody "
    "who\n"
    "has both before the user does chooses it. The code of each device that gets the persona now is shown here, once,\n"
    "and kept nowhere: tell it to the user by another way than the grant's. For one that got lost, 'device recover'\n"
    "makes a grant with another.\n\n"
    "  --device=DEVICE         an enrolled device that is to have the persona: its name, or the first digits of its\n"
    "                          thumbprint; may be given again; without, those that have it already\n"
    "  --to=DIRECTORY          where to write\n"
    "  --no-activation-code    the user needs nothing but the device to choose the PIN\n",
    run,
};
