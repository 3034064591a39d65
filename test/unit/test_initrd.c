// SPDX-License-Identifier: BSD-3-Clause
#include "initrd.h"

#include "gzip_stored.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* "flipside " some times over, as the compressors' own programs write it (xz with CRC32, zstd with a checksum). */
static const uint8_t GZIP[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xed, 0xc6, 0xb1, 0x09,
                               0x00, 0x30, 0x08, 0x00, 0xb0, 0x57, 0x3c, 0xae, 0x0a, 0x42, 0x87, 0x82, 0xff, 0x83,
                               0x77, 0x14, 0x92, 0x29, 0x75, 0xfb, 0x4d, 0x9f, 0x8c, 0x12, 0x11, 0x11, 0x11, 0x11,
                               0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
                               0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
                               0x11, 0x91, 0x9f, 0xb3, 0x3d, 0xe1, 0xc8, 0xdb, 0x50, 0x46, 0x00, 0x00};
static const uint8_t ZSTD[] = {0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x8d, 0x00, 0x00, 0x48,
                               0x66, 0x6c, 0x69, 0x70, 0x73, 0x69, 0x64, 0x65, 0x20, 0x01,
                               0x00, 0x44, 0x06, 0xf7, 0x72, 0x04, 0x57, 0xb8, 0x98, 0x48};
static const uint8_t XZ[] = {0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x01, 0x69, 0x22, 0xde, 0x36, 0x02, 0x00, 0x21,
                             0x01, 0x16, 0x00, 0x00, 0x00, 0x74, 0x2f, 0xe5, 0xa3, 0xe0, 0x00, 0x23, 0x00, 0x10, 0x5d,
                             0x00, 0x33, 0x1b, 0x09, 0x61, 0xf3, 0xc3, 0xc8, 0x73, 0x9a, 0xd8, 0x31, 0x16, 0xbe, 0xe8,
                             0x00, 0x00, 0x00, 0x48, 0xd9, 0xa4, 0x74, 0x00, 0x01, 0x28, 0x24, 0x50, 0xff, 0xd8, 0x41,
                             0x90, 0x42, 0x99, 0x0d, 0x01, 0x00, 0x00, 0x00, 0x00, 0x01, 0x59, 0x5a};
static const uint8_t LZ4[] = {0x02, 0x21, 0x4c, 0x18, 0x13, 0x00, 0x00, 0x00, 0x9f, 0x66, 0x6c, 0x69, 0x70, 0x73,
                              0x69, 0x64, 0x65, 0x20, 0x09, 0x00, 0x39, 0x50, 0x73, 0x69, 0x64, 0x65, 0x20};

enum { ROOM = 300000 };

static uint8_t file[ROOM];
static size_t file_size;

static int empty_file(void **state) {
    (void)state;
    memset(file, 0, sizeof(file));
    file_size = 0;
    return 0;
}

static void append(const void *data, size_t size) {
    assert_true(size <= ROOM - file_size);
    memcpy(file + file_size, data, size);
    file_size += size;
}

static void append_zeros(size_t count) {
    memset(file + file_size, 0, count);
    file_size += count;
}

static void append_cpio_entry(const char *name, const char *contents) {
    char header[111];
    const unsigned int name_size = (unsigned int)strlen(name) + 1;
    const unsigned int size = (unsigned int)strlen(contents);
    const int written = snprintf(header, sizeof(header), "070701%08X%08X%08X%08X%08X%08X%08x%08X%08X%08X%08X%08X%08X",
                                 1u, 0100644u, 0u, 0u, 1u, 0u, size, 0u, 0u, 0u, 0u, name_size, 0u);
    assert_int_equal(written, 110);
    append(header, 110);
    append(name, name_size);
    append_zeros((4 - file_size % 4) % 4);
    append(contents, size);
    append_zeros((4 - file_size % 4) % 4);
}

static void append_cpio(void) {
    append_cpio_entry("init", "#!/bin/sh\n");
    append_cpio_entry("etc/a-longer-name", "");
    append_cpio_entry("TRAILER!!!", "");
}

