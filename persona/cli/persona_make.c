// SPDX-License-Identifier: BSD-3-Clause
#define _POSIX_C_SOURCE 200809L
#include "persona_make.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/hkdf.h"
#include "initrd.h"
#include "kernel_image.h"
#include "pack.h"

/* ---- Settings */

/* As in persona.conf, whose reader says what is wrong with each. */
static bool take_setting(const char *key, const char *value, struct config_persona *config) {
    char text[CONFIG_FILE_MAX];
    int length = snprintf(text, sizeof(text), "kernel=kernel\n%s=%s\n", key, value);
    struct config_fault fault = {CONFIG_TOO_LONG, 0};
    if (strpbrk(value, "\r\n") != NULL)
        fault.error = CONFIG_BAD_CHARACTER;
    else if (length > 0 && (size_t)length < sizeof(text))
        fault = config_parse_persona(config, text, (size_t)length);
    if (fault.error != CONFIG_OK)
        cli_error("--%s=%s: %s", key, value, config_error_text(fault.error));
    return fault.error == CONFIG_OK;
}

static bool take_texts(const struct make_request *request, struct manifest *manifest) {
    struct config_persona config;
    if (request->title != NULL) {
        if (!take_setting("title", request->title, &config))
            return false;
        memcpy(manifest->title, config.title, sizeof(manifest->title));
    }
    if (request->command_line != NULL) {
        memset(config.command_line, 0, sizeof(config.command_line));
        if (request->command_line[0] != '\0' && !take_setting("cmdline", request->command_line, &config))
            return false;
        memcpy(manifest->command_line, config.command_line, sizeof(manifest->command_line));
    }
    if (request->memory == NULL)
        return true;
    bool good = take_setting("memory", request->memory, &config);
    manifest->memory = config.memory;
    return good;
}

static bool take_boards(const struct make_request *request, struct manifest *manifest) {
    for (size_t i = 0; i < request->board_count; i++) {
        if (!config_is_name(request->boards[i])) {
            cli_error("--board=%s: not a board's name", request->boards[i]);
            return false;
        }
        (void)snprintf(manifest->boards[i], CONFIG_NAME_SIZE, "%s", request->boards[i]);
    }
    if (request->board_count > 0)
        manifest->board_count = request->board_count;
    return true;
}

static bool take_unlock(const struct make_request *request, struct manifest *manifest) {
    if (request->unlock == NULL)
        return true;
    bool device = strcmp(request->unlock, "device") == 0;
    manifest->unlock = device ? MANIFEST_UNLOCK_DEVICE : MANIFEST_UNLOCK_PIN;
    if (device || strcmp(request->unlock, "pin") == 0)
        return true;
    cli_error("--unlock=%s: pin or device", request->unlock);
    return false;
}

static bool take_flip_timeout(const struct make_request *request, struct manifest *manifest) {
    uint64_t seconds = 0;
    if (request->flip_timeout == NULL)
        return true;
    bool good = cli_number("flip-timeout", request->flip_timeout, 1, CONFIG_FLIP_TIMEOUT_MAX, &seconds);
    manifest->flip_timeout_s = (uint32_t)seconds;
    return good;
}

static bool take_flip_policy(const struct make_request *request, struct manifest *manifest) {
    struct config_persona config;
    if (request->prewarm != NULL) {
        if (!take_setting("prewarm", request->prewarm, &config))
            return false;
        uint32_t seconds = manifest->prewarm_s != 0 ? manifest->prewarm_s : config.prewarm_s;
        manifest->prewarm_s = config.prewarm ? seconds : 0;
    }
    if (request->prewarm_seconds != NULL) {
        if (!take_setting("prewarm-seconds", request->prewarm_seconds, &config))
            return false;
        manifest->prewarm_s = manifest->prewarm_s != 0 ? config.prewarm_s : 0;
    }
    if (request->alarm_flip != NULL) {
        if (!take_setting("alarm-flip", request->alarm_flip, &config))
            return false;
        manifest->alarm_flip = config.alarm_flip;
    }
    return true;
}

static bool take_compression(const struct make_request *request, struct make *make) {
    if (request->compress == NULL)
        return true;
    make->as_it_is = strcmp(request->compress, "none") == 0;
    if (make->as_it_is || strcmp(request->compress, "lz4") == 0)
        return true;
    cli_error("--compress=%s: lz4 or none", request->compress);
    return false;
}

