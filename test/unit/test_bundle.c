// SPDX-License-Identifier: BSD-3-Clause
// Bundles for the unlocker: what is written is read; whatever is cut or altered is refused or the same.
#include "bundle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "initrd.h"

static uint8_t file[4096];
static size_t file_size;

static struct bundle sample(void) {
    static const uint8_t bytes[] = "slots, a key, a kernel, an initrd";
    struct bundle bundle = {.about = {.id = {1, 2, 3}, .version = 7, .name = "work", .title = "Work"}};
    bundle.about.failed_attempts = 2;
    for (unsigned i = 0; i < BUNDLE_PARTS; i++)
        bundle.parts[i] = (struct bundle_part){bytes + i, 5 + i};
    return bundle;
}

static int write_sample(void **state) {
    (void)state;
    struct bundle bundle = sample();
    file_size = bundle_size(&bundle);
    assert_true(file_size > 0 && file_size <= sizeof(file));
    memset(file, 0xee, sizeof(file));
    assert_int_equal(bundle_write(&bundle, file, file_size), BUNDLE_OK);
    assert_int_equal(file[file_size], 0xee);
    return 0;
}

static void test_what_is_written_is_read(void **state) {
    (void)state;
    struct bundle bundle, expected = sample();
    assert_int_equal(bundle_read(&bundle, file, file_size), BUNDLE_OK);
    assert_memory_equal(&bundle.about, &expected.about, sizeof(bundle.about));
    for (unsigned i = 0; i < BUNDLE_PARTS; i++) {
        assert_int_equal(bundle.parts[i].size, expected.parts[i].size);
        assert_memory_equal(bundle.parts[i].bytes, expected.parts[i].bytes, bundle.parts[i].size);
    }
    assert_int_equal(initrd_check(file, file_size), INITRD_OK);
}

static void test_an_empty_initrd(void **state) {
    (void)state;
    struct bundle bundle = sample();
    bundle.parts[BUNDLE_INITRD] = (struct bundle_part){NULL, 0};
    assert_int_equal(bundle_write(&bundle, file, sizeof(file)), BUNDLE_OK);
    assert_int_equal(bundle_read(&bundle, file, sizeof(file)), BUNDLE_OK);
    assert_int_equal(bundle.parts[BUNDLE_INITRD].size, 0);
}

static void test_too_large(void **state) {
    (void)state;
    struct bundle bundle = sample();
    assert_int_equal(bundle_write(&bundle, file, file_size - 1), BUNDLE_TOO_LARGE);
    bundle.parts[BUNDLE_KERNEL].size = (size_t)UINT32_MAX + 1;
    assert_int_equal(bundle_size(&bundle), 0);
    assert_int_equal(bundle_write(&bundle, file, sizeof(file)), BUNDLE_TOO_LARGE);
}

static void test_cut(void **state) {
    (void)state;
    for (size_t size = 0; size + 4 < file_size; size++) {
        // A piece of its own, so that a sanitizer sees what is read beyond it.
        uint8_t *piece = malloc(size == 0 ? 1 : size);
        struct bundle bundle;
        assert_non_null(piece);
        memcpy(piece, file, size);
        assert_int_equal(bundle_read(&bundle, piece, size), BUNDLE_DAMAGED);
        assert_null(bundle.parts[BUNDLE_KERNEL].bytes);
        free(piece);
    }
}

static void test_every_byte_altered(void **state) {
    (void)state;
    for (size_t at = 0; at < file_size; at++) {
        static const uint8_t changes[] = {0x01, 0x80, 0xff};
        for (unsigned i = 0; i < sizeof(changes); i++) {
            struct bundle bundle;
            file[at] ^= changes[i];
            if (bundle_read(&bundle, file, file_size) == BUNDLE_OK)
                for (unsigned j = 0; j < BUNDLE_PARTS; j++)
                    assert_true(bundle.parts[j].bytes >= file &&
                                bundle.parts[j].bytes + bundle.parts[j].size <= file + file_size);
            file[at] ^= changes[i];
        }
    }
}

static void test_a_part_twice(void **state) {
    (void)state;
    struct bundle bundle;
    uint8_t *name = file + 110;
    assert_string_equal((char *)name, "slots");
    // The first entry under the name of another: one is missing, one comes twice.
    memcpy(name - 16, "0000000600000000", 16);
    memcpy(name, "about", 6);
    assert_int_equal(bundle_read(&bundle, file, file_size), BUNDLE_DAMAGED);
}

static void test_every_error_has_a_text(void **state) {
    (void)state;
    for (int error = BUNDLE_OK; error <= BUNDLE_DAMAGED + 1; error++)
        assert_true(strlen(bundle_error_text((enum bundle_error)error)) > 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_what_is_written_is_read, write_sample),
        cmocka_unit_test_setup(test_an_empty_initrd, write_sample),
        cmocka_unit_test_setup(test_too_large, write_sample),
        cmocka_unit_test_setup(test_cut, write_sample),
        cmocka_unit_test_setup(test_every_byte_altered, write_sample),
        cmocka_unit_test_setup(test_a_part_twice, write_sample),
        cmocka_unit_test(test_every_error_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
