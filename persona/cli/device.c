// SPDX-License-Identifier: BSD-3-Clause
#include "device.h"

#include <string.h>
#include <strings.h>

#include "crypto/cbor.h"

enum { PREFIX_MIN = 8 /* hexadecimal digits that name a device */ };

size_t device_object_size(const uint8_t *bytes, size_t size) {
    struct cbor_reader reader = cbor_read(bytes, size);
    struct cbor_bytes item = cbor_read_item(&reader);
    if (reader.failed)
        return 0;
    for (size_t i = item.size; i < size; i++)
        if (bytes[i] != 0)
            return 0;
    return item.size;
}

bool device_from_request(struct device *device, const uint8_t *bytes, size_t size, const char *where) {
    enum enrolment_error error = enrolment_read(&device->enrolment, bytes, device_object_size(bytes, size));
    if (error == ENROLMENT_OK && p256_thumbprint(&device->enrolment.key, device->thumbprint) == P256_OK) {
        hex_write(device->hex, device->thumbprint, P256_THUMBPRINT_SIZE);
        return true;
    }
    cli_error("%s: %s", where, enrolment_error_text(error == ENROLMENT_OK ? ENROLMENT_FAILED : error));
    return false;
}

struct search {
    const char *text;
    size_t found;
    char name[CONFIG_NAME_SIZE];
    uint8_t request[DEVICE_REQUEST_SIZE_MAX];
    size_t request_size;
};

static bool is_meant(const char *text, const struct roll_row *row) {
    char hex[DEVICE_HEX_SIZE];
    size_t digits = strlen(text);
    hex_write(hex, row->thumbprint, P256_THUMBPRINT_SIZE);
    return strcmp(text, row->name) == 0 || (digits >= PREFIX_MIN && strncasecmp(text, hex, digits) == 0);
}

static void look(void *context, const struct roll_row *row) {
    struct search *search = context;
    if (!is_meant(search->text, row) || row->request_size > sizeof(search->request))
        return;
    search->found++;
    (void)snprintf(search->name, sizeof(search->name), "%s", row->name);
    memcpy(search->request, row->request, row->request_size);
    search->request_size = row->request_size;
}

enum cli_exit device_find(struct record *record, const char *text, struct device *device) {
    struct search search = {.text = text};
    memset(device, 0, sizeof(*device));
    enum cli_exit status = device_roll_each(record, look, &search);
    if (status != CLI_GOOD)
        return status;
    if (search.found != 1) {
        cli_error(search.found == 0
                      ? "no device %s is enrolled; 'flipside device list' names them, 'flipside device enroll' "
                        "takes a new one"
                      : "%s means more than one device; give its name or more digits",
                  text);
        return CLI_FAILED;
    }
    memcpy(device->name, search.name, sizeof(device->name));
    return device_from_request(device, search.request, search.request_size, device->name) ? CLI_GOOD : CLI_REFUSED;
}

const char *device_keeping_text(enum enrolment_keeping keeping) {
    return keeping == ENROLMENT_TPM ? "sealed in its TPM" : "in a file on its disk: whoever has the disk has the key";
}

const char *device_keeping_word(enum enrolment_keeping keeping) { return keeping == ENROLMENT_TPM ? "tpm" : "file"; }

static void persona_row(void *context, sqlite3_stmt *row) {
    struct report *report = context;
    report_item_begin(report);
    report_text(report, "persona", (const char *)sqlite3_column_text(row, 0));
    report_number(report, "version", (uint64_t)sqlite3_column_int64(row, 1));
    report_number(report, "grant", (uint64_t)sqlite3_column_int64(row, 2));
    report_text(report, "issued", (const char *)sqlite3_column_text(row, 3));
    report_item_end(report);
}

bool device_report_personas(struct record *record, struct report *report, const char *statement,
                            const struct record_value *value) {
    report_list_begin(report, "personas");
    bool good = record_each(record, statement, value, 1, persona_row, report);
    report_list_end(report);
    return good;
}
