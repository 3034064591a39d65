// SPDX-License-Identifier: BSD-3-Clause
#include "credential.h"
#include "initrd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ROOM = 8192, ENTRIES = 4, HEADER = 110 };

static uint8_t archive[ROOM];

/* What `cpio --quiet -o -H newc --reproducible` writes for the same tree, inode numbers and padding at the end apart.
 */
static const char expected[] =
    "070701000000010000416d000000000000000000000002000000000000000000000000000000000000000000"
    "0000000000000700000000.extra\0\0\0\0"
    "070701000000020000416d000000000000000000000002000000000000000000000000000000000000000000"
    "0000000000001300000000.extra/credentials\0\0\0\0"
    "070701000000030000810000000000000000000000000100000000000000050000000000000000000000000"
    "00000000000001800000000.extra/credentials/name\0\0\0"
    "12345\0\0\0"
    "0707010000000000000000000000000000000000000001000000000000000000000000000000000000000000"
    "0000000000000b00000000TRAILER!!!\0\0\0\0";

static void writes_known_bytes(void **state) {
    size_t size = 0;
    (void)state;
    memset(archive, 0xa5, sizeof(archive));
    assert_int_equal(credential_write("name", "12345", 5, archive, ROOM, &size), CREDENTIAL_OK);
    assert_int_equal(size, sizeof(expected) - 1);
    assert_memory_equal(archive, expected, size);
    assert_int_equal(archive[size], 0xa5);
    assert_int_equal(size, credential_size("name", 5));
}

static void is_an_initrd(void **state) {
    size_t size = 0;
    (void)state;
    for (size_t length = 0; length < 200; length++) {
        assert_int_equal(credential_write("cryptsetup.passphrase", archive, length, archive + 512, ROOM - 512, &size),
                         CREDENTIAL_OK);
        assert_int_equal(size % CREDENTIAL_ALIGNMENT, 0);
        assert_int_equal(initrd_check(archive + 512, size), INITRD_OK);
    }
}

static void keeps_to_its_room(void **state) {
    size_t needed = credential_size("a", 7), size = 1;
    (void)state;
    memset(archive, 0xa5, sizeof(archive));
    assert_int_equal(credential_write("a", "1234567", 7, archive, needed - 1, &size), CREDENTIAL_NO_ROOM);
    assert_int_equal(size, 0);
    for (size_t i = 0; i < ROOM; i++)
        assert_int_equal(archive[i], 0xa5);
    assert_int_equal(credential_write("a", "1234567", 7, archive, needed, &size), CREDENTIAL_OK);
    for (size_t i = needed; i < ROOM; i++)
        assert_int_equal(archive[i], 0xa5);
}

static void refuses_names(void **state) {
    static const char *const bad[] = {"", ".", "..", ".hidden", "a/b", "../b", "a b", "a\n", "\xc3\xa4"};
    char name[CREDENTIAL_NAME_MAX + 2];
    size_t size;
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(credential_write(bad[i], "", 0, archive, ROOM, &size), CREDENTIAL_BAD_NAME);
        assert_int_equal(credential_size(bad[i], 0), 0);
    }
    memset(name, 'n', sizeof(name));
    name[CREDENTIAL_NAME_MAX + 1] = '\0';
    assert_int_equal(credential_write(name, "", 0, archive, ROOM, &size), CREDENTIAL_BAD_NAME);
    name[CREDENTIAL_NAME_MAX] = '\0';
    assert_int_equal(credential_write(name, "", 0, archive, ROOM, &size), CREDENTIAL_OK);
    assert_int_equal(initrd_check(archive, size), INITRD_OK);
    assert_int_equal(credential_write("a", archive, CREDENTIAL_SIZE_MAX + 1, archive, ROOM, &size),
                     CREDENTIAL_TOO_LONG);
}

static void finds_its_place(void **state) {
    (void)state;
    assert_int_equal(credential_offset(0), 0);
    assert_int_equal(credential_offset(1), 4);
    assert_int_equal(credential_offset(4), 4);
    assert_int_equal(credential_offset(5), 8);
}

static void every_error_has_a_text(void **state) {
    (void)state;
    for (int error = CREDENTIAL_OK; error <= CREDENTIAL_NO_ROOM; error++)
        assert_string_not_equal(credential_error_text((enum credential_error)error), "unknown error");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_known_bytes), cmocka_unit_test(is_an_initrd),
        cmocka_unit_test(keeps_to_its_room),  cmocka_unit_test(refuses_names),
        cmocka_unit_test(finds_its_place),    cmocka_unit_test(every_error_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
