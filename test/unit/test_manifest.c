// SPDX-License-Identifier: BSD-3-Clause
// Manifests signed and verified, every way in which one is refused, and chains of delegations.
#include "persona/manifest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "manifest_fixture.h"

static struct organisation ours, theirs;
static uint8_t file[MANIFEST_SIZE_MAX + 1];
static size_t file_size;
static struct manifest manifest;

static int start(void **state) {
    (void)state;
    organisation_make(&ours, 10);
    organisation_make(&theirs, 11);
    return 0;
}

static struct manifest_fault open_file(void) {
    struct delegation_trust trust = organisation_trust(&ours);
    return manifest_open(&manifest, &trust, file, file_size);
}

static void sign_example(void) {
    struct manifest example = manifest_example();
    file_size = organisation_sign(&ours, &example, NULL, file, sizeof(file));
}

static void test_what_is_signed_is_read(void **state) {
    struct manifest example = manifest_example();
    (void)state;
    sign_example();
    assert_int_equal(open_file().error, MANIFEST_OK);
    assert_memory_equal(&manifest, &example, sizeof(example));
    assert_ptr_equal(manifest_component(&manifest, MANIFEST_INITRD), &manifest.components[1]);
    assert_null(manifest_component(&manifest, MANIFEST_ROOT));
}

static void test_optional_parts(void **state) {
    struct manifest example = manifest_example();
    uint8_t devices[2 * P256_THUMBPRINT_SIZE] = {[0] = 1, [P256_THUMBPRINT_SIZE] = 2};
    uint8_t third[P256_THUMBPRINT_SIZE] = {3};
    struct manifest_target target = {.device = third};
    (void)state;
    example.flip_timeout_s = example.prewarm_s = 0;
    example.alarm_flip = false;
    example.device_count = 2;
    file_size = organisation_sign(&ours, &example, devices, file, sizeof(file));
    assert_int_equal(open_file().error, MANIFEST_OK);
    assert_int_equal(manifest.flip_timeout_s, 0);
    assert_int_equal(manifest.prewarm_s, 0);
    assert_false(manifest.alarm_flip);
    assert_int_equal(manifest.device_count, 2);
    assert_int_equal(manifest_check(&manifest, &target), MANIFEST_WRONG_DEVICE);
    target.device = devices;
    assert_int_equal(manifest_check(&manifest, &target), MANIFEST_OK);
    target.device = devices + P256_THUMBPRINT_SIZE;
    assert_int_equal(manifest_check(&manifest, &target), MANIFEST_OK);
}

static void test_each_altered_byte_is_noticed(void **state) {
    static const struct manifest nothing;
    (void)state;
    sign_example();
    for (size_t i = 0; i < file_size; i++) {
        file[i] ^= 0x04;
        struct manifest_fault fault = open_file();
        assert_int_not_equal(fault.error, MANIFEST_OK);
        assert_int_not_equal(fault.error, MANIFEST_FAILED);
        assert_string_not_equal(manifest_fault_text(fault), "unknown error");
        assert_memory_equal(&manifest, &nothing, sizeof(nothing));
        file[i] ^= 0x04;
    }
    assert_int_equal(open_file().error, MANIFEST_OK);
}

static void test_other_lengths(void **state) {
    (void)state;
    sign_example();
    size_t whole = file_size;
    for (file_size = 0; file_size < whole; file_size++)
        assert_int_equal(open_file().error, MANIFEST_MALFORMED);
    file[whole] = 0;
    file_size = whole + 1;
    assert_int_equal(open_file().error, MANIFEST_MALFORMED);
    file_size = MANIFEST_SIZE_MAX + 1;
    assert_int_equal(open_file().error, MANIFEST_TOO_LONG);
}

static void expect_distrust(enum delegation_error expected) {
    struct manifest_fault fault = open_file();
    assert_int_equal(fault.error, MANIFEST_NOT_TRUSTED);
    assert_int_equal(fault.delegation, expected);
}

