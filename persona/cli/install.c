// SPDX-License-Identifier: BSD-3-Clause
// flipside install
#define _XOPEN_SOURCE 700
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "placement.h"
#include "record.h"

enum { ITEMS_MAX = 32, ITEM_SIZE_MAX = 64 << 20 };

static const char loader_path[] = "EFI/BOOT/BOOTAA64.EFI";

/* A file that is to be put onto the disk. */
struct item {
    char path[PLACEMENT_PATH_SIZE];
    char from[CLI_PATH_SIZE];
    uint8_t *bytes;
    size_t size;
    uint8_t digest[DIGEST_SIZE];
};

struct work {
    const char *board, *loader, *boards, *conf;
    struct medium medium;
    struct placements placements;
    size_t count;
    struct item items[ITEMS_MAX]; /* the loader is the last one, so that a disk that starts it has all else */
};

/* ---- What is to be put there */

static bool load_item(struct item *item) {
    struct stat status;
    if (stat(item->from, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0 ||
        status.st_size > ITEM_SIZE_MAX) {
        cli_error("%s: not a file that could be installed", item->from);
        return false;
    }
    item->bytes = malloc((size_t)status.st_size);
    return item->bytes != NULL && file_read(item->from, item->bytes, (size_t)status.st_size, &item->size) &&
           digest_of(item->bytes, item->size, item->digest);
}

static bool add_item(struct work *work, const char *path, const char *from) {
    if (work->count == ITEMS_MAX || strlen(path) >= PLACEMENT_PATH_SIZE) {
        cli_error("%s: too many files, or too long a path", from);
        return false;
    }
    struct item *item = &work->items[work->count++];
    (void)snprintf(item->path, sizeof(item->path), "%s", path);
    return path_of(item->from, "%s", from) && load_item(item);
}

/* Adds what is in a folder of a board's files, with what is beneath it. */
static bool add_folder(struct work *work, const char *folder, const char *prefix) {
    char from[CLI_PATH_SIZE], path[CLI_PATH_SIZE];
    struct dirent **entries = NULL;
    struct stat status;
    int count = scandir(folder, &entries, NULL, alphasort);
    bool good = true;
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        if (good && name[0] != '.') {
            good =
                path_of(from, "%s/%s", folder, name) && path_of(path, "%s%s", prefix, name) && stat(from, &status) == 0;
            if (good && S_ISDIR(status.st_mode))
                good = path_of(path, "%s%s/", prefix, name) && add_folder(work, from, path);
            else if (good)
                good = add_item(work, path, from);
        }
        free(entries[i]);
    }
    free(entries);
    return good;
}

static bool is_loader(const struct item *item) {
    enum { PE_OFFSET = 60, MACHINE = 4 };
    if (item->size < 64 || memcmp(item->bytes, "MZ", 2) != 0)
        return false;
    size_t pe = (size_t)item->bytes[PE_OFFSET] | (size_t)item->bytes[PE_OFFSET + 1] << 8;
    return pe + 6 <= item->size && memcmp(item->bytes + pe, "PE\0\0\x64\xaa", 6) == 0;
}

static bool gather(struct work *work, const struct cli *cli) {
    char path[CLI_PATH_SIZE];
    struct stat status;
    if (!path_of(path, "%s/%s.dtb", work->boards, work->board))
        return false;
    if (stat(path, &status) != 0) {
        cli_error("there is no board %s in %s", work->board, work->boards);
        return false;
    }
    if (!add_item(work, "flipside/board.dtb", path) || !path_of(path, "%s/%s", work->boards, work->board) ||
        !add_folder(work, path, "") || !path_of(path, "%s/organisation", cli->organisation) ||
        !add_item(work, "flipside/organisation", path) ||
        (work->conf != NULL && !add_item(work, "flipside/flipside.conf", work->conf)) ||
        !add_item(work, loader_path, work->loader))
        return false;
    if (is_loader(&work->items[work->count - 1]))
        return true;
    cli_error("%s: no arm64 EFI application", work->loader);
    return false;
}