/* Devices take no version twice, and none that is older: it only goes up. */
static bool take_versions(const struct make_request *request, struct make *make) {
    struct manifest *manifest = &make->manifest;
    manifest->version = make->before.version + 1;
    if (request->version != NULL &&
        !cli_number("version", request->version, make->before.version + 1, INT64_MAX, &manifest->version))
        return false;
    manifest->minimum_version = make->before.version == 0 ? manifest->version : make->before.minimum_version;
    return request->minimum == NULL || cli_number("minimum-version", request->minimum, manifest->minimum_version,
                                                  manifest->version, &manifest->minimum_version);
}

bool make_settings(struct make *make, const struct make_request *request) {
    struct manifest *manifest = &make->manifest;
    return take_texts(request, manifest) && take_boards(request, manifest) && take_unlock(request, manifest) &&
           take_flip_timeout(request, manifest) && take_flip_policy(request, manifest) &&
           take_compression(request, make) && take_versions(request, make);
}

/* ---- Keys */

enum cli_exit make_open_keys(const struct cli *cli, struct make *make) {
    if (make->keys_open)
        return CLI_GOOD;
    make->keys_open = true;
    if (!passphrase_get(cli, false, &make->passphrase))
        return CLI_FAILED;
    enum cli_exit status =
        org_key_open(&make->record, ORG_KEY_STORAGE, &make->passphrase, &make->random, &make->storage);
    if (status != CLI_GOOD)
        return status;
    return org_key_open(&make->record, ORG_KEY_SIGNING, &make->passphrase, &make->random, &make->signing);
}

/* ---- Components */

/* @return bytes that it takes in memory; 0 when it is no kernel or initrd */
static uint64_t check_component(enum manifest_kind kind, const char *path, const void *bytes, size_t size) {
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
    struct file_output file;
    struct digest digest;
    uint64_t size;
};

static bool put(void *context, const void *data, size_t size) {
    struct output *output = context;
    digest_add(&output->digest, data, size);
    output->size += size;
    return descriptor_write(output->file.file, data, size);
}

static struct content_version version_of(const struct manifest *manifest) {
    struct content_version version = {.version = manifest->version};
    memcpy(version.id, manifest->id, sizeof(version.id));
    return version;
}

static enum stream_error encrypt(struct make *make, enum manifest_kind kind, const void *bytes, size_t size,
                                 struct output *output) {
    static uint8_t chunk[1 << STREAM_CHUNK_SHIFT];
    uint8_t name[STREAM_NAME_MAX];
    struct content_version version = version_of(&make->manifest);
    struct stream_key key = {make->content_key, name, content_name(&version, (unsigned)kind, name)};
    struct stream_writer writer;
    enum stream_error error = stream_write_open(&writer, &key, STREAM_CHUNK_SHIFT, chunk, &make->random, put, output);
    if (error == STREAM_OK)
        error = stream_write(&writer, bytes, size);
    if (error == STREAM_OK)
        error = stream_write_end(&writer);
    stream_write_close(&writer);
    return error;
}

static bool encrypt_to(struct make *make, struct manifest_component *component, const void *bytes, size_t size) {
    char path[CLI_PATH_SIZE];
    struct output output = {.size = 0};
    if (!persona_path(&make->record, make->manifest.name, make->manifest.version, component->file, path) ||
        !file_output_open(&output.file, path, false))
        return false;
    digest_begin(&output.digest);
    enum stream_error error = encrypt(make, component->kind, bytes, size, &output);
    bool good = digest_end(&output.digest, component->digest) && error == STREAM_OK;
    component->size = output.size;
    if (!good)
        cli_error("%s: %s", path, stream_error_text(error == STREAM_OK ? STREAM_FAILED : error));
    return file_output_close(&output.file, good);
}

static bool pack_to(struct make *make, struct manifest_component *component, const void *bytes, size_t size) {
    size_t packed_size = 0;
    void *packed = make->as_it_is ? NULL : pack(bytes, size, &packed_size);
    if (packed == NULL)
        return encrypt_to(make, component, bytes, size);
    component->packing = MANIFEST_LZ4;
    component->unpacked = size;
    bool good = encrypt_to(make, component, packed, packed_size);
    crypto_wipe(packed, packed_size);
    free(packed);
    return good;
}

