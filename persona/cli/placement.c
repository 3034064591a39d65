// SPDX-License-Identifier: BSD-3-Clause
#include "placement.h"

#include <stdarg.h>
#include <string.h>

static const char list_path[] = PLACEMENT_FOLDER "/list";

static const char *const kinds[] = {"directory", "new", "kept"};

struct placement *placements_find(struct placements *placements, const char *path) {
    for (size_t i = 0; i < placements->count; i++)
        if (strcmp(placements->items[i].path, path) == 0)
            return &placements->items[i];
    return NULL;
}

struct placement *placements_add(struct placements *placements, enum placement_kind kind, const char *path) {
    if (placements->count == PLACEMENTS_MAX || strlen(path) >= PLACEMENT_PATH_SIZE) {
        cli_error("%s: too many files for one installation, or too long a path", path);
        return NULL;
    }
    struct placement *placement = &placements->items[placements->count++];
    memset(placement, 0, sizeof(*placement));
    placement->kind = kind;
    (void)snprintf(placement->path, sizeof(placement->path), "%s", path);
    return placement;
}

/* ---- Reading: the disk is not to be trusted */

static bool read_digest(const char *text, uint8_t *digest) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        const char *high = text[2 * i] == '\0' ? NULL : strchr(digits, text[2 * i]);
        const char *low = high == NULL || text[2 * i + 1] == '\0' ? NULL : strchr(digits, text[2 * i + 1]);
        if (low == NULL)
            return false;
        digest[i] = (uint8_t)((high - digits) << 4 | (low - digits));
    }
    return text[2 * (size_t)DIGEST_SIZE] == ' ';
}

/* Paths of ours lead nowhere but down. */
static bool is_path(const char *path) {
    return path[0] != '\0' && path[0] != '/' && strstr(path, "..") == NULL && strchr(path, ':') == NULL &&
           config_is_text(path, strlen(path)) && strlen(path) < PLACEMENT_PATH_SIZE;
}

static bool read_line(struct placements *placements, const char *line) {
    uint8_t digest[DIGEST_SIZE] = {0};
    for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
        size_t length = strlen(kinds[kind]);
        if (strncmp(line, kinds[kind], length) != 0 || line[length] != ' ')
            continue;
        const char *path = line + length + 1;
        if (kind != PLACEMENT_DIRECTORY && !read_digest(path, digest))
            return false;
        if (kind != PLACEMENT_DIRECTORY)
            path += 2 * DIGEST_SIZE + 1;
        if (!is_path(path))
            return false;
        struct placement *placement = placements_add(placements, (enum placement_kind)kind, path);
        if (placement != NULL)
            memcpy(placement->digest, digest, sizeof(digest));
        return placement != NULL;
    }
    return false;
}

static bool read_head(struct placements *placements, const char *line) {
    static const char head[] = "flipside 1 ";
    if (strncmp(line, head, sizeof(head) - 1) != 0 || !config_is_name(line + sizeof(head) - 1))
        return false;
    (void)snprintf(placements->board, sizeof(placements->board), "%.31s", line + sizeof(head) - 1);
    return true;
}

static bool read_lines(struct placements *placements, char *text) {
    bool first = true;
    for (char *line = text; *line != '\0';) {
        char *end = strchr(line, '\n');
        if (end == NULL)
            return false;
        *end = '\0';
        if (first ? !read_head(placements, line) : !read_line(placements, line))
            return false;
        first = false;
        line = end + 1;
    }
    return !first;
}

enum cli_exit placements_read(const struct medium *medium, struct placements *placements) {
    static char text[PLACEMENT_LIST_MAX + 1];
    size_t size = 0;
    memset(placements, 0, sizeof(*placements));
    enum medium_result result = medium_read(medium, list_path, text, PLACEMENT_LIST_MAX, &size);
    if (result != MEDIUM_GOOD)
        return result == MEDIUM_ABSENT ? CLI_GOOD : CLI_FAILED;
    text[size] = '\0';
    if (strlen(text) == size && read_lines(placements, text))
        return CLI_GOOD;
    cli_error("%s: \\flipside\\replaced\\list is damaged", medium->path);
    return CLI_REFUSED;
}

/* ---- Writing */

__attribute__((format(printf, 3, 4))) static void append(char *text, size_t *size, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text + *size, PLACEMENT_LIST_MAX - *size, format, arguments);
    va_end(arguments);
    if (length > 0)
        *size += (size_t)length;
}

bool placements_write(struct medium *medium, const struct placements *placements) {
    static char text[PLACEMENT_LIST_MAX];
    size_t size = 0;
    append(text, &size, "flipside 1 %s\n", placements->board);
    for (size_t i = 0; i < placements->count; i++) {
        const struct placement *placement = &placements->items[i];
        append(text, &size, "%s ", kinds[placement->kind]);
        for (size_t j = 0; j < DIGEST_SIZE && placement->kind != PLACEMENT_DIRECTORY; j++)
            append(text, &size, "%02x", placement->digest[j]);
        append(text, &size, "%s%s\n", placement->kind == PLACEMENT_DIRECTORY ? "" : " ", placement->path);
    }
    return medium_make_directory(medium, PLACEMENT_FOLDER) && medium_write(medium, list_path, text, size);
}

static bool add(void *context, const void *bytes, size_t size) {
    digest_add(context, bytes, size);
    return true;
}

enum medium_result placement_digest(const struct medium *medium, const char *path, uint8_t *digest) {
    struct digest running;
    digest_begin(&running);
    enum medium_result result = medium_stream(medium, path, add, &running);
    if (!digest_end(&running, digest))
        return MEDIUM_FAILED;
    return result;
}
