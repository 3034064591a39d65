// SPDX-License-Identifier: BSD-3-Clause
// flipside device list, flipside device show
#include <string.h>

#include "device.h"

static void report_device(struct report *report, const struct device *device) {
    report_text(report, "device", device->name);
    report_text(report, "thumbprint", device->hex);
    report_text(report, "board", device->enrolment.board);
    report_text(report, "key-kept-in", device_keeping_word(device->enrolment.keeping));
}

/* A row of a request that is not genuine is told and passed over. */
static void list_row(void *context, sqlite3_stmt *row) {
    struct report *report = context;
    struct device device = {0};
    (void)snprintf(device.name, sizeof(device.name), "%s", (const char *)sqlite3_column_text(row, 0));
    if (!device_from_request(&device, sqlite3_column_blob(row, 1), (size_t)sqlite3_column_bytes(row, 1), device.name))
        return;
    report_item_begin(report);
    report_device(report, &device);
    report_item_end(report);
}

static enum cli_exit list(struct cli *cli, int argc, char **argv) {
    struct record record;
    int at = cli_options(cli, NULL, 0, argc, argv);
    if (at != argc) {
        if (at != 0)
            cli_error("device list takes no arguments");
        return CLI_USAGE;
    }
    if (!record_open(&record, cli))
        return CLI_FAILED;
    struct report report = report_begin(cli);
    report_list_begin(&report, "devices");
    bool good = record_each(&record, "SELECT name, request FROM device ORDER BY name", NULL, 0, list_row, &report);
    report_list_end(&report);
    report_end(&report);
    record_close(&record);
    return good ? CLI_GOOD : CLI_FAILED;
}

static void persona_row(void *context, sqlite3_stmt *row) {
    struct report *report = context;
    report_item_begin(report);
    report_text(report, "persona", (const char *)sqlite3_column_text(row, 0));
    report_number(report, "version", (uint64_t)sqlite3_column_int64(row, 1));
    report_number(report, "grant", (uint64_t)sqlite3_column_int64(row, 2));
    report_text(report, "issued", (const char *)sqlite3_column_text(row, 3));
    report_item_end(report);
}

static enum cli_exit show_device(const struct cli *cli, struct record *record, const char *text) {
    struct device device;
    if (!device_find(record, text, &device))
        return CLI_FAILED;
    const struct record_value name = {.text = device.name};
    struct report report = report_begin(cli);
    report_device(&report, &device);
    report_text(&report, "its-key-is", device_keeping_text(device.enrolment.keeping));
    report_list_begin(&report, "personas");
    bool good = record_each(record,
                            "SELECT persona, version, grant_number, datetime(issued, 'unixepoch') FROM issue"
                            " WHERE device = ? ORDER BY persona",
                            &name, 1, persona_row, &report);
    report_list_end(&report);
    report_end(&report);
    return good ? CLI_GOOD : CLI_FAILED;
}

static enum cli_exit show(struct cli *cli, int argc, char **argv) {
    struct record record;
    int at = cli_options(cli, NULL, 0, argc, argv);
    if (at == 0 || at != argc - 1) {
        if (at != 0)
            cli_error("one device is needed: flipside device show DEVICE");
        return CLI_USAGE;
    }
    if (!record_open(&record, cli))
        return CLI_FAILED;
    enum cli_exit status = show_device(cli, &record, argv[at]);
    record_close(&record);
    return status;
}

const struct verb verb_device_list = {
    {"device", "list"},
    "list the devices that are enrolled",
    "usage: flipside device list\n\n"
    "Lists the enrolled devices, with the kind of board and whether their key is sealed in a TPM or lies in a file.\n",
    list,
};

const struct verb verb_device_show = {
    {"device", "show"},
    "show a device and what was issued to it",
    "usage: flipside device show DEVICE\n\n"
    "DEVICE is its name, or the first digits of its thumbprint, 8 at least.\n",
    show,
};
