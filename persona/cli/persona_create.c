// SPDX-License-Identifier: BSD-3-Clause
// flipside persona create, flipside persona update
#include <stdlib.h>
#include <string.h>

#include "crypto/hkdf.h"
#include "persona_make.h"
#include "root.h"

/* Options of both verbs. */
struct asked {
    struct make_request request;
    const char *root, *root_size;
};

static bool is_new(struct make *make, const char *name) {
    const struct record_value value = {.text = name};
    if (record_number(&make->record, "SELECT count(*) FROM persona WHERE name = ?", &value, 1, 1) == 0)
        return true;
    cli_error("there is a persona %s already; it was left as it is", name);
    return false;
}

static bool note_persona(struct make *make) {
    const struct record_value values[] = {{.text = make->manifest.name},
                                          {.bytes = make->manifest.id, .size = sizeof(make->manifest.id)}};
    return record_change(&make->record, "INSERT INTO persona VALUES (?, ?)", values, 2);
}

static bool note(struct make *make) {
    const struct record_value version[] = {{.text = make->manifest.name}, {.number = make->manifest.version}};
    return record_change(&make->record, "BEGIN", NULL, 0) && (make->before.version != 0 || note_persona(make)) &&
           record_change(&make->record, "INSERT INTO version (persona, version) VALUES (?, ?)", version, 2) &&
           record_change(&make->record, "COMMIT", NULL, 0);
}

static bool begin_version(const struct cli *cli, struct make *make, const struct make_request *request) {
    char path[CLI_PATH_SIZE];
    return make_settings(make, request) &&
           random_bytes(&make->random, make->content_key, sizeof(make->content_key)) == RANDOM_OK &&
           (cli->dry_run || (persona_path(&make->record, make->manifest.name, make->manifest.version, "", path) &&
                             directory_make(path)));
}

static bool add_file(const struct cli *cli, struct make *make, enum manifest_kind kind, const char *path) {
    size_t size = 0;
    void *bytes = persona_read_whole(path, &size);
    bool good = bytes != NULL && make_component(cli, make, kind, path, bytes, size);
    free(bytes);
    return good;
}

/* The same as in the version before; without a key nothing can be looked at, nor is there anything to look at. */
static bool keep_component(const struct cli *cli, struct make *make, const struct manifest_component *component,
                           const uint8_t *key) {
    size_t size = 0;
    if (cli->dry_run)
        return true;
    void *bytes = make_decrypt(make, component, key, &size);
    bool good = bytes != NULL && make_component(cli, make, component->kind, component->file, bytes, size);
    if (bytes != NULL)
        crypto_wipe(bytes, size);
    free(bytes);
    return good;
}

static bool add_or_keep(const struct cli *cli, struct make *make, enum manifest_kind kind, const char *path,
                        const uint8_t *key) {
    const struct manifest_component *before = manifest_component(&make->before, kind);
    if (path != NULL)
        return path[0] == '\0' || add_file(cli, make, kind, path);
    return before == NULL || keep_component(cli, make, before, key);
}

/* Only an image that was just given is measured: another one is noted as it was. */
static bool finish(struct make *make, const struct asked *asked, struct root *root) {
    return (asked->root == NULL || root_measure(root)) &&
           root_write(root, &make->record, &make->manifest, &make->signing) && make_sign(make) && note(make);
}

static enum cli_exit create(const struct cli *cli, struct make *make, const struct asked *asked) {
    struct root root;
    const char *name = asked->request.name;
    if (!host_random(&make->random) || !is_new(make, name) || !root_take(asked->root, asked->root_size, &root) ||
        random_bytes(&make->random, make->manifest.id, sizeof(make->manifest.id)) != RANDOM_OK)
        return CLI_FAILED;
    (void)snprintf(make->manifest.name, sizeof(make->manifest.name), "%s", name);
    (void)snprintf(make->manifest.title, sizeof(make->manifest.title), "%s", name);
    make->manifest.unlock = MANIFEST_UNLOCK_PIN;
    enum cli_exit status = cli->dry_run ? CLI_GOOD : make_open_keys(cli, make);
    if (status != CLI_GOOD)
        return status;
    bool good = begin_version(cli, make, &asked->request) &&
                add_or_keep(cli, make, MANIFEST_KERNEL, asked->request.kernel, NULL) &&
                add_or_keep(cli, make, MANIFEST_INITRD, asked->request.initrd, NULL);
    if (good && !cli->dry_run)
        good = finish(make, asked, &root);
    return good ? CLI_GOOD : CLI_FAILED;
}

