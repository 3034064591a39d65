// SPDX-License-Identifier: BSD-3-Clause
#include "tune.h"

#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VALUE_MAX = 64 };

/* A setting of the whole system. */
struct setting {
    const char *path;   /* below the root */
    const char *wanted; /* what is written */
    const char *shown;  /* what it reads then: a choice among others is in brackets */
};

static const struct setting settings[] = {
    {"/sys/power/mem_sleep", "deep", "[deep]"},
    {"/sys/power/pm_async", "1", "1"},
    {"/sys/power/sync_on_suspend", "0", "0"},
};

enum { SETTINGS = sizeof settings / sizeof settings[0] };

/* A device's: whether it may suspend and resume beside others. */
static const char device_wanted[] = "enabled";

static bool read_value(const char *path, char value[VALUE_MAX]) {
    FILE *stream = fopen(path, "re");
    if (stream == NULL)
        return false;
    bool read = fgets(value, VALUE_MAX, stream) != NULL;
    (void)fclose(stream);
    if (read)
        value[strcspn(value, "\n")] = '\0';
    return read;
}

static bool write_value(const char *path, const char *value) {
    FILE *stream = fopen(path, "we");
    if (stream == NULL)
        return false;
    bool written = fputs(value, stream) != EOF;
    /* The kernel's answer to what was written comes with the flush that closing does. */
    return fclose(stream) == 0 && written;
}

/* "s2idle [deep]" means deep. */
static void chosen(char *value) {
    char *start = strchr(value, '[');
    char *end = start == NULL ? NULL : strchr(start, ']');
    if (end == NULL)
        return;
    *end = '\0';
    memmove(value, start + 1, (size_t)(end - start));
}

/* Notes what a setting was, before it is changed. */
static bool change(FILE *kept, const char *root, const char *path, char *value, const char *wanted) {
    chosen(value);
    (void)fprintf(kept, "%s %s\n", path + strlen(root), value);
    return fflush(kept) == 0 && write_value(path, wanted);
}

/* What a kernel does not have, or offers no choice in, needs no change. */
static bool apply_setting(FILE *kept, const char *root, const struct setting *setting) {
    char path[PATH_MAX];
    char value[VALUE_MAX];
    (void)snprintf(path, sizeof path, "%s%s", root, setting->path);
    if (!read_value(path, value) || strstr(value, setting->shown) != NULL)
        return true;
    if (setting->shown[0] == '[' && strstr(value, setting->wanted) == NULL)
        return true;
    return change(kept, root, path, value, setting->wanted);
}

/* Of a device that has a driver: the others have nothing to do, and to do it beside others costs more than it saves. */
static bool is_device_setting(const FTSENT *entry) {
    static const char tail[] = "/power/async";
    size_t length = entry->fts_pathlen;
    char driver[PATH_MAX];
    if (length < sizeof tail || strcmp(entry->fts_path + length - (sizeof tail - 1), tail) != 0)
        return false;
    int size = snprintf(driver, sizeof driver, "%.*s/driver", (int)(length - (sizeof tail - 1)), entry->fts_path);
    return size > 0 && (size_t)size < sizeof driver && access(driver, F_OK) == 0;
}

/* Calls each with the path and value of every such device's setting. */
static bool for_devices(const char *root, bool (*each)(const char *root, const char *path, char *value, void *context),
                        void *context) {
    char top[PATH_MAX];
    char value[VALUE_MAX];
    bool all = true;
    (void)snprintf(top, sizeof top, "%s/sys/devices", root);
    char *const tops[] = {top, NULL};
    FTS *tree = fts_open(tops, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
    if (tree == NULL)
        return false;
    for (FTSENT *entry; (entry = fts_read(tree)) != NULL;)
        if (is_device_setting(entry) && read_value(entry->fts_path, value))
            all &= each(root, entry->fts_path, value, context);
    fts_close(tree);
    return all;
}

/* A device may go while we look. */
static bool apply_device(const char *root, const char *path, char *value, void *kept) {
    return strcmp(value, device_wanted) == 0 || change(kept, root, path, value, device_wanted) || errno == ENOENT;
}

bool tune_on(const char *root, const char *kept) {
    FILE *stream = fopen(kept, "ae");
    if (stream == NULL)
        return false;
    bool all = true;
    for (unsigned i = 0; i < SETTINGS; i++)
        all &= apply_setting(stream, root, &settings[i]);
    all &= for_devices(root, apply_device, stream);
    return fclose(stream) == 0 && all;
}

static const char *wanted_at(const char *path) {
    for (unsigned i = 0; i < SETTINGS; i++)
        if (strcmp(path, settings[i].path) == 0)
            return settings[i].wanted;
    return device_wanted;
}

static bool restore(const char *root, const char *path, const char *former) {
    char full[PATH_MAX];
    char value[VALUE_MAX];
    int length = snprintf(full, sizeof full, "%s%s", root, path);
    if (length < 0 || (size_t)length >= sizeof full || !read_value(full, value))
        return true; /* the device is gone */
    chosen(value);
    return strcmp(value, wanted_at(path)) != 0 || write_value(full, former);
}

bool tune_off(const char *root, const char *kept) {
    char line[PATH_MAX + VALUE_MAX];
    bool all = true;
    FILE *stream = fopen(kept, "re");
    if (stream == NULL)
        return errno == ENOENT;
    while (fgets(line, sizeof line, stream) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *space = strrchr(line, ' ');
        if (space == NULL)
            continue;
        *space = '\0';
        all &= restore(root, line, space + 1);
    }
    (void)fclose(stream);
    return unlink(kept) == 0 && all;
}

struct count {
    unsigned devices, asynchronous;
};

static bool count_device(const char *root, const char *path, char *value, void *context) {
    struct count *count = context;
    (void)root;
    (void)path;
    count->devices++;
    count->asynchronous += strcmp(value, device_wanted) == 0;
    return true;
}

void tune_show(const char *root, const char *kept, FILE *to) {
    char path[PATH_MAX];
    char value[VALUE_MAX];
    struct count count = {0};
    (void)for_devices(root, count_device, &count);
    (void)fprintf(to, "tuned: %s\n", access(kept, F_OK) == 0 ? "yes" : "no");
    for (unsigned i = 0; i < SETTINGS; i++) {
        (void)snprintf(path, sizeof path, "%s%s", root, settings[i].path);
        (void)fprintf(to, "%s: %s\n", settings[i].path, read_value(path, value) ? value : "not there");
    }
    (void)fprintf(to, "devices with a driver that suspend beside others: %u of %u\n", count.asynchronous,
                  count.devices);
}
