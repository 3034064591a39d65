// SPDX-License-Identifier: BSD-3-Clause
// flipside device enroll
#include <ctype.h>
#include <string.h>
#include <sys/stat.h>

#include "device.h"
#include "medium.h"

struct request {
    const char *from, *name, *thumbprint;
    bool yes;
    uint8_t bytes[DEVICE_REQUEST_SIZE_MAX];
    size_t size;
};

/* A request's file is small; what is larger is a disk with the request on it. */
static bool read_request(struct request *request) {
    struct medium medium;
    struct stat status;
    if (stat(request->from, &status) == 0 && S_ISREG(status.st_mode) && status.st_size <= DEVICE_REQUEST_SIZE_MAX)
        return file_read(request->from, request->bytes, sizeof(request->bytes), &request->size);
    if (!medium_open(&medium, request->from, MEDIUM_READ))
        return false;
    enum medium_result result =
        medium_read(&medium, "flipside/device/request", request->bytes, sizeof(request->bytes), &request->size);
    (void)medium_close(&medium);
    if (result == MEDIUM_ABSENT)
        cli_error("%s has no \\flipside\\device\\request: start the device once, it writes it then", request->from);
    return result == MEDIUM_GOOD;
}

/* Compares hexadecimal digits; what people put between them does not count. */
static bool is_thumbprint(const char *text, const char *hex) {
    for (; *text != '\0'; text++) {
        if (isxdigit((unsigned char)*text) == 0)
            continue;
        if (tolower((unsigned char)*text) != *hex)
            return false;
        hex++;
    }
    return *hex == '\0';
}

static bool ask(const struct device *device) {
    char question[256];
    (void)snprintf(question, sizeof(question), "The request has the thumbprint\n    %s\nDoes the device show the same?",
                   device->hex);
    return terminal_confirm(question, "--thumbprint=HEX, as the device shows it");
}

static enum cli_exit confirm(const struct cli *cli, const struct request *request, const struct device *device) {
    if (request->thumbprint != NULL) {
        if (is_thumbprint(request->thumbprint, device->hex))
            return CLI_GOOD;
        cli_error("%s has another thumbprint, %s: it is of another device, or was exchanged", request->from,
                  device->hex);
        return CLI_REFUSED;
    }
    return cli->dry_run || request->yes || ask(device) ? CLI_GOOD : CLI_REFUSED;
}

static bool is_new(struct record *record, const struct device *device) {
    const struct record_value thumbprint = {.bytes = device->thumbprint, .size = sizeof(device->thumbprint)};
    const struct record_value name = {.text = device->name};
    if (record_number(record, "SELECT count(*) FROM device WHERE thumbprint = ?", &thumbprint, 1, 1) != 0)
        cli_error("this device is enrolled already");
    else if (record_number(record, "SELECT count(*) FROM device WHERE name = ?", &name, 1, 1) != 0)
        cli_error("there is a device %s already; give another --name", device->name);
    else
        return true;
    return false;
}

static void print(const struct cli *cli, const struct device *device) {
    struct report report = report_begin(cli);
    report_text(&report, "device", device->name);
    report_text(&report, "thumbprint", device->hex);
    report_text(&report, "board", device->enrolment.board);
    report_text(&report, "key-kept-in", device_keeping_word(device->enrolment.keeping));
    report_text(&report, "its-key-is", device_keeping_text(device->enrolment.keeping));
    report_bool(&report, "dry-run", cli->dry_run);
    report_end(&report);
}

struct enrolled {
    const struct request *request;
    const struct device *device;
};

