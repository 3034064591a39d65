// SPDX-License-Identifier: BSD-3-Clause
// flipside persona list, flipside persona show
#include "persona.h"
#include "root.h"
#include "show.h"

static void list_row(void *context, sqlite3_stmt *row) {
    struct report *report = context;
    report_item_begin(report);
    report_text(report, "persona", (const char *)sqlite3_column_text(row, 0));
    report_number(report, "version", (uint64_t)sqlite3_column_int64(row, 1));
    report_number(report, "devices", (uint64_t)sqlite3_column_int64(row, 2));
    report_item_end(report);
}

static enum cli_exit list_personas(struct record *record, struct report *report) {
    bool good = record_each(record,
                            "SELECT name, (SELECT max(version) FROM version WHERE persona = name),"
                            " (SELECT count(*) FROM issue WHERE persona = name) FROM persona ORDER BY name",
                            NULL, 0, list_row, report);
    return good ? CLI_GOOD : CLI_FAILED;
}

static enum cli_exit list(struct cli *cli, int argc, char **argv) {
    return show_list(cli, argc, argv, "persona", list_personas);
}

static void version_row(void *context, sqlite3_stmt *row) {
    struct report *report = context;
    report_item_begin(report);
    report_number(report, "version", (uint64_t)sqlite3_column_int64(row, 0));
    report_text(report, "made", (const char *)sqlite3_column_text(row, 1));
    report_item_end(report);
}

static void device_row(void *context, sqlite3_stmt *row) {
    struct report *report = context;
    report_item_begin(report);
    report_text(report, "device", (const char *)sqlite3_column_text(row, 0));
    report_number(report, "version", (uint64_t)sqlite3_column_int64(row, 1));
    report_number(report, "grant", (uint64_t)sqlite3_column_int64(row, 2));
    report_item_end(report);
}

static bool report_rows(struct record *record, struct report *report, const char *name) {
    const struct record_value value = {.text = name};
    report_list_begin(report, "versions");
    bool good = record_each(record,
                            "SELECT version, datetime(made, 'unixepoch') FROM version WHERE persona = ?"
                            " ORDER BY version",
                            &value, 1, version_row, report);
    report_list_end(report);
    report_list_begin(report, "issued-to");
    good = record_each(record, "SELECT device, version, grant_number FROM issue WHERE persona = ? ORDER BY device",
                       &value, 1, device_row, report) &&
           good;
    report_list_end(report);
    return good;
}

static enum cli_exit show_persona(const struct cli *cli, struct record *record, const char *name) {
    static struct manifest manifest;
    static uint8_t bytes[MANIFEST_SIZE_MAX];
    size_t size = 0;
    uint64_t version = persona_newest(record, name);
    if (version == 0)
        return CLI_FAILED;
    enum cli_exit status = persona_manifest(record, name, version, &manifest, bytes, &size);
    if (status != CLI_GOOD)
        return status;
    static struct root root;
    status = root_read(&root, record, &manifest);
    if (status != CLI_GOOD)
        return status;
    struct report report = report_begin(cli);
    show_manifest_fields(&report, &manifest);
    root_report(&root, &report);
    bool good = report_rows(record, &report, name);
    report_end(&report);
    return good ? CLI_GOOD : CLI_FAILED;
}

static enum cli_exit show(struct cli *cli, int argc, char **argv) {
    return show_one(cli, argc, argv, "persona", show_persona);
}

const struct verb verb_persona_list = {
    {"persona", "list"},
    "list the personas",
    "usage: flipside persona list\n\n"
    "Lists the organisation's personas with their newest version and the number of devices that have them.\n",
    list,
};

const struct verb verb_persona_show = {
    {"persona", "show"},
    "show a persona, its versions and who has it",
    "usage: flipside persona show PERSONA\n\n"
    "Shows what the manifest of the newest version says, once it is verified, all versions, and the devices that the\n"
    "persona was issued to.\n",
    show,
};
