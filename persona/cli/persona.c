// SPDX-License-Identifier: BSD-3-Clause
#include "persona.h"

bool persona_path(const struct record *record, const char *name, uint64_t version, const char *file, char *path) {
    return path_of(path, "%s/personas/%s/%llu/%s", record->directory, name, (unsigned long long)version, file);
}

bool persona_manifest(const struct record *record, const char *name, uint64_t version, struct manifest *manifest,
                      uint8_t *bytes, size_t *size) {
    char path[CLI_PATH_SIZE];
    struct delegation_trust trust = {record->root, record->epoch};
    if (!persona_path(record, name, version, "manifest", path) || !file_read(path, bytes, MANIFEST_SIZE_MAX, size))
        return false;
    struct manifest_fault fault = manifest_open(manifest, &trust, bytes, *size);
    if (fault.error != MANIFEST_OK)
        cli_error("%s: %s", path, manifest_fault_text(fault));
    return fault.error == MANIFEST_OK;
}