/* A device remembers the root key that it was set up for: another one would lock it out. */
static enum cli_exit check_organisation(const struct work *work, const struct record *record) {
    uint8_t file[ORGANISATION_SIZE_MAX];
    struct organisation there;
    size_t size = 0;
    enum medium_result result = medium_read(&work->medium, "flipside/organisation", file, sizeof(file), &size);
    if (result != MEDIUM_GOOD)
        return result == MEDIUM_ABSENT ? CLI_GOOD : CLI_FAILED;
    if (organisation_read(&there, file, size) != ORGANISATION_OK ||
        memcmp(&there.root, &record->root, sizeof(there.root)) == 0)
        return CLI_GOOD;
    cli_error("%s belongs to another organisation, '%s'; uninstall that first", work->medium.path, there.name);
    return CLI_REFUSED;
}

static bool check_room(const struct work *work) {
    uint64_t room = 0, need = 1 << 20;
    for (size_t i = 0; i < work->count; i++)
        need += 2 * work->items[i].size;
    if (!medium_free(&work->medium, &room))
        return false;
    if (room < need)
        cli_error("%s: the EFI system partition has %llu MB free, %llu MB are needed", work->medium.path,
                  (unsigned long long)(room >> 20), (unsigned long long)(need >> 20) + 1);
    return room >= need;
}

/* ---- Putting it there */

