// SPDX-License-Identifier: BSD-3-Clause
#include "device_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* PciRoot(0)/Pci(2,0)/HD(1,GPT,0BB7AE0C-1122-3344-5566-778899AABBCC,0x800,0x20000)/End */
static const uint8_t path[] = {
    2,    1,    12,   0,    0xd0, 0x41, 3,    0x0a, 0,    0,    0,    0,    1,    1,    6,    0,
    0,    2,    4,    1,    42,   0,    1,    0,    0,    0,    0,    8,    0,    0,    0,    0,
    0,    0,    0,    0,    2,    0,    0,    0,    0,    0,    0x0c, 0xae, 0xb7, 0x0b, 0x22, 0x11,
    0x44, 0x33, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 2,    2,    0x7f, 0xff, 4,    0,
};

enum { HARD_DRIVE = 18, SIGNATURE_TYPE = HARD_DRIVE + 41, END = HARD_DRIVE + 42 };

static void test_partition(void **state) {
    char text[DEVICE_PATH_PARTITION_SIZE];
    (void)state;
    assert_true(device_path_partition(path, sizeof(path), text));
    assert_string_equal(text, "0bb7ae0c-1122-3344-5566-778899aabbcc");
    assert_true(device_path_partition(path, DEVICE_PATH_MAX, text)); /* what follows is not looked at */
}

static void test_other_paths(void **state) {
    uint8_t other[sizeof(path)];
    char text[DEVICE_PATH_PARTITION_SIZE];
    (void)state;
    for (size_t room = 0; room < END; room++) {
        assert_false(device_path_partition(path, room, text));
        assert_string_equal(text, "");
    }
    memcpy(other, path, sizeof(path));
    other[SIGNATURE_TYPE] = 1; /* MBR */
    assert_false(device_path_partition(other, sizeof(other), text));
    memcpy(other, path, sizeof(path));
    other[2] = 3; /* shorter than its header */
    assert_false(device_path_partition(other, sizeof(other), text));
    memcpy(other, path, sizeof(path));
    other[0] = 0x7f; /* ends before */
    assert_false(device_path_partition(other, sizeof(other), text));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_partition), cmocka_unit_test(test_other_paths)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
