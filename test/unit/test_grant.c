// SPDX-License-Identifier: BSD-3-Clause
// Grants, organisations' files and devices' keys: written and read, and what each reader refuses and why.
#include "persona/grant.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "persona/device_key.h"
#include "persona/organisation.h"
#include "vault_world.h"

static struct world ours, others;
static struct p256_private device;
static uint8_t file[GRANT_SIZE_MAX + 1];
static struct grant grant;

static struct delegation_trust trust(void) { return (struct delegation_trust){ours.root.public_key, 1}; }

static int prepare(void **state) {
    (void)state;
    world_make(&ours, 1);
    world_make(&others, 2);
    return p256_generate(&device, &ours.random) != P256_OK;
}

static int make(void **state) {
    (void)state;
    world_write_grant(&ours, &device.public_key, &world_work, GRANT_ISSUE, 3, file);
    file[GRANT_SIZE_MAX] = 0;
    return 0;
}

static enum grant_error open_file(void) {
    const struct delegation_trust to = trust();
    return grant_open(&grant, &to, file, GRANT_SIZE_MAX).error;
}

static void test_it_says_what_was_written(void **state) {
    uint8_t thumbprint[P256_THUMBPRINT_SIZE];
    (void)state;
    assert_int_equal(open_file(), GRANT_OK);
    assert_int_equal(p256_thumbprint(&device.public_key, thumbprint), P256_OK);
    assert_int_equal(grant.kind, GRANT_ISSUE);
    assert_int_equal(grant.number, 3);
    assert_int_equal(grant.unlock, MANIFEST_UNLOCK_PIN);
    assert_int_equal(grant_check(&grant, world_work.id, thumbprint, 2), GRANT_OK);
    assert_int_equal(grant_check(&grant, world_work.id, thumbprint, 3), GRANT_TAKEN);
    assert_int_equal(grant_check(&grant, world_home.id, thumbprint, 0), GRANT_WRONG_PERSONA);
    thumbprint[0] ^= 1;
    assert_int_equal(grant_check(&grant, world_work.id, thumbprint, 0), GRANT_WRONG_DEVICE);
}

static enum grant_error open_key_with(enum slot_type type, const struct p256_private *key, const uint8_t *code_key) {
    struct p256_software software = {key, &ours.random};
    const struct p256_agreer agreer = p256_software_agreer(&software);
    static const uint8_t nothing[KEYS_SIZE];
    uint8_t opened[KEYS_SIZE];
    enum grant_error error = grant_open_key(&grant, type, &agreer, code_key, opened);
    assert_memory_equal(opened, error == GRANT_OK ? world_work.key : nothing, KEYS_SIZE);
    return error;
}

static enum grant_error open_key(enum slot_type type, const struct p256_private *key) {
    return open_key_with(type, key, NULL);
}

static void test_who_opens_it(void **state) {
    (void)state;
    assert_int_equal(open_file(), GRANT_OK);
    assert_int_equal(open_key(SLOT_DEVICE, &device), GRANT_OK);
    assert_int_equal(open_key(SLOT_ESCROW, &ours.escrow), GRANT_OK);
    assert_int_equal(open_key(SLOT_DEVICE, &ours.escrow), GRANT_WRONG_DEVICE);
    assert_int_equal(open_key(SLOT_ESCROW, &device), GRANT_WRONG_DEVICE);
    grant.check[0] ^= 1;
    assert_int_equal(open_key(SLOT_DEVICE, &device), GRANT_WRONG_KEY);
    grant.check[0] ^= 1;
    grant.id[0] ^= 1;
    assert_int_equal(open_key(SLOT_DEVICE, &device), GRANT_WRONG_KEY);
}

static const char right_code[] = "100000000000000Z", wrong_code[] = "0000000000000000";

static void make_with_code(void) {
    ours.code = right_code;
    world_write_grant(&ours, &device.public_key, &world_work, GRANT_ISSUE, 3, file);
    ours.code = NULL;
    assert_int_equal(open_file(), GRANT_OK);
    assert_true(grant.activation);
}

static enum grant_error open_by_code(const char *code, const struct p256_private *key) {
    uint8_t code_key[GRANT_CODE_KEY_SIZE];
    assert_int_equal(grant_code_key(&grant, code, code_key), GRANT_OK);
    return open_key_with(SLOT_DEVICE, key, code_key);
}

