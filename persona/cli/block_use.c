// SPDX-License-Identifier: BSD-3-Clause
#define _GNU_SOURCE
#include "block_use.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct search {
    const char *root;
    char own[PATH_MAX]; /* the device's directory in /sys; those of its partitions lie in it */
    struct block_use *use;
};

static bool found(struct search *search, enum block_use_kind kind, const char *by) {
    search->use->kind = kind;
    (void)snprintf(search->use->by, sizeof(search->use->by), "%s", by);
    return true;
}

/* Whether a device, by its link in a folder of /sys, is the one that is looked at, or a partition of it. */
static bool is_part(const struct search *search, const char *folder, const char *name) {
    char link[PATH_MAX], other[PATH_MAX];
    size_t length = strlen(search->own);
    int size = snprintf(link, sizeof(link), "%s/sys/%s/%s", search->root, folder, name);
    return size > 0 && (size_t)size < sizeof(link) && realpath(link, other) != NULL &&
           strncmp(search->own, other, length) == 0 && (other[length] == '\0' || other[length] == '/');
}

/* A device's file in /dev: /sys writes '!' for the '/' in its name. */
static bool is_part_file(const struct search *search, const char *file) {
    char name[128];
    if (strncmp(file, "/dev/", 5) != 0 || strlen(file + 5) >= sizeof(name))
        return false;
    (void)snprintf(name, sizeof(name), "%s", file + 5);
    for (char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash, '/'))
        *slash = '!';
    return is_part(search, "class/block", name);
}

/* proc(5): number, parent, device, root, mount point, ... - type, source. A file system of several disks has a number
 * that is no disk's, and names one of them as its source. */
static bool is_mounted(struct search *search, char *line) {
    char number[24], where[512], source[512];
    if (sscanf(line, "%*s %*s %23[0-9:] %*s %511s", number, where) != 2)
        return false;
    const char *rest = strstr(line, " - ");
    bool named = rest != NULL && sscanf(rest, " - %*s %511s", source) == 1 && is_part_file(search, source);
    return (named || is_part(search, "dev/block", number)) && found(search, BLOCK_MOUNTED, where);
}

static bool is_swap(struct search *search, char *line) {
    line[strcspn(line, " \t\n")] = '\0';
    return is_part_file(search, line) && found(search, BLOCK_SWAP, line);
}

/* Gives each line to a function until one has found something. @return whether the file is there */
static bool each_line(struct search *search, const char *path, bool (*look)(struct search *search, char *line)) {
    char whole[PATH_MAX];
    char *line = NULL;
    size_t room = 0;
    (void)snprintf(whole, sizeof(whole), "%s%s", search->root, path);
    FILE *file = fopen(whole, "r");
    while (file != NULL && search->use->kind == BLOCK_FREE && getline(&line, &room, file) > 0)
        (void)look(search, line);
    free(line);
    return file != NULL && fclose(file) == 0;
}

/* Gives the path of each entry of a directory to a function until one has found something. */
static void each_entry(struct search *search, const char *directory,
                       bool (*look)(struct search *search, const char *path, const char *name)) {
    char path[PATH_MAX];
    DIR *opened = opendir(directory);
    for (struct dirent *entry = opened == NULL ? NULL : readdir(opened);
         entry != NULL && search->use->kind == BLOCK_FREE; entry = readdir(opened)) {
        int size = snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        if (entry->d_name[0] != '.' && size > 0 && (size_t)size < sizeof(path))
            (void)look(search, path, entry->d_name);
    }
    if (opened != NULL)
        (void)closedir(opened);
}

static bool is_holder(struct search *search, const char *path, const char *name) {
    (void)path;
    return found(search, BLOCK_HELD, name);
}

/* `path`: the device's own directory, or one in it, which is a partition's when it has holders. */
static bool is_held(struct search *search, const char *path, const char *name) {
    char holders[PATH_MAX];
    (void)name;
    int size = snprintf(holders, sizeof(holders), "%s/holders", path);
    if (size > 0 && (size_t)size < sizeof(holders))
        each_entry(search, holders, is_holder);
    return search->use->kind != BLOCK_FREE;
}

/* A loop device is no holder of what lies beneath it; it names it. */
static bool is_loop(struct search *search, const char *path, const char *name) {
    char file[PATH_MAX], backing[PATH_MAX] = "";
    int size = snprintf(file, sizeof(file), "%s/loop/backing_file", path);
    FILE *opened = size > 0 && (size_t)size < sizeof(file) ? fopen(file, "r") : NULL;
    if (opened == NULL)
        return false;
    bool read = fgets(backing, sizeof(backing), opened) != NULL;
    (void)fclose(opened);
    backing[strcspn(backing, "\n")] = '\0';
    return read && is_part_file(search, backing) && found(search, BLOCK_HELD, name);
}

void block_use_find(const char *root, unsigned major, unsigned minor, struct block_use *use) {
    struct search search = {.root = root, .use = use};
    char path[PATH_MAX];
    *use = (struct block_use){BLOCK_FREE, ""};
    (void)snprintf(path, sizeof(path), "%s/sys/dev/block/%u:%u", root, major, minor);
    if (realpath(path, search.own) == NULL) {
        use->kind = BLOCK_UNKNOWN;
        return;
    }
    (void)snprintf(path, sizeof(path), "%s/sys/dev/block/%u:%u/partition", root, major, minor);
    if (access(path, F_OK) == 0) {
        use->kind = BLOCK_PARTITION;
        return;
    }
    if (!each_line(&search, "/proc/self/mountinfo", is_mounted))
        use->kind = BLOCK_UNKNOWN;
    // A kernel without swap has no such file.
    (void)each_line(&search, "/proc/swaps", is_swap);
    (void)is_held(&search, search.own, "");
    each_entry(&search, search.own, is_held);
    (void)snprintf(path, sizeof(path), "%s/sys/block", root);
    each_entry(&search, path, is_loop);
}
