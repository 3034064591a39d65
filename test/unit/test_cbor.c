// SPDX-License-Identifier: BSD-3-Clause
// The examples of RFC 8949, appendix A, that deterministic encoding without floating point has, and what is not it.
#include "crypto/cbor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hex.h"

static uint8_t message[256];

static struct cbor_reader read_hex(const char *text) { return cbor_read(message, from_hex(text, message)); }

static void assert_written(const struct cbor_writer *writer, const char *text) {
    uint8_t expected[256];
    size_t size = from_hex(text, expected);
    assert_false(writer->failed);
    assert_int_equal(writer->size, size);
    assert_memory_equal(writer->start, expected, size);
}

struct integer {
    const char *text;
    int64_t value;
};

static const struct integer integers[] = {
    {"00", 0},
    {"01", 1},
    {"0a", 10},
    {"17", 23},
    {"1818", 24},
    {"1864", 100},
    {"1903e8", 1000},
    {"1a000f4240", 1000000},
    {"1b000000e8d4a51000", 1000000000000},
    {"1b7fffffffffffffff", INT64_MAX},
    {"20", -1},
    {"29", -10},
    {"3863", -100},
    {"3903e7", -1000},
    {"3b7fffffffffffffff", INT64_MIN},
};

static void test_integers(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(integers) / sizeof(integers[0]); i++) {
        uint8_t written[16];
        struct cbor_reader reader = read_hex(integers[i].text);
        struct cbor_writer writer = cbor_write(written, sizeof(written));
        assert_true(cbor_read_int(&reader) == integers[i].value);
        assert_true(cbor_read_end(&reader));
        cbor_write_int(&writer, integers[i].value);
        assert_written(&writer, integers[i].text);
    }
    struct cbor_reader reader = read_hex("1bffffffffffffffff");
    assert_true(cbor_read_uint(&reader) == UINT64_MAX && cbor_read_end(&reader));
    reader = read_hex("1bffffffffffffffff");
    assert_int_equal(cbor_read_int(&reader), 0);
    assert_true(reader.failed);
    reader = read_hex("3b8000000000000000");
    assert_int_equal(cbor_read_int(&reader), 0);
    assert_true(reader.failed);
}

static void test_other_items(void **state) {
    (void)state;
    uint8_t written[64];
    struct cbor_writer writer = cbor_write(written, sizeof(written));
    cbor_write_array(&writer, 6);
    cbor_write_bool(&writer, false);
    cbor_write_bool(&writer, true);
    cbor_write_null(&writer);
    cbor_write_bytes(&writer, "\1\2\3\4", 4);
    cbor_write_text(&writer, "IETF");
    cbor_write_tag(&writer, 18);
    cbor_write_uint(&writer, 1);
    assert_written(&writer, "86 f4 f5 f6 4401020304 6449455446 d2 01");

    struct cbor_reader reader = cbor_read(written, writer.size);
    assert_int_equal(cbor_read_array_of(&reader, 6, 6), 6);
    assert_false(cbor_read_bool(&reader));
    assert_true(cbor_read_bool(&reader));
    assert_true(cbor_read_if_null(&reader));
    assert_false(cbor_read_if_null(&reader));
    assert_true(cbor_bytes_equal(cbor_read_bytes(&reader, 4), "\1\2\3\4", 4));
    assert_int_equal(cbor_read_text(&reader, 4).size, 4);
    cbor_read_tag(&reader, 18);
    assert_int_equal(cbor_read_uint(&reader), 1);
    assert_true(cbor_read_end(&reader));
}

/* RFC 8949 4.2.1: shortest forms, no indefinite lengths; 3: reserved values. */
static void test_other_encodings_are_refused(void **state) {
    static const char *const wrong[] = {
        "1817",
        "190018",
        "1900ff",
        "1a0000ffff",
        "1b00000000ffffffff",
        "3817",
        "1c",
        "1f",
        "f817",
        "f81f",
        "fc",
        "ff",
        "5f4101ff",
        "7f6161ff",
        "9f01ff",
        "bf0102ff",
        "580101",
        "9801",
        "b80101",
        "d80101",
        "",
        "18",
        "19ff",
        "42",
        "4201",
        "82",
        "8201",
        "a1",
        "a101",
        "c0",
        "fb",
        "9bffffffffffffffff",
        "5bffffffffffffffff",
        "8181818181818181818101",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct cbor_reader reader = read_hex(wrong[i]);
        assert_int_equal(cbor_read_item(&reader).size, 0);
        assert_true(reader.failed);
        reader = read_hex(wrong[i]);
        assert_int_equal(cbor_read_uint(&reader), 0);
        assert_int_equal(cbor_read_array(&reader), 0);
        assert_int_equal(cbor_read_bytes(&reader, 1000).size, 0);
        assert_int_equal(cbor_read_text(&reader, 1000).size, 0);
        assert_false(cbor_read_bool(&reader));
        assert_true(reader.failed);
    }
}