/* What is not given again stays as it is. */
static enum cli_exit update(const struct cli *cli, struct make *make, const struct asked *asked) {
    static uint8_t bytes[MANIFEST_SIZE_MAX];
    uint8_t key[STREAM_KEY_SIZE] = {0};
    struct root root;
    size_t size = 0;
    uint64_t version = persona_newest(&make->record, asked->request.name);
    if (version == 0 || !host_random(&make->random))
        return CLI_FAILED;
    enum cli_exit status = persona_manifest(&make->record, asked->request.name, version, &make->before, bytes, &size);
    if (status == CLI_GOOD)
        status = root_read(&root, &make->record, &make->before);
    if (status == CLI_GOOD && asked->root != NULL && !root_take(asked->root, asked->root_size, &root))
        status = CLI_FAILED;
    if (status == CLI_GOOD && !cli->dry_run)
        status = make_open_keys(cli, make);
    if (status == CLI_GOOD && !cli->dry_run)
        status = persona_content_key(&make->record, &make->before, &make->storage, key);
    if (status != CLI_GOOD)
        return status;
    make->manifest = make->before;
    make->manifest.component_count = 0;
    bool good = begin_version(cli, make, &asked->request) &&
                add_or_keep(cli, make, MANIFEST_KERNEL, asked->request.kernel, key) &&
                add_or_keep(cli, make, MANIFEST_INITRD, asked->request.initrd, key);
    crypto_wipe(key, sizeof(key));
    if (good && !cli->dry_run)
        good = finish(make, asked, &root);
    return good ? CLI_GOOD : CLI_FAILED;
}

static void print(const struct cli *cli, const struct manifest *manifest) {
    struct report report = report_begin(cli);
    report_text(&report, "persona", manifest->name);
    report_hex(&report, "id", manifest->id, sizeof(manifest->id));
    report_number(&report, "version", manifest->version);
    report_number(&report, "minimum-version", manifest->minimum_version);
    report_bool(&report, "dry-run", cli->dry_run);
    report_end(&report);
}

/* @return CLI_GOOD when all that is needed was given */
static enum cli_exit take_options(struct cli *cli, struct asked *asked, bool is_update, int argc, char **argv) {
    struct make_request *request = &asked->request;
    const struct option_value options[] = {
        {.name = "title", .to = &request->title},
        {.name = "kernel", .to = &request->kernel},
        {.name = "initrd", .to = &request->initrd},
        {.name = "cmdline", .to = &request->command_line},
        {.name = "memory", .to = &request->memory},
        {.name = "unlock", .to = &request->unlock},
        {.name = "flip-timeout", .to = &request->flip_timeout},
        {.name = "prewarm", .to = &request->prewarm},
        {.name = "prewarm-seconds", .to = &request->prewarm_seconds},
        {.name = "alarm-flip", .to = &request->alarm_flip},
        {.name = "compress", .to = &request->compress},
        {.name = "board",
         .list = request->boards,
         .list_room = MANIFEST_BOARDS_MAX,
         .list_count = &request->board_count},
        {.name = "root", .to = &asked->root},
        {.name = "root-size", .to = &asked->root_size},
        {.name = "version", .to = &request->version},
        {.name = "minimum-version", .to = &request->minimum},
    };
    enum { OF_UPDATE = 2 /* the last ones */ };
    size_t count = sizeof(options) / sizeof(options[0]) - (is_update ? 0 : OF_UPDATE);
    int at = cli_options(cli, options, count, argc, argv);
    if (at == 0)
        return CLI_USAGE;
    if (request->kernel != NULL && request->kernel[0] == '\0') {
        cli_error("--kernel=FILE: a persona has a kernel");
        return CLI_USAGE;
    }
    if (asked->root_size != NULL && asked->root == NULL) {
        cli_error("--root-size is of the directory that --root names: give both");
        return CLI_USAGE;
    }
    bool complete = is_update || (request->kernel != NULL && request->board_count > 0);
    if (at == argc - 1 && config_is_name(argv[at]) && complete) {
        request->name = argv[at];
        return CLI_GOOD;
    }
    cli_error("needed: %sthe persona's name, [a-z0-9-]{1,31} (see --help)",
              is_update ? "" : "--kernel=FILE --board=NAME and ");
    return CLI_USAGE;
}