static void test_an_activation_code(void **state) {
    (void)state;
    assert_int_equal(open_file(), GRANT_OK);
    assert_false(grant.activation);
    make_with_code();
    assert_int_equal(open_by_code(right_code, &device), GRANT_OK);
    assert_int_equal(open_by_code(wrong_code, &device), GRANT_WRONG_CODE);
    assert_int_equal(open_by_code(right_code, &ours.escrow), GRANT_WRONG_DEVICE);
    assert_int_equal(open_key(SLOT_DEVICE, &device), GRANT_CODE_NEEDED);
    // The organisation needs no code for what it keeps itself.
    assert_int_equal(open_key(SLOT_ESCROW, &ours.escrow), GRANT_OK);
    grant.salt[0] ^= 1;
    assert_int_equal(open_by_code(right_code, &device), GRANT_WRONG_CODE);
}

/* Who has the grant and uses the device's key by himself finds nothing but what the code wraps. */
static void test_the_device_without_the_code(void **state) {
    struct p256_software software = {&device, &ours.random};
    const struct p256_agreer agreer = p256_software_agreer(&software);
    uint8_t bare[KEYS_SIZE], wrapped[SLOTS_PAYLOAD_MAX], opened[KEYS_SIZE];
    struct slots slots;
    (void)state;
    make_with_code();
    slots_begin(&slots, grant.id);
    slots.slots[0] = grant.device_slot;
    slots.count = 1;
    assert_int_equal(slots_open_sealed(&slots, 0, &agreer, bare), SLOTS_ALTERED);
    assert_int_equal(slots_open_payload(&slots, 0, &agreer, wrapped, sizeof(wrapped)), SLOTS_OK);
    for (size_t at = 0; at + 8 <= sizeof(wrapped); at++)
        for (size_t of = 0; of + 8 <= KEYS_SIZE; of++)
            assert_memory_not_equal(wrapped + at, world_work.key + of, 8);
    assert_int_equal(key_unwrap(grant.salt, wrapped, opened, KEYS_SIZE), AEAD_NOT_AUTHENTIC);
    // Nor is the code anywhere in the file, and a grant that says that it asks for none does not open.
    for (size_t at = 0; at + 8 <= sizeof(file); at++)
        assert_memory_not_equal(file + at, right_code, 8);
    grant.activation = false;
    assert_int_equal(open_key(SLOT_DEVICE, &device), GRANT_WRONG_KEY);
}

static void test_no_code_where_no_pin_is_set(void **state) {
    const struct grant_target target = {.device = &device.public_key,
                                        .escrow = &ours.escrow.public_key,
                                        .code = right_code,
                                        .cost = {PIN_MEMORY_MIN, 1}};
    struct cbor_bytes chain = {ours.delegation, ours.delegation_size};
    size_t size = 0;
    (void)state;
    assert_int_equal(open_file(), GRANT_OK);
    grant.unlock = MANIFEST_UNLOCK_DEVICE;
    assert_int_equal(grant_seal(&grant, world_work.key, &target, &ours.random), GRANT_MALFORMED);
    make_with_code();
    grant.unlock = MANIFEST_UNLOCK_DEVICE;
    assert_int_equal(grant_write(&grant, &chain, 1, &ours.signer, file, sizeof(file), &size), GRANT_MALFORMED);
}

static void test_who_may_sign_it(void **state) {
    const struct delegation_trust foreign = {others.root.public_key, 1}, later = {ours.root.public_key, 2};
    struct cbor_bytes chain = {ours.delegation, ours.delegation_size};
    struct p256_signer wrong = p256_software_signer(&others.signing_software);
    size_t size = 0;
    (void)state;
    struct grant_fault fault = grant_open(&grant, &foreign, file, GRANT_SIZE_MAX);
    assert_string_equal(grant_fault_text(fault), "signed for another organisation");
    fault = grant_open(&grant, &later, file, GRANT_SIZE_MAX);
    assert_int_equal(fault.delegation, DELEGATION_TAKEN_BACK);
    assert_int_equal(open_file(), GRANT_OK);
    assert_int_equal(grant_write(&grant, &chain, 1, &wrong, file, sizeof(file), &size), GRANT_OK);
    assert_int_equal(open_file(), GRANT_WRONG_SIGNER);
    assert_int_equal(grant.number, 0);
}