static void test_items_are_passed_over_whole(void **state) {
    static const char *const right[] = {
        "00",       "3903e7", "4401020304", "60",   "80",     "a0", "8201820203",         "a26161016162",
        "c11a5145", "f7",     "f0",         "f8ff", "f93c00", "fa", "fb3ff199999999999a",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        struct cbor_reader reader = read_hex(right[i]);
        size_t size = reader.left;
        bool cut = i == 7 || i == 8 || i == 13;
        assert_int_equal(cbor_read_item(&reader).size, cut ? 0 : size);
        assert_true(cbor_read_end(&reader) == !cut);
    }
}

static void test_map_keys_in_order(void **state) {
    (void)state;
    struct cbor_reader reader = read_hex("a3 01 02 03 04 20 05");
    struct cbor_map map = cbor_read_map(&reader);
    assert_true(cbor_map_has(&reader, &map, 1));
    assert_int_equal(cbor_read_uint(&reader), 2);
    assert_false(cbor_map_has(&reader, &map, 2));
    cbor_map_need(&reader, &map, 3);
    assert_int_equal(cbor_read_uint(&reader), 4);
    cbor_map_need(&reader, &map, -1);
    assert_int_equal(cbor_read_uint(&reader), 5);
    assert_false(cbor_map_has(&reader, &map, -2));
    cbor_map_end(&reader, &map);
    assert_true(cbor_read_end(&reader));
}

static void read_two_keys(const char *text, bool good) {
    struct cbor_reader reader = read_hex(text);
    struct cbor_map map = cbor_read_map(&reader);
    cbor_map_need(&reader, &map, 1);
    (void)cbor_read_uint(&reader);
    if (cbor_map_has(&reader, &map, 2))
        (void)cbor_read_uint(&reader);
    cbor_map_end(&reader, &map);
    assert_true(cbor_read_end(&reader) == good);
}

static void test_maps_of_other_keys_are_refused(void **state) {
    (void)state;
    read_two_keys("a2 0100 0200", true);
    read_two_keys("a1 0100", true);
    read_two_keys("a2 0200 0100", false); /* out of order */
    read_two_keys("a2 0100 0100", false); /* twice */
    read_two_keys("a1 0200", false);      /* missing */
    read_two_keys("a3 0100 0200 0300", false);
    read_two_keys("a2 180100 0200", false);
    read_two_keys("a2 0100 613200", false);
}

static void test_errors_stick(void **state) {
    uint8_t room[4];
    uint8_t exact[4] = {9, 9, 9, 9};
    (void)state;
    struct cbor_writer writer = cbor_write(room, sizeof(room));
    cbor_write_bytes(&writer, "abcd", 4);
    assert_true(writer.failed);
    cbor_write_uint(&writer, 1);
    assert_true(writer.size <= sizeof(room));
    struct cbor_reader reader = read_hex("43010203 01");
    cbor_read_exactly(&reader, exact, sizeof(exact));
    assert_true(reader.failed);
    assert_memory_equal(exact, "\0\0\0\0", 4);
    assert_int_equal(cbor_read_uint(&reader), 0);
    assert_false(cbor_read_end(&reader));
    reader = read_hex("0101");
    assert_int_equal(cbor_read_uint(&reader), 1);
    assert_false(cbor_read_end(&reader));
    reader = read_hex("d301");
    cbor_read_tag(&reader, 18);
    assert_true(reader.failed);
}

static void test_text_is_compared_whole(void **unused) {
    (void)unused;
    struct cbor_text text = {"work", 4};
    assert_true(cbor_text_equal(text, "work"));
    assert_false(cbor_text_equal(text, "wor"));
    assert_false(cbor_text_equal(text, "works"));
    assert_false(cbor_text_equal(text, "worn"));
    assert_false(cbor_text_equal((struct cbor_text){"a\0b", 3}, "a"));
    assert_true(cbor_text_equal((struct cbor_text){"", 0}, ""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_other_items),
        cmocka_unit_test(test_other_encodings_are_refused),
        cmocka_unit_test(test_items_are_passed_over_whole),
        cmocka_unit_test(test_map_keys_in_order),
        cmocka_unit_test(test_maps_of_other_keys_are_refused),
        cmocka_unit_test(test_text_is_compared_whole),
        cmocka_unit_test(test_errors_stick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
