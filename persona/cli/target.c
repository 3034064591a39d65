// SPDX-License-Identifier: BSD-3-Clause
#include "target.h"

#include <string.h>

static enum cli_exit read_organisation(struct target *target) {
    uint8_t file[ORGANISATION_SIZE_MAX];
    size_t size = 0;
    enum medium_result result = medium_read(&target->medium, "flipside/organisation", file, sizeof(file), &size);
    if (result == MEDIUM_ABSENT)
        cli_error("%s has no \\flipside\\organisation; 'flipside install' puts it there", target->medium.path);
    if (result != MEDIUM_GOOD)
        return CLI_FAILED;
    enum organisation_error error = organisation_read(&target->organisation, file, size);
    target->trust = (struct delegation_trust){target->organisation.root, target->organisation.epoch};
    if (error != ORGANISATION_OK)
        cli_error("%s: \\flipside\\organisation: %s", target->medium.path, organisation_error_text(error));
    return error == ORGANISATION_OK ? CLI_GOOD : CLI_REFUSED;
}

static enum cli_exit check_organisation(const struct cli *cli, const struct target *target) {
    struct record record;
    if (cli->organisation == NULL)
        return CLI_GOOD;
    if (!record_open(&record, cli))
        return CLI_FAILED;
    bool same = memcmp(&record.root, &target->organisation.root, sizeof(record.root)) == 0;
    if (!same)
        cli_error("%s belongs to another organisation, '%s'", target->medium.path, target->organisation.name);
    record_close(&record);
    return same ? CLI_GOOD : CLI_REFUSED;
}

static enum cli_exit read_device(struct target *target) {
    uint8_t file[DEVICE_REQUEST_SIZE_MAX];
    size_t size = 0;
    enum medium_result result = medium_read(&target->medium, "flipside/device/request", file, sizeof(file), &size);
    if (result != MEDIUM_GOOD)
        return result == MEDIUM_ABSENT ? CLI_GOOD : CLI_FAILED;
    target->has_device = device_from_request(&target->device, file, size, "\\flipside\\device\\request");
    return target->has_device ? CLI_GOOD : CLI_REFUSED;
}

/* One that can't be read is the device's business: it says so itself. */
static bool read_state(struct target *target) {
    static uint8_t files[2][VAULT_STATE_FILE_SIZE];
    static const char *const paths[] = {"flipside/device/state.a", "flipside/device/state.b"};
    struct state_copy copies[2];
    for (size_t i = 0; i < 2; i++) {
        copies[i] = (struct state_copy){files[i], 0};
        if (medium_read(&target->medium, paths[i], files[i], sizeof(files[i]), &copies[i].size) == MEDIUM_FAILED)
            return false;
    }
    target->has_state = state_peek(&target->state, copies) == STATE_OK;
    return true;
}

enum cli_exit target_open(const struct cli *cli, struct target *target, const char *path, unsigned use) {
    memset(target, 0, sizeof(*target));
    if (!medium_open(&target->medium, path, use))
        return CLI_FAILED;
    enum cli_exit status = read_organisation(target);
    if (status == CLI_GOOD)
        status = check_organisation(cli, target);
    if (status == CLI_GOOD)
        status = read_device(target);
    if (status == CLI_GOOD && !read_state(target))
        status = CLI_FAILED;
    if (status != CLI_GOOD)
        (void)medium_close(&target->medium);
    return status;
}

bool target_close(struct target *target) { return medium_close(&target->medium); }

bool target_path(const char *name, const char *file, char *path) {
    return path_of(path, "flipside/personas/%s/%s", name, file);
}

static const char *check_manifest(const struct target *target, const char *name, struct target_version *version) {
    struct manifest_fault fault = manifest_open(&version->manifest, &target->trust, version->file, version->size);
    if (fault.error != MANIFEST_OK)
        return manifest_fault_text(fault);
    struct manifest_target wanted = {.board = target->has_device ? target->device.enrolment.board : NULL,
                                     .device = target->has_device ? target->device.thumbprint : NULL};
    enum manifest_error error = manifest_check(&version->manifest, &wanted);
    if (error == MANIFEST_OK && strcmp(version->manifest.name, name) != 0)
        error = MANIFEST_WRONG_PERSONA;
    return error == MANIFEST_OK ? NULL : manifest_error_text(error);
}

bool target_version(const struct target *target, const char *name, const char *which, struct target_version *version) {
    char path[CLI_PATH_SIZE];
    memset(version, 0, sizeof(*version));
    if (!path_of(path, "flipside/personas/%s/%s/manifest", name, which))
        return false;
    enum medium_result result =
        medium_read(&target->medium, path, version->file, sizeof(version->file), &version->size);
    version->there = result == MEDIUM_GOOD;
    if (version->there)
        version->fault = check_manifest(target, name, version);
    return result != MEDIUM_FAILED;
}

struct measured {
    struct digest digest;
    uint64_t size;
    uint64_t total;
    const char *name;
};

static bool measure(void *context, const void *bytes, size_t size) {
    struct measured *measured = context;
    digest_add(&measured->digest, bytes, size);
    measured->size += size;
    cli_progress(measured->name, measured->size, measured->total);
    return true;
}

const char *target_check_component(const struct target *target, const char *directory, const struct manifest *manifest,
                                   const struct manifest_component *component) {
    struct measured measured = {.total = component->size, .name = component->file};
    char path[CLI_PATH_SIZE];
    uint8_t digest[DIGEST_SIZE];
    digest_begin(&measured.digest);
    bool named = path_of(path, "%s/%s", directory, component->file);
    enum medium_result result = named ? medium_stream(&target->medium, path, measure, &measured) : MEDIUM_FAILED;
    cli_progress_end();
    if (!digest_end(&measured.digest, digest) || result == MEDIUM_FAILED)
        return "can't be read";
    if (result == MEDIUM_ABSENT)
        return "missing";
    enum manifest_error error = manifest_check_component(manifest, component->kind, measured.size, digest);
    return error == MANIFEST_OK ? NULL : manifest_error_text(error);
}

const char *target_grant(const struct target *target, const uint8_t *id, const uint8_t *file, size_t size,
                         struct grant *grant) {
    struct grant_fault fault = grant_open(grant, &target->trust, file, size);
    if (fault.error == GRANT_ABSENT)
        return NULL;
    if (fault.error == GRANT_OK)
        fault.error = grant_check(grant, id, target->has_device ? target->device.thumbprint : grant->device, 0);
    return fault.error == GRANT_OK ? NULL : grant_fault_text(fault);
}

const struct state_persona *target_remembers(struct target *target, const uint8_t *id) {
    return target->has_state ? state_find(&target->state, id) : NULL;
}
