// SPDX-License-Identifier: BSD-3-Clause
// What a block device is used for, told by the /proc and /sys of a machine that is made up.
#define _XOPEN_SOURCE 700
#include "block_use.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { NAME_SIZE = 256, PATH_SIZE = 1024 };

static char root[] = "/tmp/flipside-block-use-XXXXXX";

static void path_in(char *path, const char *name) { (void)snprintf(path, PATH_SIZE, "%s/%s", root, name); }

static void make_directory(const char *name) {
    char path[PATH_SIZE];
    path_in(path, name);
    for (char *slash = strchr(path + strlen(root) + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700);
        *slash = '/';
    }
    (void)mkdir(path, 0700);
}

static void make_file(const char *name, const char *text) {
    char path[PATH_SIZE];
    path_in(path, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void make_link(const char *name, const char *to) {
    char path[PATH_SIZE];
    path_in(path, name);
    assert_int_equal(symlink(to, path), 0);
}

/* `device`: its directory beneath sys/devices. */
static void make_device(const char *device, const char *name, const char *number) {
    char path[NAME_SIZE], to[NAME_SIZE];
    (void)snprintf(path, sizeof(path), "sys/devices/%s/holders", device);
    make_directory(path);
    (void)snprintf(to, sizeof(to), "../../devices/%s", device);
    (void)snprintf(path, sizeof(path), "sys/dev/block/%s", number);
    make_link(path, to);
    (void)snprintf(path, sizeof(path), "sys/class/block/%s", name);
    make_link(path, to);
}

/* Two disks whose names begin alike, sda with two partitions, and a loop device. */
static int make_machine(void **state) {
    (void)state;
    (void)snprintf(root, sizeof(root), "/tmp/flipside-block-use-XXXXXX");
    assert_non_null(mkdtemp(root));
    make_directory("sys/dev/block");
    make_directory("sys/class/block");
    make_directory("sys/block");
    make_directory("proc/self");
    make_device("pci0/block/sda", "sda", "8:0");
    make_device("pci0/block/sda/sda1", "sda1", "8:1");
    make_device("pci0/block/sda/sda2", "sda2", "8:2");
    make_device("pci0/block/sdaa", "sdaa", "65:160");
    make_device("pci0/block/cciss!c0d0", "cciss!c0d0", "104:0");
    make_device("virtual/block/loop0", "loop0", "7:0");
    make_file("sys/devices/pci0/block/sda/sda1/partition", "1\n");
    make_file("sys/devices/pci0/block/sda/sda2/partition", "2\n");
    make_link("sys/block/loop0", "../devices/virtual/block/loop0");
    make_directory("sys/devices/virtual/block/loop0/loop");
    make_file("proc/self/mountinfo", "22 27 0:21 / /proc rw - proc proc rw\n"
                                     "27 1 65:160 / / rw,relatime shared:1 - ext4 /dev/root rw\n");
    make_file("proc/swaps", "Filename Type Size Used Priority\n/dev/zram0 partition 524284 0 100\n");
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk) {
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

static int remove_machine(void **state) {
    (void)state;
    return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void expect(unsigned major, unsigned minor, enum block_use_kind kind, const char *by) {
    struct block_use use;
    block_use_find(root, major, minor, &use);
    assert_int_equal(use.kind, kind);
    assert_string_equal(use.by, by);
}

static void a_disk_that_nobody_uses_is_free(void **state) {
    (void)state;
    expect(8, 0, BLOCK_FREE, "");
    expect(7, 0, BLOCK_FREE, "");
}

static void a_partition_is_no_disk(void **state) {
    (void)state;
    expect(8, 1, BLOCK_PARTITION, "");
}

/* Only sdaa is mounted: a name that begins alike is another disk. */
static void a_mounted_disk_is_found(void **state) {
    (void)state;
    expect(65, 160, BLOCK_MOUNTED, "/");
    expect(8, 0, BLOCK_FREE, "");
}

static void a_mounted_partition_is_found_on_its_disk(void **state) {
    (void)state;
    make_file("proc/self/mountinfo", "30 27 8:2 / /media/My\\040Disk rw shared:7 master:2 - vfat /dev/sda2 rw\n");
    expect(8, 0, BLOCK_MOUNTED, "/media/My\\040Disk");
    expect(65, 160, BLOCK_FREE, "");
}

/* Btrfs has a number of its own, and names a disk as its source. */
static void a_mount_is_found_by_its_source(void **state) {
    (void)state;
    make_file("proc/self/mountinfo", "30 27 0:44 / /home rw - btrfs /dev/sda1 rw,subvol=/home\n");
    expect(8, 0, BLOCK_MOUNTED, "/home");
}

/* As long as an overlay's options become. */
static void a_long_line_hides_nothing(void **state) {
    (void)state;
    static char lines[20000];
    int size = snprintf(lines, sizeof(lines), "30 27 0:45 / /overlay rw - overlay overlay rw,lowerdir=%016000d\n", 0);
    (void)snprintf(lines + size, sizeof(lines) - (size_t)size, "31 27 8:1 / /boot rw - vfat /dev/sda1 rw\n");
    make_file("proc/self/mountinfo", lines);
    expect(8, 0, BLOCK_MOUNTED, "/boot");
}

static void swap_space_is_found(void **state) {
    (void)state;
    make_file("proc/swaps",
              "Filename Type Size Used Priority\n/dev/sda2\tpartition 1 0 -2\n/swap\\040file file 1 0 -3\n");
    expect(8, 0, BLOCK_SWAP, "/dev/sda2");
    expect(65, 160, BLOCK_MOUNTED, "/");
    make_file("proc/swaps", "Filename Type Size Used Priority\n/dev/cciss/c0d0 partition 1 0 -2\n");
    expect(104, 0, BLOCK_SWAP, "/dev/cciss/c0d0");
}

static void holders_of_disk_and_partition_are_found(void **state) {
    (void)state;
    make_directory("sys/devices/pci0/block/sda/sda2/holders/dm-0");
    expect(8, 0, BLOCK_HELD, "dm-0");
    make_directory("sys/devices/pci0/block/cciss!c0d0/holders/md127");
    expect(104, 0, BLOCK_HELD, "md127");
}

static void a_loop_device_above_is_found(void **state) {
    (void)state;
    make_file("sys/devices/virtual/block/loop0/loop/backing_file", "/dev/sda1\n");
    expect(8, 0, BLOCK_HELD, "loop0");
    expect(7, 0, BLOCK_FREE, "");
    make_file("sys/devices/virtual/block/loop0/loop/backing_file", "/home/anna/sda\n");
    expect(8, 0, BLOCK_FREE, "");
}

/* What can't be known is not taken for free. */
static void without_proc_and_sys_it_is_not_known(void **state) {
    char path[PATH_SIZE];
    (void)state;
    expect(8, 64, BLOCK_UNKNOWN, "");
    path_in(path, "proc/self/mountinfo");
    assert_int_equal(unlink(path), 0);
    expect(8, 0, BLOCK_UNKNOWN, "");
}

/* What is mounted somewhere is told, whatever else is there. */
static void without_swap_the_rest_is_known(void **state) {
    char path[PATH_SIZE];
    (void)state;
    path_in(path, "proc/swaps");
    assert_int_equal(unlink(path), 0);
    expect(8, 0, BLOCK_FREE, "");
    expect(65, 160, BLOCK_MOUNTED, "/");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_machine, remove_machine)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_disk_that_nobody_uses_is_free),
        TEST(a_partition_is_no_disk),
        TEST(a_mounted_disk_is_found),
        TEST(a_mounted_partition_is_found_on_its_disk),
        TEST(a_mount_is_found_by_its_source),
        TEST(a_long_line_hides_nothing),
        TEST(swap_space_is_found),
        TEST(holders_of_disk_and_partition_are_found),
        TEST(a_loop_device_above_is_found),
        TEST(without_proc_and_sys_it_is_not_known),
        TEST(without_swap_the_rest_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