/* What a device had that was removed is its own still: its keys are those that it was given then. */
static bool take_back(struct record *record, const struct device *device) {
    const struct record_value name_and_thumbprint[] = {
        {.text = device->name}, {.bytes = device->thumbprint, .size = sizeof(device->thumbprint)}};
    const struct record_value *thumbprint = &name_and_thumbprint[1];
    return record_change(record,
                         "INSERT INTO issue (persona, device, version, grant_number, grant, issued)"
                         " SELECT persona, ?, version, grant_number, grant, issued FROM removed_issue"
                         " WHERE thumbprint = ?",
                         name_and_thumbprint, 2) &&
           record_change(record,
                         "INSERT INTO usim SELECT ?, usim FROM removed WHERE thumbprint = ? AND usim IS NOT NULL",
                         name_and_thumbprint, 2) &&
           record_change(record, "DELETE FROM removed_issue WHERE thumbprint = ?", thumbprint, 1) &&
           record_change(record, "DELETE FROM removed WHERE thumbprint = ?", thumbprint, 1);
}

static bool add_row(struct record *record, const void *context) {
    const struct enrolled *enrolled = context;
    const struct request *request = enrolled->request;
    const struct device *device = enrolled->device;
    const struct record_value values[] = {
        {.text = device->name},
        {.bytes = device->thumbprint, .size = sizeof(device->thumbprint)},
        {.bytes = request->bytes, .size = device_object_size(request->bytes, request->size)}};
    return record_change(record, "INSERT INTO device (name, thumbprint, request) VALUES (?, ?, ?)", values, 3) &&
           take_back(record, device);
}

static enum cli_exit enroll(const struct cli *cli, struct record *record, struct request *request) {
    struct device device = {0};
    if (!read_request(request))
        return CLI_FAILED;
    if (!device_from_request(&device, request->bytes, request->size, request->from))
        return CLI_REFUSED;
    if (request->name != NULL)
        (void)snprintf(device.name, sizeof(device.name), "%s", request->name);
    else
        (void)snprintf(device.name, sizeof(device.name), "device-%.8s", device.hex);
    enum cli_exit status = device_roll_each(record, NULL, NULL);
    if (status != CLI_GOOD)
        return status;
    if (!is_new(record, &device))
        return CLI_FAILED;
    status = confirm(cli, request, &device);
    const struct enrolled enrolled = {request, &device};
    if (status == CLI_GOOD && !cli->dry_run)
        status = device_roll_change(cli, record, add_row, &enrolled);
    if (status == CLI_GOOD)
        print(cli, &device);
    return status;
}

static enum cli_exit run(struct cli *cli, int argc, char **argv) {
    struct request request = {0};
    struct record record;
    const struct option_value options[] = {{.name = "name", .to = &request.name},
                                           {.name = "thumbprint", .to = &request.thumbprint},
                                           {.name = "yes", .flag = &request.yes}};
    int at = cli_options(cli, options, 3, argc, argv);
    if (at == 0)
        return CLI_USAGE;
    if (at != argc - 1 || (request.name != NULL && !config_is_name(request.name))) {
        cli_error("needed: the request's file, or the device's disk; a name is [a-z0-9-]{1,31} (see --help)");
        return CLI_USAGE;
    }
    request.from = argv[at];
    if (!record_open_to_change(&record, cli))
        return CLI_FAILED;
    enum cli_exit status = enroll(cli, &record, &request);
    record_close(&record);
    return status;
}

const struct verb verb_device_enroll = {
    {"device", "enroll"},
    "enrol a device from the request that it wrote at its first start",
    "usage: flipside device enroll [--name=NAME] [--thumbprint=HEX | --yes] REQUEST\n\n"
    "REQUEST is the file \\flipside\\device\\request of the device's EFI system partition, or its disk, an image of "
    "it, "
    "or\n"
    "a directory. It is signed by the device's key; whose key it is only a look at the device tells, which shows its\n"
    "thumbprint in the picker with 'v': it is asked for. Says where the device keeps its key. The signing key signs "
    "the\n"
    "list of all devices anew, without which nothing is issued to them. One that was removed gets back what it had.\n\n"
    "  --name=NAME             what to call it, [a-z0-9-]; else device- and the thumbprint's first digits\n"
    "  --thumbprint=HEX        the thumbprint that the device shows; it is compared, and nothing is asked\n"
    "  --yes                   take the request without a look at the device\n",
    run,
};
