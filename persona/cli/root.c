// SPDX-License-Identifier: BSD-3-Clause
#define _XOPEN_SOURCE 700
#include "root.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "luks.h"
#include "persona.h"

enum { BLOCK = 4096 };

/* 512M or 2G. */
static bool parse_size(const char *text, uint64_t *size) {
    char *end = NULL;
    uint64_t number = strtoull(text, &end, 10);
    unsigned shift = *end == 'M' ? 20 : 30;
    if (text[0] < '0' || text[0] > '9' || (*end != 'M' && *end != 'G') || end[1] != '\0' || number == 0 ||
        number > UINT64_MAX >> 34)
        return false;
    *size = number << shift;
    return true;
}

bool root_take(const char *what, const char *size, struct root *root) {
    struct stat status;
    memset(root, 0, sizeof(*root));
    if (what == NULL)
        return true;
    if (size == NULL && parse_size(what, &root->size)) {
        root->kind = ROOT_EMPTY;
        return true;
    }
    if (stat(what, &status) != 0 || realpath(what, root->path) == NULL) {
        cli_error("--root=%s: neither an image, nor a directory, nor a size such as 2G", what);
        return false;
    }
    root->kind = S_ISDIR(status.st_mode) ? ROOT_DIRECTORY : ROOT_IMAGE;
    if ((root->kind == ROOT_DIRECTORY) == (size != NULL && parse_size(size, &root->size)) &&
        (root->kind == ROOT_DIRECTORY || size == NULL))
        return true;
    cli_error("--root=%s: %s", what,
              root->kind == ROOT_DIRECTORY ? "a directory needs --root-size, such as 2G" : "an image has its own size");
    return false;
}

/* Reads a file to its end. */
static bool measure(const char *path, uint64_t *size, uint8_t *result) {
    static uint8_t piece[1 << 20];
    struct digest digest;
    FILE *file = fopen(path, "rb");
    digest_begin(&digest);
    *size = 0;
    for (size_t got = 1; file != NULL && got > 0; *size += got) {
        got = fread(piece, 1, sizeof(piece), file);
        digest_add(&digest, piece, got);
        if (*size % (64 << 20) == 0)
            cli_progress(path, 0, 0);
    }
    bool good = file != NULL && ferror(file) == 0 && *size > 0;
    cli_progress_end();
    if (file != NULL)
        (void)fclose(file);
    if (!good)
        cli_error("%s: can't be read, or is empty", path);
    return digest_end(&digest, result) && good;
}

bool root_measure(struct root *root) {
    return root->kind != ROOT_IMAGE || measure(root->path, &root->size, root->digest);
}

/* ---- The note of it (persona/cli/cli.cddl) */

#define ROOT_TYPE "application/vnd.flipside.root+cbor"

enum { FORMAT = 1, ITEMS = 7, NOTE_MAX = CLI_PATH_SIZE + 256, OBJECT_MAX = NOTE_MAX + NOTE_OVERHEAD };

static bool note_path(const struct record *record, const struct manifest *manifest, char *path) {
    return persona_path(record, manifest->name, manifest->version, "root", path);
}

bool root_write(const struct root *root, const struct record *record, const struct manifest *manifest,
                const struct org_key *signing) {
    uint8_t note[NOTE_MAX], object[OBJECT_MAX];
    char path[CLI_PATH_SIZE];
    size_t size = 0;
    struct cbor_writer writer = cbor_write(note, sizeof(note));
    cbor_write_array(&writer, ITEMS);
    cbor_write_uint(&writer, FORMAT);
    cbor_write_bytes(&writer, manifest->id, sizeof(manifest->id));
    cbor_write_uint(&writer, manifest->version);
    cbor_write_uint(&writer, (uint64_t)root->kind);
    cbor_write_bytes(&writer, root->path, strlen(root->path));
    cbor_write_uint(&writer, root->size);
    cbor_write_bytes(&writer, root->digest, sizeof(root->digest));
    const struct cose_content content = {ROOT_TYPE, note, writer.size};
    return !writer.failed && note_write(record, signing, &content, object, sizeof(object), &size) &&
           note_path(record, manifest, path) && file_write(path, object, size, false);
}

static bool parse(struct root *root, const struct manifest *manifest, struct cbor_bytes note) {
    struct cbor_reader reader = cbor_read(note.start, note.size);
    uint8_t id[MANIFEST_ID_SIZE];
    (void)cbor_read_array_of(&reader, ITEMS, ITEMS);
    bool same = cbor_read_uint(&reader) == FORMAT;
    cbor_read_exactly(&reader, id, sizeof(id));
    same = memcmp(id, manifest->id, sizeof(id)) == 0 && cbor_read_uint(&reader) == manifest->version && same;
    uint64_t kind = cbor_read_uint(&reader);
    struct cbor_bytes path = cbor_read_bytes(&reader, sizeof(root->path) - 1);
    root->size = cbor_read_uint(&reader);
    cbor_read_exactly(&reader, root->digest, sizeof(root->digest));
    if (!cbor_read_end(&reader) || !same || kind > ROOT_EMPTY)
        return false;
    memcpy(root->path, path.start, path.size);
    root->kind = (enum root_kind)kind;
    return true;
}

