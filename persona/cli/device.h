// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_DEVICE_H
#define CLI_DEVICE_H

/* What the verbs about devices share. */

#include "device_roll.h"
#include "persona/enrolment.h"

enum {
    DEVICE_REQUEST_SIZE_MAX = 1024, /* bytes of a request's file, padded with zeros */
    DEVICE_HEX_SIZE = 2 * P256_THUMBPRINT_SIZE + 1,
};

struct device {
    char name[CONFIG_NAME_SIZE];
    struct enrolment enrolment;
    uint8_t thumbprint[P256_THUMBPRINT_SIZE];
    char hex[DEVICE_HEX_SIZE]; /* the thumbprint */
};

/* Takes a device from its request, padded with zeros or not; `where` is told when it is not genuine. */
bool device_from_request(struct device *device, const uint8_t *bytes, size_t size, const char *where);

/* Finds an enrolled device by its name, or the first digits of its thumbprint, 8 at least. Its key is the one that its
 * own signed request names, which is on the roll. */
enum cli_exit device_find(struct record *record, const char *text, struct device *device);

/* Reports what was issued to a device, of a statement with one value whose rows are persona, version, grant's number
 * and date. */
bool device_report_personas(struct record *record, struct report *report, const char *statement,
                            const struct record_value *value);

/* Where its private key is, for people. */
const char *device_keeping_text(enum enrolment_keeping keeping);

/* The same in one word. */
const char *device_keeping_word(enum enrolment_keeping keeping);

/* @return bytes of the one CBOR item that a file begins with, behind which there are zeros only; 0: it is not so */
size_t device_object_size(const uint8_t *bytes, size_t size);

#endif