static enum initrd_error check(void) { return initrd_check(file, file_size); }

/** Every prefix must be refused; those that end before `magic` bytes are of no known format. */
static void assert_every_truncation_is_found(size_t magic) {
    for (size_t size = 0; size < file_size; size++) {
        uint8_t copy[8192];
        assert_true(size <= sizeof(copy));
        memcpy(copy, file, size);
        const enum initrd_error error = initrd_check(copy, size);
        if (size >= magic) {
            assert_true(error == INITRD_TRUNCATED || error == INITRD_DAMAGED);
        } else {
            assert_true(error == INITRD_UNKNOWN || error == INITRD_EMPTY || error == INITRD_TRUNCATED);
        }
    }
}

static void test_nothing(void **state) {
    (void)state;
    assert_int_equal(check(), INITRD_EMPTY);
    append_zeros(512);
    assert_int_equal(check(), INITRD_EMPTY);
    append("rubbish", 7);
    assert_int_equal(check(), INITRD_UNKNOWN);
}

static void test_cpio(void **state) {
    (void)state;
    append_cpio();
    file_size -= 3; /* the padding behind the trailer's name may be missing */
    assert_int_equal(check(), INITRD_OK);
    assert_every_truncation_is_found(6);
    append_zeros(512);
    assert_int_equal(check(), INITRD_OK);
}

static void test_damaged_cpio(void **state) {
    append_cpio();
    file[54] = 'g'; /* not hexadecimal */
    assert_int_equal(check(), INITRD_DAMAGED);
    empty_file(state);
    append_cpio();
    memset(file + 94, '0', 8); /* a name of no bytes */
    assert_int_equal(check(), INITRD_DAMAGED);
    empty_file(state);
    append_cpio();
    memset(file + 54, 'f', 8);
    assert_int_equal(check(), INITRD_TRUNCATED);
    empty_file(state);
    append_cpio();
    memset(file + 94, 'F', 8);
    assert_int_equal(check(), INITRD_TRUNCATED);
    empty_file(state);
    append_cpio();
    file[128] = '1'; /* the second entry's magic */
    assert_int_equal(check(), INITRD_DAMAGED);
}

static void test_gzip(void **state) {
    (void)state;
    append(GZIP, sizeof(GZIP));
    assert_int_equal(check(), INITRD_OK);
    assert_every_truncation_is_found(2);
    file[sizeof(GZIP) - 8] ^= 1; /* CRC32 */
    assert_int_equal(check(), INITRD_DAMAGED);
}

/** More than the decompressor's window and the scratch buffer, with its end at the buffer's end. */
static void test_large_gzip(void **state) {
    (void)state;
    static uint8_t contents[4 * 32768];
    file_size = gzip_stored(file, contents, sizeof(contents));
    assert_int_equal(check(), INITRD_OK);
    file_size -= 8;
    assert_int_equal(check(), INITRD_TRUNCATED);
    file_size -= 1;
    assert_int_equal(check(), INITRD_TRUNCATED);
}

static void test_zstd(void **state) {
    (void)state;
    append(ZSTD, sizeof(ZSTD));
    assert_int_equal(check(), INITRD_OK);
    assert_every_truncation_is_found(4);
}