static void test_other_organisation(void **state) {
    struct manifest example = manifest_example();
    struct p256_signer signer = organisation_signer(&theirs);
    struct cbor_bytes chain = {ours.delegation, ours.delegation_size};
    (void)state;
    file_size = organisation_sign(&theirs, &example, NULL, file, sizeof(file));
    expect_distrust(DELEGATION_WRONG_ROOT);
    assert_int_equal(manifest_write(&example, NULL, &chain, 1, &signer, file, sizeof(file), &file_size), MANIFEST_OK);
    assert_int_equal(open_file().error, MANIFEST_WRONG_SIGNER);
    assert_int_equal(manifest_write(&example, NULL, NULL, 0, &signer, file, sizeof(file), &file_size), MANIFEST_OK);
    expect_distrust(DELEGATION_WRONG_ROOT);
}

static void test_root_signs_itself(void **state) {
    struct manifest example = manifest_example();
    struct p256_signer root = organisation_root(&ours);
    (void)state;
    assert_int_equal(manifest_write(&example, NULL, NULL, 0, &root, file, sizeof(file), &file_size), MANIFEST_OK);
    assert_int_equal(open_file().error, MANIFEST_OK);
}

static void test_epoch_that_is_over(void **state) {
    struct delegation_trust trust = organisation_trust(&ours);
    (void)state;
    sign_example();
    trust.epoch = 3;
    assert_int_equal(manifest_open(&manifest, &trust, file, file_size).error, MANIFEST_OK);
    trust.epoch = 4;
    struct manifest_fault fault = manifest_open(&manifest, &trust, file, file_size);
    assert_int_equal(fault.delegation, DELEGATION_TAKEN_BACK);
    assert_string_equal(manifest_fault_text(fault), "the organisation has taken the signing key back");
}

/* A chain of `count` delegations, each to a new key; the last key signs the example. */
static struct manifest_fault sign_by_chain(struct delegation *delegations, size_t count) {
    static uint8_t objects[DELEGATION_CHAIN_MAX][DELEGATION_SIZE_MAX];
    struct cbor_bytes chain[DELEGATION_CHAIN_MAX];
    struct p256_private keys[DELEGATION_CHAIN_MAX];
    struct p256_software software[DELEGATION_CHAIN_MAX];
    struct p256_signer signer = organisation_root(&ours);
    struct manifest example = manifest_example();
    for (size_t i = 0; i < count; i++) {
        size_t size = 0;
        assert_int_equal(p256_generate(&keys[i], &ours.random_numbers), P256_OK);
        delegations[i].key = keys[i].public_key;
        assert_int_equal(delegation_write(&delegations[i], &signer, objects[i], sizeof(objects[i]), &size), COSE_OK);
        chain[i] = (struct cbor_bytes){objects[i], size};
        software[i] = (struct p256_software){&keys[i], &ours.random_numbers};
        signer = p256_software_signer(&software[i]);
    }
    assert_int_equal(manifest_write(&example, NULL, chain, count, &signer, file, sizeof(file), &file_size),
                     MANIFEST_OK);
    return open_file();
}

