// SPDX-License-Identifier: BSD-3-Clause
#include "board/board.h"
#include "tree_fixture.h"

#include <libfdt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct tree_fixture description;
static struct tree_fixture firmware;
static struct board board;

static enum board_error parse(void) {
    return board_parse(&board, description.bytes, sizeof(description.bytes), firmware.bytes, sizeof(firmware.bytes));
}

static void load(const char *description_name, const char *firmware_name) {
    tree_fixture_load(&description, description_name);
    tree_fixture_load(&firmware, firmware_name);
}

static void load_virt(void) { load("qemu-virt", "virt"); }

static void load_soc(void) { load("soc-board", "soc"); }

static void expect(enum board_error error, const char *fault) {
    assert_string_equal(board_error_text(parse()), board_error_text(error));
    assert_string_equal(board.fault, fault);
}

static void expect_virt(void) {
    expect(BOARD_OK, "");
    assert_string_equal(board.title, "QEMU virt");
    assert_string_equal(board.name, "qemu-virt");
    assert_int_equal(board.cpu_count, 2);
    assert_int_equal(board.cpus[1], 1);
    assert_int_equal(board.gic.distributor.base, 0x08000000);
    assert_int_equal(board.gic.distributor.size, 0x10000);
    assert_int_equal(board.gic.redistributor_region_count, 1);
    assert_int_equal(board.gic.redistributor_regions[0].base, 0x080a0000);
    assert_int_equal(board.gic.its_count, 1);
    assert_int_equal(board.smmu_count, 1);
    assert_int_equal(board.smmu_v3.base, 0x09050000);
    assert_int_equal(board.smmu_v3.event_intid, 106);
    assert_int_equal(board.smmu_v3.error_intid, 109);
    assert_int_not_equal(board.smmu_v3.phandle, 0);
    assert_int_equal(board.console, 0x09000000);
    assert_int_equal(board.hypervisor_timer_intid, 26);
    assert_int_equal(board.power_key.base, 0x09030000);
    assert_int_equal(board.power_key.intid, 39);
    assert_int_equal(board.power_key.pin, 3);
    assert_int_equal(board.power_key.long_press_ms, 1000);
    assert_false(board.power_key.active_low);
    assert_int_equal(board.keyboard.base, 0x0a003e00);
    assert_int_equal(board.keyboard.intid, 79);
    assert_int_equal(board.keyboard.chord_length, 2);
    assert_int_equal(board.keyboard.chord[0], 115);
    assert_int_equal(board.flip_button_intid, 142);
    assert_int_equal(board.flip_timeout_ms, 20000);
    assert_int_equal(board.channel.base, 0x0b000000);
    assert_int_equal(board.channel.intid, 143);
    assert_int_equal(board.clock.base, 0x09010000);
    assert_int_equal(board.clock.intid, 34);
    assert_int_equal(board.clock.persona_intid, 141);
    assert_int_equal(board.usim_state.range.base, 0x4000000);
    assert_int_equal(board.usim_state.range.size, 0x4000000);
}

static void test_virt_as_qemu_and_as_u_boot_tell_it(void **state) {
    (void)state;
    load_virt();
    expect_virt();
    load("qemu-virt", "virt-u-boot");
    expect_virt();
}

static void test_virt_devices(void **state) {
    (void)state;
    load_virt();
    expect(BOARD_OK, "");
    const struct board_device *pci = board_find_device(&board, "/pcie@10000000");
    assert_non_null(pci);
    assert_string_equal(pci->name, "pci");
    assert_int_equal(pci->policy, BOARD_SHARED);
    assert_int_equal(pci->range_count, 4);
    assert_int_equal(pci->ranges[0].base, 0x4010000000);
    assert_int_equal(pci->intid_count, 4);
    assert_int_equal(pci->intids[3], 38);
    assert_int_equal(pci->last_bus, 255);
    assert_null(board_find_device(&board, "/virtio_mmio@a003000"));
    assert_null(board_find_device(&board, "/smmuv3@9050000"));
    assert_null(board_find_device(&board, "/pl011@9040000"));
    assert_int_equal(board_find_device(&board, "/fw-cfg@9020000")->policy, BOARD_HIDDEN);
}

static void test_virt_quiet_list(void **state) {
    uint64_t addresses[4];
    struct board_pci_host hosts[2];
    size_t count = 0;

    (void)state;
    load_virt();
    expect(BOARD_OK, "");
    assert_true(board_quiet_virtio_mmio(&board, addresses, 4, &count));
    assert_int_equal(count, 2);
    assert_int_equal(addresses[0], 0x0a000070);
    assert_int_equal(addresses[1], 0x0a002e70);
    assert_false(board_quiet_virtio_mmio(&board, addresses, 1, &count));
    assert_true(board_pci_hosts(&board, hosts, 2, &count));
    assert_int_equal(count, 1);
    assert_int_equal(hosts[0].ecam.size, 0x10000000);
    assert_false(board_pci_hosts(&board, hosts, 0, &count));
}

