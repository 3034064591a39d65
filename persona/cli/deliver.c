// SPDX-License-Identifier: BSD-3-Clause
// flipside deliver
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "persona/usim_file.h"
#include "root.h"
#include "target.h"

/* A persona that is being delivered. */
struct delivery {
    const char *name;
    struct manifest manifest;
    uint8_t manifest_file[MANIFEST_SIZE_MAX];
    size_t manifest_size;
    bool has_version;              /* a newer version than what is there, or the first */
    const char *directory;         /* "a" or "b": where it goes */
    uint64_t old_version;          /* the one that stays; 0: none */
    uint8_t grant[GRANT_SIZE_MAX]; /* padded */
    uint64_t grant_number;         /* 0: no grant that is new */
    char root[CLI_PATH_SIZE];      /* its encrypted root file system; "": none */
};

struct work {
    const char *from;
    bool fresh_root;
    struct target target;
    struct delivery delivery;
    struct target_version versions[2];
};

static const char *const directories[2] = {"a", "b"};

static bool source(const struct work *work, const char *file, char *path) {
    return path_of(path, "%s/personas/%s/%s", work->from, work->delivery.name, file);
}

static bool is_file(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

static enum cli_exit refuse(const struct work *work, const char *what, const char *fault) {
    cli_error("%s: %s: %s", work->delivery.name, what, fault);
    return CLI_REFUSED;
}

/* ---- What there is to deliver */

static enum cli_exit check_manifest(struct work *work) {
    struct delivery *delivery = &work->delivery;
    const struct device *device = &work->target.device;
    struct manifest_fault fault =
        manifest_open(&delivery->manifest, &work->target.trust, delivery->manifest_file, delivery->manifest_size);
    if (fault.error != MANIFEST_OK)
        return refuse(work, "manifest", manifest_fault_text(fault));
    const struct manifest_target wanted = {.board = device->enrolment.board, .device = device->thumbprint};
    enum manifest_error error = manifest_check(&delivery->manifest, &wanted);
    if (error == MANIFEST_OK && strcmp(delivery->manifest.name, delivery->name) != 0)
        error = MANIFEST_WRONG_PERSONA;
    return error == MANIFEST_OK ? CLI_GOOD : refuse(work, "manifest", manifest_error_text(error));
}

/* The content key names the devices that it is sealed to by their thumbprints. */
static enum cli_exit check_content_key(struct work *work) {
    static uint8_t file[VAULT_CONTENT_FILE_MAX];
    struct cose_encrypt encrypt;
    char path[CLI_PATH_SIZE];
    size_t size = 0;
    if (!source(work, "content.key", path) || !file_read(path, file, sizeof(file), &size))
        return CLI_FAILED;
    if (cose_encrypt_read(&encrypt, file, size) != COSE_OK)
        return refuse(work, "content.key", "damaged");
    const uint8_t *at = encrypt.recipients.start;
    for (size_t left = encrypt.recipients.size; left >= P256_THUMBPRINT_SIZE; left--, at++)
        if (memcmp(at, work->target.device.thumbprint, P256_THUMBPRINT_SIZE) == 0)
            return CLI_GOOD;
    return refuse(work, "content.key", "not issued to the device of this disk");
}

static enum cli_exit check_component(struct work *work, const struct manifest_component *component) {
    char directory[CLI_PATH_SIZE];
    // A directory of this machine is a medium, too.
    static struct target here;
    here.medium = (struct medium){.file = -1};
    if (!path_of(here.medium.path, "%s", work->from) || !path_of(directory, "personas/%s", work->delivery.name))
        return CLI_FAILED;
    const char *fault = target_check_component(&here, directory, &work->delivery.manifest, component);
    return fault == NULL ? CLI_GOOD : refuse(work, component->file, fault);
}

static enum cli_exit read_bundle(struct work *work) {
    struct delivery *delivery = &work->delivery;
    char path[CLI_PATH_SIZE];
    if (!source(work, "manifest", path))
        return CLI_FAILED;
    if (!file_read(path, delivery->manifest_file, sizeof(delivery->manifest_file), &delivery->manifest_size))
        return CLI_FAILED;
    enum cli_exit status = check_manifest(work);
    if (status == CLI_GOOD)
        status = check_content_key(work);
    for (size_t i = 0; i < delivery->manifest.component_count && status == CLI_GOOD; i++)
        status = check_component(work, &delivery->manifest.components[i]);
    return status;
}

/* ---- What is there already */

/* The version in use stays; the new one takes the other's place, or that of one that is damaged or older. */
static enum cli_exit choose_directory(struct work *work) {
    struct delivery *delivery = &work->delivery;
    const struct target_version *versions = work->versions;
    const struct state_persona *remembered = target_remembers(&work->target, delivery->manifest.id);
    uint64_t numbers[2];
    for (size_t i = 0; i < 2; i++) {
        if (!target_version(&work->target, delivery->name, directories[i], &work->versions[i]))
            return CLI_FAILED;
        bool good = versions[i].there && versions[i].fault == NULL;
        if (good && memcmp(versions[i].manifest.id, delivery->manifest.id, MANIFEST_ID_SIZE) != 0)
            return refuse(work, "the disk has another persona of this name", "it was left as it is");
        numbers[i] = good ? versions[i].manifest.version : 0;
    }
    uint64_t newest = numbers[0] > numbers[1] ? numbers[0] : numbers[1];
    if (delivery->manifest.version < newest)
        return refuse(work, "an older version than the disk has", "it was left as it is");
    delivery->has_version = delivery->manifest.version > newest;
    size_t stays = numbers[0] >= numbers[1] ? 0 : 1;
    if (remembered != NULL && remembered->version != 0)
        stays = numbers[0] == remembered->version ? 0 : numbers[1] == remembered->version ? 1 : stays;
    delivery->old_version = numbers[stays];
    delivery->directory = numbers[stays] == 0 ? directories[0] : directories[1 - stays];
    if (remembered != NULL && delivery->manifest.version < remembered->minimum_version)
        return refuse(work, "manifest", manifest_error_text(MANIFEST_TOO_OLD));
    return CLI_GOOD;
}

/* Number of the grant on the disk, taken or not; 0: none. */
static uint64_t number_there(struct work *work) {
    static struct grant grant;
    uint8_t file[GRANT_SIZE_MAX];
    char path[CLI_PATH_SIZE];
    size_t size = 0;
    const uint8_t *id = work->delivery.manifest.id;
    const struct state_persona *remembered = target_remembers(&work->target, id);
    uint64_t number = remembered == NULL ? 0 : remembered->grant;
    if (target_path(work->delivery.name, "grant", path) &&
        medium_read(&work->target.medium, path, file, sizeof(file), &size) == MEDIUM_GOOD &&
        target_grant(&work->target, id, file, size, &grant) == NULL && grant.number > number)
        number = grant.number;
    return number;
}

/* Whether the device wrote key slots, whatever is known of its state. A file that can't be read counts as written. */
static bool has_slots(const struct work *work) {
    static const char *const files[] = {"slots.a", "slots.b"};
    static uint8_t file[VAULT_SLOTS_FILE_SIZE];
    char path[CLI_PATH_SIZE];
    for (size_t i = 0; i < 2; i++) {
        size_t size = 0;
        if (!target_path(work->delivery.name, files[i], path) ||
            medium_read(&work->target.medium, path, file, sizeof(file), &size) == MEDIUM_FAILED)
            return true;
        for (size_t j = 0; j < size; j++)
            if (file[j] != 0)
                return true;
    }
    return false;
}

static enum cli_exit read_grant(struct work *work) {
    static struct grant grant;
    struct delivery *delivery = &work->delivery;
    char path[CLI_PATH_SIZE];
    size_t size = 0;
    uint64_t there = number_there(work);
    delivery->grant_number = 0;
    if (!path_of(path, "%s/devices/%s/%s.grant", work->from, work->target.device.hex, delivery->name))
        return CLI_FAILED;
    if (!is_file(path))
        return there > 0 ? CLI_GOOD : refuse(work, "grant", "not issued to the device of this disk");
    memset(delivery->grant, 0, sizeof(delivery->grant));
    if (!file_read(path, delivery->grant, sizeof(delivery->grant), &size))
        return CLI_FAILED;
    const char *fault = target_grant(&work->target, delivery->manifest.id, delivery->grant, size, &grant);
    if (fault != NULL || grant.number == 0)
        return refuse(work, "grant", fault == NULL ? "empty" : fault);
    delivery->grant_number = grant.number > there ? grant.number : 0;
    // The root file system comes with the first grant: a later one finds the user's data in its place.
    bool is_first = there == 0 && grant.kind == GRANT_ISSUE && !has_slots(work);
    if (!path_of(delivery->root, "%s/devices/%s/%s.root", work->from, work->target.device.hex, delivery->name))
        return CLI_FAILED;
    if (!is_file(delivery->root) || (!is_first && !work->fresh_root))
        delivery->root[0] = '\0';
    return CLI_GOOD;
}

/* Room that the version takes, besides what it replaces. */
static bool check_room(struct work *work) {
    enum { CLUSTERS = 1 << 20 /* what directories and the last clusters of files take */ };
    uint64_t room = 0, need = CLUSTERS + GRANT_SIZE_MAX + 2 * VAULT_SLOTS_FILE_SIZE;
    const struct target_version *old = &work->versions[work->delivery.directory == directories[0] ? 0 : 1];
    if (!medium_free(&work->target.medium, &room))
        return false;
    for (size_t i = 0; i < work->delivery.manifest.component_count; i++)
        need += work->delivery.manifest.components[i].size;
    for (size_t i = 0; i < old->manifest.component_count; i++)
        room += old->manifest.components[i].size;
    if (room < need)
        cli_error("%s: %llu MB are free on %s, %llu MB are needed; nothing was changed", work->delivery.name,
                  (unsigned long long)(room >> 20), work->target.medium.path, (unsigned long long)(need >> 20) + 1);
    return room >= need;
}

/* ---- Putting it there */

static bool put(struct work *work, const char *file, const void *bytes, size_t size) {
    char path[CLI_PATH_SIZE];
    return target_path(work->delivery.name, file, path) && medium_write(&work->target.medium, path, bytes, size);
}

static bool in_version(const struct work *work, const char *file, char *path) {
    return path_of(path, "%s/%s", work->delivery.directory, file);
}

/* Files that the device writes have their size from the beginning: it changes data only. */
static bool allocate(struct work *work, const char *file, size_t size) {
    static const uint8_t zeros[VAULT_SLOTS_FILE_SIZE];
    char path[CLI_PATH_SIZE];
    if (!target_path(work->delivery.name, file, path))
        return false;
    return medium_exists(&work->target.medium, path) || medium_write(&work->target.medium, path, zeros, size);
}

static bool copy_file(struct work *work, const char *file) {
    char from[CLI_PATH_SIZE], name[CLI_PATH_SIZE], to[CLI_PATH_SIZE];
    cli_progress(file, 0, 0);
    bool good = source(work, file, from) && in_version(work, file, name) &&
                target_path(work->delivery.name, name, to) && medium_copy(&work->target.medium, to, from);
    cli_progress_end();
    return good;
}

/* Without its manifest a version is not there: it goes first and comes last. */
static bool put_version(struct work *work) {
    static const uint8_t zeros[VAULT_OWN_FILE_SIZE];
    const struct delivery *delivery = &work->delivery;
    char name[CLI_PATH_SIZE], path[CLI_PATH_SIZE];
    if (!in_version(work, "manifest", name) || !target_path(delivery->name, name, path) ||
        !medium_remove(&work->target.medium, path) || !target_path(delivery->name, delivery->directory, path) ||
        !medium_make_directory(&work->target.medium, path))
        return false;
    for (size_t i = 0; i < delivery->manifest.component_count; i++)
        if (!copy_file(work, delivery->manifest.components[i].file))
            return false;
    return copy_file(work, "content.key") && in_version(work, "content.own", name) &&
           put(work, name, zeros, sizeof(zeros)) && in_version(work, "manifest", name) &&
           put(work, name, delivery->manifest_file, delivery->manifest_size);
}

static bool put_all(struct work *work) {
    const struct delivery *delivery = &work->delivery;
    char path[CLI_PATH_SIZE];
    if (!target_path(delivery->name, "", path))
        return false;
    path[strlen(path) - 1] = '\0';
    if (delivery->root[0] != '\0' && !medium_fill_partition(&work->target.medium, delivery->name, delivery->root))
        return false;
    return medium_make_directory(&work->target.medium, path) && allocate(work, "slots.a", VAULT_SLOTS_FILE_SIZE) &&
           allocate(work, "slots.b", VAULT_SLOTS_FILE_SIZE) && allocate(work, "up", VAULT_UP_FILE_SIZE) &&
           (delivery->grant_number == 0 || put(work, "grant", delivery->grant, sizeof(delivery->grant))) &&
           (!delivery->has_version || put_version(work));
}

/* ---- */

static void report_delivery(struct report *report, const struct delivery *delivery) {
    report_item_begin(report);
    report_text(report, "persona", delivery->name);
    report_number(report, "version", delivery->manifest.version);
    report_bool(report, "new-version", delivery->has_version);
    if (delivery->has_version)
        report_text(report, "directory", delivery->directory);
    report_bool(report, "new-grant", delivery->grant_number > 0);
    report_bool(report, "new-root", delivery->root[0] != '\0');
    report_item_end(report);
}

static enum cli_exit check_root(const struct work *work) {
    const struct delivery *delivery = &work->delivery;
    const struct root_image image = {delivery->root, delivery->manifest.id, work->target.device.thumbprint};
    if (!medium_partition_fits(&work->target.medium, delivery->name, delivery->root))
        return CLI_FAILED;
    return root_image_check(&image, &work->target.trust);
}

/* A bundle of a recovery has a grant and no version. */
static enum cli_exit prepare(struct work *work) {
    struct delivery *delivery = &work->delivery;
    char path[CLI_PATH_SIZE];
    if (!source(work, "manifest", path))
        return CLI_FAILED;
    enum cli_exit status = read_bundle(work);
    if (status == CLI_GOOD)
        status = choose_directory(work);
    if (status == CLI_GOOD)
        status = read_grant(work);
    if (status != CLI_GOOD)
        return status;
    if (delivery->root[0] != '\0')
        status = check_root(work);
    if (status != CLI_GOOD)
        return status;
    return !delivery->has_version || check_room(work) ? CLI_GOOD : CLI_FAILED;
}

/* Only a grant: the manifest is the one that is on the disk. */
static enum cli_exit prepare_grant(struct work *work) {
    struct delivery *delivery = &work->delivery;
    enum cli_exit status = CLI_GOOD;
    for (size_t i = 0; i < 2; i++) {
        if (!target_version(&work->target, delivery->name, directories[i], &work->versions[i]))
            return CLI_FAILED;
        if (work->versions[i].there && work->versions[i].fault == NULL &&
            work->versions[i].manifest.version > delivery->manifest.version)
            delivery->manifest = work->versions[i].manifest;
    }
    if (delivery->manifest.version == 0)
        return refuse(work, "grant", "the disk has no such persona");
    status = read_grant(work);
    delivery->root[0] = '\0';
    return status;
}

static enum cli_exit deliver_one(const struct cli *cli, struct work *work, const char *name, struct report *report) {
    char path[CLI_PATH_SIZE];
    memset(&work->delivery, 0, sizeof(work->delivery));
    work->delivery.name = name;
    if (!source(work, "manifest", path))
        return CLI_FAILED;
    enum cli_exit status = is_file(path) ? prepare(work) : prepare_grant(work);
    if (status == CLI_GOOD && !cli->dry_run && !put_all(work))
        status = CLI_FAILED;
    if (status == CLI_GOOD)
        report_delivery(report, &work->delivery);
    return status;
}

/* The device's USIM, if one was issued to it. */
static enum cli_exit deliver_usim(const struct cli *cli, struct work *work, bool *found) {
    static uint8_t file[USIM_FILE_SIZE];
    char path[CLI_PATH_SIZE];
    size_t size = 0;
    if (!path_of(path, "%s/devices/%s/usim", work->from, work->target.device.hex))
        return CLI_FAILED;
    *found = is_file(path);
    if (!*found)
        return CLI_GOOD;
    memset(file, 0, sizeof(file));
    if (!file_read(path, file, sizeof(file), &size))
        return CLI_FAILED;
    return cli->dry_run || medium_write(&work->target.medium, "flipside/device/usim", file, sizeof(file)) ? CLI_GOOD
                                                                                                          : CLI_FAILED;
}

/* Names of personas in a bundle. */
struct names {
    char names[STORE_PERSONAS_MAX][CONFIG_NAME_SIZE];
    size_t count;
};

static void add_name(struct names *names, const char *name) {
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->names[i], name) == 0)
            return;
    if (config_is_name(name) && names->count < STORE_PERSONAS_MAX)
        (void)snprintf(names->names[names->count++], CONFIG_NAME_SIZE, "%s", name);
}

