// SPDX-License-Identifier: BSD-3-Clause
#define _POSIX_C_SOURCE 200809L // popen
#include "devicetree.h"
#include "tree_fixture.h"

#include <libfdt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct tree_fixture description;
static struct tree_fixture firmware;
static struct board board;
static _Alignas(8) uint8_t built[TREE_FIXTURE_SIZE];
static struct devicetree_request request;

static void load(const char *description_name, const char *firmware_name, uint64_t partition) {
    tree_fixture_load(&description, description_name);
    tree_fixture_load(&firmware, firmware_name);
    request = (struct devicetree_request){.firmware = firmware.bytes,
                                          .board = &board,
                                          .persona = "work",
                                          .partition = {partition, 0x20000000},
                                          .initrd = {partition + 0x1000000, 0x123456},
                                          .command_line = "root=PARTLABEL=work console=ttyAMA0"};
    memset(request.kaslr_seed, 0x5a, sizeof(request.kaslr_seed));
    memset(request.rng_seed, 0xa5, sizeof(request.rng_seed));
}

static void parse(void) {
    assert_int_equal(
        board_parse(&board, description.bytes, sizeof(description.bytes), firmware.bytes, sizeof(firmware.bytes)),
        BOARD_OK);
}

static enum devicetree_error build(void) {
    parse();
    assert_in_range(devicetree_room(&request), 1, sizeof(built));
    return devicetree_build(&request, built, devicetree_room(&request));
}

static void build_virt(const char *firmware_name) {
    load("qemu-virt", firmware_name, 0x50000000);
    assert_int_equal(build(), DEVICETREE_OK);
}

static void build_soc(const char *persona) {
    load("soc-board", "soc", 0x880000000);
    request.persona = persona;
    assert_int_equal(build(), DEVICETREE_OK);
}

static bool has_node(const char *path) { return fdt_path_offset(built, path) >= 0; }

static const void *property(const char *path, const char *name, int *size) {
    return fdt_getprop(built, fdt_path_offset(built, path), name, size);
}

static void expect_bytes(const char *path, const char *name, const void *bytes, size_t size) {
    int found = 0;
    const void *value = property(path, name, &found);

    assert_non_null(value);
    assert_int_equal(found, size);
    assert_memory_equal(value, bytes, size);
}

static void expect_text(const char *path, const char *name, const char *text) {
    expect_bytes(path, name, text, strlen(text) + 1);
}

static void expect_cells(const char *path, const char *name, const uint32_t *cells, size_t count) {
    fdt32_t bytes[16];

    for (size_t i = 0; i < count; i++) {
        bytes[i] = cpu_to_fdt32(cells[i]);
    }
    expect_bytes(path, name, bytes, count * sizeof(bytes[0]));
}

/** Lets dtc read the tree: it follows every reference that it knows, and warns where one leads nowhere. */
static void expect_clean(const char *name) {
    char path[512];
    char command[1200];
    char line[256] = "";

    assert_in_range(snprintf(path, sizeof(path), "%s/built-%s.dtb", TREES, name), 1, (int)sizeof(path) - 1);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(built, 1, devicetree_size(built), file), devicetree_size(built));
    assert_int_equal(fclose(file), 0);
    // Not looked for: what the sources have already, such as a bus with addresses that has none in its name.
    assert_in_range(snprintf(command, sizeof(command),
                             "%s -I dtb -O dts -W no-unit_address_vs_reg -W no-simple_bus_reg -o /dev/null %s 2>&1",
                             DTC, path),
                    1, (int)sizeof(command) - 1);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    bool has_warning = fgets(line, sizeof(line), pipe) != NULL;
    assert_int_equal(pclose(pipe), 0);
    if (has_warning) {
        fail_msg("%s: %s", name, line);
    }
}

/** Besides what dtc knows: no cell of any property that is named like a reference is a phandle left out. */
static void expect_no_removed_phandles(void) {
    static const char *const lists[] = {"interrupt-parent", "memory-region", "interrupt-affinity", "next-level-cache",
                                        "cpu-idle-states"};

    for (int node = 0, depth = 0; node >= 0 && depth >= 0; node = fdt_next_node(built, node, &depth)) {
        for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
            int size = 0;
            const fdt32_t *value = fdt_getprop(built, node, lists[i], &size);

            for (int j = 0; value != NULL && j < size / 4; j++) {
                assert_true(fdt_node_offset_by_phandle(built, fdt32_ld(value + j)) >= 0);
            }
        }
    }
}