static bool is_mapped(const struct board_mapping *mappings, size_t count, uint64_t address) {
    for (size_t i = 0; i < count; i++) {
        if (address >= mappings[i].range.base && address - mappings[i].range.base < mappings[i].range.size) {
            return true;
        }
    }
    return false;
}

static void test_visible_ranges_are_sorted_pages_without_what_is_kept(void **state) {
    static const uint64_t kept[] = {0,          0x08080000, 0x09010000, 0x09020000, 0x09030000, 0x09040000,
                                    0x09050000, 0x0a003000, 0x0a003e00, 0x0c000000, 0x40000000, 0x3f000000};
    static struct board_mapping mappings[BOARD_MAPPINGS_MAX];
    size_t count = 0;

    (void)state;
    load_virt();
    expect(BOARD_OK, "");
    assert_true(board_visible_ranges(&board, "work", mappings, BOARD_MAPPINGS_MAX, &count));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal((mappings[i].range.base | mappings[i].range.size) % BOARD_PAGE_SIZE, 0);
        assert_true(i == 0 || mappings[i - 1].range.base + mappings[i - 1].range.size <= mappings[i].range.base);
        assert_int_equal(mappings[i].read_only, mappings[i].range.base < 0x09000000);
    }
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        assert_false(is_mapped(mappings, count, kept[i]));
    }
    assert_true(is_mapped(mappings, count, 0x08000000));
    assert_true(is_mapped(mappings, count, 0x09000000));
    assert_true(is_mapped(mappings, count, 0xffffffffff));
    assert_false(board_visible_ranges(&board, "work", mappings, 5, &count));
}

static bool is_allowed(const char *persona, uint32_t intid) {
    uint32_t words[BOARD_SPI_WORDS];

    board_allowed_spis(&board, persona, words);
    assert_int_equal(words[0], 0);
    return (words[intid / 32] >> intid % 32 & 1) != 0;
}

static void test_exclusive_devices_are_one_personas(void **state) {
    static struct board_mapping mappings[BOARD_MAPPINGS_MAX];
    size_t count = 0;

    (void)state;
    load_soc();
    expect(BOARD_OK, "");
    assert_true(board.power_key.active_low);
    assert_int_equal(board.keyboard.base, 0);
    assert_int_equal(board.cpus[1], 0x10100);
    assert_int_equal(board.gic.redistributor_region_count, 2);
    assert_true(is_allowed("personal", 52) && is_allowed("personal", 53) && !is_allowed("personal", 55));
    assert_true(is_allowed("work", 55) && !is_allowed("work", 52));
    assert_true(!is_allowed("third", 55) && !is_allowed("third", 52) && is_allowed("third", 332));
    assert_true(is_allowed("third", 42) && is_allowed("third", 232) && !is_allowed("third", 43));
    assert_true(board_visible_ranges(&board, "work", mappings, BOARD_MAPPINGS_MAX, &count));
    assert_true(is_mapped(mappings, count, 0xf0630000) && !is_mapped(mappings, count, 0xf0600000));
    assert_true(board_visible_ranges(&board, "personal", mappings, BOARD_MAPPINGS_MAX, &count));
    assert_true(!is_mapped(mappings, count, 0xf0630000) && is_mapped(mappings, count, 0x100000000));
    assert_false(board_device_visible(board_find_device(&board, "/soc/modem@600000"), NULL));
}

static void test_memory_shares(void **state) {
    (void)state;
    load_soc();
    expect(BOARD_OK, "");
    assert_int_equal(board_memory_percent(&board, "personal"), 60);
    assert_int_equal(board_memory_percent(&board, "work"), 40);
    assert_int_equal(board_memory_percent(&board, "third"), 0);
}

static void test_another_board(void **state) {
    (void)state;
    load("qemu-virt", "soc");
    expect(BOARD_NOT_THIS, "");
}

static void test_damaged_trees(void **state) {
    (void)state;
    load_virt();
    assert_int_equal(board_parse(&board, description.bytes, 100, firmware.bytes, sizeof(firmware.bytes)),
                     BOARD_BAD_DESCRIPTION);
    assert_int_equal(board_parse(&board, description.bytes, sizeof(description.bytes), firmware.bytes, 100),
                     BOARD_BAD_FIRMWARE_TREE);
    tree_fixture_set_string(&description, "/", "compatible", "flipside,board-2");
    expect(BOARD_BAD_DESCRIPTION, "");
}

/** One damage to the description of qemu-virt. */
struct damage {
    const char *path;
    const char *property;
    const char *bytes; /* NULL: the property is deleted */
    size_t size;
    enum board_error error;
    const char *fault;
};

