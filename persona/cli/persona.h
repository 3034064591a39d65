// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_PERSONA_H
#define CLI_PERSONA_H

/* What the verbs about personas share. */

#include "key_file.h"
#include "persona/content.h"
#include "persona/manifest.h"
#include "record.h"

/* DIRECTORY/personas/NAME/VERSION/FILE of the organisation. */
bool persona_path(const struct record *record, const char *name, uint64_t version, const char *file, char *path);

/* Reads and verifies the manifest of a version that this organisation made. `bytes`: MANIFEST_SIZE_MAX, which the
 * manifest points into. */
bool persona_manifest(const struct record *record, const char *name, uint64_t version, struct manifest *manifest,
                      uint8_t *bytes, size_t *size);

#endif