static void test_chains(void **state) {
    struct delegation good[] = {{.roles = DELEGATION_ROLE_ALL, .depth = 2},
                                {.roles = DELEGATION_ROLE_MANIFEST, .depth = 1, .one_persona = true},
                                {.roles = DELEGATION_ROLE_MANIFEST}};
    struct delegation too_deep[] = {{.roles = DELEGATION_ROLE_ALL}, {.roles = DELEGATION_ROLE_ALL}};
    struct delegation deeper[] = {{.roles = DELEGATION_ROLE_ALL, .depth = 1},
                                  {.roles = DELEGATION_ROLE_ALL, .depth = 1}};
    struct delegation more[] = {{.roles = DELEGATION_ROLE_COMMAND, .depth = 1}, {.roles = DELEGATION_ROLE_ALL}};
    struct delegation without[] = {{.roles = DELEGATION_ROLE_COMMAND}};
    struct delegation other[] = {{.roles = DELEGATION_ROLE_ALL, .one_persona = true, .persona = {99}}};
    struct manifest example = manifest_example();
    (void)state;
    memcpy(good[1].persona, example.id, sizeof(good[1].persona));
    assert_int_equal(sign_by_chain(good, 3).error, MANIFEST_OK);
    assert_int_equal(sign_by_chain(too_deep, 2).delegation, DELEGATION_TOO_DEEP);
    assert_int_equal(sign_by_chain(deeper, 2).delegation, DELEGATION_TOO_DEEP);
    assert_int_equal(sign_by_chain(more, 2).delegation, DELEGATION_NOT_ALLOWED);
    assert_int_equal(sign_by_chain(without, 1).delegation, DELEGATION_NOT_ALLOWED);
    assert_int_equal(sign_by_chain(other, 1).delegation, DELEGATION_OTHER_PERSONA);
}

/* One link of another chain: good in itself, but not signed by the key before it. */
static void test_broken_chain(void **state) {
    struct delegation first = {.roles = DELEGATION_ROLE_ALL, .depth = 1, .key = theirs.signing.public_key};
    uint8_t object[DELEGATION_SIZE_MAX];
    size_t size = 0;
    struct p256_signer root = organisation_root(&ours), signer = organisation_signer(&ours);
    struct manifest example = manifest_example();
    (void)state;
    assert_int_equal(delegation_write(&first, &root, object, sizeof(object), &size), COSE_OK);
    struct cbor_bytes chain[] = {{object, size}, {ours.delegation, ours.delegation_size}};
    assert_int_equal(manifest_write(&example, NULL, chain, 2, &signer, file, sizeof(file), &file_size), MANIFEST_OK);
    expect_distrust(DELEGATION_BROKEN);
}

static void test_targets(void **state) {
    static const uint8_t other_id[MANIFEST_ID_SIZE];
    struct manifest example = manifest_example();
    uint8_t device[P256_THUMBPRINT_SIZE] = {0};
    struct manifest_target target = {"rpi4", device, example.id, 7};
    (void)state;
    sign_example();
    assert_int_equal(open_file().error, MANIFEST_OK);
    assert_int_equal(manifest_check(&manifest, &target), MANIFEST_OK);
    target.version = 8;
    assert_int_equal(manifest_check(&manifest, &target), MANIFEST_TOO_OLD);
    target.version = 0;
    target.board = "pinephone";
    assert_int_equal(manifest_check(&manifest, &target), MANIFEST_WRONG_BOARD);
    target.board = NULL;
    target.id = other_id;
    assert_int_equal(manifest_check(&manifest, &target), MANIFEST_WRONG_PERSONA);
    assert_int_equal(manifest_check(&manifest, &(struct manifest_target){0}), MANIFEST_OK);
}

static void test_components(void **state) {
    uint8_t digest[DIGEST_SIZE] = {0xaa};
    (void)state;
    sign_example();
    assert_int_equal(open_file().error, MANIFEST_OK);
    assert_int_equal(manifest_check_component(&manifest, MANIFEST_KERNEL, 30000000, digest), MANIFEST_OK);
    assert_int_equal(manifest_check_component(&manifest, MANIFEST_KERNEL, 30000000, NULL), MANIFEST_OK);
    assert_int_equal(manifest_check_component(&manifest, MANIFEST_KERNEL, 30000001, digest), MANIFEST_WRONG_SIZE);
    assert_int_equal(manifest_check_component(&manifest, MANIFEST_INITRD, 20000000, digest), MANIFEST_WRONG_DIGEST);
    assert_int_equal(manifest_check_component(&manifest, MANIFEST_ROOT, 1, digest), MANIFEST_NO_COMPONENT);
}