#define STRING(text) text, sizeof(text)
#define CELL(a) ("\0\0" a), 4

static const struct damage damages[] = {
    {"/", "titel", STRING("x"), BOARD_UNKNOWN_PROPERTY, "/"},
    {"/", "title", NULL, 0, BOARD_BAD_PROPERTY, "/"},
    {"/", "board", STRING(""), BOARD_BAD_PROPERTY, "/"},
    {"/", "board", STRING("QEMU virt"), BOARD_BAD_PROPERTY, "/"},
    {"/", "board", STRING("a-name-that-is-longer-than-31-by"), BOARD_BAD_PROPERTY, "/"},
    {"/", "title", "no end", 6, BOARD_BAD_PROPERTY, "/"},
    {"/", "title", STRING("a title that is longer than sixty-three bytes is nothing to put on a line"),
     BOARD_BAD_PROPERTY, "/"},
    {"/", "match", NULL, 0, BOARD_BAD_PROPERTY, "/"},
    {"/", "match", STRING("acme,board"), BOARD_NOT_THIS, ""},
    {"/", "console", STRING(""), BOARD_BAD_PROPERTY, "/"},
    {"/", "console", STRING("/pl031@9010000"), BOARD_BAD_PROPERTY, "/pl031@9010000"},
    {"/devices", "policy", STRING("shared"), BOARD_UNKNOWN_PROPERTY, "/devices"},
    {"/devices/serial", "polices", STRING("shared"), BOARD_UNKNOWN_PROPERTY, "/devices/serial"},
    {"/devices/serial", "policy", NULL, 0, BOARD_BAD_PROPERTY, "/devices/serial"},
    {"/devices/serial", "policy", STRING("mine"), BOARD_BAD_PROPERTY, "/devices/serial"},
    {"/devices/serial", "policy", STRING("exclusive"), BOARD_BAD_PROPERTY, "/devices/serial"},
    {"/devices/serial", "persona", STRING("work"), BOARD_BAD_PROPERTY, "/devices/serial"},
    {"/devices/serial", "quiet", STRING("very"), BOARD_BAD_PROPERTY, "/devices/serial"},
    {"/devices/serial", "quiet", STRING("pci-ecam"), BOARD_BAD_PROPERTY, "/pl011@9000000"},
    {"/devices/serial", "dma", STRING("some"), BOARD_BAD_PROPERTY, "/devices/serial"},
    {"/devices/serial", "dma", STRING(""), BOARD_BAD_PROPERTY, "/devices/serial"},
    {"/devices/serial", "dma", "smmu", 4, BOARD_BAD_PROPERTY, "/devices/serial"},
    {"/devices/serial", "dma", CELL("\0\1"), BOARD_BAD_PROPERTY, "/devices/serial"},
    {"/devices/serial", "compatible", STRING("arm,pl011"), BOARD_BAD_PROPERTY, "/devices/serial"},
    {"/devices/serial", "nodes", NULL, 0, BOARD_BAD_PROPERTY, "/devices/serial"},
    {"/devices/serial", "nodes", STRING("/pcie@10000000"), BOARD_NAMED_TWICE, "/pcie@10000000"},
    {"/devices/serial", "nodes", STRING("/pl061@9030000"), BOARD_KEY_NOT_HIDDEN, "/pl061@9030000"},
    {"/devices/serial", "nodes", STRING("/virtio_mmio@a003000"), BOARD_PAGE_SHARED, "/virtio_mmio@a003000"},
    {"/devices/virtio", "within", NULL, 0, BOARD_KEY_NOT_HIDDEN, "/virtio_mmio@a003e00"},
    {"/devices/virtio", "within", STRING("1234567"), BOARD_BAD_PROPERTY, "/devices/virtio"},
    {"/attention/power-key", "pin", CELL("\0\x08"), BOARD_BAD_PROPERTY, "/attention/power-key"},
    {"/attention/power-key", "pin", NULL, 0, BOARD_BAD_PROPERTY, "/attention/power-key"},
    {"/attention/power-key", "long-press-ms", CELL("\0\x10"), BOARD_BAD_PROPERTY, "/attention/power-key"},
    {"/attention/power-key", "active-low", STRING("yes"), BOARD_BAD_PROPERTY, "/attention/power-key"},
    {"/attention/power-key", "node", NULL, 0, BOARD_BAD_PROPERTY, "/attention/power-key"},
    {"/attention/power-key", "node", STRING("/nowhere"), BOARD_NO_ATTENTION, "/nowhere"},
    {"/attention/power-key", "node", STRING("/pl011@9000000"), BOARD_NO_ATTENTION, "/pl011@9000000"},
    {"/attention/chord", "keys", NULL, 0, BOARD_BAD_PROPERTY, "/attention/chord"},
    {"/attention/chord", "keys", CELL("\x7f\0"), BOARD_BAD_PROPERTY, "/attention/chord"},
    {"/attention/chord", "key", CELL("\0\x73"), BOARD_UNKNOWN_PROPERTY, "/attention/chord"},
    {"/attention/chord", "node", STRING("/nowhere"), BOARD_NO_ATTENTION, "/nowhere"},
    {"/flip", "spi", NULL, 0, BOARD_BAD_PROPERTY, "/flip"},
    {"/flip", "spi", CELL("\x03\xdc"), BOARD_BAD_PROPERTY, "/flip"},
    {"/flip", "spi", CELL("\0\x02"), BOARD_INTID_SHARED, "/pl031@9010000"},
    {"/flip", "spi", CELL("\0\x07"), BOARD_INTID_SHARED, "/pl061@9030000"},
    {"/flip", "timeout-ms", CELL("\0\x0a"), BOARD_BAD_PROPERTY, "/flip"},
    {"/channel", "base", NULL, 0, BOARD_BAD_PROPERTY, "/channel"},
    {"/channel", "base", "\0\0\0\0\0\0\0\0", 8, BOARD_BAD_PROPERTY, "/channel"},
    {"/channel", "base", "\0\0\0\0\x0b\0\x08\0", 8, BOARD_BAD_PROPERTY, "/channel"},
    {"/channel", "base", "\0\0\0\0\x09\x02\0\0", 8, BOARD_PAGE_SHARED, "/fw-cfg@9020000"},
    {"/channel", "base", "\0\0\0\0\x10\0\0\0", 8, BOARD_PAGE_SHARED, "/pcie@10000000"},
    {"/channel", "base", "\0\0\0\0\x40\0\0\0", 8, BOARD_PAGE_SHARED, "/memory@40000000"},
    {"/channel", "spi", NULL, 0, BOARD_BAD_PROPERTY, "/channel"},
    {"/channel", "spi", CELL("\0\x6e"), BOARD_BAD_PROPERTY, "/channel"},
    {"/channel", "spi", CELL("\0\x02"), BOARD_INTID_SHARED, "/pl031@9010000"},
    {"/channel", "size", CELL("\0\x02"), BOARD_UNKNOWN_PROPERTY, "/channel"},
    {"/clock", "node", NULL, 0, BOARD_BAD_PROPERTY, "/clock"},
    {"/clock", "node", STRING("/nowhere"), BOARD_NO_CLOCK, "/nowhere"},
    {"/clock", "node", STRING("/pl061@9030000"), BOARD_NO_CLOCK, "/pl061@9030000"},
    {"/clock", "spi", NULL, 0, BOARD_BAD_PROPERTY, "/clock"},
    {"/clock", "spi", CELL("\x03\xdc"), BOARD_BAD_PROPERTY, "/clock"},
    {"/clock", "spi", CELL("\0\x6e"), BOARD_BAD_PROPERTY, "/clock"},
    {"/clock", "spi", CELL("\0\x6f"), BOARD_BAD_PROPERTY, "/clock"},
    {"/clock", "spi", CELL("\0\x02"), BOARD_INTID_SHARED, "/pl031@9010000"},
    {"/clock", "spi", CELL("\0\x01"), BOARD_INTID_SHARED, "/pl011@9000000"},
    {"/clock", "persona", STRING("work"), BOARD_UNKNOWN_PROPERTY, "/clock"},
    {"/usim-state", "node", NULL, 0, BOARD_BAD_PROPERTY, "/usim-state"},
    {"/usim-state", "node", STRING("/nowhere"), BOARD_NO_USIM_STATE, "/nowhere"},
    {"/usim-state", "node", STRING("/pl061@9030000"), BOARD_NO_USIM_STATE, "/pl061@9030000"},
    {"/usim-state", "bank", NULL, 0, BOARD_BAD_PROPERTY, "/usim-state"},
    {"/usim-state", "bank", CELL("\0\x02"), BOARD_NO_USIM_STATE, "/flash@0"},
    {"/usim-state", "bank", CELL("\0\x08"), BOARD_BAD_PROPERTY, "/usim-state"},
    {"/usim-state", "blocks", CELL("\0\x02"), BOARD_UNKNOWN_PROPERTY, "/usim-state"},
    {"/devices/serial", "nodes", STRING("/pl031@9010000"), BOARD_NAMED_TWICE, "/pl031@9010000"},
};

