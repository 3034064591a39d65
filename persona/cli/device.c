// SPDX-License-Identifier: BSD-3-Clause
#include "device.h"

#include <string.h>

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
        for (size_t i = 0; i < P256_THUMBPRINT_SIZE; i++)
            (void)snprintf(device->hex + 2 * i, 3, "%02x", device->thumbprint[i]);
        return true;
    }
    cli_error("%s: %s", where, enrolment_error_text(error == ENROLMENT_OK ? ENROLMENT_FAILED : error));
    return false;
}

bool device_find(struct record *record, const char *text, struct device *device) {
    static const char by_name[] = "SELECT name FROM device WHERE name = ?1 OR"
                                  " (length(?1) >= ?2 AND substr(lower(hex(thumbprint)), 1, length(?1)) = lower(?1))";
    static const char counted[] = "SELECT count(*) FROM device WHERE name = ?1 OR"
                                  " (length(?1) >= ?2 AND substr(lower(hex(thumbprint)), 1, length(?1)) = lower(?1))";
    uint8_t request[DEVICE_REQUEST_SIZE_MAX];
    const struct record_value values[] = {{.text = text}, {.number = PREFIX_MIN}};
    uint64_t count = record_number(record, counted, values, 2, 0);
    memset(device, 0, sizeof(*device));
    if (count != 1) {
        cli_error(count == 0 ? "no device %s is enrolled; 'flipside device list' names them, 'flipside device enroll' "
                               "takes a new one"
                             : "%s means more than one device; give its name or more digits",
                  text);
        return false;
    }
    if (!record_text(record, by_name, values, 2, device->name, sizeof(device->name)))
        return false;
    const struct record_value name = {.text = device->name};
    size_t size = record_bytes(record, "SELECT request FROM device WHERE name = ?", &name, 1, request, sizeof(request));
    return device_from_request(device, request, size, device->name);
}

const char *device_keeping_text(enum enrolment_keeping keeping) {
    return keeping == ENROLMENT_TPM ? "sealed in its TPM" : "in a file on its disk: whoever has the disk has the key";
}

const char *device_keeping_word(enum enrolment_keeping keeping) { return keeping == ENROLMENT_TPM ? "tpm" : "file"; }
