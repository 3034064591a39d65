// SPDX-License-Identifier: BSD-3-Clause
// The vault with a TPM: where the device's key is, what PINs are bound to, and what is said when the TPM is missing,
// was cleared, is another one, or the disk was put back.
#include "persona/vault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "known_random.h"
#include "swtpm.h"
#include "vault_world.h"

enum { SKIPPED = 77 };

static struct world ours;
static struct disk disk;
static struct drive drive = {.disk = &disk};
static struct random_stream random_numbers;
static struct swtpm swtpm;
static struct tpm_transport transport;
static struct vault vault;
static struct vault_unlocked unlocked;
static struct vault_persona persona;

static enum vault_error open_with(const struct tpm_transport *tpm) {
    struct vault_setup setup = world_setup(&drive, &random_numbers, tpm);
    vault_close(&vault);
    return vault_open(&vault, &setup);
}

static enum vault_error open_vault(void) { return open_with(&transport); }

static enum vault_error unlock(const struct world_persona *which, const char *pin) {
    return vault_unlock(&vault, which->name, pin, pin == NULL ? 0 : strlen(pin), &unlocked);
}

static int prepare(void **state) {
    (void)state;
    world_make(&ours, 1);
    random_numbers = known_random(3);
    memset(&disk, 0, sizeof(disk));
    world_install(&ours, &disk, 1);
    swtpm_make(&swtpm);
    transport = swtpm_transport(&swtpm);
    if (open_vault() != VAULT_OK || !vault.first_start || vault.keeping != ENROLMENT_TPM || !vault.guarded)
        return 1;
    const struct p256_public device = world_request(&disk).key;
    world_deliver(&ours, &disk, &device, &world_work, (struct world_version){1, 1, 'a'});
    world_deliver(&ours, &disk, &device, &world_home, (struct world_version){1, 1, 'a'});
    world_grant(&ours, &disk, &device, &world_work, GRANT_ISSUE, 1);
    world_grant(&ours, &disk, &device, &world_home, GRANT_ISSUE, 1);
    return unlock(&world_work, "2580") != VAULT_OK || unlock(&world_home, NULL) != VAULT_OK;
}

static int end(void **state) {
    (void)state;
    vault_close(&vault);
    swtpm_remove(&swtpm);
    return 0;
}

static void test_every_day(void **state) {
    (void)state;
    assert_int_equal(world_request(&disk).keeping, ENROLMENT_TPM);
    vault_close(&vault);
    swtpm_restart(&swtpm);
    assert_int_equal(open_vault(), VAULT_OK);
    assert_true(vault.guarded);
    assert_int_equal(vault.keeping, ENROLMENT_TPM);
    assert_int_equal(unlock(&world_home, NULL), VAULT_OK);
    assert_int_equal(unlock(&world_work, "0000"), VAULT_WRONG_PIN);
    assert_int_equal(unlock(&world_work, "2580"), VAULT_OK);
    assert_memory_equal(unlocked.persona_key, world_work.key, KEYS_SIZE);
    assert_int_equal(vault_set_pin(&vault, "work", world_work.key, "14789", 5), VAULT_OK);
    assert_int_equal(open_vault(), VAULT_OK);
    assert_int_equal(unlock(&world_work, "2580"), VAULT_WRONG_PIN);
    assert_int_equal(unlock(&world_work, "14789"), VAULT_OK);
}

/* The key is nowhere on the disk. */
static void test_nothing_of_it_is_on_the_disk(void **state) {
    (void)state;
    const uint8_t *secrets[] = {vault.key.key.scalar, vault.key.secret, world_work.key, world_work.content_key};
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
        for (size_t at = 0; at + KEYS_SIZE <= disk.used; at++)
            assert_memory_not_equal(disk.bytes + at, secrets[i], KEYS_SIZE);
}

static void test_a_disk_that_was_put_back(void **state) {
    static struct disk before;
    (void)state;
    before = disk;
    assert_int_equal(unlock(&world_work, "0000"), VAULT_WRONG_PIN);
    disk = before;
    assert_int_equal(open_vault(), VAULT_ROLLED_BACK);
    assert_string_equal(vault.reason, "the device's state was put back to an earlier one");
}

/* The power went between the state and the counter: the next start raises it, and then the state before is too old. */
static void test_a_cut_before_the_counter(void **state) {
    static struct disk before;
    uint64_t value = 0, raised = 0;
    (void)state;
    assert_int_equal(tpm_counter_read(&vault.tpm, 0, &value), TPM_OK);
    before = disk;
    uint8_t file[VAULT_STATE_FILE_SIZE] = {0};
    size_t size = 0;
    unsigned copy = 0;
    assert_int_equal(state_write(&vault.state, vault.key.secret, vault.thumbprint, file, sizeof(file), &size, &copy),
                     STATE_OK);
    disk_put(&disk, copy == 0 ? "device/state.a" : "device/state.b", file, size, VAULT_STATE_FILE_SIZE);
    assert_int_equal(open_vault(), VAULT_OK);
    assert_int_equal(tpm_counter_read(&vault.tpm, 0, &raised), TPM_OK);
    assert_int_equal(raised, value + 1);
    disk = before;
    assert_int_equal(open_vault(), VAULT_ROLLED_BACK);
}

