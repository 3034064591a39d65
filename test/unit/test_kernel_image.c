// SPDX-License-Identifier: BSD-3-Clause
#include "kernel_image.h"

#include "gzip_stored.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum {
    KERNEL_SIZE = 200000,
    IMAGE_SIZE = 0x40000,
    PE_AT = 64,
    SECTIONS_AT = PE_AT + 24 + 160,
    PAYLOAD_AT = 512,
    ROOM = KERNEL_SIZE + 4096,
};

static uint8_t kernel[KERNEL_SIZE];
static uint8_t packed[ROOM + 1];
static uint8_t unpacked[KERNEL_SIZE + 1];
static struct kernel_image image;

static void put(uint8_t *at, uint64_t value, unsigned int bytes) {
    for (unsigned int i = 0; i < bytes; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

static void put_section(unsigned int i, uint32_t raw, uint32_t raw_size) {
    put(kernel + SECTIONS_AT + i * 40 + 16, raw_size, 4);
    put(kernel + SECTIONS_AT + i * 40 + 20, raw, 4);
}

/** A kernel with the header of Debian's: 4 KiB pages, placed anywhere, an EFI stub with two sections. */
static int fresh_kernel(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(kernel); i++) {
        kernel[i] = (uint8_t)(i * 7 + i / 251);
    }
    memset(kernel, 0, 512);
    memcpy(kernel, "MZ@\xfa", 4);
    put(kernel + 16, IMAGE_SIZE, 8);
    put(kernel + 24, 0x0a, 8);
    memcpy(kernel + 56, "ARM\x64", 4);
    put(kernel + 60, PE_AT, 4);
    memcpy(kernel + PE_AT, "PE\0\0\x64\xaa", 6);
    put(kernel + PE_AT + 6, 2, 2);
    put(kernel + PE_AT + 20, 160, 2);
    put_section(0, 4096, 100000 - 4096);
    put_section(1, 100000, KERNEL_SIZE - 100000);
    return 0;
}

static enum kernel_image_error open_kernel(void) { return kernel_image_open(&image, kernel, sizeof(kernel)); }

/** @return bytes of a zboot file in `packed` */
static size_t make_zboot(const char *compression) {
    const size_t payload = gzip_stored(packed + PAYLOAD_AT, kernel, sizeof(kernel));
    memset(packed, 0, PAYLOAD_AT);
    memcpy(packed, "MZ\0\0zimg", 8);
    put(packed + 8, PAYLOAD_AT, 4);
    put(packed + 12, payload, 4);
    memcpy(packed + 24, compression, strlen(compression));
    return PAYLOAD_AT + payload;
}

static void assert_unpacks(void) {
    assert_int_equal(image.unpacked_size, KERNEL_SIZE);
    assert_int_equal(image.memory_size, IMAGE_SIZE);
    memset(unpacked, 0xa5, sizeof(unpacked));
    assert_int_equal(kernel_image_unpack(&image, unpacked, KERNEL_SIZE - 1), KERNEL_IMAGE_BUFFER_TOO_SMALL);
    assert_int_equal(kernel_image_unpack(&image, unpacked, sizeof(unpacked)), KERNEL_IMAGE_OK);
    assert_memory_equal(unpacked, kernel, KERNEL_SIZE);
    assert_int_equal(unpacked[KERNEL_SIZE], 0xa5);
}

static void test_raw(void **state) {
    (void)state;
    assert_int_equal(open_kernel(), KERNEL_IMAGE_OK);
    assert_int_equal(image.format, KERNEL_IMAGE_RAW);
    assert_int_equal(image.text_offset, 0);
    assert_int_equal(image.page_size, 4096);
    assert_true(image.placed_anywhere);
    assert_unpacks();
}

static void test_raw_without_efi_stub(void **state) {
    (void)state;
    put(kernel, 0x14000010, 4); /* b #64 */
    put(kernel + 8, 0x80000, 8);
    put(kernel + 24, 0, 8);
    put(kernel + 60, 0, 4);
    assert_int_equal(open_kernel(), KERNEL_IMAGE_OK);
    assert_int_equal(image.text_offset, 0x80000);
    assert_int_equal(image.page_size, 0);
    assert_false(image.placed_anywhere);
}

static void test_page_sizes(void **state) {
    (void)state;
    put(kernel + 24, 0x0c, 8);
    assert_int_equal(open_kernel(), KERNEL_IMAGE_OK);
    assert_int_equal(image.page_size, 16384);
    put(kernel + 24, 0x0e, 8);
    assert_int_equal(open_kernel(), KERNEL_IMAGE_OK);
    assert_int_equal(image.page_size, 65536);
}

/** A signature may lie behind the image, and then the file is what needs the memory. */
static void test_file_larger_than_image(void **state) {
    (void)state;
    put(kernel + 16, KERNEL_SIZE - 1000, 8);
    assert_int_equal(open_kernel(), KERNEL_IMAGE_OK);
    assert_int_equal(image.memory_size, KERNEL_SIZE);
}

static void test_gzip(void **state) {
    (void)state;
    const size_t size = gzip_stored(packed, kernel, sizeof(kernel));
    assert_int_equal(kernel_image_open(&image, packed, size), KERNEL_IMAGE_OK);
    assert_int_equal(image.format, KERNEL_IMAGE_GZIP);
    assert_unpacks();
}

static void test_zboot(void **state) {
    (void)state;
    const size_t size = make_zboot("gzip");
    assert_int_equal(kernel_image_open(&image, packed, size), KERNEL_IMAGE_OK);
    assert_int_equal(image.format, KERNEL_IMAGE_ZBOOT);
    assert_unpacks();
    assert_int_equal(kernel_image_open(&image, packed, size - 1), KERNEL_IMAGE_TRUNCATED);
    put(packed + 8, UINT32_MAX, 4);
    assert_int_equal(kernel_image_open(&image, packed, size), KERNEL_IMAGE_TRUNCATED);
    put(packed + 8, PAYLOAD_AT, 4);
    put(packed + 12, 17, 4);
    assert_int_equal(kernel_image_open(&image, packed, size), KERNEL_IMAGE_TRUNCATED);
    const size_t zstd = make_zboot("zstd22");
    assert_int_equal(kernel_image_open(&image, packed, zstd), KERNEL_IMAGE_COMPRESSION);
}

static void test_truncated_raw(void **state) {
    (void)state;
    for (size_t size = 0; size < KERNEL_SIZE; size += size < 1000 ? 1 : 997) {
        assert_int_equal(kernel_image_open(&image, kernel, size),
                         size < 64 ? KERNEL_IMAGE_TOO_SHORT : KERNEL_IMAGE_TRUNCATED);
    }
}

/** What a cut gzip file says of its length is random: it is found out at once or when it is unpacked. */
static void test_truncated_gzip(void **state) {
    (void)state;
    const size_t whole = gzip_stored(packed, kernel, sizeof(kernel));
    for (size_t size = 0; size < whole; size += size < 1000 || whole - size < 1000 ? 1 : 997) {
        enum kernel_image_error error = kernel_image_open(&image, packed, size);
        if (error == KERNEL_IMAGE_OK) {
            assert_true(image.unpacked_size <= IMAGE_SIZE);
            static uint8_t room[IMAGE_SIZE];
            error = kernel_image_unpack(&image, room, sizeof(room));
        }
        assert_true(error == KERNEL_IMAGE_TOO_SHORT || error == KERNEL_IMAGE_TRUNCATED ||
                    error == KERNEL_IMAGE_DAMAGED);
    }
}

static void test_damaged_gzip(void **state) {
    (void)state;
    const size_t size = gzip_stored(packed, kernel, sizeof(kernel));
    packed[size / 2] ^= 1;
    assert_int_equal(kernel_image_open(&image, packed, size), KERNEL_IMAGE_OK);
    assert_int_equal(kernel_image_unpack(&image, unpacked, sizeof(unpacked)), KERNEL_IMAGE_DAMAGED);
    packed[size / 2] ^= 1;
    put(packed + size - 4, KERNEL_SIZE - 1, 4); /* shorter than it is */
    assert_int_equal(kernel_image_open(&image, packed, size), KERNEL_IMAGE_OK);
    assert_int_equal(kernel_image_unpack(&image, unpacked, sizeof(unpacked)), KERNEL_IMAGE_DAMAGED);
    put(packed + size - 4, IMAGE_SIZE + 1, 4); /* longer than the image with all its memory */
    assert_int_equal(kernel_image_open(&image, packed, size), KERNEL_IMAGE_DAMAGED);
    put(packed + size - 4, KERNEL_SIZE, 4);
    put(packed + size, KERNEL_SIZE, 4); /* something behind it that looks like a length */
    assert_int_equal(kernel_image_open(&image, packed, size + 4), KERNEL_IMAGE_OK);
    assert_int_equal(kernel_image_unpack(&image, unpacked, sizeof(unpacked)), KERNEL_IMAGE_DAMAGED);
    packed[10] = 0x07; /* BTYPE = 11 */
    assert_int_equal(kernel_image_open(&image, packed, size), KERNEL_IMAGE_DAMAGED);
}

static void test_foreign_files(void **state) {
    (void)state;
    memset(unpacked, ' ', sizeof(unpacked));
    assert_int_equal(kernel_image_open(&image, unpacked, KERNEL_SIZE), KERNEL_IMAGE_UNKNOWN);
    const size_t text = gzip_stored(packed, unpacked, 1000);
    assert_int_equal(kernel_image_open(&image, packed, text), KERNEL_IMAGE_NOT_ARM64);
    const size_t little = gzip_stored(packed, kernel, 63);
    assert_int_equal(kernel_image_open(&image, packed, little), KERNEL_IMAGE_DAMAGED);
}

static void test_bad_headers(void **state) {
    put(kernel + 24, 0x0b, 8);
    assert_int_equal(open_kernel(), KERNEL_IMAGE_BIG_ENDIAN);
    fresh_kernel(state);
    put(kernel + 16, 0, 8);
    assert_int_equal(open_kernel(), KERNEL_IMAGE_TOO_OLD);
    fresh_kernel(state);
    put(kernel + 16, 63, 8);
    assert_int_equal(open_kernel(), KERNEL_IMAGE_BAD_HEADER);
    fresh_kernel(state);
    put(kernel + 16, UINT64_MAX, 8);
    assert_int_equal(open_kernel(), KERNEL_IMAGE_BAD_HEADER);
    fresh_kernel(state);
    put(kernel + 8, 0x200000, 8);
    assert_int_equal(open_kernel(), KERNEL_IMAGE_BAD_HEADER);
    fresh_kernel(state);
    put(kernel + 8, 8, 8);
    assert_int_equal(open_kernel(), KERNEL_IMAGE_BAD_HEADER);
    fresh_kernel(state);
    put(kernel + PE_AT, 0, 4);
    assert_int_equal(open_kernel(), KERNEL_IMAGE_BAD_HEADER);
    fresh_kernel(state);
    put(kernel + 60, UINT32_MAX, 4);
    assert_int_equal(open_kernel(), KERNEL_IMAGE_TRUNCATED);
    fresh_kernel(state);
    put(kernel + PE_AT + 6, UINT16_MAX, 2);
    assert_int_equal(open_kernel(), KERNEL_IMAGE_TRUNCATED);
    fresh_kernel(state);
    put_section(1, UINT32_MAX, UINT32_MAX);
    assert_int_equal(open_kernel(), KERNEL_IMAGE_TRUNCATED);
    put_section(1, UINT32_MAX, 0); /* a section without contents lies nowhere */
    assert_int_equal(open_kernel(), KERNEL_IMAGE_OK);
}

static void test_texts(void **state) {
    (void)state;
    for (int i = KERNEL_IMAGE_OK; i <= KERNEL_IMAGE_BUFFER_TOO_SMALL; i++) {
        assert_string_not_equal(kernel_image_error_text((enum kernel_image_error)i), "unknown error");
    }
    assert_string_equal(kernel_image_error_text((enum kernel_image_error)99), "unknown error");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_raw, fresh_kernel),
        cmocka_unit_test_setup(test_raw_without_efi_stub, fresh_kernel),
        cmocka_unit_test_setup(test_page_sizes, fresh_kernel),
        cmocka_unit_test_setup(test_file_larger_than_image, fresh_kernel),
        cmocka_unit_test_setup(test_gzip, fresh_kernel),
        cmocka_unit_test_setup(test_zboot, fresh_kernel),
        cmocka_unit_test_setup(test_truncated_raw, fresh_kernel),
        cmocka_unit_test_setup(test_truncated_gzip, fresh_kernel),
        cmocka_unit_test_setup(test_damaged_gzip, fresh_kernel),
        cmocka_unit_test_setup(test_foreign_files, fresh_kernel),
        cmocka_unit_test_setup(test_bad_headers, fresh_kernel),
        cmocka_unit_test_setup(test_texts, fresh_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