bool make_component(const struct cli *cli, struct make *make, enum manifest_kind kind, const char *path,
                    const void *bytes, size_t size) {
    struct manifest_component *component = &make->manifest.components[make->manifest.component_count++];
    cli_progress(path, 0, 0);
    *component = (struct manifest_component){.kind = kind};
    component->memory = check_component(kind, path, bytes, size);
    (void)snprintf(component->file, sizeof(component->file), "%s", kind == MANIFEST_KERNEL ? "kernel" : "initrd");
    bool good = component->memory > 0 && (cli->dry_run || pack_to(make, component, bytes, size));
    cli_progress_end();
    return good;
}

static bool get(void *context, uint64_t offset, void *data, size_t size) {
    const struct cbor_bytes *file = context;
    if (offset > file->size || size > file->size - offset)
        return false;
    memcpy(data, file->start + offset, size);
    return true;
}

static void *unpack(const struct manifest_component *component, void *packed, size_t *size) {
    if (component->packing == MANIFEST_AS_IT_IS)
        return packed;
    void *bytes = pack_undo(component->file, packed, *size, (size_t)component->unpacked);
    crypto_wipe(packed, *size);
    free(packed);
    *size = (size_t)component->unpacked;
    return bytes;
}

void *make_decrypt(struct make *make, const struct manifest_component *component, const uint8_t *key, size_t *size) {
    static uint8_t chunk[1 << STREAM_CHUNK_SHIFT_MAX];
    char path[CLI_PATH_SIZE];
    uint8_t name[STREAM_NAME_MAX];
    struct content_version version = version_of(&make->before);
    struct stream_key stream_key = {key, name, content_name(&version, (unsigned)component->kind, name)};
    struct stream_reader reader;
    struct cbor_bytes file = {NULL, 0};
    if (!persona_path(&make->record, make->before.name, make->before.version, component->file, path))
        return NULL;
    uint8_t *bytes = persona_read_whole(path, &file.size);
    if (bytes == NULL)
        return NULL;
    file.start = bytes;
    enum stream_error error = stream_read_open(&reader, &stream_key, file.size, chunk, sizeof(chunk), get, &file);
    void *plain = error == STREAM_OK ? malloc((size_t)reader.size) : NULL;
    *size = (size_t)reader.size;
    if (plain != NULL)
        error = stream_read(&reader, 0, plain, *size);
    stream_read_close(&reader);
    free(bytes);
    if (plain != NULL && error == STREAM_OK)
        return unpack(component, plain, size);
    cli_error("%s: %s", path, error == STREAM_OK ? "not enough memory" : stream_error_text(error));
    free(plain);
    return NULL;
}

/* ---- Signing */

static bool keep_content_key(struct make *make) {
    uint8_t file[COSE_ENCRYPT_OVERHEAD + STREAM_KEY_SIZE + COSE_RECIPIENT_SIZE];
    char path[CLI_PATH_SIZE];
    size_t size = 0;
    struct content_version version = version_of(&make->manifest);
    enum content_error error =
        content_seal(make->content_key, &version, &make->record.storage, 1, &make->random, file, sizeof(file), &size);
    if (error != CONTENT_OK)
        cli_error("content key: %s", content_error_text(error));
    return error == CONTENT_OK &&
           persona_path(&make->record, make->manifest.name, make->manifest.version, "content.key", path) &&
           file_write(path, file, size, true);
}

bool make_sign(struct make *make) {
    static uint8_t file[MANIFEST_SIZE_MAX];
    uint8_t delegation[DELEGATION_SIZE_MAX];
    char path[CLI_PATH_SIZE];
    struct cbor_bytes chain;
    size_t size = 0;
    if (!keep_content_key(make) || !persona_chain(&make->record, &chain, delegation))
        return false;
    enum manifest_error error =
        manifest_write(&make->manifest, NULL, &chain, 1, &make->signing.signer, file, sizeof(file), &size);
    if (error != MANIFEST_OK)
        cli_error("manifest: %s", manifest_error_text(error));
    return error == MANIFEST_OK &&
           persona_path(&make->record, make->manifest.name, make->manifest.version, "manifest", path) &&
           file_write(path, file, size, false);
}

void make_close(struct make *make) {
    org_key_close(&make->storage);
    org_key_close(&make->signing);
    record_close(&make->record);
    crypto_wipe(make, sizeof(*make));
}