static void test_compressed_components(void **state) {
    struct manifest example = manifest_example();
    (void)state;
    example.components[0].packing = MANIFEST_LZ4;
    example.components[0].unpacked = 44000000;
    file_size = organisation_sign(&ours, &example, NULL, file, sizeof(file));
    assert_int_equal(open_file().error, MANIFEST_OK);
    assert_memory_equal(&manifest, &example, sizeof(example));
}

typedef void change(struct manifest *example);

static void no_version(struct manifest *example) { example->version = 0; }
static void minimum_above(struct manifest *example) { example->minimum_version = 8; }
static void no_minimum(struct manifest *example) { example->minimum_version = 0; }
static void no_name(struct manifest *example) { example->name[0] = '\0'; }
static void bad_name(struct manifest *example) { example->name[0] = 'W'; }
static void bad_title(struct manifest *example) { example->title[0] = '\x1b'; }
static void no_board(struct manifest *example) { example->board_count = 0; }
static void no_kernel(struct manifest *example) { example->components[0].kind = MANIFEST_ROOT; }
static void two_kernels(struct manifest *example) { example->components[1].kind = MANIFEST_KERNEL; }
static void one_file(struct manifest *example) { strcpy(example->components[1].file, "kernel"); }
static void bad_file(struct manifest *example) { strcpy(example->components[1].file, "../kernel"); }
static void dots(struct manifest *example) { strcpy(example->components[1].file, ".."); }
static void empty_file(struct manifest *example) { example->components[0].size = 0; }
static void other_packing(struct manifest *example) {
    example->components[0].packing = (enum manifest_packing)2;
    example->components[0].unpacked = 1;
}
static void unpacked_to_nothing(struct manifest *example) { example->components[0].packing = MANIFEST_LZ4; }
static void unpacked_beyond_all(struct manifest *example) {
    example->components[0].packing = MANIFEST_LZ4;
    example->components[0].unpacked = MANIFEST_COMPONENT_SIZE_MAX + 1;
}
static void no_components(struct manifest *example) { example->component_count = 0; }
static void too_much_memory(struct manifest *example) { example->memory.value = 101; }
static void many_boards(struct manifest *example) { example->board_count = MANIFEST_BOARDS_MAX + 1; }
static void bad_unlock(struct manifest *example) { example->unlock = (enum manifest_unlock)3; }
static void long_timeout(struct manifest *example) { example->flip_timeout_s = CONFIG_FLIP_TIMEOUT_MAX + 1; }
static void long_prewarm(struct manifest *example) { example->prewarm_s = CONFIG_PREWARM_MAX + 1; }

static void test_values_out_of_bounds_are_not_signed(void **state) {
    static change *const changes[] = {
        no_version,    minimum_above,       no_minimum,          no_name,         bad_name,   bad_title,
        no_board,      no_kernel,           two_kernels,         one_file,        bad_file,   dots,
        empty_file,    no_components,       many_boards,         too_much_memory, bad_unlock, long_timeout,
        other_packing, unpacked_to_nothing, unpacked_beyond_all, long_prewarm};
    struct p256_signer signer = organisation_root(&ours);
    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct manifest example = manifest_example();
        changes[i](&example);
        assert_int_equal(manifest_write(&example, NULL, NULL, 0, &signer, file, sizeof(file), &file_size),
                         MANIFEST_MALFORMED);
        assert_int_equal(file_size, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_signed_is_read),
        cmocka_unit_test(test_optional_parts),
        cmocka_unit_test(test_each_altered_byte_is_noticed),
        cmocka_unit_test(test_other_lengths),
        cmocka_unit_test(test_other_organisation),
        cmocka_unit_test(test_root_signs_itself),
        cmocka_unit_test(test_epoch_that_is_over),
        cmocka_unit_test(test_chains),
        cmocka_unit_test(test_broken_chain),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_components),
        cmocka_unit_test(test_compressed_components),
        cmocka_unit_test(test_values_out_of_bounds_are_not_signed),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
