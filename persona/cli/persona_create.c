// SPDX-License-Identifier: BSD-3-Clause
// flipside persona create
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/hkdf.h"
#include "initrd.h"
#include "kernel_image.h"
#include "persona.h"

/* What was asked for. */
struct request {
    const char *name, *title, *kernel, *initrd, *command_line, *memory, *unlock;
    const char *boards[MANIFEST_BOARDS_MAX];
    size_t board_count;
};

/* What is being made. */
struct work {
    struct record record;
    struct random_stream random;
    struct manifest manifest;
    struct content_version version;
    uint8_t content_key[STREAM_KEY_SIZE];
    struct passphrase passphrase;
    struct p256_private signing;
};

/* The device's own reader of persona.conf judges the values, so that both say the same of them. */
static bool take_settings(const struct request *request, struct manifest *manifest) {
    char text[CONFIG_FILE_MAX];
    struct config_persona config;
    int length = snprintf(text, sizeof(text), "kernel=kernel\ntitle=%s\n%s%s\n%s%s\n",
                          request->title != NULL ? request->title : request->name,
                          request->command_line != NULL ? "cmdline=" : "",
                          request->command_line != NULL ? request->command_line : "",
                          request->memory != NULL ? "memory=" : "", request->memory != NULL ? request->memory : "");
    if (length < 0 || (size_t)length >= sizeof(text)) {
        cli_error("title or command line is too long");
        return false;
    }
    struct config_fault fault = config_parse_persona(&config, text, (size_t)length);
    if (fault.error != CONFIG_OK) {
        static const char *const lines[] = {"", "", "--title", "--cmdline", "--memory"};
        cli_error("%s: %s", fault.line < 5 ? lines[fault.line] : "", config_error_text(fault.error));
        return false;
    }
    memcpy(manifest->title, config.title, sizeof(manifest->title));
    memcpy(manifest->command_line, config.command_line, sizeof(manifest->command_line));
    manifest->memory = config.memory;
    return true;
}

static bool take_targets(const struct request *request, struct manifest *manifest) {
    for (size_t i = 0; i < request->board_count; i++) {
        if (!config_is_name(request->boards[i])) {
            cli_error("--board=%s: not a board's name", request->boards[i]);
            return false;
        }
        (void)snprintf(manifest->boards[i], CONFIG_NAME_SIZE, "%s", request->boards[i]);
    }
    manifest->board_count = request->board_count;
    bool device = request->unlock != NULL && strcmp(request->unlock, "device") == 0;
    manifest->unlock = device ? MANIFEST_UNLOCK_DEVICE : MANIFEST_UNLOCK_PIN;
    if (device || request->unlock == NULL || strcmp(request->unlock, "pin") == 0)
        return true;
    cli_error("--unlock=%s: pin or device", request->unlock);
    return false;
}