static void test_description_errors(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        load_virt();
        tree_fixture_set(&description, damages[i].path, damages[i].property, damages[i].bytes, damages[i].size);
        expect(damages[i].error, damages[i].fault);
    }
}

static void test_description_without_a_part(void **state) {
    static const char *const parts[] = {"/devices", "/attention", "/flip"};

    (void)state;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        load_virt();
        tree_fixture_delete(&description, parts[i]);
        expect(BOARD_BAD_PROPERTY, "/");
    }
    load_virt();
    tree_fixture_delete(&description, "/attention/chord");
    expect(BOARD_OK, "");
    tree_fixture_delete(&description, "/attention/power-key");
    expect(BOARD_BAD_PROPERTY, "/attention");
    load_virt();
    tree_fixture_add(&description, "/", "device");
    expect(BOARD_UNKNOWN_PROPERTY, "/device");
}

static void test_shares_out_of_range(void **state) {
    (void)state;
    load_soc();
    tree_fixture_set_cells(&description, "/shares", "personal", (uint32_t[]){61}, 1);
    expect(BOARD_BAD_PROPERTY, "/shares");
    load_soc();
    tree_fixture_set_cells(&description, "/shares", "Third", (uint32_t[]){1}, 1);
    expect(BOARD_BAD_PROPERTY, "/shares");
}