static enum cli_exit run_either(struct cli *cli, bool is_update, int argc, char **argv) {
    static struct make make;
    struct asked asked = {.root = NULL};
    enum cli_exit status = take_options(cli, &asked, is_update, argc, argv);
    if (status != CLI_GOOD)
        return status;
    if (!record_open_to_change(&make.record, cli))
        return CLI_FAILED;
    status = is_update ? update(cli, &make, &asked) : create(cli, &make, &asked);
    if (status == CLI_GOOD)
        print(cli, &make.manifest);
    make_close(&make);
    return status;
}

static enum cli_exit run_create(struct cli *cli, int argc, char **argv) { return run_either(cli, false, argc, argv); }

static enum cli_exit run_update(struct cli *cli, int argc, char **argv) { return run_either(cli, true, argc, argv); }

const struct verb verb_persona_create = {
    {"persona", "create"},
    "make a persona's first version: checked, encrypted, signed",
    "usage: flipside persona create --kernel=FILE --board=NAME [OPTIONS] PERSONA\n\n"
    "Checks kernel and initrd as a device would, compresses them where that gains, encrypts them under a new content\n"
    "key, and signs a manifest of them.\n"
    "All of it is kept in the organisation's directory until it is issued to devices. The root file system is "
    "encrypted\n"
    "when the persona is issued, for each device with its own key; it goes onto the partition labelled PERSONA.\n\n"
    "  --kernel=FILE           arm64 kernel: Image, or packed as the loader knows it\n"
    "  --initrd=FILE           initial file system\n"
    "  --cmdline=TEXT          the kernel's command line\n"
    "  --title=TEXT            what the picker shows; else the name\n"
    "  --memory=SHARE          40%, 768M or 2G; else an equal part\n"
    "  --board=NAME            kind of device that it is for; may be given again\n"
    "  --unlock=pin|device     whether the user's PIN is needed (pin, unless given)\n"
    "  --flip-timeout=SECONDS  how long it may take to answer a flip, 1 to 300; else the terminal's\n"
    "  --prewarm=yes|no        start it at power-on, and suspend it when its agent says that it is up (no)\n"
    "  --prewarm-seconds=N     how long that may take, 1 to 3600 (120)\n"
    "  --alarm-flip=yes|no     an alarm of its clock that comes due while another persona runs asks for a flip to it "
    "(no)\n"
    "  --compress=lz4|none     how kernel and initrd are kept: LZ4 where it makes them smaller (unless given), or as "
    "they are\n"
    "  --root=WHAT             its root file system: an image, a directory, or the size of an empty one (2G); an\n"
    "                          image's digest is noted, and issue refuses one that changed\n"
    "  --root-size=SIZE        how large to make the file system of a directory\n",
    run_create,
};

const struct verb verb_persona_update = {
    {"persona", "update"},
    "make a persona's next version",
    "usage: flipside persona update [OPTIONS] PERSONA\n\n"
    "Makes a version with a higher number; what is not given stays as it is. Devices that have the persona get it "
    "with\n"
    "persona issue and deliver: they try it, and go back to the one before if it does not come up. The root file "
    "system\n"
    "is the user's by now and not touched; devices that get the persona from now on are given the one of --root.\n\n"
    "  --kernel=FILE           arm64 kernel: Image, or packed as the loader knows it\n"
    "  --initrd=FILE           initial file system; empty: none any more\n"
    "  --cmdline=TEXT          the kernel's command line\n"
    "  --title=TEXT            what the picker shows\n"
    "  --memory=SHARE          40%, 768M or 2G\n"
    "  --board=NAME            kind of device that it is for; may be given again, and replaces all before\n"
    "  --unlock=pin|device     whether the user's PIN is needed, on devices that get the persona from now on\n"
    "  --flip-timeout=SECONDS  how long it may take to answer a flip, 1 to 300\n"
    "  --prewarm=yes|no        start it at power-on, and suspend it when its agent says that it is up\n"
    "  --prewarm-seconds=N     how long that may take, 1 to 3600\n"
    "  --alarm-flip=yes|no     an alarm of its clock that comes due while another persona runs asks for a flip to it\n"
    "  --compress=lz4|none     how kernel and initrd are kept: LZ4 where it makes them smaller (unless given), or as "
    "they are\n"
    "  --root=WHAT             as of persona create; also to take an image that changed\n"
    "  --root-size=SIZE        how large to make the file system of a directory\n"
    "  --version=NUMBER        its number, above all before; else the next one\n"
    "  --minimum-version=NUMBER  devices on which this version came up take none below; it only goes up\n",
    run_update,
};
