// SPDX-License-Identifier: BSD-3-Clause
// flipside persona issue
#include <stdlib.h>
#include <string.h>

#include "crypto/cose_key.h"
#include "crypto/hkdf.h"
#include "persona.h"
#include "persona/enrolment.h"
#include "persona/slots.h"

struct device {
    struct p256_public key;
    uint8_t thumbprint[P256_THUMBPRINT_SIZE];
};

struct work {
    struct record record;
    struct random_stream random;
    struct manifest manifest;
    struct content_version version;
    uint8_t manifest_file[MANIFEST_SIZE_MAX];
    size_t manifest_size;
    struct device devices[COSE_RECIPIENTS_MAX];
    size_t device_count;
    const char *to;
};

/* A device's request, or its bare public key. */
static bool read_device(const char *path, struct device *device) {
    uint8_t bytes[ENROLMENT_SIZE_MAX];
    struct enrolment enrolment;
    size_t size = 0;
    if (!file_read(path, bytes, sizeof(bytes), &size))
        return false;
    struct cbor_reader reader = cbor_read(bytes, size);
    cose_read_key(&reader, &device->key);
    enum enrolment_error error = cbor_read_end(&reader) ? ENROLMENT_OK : enrolment_read(&enrolment, bytes, size);
    if (!cbor_read_end(&reader))
        device->key = enrolment.key;
    if (error == ENROLMENT_OK && p256_check(&device->key) == P256_OK &&
        p256_thumbprint(&device->key, device->thumbprint) == P256_OK)
        return true;
    cli_error("%s: %s", path, error == ENROLMENT_OK ? "not a device's public key" : enrolment_error_text(error));
    return false;
}

/* A second key for what a device already has would make its data unreadable. */
static bool is_new(struct work *work, const char *name, const struct device *device, const char *path) {
    const struct record_value values[] = {{.text = name},
                                          {.bytes = device->thumbprint, .size = sizeof(device->thumbprint)}};
    if (record_number(&work->record, "SELECT count(*) FROM issue WHERE persona = ? AND device = ?", values, 2, 1) == 0)
        return true;
    cli_error("%s: %s was issued to this device already", path, name);
    return false;
}

static bool read_devices(struct work *work, const char *name, const char *const *paths, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!read_device(paths[i], &work->devices[i]) || !is_new(work, name, &work->devices[i], paths[i]))
            return false;
        for (size_t j = 0; j < i; j++) {
            if (memcmp(work->devices[i].thumbprint, work->devices[j].thumbprint, P256_THUMBPRINT_SIZE) == 0) {
                cli_error("%s: the same device is given twice", paths[i]);
                return false;
            }
        }
    }
    work->device_count = count;
    return true;
}

static bool output_path(const struct work *work, const char *file, char *path) {
    return path_of(path, "%s/personas/%s/%s", work->to, work->manifest.name, file);
}

static bool copy_component(const struct work *work, const struct manifest_component *component) {
    char from[CLI_PATH_SIZE], to[CLI_PATH_SIZE];
    uint8_t digest[DIGEST_SIZE];
    size_t size = 0;
    uint8_t *bytes = malloc((size_t)component->size);
    bool good = bytes != NULL &&
                persona_path(&work->record, work->manifest.name, work->manifest.version, component->file, from) &&
                output_path(work, component->file, to) && file_read(from, bytes, (size_t)component->size, &size) &&
                digest_of(bytes, size, digest);
    enum manifest_error error =
        good ? manifest_check_component(&work->manifest, component->kind, size, digest) : MANIFEST_OK;
    if (error != MANIFEST_OK)
        cli_error("%s: %s", from, manifest_error_text(error));
    good = good && error == MANIFEST_OK && file_write(to, bytes, size, false);
    free(bytes);
    return good;
}

