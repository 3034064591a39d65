// SPDX-License-Identifier: BSD-3-Clause
// flipside verify
#include <string.h>

#include "placement.h"
#include "target.h"

struct work {
    struct target target;
    struct placements placements;
    struct target_version version;
    size_t faults;
};

/* @return the same, counted */
static const char *judge(struct work *work, const char *fault) {
    if (fault != NULL)
        work->faults++;
    return fault == NULL ? "good" : fault;
}

static const char *check_placement(const struct work *work, const struct placement *placement) {
    uint8_t digest[DIGEST_SIZE];
    enum medium_result result = placement_digest(&work->target.medium, placement->path, digest);
    if (result != MEDIUM_GOOD)
        return result == MEDIUM_ABSENT ? "missing" : "can't be read";
    return memcmp(digest, placement->digest, sizeof(digest)) == 0 ? NULL : "changed since the installation";
}

static void report_files(struct work *work, struct report *report) {
    report_list_begin(report, "files");
    for (size_t i = 0; i < work->placements.count; i++) {
        const struct placement *placement = &work->placements.items[i];
        // The terminal's settings are the user's.
        if (placement->kind == PLACEMENT_DIRECTORY || strcmp(placement->path, "flipside/flipside.conf") == 0)
            continue;
        report_item_begin(report);
        report_text(report, "file", placement->path);
        report_text(report, "state", judge(work, check_placement(work, placement)));
        report_item_end(report);
    }
    report_list_end(report);
}

static void report_components(struct work *work, struct report *report, const char *directory) {
    const struct manifest *manifest = &work->version.manifest;
    report_list_begin(report, "components");
    for (size_t i = 0; i < manifest->component_count; i++) {
        const struct manifest_component *component = &manifest->components[i];
        report_item_begin(report);
        report_text(report, "file", component->file);
        report_text(report, "state",
                    judge(work, target_check_component(&work->target, directory, manifest, component)));
        report_item_end(report);
    }
    report_list_end(report);
}

static void report_version(struct work *work, struct report *report, const char *name, const char *which) {
    char directory[CLI_PATH_SIZE];
    bool read = target_version(&work->target, name, which, &work->version);
    if (read && !work->version.there)
        return;
    report_item_begin(report);
    report_text(report, "directory", which);
    report_text(report, "manifest", judge(work, read ? work->version.fault : "can't be read"));
    if (read && work->version.fault == NULL && target_path(name, which, directory)) {
        report_number(report, "version", work->version.manifest.version);
        report_components(work, report, directory);
    }
    report_item_end(report);
}

/* Of the persona whose manifest was verified last. */
static void report_grant(struct work *work, struct report *report, const char *name) {
    static struct grant grant;
    uint8_t file[GRANT_SIZE_MAX];
    char path[CLI_PATH_SIZE];
    size_t size = 0;
    const struct manifest *manifest = &work->version.manifest;
    if (manifest->version == 0 || !target_path(name, "grant", path))
        return;
    enum medium_result result = medium_read(&work->target.medium, path, file, sizeof(file), &size);
    const struct state_persona *remembered = target_remembers(&work->target, manifest->id);
    if (result == MEDIUM_ABSENT) {
        report_text(report, "grant", judge(work, "missing"));
        return;
    }
    const char *fault =
        result == MEDIUM_GOOD ? target_grant(&work->target, manifest->id, file, size, &grant) : "can't be read";
    bool taken = fault == NULL && (grant.number == 0 || (remembered != NULL && remembered->grant >= grant.number));
    report_text(report, "grant", taken ? "taken" : judge(work, fault));
}

static bool is_plain(const struct work *work, const char *name) {
    char path[CLI_PATH_SIZE];
    return target_path(name, "persona.conf", path) && medium_exists(&work->target.medium, path);
}

static void report_persona(struct work *work, struct report *report, const char *name) {
    report_item_begin(report);
    report_text(report, "persona", name);
    report_text(report, "kind", is_plain(work, name) ? "plain" : "encrypted");
    if (!is_plain(work, name)) {
        report_list_begin(report, "versions");
        report_version(work, report, name, "b");
        report_version(work, report, name, "a");
        report_list_end(report);
        if (work->version.manifest.version == 0)
            (void)target_version(&work->target, name, "b", &work->version);
        report_grant(work, report, name);
    }
    report_item_end(report);
}

static void report_device(struct work *work, struct report *report) {
    uint8_t root[P256_THUMBPRINT_SIZE];
    const struct target *target = &work->target;
    report_text(report, "organisation", target->organisation.name);
    if (p256_thumbprint(&target->organisation.root, root) == P256_OK) {
        report_hex(report, "root", root, sizeof(root));
        if (target->has_state)
            report_text(report, "device-belongs-to",
                        memcmp(root, target->state.root, sizeof(root)) == 0
                            ? "this organisation"
                            : judge(work, "another organisation: its personas are refused"));
    }
    if (!target->has_device)
        return;
    report_text(report, "device", target->device.hex);
    report_text(report, "key-kept-in", device_keeping_word(target->device.enrolment.keeping));
}

static enum cli_exit verify(const struct cli *cli, struct work *work) {
    static char names[MEDIUM_LIST_MAX][MEDIUM_NAME_SIZE];
    enum cli_exit status = placements_read(&work->target.medium, &work->placements);
    if (status != CLI_GOOD)
        return status;
    struct report report = report_begin(cli);
    report_text(&report, "target", work->target.medium.path);
    report_text(&report, "board",
                work->placements.board[0] == '\0' ? judge(work, "not installed by 'flipside install'")
                                                  : work->placements.board);
    report_device(work, &report);
    report_files(work, &report);
    size_t count = medium_list(&work->target.medium, "flipside/personas", names, MEDIUM_LIST_MAX);
    report_list_begin(&report, "personas");
    for (size_t i = 0; i < count; i++)
        report_persona(work, &report, names[i]);
    report_list_end(&report);
    report_number(&report, "faults", work->faults);
    report_end(&report);
    return work->faults == 0 ? CLI_GOOD : CLI_REFUSED;
}

static enum cli_exit run(struct cli *cli, int argc, char **argv) {
    static struct work work;
    int at = cli_options(cli, NULL, 0, argc, argv);
    if (at == 0 || at != argc - 1) {
        if (at != 0)
            cli_error("one disk is needed: flipside verify TARGET");
        return CLI_USAGE;
    }
    enum cli_exit status = target_open(cli, &work.target, argv[at], MEDIUM_READ);
    if (status != CLI_GOOD)
        return status;
    status = verify(cli, &work);
    return target_close(&work.target) ? status : CLI_FAILED;
}

const struct verb verb_verify = {
    {"verify", NULL},
    "check an installed disk and every persona on it",
    "usage: flipside verify TARGET\n\n"
    "Checks a disk, an image of one, or a directory, and changes nothing: that what 'install' put there is as it was\n"
    "put there, and of each persona the signatures of manifests and grant, that they are meant for this board and\n"
    "device, and the digests of all files. With --org, also that it is this organisation's. Ends with 3 when anything "
    "is\n"
    "wrong. The device checks the same, and what only its own secrets tell, at each start.\n",
    run,
};