static void test_virt_memory_and_chosen(void **state) {
    (void)state;
    build_virt("virt-u-boot");
    assert_int_equal(fdt_check_full(built, devicetree_size(built)), 0);
    assert_false(has_node("/memory@40000000"));
    expect_text("/memory@50000000", "device_type", "memory");
    expect_cells("/memory@50000000", "reg", (uint32_t[]){0, 0x50000000, 0, 0x20000000}, 4);
    expect_text("/chosen", "bootargs", request.command_line);
    expect_text("/chosen", "stdout-path", "/pl011@9000000");
    expect_cells("/chosen", "linux,initrd-start", (uint32_t[]){0, 0x51000000}, 2);
    expect_cells("/chosen", "linux,initrd-end", (uint32_t[]){0, 0x51123456}, 2);
    expect_bytes("/chosen", "kaslr-seed", request.kaslr_seed, sizeof(request.kaslr_seed));
    expect_bytes("/chosen", "rng-seed", request.rng_seed, sizeof(request.rng_seed));
    assert_null(property("/chosen", "linux,uefi-system-table", NULL));
    assert_null(property("/chosen", "flipside,version", NULL));
    assert_null(property("/chosen", "flipside,up-token", NULL));
    assert_false(has_node("/chosen/module@48000000"));
    assert_false(has_node("/reserved-memory/firmware@7e000000"));
    assert_int_equal(fdt_num_mem_rsv(built), 0);
}

static void test_virt_devices(void **state) {
    static const char *const kept[] = {"/virtio_mmio@a000000",
                                       "/virtio_mmio@a002e00",
                                       "/pcie@10000000",
                                       "/pl031@9010000",
                                       "/pl011@9000000",
                                       "/intc@8000000",
                                       "/timer",
                                       "/pmu",
                                       "/apb-pclk"};
    static const char *const removed[] = {"/virtio_mmio@a003000",
                                          "/virtio_mmio@a003e00",
                                          "/fw-cfg@9020000",
                                          "/flash@0",
                                          "/gpio-keys/poweroff",
                                          "/pl061@9030000",
                                          "/smmuv3@9050000",
                                          "/intc@8000000/its@8080000",
                                          "/platform-bus@c000000",
                                          "/pl011@9040000",
                                          "/binman",
                                          "/config",
                                          "/signature",
                                          "/__symbols__"};

    (void)state;
    build_virt("virt-u-boot");
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        assert_true(has_node(kept[i]));
    }
    for (size_t i = 0; i < sizeof(removed) / sizeof(removed[0]); i++) {
        if (has_node(removed[i])) {
            fail_msg("%s is there", removed[i]);
        }
    }
    assert_null(property("/pcie@10000000", "iommu-map", NULL));
    assert_null(property("/pcie@10000000", "msi-map", NULL));
    assert_non_null(property("/pcie@10000000", "interrupt-map", NULL));
    assert_non_null(property("/pl031@9010000", "clocks", NULL));
    assert_non_null(property("/aliases", "serial0", NULL));
    assert_null(property("/aliases", "serial1", NULL));
}

static void test_psci_by_hvc(void **state) {
    (void)state;
    build_virt("virt");
    expect_text("/psci", "method", "hvc");
    expect_bytes("/psci", "compatible", "arm,psci-1.0\0arm,psci-0.2", 26);
    assert_null(property("/psci", "cpu_on", NULL));
    assert_null(property("/psci", "migrate", NULL));
    expect_text("/cpus/cpu@1", "enable-method", "psci");
}

static void test_flip_button(void **state) {
    int gic_node;

    (void)state;
    build_virt("virt");
    gic_node = fdt_node_offset_by_compatible(built, -1, "arm,gic-v3");
    expect_text("/gpio-keys", "compatible", "gpio-keys");
    expect_cells("/gpio-keys/flip", "interrupt-parent", (uint32_t[]){fdt_get_phandle(built, gic_node)}, 1);
    expect_cells("/gpio-keys/flip", "interrupts", (uint32_t[]){0, 110, 1}, 3);
    expect_cells("/gpio-keys/flip", "linux,code", (uint32_t[]){142}, 1);
    expect_cells("/gpio-keys/flip", "debounce-interval", (uint32_t[]){0}, 1);
    build_soc("work");
    expect_cells("/gpio-keys/flip", "interrupts", (uint32_t[]){0, 300, 1, 0}, 4);
}