static void test_what_is_no_grant(void **state) {
    (void)state;
    file[GRANT_SIZE_MAX - 1] = 1;
    assert_int_equal(open_file(), GRANT_MALFORMED);
    const struct delegation_trust to = trust();
    assert_int_equal(grant_open(&grant, &to, file, sizeof(file)).error, GRANT_MALFORMED);
    memset(file, 0, sizeof(file));
    assert_int_equal(open_file(), GRANT_ABSENT);
    assert_int_equal(grant_open(&grant, &to, file, 0).error, GRANT_ABSENT);
    assert_int_equal(grant_read(&grant, file, sizeof(file)), GRANT_ABSENT);
}

static void test_what_is_not_written(void **state) {
    struct cbor_bytes chain[DELEGATION_CHAIN_MAX + 1] = {{NULL, 0}};
    size_t size = 1;
    (void)state;
    assert_int_equal(open_file(), GRANT_OK);
    assert_int_equal(grant_write(&grant, chain, DELEGATION_CHAIN_MAX + 1, &ours.signer, file, sizeof(file), &size),
                     GRANT_MALFORMED);
    assert_int_equal(size, 0);
    assert_int_equal(grant_write(&grant, chain, 0, &ours.signer, file, 400, &size), GRANT_TOO_LONG);
    grant.number = 0;
    assert_int_equal(grant_write(&grant, chain, 0, &ours.signer, file, sizeof(file), &size), GRANT_MALFORMED);
}

static void test_organisation(void **state) {
    static struct disk disk;
    struct organisation organisation;
    (void)state;
    world_install(&ours, &disk, 7);
    struct disk_file *written = disk_find(&disk, "organisation");
    assert_int_equal(organisation_read(&organisation, disk.bytes, written->size), ORGANISATION_OK);
    assert_string_equal(organisation.name, "Acme Ltd");
    assert_int_equal(organisation.epoch, 7);
    assert_memory_equal(&organisation.root, &ours.root.public_key, sizeof(organisation.root));
    disk.bytes[written->size - 1] ^= 1;
    assert_int_equal(organisation_read(&organisation, disk.bytes, written->size), ORGANISATION_BAD_SIGNATURE);
    assert_string_equal(organisation.name, "");
}

static void test_device_key(void **state) {
    struct device_key key, opened;
    struct p256_public looked;
    enum enrolment_keeping keeping;
    enum tpm_error tpm_error = TPM_OK;
    uint8_t plain[DEVICE_KEY_SIZE_MAX] = {0};
    size_t size = 0;
    (void)state;
    assert_int_equal(device_key_open(&opened, NULL, &ours.random, &tpm_error, plain, sizeof(plain)), DEVICE_KEY_ABSENT);
    assert_int_equal(device_key_make(&key, &ours.random), DEVICE_KEY_OK);
    assert_int_equal(device_key_write(&key, NULL, &ours.random, &tpm_error, plain, 100, &size), DEVICE_KEY_NO_ROOM);
    assert_int_equal(device_key_write(&key, NULL, &ours.random, &tpm_error, plain, sizeof(plain), &size),
                     DEVICE_KEY_OK);
    assert_int_equal(device_key_open(&opened, NULL, &ours.random, &tpm_error, plain, sizeof(plain)), DEVICE_KEY_OK);
    assert_memory_equal(&opened.key, &key.key, sizeof(key.key));
    assert_memory_equal(opened.secret, key.secret, sizeof(key.secret));
    assert_int_equal(device_key_look(plain, sizeof(plain), &looked, &keeping), DEVICE_KEY_OK);
    assert_memory_equal(&looked, &key.key.public_key, sizeof(looked));
    assert_int_equal(keeping, ENROLMENT_FILE);
    plain[80] ^= 1;
    assert_int_equal(device_key_open(&opened, NULL, &ours.random, &tpm_error, plain, sizeof(plain)),
                     DEVICE_KEY_DAMAGED);
    assert_memory_equal(&opened, &(struct device_key){0}, sizeof(opened));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_it_says_what_was_written, make),
        cmocka_unit_test_setup(test_who_opens_it, make),
        cmocka_unit_test_setup(test_an_activation_code, make),
        cmocka_unit_test_setup(test_the_device_without_the_code, make),
        cmocka_unit_test_setup(test_no_code_where_no_pin_is_set, make),
        cmocka_unit_test_setup(test_who_may_sign_it, make),
        cmocka_unit_test_setup(test_what_is_no_grant, make),
        cmocka_unit_test_setup(test_what_is_not_written, make),
        cmocka_unit_test(test_organisation),
        cmocka_unit_test(test_device_key),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
