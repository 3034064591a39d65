// SPDX-License-Identifier: BSD-3-Clause
#ifndef MANIFEST_FORMAT_H
#define MANIFEST_FORMAT_H

#include "persona/manifest.h"

/* persona/persona.cddl */
enum {
    MANIFEST_FORMAT = 1,
    MANIFEST_DEVICE_ITEM = 2 + P256_THUMBPRINT_SIZE, /* bytes of a device's thumbprint as it is encoded */
};

enum manifest_key {
    KEY_FORMAT = 1,
    KEY_ID,
    KEY_NAME,
    KEY_TITLE,
    KEY_VERSION,
    KEY_MINIMUM_VERSION,
    KEY_BOARDS,
    KEY_DEVICES,
    KEY_COMMAND_LINE,
    KEY_MEMORY,
    KEY_UNLOCK,
    KEY_FLIP_TIMEOUT,
    KEY_COMPONENTS,
    KEY_PREWARM,
    KEY_ALARM_FLIP,
};

enum component_key {
    COMPONENT_KIND = 1,
    COMPONENT_FILE,
    COMPONENT_SIZE,
    COMPONENT_DIGEST,
    COMPONENT_MEMORY,
    COMPONENT_PACKED,
};

/* Reads what was signed. @return whether it is good; all zero when not */
bool manifest_read(struct manifest *manifest, struct cbor_bytes payload);

#endif