/* Those that the bundle grants to this device, and those that it has versions of. */
static void find_names(const struct work *work, struct names *names, bool versions) {
    char path[CLI_PATH_SIZE], name[CONFIG_NAME_SIZE + 8];
    bool good = versions ? path_of(path, "%s/personas", work->from)
                         : path_of(path, "%s/devices/%s", work->from, work->target.device.hex);
    DIR *directory = good ? opendir(path) : NULL;
    for (struct dirent *entry = directory == NULL ? NULL : readdir(directory); entry != NULL;
         entry = readdir(directory)) {
        char *dot = strrchr(entry->d_name, '.');
        if (!versions && (dot == NULL || strcmp(dot, ".grant") != 0))
            continue;
        if (dot != NULL)
            *dot = '\0';
        if (strlen(entry->d_name) < CONFIG_NAME_SIZE) {
            (void)snprintf(name, sizeof(name), "%.31s", entry->d_name);
            add_name(names, name);
        }
    }
    if (directory != NULL)
        (void)closedir(directory);
}

struct enrolled {
    const uint8_t *thumbprint;
    bool found;
};

static void look(void *context, const struct roll_row *row) {
    struct enrolled *enrolled = context;
    enrolled->found |= memcmp(row->thumbprint, enrolled->thumbprint, P256_THUMBPRINT_SIZE) == 0;
}

