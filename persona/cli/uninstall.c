// SPDX-License-Identifier: BSD-3-Clause
// flipside uninstall
#include <string.h>

#include "placement.h"

enum { KEPT_SIZE_MAX = 64 << 20 };

struct work {
    struct medium medium;
    struct placements placements;
    bool force, with_store;
};

/* What somebody else has put there since is not ours to take away. */
static enum cli_exit check(const struct work *work) {
    uint8_t digest[DIGEST_SIZE];
    for (size_t i = 0; i < work->placements.count; i++) {
        const struct placement *placement = &work->placements.items[i];
        if (placement->kind == PLACEMENT_DIRECTORY || work->force)
            continue;
        enum medium_result result = placement_digest(&work->medium, placement->path, digest);
        if (result == MEDIUM_FAILED)
            return CLI_FAILED;
        if (result == MEDIUM_GOOD && memcmp(digest, placement->digest, sizeof(digest)) != 0) {
            cli_error("%s: \\%s was changed since the installation; nothing was done (--force goes on)",
                      work->medium.path, placement->path);
            return CLI_REFUSED;
        }
    }
    return CLI_GOOD;
}

static bool restore(struct work *work, const struct placement *placement) {
    static uint8_t bytes[KEPT_SIZE_MAX];
    char kept[CLI_PATH_SIZE];
    size_t size = 0;
    if (placement->kind == PLACEMENT_DIRECTORY)
        return true;
    if (placement->kind == PLACEMENT_NEW)
        return medium_remove(&work->medium, placement->path);
    if (!path_of(kept, PLACEMENT_FOLDER "/%s", placement->path))
        return false;
    enum medium_result result = medium_read(&work->medium, kept, bytes, sizeof(bytes), &size);
    if (result == MEDIUM_ABSENT)
        cli_error("%s: \\%s is missing; \\%s was left as it is", work->medium.path, kept, placement->path);
    return result == MEDIUM_GOOD && medium_write(&work->medium, placement->path, bytes, size);
}

/* Backwards: the loader was put there last and goes first. What was kept is removed when all is restored. */
static bool restore_all(struct work *work) {
    for (size_t i = work->placements.count; i > 0; i--)
        if (!restore(work, &work->placements.items[i - 1]))
            return false;
    if (work->with_store && (!medium_remove_all(&work->medium, "flipside/personas") ||
                             !medium_remove_all(&work->medium, "flipside/device")))
        return false;
    if (!medium_remove_all(&work->medium, PLACEMENT_FOLDER))
        return false;
    for (size_t i = work->placements.count; i > 0; i--)
        if (work->placements.items[i - 1].kind == PLACEMENT_DIRECTORY)
            medium_remove_empty(&work->medium, work->placements.items[i - 1].path);
    return true;
}

static void print(const struct cli *cli, const struct work *work, bool has_store) {
    struct report report = report_begin(cli);
    report_text(&report, "target", work->medium.path);
    report_text(&report, "board", work->placements.board);
    report_bool(&report, "dry-run", cli->dry_run);
    report_bool(&report, "store-left", has_store && !work->with_store);
    report_list_begin(&report, "files");
    for (size_t i = 0; i < work->placements.count; i++) {
        const struct placement *placement = &work->placements.items[i];
        if (placement->kind == PLACEMENT_DIRECTORY)
            continue;
        report_item_begin(&report);
        report_text(&report, "file", placement->path);
        report_text(&report, "was", placement->kind == PLACEMENT_KEPT ? "restored" : "removed");
        report_item_end(&report);
    }
    report_list_end(&report);
    report_end(&report);
}

static enum cli_exit uninstall(const struct cli *cli, struct work *work) {
    enum cli_exit status = placements_read(&work->medium, &work->placements);
    if (status != CLI_GOOD)
        return status;
    if (work->placements.board[0] == '\0') {
        cli_error("%s: nothing was installed here by 'flipside install'", work->medium.path);
        return CLI_FAILED;
    }
    bool has_store =
        medium_exists(&work->medium, "flipside/personas") || medium_exists(&work->medium, "flipside/device");
    status = check(work);
    if (status == CLI_GOOD && !cli->dry_run && !restore_all(work))
        status = CLI_FAILED;
    if (status == CLI_GOOD)
        print(cli, work, has_store);
    return status;
}

static enum cli_exit run(struct cli *cli, int argc, char **argv) {
    static struct work work;
    const struct option_value options[] = {{.name = "force", .flag = &work.force},
                                           {.name = "with-store", .flag = &work.with_store}};
    int at = cli_options(cli, options, 2, argc, argv);
    if (at == 0 || at != argc - 1) {
        if (at != 0)
            cli_error("one disk is needed: flipside uninstall TARGET");
        return CLI_USAGE;
    }
    if (!medium_open(&work.medium, argv[at], MEDIUM_DISK | (cli->dry_run ? MEDIUM_READ : MEDIUM_CHANGE)))
        return CLI_FAILED;
    enum cli_exit status = uninstall(cli, &work);
    return medium_close(&work.medium) ? status : CLI_FAILED;
}

const struct verb verb_uninstall = {
    {"uninstall", NULL},
    "restore what an installation replaced",
    "usage: flipside uninstall [--force] [--with-store] TARGET\n\n"
    "Takes away what 'install' put onto the disk, and restores what it replaced. The device's identity and the "
    "personas\n"
    "are left where they are, unless --with-store is given: they can't be read without each other.\n\n"
    "  --force                 go on although a file was changed since the installation\n"
    "  --with-store            remove the device's identity and all personas, too; their data is lost then\n",
    run,
};
