// SPDX-License-Identifier: BSD-3-Clause
// flipside usim issue
#include <string.h>

#include "crypto/hkdf.h"
#include "device.h"
#include "persona.h"
#include "persona/usim_file.h"
#include "usim_record.h"

struct work {
    struct record record;
    struct usim_directory directory;
    struct usim_entry entry;
    struct passphrase passphrase;
    struct org_key signing;
    struct device device;
    struct usim_holder holder; /* who is to have it */
    uint8_t card[USIM_CARD_SIZE];
    const char *store, *store_passphrase, *name, *to;
    uint64_t number;
    uint8_t file[USIM_FILE_SIZE];
    size_t size;
};

/* One holder at a time: the store notes which device has a profile, and it is issued to no other; nor is one that was
 * served here, since the device would accept again what was accepted then. */
static enum cli_exit check_holder(struct work *work) {
    const struct usim_profile *profile = &work->entry.profile;
    struct usim_holder holder;
    enum cli_exit status = usim_holder_read(&work->directory, profile, &holder);
    if (status == CLI_GOOD)
        status = usim_holder_check(profile, &holder);
    if (status != CLI_GOOD)
        return status;
    if (holder.kind == USIM_THIS_MACHINE) {
        cli_error("%s was served on this machine and has accepted challenges; create another for a device",
                  profile->iccid);
        return CLI_REFUSED;
    }
    if (holder.kind == USIM_DEVICE && strcmp(holder.hex, work->device.hex) != 0) {
        cli_error("%s was issued to the device %.16s; a USIM has one holder, so create another for this one",
                  profile->iccid, holder.hex);
        return CLI_REFUSED;
    }
    work->holder = (struct usim_holder){.kind = USIM_DEVICE};
    memcpy(work->holder.thumbprint, work->device.thumbprint, sizeof(work->holder.thumbprint));
    memcpy(work->holder.hex, work->device.hex, sizeof(work->holder.hex));
    if (!usim_card_of(&work->directory, profile, work->card))
        return CLI_FAILED;
    return usim_record_check(&work->record, profile, work->card, &work->holder);
}

/* Each issue to a device has a number of its own, whatever the USIM: the device refuses an earlier one than its last.
 * It is spent before anything is signed with it. */
static bool count_issue(struct work *work) {
    const struct record_value device = {.text = work->device.name};
    if (!record_complete(&work->record) ||
        !usim_record_write(&work->record, &work->entry.profile, work->card, &work->holder) ||
        !record_change(&work->record,
                       "INSERT INTO usim (device, number) VALUES (?, 1)"
                       " ON CONFLICT (device) DO UPDATE SET number = number + 1",
                       &device, 1))
        return false;
    work->number = record_number(&work->record, "SELECT number FROM usim WHERE device = ?", &device, 1, 0);
    return work->number != 0;
}

/* A name in the policy is a folder's, which whoever writes the disk can make: where the organisation has signed such a
 * persona, that one alone is meant. */
static enum cli_exit bind_personas(struct work *work) {
    static uint8_t bytes[MANIFEST_SIZE_MAX];
    static struct manifest manifest;
    struct usim_policy *policy = &work->entry.profile.policy;
    enum cli_exit status = CLI_GOOD;
    for (size_t i = 0; i < policy->persona_count && status == CLI_GOOD; i++) {
        const char *name = policy->personas[i].name;
        const struct record_value value = {.text = name};
        size_t size = 0;
        uint64_t version =
            record_number(&work->record, "SELECT max(version) FROM version WHERE persona = ?", &value, 1, 0);
        policy->personas[i].bound = version != 0;
        if (version != 0)
            status = persona_manifest(&work->record, name, version, &manifest, bytes, &size);
        else
            cli_error("warning: no persona %s is signed: any that is called so on the device may use the USIM", name);
        if (version != 0 && status == CLI_GOOD)
            memcpy(policy->personas[i].id, manifest.id, USIM_PERSONA_ID_SIZE);
    }
    return status;
}

static bool seal(struct work *work) {
    uint8_t delegation[DELEGATION_SIZE_MAX], profile[USIM_PROFILE_MAX];
    struct cbor_bytes chain;
    size_t size = 0;
    if (!persona_chain(&work->record, &chain, delegation))
        return false;
    const struct usim_file_issue issue = {&work->device.enrolment.key, work->number,           &chain, 1,
                                          &work->signing.signer,       &work->directory.random};
    enum usim_file_error error = USIM_FILE_FAILED;
    if (usim_profile_write(&work->entry.profile, profile, sizeof(profile), &size) == USIM_OK)
        error = usim_file_write_issue(&issue, profile, size, work->file, sizeof(work->file), &work->size);
    crypto_wipe(profile, sizeof(profile));
    if (error != USIM_FILE_OK)
        cli_error("%s: %s", work->entry.profile.iccid, usim_file_error_text(error));
    return error == USIM_FILE_OK;
}