/* Where the record is at hand, a device that was removed from it gets nothing of what was issued before. */
static enum cli_exit check_enrolled(const struct cli *cli, const struct work *work) {
    struct enrolled enrolled = {work->target.device.thumbprint, false};
    struct record record;
    if (cli->organisation == NULL)
        return CLI_GOOD;
    if (!record_open(&record, cli))
        return CLI_FAILED;
    enum cli_exit status = device_roll_each(&record, look, &enrolled);
    record_close(&record);
    if (status != CLI_GOOD || enrolled.found)
        return status;
    cli_error("%s is of the device %.16s, which is not enrolled, or was removed: it gets nothing",
              work->target.medium.path, work->target.device.hex);
    return CLI_REFUSED;
}

static enum cli_exit deliver(const struct cli *cli, struct work *work, const char *name) {
    static struct names names;
    enum cli_exit status = CLI_GOOD;
    bool usim = false;
    if (!work->target.has_device) {
        cli_error("%s has no \\flipside\\device\\request: start the device once, enrol it, and issue to it first",
                  work->target.medium.path);
        return CLI_FAILED;
    }
    status = check_enrolled(cli, work);
    if (status != CLI_GOOD)
        return status;
    if (name != NULL) {
        add_name(&names, name);
    } else {
        find_names(work, &names, false);
        find_names(work, &names, true);
    }
    if (name == NULL)
        status = deliver_usim(cli, work, &usim);
    if (status != CLI_GOOD)
        return status;
    if (names.count == 0 && !usim) {
        cli_error("%s has nothing to deliver; 'flipside persona issue --to' fills it", work->from);
        return CLI_FAILED;
    }
    struct report report = report_begin(cli);
    report_text(&report, "target", work->target.medium.path);
    report_text(&report, "device", work->target.device.hex);
    report_bool(&report, "dry-run", cli->dry_run);
    report_bool(&report, "usim", usim);
    report_list_begin(&report, "personas");
    for (size_t i = 0; i < names.count && status == CLI_GOOD; i++)
        status = deliver_one(cli, work, names.names[i], &report);
    report_list_end(&report);
    report_end(&report);
    return status;
}

