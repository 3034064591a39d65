// SPDX-License-Identifier: BSD-3-Clause
#define _XOPEN_SOURCE 700
#include "root.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "luks.h"

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

void root_write(const struct root *root, char *text) {
    static const char kinds[] = "-ide";
    if (root->kind == ROOT_NONE)
        text[0] = '\0';
    else
        (void)snprintf(text, ROOT_TEXT_SIZE, "%c %llu %s", kinds[root->kind], (unsigned long long)root->size,
                       root->path);
}

bool root_read(const char *text, struct root *root) {
    static const char kinds[] = "-ide";
    char *end = NULL;
    memset(root, 0, sizeof(*root));
    if (text[0] == '\0')
        return true;
    const char *kind = strchr(kinds, text[0]);
    if (kind == NULL || text[1] != ' ')
        return false;
    root->kind = (enum root_kind)(kind - kinds);
    root->size = strtoull(text + 2, &end, 10);
    return *end == ' ' && path_of(root->path, "%s", end + 1);
}

static void show_progress(void *context, uint64_t done, uint64_t all) { cli_progress(context, done, all); }

bool root_make(const struct root *root, const char *name, const uint8_t *key_file, const char *target) {
    char label[CLI_PATH_SIZE];
    (void)snprintf(label, sizeof(label), "root of %s", name);
    const struct luks_request request = {
        .source = root->kind == ROOT_IMAGE       ? LUKS_IMAGE
                  : root->kind == ROOT_DIRECTORY ? LUKS_DIRECTORY
                                                 : LUKS_EMPTY,
        .path = root->path,
        .size = root->size / BLOCK * BLOCK,
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
