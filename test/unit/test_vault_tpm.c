// SPDX-License-Identifier: BSD-3-Clause
// The vault with a TPM: where the device's key is, what PINs are bound to, and what is said when the TPM is missing,
// was cleared, is another one, or the disk was put back.
#include "persona/vault.h"
#include "persona/vault_usim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "known_random.h"
#include "swtpm.h"
#include "usim_fixture.h"
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
    assert_string_equal(vault.reason,
                        "the device's state was put back to an earlier one; put the latest back, or enrol "
                        "anew without flipside/device");
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

/* ---- A thief who cuts the power between the state and the counter. The state that he keeps is as new as one that he
 * lets the device write in its place: were it as new as one that something relies on, the counter would not tell them
 * apart. */

static int raises;         /* of the counter, before the power fails; below 0: it does not */
static struct disk raised; /* at the last one: what the counter will take until the next */

/* TPM2_NV_Increment (part 2, 6.5.2) */
static size_t submit_until_cut(void *context, const uint8_t *command, size_t size, uint8_t *response, size_t capacity) {
    bool raise = size >= 10 && memcmp(command + 6, "\x00\x00\x01\x34", 4) == 0;
    if (raise && raises == 0)
        return 0;
    raises -= raise && raises > 0;
    if (raise)
        raised = disk;
    return swtpm_transport(&swtpm).submit(context, command, size, response, capacity);
}

static uint32_t attempts_left(void) {
    assert_int_equal(vault_look(&vault, "work", &persona), VAULT_OK);
    return persona.attempts_left;
}

/* What he cuts off is the owner's PIN, which takes back a wrong one, again and again: with it he would have an attempt
 * for each cut. His disk remembers all that was on it. */
static void test_attempts_and_a_fork_of_the_state(void **state) {
    static struct disk cut;
    bool whole = false;
    for (int first = 0; !whole; first++) {
        assert_int_equal(unlock(&world_work, "0000"), VAULT_WRONG_PIN);
        raised = disk;
        transport.submit = submit_until_cut;
        raises = first;
        whole = open_vault() == VAULT_OK && unlock(&world_work, "2580") == VAULT_OK;
        transport.submit = swtpm_transport(&swtpm).submit;
        cut = disk;
        disk = raised;
        assert_int_equal(open_vault(), VAULT_OK);
        assert_int_equal(unlock(&world_work, "0000"), VAULT_WRONG_PIN);
        const uint32_t left = attempts_left();
        disk = cut;
        assert_false(open_vault() == VAULT_OK && attempts_left() > left);
        (void)end(state);
        assert_int_equal(prepare(state), 0);
    }
}

static struct usim_memory memory;
static struct vault_usim usim;
static struct usim_card card;

static void issue_usim(void) {
    static uint8_t file[USIM_FILE_SIZE], encoded[USIM_PROFILE_MAX];
    const struct cbor_bytes chain = {ours.delegation, ours.delegation_size};
    const struct p256_public device = world_request(&disk).key;
    const struct usim_file_issue by = {&device, 1, &chain, 1, &ours.signer, &random_numbers};
    struct usim_profile profile;
    size_t size = 0, written = 0;
    usim_profile_known(&profile);
    assert_int_equal(usim_profile_write(&profile, encoded, sizeof(encoded), &size), USIM_OK);
    assert_int_equal(usim_file_write_issue(&by, encoded, size, file, sizeof(file), &written), USIM_FILE_OK);
    disk_put(&disk, "device/usim", file, written, USIM_FILE_SIZE);
}

/* A power-on, up to a card that may be asked. */
static bool start_usim(void) {
    const struct usim_storage storage = usim_memory_storage(&memory);
    char reason[STORE_REASON_SIZE];
    if (open_vault() != VAULT_OK || !vault_usim_open(&vault, &storage, &usim, reason))
        return false;
    memset(&card, 0, sizeof(card));
    assert_int_equal(usim_profile_read(&card.profile, usim.profile, usim.size), USIM_OK);
    card.store.storage = storage;
    memcpy(card.store.key, usim.state_key, sizeof(card.store.key));
    assert_int_equal(usim_card_open(&card, NULL, false), USIM_OK);
    usim_card_power_on(&card, USIM_AUTHENTICATE);
    usim_begin(&card);
    return true;
}

static bool accepts(uint64_t sqn) {
    static const uint8_t rand_bytes[16] = {1, 2, 3};
    uint8_t autn[16], response[USIM_RESPONSE_MAX];
    size_t size = 0;
    usim_network_challenge(&card.profile.secret, rand_bytes, sqn, autn);
    return usim_authenticate(&card, rand_bytes, autn, response, &size) == 0x9000 && response[0] == 0xdb;
}

static void test_a_usim_and_a_fork_of_the_state(void **state) {
    static struct disk before, cut;
    struct usim_memory old, torn;
    for (int first = 0; first < 3; first++) {
        issue_usim();
        memory = (struct usim_memory){.allowed = UINT32_MAX};
        assert_true(start_usim());
        assert_int_equal(usim_card_close(&card), USIM_OK);
        before = disk;
        old = memory;
        transport.submit = submit_until_cut;
        raises = first;
        bool whole = start_usim();
        raises = -1;
        cut = disk;
        torn = memory;
        disk = before;
        if (!start_usim()) {
            disk = cut;
            assert_true(start_usim());
        }
        const uint64_t sqn = aka_sqn_ms(&card.state.array) + 32;
        assert_true(accepts(sqn));
        for (unsigned i = 0; i < 4; i++) {
            disk = i < 2 ? cut : before;
            memory = i % 2 == 0 ? torn : old;
            assert_false(start_usim() && accepts(sqn));
        }
        assert_int_equal(whole, first == 2);
        (void)end(state);
        assert_int_equal(prepare(state), 0);
    }
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
        cmocka_unit_test_setup_teardown(test_attempts_and_a_fork_of_the_state, prepare, end),
        cmocka_unit_test_setup_teardown(test_a_usim_and_a_fork_of_the_state, prepare, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