static void test_flip_button_beside_the_firmwares(void **state) {
    (void)state;
    load("soc-board", "soc", 0x880000000);
    tree_fixture_add(&firmware, "/", "gpio-keys");
    assert_int_equal(build(), DEVICETREE_OK);
    assert_true(has_node("/gpio-keys"));
    expect_text("/gpio-keys-flip", "compatible", "gpio-keys");
}

static void test_channel(void **state) {
    (void)state;
    build_virt("virt");
    expect_text("/virtio_mmio@b000000", "compatible", "virtio,mmio");
    expect_cells("/virtio_mmio@b000000", "reg", (uint32_t[]){0, 0x0b000000, 0, 0x200}, 4);
    expect_cells("/virtio_mmio@b000000", "interrupts", (uint32_t[]){0, 111, 1}, 3);
    build_soc("work");
    assert_true(fdt_node_offset_by_compatible(built, -1, "virtio,mmio") < 0);
}

static void test_clock(void **state) {
    static const char clock[] = "/pl031@9010000";

    (void)state;
    load("qemu-virt", "virt", 0x50000000);
    tree_fixture_set_string(&firmware, clock, "status", "disabled");
    assert_int_equal(build(), DEVICETREE_OK);
    expect_bytes(clock, "compatible", "arm,pl031\0arm,primecell", 24);
    expect_cells(clock, "reg", (uint32_t[]){0, 0x09010000, 0, 0x1000}, 4);
    expect_cells(clock, "interrupts", (uint32_t[]){0, 109, 1}, 3);
    expect_cells(clock, "interrupt-parent", (uint32_t[]){board.gic.controller.phandle}, 1);
    assert_null(property(clock, "status", NULL));
    expect_clean("clock");
    uint32_t gic = board.gic.controller.phandle;
    tree_fixture_set_cells(&firmware, clock, "interrupts-extended", (uint32_t[]){gic, 0, 2, 4}, 4);
    tree_fixture_set_cells(&firmware, clock, "interrupt-parent", (uint32_t[]){gic}, 1);
    assert_int_equal(build(), DEVICETREE_OK);
    assert_null(property(clock, "interrupts-extended", NULL));
    expect_cells(clock, "interrupts", (uint32_t[]){0, 109, 1}, 3);
    load("qemu-virt", "virt", 0x50000000);
    tree_fixture_delete(&description, "/clock");
    assert_int_equal(build(), DEVICETREE_OK);
    assert_false(has_node(clock));
}

static void test_references_go_with_what_they_refer_to(void **state) {
    (void)state;
    build_soc("personal");
    assert_null(property("/soc/modem@600000", "memory-region", NULL));
    assert_null(property("/soc/modem@600000", "iommus", NULL));
    assert_null(property("/soc/modem@600000", "reset-gpios", NULL));
    assert_null(property("/soc/modem@600000", "interrupts-extended", NULL));
    assert_non_null(property("/soc/modem@600000", "clocks", NULL));
    assert_null(property("/soc/display@610000", "clocks", NULL));
    assert_null(property("/soc/display@610000", "msi-parent", NULL));
    assert_non_null(property("/soc/display@610000", "backlight-supply", NULL));
    assert_null(property("/regulator-backlight", "gpio", NULL));
    assert_null(property("/soc/touch@620000", "interrupt-parent", NULL));
    assert_null(property("/soc/touch@620000", "interrupts", NULL));
    assert_null(property("/soc/serial@500000", "pinctrl-0", NULL));
    assert_non_null(property("/soc/serial@500000", "clocks", NULL));
    assert_non_null(property("/pmu", "interrupt-affinity", NULL));
    assert_non_null(property("/cpus/cpu@0", "next-level-cache", NULL));
    assert_null(property("/cpus/cpu@0", "cpu-idle-states", NULL));
    assert_null(property("/cpus/cpu@10100", "power-domains", NULL));
}

static void test_secure_and_firmware_interfaces_go(void **state) {
    static const char *const removed[] = {"/firmware/optee",
                                          "/firmware/scmi",
                                          "/firmware/psci",
                                          "/hypervisor",
                                          "/cpus/idle-states/cpu-sleep",
                                          "/soc/iommu@700000",
                                          "/soc/interrupt-controller@100000/msi-controller@300000"};

    (void)state;
    build_soc("work");
    for (size_t i = 0; i < sizeof(removed) / sizeof(removed[0]); i++) {
        if (has_node(removed[i])) {
            fail_msg("%s is there", removed[i]);
        }
    }
    expect_text("/cpus/cpu@0", "enable-method", "psci");
    assert_null(property("/cpus/cpu@0", "cpu-release-addr", NULL));
    assert_null(property("/soc/interrupt-controller@100000", "mbi-ranges", NULL));
}