enum cli_exit root_read(struct root *root, const struct record *record, const struct manifest *manifest) {
    uint8_t object[OBJECT_MAX];
    char path[CLI_PATH_SIZE];
    size_t size = 0;
    struct cbor_bytes note;
    memset(root, 0, sizeof(*root));
    if (!note_path(record, manifest, path) || !file_read(path, object, sizeof(object), &size))
        return CLI_FAILED;
    struct delegation_trust trust = note_trust(record);
    enum cli_exit status = note_read(&trust, path, ROOT_TYPE, (struct cbor_bytes){object, size}, &note);
    if (status != CLI_GOOD || parse(root, manifest, note))
        return status;
    memset(root, 0, sizeof(*root));
    cli_error("%s: of another persona or version", path);
    return CLI_REFUSED;
}

void root_report(const struct root *root, struct report *report) {
    static const char *const kinds[] = {"", "image", "directory", "empty"};
    if (root->kind == ROOT_NONE)
        return;
    report_text(report, "root", kinds[root->kind]);
    if (root->kind != ROOT_EMPTY)
        report_text(report, "root-from", root->path);
    report_number(report, "root-size", root->size);
    if (root->kind == ROOT_IMAGE)
        report_hex(report, "root-digest", root->digest, sizeof(root->digest));
}

/* ---- Encrypting it */

static void show_progress(void *context, uint64_t done, uint64_t all) { cli_progress(context, done, all); }

bool root_make(const struct root *root, const char *name, const uint8_t *key_file, const char *target) {
    char label[CLI_PATH_SIZE];
    (void)snprintf(label, sizeof(label), "root of %s", name);
    const struct luks_request request = {
        .source = root->kind == ROOT_IMAGE       ? LUKS_IMAGE
                  : root->kind == ROOT_DIRECTORY ? LUKS_DIRECTORY
                                                 : LUKS_EMPTY,
        .path = root->path,
        .size = root->kind == ROOT_IMAGE ? root->size : root->size / BLOCK * BLOCK,
        .digest = root->kind == ROOT_IMAGE ? root->digest : NULL,
        .label = strlen(name) <= LUKS_LABEL_MAX && root->kind != ROOT_IMAGE ? name : NULL,
        .key_file = key_file,
        .sparse = true,
        .progress = show_progress,
        .context = label,
    };
    bool good = luks_make(&request, target);
    cli_progress_end();
    return good;
}

/* ---- What was issued */

#define IMAGE_TYPE "application/vnd.flipside.root-image+cbor"

enum { IMAGE_FORMAT = 1, IMAGE_ITEMS = 5, IMAGE_NOTE_MAX = 128, IMAGE_MAX = IMAGE_NOTE_MAX + NOTE_OVERHEAD };

static bool write_image(const struct root_image *image, uint8_t *note, size_t *size) {
    uint8_t digest[DIGEST_SIZE];
    uint64_t bytes = 0;
    struct cbor_writer writer = cbor_write(note, IMAGE_NOTE_MAX);
    if (!measure(image->path, &bytes, digest))
        return false;
    cbor_write_array(&writer, IMAGE_ITEMS);
    cbor_write_uint(&writer, IMAGE_FORMAT);
    cbor_write_bytes(&writer, image->id, MANIFEST_ID_SIZE);
    cbor_write_bytes(&writer, image->device, P256_THUMBPRINT_SIZE);
    cbor_write_uint(&writer, bytes);
    cbor_write_bytes(&writer, digest, sizeof(digest));
    *size = writer.size;
    return !writer.failed;
}

bool root_image_sign(const struct root_image *image, const struct record *record, const struct org_key *signing) {
    uint8_t note[IMAGE_NOTE_MAX], object[IMAGE_MAX];
    char path[CLI_PATH_SIZE];
    size_t note_size = 0, size = 0;
    if (!write_image(image, note, &note_size))
        return false;
    const struct cose_content content = {IMAGE_TYPE, note, note_size};
    return note_write(record, signing, &content, object, sizeof(object), &size) &&
           path_of(path, "%s.signed", image->path) && file_write(path, object, size, false);
}

enum cli_exit root_image_check(const struct root_image *image, const struct delegation_trust *trust) {
    uint8_t note[IMAGE_NOTE_MAX], object[IMAGE_MAX];
    char path[CLI_PATH_SIZE];
    size_t note_size = 0, size = 0;
    struct cbor_bytes noted;
    if (!path_of(path, "%s.signed", image->path) || !file_read(path, object, sizeof(object), &size))
        return CLI_FAILED;
    enum cli_exit status = note_read(trust, path, IMAGE_TYPE, (struct cbor_bytes){object, size}, &noted);
    if (status != CLI_GOOD)
        return status;
    if (!write_image(image, note, &note_size))
        return CLI_FAILED;
    if (cbor_bytes_equal(noted, note, note_size))
        return CLI_GOOD;
    cli_error(
        "%s was altered since it was issued, or is of another persona or device: carry it over again, or issue it "
        "again",
        image->path);
    return CLI_REFUSED;
}