static bool put(const struct work *work) {
    char path[CLI_PATH_SIZE];
    return path_of(path, "%s/devices/%s", work->to, work->device.hex) && directory_make(path) &&
           path_of(path, "%s/devices/%s/usim", work->to, work->device.hex) &&
           file_write(path, work->file, work->size, false);
}

/* The USIMs may be of others than the organisation's keys. */
static enum cli_exit open_store(const struct cli *cli, struct work *work) {
    struct cli of_store = *cli;
    if (work->store_passphrase != NULL)
        of_store.passphrase_file = work->store_passphrase;
    return usim_directory_open(&of_store, work->store, cli->dry_run ? USIM_READ : USIM_CHANGE, &work->directory);
}

static enum cli_exit issue(struct cli *cli, struct work *work, const char *iccid) {
    enum cli_exit status = device_find(&work->record, work->name, &work->device);
    if (status == CLI_GOOD)
        status = open_store(cli, work);
    if (status == CLI_GOOD)
        status = usim_load(&work->directory, iccid, &work->entry);
    if (status == CLI_GOOD)
        status = check_holder(work);
    if (status == CLI_GOOD)
        status = bind_personas(work);
    if (status != CLI_GOOD || cli->dry_run)
        return status;
    if (!passphrase_get(cli, false, &work->passphrase))
        return CLI_FAILED;
    status = org_key_open(&work->record, ORG_KEY_SIGNING, &work->passphrase, &work->directory.random, &work->signing);
    if (status != CLI_GOOD)
        return status;
    bool good = count_issue(work) && seal(work) &&
                usim_holder_write(&work->directory, &work->entry.profile, &work->holder) && put(work);
    return good ? CLI_GOOD : CLI_FAILED;
}

static void report_personas(struct report *report, const struct usim_policy *policy) {
    report_list_begin(report, "personas");
    for (size_t i = 0; i < policy->persona_count; i++) {
        report_item_begin(report);
        report_text(report, "name", policy->personas[i].name);
        report_bool(report, "signed", policy->personas[i].bound);
        report_item_end(report);
    }
    report_list_end(report);
}

static enum cli_exit run(struct cli *cli, int argc, char **argv) {
    static struct work work;
    const struct option_value options[] = {{.name = "store", .to = &work.store},
                                           {.name = "store-passphrase-file", .to = &work.store_passphrase},
                                           {.name = "device", .to = &work.name},
                                           {.name = "to", .to = &work.to}};
    int at = cli_options(cli, options, sizeof(options) / sizeof(options[0]), argc, argv);
    work.directory.lock = -1;
    if (at == 0)
        return CLI_USAGE;
    if (at != argc - 1 || work.name == NULL || work.to == NULL) {
        cli_error("needed: --device=DEVICE --to=DIRECTORY and the ICCID (see --help)");
        return CLI_USAGE;
    }
    if (!record_open_to_change(&work.record, cli))
        return CLI_FAILED;
    enum cli_exit status = issue(cli, &work, argv[at]);
    if (status == CLI_GOOD) {
        struct report report = report_begin(cli);
        report_text(&report, "iccid", work.entry.profile.iccid);
        report_text(&report, "device", work.device.name);
        report_number(&report, "number", work.number);
        report_personas(&report, &work.entry.profile.policy);
        report_bool(&report, "dry-run", cli->dry_run);
        report_end(&report);
    }
    org_key_close(&work.signing);
    usim_directory_close(&work.directory);
    record_close(&work.record);
    crypto_wipe(&work, sizeof(work));
    return status;
}

const struct verb verb_usim_issue = {
    {"usim", "issue"},
    "issue a USIM to a device",
    "usage: flipside usim issue --store=DIRECTORY [--store-passphrase-file=FILE] --device=DEVICE --to=DIRECTORY "
    "ICCID\n\n"
    "Seals the profile to the device's key and signs it; 'deliver' puts it onto the disk, and the device takes it at "
    "its\n"
    "next start, once. A USIM has one holder: it is issued to no second device, and not at all once 'usim serve' has\n"
    "served it, since it would accept the same challenges again. Each issue to a device has a higher\n"
    "number: the device refuses those before its last one. A device whose board keeps nothing over a power-off takes\n"
    "none whose PIN is enabled. A persona that its policy names and that\n"
    "the organisation has created is meant by its identifier: another one of that name does not get the USIM.\n\n"
    "  --store=DIRECTORY       where the profiles are\n"
    "  --store-passphrase-file=FILE  read the passphrase of the USIMs from FILE; else it is read as the keys' is\n"
    "  --device=DEVICE         its name, or the first digits of its thumbprint\n"
    "  --to=DIRECTORY          where to write what is to be delivered\n",
    run,
};