/** Frames put together by hand: every size of the header's fields, and every type of block. */
static void test_zstd_headers_and_blocks(void **state) {
    static const struct {
        uint8_t descriptor;
        size_t fields;
    } headers[] = {{0x00, 1}, {0x20, 1}, {0x40, 3}, {0x80, 5}, {0xc0, 9}, {0xe0, 8}, {0x03, 5}, {0x22, 3}, {0x21, 2}};
    static const uint8_t blocks[] = {0x10, 0, 0, 'r', 'w', 0x22, 0, 0x10, 'x', 0x15, 0, 0, 'z', 'z'};
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        empty_file(state);
        append("\x28\xb5\x2f\xfd", 4);
        append(&headers[i].descriptor, 1);
        append_zeros(headers[i].fields);
        append(blocks, sizeof(blocks));
        assert_int_equal(check(), INITRD_OK);
        file_size--;
        assert_int_equal(check(), INITRD_TRUNCATED);
    }
    empty_file(state);
    append("\x28\xb5\x2f\xfd\x20\0\x07\0\0", 9); /* a reserved type of block */
    assert_int_equal(check(), INITRD_DAMAGED);
    empty_file(state);
    append("\x28\xb5\x2f\xfd\x20\0\xfd\xff\xff", 9); /* a block larger than blocks can be */
    assert_int_equal(check(), INITRD_DAMAGED);
    empty_file(state);
    append("\x28\xb5\x2f\xfd\x28\0\x01\0\0", 9); /* a reserved bit */
    assert_int_equal(check(), INITRD_DAMAGED);
}

static void test_lz4(void **state) {
    (void)state;
    append(LZ4, sizeof(LZ4));
    assert_int_equal(check(), INITRD_OK);
    for (size_t size = 5; size < sizeof(LZ4); size++) {
        assert_int_equal(initrd_check(LZ4, size), INITRD_TRUNCATED);
    }
    append(LZ4, sizeof(LZ4)); /* a second one right behind */
    append_zeros(9);
    assert_int_equal(check(), INITRD_OK);
    memset(file + 4, 0xff, 4);
    assert_int_equal(check(), INITRD_DAMAGED);
}

static void test_xz(void **state) {
    append(XZ, sizeof(XZ));
    assert_int_equal(check(), INITRD_OK);
    append_zeros(4);
    assert_int_equal(check(), INITRD_OK);
    file_size -= 4;
    assert_every_truncation_is_found(6);
    const size_t damaged[] = {7, 8, sizeof(XZ) - 16, sizeof(XZ) - 20, sizeof(XZ) - 12, sizeof(XZ) - 6};
    for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
        empty_file(state);
        append(XZ, sizeof(XZ));
        file[damaged[i]] ^= 1;
        assert_int_equal(check(), INITRD_DAMAGED);
    }
}

static void test_one_after_the_other(void **state) {
    (void)state;
    append_cpio();
    append_zeros(512);
    append(GZIP, sizeof(GZIP));
    append(GZIP, sizeof(GZIP));
    append_zeros((4 - file_size % 4) % 4); /* where kernels look for cpio */
    append_cpio();
    append(ZSTD, sizeof(ZSTD));
    assert_int_equal(check(), INITRD_OK);
    append("rubbish", 7);
    assert_int_equal(check(), INITRD_DAMAGED);
}

static void test_recognised_only(void **state) {
    const char *magics[] = {"BZh91AY&SY", "\x5d\0\0\x80\0xxxxx", "\x89LZO\0\r\n\x1a\n"};
    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
        empty_file(state);
        append(magics[i], 9);
        assert_int_equal(check(), INITRD_OK);
    }
}

static void test_texts(void **state) {
    (void)state;
    for (int i = INITRD_OK; i <= INITRD_NO_MEMORY; i++) {
        assert_string_not_equal(initrd_error_text((enum initrd_error)i), "unknown error");
    }
    assert_string_equal(initrd_error_text((enum initrd_error)99), "unknown error");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_nothing, empty_file),
        cmocka_unit_test_setup(test_cpio, empty_file),
        cmocka_unit_test_setup(test_damaged_cpio, empty_file),
        cmocka_unit_test_setup(test_gzip, empty_file),
        cmocka_unit_test_setup(test_large_gzip, empty_file),
        cmocka_unit_test_setup(test_zstd, empty_file),
        cmocka_unit_test_setup(test_zstd_headers_and_blocks, empty_file),
        cmocka_unit_test_setup(test_lz4, empty_file),
        cmocka_unit_test_setup(test_xz, empty_file),
        cmocka_unit_test_setup(test_one_after_the_other, empty_file),
        cmocka_unit_test_setup(test_recognised_only, empty_file),
        cmocka_unit_test_setup(test_texts, empty_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