static void *read_whole(const char *path, size_t *size) {
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0) {
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

/* @return bytes that it takes in memory; 0 when it is no kernel or initrd */
static uint64_t check_component(enum manifest_kind kind, const char *path, void *bytes, size_t size) {
    const char *fault = NULL;
    uint64_t memory = size;
    if (kind == MANIFEST_KERNEL) {
        struct kernel_image image;
        enum kernel_image_error error = kernel_image_open(&image, bytes, size);
        fault = error == KERNEL_IMAGE_OK ? NULL : kernel_image_error_text(error);
        memory = error == KERNEL_IMAGE_OK && image.format != KERNEL_IMAGE_RAW ? image.unpacked_size : size;
    } else {
        enum initrd_error error = initrd_check(bytes, size);
        fault = error == INITRD_OK ? NULL : initrd_error_text(error);
    }
    if (fault != NULL)
        cli_error("%s: %s", path, fault);
    return fault == NULL ? memory : 0;
}

/* An encrypted file being written, and its digest. */
struct output {
    FILE *file;
    struct digest digest;
    uint64_t size;
};

static bool put(void *context, const void *data, size_t size) {
    struct output *output = context;
    digest_add(&output->digest, data, size);
    output->size += size;
    return fwrite(data, 1, size, output->file) == size;
}

static enum stream_error encrypt(struct work *work, enum manifest_kind kind, const void *bytes, size_t size,
                                 struct output *output) {
    static uint8_t chunk[1 << STREAM_CHUNK_SHIFT];
    uint8_t name[STREAM_NAME_MAX];
    struct stream_key key = {work->content_key, name, content_name(&work->version, (unsigned)kind, name)};
    struct stream_writer writer;
    enum stream_error error = stream_write_open(&writer, &key, STREAM_CHUNK_SHIFT, chunk, &work->random, put, output);
    if (error == STREAM_OK)
        error = stream_write(&writer, bytes, size);
    if (error == STREAM_OK)
        error = stream_write_end(&writer);
    stream_write_close(&writer);
    return error;
}

static bool encrypt_to(struct work *work, struct manifest_component *component, const void *bytes, size_t size) {
    char path[CLI_PATH_SIZE];
    struct output output = {0};
    if (!persona_path(&work->record, work->manifest.name, work->manifest.version, component->file, path))
        return false;
    output.file = fopen(path, "wb");
    digest_begin(&output.digest);
    enum stream_error error = output.file == NULL ? STREAM_IO : encrypt(work, component->kind, bytes, size, &output);
    bool good = digest_end(&output.digest, component->digest) && error == STREAM_OK;
    if (output.file != NULL)
        good = fflush(output.file) == 0 && fsync(fileno(output.file)) == 0 && fclose(output.file) == 0 && good;
    component->size = output.size;
    if (!good)
        cli_error("%s: %s", path, stream_error_text(error == STREAM_OK ? STREAM_IO : error));
    return good;
}

static bool add_component(const struct cli *cli, struct work *work, enum manifest_kind kind, const char *path) {
    struct manifest_component *component = &work->manifest.components[work->manifest.component_count++];
    size_t size = 0;
    void *bytes = read_whole(path, &size);
    if (bytes == NULL)
        return false;
    if (isatty(STDERR_FILENO))
        (void)fprintf(stderr, "%s: %zu MB\n", path, size >> 20);
    component->kind = kind;
    component->memory = check_component(kind, path, bytes, size);
    (void)snprintf(component->file, sizeof(component->file), "%s", kind == MANIFEST_KERNEL ? "kernel" : "initrd");
    bool good = component->memory > 0 && (cli->dry_run || encrypt_to(work, component, bytes, size));
    free(bytes);
    return good;
}

static enum cli_exit open_signing(const struct cli *cli, struct work *work) {
    char path[CLI_PATH_SIZE];
    uint8_t scalar[P256_SIZE];
    if (!passphrase_get(cli, false, &work->passphrase) || !path_of(path, "%s/signing.key", cli->organisation))
        return CLI_FAILED;
    enum cli_exit status = key_file_read(path, "signing", &work->passphrase, scalar);
    if (status == CLI_GOOD && p256_from_scalar(&work->signing, scalar, &work->random) != P256_OK)
        status = CLI_FAILED;
    crypto_wipe(scalar, sizeof(scalar));
    return status;
}

static bool sign(struct work *work) {
    static uint8_t file[MANIFEST_SIZE_MAX];
    uint8_t delegation[DELEGATION_SIZE_MAX];
    char path[CLI_PATH_SIZE];
    size_t size = 0;
    struct cbor_bytes chain = {delegation, 0};
    struct p256_software software = {&work->signing, &work->random};
    struct p256_signer signer = p256_software_signer(&software);
    if (!path_of(path, "%s/signing.delegation", work->record.directory) ||
        !file_read(path, delegation, sizeof(delegation), &chain.size))
        return false;
    enum manifest_error error = manifest_write(&work->manifest, NULL, &chain, 1, &signer, file, sizeof(file), &size);
    if (error != MANIFEST_OK)
        cli_error("manifest: %s", manifest_error_text(error));
    return error == MANIFEST_OK &&
           persona_path(&work->record, work->manifest.name, work->manifest.version, "manifest", path) &&
           file_write(path, file, size, false);
}

static bool keep_content_key(struct work *work) {
    char path[CLI_PATH_SIZE];
    return persona_path(&work->record, work->manifest.name, work->manifest.version, "content.key", path) &&
           key_file_write(path, "content", work->content_key, &work->passphrase, &work->random);
}

static bool note(struct work *work) {
    const struct record_value persona[] = {{.text = work->manifest.name},
                                           {.bytes = work->manifest.id, .size = sizeof(work->manifest.id)}};
    const struct record_value version[] = {{.text = work->manifest.name}, {.number = work->manifest.version}};
    return record_change(&work->record, "BEGIN", NULL, 0) &&
           record_change(&work->record, "INSERT INTO persona VALUES (?, ?)", persona, 2) &&
           record_change(&work->record, "INSERT INTO version (persona, version) VALUES (?, ?)", version, 2) &&
           record_change(&work->record, "COMMIT", NULL, 0);
}

static bool is_new(struct work *work, const char *name) {
    const struct record_value value = {.text = name};
    if (record_number(&work->record, "SELECT count(*) FROM persona WHERE name = ?", &value, 1, 1) == 0)
        return true;
    cli_error("there is a persona %s already; it was left as it is", name);
    return false;
}

static bool begin(struct work *work, const struct request *request) {
    if (!host_random(&work->random) || !is_new(work, request->name) ||
        random_bytes(&work->random, work->manifest.id, sizeof(work->manifest.id)) != RANDOM_OK ||
        random_bytes(&work->random, work->content_key, sizeof(work->content_key)) != RANDOM_OK)
        return false;
    (void)snprintf(work->manifest.name, sizeof(work->manifest.name), "%s", request->name);
    work->manifest.version = work->manifest.minimum_version = 1;
    work->version.version = 1;
    memcpy(work->version.id, work->manifest.id, sizeof(work->version.id));
    return take_settings(request, &work->manifest) && take_targets(request, &work->manifest);
}

static enum cli_exit create(const struct cli *cli, struct work *work, const struct request *request) {
    char path[CLI_PATH_SIZE];
    if (!begin(work, request))
        return CLI_FAILED;
    if (!cli->dry_run) {
        enum cli_exit status = open_signing(cli, work);
        if (status != CLI_GOOD)
            return status;
        if (!persona_path(&work->record, request->name, 1, "", path) || !directory_make(path))
            return CLI_FAILED;
    }
    bool good = add_component(cli, work, MANIFEST_KERNEL, request->kernel) &&
                (request->initrd == NULL || add_component(cli, work, MANIFEST_INITRD, request->initrd));
    if (good && !cli->dry_run)
        good = sign(work) && keep_content_key(work) && note(work);
    return good ? CLI_GOOD : CLI_FAILED;
}

static void print(const struct cli *cli, const struct manifest *manifest) {
    struct report report = report_begin(cli);
    report_text(&report, "persona", manifest->name);
    report_hex(&report, "id", manifest->id, sizeof(manifest->id));
    report_number(&report, "version", manifest->version);
    report_bool(&report, "dry-run", cli->dry_run);
    report_end(&report);
}

static enum cli_exit run(struct cli *cli, int argc, char **argv) {
    struct request request = {0};
    const struct option_value options[] = {
        {.name = "title", .to = &request.title},
        {.name = "kernel", .to = &request.kernel},
        {.name = "initrd", .to = &request.initrd},
        {.name = "cmdline", .to = &request.command_line},
        {.name = "memory", .to = &request.memory},
        {.name = "unlock", .to = &request.unlock},
        {.name = "board", .list = request.boards, .list_room = MANIFEST_BOARDS_MAX, .list_count = &request.board_count},
    };
    static struct work work;
    int at = cli_options(cli, options, sizeof(options) / sizeof(options[0]), argc, argv);
    if (at == 0)
        return CLI_USAGE;
    if (at != argc - 1 || !config_is_name(argv[at]) || request.kernel == NULL || request.board_count == 0) {
        cli_error("needed: --kernel=FILE --board=NAME and the persona's name, [a-z0-9-]{1,31} (see --help)");
        return CLI_USAGE;
    }
    request.name = argv[at];
    if (!record_open(&work.record, cli))
        return CLI_FAILED;
    enum cli_exit status = create(cli, &work, &request);
    record_close(&work.record);
    if (status == CLI_GOOD)
        print(cli, &work.manifest);
    crypto_wipe(&work, sizeof(work));
    return status;
}

const struct verb verb_persona_create = {
    {"persona", "create"},
    "make a persona's first version: checked, encrypted, signed",
    "usage: flipside persona create --kernel=FILE --board=NAME [OPTIONS] PERSONA\n\n"
    "Checks kernel and initrd as a device would, encrypts them under a new content key, and signs a manifest of them.\n"
    "All of it is kept in the organisation's directory until it is issued to devices.\n\n"
    "  --kernel=FILE           arm64 kernel: Image, or packed as the loader knows it\n"
    "  --initrd=FILE           initial file system\n"
    "  --cmdline=TEXT          the kernel's command line\n"
    "  --title=TEXT            what the picker shows; else the name\n"
    "  --memory=SHARE          40%, 768M or 2G; else an equal part\n"
    "  --board=NAME            kind of device that it is for; may be given again\n"
    "  --unlock=pin|device     whether the user's PIN is needed (pin, unless given)\n",
    run,
};
