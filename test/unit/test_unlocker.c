// SPDX-License-Identifier: BSD-3-Clause
// The unlocker's pure parts: from a bundle and a PIN to a kernel that can be started, and what is asked of a user.
#include "open.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include "attempts.h"
#include "credential.h"
#include "gzip_stored.h"
#include "known_random.h"
#include "line.h"
#include "lz4_frame.h"
#include "persona/content.h"
#include "persona/manifest.h"
#include "persona/slots.h"
#include "tree.h"

enum {
    KERNEL_SIZE = 70000,
    KERNEL_MEMORY = 80000,
    INITRD_SIZE = 30001,
    ROOM = 16 * 1024 * 1024,
    PHYSICAL = 0x40000000,
    VERSION = 9,
};

static struct random_stream random_numbers;
static uint8_t persona_key[KEYS_SIZE], content_key[STREAM_KEY_SIZE], opened[KEYS_SIZE];
static uint8_t kernel[KERNEL_SIZE], initrd[INITRD_SIZE];
static uint8_t slots_file[SLOTS_FILE_MAX], content_file[CONTENT_WRAPPED_SIZE_MAX];
static uint8_t encrypted[BUNDLE_PARTS][KERNEL_SIZE + 4096];
static struct bundle bundle;
static struct open_memory memory;
static struct open_result result;
static const struct pin_cost cheap = {PIN_MEMORY_MIN, 1};

struct output {
    uint8_t *bytes;
    size_t size;
};

static bool put(void *context, const void *data, size_t size) {
    struct output *output = context;
    memcpy(output->bytes + output->size, data, size);
    output->size += size;
    return true;
}

static struct content_version version(void) {
    struct content_version version = {.version = VERSION};
    memcpy(version.id, bundle.about.id, sizeof(version.id));
    return version;
}

static void encrypt(enum bundle_kind part, enum manifest_kind kind, const void *plain, size_t size) {
    static uint8_t chunk[1 << STREAM_CHUNK_SHIFT_MIN];
    uint8_t name[STREAM_NAME_MAX];
    struct output output = {encrypted[part], 0};
    struct content_version of = version();
    struct stream_key key = {content_key, name, content_name(&of, (unsigned)kind, name)};
    struct stream_writer writer;
    assert_int_equal(stream_write_open(&writer, &key, STREAM_CHUNK_SHIFT_MIN, chunk, &random_numbers, put, &output),
                     STREAM_OK);
    assert_int_equal(stream_write(&writer, plain, size), STREAM_OK);
    assert_int_equal(stream_write_end(&writer), STREAM_OK);
    stream_write_close(&writer);
    bundle.parts[part] = (struct bundle_part){output.bytes, output.size};
}