static bool write_common(const struct work *work) {
    char path[CLI_PATH_SIZE];
    if (!output_path(work, "", path) || !directory_make(path))
        return false;
    for (size_t i = 0; i < work->manifest.component_count; i++)
        if (!copy_component(work, &work->manifest.components[i]))
            return false;
    return output_path(work, "manifest", path) && file_write(path, work->manifest_file, work->manifest_size, false);
}

static bool write_content_key(struct work *work, const uint8_t *content_key) {
    static uint8_t file[COSE_ENCRYPT_OVERHEAD + STREAM_KEY_SIZE + COSE_RECIPIENTS_MAX * COSE_RECIPIENT_SIZE];
    struct p256_public keys[COSE_RECIPIENTS_MAX];
    char path[CLI_PATH_SIZE];
    size_t size = 0;
    for (size_t i = 0; i < work->device_count; i++)
        keys[i] = work->devices[i].key;
    enum content_error error =
        content_seal(content_key, &work->version, keys, work->device_count, &work->random, file, sizeof(file), &size);
    if (error != CONTENT_OK)
        cli_error("%s", content_error_text(error));
    return error == CONTENT_OK && output_path(work, "content", path) && file_write(path, file, size, false);
}

/* The persona's key on this device is made here, and from here on only its slots know it. */
static bool write_slots(struct work *work, const struct device *device) {
    static struct slots slots;
    static uint8_t file[SLOTS_FILE_MAX];
    char name[2 * P256_THUMBPRINT_SIZE + 1], path[CLI_PATH_SIZE];
    uint8_t persona_key[KEYS_SIZE];
    size_t size = 0;
    for (size_t i = 0; i < P256_THUMBPRINT_SIZE; i++)
        (void)snprintf(name + 2 * i, 3, "%02x", device->thumbprint[i]);
    slots_begin(&slots, work->manifest.id);
    enum slots_error error =
        random_bytes(&work->random, persona_key, sizeof(persona_key)) == RANDOM_OK ? SLOTS_OK : SLOTS_NO_RANDOM;
    if (error == SLOTS_OK)
        error = slots_add_sealed(&slots, SLOT_DEVICE, persona_key, &device->key, &work->random);
    if (error == SLOTS_OK)
        error = slots_add_sealed(&slots, SLOT_ESCROW, persona_key, &work->record.escrow, &work->random);
    if (error == SLOTS_OK)
        error = slots_write(&slots, persona_key, file, sizeof(file), &size);
    crypto_wipe(persona_key, sizeof(persona_key));
    if (error != SLOTS_OK)
        cli_error("%s", slots_error_text(error));
    return error == SLOTS_OK && path_of(path, "%s/devices/%s", work->to, name) && directory_make(path) &&
           path_of(path, "%s/devices/%s/%s.slots", work->to, name, work->manifest.name) &&
           file_write(path, file, size, false);
}

static bool note(struct work *work) {
    bool good = record_change(&work->record, "BEGIN", NULL, 0);
    for (size_t i = 0; i < work->device_count && good; i++) {
        const struct device *device = &work->devices[i];
        const struct record_value thumbprint = {.bytes = device->thumbprint, .size = sizeof(device->thumbprint)};
        const struct record_value known[] = {thumbprint, {.bytes = &device->key, .size = sizeof(device->key)}};
        const struct record_value issued[] = {
            {.text = work->manifest.name}, thumbprint, {.number = work->manifest.version}};
        good = record_change(&work->record, "INSERT OR IGNORE INTO device VALUES (?, ?)", known, 2) &&
               record_change(&work->record, "INSERT INTO issue (persona, device, version) VALUES (?, ?, ?)", issued, 3);
    }
    return good && record_change(&work->record, "COMMIT", NULL, 0);
}

static enum cli_exit read_content_key(const struct cli *cli, const struct work *work, uint8_t *content_key) {
    char path[CLI_PATH_SIZE];
    struct passphrase passphrase;
    if (!passphrase_get(cli, false, &passphrase))
        return CLI_FAILED;
    enum cli_exit status = CLI_FAILED;
    if (persona_path(&work->record, work->manifest.name, work->manifest.version, "content.key", path))
        status = key_file_read(path, "content", &passphrase, content_key);
    crypto_wipe(&passphrase, sizeof(passphrase));
    return status;
}

