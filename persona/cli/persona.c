// SPDX-License-Identifier: BSD-3-Clause
#include "persona.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool persona_path(const struct record *record, const char *name, uint64_t version, const char *file, char *path) {
    return path_of(path, "%s/personas/%s/%llu/%s", record->directory, name, (unsigned long long)version, file);
}

uint64_t persona_newest(struct record *record, const char *name) {
    const struct record_value value = {.text = name};
    uint64_t version = record_number(record, "SELECT max(version) FROM version WHERE persona = ?", &value, 1, 0);
    if (version == 0)
        cli_error("there is no persona %s; 'flipside persona create' makes one", name);
    return version;
}

/* A genuine manifest in another's place would be issued under the wrong name. */
static bool is_recorded(struct record *record, const char *name, uint64_t version, const struct manifest *manifest) {
    const struct record_value value = {.text = name};
    uint8_t id[MANIFEST_ID_SIZE];
    return strcmp(manifest->name, name) == 0 && manifest->version == version &&
           record_bytes(record, "SELECT id FROM persona WHERE name = ?", &value, 1, id, sizeof(id)) == sizeof(id) &&
           memcmp(id, manifest->id, sizeof(id)) == 0;
}

enum cli_exit persona_manifest(struct record *record, const char *name, uint64_t version, struct manifest *manifest,
                               uint8_t *bytes, size_t *size) {
    char path[CLI_PATH_SIZE];
    struct delegation_trust trust = {record->root, record->epoch};
    if (!persona_path(record, name, version, "manifest", path) || !file_read(path, bytes, MANIFEST_SIZE_MAX, size))
        return CLI_FAILED;
    struct manifest_fault fault = manifest_open(manifest, &trust, bytes, *size);
    if (fault.error == MANIFEST_OK && is_recorded(record, name, version, manifest))
        return CLI_GOOD;
    cli_error("%s: %s", path,
              fault.error == MANIFEST_OK ? "the manifest of another persona or version" : manifest_fault_text(fault));
    return CLI_REFUSED;
}

enum cli_exit persona_content_key(const struct record *record, const struct manifest *manifest,
                                  const struct org_key *storage, uint8_t *key) {
    static uint8_t file[PERSONA_SEALED_MAX];
    char path[CLI_PATH_SIZE];
    size_t size = 0;
    struct content_version version = {.version = manifest->version};
    memcpy(version.id, manifest->id, sizeof(version.id));
    if (!persona_path(record, manifest->name, manifest->version, "content.key", path) ||
        !file_read(path, file, sizeof(file), &size))
        return CLI_FAILED;
    enum content_error error = content_unseal(file, size, &version, &storage->agreer, key);
    if (error == CONTENT_OK)
        return CLI_GOOD;
    cli_error("%s: %s", path, content_error_text(error));
    return CLI_REFUSED;
}

bool persona_chain(const struct record *record, struct cbor_bytes *chain, uint8_t *bytes) {
    struct p256_public key;
    return org_key_delegation(record, DELEGATION_ROLE_MANIFEST, chain, bytes, &key);
}

void *persona_read_whole(const char *path, size_t *size) {
    struct stat status;
    if (stat(path, &status) != 0) {
        cli_error("%s: %s", path, strerror(errno));
        return NULL;
    }
    if (!S_ISREG(status.st_mode) || status.st_size == 0) {
        cli_error("%s: not a file with something in it", path);
        return NULL;
    }
    void *bytes = malloc((size_t)status.st_size);
    if (bytes == NULL)
        cli_error("%s: not enough memory to read it", path);
    else if (file_read(path, bytes, (size_t)status.st_size, size))
        return bytes;
    free(bytes);
    return NULL;
}
