// SPDX-License-Identifier: BSD-3-Clause
// flipside device remove
#include "device.h"

/* Columns of what a device has, before its removal and after. */
#define PERSONAS "SELECT persona, version, grant_number, datetime(issued, 'unixepoch') FROM "

/* Its grants are kept beside: they hold the escrow slots, without which a device that turns up again is never opened
 * without its user. */
static bool take_off(struct record *record, const void *context) {
    static const char *const statements[] = {
        "INSERT INTO removed (thumbprint, name, usim) SELECT thumbprint, name,"
        " (SELECT number FROM usim WHERE device = name) FROM device WHERE name = ?",
        "INSERT INTO removed_issue SELECT thumbprint, persona, version, grant_number, grant, issued"
        " FROM issue JOIN device ON device = name WHERE name = ?",
        "DELETE FROM issue WHERE device = ?",
        "DELETE FROM usim WHERE device = ?",
        "DELETE FROM device WHERE name = ?",
    };
    const struct device *device = context;
    const struct record_value name = {.text = device->name};
    bool good = true;
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]) && good; i++)
        good = record_change(record, statements[i], &name, 1);
    return good;
}

static bool print(const struct cli *cli, struct record *record, const struct device *device) {
    const struct record_value name = {.text = device->name};
    const struct record_value thumbprint = {.bytes = device->thumbprint, .size = sizeof(device->thumbprint)};
    struct report report = report_begin(cli);
    report_text(&report, "device", device->name);
    report_text(&report, "thumbprint", device->hex);
    report_bool(&report, "dry-run", cli->dry_run);
    report_text(&report, "it-keeps", "what was delivered to it; it is not told, and goes on starting that");
    report_text(&report, "which-opens-to",
                device->enrolment.keeping == ENROLMENT_TPM
                    ? "who knows the PIN, at this device; without a PIN, whoever has the device"
                    : "who knows or guesses the PIN; without a PIN, whoever has the device or its disk");
    bool good = cli->dry_run ? device_report_personas(record, &report, PERSONAS "issue WHERE device = ?", &name)
                             : device_report_personas(record, &report, PERSONAS "removed_issue WHERE thumbprint = ?",
                                                      &thumbprint);
    report_end(&report);
    return good;
}

static bool confirm(const struct device *device) {
    char question[256];
    (void)snprintf(question, sizeof(question), "Nothing will be issued any more to %s\n    %s\nRemove it?",
                   device->name, device->hex);
    return terminal_confirm(question, "--yes");
}

static enum cli_exit take_off_and_tell(const struct cli *cli, struct record *record, const char *text, bool yes) {
    struct device device;
    enum cli_exit status = device_find(record, text, &device);
    if (status != CLI_GOOD)
        return status;
    if (!cli->dry_run)
        status = yes || confirm(&device) ? device_roll_change(cli, record, take_off, &device) : CLI_REFUSED;
    if (status != CLI_GOOD)
        return status;
    return print(cli, record, &device) ? CLI_GOOD : CLI_FAILED;
}

static enum cli_exit run(struct cli *cli, int argc, char **argv) {
    struct record record;
    bool yes = false;
    const struct option_value options[] = {{.name = "yes", .flag = &yes}};
    int at = cli_options(cli, options, 1, argc, argv);
    if (at == 0)
        return CLI_USAGE;
    if (at != argc - 1) {
        cli_error("one is needed: flipside device remove DEVICE");
        return CLI_USAGE;
    }
    if (!record_open_to_change(&record, cli))
        return CLI_FAILED;
    enum cli_exit status = take_off_and_tell(cli, &record, argv[at], yes);
    record_close(&record);
    return status;
}

const struct verb verb_device_remove = {
    {"device", "remove"},
    "take a device off the record: nothing is issued to it any more",
    "usage: flipside device remove [--yes] DEVICE\n\n"
    "DEVICE is its name, or the first digits of its thumbprint, 8 at least. The signing key signs the list of all\n"
    "devices anew, without this one: no persona, recovery or USIM is issued to it any more, content keys are not\n"
    "sealed to it any more, and 'deliver', where --org is given, puts nothing onto its disk.\n\n"
    "The device is not told and keeps what it has: it starts that as before, until its disk is written anew. What\n"
    "protects a lost one is that PIN and TPM hold its keys, where it has them. It opens what was issued so far, from\n"
    "wherever it gets it: delete the directories that 'persona issue' wrote for it. What is to be out of its reach\n"
    "takes a new version, which has a new content key: 'persona update', then 'persona issue'. A USIM that it has is\n"
    "its own: block it in the network, and make another.\n\n"
    "Its grants are kept: enrolled again, it is issued to and recovered as before.\n\n"
    "  --yes                   do not ask\n",
    run,
};
