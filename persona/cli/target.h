// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_TARGET_H
#define CLI_TARGET_H

/* A device's store, as it is on a medium: read, and verified as far as that goes without its secrets. */

#include "device.h"
#include "medium.h"
#include "persona/grant.h"
#include "persona/manifest.h"
#include "persona/state.h"
#include "persona/vault.h"

/* One of a persona's two versions. */
struct target_version {
    bool there;        /* it has a manifest */
    const char *fault; /* NULL: genuine */
    struct manifest manifest;
    uint8_t file[MANIFEST_SIZE_MAX];
    size_t size;
};

struct target {
    struct medium medium;
    struct organisation organisation;
    struct delegation_trust trust;
    bool has_device; /* it has been started and wrote its request */
    struct device device;
    bool has_state;
    struct state state; /* not authenticated */
};

/* Opens a medium with an installation; where --org is given, it must be that organisation's. Reads the device's request
 * and its state if they are there. target_close() only after CLI_GOOD. */
enum cli_exit target_open(const struct cli *cli, struct target *target, const char *path, unsigned use);

bool target_close(struct target *target);

/* flipside/personas/NAME/FILE */
bool target_path(const char *name, const char *file, char *path);

/* Reads and verifies the manifest in directory `which` of a persona ("a", "b"). @return false when the medium failed */
bool target_version(const struct target *target, const char *name, const char *which, struct target_version *version);

/* Compares a component's file with the manifest. @return NULL, or what is wrong */
const char *target_check_component(const struct target *target, const char *directory, const struct manifest *manifest,
                                   const struct manifest_component *component);

/* Reads and verifies a grant's file, that of a device or one that is to be delivered.
 * @return NULL, or what is wrong; grant->number is 0 when there is none, or only zeros */
const char *target_grant(const struct target *target, const uint8_t *id, const uint8_t *file, size_t size,
                         struct grant *grant);

/* @return what the state remembers of a persona; NULL when nothing, or there is no state */
const struct state_persona *target_remembers(struct target *target, const uint8_t *id);

#endif