static void test_cpus(void **state) {
    char name[] = "cpu@2";

    (void)state;
    load_virt();
    tree_fixture_set_cells(&firmware, "/cpus/cpu@1", "reg", (uint32_t[]){0}, 1);
    expect(BOARD_BAD_FIRMWARE_TREE, "/cpus/cpu@1");
    load_virt();
    tree_fixture_delete(&firmware, "/cpus/cpu@0");
    tree_fixture_delete(&firmware, "/cpus/cpu@1");
    expect(BOARD_NO_CPUS, "");
    load_virt();
    for (uint32_t i = 2; i < 9; i++) {
        char path[] = "/cpus/cpu@2";

        name[4] = path[10] = (char)('0' + i);
        tree_fixture_add(&firmware, "/cpus", name);
        tree_fixture_set_string(&firmware, path, "device_type", "cpu");
        tree_fixture_set_cells(&firmware, path, "reg", &i, 1);
    }
    assert_int_equal(parse(), BOARD_TOO_MANY_CPUS);
}

static void test_gic_and_timer(void **state) {
    static const char gic[] = "/intc@8000000";

    (void)state;
    load_virt();
    tree_fixture_set_string(&firmware, gic, "compatible", "arm,gic-400");
    expect(BOARD_NO_GIC, "");
    load_virt();
    tree_fixture_set_cells(&firmware, gic, "#redistributor-regions", (uint32_t[]){2}, 1);
    expect(BOARD_BAD_GIC, gic);
    load_virt();
    tree_fixture_set_cells(&firmware, gic, "redistributor-stride", (uint32_t[]){0, 0x20000}, 2);
    expect(BOARD_BAD_GIC, gic);
    load_virt();
    tree_fixture_set_cells(&firmware, "/timer", "interrupts", (uint32_t[]){1, 13, 4}, 3);
    expect(BOARD_NO_TIMER, "/timer");
    load_virt();
    tree_fixture_set(&firmware, "/timer", "interrupt-names", "virt\0hyp-phys", 14);
    expect(BOARD_OK, "");
    assert_int_equal(board.hypervisor_timer_intid, 30);
    tree_fixture_delete(&firmware, "/timer");
    expect(BOARD_NO_TIMER, "");
}

static void test_isolation(void **state) {
    (void)state;
    load_virt();
    tree_fixture_set_cells(&firmware, "/pl011@9000000", "reg", (uint32_t[]){0, 0x40001000, 0, 0x1000}, 4);
    expect(BOARD_DEVICE_IN_MEMORY, "/pl011@9000000");
    load_virt();
    tree_fixture_set_cells(&firmware, "/pl011@9000000", "reg", (uint32_t[]){0, 0x0800f000, 0, 0x1000}, 4);
    expect(BOARD_PAGE_SHARED, "/pl011@9000000");
    load_virt();
    tree_fixture_set_cells(&firmware, "/pl011@9000000", "reg", (uint32_t[]){0, 0x09020800, 0, 0x100}, 4);
    expect(BOARD_PAGE_SHARED, "/pl011@9000000");
    load_virt();
    tree_fixture_set_cells(&firmware, "/pl011@9000000", "interrupts", (uint32_t[]){0, 47, 1}, 3);
    expect(BOARD_INTID_SHARED, "/pl011@9000000");
    load_soc();
    tree_fixture_set_cells(&firmware, "/soc/safe@630000", "reg", (uint32_t[]){0x601800, 0x100}, 2);
    assert_int_equal(parse(), BOARD_PAGE_SHARED);
}

#define FLASH "/flash@0"

