// SPDX-License-Identifier: BSD-3-Clause
#include "pci.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { ECAM = 0x10000000, FUNCTIONS_MAX = 16 };

/** A function of the bus that is made up. */
struct function {
    uint8_t bus;
    uint8_t device;
    uint8_t number;
    uint16_t class;
    uint8_t header;
    uint8_t secondary_bus;
};

struct bus {
    size_t count;
    struct function functions[FUNCTIONS_MAX];
    unsigned reads;
};

static uint64_t place(const struct function *function) {
    return ECAM + ((uint64_t)function->bus << 20 | (uint64_t)function->device << 15 | (uint64_t)function->number << 12);
}

static uint32_t read_bus(void *context, uint64_t address) {
    struct bus *bus = context;

    bus->reads++;
    for (size_t i = 0; i < bus->count; i++) {
        const struct function *function = &bus->functions[i];

        if (place(function) != (address & ~UINT64_C(0xfff))) {
            continue;
        }
        switch (address & 0xfff) {
        case 0x00:
            return 0x10421af4;
        case 0x08:
            return (uint32_t)function->class << 16 | 1;
        case 0x0c:
            return (uint32_t)function->header << 16;
        case 0x18:
            return (uint32_t)function->secondary_bus << 8 | function->bus;
        default:
            return 0;
        }
    }
    return 0xffffffff;
}

static const struct board_pci_host host = {{ECAM, 0x400000}, 0, 3};

static size_t find(struct bus *bus, uint64_t *addresses) {
    size_t count = 0;

    assert_int_equal(pci_find_functions(&host, read_bus, bus, addresses, FUNCTIONS_MAX, &count), PCI_OK);
    return count;
}

static void test_functions_but_no_host_bridges(void **state) {
    struct bus bus = {3, {{0, 0, 0, 0x0600, 0, 0}, {0, 1, 0, 0x0200, 0, 0}, {0, 31, 0, 0x0100, 0, 0}}, 0};
    uint64_t addresses[FUNCTIONS_MAX];

    (void)state;
    assert_int_equal(find(&bus, addresses), 2);
    assert_int_equal(addresses[0], ECAM + 0x8004);
    assert_int_equal(addresses[1], ECAM + 0xf8004);
}

static void test_functions_of_one_device(void **state) {
    struct bus bus = {3, {{0, 2, 0, 0x0200, 0x80, 0}, {0, 2, 5, 0x0200, 0, 0}, {0, 3, 0, 0x0200, 0, 0}}, 0};
    uint64_t addresses[FUNCTIONS_MAX];

    (void)state;
    assert_int_equal(find(&bus, addresses), 3);
    assert_int_equal(addresses[1], ECAM + 0x15004);
    bus.functions[0].header = 0;
    assert_int_equal(find(&bus, addresses), 2);
}

static void test_bridges_are_followed_but_not_listed(void **state) {
    struct bus bus = {3, {{0, 1, 0, 0x0604, 1, 2}, {2, 0, 0, 0x0100, 0, 0}, {1, 0, 0, 0x0100, 0, 0}}, 0};
    uint64_t addresses[FUNCTIONS_MAX];

    (void)state;
    assert_int_equal(find(&bus, addresses), 1);
    assert_int_equal(addresses[0], ECAM + 0x200004);
}

static void test_bad_numbering_comes_to_an_end(void **state) {
    struct bus bus = {3, {{0, 1, 0, 0x0604, 1, 0}, {0, 2, 0, 0x0604, 1, 200}, {0, 3, 0, 0x0604, 1, 1}}, 0};
    uint64_t addresses[FUNCTIONS_MAX];

    (void)state;
    bus.functions[bus.count++] = (struct function){1, 0, 0, 0x0604, 1, 1};
    assert_int_equal(find(&bus, addresses), 0);
    assert_in_range(bus.reads, 1, 200);
}

static void test_errors(void **state) {
    struct bus bus = {2, {{0, 1, 0, 0x0200, 0, 0}, {0, 2, 0, 0x0200, 0, 0}}, 0};
    struct board_pci_host small = {{ECAM, 0x3fffff}, 0, 3};
    struct board_pci_host turned = {{ECAM, 0x400000}, 3, 0};
    uint64_t address;
    size_t count = 0;

    (void)state;
    assert_int_equal(pci_find_functions(&host, read_bus, &bus, &address, 1, &count), PCI_TOO_MANY);
    assert_int_equal(pci_find_functions(&small, read_bus, &bus, &address, 1, &count), PCI_BAD_HOST);
    assert_int_equal(pci_find_functions(&turned, read_bus, &bus, &address, 1, &count), PCI_BAD_HOST);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions_but_no_host_bridges),
        cmocka_unit_test(test_functions_of_one_device),
        cmocka_unit_test(test_bridges_are_followed_but_not_listed),
        cmocka_unit_test(test_bad_numbering_comes_to_an_end),
        cmocka_unit_test(test_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