static void test_each_persona_has_its_own_devices(void **state) {
    (void)state;
    build_soc("work");
    assert_true(has_node("/soc/safe@630000") && !has_node("/soc/modem@600000"));
    assert_null(property("/aliases", "modem0", NULL));
    build_soc("personal");
    assert_true(!has_node("/soc/safe@630000") && has_node("/soc/modem@600000"));
    assert_non_null(property("/aliases", "modem0", NULL));
    expect_text("/chosen", "stdout-path", "serial0:115200n8");
}

static void test_reserved_memory_of_the_partition_stays(void **state) {
    (void)state;
    build_soc("work");
    assert_true(has_node("/reserved-memory/ramoops@890000000"));
    assert_true(has_node("/reserved-memory/linux,cma"));
    assert_false(has_node("/reserved-memory/modem@90000000"));
    expect_cells("/memory@880000000", "reg", (uint32_t[]){8, 0x80000000, 0, 0x20000000}, 4);
}

static void test_trees_are_clean(void **state) {
    static const char *const personas[] = {"work", "personal", "third"};

    (void)state;
    build_virt("virt");
    expect_clean("virt");
    expect_no_removed_phandles();
    build_virt("virt-u-boot");
    expect_clean("virt-u-boot");
    for (size_t i = 0; i < 3; i++) {
        build_soc(personas[i]);
        expect_clean(personas[i]);
        expect_no_removed_phandles();
    }
}

static void test_no_initrd(void **state) {
    (void)state;
    load("qemu-virt", "virt", 0x50000000);
    request.initrd.size = 0;
    assert_int_equal(build(), DEVICETREE_OK);
    assert_null(property("/chosen", "linux,initrd-start", NULL));
}

static void test_bad_requests(void **state) {
    (void)state;
    load("qemu-virt", "virt", 0x50000000);
    request.partition.size = 0;
    assert_int_equal(build(), DEVICETREE_BAD_PARTITION);
    request.partition = (struct tree_range){UINT64_MAX - 100, 200};
    assert_int_equal(build(), DEVICETREE_BAD_PARTITION);
    load("qemu-virt", "virt", 0x50000000);
    request.initrd = (struct tree_range){0x7fffffff, 2};
    assert_int_equal(build(), DEVICETREE_BAD_INITRD);
}

static void test_every_buffer_that_is_too_small(void **state) {
    (void)state;
    load("qemu-virt", "virt", 0x50000000);
    assert_int_equal(build(), DEVICETREE_OK);
    size_t needed = devicetree_size(built);
    for (size_t size = 0; size < needed; size += 13) {
        // In memory of its own, so that a write past its end shows.
        void *buffer = malloc(size);
        assert_int_equal(devicetree_build(&request, buffer, size), DEVICETREE_NO_ROOM);
        free(buffer);
    }
}

static void test_room_is_enough_for_a_long_command_line(void **state) {
    static char command_line[2048];

    (void)state;
    memset(command_line, 'x', sizeof(command_line) - 1);
    load("qemu-virt", "virt-u-boot", 0x50000000);
    request.command_line = command_line;
    assert_int_equal(build(), DEVICETREE_OK);
    expect_text("/chosen", "bootargs", command_line);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_virt_memory_and_chosen),
        cmocka_unit_test(test_virt_devices),
        cmocka_unit_test(test_psci_by_hvc),
        cmocka_unit_test(test_flip_button),
        cmocka_unit_test(test_channel),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_flip_button_beside_the_firmwares),
        cmocka_unit_test(test_references_go_with_what_they_refer_to),
        cmocka_unit_test(test_secure_and_firmware_interfaces_go),
        cmocka_unit_test(test_each_persona_has_its_own_devices),
        cmocka_unit_test(test_reserved_memory_of_the_partition_stays),
        cmocka_unit_test(test_trees_are_clean),
        cmocka_unit_test(test_no_initrd),
        cmocka_unit_test(test_bad_requests),
        cmocka_unit_test(test_every_buffer_that_is_too_small),
        cmocka_unit_test(test_room_is_enough_for_a_long_command_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
