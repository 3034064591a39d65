// SPDX-License-Identifier: BSD-3-Clause
// flipside device recover
#include <string.h>

#include "crypto/hkdf.h"
#include "issue.h"

enum { SLOTS_PADDED_MAX = 16384 /* bytes of a device's slots file, padded with zeros */ };

struct work {
    struct record record;
    struct random_stream random;
    struct passphrase passphrase;
    struct org_key escrow, signing;
    struct manifest manifest;
    uint8_t manifest_file[MANIFEST_SIZE_MAX];
    struct issued issued;
    struct grant grant; /* the recorded one */
    const char *device, *slots, *to;
    bool without_code;
    uint8_t persona_key[KEYS_SIZE];
};

/* The slots as the device has them now; the recorded grant says which key they must hold. */
static enum cli_exit open_slots(struct work *work) {
    static uint8_t file[SLOTS_PADDED_MAX];
    static struct slots slots;
    size_t size = 0;
    if (!file_read(work->slots, file, sizeof(file), &size))
        return CLI_FAILED;
    enum slots_error error = slots_read(&slots, work->manifest.id, file, size);
    size_t index = error == SLOTS_OK ? slots_find(&slots, SLOT_ESCROW, 0) : SIZE_MAX;
    if (error == SLOTS_OK)
        error = index == SIZE_MAX ? SLOTS_NO_SLOT
                                  : slots_open_sealed(&slots, index, &work->escrow.agreer, work->persona_key);
    if (error != SLOTS_OK)
        cli_error("%s: %s", work->slots, slots_error_text(error));
    return error == SLOTS_OK ? CLI_GOOD : CLI_REFUSED;
}

static enum cli_exit open_grant(struct work *work) {
    enum grant_error error = grant_open_key(&work->grant, SLOT_ESCROW, &work->escrow.agreer, NULL, work->persona_key);
    if (error != GRANT_OK)
        cli_error("the recorded escrow slot: %s", grant_error_text(error));
    return error == GRANT_OK ? CLI_GOOD : CLI_REFUSED;
}

static bool is_same_key(const struct work *work) {
    uint8_t check[KEYS_SIZE];
    bool same = keys_derive(work->persona_key, KEYS_CHECK, work->manifest.id, 0, check, sizeof(check)) == KEYS_OK &&
                memcmp(check, work->grant.check, sizeof(check)) == 0;
    if (!same)
        cli_error("%s: not the key that was issued to this device", work->slots);
    return same;
}

static enum cli_exit open_key(struct work *work) {
    enum cli_exit status = org_key_open(&work->record, ORG_KEY_ESCROW, &work->passphrase, &work->random, &work->escrow);
    if (status == CLI_GOOD)
        status = work->slots == NULL ? open_grant(work) : open_slots(work);
    return status == CLI_GOOD && !is_same_key(work) ? CLI_REFUSED : status;
}

static enum cli_exit write_grant(struct work *work) {
    static struct grant grant;
    enum cli_exit status =
        org_key_open(&work->record, ORG_KEY_SIGNING, &work->passphrase, &work->random, &work->signing);
    if (status != CLI_GOOD)
        return status;
    memset(&grant, 0, sizeof(grant));
    grant.kind = GRANT_RECOVERY;
    grant.unlock = work->grant.unlock;
    memcpy(grant.id, work->manifest.id, sizeof(grant.id));
    bool good = issue_grant(&work->record, &work->signing, &grant, work->persona_key, &work->random, work->without_code,
                            &work->issued) &&
                issue_write(&work->issued, work->manifest.name, work->to) &&
                issue_note(&work->record, &work->manifest, &work->issued);
    return good ? CLI_GOOD : CLI_FAILED;
}

/* The version that the device was given last, which the record goes on to name. */
static enum cli_exit find_issued(struct work *work, const char *name) {
    const struct record_value values[] = {{.text = name}, {.text = work->issued.device.name}};
    struct delegation_trust trust = {work->record.root, work->record.epoch};
    size_t size = 0;
    uint64_t version =
        record_number(&work->record, "SELECT version FROM issue WHERE persona = ? AND device = ?", values, 2, 0);
    if (version == 0) {
        cli_error("%s was not issued to %s", name, work->issued.device.name);
        return CLI_FAILED;
    }
    enum cli_exit status = persona_manifest(&work->record, name, version, &work->manifest, work->manifest_file, &size);
    if (status == CLI_GOOD)
        status = issue_read(&work->record, &work->manifest, &work->issued);
    if (status != CLI_GOOD)
        return status;
    return grant_open(&work->grant, &trust, work->issued.file, work->issued.size).error == GRANT_OK ? CLI_GOOD
                                                                                                    : CLI_REFUSED;
}

static enum cli_exit recover(const struct cli *cli, struct work *work, const char *name) {
    if (!host_random(&work->random))
        return CLI_FAILED;
    enum cli_exit status = device_find(&work->record, work->device, &work->issued.device);
    if (status == CLI_GOOD)
        status = find_issued(work, name);
    if (status != CLI_GOOD || cli->dry_run)
        return status;
    if (!passphrase_get(cli, false, &work->passphrase))
        return CLI_FAILED;
    status = open_key(work);
    return status == CLI_GOOD ? write_grant(work) : status;
}

static void print(const struct cli *cli, const struct work *work) {
    struct report report = report_begin(cli);
    report_text(&report, "persona", work->manifest.name);
    report_text(&report, "device", work->issued.device.name);
    report_number(&report, "grant", work->issued.number);
    issue_report_code(&report, &work->issued);
    report_bool(&report, "dry-run", cli->dry_run);
    report_end(&report);
}

static enum cli_exit run(struct cli *cli, int argc, char **argv) {
    static struct work work;
    const struct option_value options[] = {{.name = "device", .to = &work.device},
                                           {.name = "slots", .to = &work.slots},
                                           {.name = "to", .to = &work.to},
                                           {.name = "no-activation-code", .flag = &work.without_code}};
    int at = cli_options(cli, options, 4, argc, argv);
    if (at == 0)
        return CLI_USAGE;
    if (at != argc - 1 || !config_is_name(argv[at]) || work.device == NULL || work.to == NULL) {
        cli_error("needed: --device=DEVICE --to=DIRECTORY and the persona's name (see --help)");
        return CLI_USAGE;
    }
    if (!record_open_to_change(&work.record, cli))
        return CLI_FAILED;
    enum cli_exit status = recover(cli, &work, argv[at]);
    if (status == CLI_GOOD)
        print(cli, &work);
    org_key_close(&work.escrow);
    org_key_close(&work.signing);
    record_close(&work.record);
    crypto_wipe(&work, sizeof(work));
    return status;
}

const struct verb verb_device_recover = {
    {"device", "recover"},
    "let a user who lost the PIN set a new one, with nothing lost",
    "usage: flipside device recover --device=DEVICE [--slots=FILE] --to=DIRECTORY [--no-activation-code] PERSONA\n\n"
    "Opens the persona's key with the escrow key and grants it to the same device once more, under a higher number: "
    "the\n"
    "device takes the grant once, and the user sets a new PIN. 'deliver' puts it onto the disk. Needs escrow.key.\n"
    "The user needs the activation code that is shown here, once, and kept nowhere: tell it by another way than the\n"
    "grant's.\n\n"
    "  --device=DEVICE         its name, or the first digits of its thumbprint\n"
    "  --slots=FILE            take the escrow slot from the device's slots.a or slots.b, not from the record\n"
    "  --to=DIRECTORY          where to write the grant\n"
    "  --no-activation-code    the user needs nothing but the device to choose the PIN\n",
    run,
};
