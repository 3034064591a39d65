// SPDX-License-Identifier: BSD-3-Clause
// What a target is, and whether it may be changed now.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "block_use.h"
#include "medium.h"

/* What is only read may be in use. */
static bool check_block_device(const char *target, dev_t device, unsigned use) {
    static const struct {
        const char *before, *after;
    } faults[] = {
        [BLOCK_UNKNOWN] = {": whether it is in use can't be told; mount /proc and /sys", ""},
        [BLOCK_PARTITION] = {" is a partition; give the whole disk that it is on", ""},
        [BLOCK_MOUNTED] = {", or a partition of it, is mounted at ", "; unmount it first"},
        [BLOCK_SWAP] = {", or a partition of it, is swap space, ", "; end that with swapoff first"},
        [BLOCK_HELD] = {", or a partition of it, lies beneath ", " (LUKS, LVM, RAID, a loop device); end that first"},
    };
    struct block_use found;
    block_use_find("", major(device), minor(device), &found);
    if (found.kind == BLOCK_FREE || (found.kind != BLOCK_PARTITION && (use & MEDIUM_CHANGE) == 0))
        return true;
    cli_error("%s%s%s%s", target, faults[found.kind].before, found.by, faults[found.kind].after);
    return false;
}

/* A virtual machine that runs from an image, and whoever else takes care, holds a lock on a part of it. */
static bool image_is_free(const char *target, int file) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(file, F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK)
        return true;
    cli_error("%s is in use, by a virtual machine perhaps; end that first", target);
    return false;
}

static bool loop_uses(const char *name, const char *image) {
    char path[128], backing[CLI_PATH_SIZE];
    (void)snprintf(path, sizeof(path), "/sys/block/%s/loop/backing_file", name);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    bool same = fgets(backing, sizeof(backing), file) != NULL;
    (void)fclose(file);
    backing[strcspn(backing, "\n")] = '\0';
    return same && strcmp(backing, image) == 0;
}

/* An image that is attached as a block device has a second cache above it. */
static bool check_loops(const char *target) {
    enum { LOOPS = 64 };
    char image[CLI_PATH_SIZE], name[16];
    if (realpath(target, image) == NULL)
        return true;
    for (int i = 0; i < LOOPS; i++) {
        (void)snprintf(name, sizeof(name), "loop%d", i);
        if (loop_uses(name, image)) {
            cli_error("%s is attached as /dev/%s; give that, or detach it first", target, name);
            return false;
        }
    }
    return true;
}

static bool find_esp(struct medium *medium, uint64_t size) {
    const char *fault = gpt_read(&medium->gpt, medium->file, size);
    const struct gpt_partition *esp = gpt_esp(&medium->gpt);
    if (fault == NULL && esp == NULL)
        fault = "it has no EFI system partition";
    if (fault != NULL) {
        cli_error("%s is no disk that a terminal starts from: %s", medium->path, fault);
        return false;
    }
    int length =
        snprintf(medium->drive, sizeof(medium->drive), "%s@@%llu", medium->path, (unsigned long long)esp->start);
    return length > 0 && (size_t)length < sizeof(medium->drive);
}

static bool open_disk(struct medium *medium, const struct stat *status, unsigned use) {
    bool change = (use & MEDIUM_CHANGE) != 0;
    bool is_block = S_ISBLK(status->st_mode);
    uint64_t size = (uint64_t)status->st_size;
    if (is_block ? !check_block_device(medium->path, status->st_rdev, use) : change && !check_loops(medium->path))
        return false;
    // On a block device O_EXCL means: nobody has mounted it or built anything on it.
    medium->file = open(medium->path, (change ? O_RDWR : O_RDONLY) | O_CLOEXEC | (is_block && change ? O_EXCL : 0));
    if (medium->file < 0) {
        cli_error("%s: %s", medium->path, errno == EBUSY ? "in use" : strerror(errno));
        return false;
    }
    if (is_block && ioctl(medium->file, BLKGETSIZE64, &size) != 0) {
        cli_error("%s: %s", medium->path, strerror(errno));
        return false;
    }
    return (is_block || !change || image_is_free(medium->path, medium->file)) && find_esp(medium, size);
}

bool medium_open(struct medium *medium, const char *target, unsigned use) {
    struct stat status;
    *medium = (struct medium){.file = -1};
    if (!path_of(medium->path, "%s", target))
        return false;
    if (stat(target, &status) != 0) {
        cli_error("%s: %s", target, strerror(errno));
        return false;
    }
    if (S_ISDIR(status.st_mode) && (use & MEDIUM_DISK) == 0)
        return true;
    if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode)) {
        cli_error("%s is no disk: a block device or an image of a disk is needed", target);
        return false;
    }
    if (open_disk(medium, &status, use))
        return true;
    (void)medium_close(medium);
    return false;
}

bool medium_close(struct medium *medium) {
    bool good = medium->file < 0 || !medium->changed || fsync(medium->file) == 0;
    if (!good)
        cli_error("%s: %s", medium->path, strerror(errno));
    if (medium->file >= 0)
        (void)close(medium->file);
    medium->file = -1;
    return good;
}