/* Notes the directories above a path that are to be made. */
static bool note_directories(struct work *work, const char *path) {
    char names[1][MEDIUM_NAME_SIZE], part[CLI_PATH_SIZE];
    if (!path_of(part, "%s", path))
        return false;
    for (char *slash = strchr(part, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool known = placements_find(&work->placements, part) != NULL || medium_exists(&work->medium, part) ||
                     medium_list(&work->medium, part, names, 1) > 0;
        if (!known && placements_add(&work->placements, PLACEMENT_DIRECTORY, part) == NULL)
            return false;
        *slash = '/';
    }
    return true;
}

/* Copies aside what is in a path's place. */
static enum medium_result keep(struct work *work, const char *path) {
    static uint8_t bytes[ITEM_SIZE_MAX];
    char kept[CLI_PATH_SIZE], folder[CLI_PATH_SIZE];
    size_t size = 0;
    enum medium_result result = medium_read(&work->medium, path, bytes, sizeof(bytes), &size);
    if (result != MEDIUM_GOOD)
        return result;
    if (!path_of(kept, PLACEMENT_FOLDER "/%s", path) || !path_of(folder, "%s", kept))
        return MEDIUM_FAILED;
    *strrchr(folder, '/') = '\0';
    return medium_make_directory(&work->medium, folder) && medium_write(&work->medium, kept, bytes, size)
               ? MEDIUM_GOOD
               : MEDIUM_FAILED;
}

/* What an earlier installation of ours put there is not worth keeping; what was there before it is kept already. */
static bool note_item(struct work *work, const struct item *item) {
    struct placement *placement = placements_find(&work->placements, item->path);
    if (placement == NULL) {
        enum medium_result result = keep(work, item->path);
        if (result == MEDIUM_FAILED || !note_directories(work, item->path))
            return false;
        placement =
            placements_add(&work->placements, result == MEDIUM_GOOD ? PLACEMENT_KEPT : PLACEMENT_NEW, item->path);
    }
    if (placement != NULL)
        memcpy(placement->digest, item->digest, sizeof(placement->digest));
    return placement != NULL;
}

static bool put_item(struct work *work, const struct item *item) {
    char folder[CLI_PATH_SIZE];
    if (!path_of(folder, "%s", item->path))
        return false;
    char *slash = strrchr(folder, '/');
    if (slash != NULL)
        *slash = '\0';
    cli_progress(item->path, 0, 0);
    bool good = (slash == NULL || medium_make_directory(&work->medium, folder)) &&
                medium_write(&work->medium, item->path, item->bytes, item->size);
    cli_progress_end();
    return good;
}

/* The list comes before what it lists: a cut leaves nothing that uninstall would not take back. */
static bool put_all(struct work *work) {
    (void)snprintf(work->placements.board, sizeof(work->placements.board), "%s", work->board);
    if (!note_directories(work, PLACEMENT_FOLDER "/list"))
        return false;
    for (size_t i = 0; i < work->count; i++)
        if (!note_item(work, &work->items[i]))
            return false;
    if (!placements_write(&work->medium, &work->placements))
        return false;
    for (size_t i = 0; i < work->count; i++)
        if (!put_item(work, &work->items[i]))
            return false;
    return true;
}

static void print(const struct cli *cli, struct work *work) {
    struct report report = report_begin(cli);
    report_text(&report, "target", work->medium.path);
    report_text(&report, "board", work->board);
    report_bool(&report, "dry-run", cli->dry_run);
    report_list_begin(&report, "files");
    for (size_t i = 0; i < work->count; i++) {
        const struct placement *placement = placements_find(&work->placements, work->items[i].path);
        report_item_begin(&report);
        report_text(&report, "file", work->items[i].path);
        report_bool(&report, "keeps-the-old-one",
                    placement != NULL ? placement->kind == PLACEMENT_KEPT
                                      : medium_exists(&work->medium, work->items[i].path));
        report_item_end(&report);
    }
    report_list_end(&report);
    report_end(&report);
}

static enum cli_exit install(const struct cli *cli, struct work *work, const char *target) {
    struct record record;
    if (!record_open(&record, cli))
        return CLI_FAILED;
    if (!gather(work, cli) ||
        !medium_open(&work->medium, target, MEDIUM_DISK | (cli->dry_run ? MEDIUM_READ : MEDIUM_CHANGE))) {
        record_close(&record);
        return CLI_FAILED;
    }
    enum cli_exit status = placements_read(&work->medium, &work->placements);
    if (status == CLI_GOOD)
        status = check_organisation(work, &record);
    if (status == CLI_GOOD && !check_room(work))
        status = CLI_FAILED;
    if (status == CLI_GOOD && !cli->dry_run && !put_all(work))
        status = CLI_FAILED;
    if (status == CLI_GOOD)
        print(cli, work);
    record_close(&record);
    return medium_close(&work->medium) ? status : CLI_FAILED;
}

static enum cli_exit run(struct cli *cli, int argc, char **argv) {
    static struct work work = {.loader = FLIPSIDE_DATA "/BOOTAA64.EFI", .boards = FLIPSIDE_DATA "/boards"};
    const struct option_value options[] = {{.name = "board", .to = &work.board},
                                           {.name = "loader", .to = &work.loader},
                                           {.name = "boards", .to = &work.boards},
                                           {.name = "conf", .to = &work.conf}};
    int at = cli_options(cli, options, 4, argc, argv);
    if (at == 0)
        return CLI_USAGE;
    if (at != argc - 1 || work.board == NULL || !config_is_name(work.board)) {
        cli_error("needed: the disk and --board=NAME (see --help)");
        return CLI_USAGE;
    }
    enum cli_exit status = install(cli, &work, argv[at]);
    for (size_t i = 0; i < work.count; i++)
        free(work.items[i].bytes);
    return status;
}

const struct verb verb_install = {
    {"install", NULL},
    "put the loader onto a disk, in place of what starts from it",
    "usage: flipside install TARGET --board=NAME [OPTIONS]\n\n"
    "TARGET is a disk (a block device) or an image of one, with a GPT partition table and an EFI system partition; it\n"
    "must not be mounted or in use. Puts onto that partition the loader (EFI/BOOT/BOOTAA64.EFI), the board's "
    "description\n"
    "and firmware configuration, and the organisation's root key. What it replaces is kept in \\flipside\\replaced, "
    "and\n"
    "uninstall restores it. An installation that is there already is brought up to date.\n\n"
    "  --board=NAME            kind of device\n"
    "  --loader=FILE           the loader; else the installed one\n"
    "  --boards=DIRECTORY      where the boards' files are; else the installed ones\n"
    "  --conf=FILE             put this there as flipside.conf\n",
    run,
};
