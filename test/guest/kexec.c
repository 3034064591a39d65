// SPDX-License-Identifier: BSD-3-Clause
/*
 * Starts another kernel from this one by kexec_load(2), in the same memory: kernel at the memory's beginning, behind it
 * the initial RAM disk, this system's device tree with the new command line, and a few instructions that enter the
 * kernel as the arm64 boot protocol says.
 */

#include "guest.h"

#include <fcntl.h>
#include <inttypes.h>
#include <libfdt.h>
#include <linux/kexec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define IMAGE_SIZE_OFFSET 16 /* of the arm64 Image header: bytes of memory that the kernel needs */
#define PAGE UINT64_C(4096)
#define BLOCK (UINT64_C(2) << 20)
#define DEVICETREE_MAX (UINT64_C(1) << 20)

struct file {
    void *data;
    uint64_t size; /* bytes */
};

static uint64_t align(uint64_t value, uint64_t to) { return (value + to - 1) & ~(to - 1); }

/** @param room bytes to leave behind the content */
static struct file read_file(const char *path, uint64_t room) {
    struct stat status;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 || fstat(descriptor, &status) < 0)
        fail(path);
    struct file file = {.data = malloc((uint64_t)status.st_size + room), .size = 0};
    if (file.data == NULL)
        fail(path);
    for (;;) {
        ssize_t got = read(descriptor, (char *)file.data + file.size, (uint64_t)status.st_size - file.size);
        if (got < 0)
            fail(path);
        if (got == 0)
            break;
        file.size += (uint64_t)got;
    }
    close(descriptor);
    return file;
}

/** @return where the system's memory begins, aligned for a kernel */
static uint64_t memory_base(void) {
    FILE *list = fopen("/proc/iomem", "re");
    char line[256];
    uint64_t base;
    if (list == NULL)
        fail("/proc/iomem");
    while (fgets(line, sizeof line, list) != NULL)
        if (strstr(line, " : System RAM") != NULL && sscanf(line, "%" SCNx64, &base) == 1) {
            fclose(list);
            return align(base, BLOCK);
        }
    fprintf(stderr, "no memory in /proc/iomem\n");
    exit(1);
}

static void check(int error, const char *what) {
    if (error >= 0)
        return;
    fprintf(stderr, "device tree: %s: %s\n", what, fdt_strerror(error));
    exit(1);
}

/** The device tree of this system, changed for the next. */
static struct file make_devicetree(const char *command_line, uint64_t initrd, uint64_t initrd_size) {
    struct file tree = read_file("/sys/firmware/fdt", DEVICETREE_MAX);
    check(fdt_open_into(tree.data, tree.data, (int)(tree.size + DEVICETREE_MAX / 2)), "opening");
    int chosen = fdt_path_offset(tree.data, "/chosen");
    check(chosen, "/chosen");
    check(fdt_setprop(tree.data, chosen, "bootargs", command_line, (int)strlen(command_line) + 1), "bootargs");
    check(fdt_setprop_u64(tree.data, chosen, "linux,initrd-start", initrd), "initrd-start");
    check(fdt_setprop_u64(tree.data, chosen, "linux,initrd-end", initrd + initrd_size), "initrd-end");
    check(fdt_pack(tree.data), "packing");
    tree.size = fdt_totalsize(tree.data);
    return tree;
}

static struct kexec_segment segment(struct file file, uint64_t address, uint64_t size) {
    return (struct kexec_segment){
        .buf = file.data, .bufsz = file.size, .mem = (void *)address, .memsz = align(size, PAGE)};
}

/** Device tree's address in x0, x1 to x3 zero, to the kernel. */
static struct file make_entry(uint64_t kernel, uint64_t devicetree) {
    static struct {
        uint32_t code[6];
        uint64_t devicetree, kernel;
    } entry = {.code = {0x580000c0,   /* ldr x0, devicetree */
                        0x580000e4,   /* ldr x4, kernel */
                        0xaa1f03e1,   /* mov x1, xzr */
                        0xaa1f03e2,   /* mov x2, xzr */
                        0xaa1f03e3,   /* mov x3, xzr */
                        0xd61f0080}}; /* br x4 */
    entry.devicetree = devicetree;
    entry.kernel = kernel;
    return (struct file){.data = &entry, .size = sizeof entry};
}

static void load(const char *kernel_path, const char *initrd_path, const char *command_line) {
    struct file kernel = read_file(kernel_path, 0), initrd = read_file(initrd_path, 0);
    uint64_t kernel_size;
    memcpy(&kernel_size, (char *)kernel.data + IMAGE_SIZE_OFFSET, sizeof kernel_size);
    uint64_t kernel_at = memory_base();
    uint64_t initrd_at = align(kernel_at + kernel_size, BLOCK);
    uint64_t tree_at = align(initrd_at + initrd.size, BLOCK);
    uint64_t entry_at = tree_at + DEVICETREE_MAX;
    struct file tree = make_devicetree(command_line, initrd_at, initrd.size);
    struct file entry = make_entry(kernel_at, tree_at);
    struct kexec_segment segments[] = {
        segment(kernel, kernel_at, kernel_size),
        segment(initrd, initrd_at, initrd.size),
        segment(tree, tree_at, tree.size),
        segment(entry, entry_at, entry.size),
    };
    if (syscall(SYS_kexec_load, entry_at, sizeof segments / sizeof segments[0], segments, KEXEC_ARCH_AARCH64) < 0)
        fail("kexec_load");
}

int main(int argument_count, char **arguments) {
    if (argument_count != 4)
        usage("kexec KERNEL INITRD COMMAND-LINE");
    load(arguments[1], arguments[2], arguments[3]);
    leave(RB_KEXEC);
}