static enum cli_exit run(struct cli *cli, int argc, char **argv) {
    static struct work work;
    const struct option_value options[] = {{.name = "fresh-root", .flag = &work.fresh_root}};
    int at = cli_options(cli, options, 1, argc, argv);
    if (at == 0)
        return CLI_USAGE;
    if ((at != argc - 2 && at != argc - 3) || (at == argc - 3 && !config_is_name(argv[argc - 1]))) {
        cli_error("needed: the directory of what was issued, and the target (see --help)");
        return CLI_USAGE;
    }
    work.from = argv[at];
    enum cli_exit status = target_open(cli, &work.target, argv[at + 1], cli->dry_run ? MEDIUM_READ : MEDIUM_CHANGE);
    if (status != CLI_GOOD)
        return status;
    status = deliver(cli, &work, at == argc - 3 ? argv[argc - 1] : NULL);
    return target_close(&work.target) ? status : CLI_FAILED;
}

const struct verb verb_deliver = {
    {"deliver", NULL},
    "put what was issued onto a device's disk",
    "usage: flipside deliver [--fresh-root] DIRECTORY TARGET [PERSONA]\n\n"
    "DIRECTORY is where 'persona issue', 'device recover' and 'usim issue' wrote; TARGET the device's disk, an\n"
    "image of it, or a directory (its mounted EFI system partition). Puts all personas there, or only PERSONA,\n"
    "that were issued to the device of this disk, and refuses what was not. A new version goes beside the one that\n"
    "is in use; its manifest is written last, so that a cut leaves what was there. An encrypted root file system\n"
    "goes onto the partition that is labelled as the persona, with the first grant only: later there are the\n"
    "user's data. With --org, a device that is not enrolled there, or was removed, gets nothing.\n\n"
    "  --fresh-root            write the root file system although the device has the persona; its data is lost\n",
    run,
};