static void test_usim_state(void **state) {
    (void)state;
    load_virt();
    tree_fixture_set_string(&firmware, FLASH, "status", "disabled"); /* as EDK2 leaves it */
    expect(BOARD_OK, "");
    assert_int_equal(board.usim_state.range.base, 0x4000000);
    tree_fixture_delete(&description, "/usim-state");
    expect(BOARD_OK, "");
    assert_int_equal(board.usim_state.range.size, 0);
    load_virt();
    tree_fixture_set_string(&description, "/devices/flash", "policy", "shared");
    expect(BOARD_PAGE_SHARED, FLASH);
    load_virt();
    tree_fixture_set_cells(&firmware, FLASH, "reg", (uint32_t[]){0, 0, 0, 0x4000000, 0, 0x4000800, 0, 0x4000000}, 8);
    expect(BOARD_NO_USIM_STATE, FLASH);
}

/* DMA. */

#define SMMU "/smmuv3@9050000"
#define PCI "/pcie@10000000"
#define SERIAL "/pl011@9000000"

static void test_smmu_that_cannot_be_driven_confines_nothing(void **state) {
    static const struct damage damages[] = {
        {SMMU, "interrupt-names", NULL, 0, BOARD_OK, ""},
        {SMMU, "interrupt-names", "eventq\0priq\0cmdq-sync\0error", 28, BOARD_OK, ""},
        {SMMU, "interrupt-names", "event\0priq\0cmdq-sync\0gerror", 28, BOARD_OK, ""},
        {SMMU, "interrupt-names", "a\0b\0c\0d\0eventq\0gerror", 22, BOARD_OK, ""},
        {SMMU, "interrupts", NULL, 0, BOARD_OK, ""},
        {SMMU, "interrupts", "\0\0\0\1\0\0\0\1\0\0\0\1", 12, BOARD_OK, ""}, /* a PPI */
        {SMMU, "reg", "\0\0\0\0\x09\x05\0\0\0\0\0\0\0\1\0\0", 16, BOARD_OK, ""},
        {SMMU, "compatible", STRING("arm,smmu-v2"), BOARD_OK, ""},
        {SMMU, "phandle", NULL, 0, BOARD_OK, ""},
        {SMMU, "status", STRING("disabled"), BOARD_OK, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        load_virt();
        tree_fixture_set(&firmware, damages[i].path, damages[i].property, damages[i].bytes, damages[i].size);
        expect(damages[i].error, damages[i].fault);
        assert_int_equal(board.smmu_v3.base, 0);
        assert_int_equal(board.smmu_count, 1);
        assert_true(board_is_unconfined(&board, board_find_device(&board, PCI)));
    }
    load_soc();
    expect(BOARD_OK, "");
    assert_int_equal(board.smmu_v3.base, 0);
}

static void test_combined_smmu_interrupts_are_not_enough(void **state) {
    (void)state;
    load_virt();
    tree_fixture_set_cells(&firmware, SMMU, "interrupts", (uint32_t[]){0, 74, 1, 0, 75, 1, 0, 76, 1, 0, 74, 1}, 12);
    expect(BOARD_OK, "");
    assert_int_equal(board.smmu_v3.base, 0);
}

static bool pci_is_behind_smmu(const uint32_t *cells, size_t count) {
    load_virt();
    expect(BOARD_OK, "");
    uint32_t map[8];
    for (size_t i = 0; i < count; i++) {
        map[i] = cells[i] == 0x5a5a ? board.smmu_v3.phandle : cells[i];
    }
    tree_fixture_set_cells(&firmware, PCI, "iommu-map", map, count);
    expect(BOARD_OK, "");
    const struct board_device *pci = board_find_device(&board, PCI);
    assert_int_equal(board_is_unconfined(&board, pci), !pci->behind_smmu);
    return pci->behind_smmu;
}

static void test_pci_is_confined_with_all_its_requesters_only(void **state) {
    (void)state;
    assert_true(pci_is_behind_smmu((uint32_t[]){0, 0x5a5a, 0, 0x10000}, 4));
    assert_true(pci_is_behind_smmu((uint32_t[]){0, 0x5a5a, 0, 0x20000}, 4));
    assert_false(pci_is_behind_smmu((uint32_t[]){0, 0x5a5a, 0, 0xffff}, 4));
    assert_false(pci_is_behind_smmu((uint32_t[]){8, 0x5a5a, 0, 0x10000}, 4));
    assert_false(pci_is_behind_smmu((uint32_t[]){0, 0x5a5a, 0x100, 0x10000}, 4));
    assert_false(pci_is_behind_smmu((uint32_t[]){0, 0x7777, 0, 0x10000}, 4));
    assert_false(pci_is_behind_smmu((uint32_t[]){0, 0, 0, 0x10000}, 4));
    assert_false(pci_is_behind_smmu((uint32_t[]){0, 0x5a5a, 0, 8, 16, 0x5a5a, 16, 0xfff0}, 8));
    assert_false(pci_is_behind_smmu((uint32_t[]){0, 0x5a5a, 0}, 3));
    load_virt();
    tree_fixture_set(&firmware, PCI, "iommu-map", NULL, 0);
    expect(BOARD_OK, "");
    assert_false(board_find_device(&board, PCI)->behind_smmu);
}

static bool serial_is_unconfined(const char *dma, const uint32_t *cells, size_t count) {
    load_virt();
    expect(BOARD_OK, "");
    uint32_t iommus[4];
    for (size_t i = 0; i < count; i++) {
        iommus[i] = cells[i] == 0x5a5a ? board.smmu_v3.phandle : cells[i];
    }
    if (count > 0) {
        tree_fixture_set_cells(&firmware, SERIAL, "iommus", iommus, count);
    }
    if (dma != NULL) {
        tree_fixture_set_string(&description, "/devices/serial", "dma", dma);
    }
    expect(BOARD_OK, "");
    return board_is_unconfined(&board, board_find_device(&board, SERIAL));
}

static void test_what_is_unconfined(void **state) {
    static const uint32_t here[] = {0x5a5a, 5}, twice[] = {0x5a5a, 5, 0x5a5a, 6}, elsewhere[] = {0x7777, 5},
                          also_elsewhere[] = {0x5a5a, 5, 0x7777, 5};

    (void)state;
    assert_false(serial_is_unconfined(NULL, NULL, 0));
    assert_false(serial_is_unconfined("none", NULL, 0));
    assert_false(serial_is_unconfined("none", elsewhere, 2));
    assert_true(serial_is_unconfined("unconfined", NULL, 0));
    assert_true(serial_is_unconfined("unconfined", here, 2));
    assert_true(serial_is_unconfined("smmu", NULL, 0));
    assert_false(serial_is_unconfined("smmu", here, 2));
    assert_false(serial_is_unconfined("smmu", twice, 4));
    assert_true(serial_is_unconfined("smmu", here, 1));
    assert_true(serial_is_unconfined("smmu", elsewhere, 2));
    assert_true(serial_is_unconfined("smmu", also_elsewhere, 4));
}

static void test_what_nobody_has_is_not_unconfined(void **state) {
    (void)state;
    load_virt();
    tree_fixture_set_string(&description, "/devices/serial", "dma", "unconfined");
    tree_fixture_set_string(&description, "/devices/serial", "policy", "hidden");
    expect(BOARD_OK, "");
    assert_false(board_is_unconfined(&board, board_find_device(&board, SERIAL)));
}

static void test_dma_of_virt(void **state) {
    (void)state;
    load_virt();
    expect(BOARD_OK, "");
    const struct board_device *pci = board_find_device(&board, PCI);
    assert_int_equal(pci->dma, BOARD_DMA_SMMU);
    assert_true(pci->behind_smmu);
    assert_false(board_is_unconfined(&board, pci));
    assert_true(board_is_unconfined(&board, board_find_device(&board, "/virtio_mmio@a000000")));
    assert_false(board_is_unconfined(&board, board_find_device(&board, "/pl011@9000000")));
    tree_fixture_delete(&firmware, SMMU);
    expect(BOARD_OK, "");
    assert_int_equal(board.smmu_v3.base, 0);
    assert_true(board_is_unconfined(&board, board_find_device(&board, PCI)));
}

static void test_disabled_devices_are_not_there(void **state) {
    (void)state;
    load_virt();
    tree_fixture_set_string(&firmware, "/pl011@9000000", "status", "disabled");
    tree_fixture_set(&description, "/", "console", NULL, 0);
    expect(BOARD_OK, "");
    assert_null(board_find_device(&board, "/pl011@9000000"));
}

static void test_a_device_that_firmware_only_keeps_to_itself_is_there(void **state) {
    (void)state;
    load_virt();
    tree_fixture_set_string(&firmware, "/pl011@9000000", "status", "disabled");
    tree_fixture_set(&description, "/", "console", NULL, 0);
    tree_fixture_set(&description, "/devices/serial", "even-if-disabled", "", 0);
    expect(BOARD_OK, "");
    assert_non_null(board_find_device(&board, "/pl011@9000000"));
    load_virt();
    tree_fixture_set_string(&description, "/devices/serial", "even-if-disabled", "yes");
    assert_int_equal(parse(), BOARD_BAD_PROPERTY);
}

#define CLOCK "/pl031@9010000"

static void test_clock(void **state) {
    static struct board_mapping mappings[BOARD_MAPPINGS_MAX];
    size_t count = 0;

    (void)state;
    load_virt();
    expect(BOARD_OK, "");
    assert_null(board_find_device(&board, CLOCK));
    assert_true(is_allowed("work", 141) && !is_allowed("work", 34));
    assert_true(board_visible_ranges(&board, "work", mappings, BOARD_MAPPINGS_MAX, &count));
    assert_false(is_mapped(mappings, count, 0x09010000));
    tree_fixture_set_string(&firmware, CLOCK, "status", "disabled"); /* as EDK2 leaves it */
    expect(BOARD_OK, "");
    assert_int_equal(board.clock.base, 0x09010000);
    tree_fixture_delete(&description, "/clock");
    expect(BOARD_OK, "");
    assert_int_equal(board.clock.base, 0);
    assert_false(is_allowed("work", 141));
}

static void test_clock_that_is_in_the_way(void **state) {
    (void)state;
    load_virt();
    tree_fixture_set_cells(&firmware, CLOCK, "reg", (uint32_t[]){0, 0x09010800, 0, 0x100}, 4);
    expect(BOARD_NO_CLOCK, CLOCK);
    load_virt();
    tree_fixture_set_cells(&firmware, CLOCK, "reg", (uint32_t[]){0, 0x09000000, 0, 0x1000}, 4);
    expect(BOARD_PAGE_SHARED, "/pl011@9000000");
    load_virt();
    tree_fixture_set_cells(&firmware, CLOCK, "reg", (uint32_t[]){0, 0x0b000000, 0, 0x1000}, 4);
    expect(BOARD_PAGE_SHARED, CLOCK);
    load_virt();
    tree_fixture_set_cells(&firmware, CLOCK, "interrupts", (uint32_t[]){1, 2, 4}, 3);
    expect(BOARD_NO_CLOCK, CLOCK);
    load_virt();
    tree_fixture_set_cells(&firmware, CLOCK, "interrupts", (uint32_t[]){0, 7, 4}, 3);
    expect(BOARD_INTID_SHARED, CLOCK);
    load_virt();
    tree_fixture_set_cells(&firmware, CLOCK, "interrupts", (uint32_t[]){0, 1, 4}, 3);
    expect(BOARD_INTID_SHARED, "/pl011@9000000");
    load_virt();
    tree_fixture_set_cells(&firmware, CLOCK, "interrupts", (uint32_t[]){0, 2, 4, 0, 9, 4}, 6);
    expect(BOARD_NO_CLOCK, CLOCK);
}

static void test_too_many_resources(void **state) {
    uint32_t cells[51];

    (void)state;
    for (uint32_t i = 0; i < 51; i += 3) {
        memcpy(cells + i, (uint32_t[]){0, 120 + i, 4}, 12);
    }
    load_virt();
    tree_fixture_set_cells(&firmware, SERIAL, "interrupts", cells, 51);
    expect(BOARD_TOO_MANY_RESOURCES, SERIAL);
    load_virt();
    tree_fixture_set_cells(&firmware, "/pcie@10000000", "reg", (uint32_t[]){0x40, 0x10000000, 0, 0x1000000}, 4);
    expect(BOARD_BAD_FIRMWARE_TREE, "/pcie@10000000");
}

static void test_each_error_has_its_own_text(void **state) {
    (void)state;
    for (int a = BOARD_OK; a <= BOARD_INTID_SHARED; a++) {
        assert_string_not_equal(board_error_text((enum board_error)a), "unknown error");
        for (int b = BOARD_OK; b < a; b++) {
            assert_string_not_equal(board_error_text((enum board_error)a), board_error_text((enum board_error)b));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_virt_as_qemu_and_as_u_boot_tell_it),
        cmocka_unit_test(test_virt_devices),
        cmocka_unit_test(test_virt_quiet_list),
        cmocka_unit_test(test_visible_ranges_are_sorted_pages_without_what_is_kept),
        cmocka_unit_test(test_exclusive_devices_are_one_personas),
        cmocka_unit_test(test_memory_shares),
        cmocka_unit_test(test_another_board),
        cmocka_unit_test(test_damaged_trees),
        cmocka_unit_test(test_description_errors),
        cmocka_unit_test(test_description_without_a_part),
        cmocka_unit_test(test_shares_out_of_range),
        cmocka_unit_test(test_cpus),
        cmocka_unit_test(test_gic_and_timer),
        cmocka_unit_test(test_isolation),
        cmocka_unit_test(test_dma_of_virt),
        cmocka_unit_test(test_what_is_unconfined),
        cmocka_unit_test(test_what_nobody_has_is_not_unconfined),
        cmocka_unit_test(test_pci_is_confined_with_all_its_requesters_only),
        cmocka_unit_test(test_smmu_that_cannot_be_driven_confines_nothing),
        cmocka_unit_test(test_combined_smmu_interrupts_are_not_enough),
        cmocka_unit_test(test_disabled_devices_are_not_there),
        cmocka_unit_test(test_a_device_that_firmware_only_keeps_to_itself_is_there),
        cmocka_unit_test(test_usim_state),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_clock_that_is_in_the_way),
        cmocka_unit_test(test_too_many_resources),
        cmocka_unit_test(test_each_error_has_its_own_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