static void test_no_tpm(void **state) {
    (void)state;
    assert_int_equal(open_with(NULL), VAULT_NO_TPM);
    assert_string_equal(vault.reason, "the device's key is sealed in a TPM that is not there");
    assert_int_equal(open_vault(), VAULT_OK);
    assert_int_equal(unlock(&world_home, NULL), VAULT_OK);
}

static size_t say_nothing(void *context, const uint8_t *command, size_t size, uint8_t *response, size_t capacity) {
    (void)context, (void)command, (void)size, (void)response, (void)capacity;
    return 0;
}

static void wait_not(void *context, unsigned milliseconds) { (void)context, (void)milliseconds; }

static void test_a_tpm_that_does_not_answer(void **state) {
    const struct tpm_transport silent = {NULL, say_nothing, wait_not};
    (void)state;
    assert_int_equal(open_with(&silent), VAULT_TPM_FAILED);
    assert_non_null(strstr(vault.reason, "the TPM failed: "));
}

static void test_another_tpm(void **state) {
    struct swtpm other;
    (void)state;
    vault_close(&vault);
    swtpm_make(&other);
    const struct tpm_transport to_other = swtpm_transport(&other);
    assert_int_equal(open_with(&to_other), VAULT_OTHER_TPM);
    assert_string_equal(vault.reason, "the device's key is sealed in another TPM, or this one was cleared");
    vault_close(&vault);
    swtpm_remove(&other);
}

/* TPM2_Clear by the platform hierarchy, as firmware does it. */
static void test_a_cleared_tpm(void **state) {
    static const uint8_t clear[] = {0x80, 0x02, 0, 0, 0,    27, 0, 0,    0x01, 0x26, 0x40, 0, 0, 0x0c,
                                    0,    0,    0, 9, 0x40, 0,  0, 0x09, 0,    0,    1,    0, 0};
    uint8_t response[TPM_RESPONSE_MAX];
    (void)state;
    vault_close(&vault);
    assert_int_equal(transport.submit(transport.context, clear, sizeof(clear), response, sizeof(response)), 19);
    assert_int_equal(open_vault(), VAULT_OTHER_TPM);
}

static void test_a_counter_that_was_removed(void **state) {
    (void)state;
    assert_int_equal(tpm_counter_remove(&vault.tpm, 0), TPM_OK);
    assert_int_equal(open_vault(), VAULT_OTHER_TPM);
    assert_string_equal(vault.reason, "the TPM's counter that guards the device's state was removed");
}

/* The attempts on the disk are put back as often as one likes: the TPM takes no more than it was told to. */
static void test_the_tpm_counts_too(void **state) {
    unsigned wrong = 0;
    (void)state;
    enum vault_error error = VAULT_WRONG_PIN;
    while (error == VAULT_WRONG_PIN) {
        struct state next = vault.state;
        for (size_t i = 0; i < next.persona_count; i++)
            state_attempt_good(&next.personas[i]);
        vault.state = next;
        error = unlock(&world_work, "0000");
        wrong++;
    }
    assert_int_equal(error, VAULT_TPM_LOCKED_OUT);
    assert_int_equal(wrong, VAULT_TPM_FAILURES + 1);
    assert_int_equal(vault_look(&vault, "work", &persona), VAULT_OK);
    uint32_t left = persona.attempts_left;
    assert_int_equal(unlock(&world_work, "2580"), VAULT_TPM_LOCKED_OUT);
    assert_int_equal(vault_look(&vault, "work", &persona), VAULT_OK);
    assert_int_equal(persona.attempts_left, left);
    assert_int_equal(tpm_lift_lockout(&vault.tpm, NULL), TPM_WRONG_AUTH);
    assert_int_equal(unlock(&world_home, NULL), VAULT_OK);
}

/* A device whose key is in a file goes on as it is when a TPM is put in. */
static void test_a_tpm_that_came_later(void **state) {
    static struct disk plain;
    struct drive plain_drive = {.disk = &plain};
    struct vault_setup setup = world_setup(&plain_drive, &random_numbers, NULL);
    (void)state;
    vault_close(&vault);
    memset(&plain, 0, sizeof(plain));
    world_install(&ours, &plain, 1);
    assert_int_equal(vault_open(&vault, &setup), VAULT_OK);
    vault_close(&vault);
    setup.tpm = &transport;
    assert_int_equal(vault_open(&vault, &setup), VAULT_OK);
    assert_int_equal(vault.keeping, ENROLMENT_FILE);
    assert_false(vault.first_start);
}

int main(void) {
    if (!swtpm_is_there())
        return SKIPPED;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_day, prepare, end),
        cmocka_unit_test_setup_teardown(test_nothing_of_it_is_on_the_disk, prepare, end),
        cmocka_unit_test_setup_teardown(test_a_disk_that_was_put_back, prepare, end),
        cmocka_unit_test_setup_teardown(test_a_cut_before_the_counter, prepare, end),
        cmocka_unit_test_setup_teardown(test_no_tpm, prepare, end),
        cmocka_unit_test_setup_teardown(test_a_tpm_that_does_not_answer, prepare, end),
        cmocka_unit_test_setup_teardown(test_another_tpm, prepare, end),
        cmocka_unit_test_setup_teardown(test_a_cleared_tpm, prepare, end),
        cmocka_unit_test_setup_teardown(test_a_counter_that_was_removed, prepare, end),
        cmocka_unit_test_setup_teardown(test_the_tpm_counts_too, prepare, end),
        cmocka_unit_test_setup_teardown(test_a_tpm_that_came_later, prepare, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
