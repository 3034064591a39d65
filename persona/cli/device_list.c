// SPDX-License-Identifier: BSD-3-Clause
// flipside device list, flipside device show
#include "device.h"
#include "show.h"

static void report_device(struct report *report, const struct device *device) {
    report_text(report, "device", device->name);
    report_text(report, "thumbprint", device->hex);
    report_text(report, "board", device->enrolment.board);
    report_text(report, "key-kept-in", device_keeping_word(device->enrolment.keeping));
}

static void list_row(void *context, const struct roll_row *row) {
    struct report *report = context;
    struct device device = {0};
    (void)snprintf(device.name, sizeof(device.name), "%s", row->name);
    if (!device_from_request(&device, row->request, row->request_size, device.name))
        return;
    report_item_begin(report);
    report_device(report, &device);
    report_item_end(report);
}

static enum cli_exit list_devices(struct record *record, struct report *report) {
    /* Nothing of a roll that is not right is shown. */
    enum cli_exit status = device_roll_each(record, NULL, NULL);
    return status == CLI_GOOD ? device_roll_each(record, list_row, report) : status;
}

static enum cli_exit list(struct cli *cli, int argc, char **argv) {
    return show_list(cli, argc, argv, "device", list_devices);
}

static enum cli_exit show_device(const struct cli *cli, struct record *record, const char *text) {
    struct device device;
    enum cli_exit status = device_find(record, text, &device);
    if (status != CLI_GOOD)
        return status;
    const struct record_value name = {.text = device.name};
    struct report report = report_begin(cli);
    report_device(&report, &device);
    report_text(&report, "its-key-is", device_keeping_text(device.enrolment.keeping));
    bool good = device_report_personas(record, &report,
                                       "SELECT persona, version, grant_number, datetime(issued, 'unixepoch') FROM issue"
                                       " WHERE device = ? ORDER BY persona",
                                       &name);
    report_end(&report);
    return good ? CLI_GOOD : CLI_FAILED;
}

static enum cli_exit show(struct cli *cli, int argc, char **argv) {
    return show_one(cli, argc, argv, "device", show_device);
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