static void put_number(uint8_t *at, uint64_t value) {
    for (unsigned i = 0; i < 8; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

/* The header of an arm64 Image without a PE header. */
static void make_kernel(uint64_t text_offset) {
    memset(kernel, 0x5a, sizeof(kernel));
    memset(kernel, 0, 64);
    put_number(kernel + 8, text_offset);
    put_number(kernel + 16, KERNEL_MEMORY);
    put_number(kernel + 24, 0xa);
    memcpy(kernel + 56, "ARM\x64", 4);
}

static int make(void **state) {
    static struct slots slots;
    struct content_version of;
    size_t size = 0;
    (void)state;
    random_numbers = known_random(30);
    memset(&bundle, 0, sizeof(bundle));
    memset(slots_file, 0, sizeof(slots_file));
    bundle.about.version = VERSION;
    assert_int_equal(random_bytes(&random_numbers, bundle.about.id, sizeof(bundle.about.id)), RANDOM_OK);
    assert_int_equal(random_bytes(&random_numbers, persona_key, sizeof(persona_key)), RANDOM_OK);
    assert_int_equal(random_bytes(&random_numbers, content_key, sizeof(content_key)), RANDOM_OK);
    assert_int_equal(keys_derive(persona_key, KEYS_CHECK, bundle.about.id, 0, bundle.about.check, KEYS_SIZE), KEYS_OK);
    slots_begin(&slots, bundle.about.id);
    assert_int_equal(slots_add_pin(&slots, persona_key, "2580", 4, cheap, NULL, &random_numbers), SLOTS_OK);
    assert_int_equal(slots_write(&slots, persona_key, slots_file, sizeof(slots_file), &size), SLOTS_OK);
    bundle.parts[BUNDLE_SLOTS] =
        (struct bundle_part){slots_file, sizeof(slots_file)}; // with zeros behind, as on a disk
    of = version();
    assert_int_equal(content_wrap(content_key, &of, persona_key, content_file, sizeof(content_file), &size),
                     CONTENT_OK);
    bundle.parts[BUNDLE_CONTENT] = (struct bundle_part){content_file, size};
    make_kernel(0);
    memset(initrd, 0x33, sizeof(initrd));
    encrypt(BUNDLE_KERNEL, MANIFEST_KERNEL, kernel, sizeof(kernel));
    encrypt(BUNDLE_INITRD, MANIFEST_INITRD, initrd, sizeof(initrd));
    memory = (struct open_memory){aligned_alloc(OPEN_UNIT, ROOM), PHYSICAL, ROOM};
    assert_non_null(memory.bytes);
    memset(memory.bytes, 0xee, ROOM);
    return 0;
}

static int release(void **state) {
    (void)state;
    free(memory.bytes);
    return 0;
}

static enum open_error by_pin(const char *pin) { return open_key(&bundle, pin, strlen(pin), NULL, opened); }

static const uint8_t *at(uint64_t physical) { return memory.bytes + (physical - PHYSICAL); }

static void test_the_pin_opens(void **state) {
    (void)state;
    assert_int_equal(by_pin("2580"), OPEN_OK);
    assert_memory_equal(opened, persona_key, sizeof(opened));
}

static void test_other_pins_do_not(void **state) {
    static const uint8_t nothing[KEYS_SIZE];
    (void)state;
    assert_int_equal(by_pin("2581"), OPEN_WRONG_PIN);
    assert_memory_equal(opened, nothing, sizeof(opened));
    assert_int_equal(by_pin(""), OPEN_WRONG_PIN);
    bundle.about.id[0] ^= 1;
    assert_int_equal(by_pin("2580"), OPEN_DAMAGED);
}

static void test_a_slot_of_a_tpm(void **state) {
    static struct slots slots;
    static const uint8_t secret[SLOTS_SECRET_SIZE] = {3};
    static const struct slots_binding binding = {(const uint8_t *)"blob", 4, secret};
    size_t size = 0;
    (void)state;
    slots_begin(&slots, bundle.about.id);
    assert_int_equal(slots_add_pin(&slots, persona_key, "2580", 4, cheap, &binding, &random_numbers), SLOTS_OK);
    assert_int_equal(slots_write(&slots, persona_key, slots_file, sizeof(slots_file), &size), SLOTS_OK);
    assert_int_equal(by_pin("2580"), OPEN_NEEDS_TPM);
}

/* Slots that somebody made with a key and a PIN of his own hold together, but are not the ones that the state knows. */
static void test_slots_of_another_key(void **state) {
    static struct slots slots;
    static const uint8_t key[KEYS_SIZE] = {7}, nothing[KEYS_SIZE];
    size_t size = 0;
    (void)state;
    slots_begin(&slots, bundle.about.id);
    assert_int_equal(slots_add_pin(&slots, key, "1111", 4, cheap, NULL, &random_numbers), SLOTS_OK);
    assert_int_equal(slots_write(&slots, key, slots_file, sizeof(slots_file), &size), SLOTS_OK);
    assert_int_equal(by_pin("1111"), OPEN_DAMAGED);
    assert_memory_equal(opened, nothing, sizeof(opened));
}

static void check_initrd(size_t size) {
    uint8_t volume[KEYS_VOLUME_SIZE], archive[4096];
    size_t archive_size = 0;
    assert_int_equal(keys_derive(persona_key, KEYS_VOLUME, bundle.about.id, 0, volume, sizeof(volume)), KEYS_OK);
    assert_int_equal(
        credential_write("cryptsetup.passphrase", volume, sizeof(volume), archive, sizeof(archive), &archive_size),
        CREDENTIAL_OK);
    assert_int_equal(result.initrd_end - result.initrd, credential_offset(size) + archive_size);
    assert_memory_equal(at(result.initrd), initrd, size);
    for (size_t i = size; i < credential_offset(size); i++)
        assert_int_equal(at(result.initrd)[i], 0);
    assert_memory_equal(at(result.initrd_end) - archive_size, archive, archive_size);
}

static void check_places(void) {
    assert_memory_equal(at(result.kernel), kernel, sizeof(kernel));
    assert_int_equal(result.kernel_end, result.kernel + sizeof(kernel));
    assert_int_equal(result.tree % OPEN_UNIT, 0);
    assert_true(result.tree >= result.kernel + KERNEL_MEMORY);
    assert_true(result.initrd >= result.tree + OPEN_TREE_ROOM);
    assert_true(result.initrd_end <= PHYSICAL + ROOM);
}

static void test_files(void **state) {
    (void)state;
    assert_int_equal(open_files(&bundle, persona_key, &memory, &result), OPEN_OK);
    assert_int_equal(result.kernel, PHYSICAL);
    check_places();
    check_initrd(sizeof(initrd));
    assert_int_equal(strlen(result.up), OPEN_UP_SIZE - 1);
}

static void test_a_kernel_with_an_offset(void **state) {
    (void)state;
    make_kernel(0x80000);
    encrypt(BUNDLE_KERNEL, MANIFEST_KERNEL, kernel, sizeof(kernel));
    assert_int_equal(open_files(&bundle, persona_key, &memory, &result), OPEN_OK);
    assert_int_equal(result.kernel % OPEN_UNIT, 0x80000);
    check_places();
    check_initrd(sizeof(initrd));
}

static void test_a_compressed_kernel(void **state) {
    static uint8_t packed[KERNEL_SIZE + 1024];
    (void)state;
    size_t size = gzip_stored(packed, kernel, sizeof(kernel));
    encrypt(BUNDLE_KERNEL, MANIFEST_KERNEL, packed, size);
    assert_int_equal(open_files(&bundle, persona_key, &memory, &result), OPEN_OK);
    check_places();
    check_initrd(sizeof(initrd));
}

/* A part as an LZ4 frame. @return bytes of that */
static size_t pack(enum bundle_kind part, enum manifest_kind kind, const uint8_t *plain, size_t size) {
    static uint8_t frame[KERNEL_SIZE + 1024];
    LZ4F_preferences_t preferences = lz4_frame_preferences(size);
    size_t used = lz4_frame(&preferences, plain, size, frame, sizeof(frame));
    encrypt(part, kind, frame, used);
    bundle.about.unpacked[part] = size;
    return used;
}

static void pack_both(void) {
    assert_true(pack(BUNDLE_KERNEL, MANIFEST_KERNEL, kernel, sizeof(kernel)) < sizeof(kernel));
    assert_true(pack(BUNDLE_INITRD, MANIFEST_INITRD, initrd, sizeof(initrd)) < sizeof(initrd));
}

static void test_files_in_lz4(void **state) {
    (void)state;
    pack_both();
    assert_int_equal(open_files(&bundle, persona_key, &memory, &result), OPEN_OK);
    assert_int_equal(result.kernel, PHYSICAL);
    check_places();
    check_initrd(sizeof(initrd));
}

static void test_lz4_of_another_size_or_none(void **state) {
    (void)state;
    pack_both();
    bundle.about.unpacked[BUNDLE_INITRD]++;
    assert_int_equal(open_files(&bundle, persona_key, &memory, &result), OPEN_DAMAGED);
    bundle.about.unpacked[BUNDLE_INITRD] = UINT64_MAX;
    assert_int_equal(open_files(&bundle, persona_key, &memory, &result), OPEN_NO_MEMORY);
    bundle.about.unpacked[BUNDLE_INITRD] = sizeof(initrd);
    encrypt(BUNDLE_INITRD, MANIFEST_INITRD, initrd, sizeof(initrd));
    assert_int_equal(open_files(&bundle, persona_key, &memory, &result), OPEN_DAMAGED);
}

static void test_too_little_memory_for_lz4(void **state) {
    (void)state;
    pack_both();
    for (size_t size = 0; size < 4 * OPEN_UNIT; size += OPEN_UNIT / 16) {
        memory.size = size;
        memset(memory.bytes, 0xee, ROOM);
        enum open_error error = open_files(&bundle, persona_key, &memory, &result);
        assert_true(error == OPEN_NO_MEMORY || (error == OPEN_OK && result.initrd_end <= PHYSICAL + size));
        for (size_t i = size; i < ROOM; i += 512)
            assert_int_equal(memory.bytes[i], 0xee);
    }
}

static void test_without_an_initrd(void **state) {
    (void)state;
    bundle.parts[BUNDLE_INITRD] = (struct bundle_part){NULL, 0};
    assert_int_equal(open_files(&bundle, persona_key, &memory, &result), OPEN_OK);
    check_initrd(0);
}

static void test_another_key(void **state) {
    (void)state;
    persona_key[5] ^= 1;
    assert_int_equal(open_files(&bundle, persona_key, &memory, &result), OPEN_DAMAGED);
}

static void test_damaged_files(void **state) {
    (void)state;
    static const size_t places[] = {0, 40, 200, 5000, 60000};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        encrypted[BUNDLE_KERNEL][places[i]] ^= 4;
        assert_int_equal(open_files(&bundle, persona_key, &memory, &result), OPEN_DAMAGED);
        encrypted[BUNDLE_KERNEL][places[i]] ^= 4;
    }
    // Each as the other.
    struct bundle_part part = bundle.parts[BUNDLE_KERNEL];
    bundle.parts[BUNDLE_KERNEL] = bundle.parts[BUNDLE_INITRD];
    bundle.parts[BUNDLE_INITRD] = part;
    assert_int_equal(open_files(&bundle, persona_key, &memory, &result), OPEN_DAMAGED);
}

static void test_no_kernel(void **state) {
    (void)state;
    encrypt(BUNDLE_KERNEL, MANIFEST_KERNEL, initrd, sizeof(initrd));
    assert_int_equal(open_files(&bundle, persona_key, &memory, &result), OPEN_DAMAGED);
}

static void test_the_room_that_is_planned_is_enough(void **state) {
    (void)state;
    free(memory.bytes);
    memory.size = (size_t)bundle_room(&bundle, sizeof(kernel), PIN_MEMORY_MIN);
    memory.bytes = aligned_alloc(OPEN_UNIT, memory.size / OPEN_UNIT * OPEN_UNIT + OPEN_UNIT);
    assert_non_null(memory.bytes);
    make_kernel(0x80000);
    encrypt(BUNDLE_KERNEL, MANIFEST_KERNEL, kernel, sizeof(kernel));
    assert_int_equal(open_files(&bundle, persona_key, &memory, &result), OPEN_OK);
    assert_true(bundle_room(&bundle, sizeof(kernel), 1024 * 1024) > UINT64_C(1024) * 1024 * 1024);
    pack_both();
    assert_int_equal(open_files(&bundle, persona_key, &memory, &result), OPEN_OK);
}

static void test_too_little_memory(void **state) {
    (void)state;
    for (size_t size = 0; size < 4 * OPEN_UNIT; size += OPEN_UNIT / 4) {
        memory.size = size;
        enum open_error error = open_files(&bundle, persona_key, &memory, &result);
        assert_true(error == OPEN_NO_MEMORY || (error == OPEN_OK && result.initrd_end <= PHYSICAL + size));
        if (error == OPEN_NO_MEMORY && size < ROOM)
            assert_int_equal(memory.bytes[size], 0xee);
    }
}

/* ---- The line */

static bool type(struct line *line, const char *text) {
    bool whole = false;
    for (; *text != '\0'; text++)
        whole = line_take(line, *text);
    return whole;
}

static void expect_line(const char *typed, const char *expected) {
    struct line line = {0};
    assert_true(type(&line, typed));
    assert_int_equal(line.size, strlen(expected));
    assert_memory_equal(line.text, expected, line.size);
    line_clear(&line);
    assert_int_equal(line.size, 0);
}

static void test_lines(void **state) {
    (void)state;
    expect_line("2580\r", "2580");
    expect_line("\r\n2580\n", "2580");
    expect_line("25\b58\x7f\b80\r", "280");
    expect_line("\b\b1\r", "1");
    expect_line("wrong\x15right\r", "right");
    expect_line("1\x1b[A2\x1bOB3\x01\xc3\xa4\r", "123");
}

static void test_a_line_without_end(void **state) {
    struct line line = {0};
    (void)state;
    for (unsigned i = 0; i < 3 * PIN_SIZE_MAX; i++)
        assert_false(line_take(&line, 'x'));
    assert_int_equal(line.size, PIN_SIZE_MAX);
    assert_true(line_take(&line, '\r'));
}

/* ---- Attempts */

static void test_attempts(void **state) {
    static const uint8_t id[KEYS_ID_SIZE] = {1}, other[KEYS_ID_SIZE] = {2};
    struct attempts_record record;
    (void)state;
    memset(&record, 0xee, sizeof(record));
    attempts_open(&record, id, 1);
    assert_int_equal(attempts_left(&record), STATE_ATTEMPTS_MAX - 1);
    assert_int_equal(attempts_delay_s(&record), 0);
    assert_true(attempts_take(&record));
    attempts_return(&record);
    assert_int_equal(attempts_left(&record), STATE_ATTEMPTS_MAX - 1);
    assert_true(attempts_take(&record));
    // The persona was cut off and starts again: it counts on. What the loader knows counts if it is more.
    attempts_open(&record, id, 1);
    assert_int_equal(attempts_left(&record), STATE_ATTEMPTS_MAX - 2);
    attempts_open(&record, id, 5);
    assert_int_equal(attempts_left(&record), STATE_ATTEMPTS_MAX - 5);
    assert_true(attempts_delay_s(&record) > 0);
    while (attempts_left(&record) > 0)
        assert_true(attempts_take(&record));
    assert_false(attempts_take(&record));
    // Of another persona, or altered: a new record.
    attempts_open(&record, other, 0);
    assert_int_equal(attempts_left(&record), STATE_ATTEMPTS_MAX);
    record.failed = 9;
    attempts_open(&record, other, 0);
    assert_int_equal(attempts_left(&record), STATE_ATTEMPTS_MAX);
    attempts_end(&record);
    attempts_open(&record, id, 0);
    assert_int_equal(attempts_left(&record), STATE_ATTEMPTS_MAX);
}

/* ---- The device tree */

static uint8_t tree[4096], changed[8192];

static void make_tree(uint64_t initrd_start, uint64_t initrd_end) {
    assert_int_equal(fdt_create(tree, sizeof(tree)), 0);
    assert_int_equal(fdt_finish_reservemap(tree), 0);
    assert_int_equal(fdt_begin_node(tree, ""), 0);
    assert_int_equal(fdt_property_u32(tree, "#address-cells", 2), 0);
    assert_int_equal(fdt_property_u32(tree, "#size-cells", 2), 0);
    assert_int_equal(fdt_begin_node(tree, "memory@80000000"), 0);
    assert_int_equal(fdt_property_string(tree, "device_type", "memory"), 0);
    const fdt32_t reg[] = {0, cpu_to_fdt32(0x80000000), 0, cpu_to_fdt32(0x20000000)};
    assert_int_equal(fdt_property(tree, "reg", reg, sizeof(reg)), 0);
    assert_int_equal(fdt_end_node(tree), 0);
    assert_int_equal(fdt_begin_node(tree, "chosen"), 0);
    assert_int_equal(fdt_property_string(tree, "bootargs", "quiet"), 0);
    assert_int_equal(fdt_property_u64(tree, "linux,initrd-start", initrd_start), 0);
    assert_int_equal(fdt_property_u64(tree, "linux,initrd-end", initrd_end), 0);
    assert_int_equal(fdt_end_node(tree), 0);
    assert_int_equal(fdt_end_node(tree), 0);
    assert_int_equal(fdt_finish(tree), 0);
}

static void test_tree(void **state) {
    struct tree_place partition, place;
    (void)state;
    make_tree(0x80600000, 0x80700000);
    assert_true(tree_find(tree, &partition, &place));
    assert_int_equal(partition.base, 0x80000000);
    assert_int_equal(partition.size, 0x20000000);
    assert_int_equal(place.base, 0x80600000);
    assert_int_equal(place.size, 0x100000);
    struct tree_change change = {0x81000000, 0x81200000, 12, "a0b1"};
    assert_true(tree_change(tree, &change, changed, sizeof(changed)));
    assert_true(tree_find(changed, &partition, &place));
    assert_int_equal(place.base, 0x81000000);
    assert_int_equal(place.size, 0x200000);
    int chosen = fdt_path_offset(changed, "/chosen");
    assert_string_equal(fdt_getprop(changed, chosen, "flipside,version", NULL), "12");
    assert_string_equal(fdt_getprop(changed, chosen, "flipside,up-token", NULL), "a0b1");
    assert_string_equal(fdt_getprop(changed, chosen, "bootargs", NULL), "quiet");
    assert_false(tree_change(tree, &change, changed, fdt_totalsize(tree) + 8));
}

static void test_trees_that_are_none_of_the_loader_s(void **state) {
    struct tree_place partition, place;
    (void)state;
    make_tree(0x80600000, 0x805fffff); // ends before it begins
    assert_false(tree_find(tree, &partition, &place));
    make_tree(0x7ff00000, 0x80700000); // outside the partition
    assert_false(tree_find(tree, &partition, &place));
    make_tree(0x80600000, 0xa0000001);
    assert_false(tree_find(tree, &partition, &place));
    make_tree(0x80600000, 0x80700000);
    tree[0] ^= 1;
    assert_false(tree_find(tree, &partition, &place));
}

static void test_every_error_has_a_text(void **state) {
    (void)state;
    for (int error = OPEN_OK; error <= OPEN_FAILED + 1; error++)
        assert_true(strlen(open_error_text((enum open_error)error)) > 3);
}

#define WITH_BUNDLE(test) cmocka_unit_test_setup_teardown(test, make, release)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_BUNDLE(test_the_pin_opens),
        WITH_BUNDLE(test_other_pins_do_not),
        WITH_BUNDLE(test_a_slot_of_a_tpm),
        WITH_BUNDLE(test_slots_of_another_key),
        WITH_BUNDLE(test_files),
        WITH_BUNDLE(test_a_kernel_with_an_offset),
        WITH_BUNDLE(test_a_compressed_kernel),
        WITH_BUNDLE(test_files_in_lz4),
        WITH_BUNDLE(test_lz4_of_another_size_or_none),
        WITH_BUNDLE(test_too_little_memory_for_lz4),
        WITH_BUNDLE(test_without_an_initrd),
        WITH_BUNDLE(test_another_key),
        WITH_BUNDLE(test_damaged_files),
        WITH_BUNDLE(test_no_kernel),
        WITH_BUNDLE(test_the_room_that_is_planned_is_enough),
        WITH_BUNDLE(test_too_little_memory),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_a_line_without_end),
        cmocka_unit_test(test_attempts),
        cmocka_unit_test(test_tree),
        cmocka_unit_test(test_trees_that_are_none_of_the_loader_s),
        cmocka_unit_test(test_every_error_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