static enum cli_exit write_all(const struct cli *cli, struct work *work) {
    uint8_t content_key[STREAM_KEY_SIZE];
    enum cli_exit status = read_content_key(cli, work, content_key);
    if (status == CLI_GOOD) {
        bool good = write_common(work) && write_content_key(work, content_key);
        for (size_t i = 0; i < work->device_count && good; i++)
            good = write_slots(work, &work->devices[i]);
        status = good && note(work) ? CLI_GOOD : CLI_FAILED;
    }
    crypto_wipe(content_key, sizeof(content_key));
    return status;
}

static enum cli_exit issue(const struct cli *cli, struct work *work, const char *name, const char *const *paths,
                           size_t count) {
    const struct record_value value = {.text = name};
    uint64_t version = record_number(&work->record, "SELECT max(version) FROM version WHERE persona = ?", &value, 1, 0);
    if (version == 0) {
        cli_error("there is no persona %s; 'flipside persona create' makes one", name);
        return CLI_FAILED;
    }
    if (!host_random(&work->random) || !read_devices(work, name, paths, count))
        return CLI_FAILED;
    if (!persona_manifest(&work->record, name, version, &work->manifest, work->manifest_file, &work->manifest_size))
        return CLI_REFUSED;
    memcpy(work->version.id, work->manifest.id, sizeof(work->version.id));
    work->version.version = version;
    return cli->dry_run ? CLI_GOOD : write_all(cli, work);
}

static void print(const struct cli *cli, const struct work *work) {
    struct report report = report_begin(cli);
    report_text(&report, "persona", work->manifest.name);
    report_number(&report, "version", work->manifest.version);
    report_bool(&report, "dry-run", cli->dry_run);
    report_list_begin(&report, "devices");
    for (size_t i = 0; i < work->device_count; i++) {
        report_item_begin(&report);
        report_hex(&report, "thumbprint", work->devices[i].thumbprint, P256_THUMBPRINT_SIZE);
        report_item_end(&report);
    }
    report_list_end(&report);
    report_end(&report);
}

static enum cli_exit run(struct cli *cli, int argc, char **argv) {
    static struct work work;
    static const char *paths[COSE_RECIPIENTS_MAX];
    size_t count = 0;
    const struct option_value options[] = {
        {.name = "device", .list = paths, .list_room = COSE_RECIPIENTS_MAX, .list_count = &count},
        {.name = "to", .to = &work.to},
    };
    int at = cli_options(cli, options, 2, argc, argv);
    if (at == 0)
        return CLI_USAGE;
    if (at != argc - 1 || !config_is_name(argv[at]) || count == 0 || work.to == NULL) {
        cli_error("needed: --device=FILE --to=DIRECTORY and the persona's name (see --help)");
        return CLI_USAGE;
    }
    if (!record_open(&work.record, cli))
        return CLI_FAILED;
    enum cli_exit status = issue(cli, &work, argv[at], paths, count);
    record_close(&work.record);
    if (status == CLI_GOOD)
        print(cli, &work);
    random_stream_wipe(&work.random);
    return status;
}

const struct verb verb_persona_issue = {
    {"persona", "issue"},
    "issue a persona's newest version to devices",
    "usage: flipside persona issue --device=FILE --to=DIRECTORY PERSONA\n\n"
    "Writes what the devices need to DIRECTORY, from where anything may carry it to them: the encrypted files and "
    "their\n"
    "manifest, the content key sealed to the devices, and for each device its own slots with the persona's key, "
    "sealed\n"
    "to the device and to the organisation's escrow key.\n\n"
    "  --device=FILE           a device's request to be enrolled, or its public key (COSE_Key);\n"
    "                          may be given again\n"
    "  --to=DIRECTORY          where to write\n",
    run,
};
