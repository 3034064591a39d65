// SPDX-License-Identifier: BSD-3-Clause
// A USIM on its way from who issues it to the device that keeps it, and what others make of that.
#include "persona/vault_usim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "known_random.h"
#include "usim/volatile.h"
#include "usim_fixture.h"
#include "vault_world.h"

static const char path[] = "device/usim";
static const uint8_t bank[KEYS_ID_SIZE] = "sixteen bytes id";

static struct world ours, theirs;
static struct disk disk;
static struct drive drive = {.disk = &disk};
static struct random_stream random_numbers;
static struct vault vault;
static bool with_pin;
static struct usim_memory memory;
static struct usim_storage storage;
static struct vault_usim usim;
static char reason[STORE_REASON_SIZE];

static int set_up(void **state) {
    (void)state;
    world_make(&ours, 1);
    world_make(&theirs, 7);
    random_numbers = known_random(2);
    memset(&disk, 0, sizeof disk);
    memset(&memory, 0, sizeof memory);
    memory.allowed = UINT32_MAX;
    storage = usim_memory_storage(&memory);
    drive = (struct drive){.disk = &disk};
    world_install(&ours, &disk, 1);
    struct vault_setup setup = world_setup(&drive, &random_numbers, NULL);
    with_pin = true;
    return vault_open(&vault, &setup) != VAULT_OK;
}

/* The next start of the device. */
static void restart(void) {
    struct vault_setup setup = world_setup(&drive, &random_numbers, NULL);
    vault_usim_wipe(&usim);
    vault_close(&vault);
    assert_int_equal(vault_open(&vault, &setup), VAULT_OK);
}

static int tear_down(void **state) {
    (void)state;
    vault_usim_wipe(&usim);
    vault_close(&vault);
    return 0;
}

static void issue(struct world *world, const struct p256_public *device, uint64_t number, bool other,
                  uint64_t generation) {
    static uint8_t file[USIM_FILE_SIZE];
    static struct usim_profile profile;
    uint8_t encoded[USIM_PROFILE_MAX];
    const struct cbor_bytes chain = {world->delegation, world->delegation_size};
    const struct usim_file_issue by = {device, number, &chain, 1, &world->signer, &random_numbers};
    size_t size = 0, written = 0;
    usim_profile_known(&profile);
    profile.generation = generation;
    profile.pins[0].enabled = with_pin;
    if (other) {
        profile.iccid[17] = '7';
        profile.iccid[18] = usim_iccid_check_digit(profile.iccid);
    }
    profile.policy.persona_count = 3;
    memcpy(profile.policy.personas[0].name, "work", sizeof "work");
    profile.policy.personas[0].access = USIM_AUTHENTICATE;
    memcpy(profile.policy.personas[1].name, "home", sizeof "home");
    memcpy(profile.policy.personas[2].name, "bank", sizeof "bank");
    profile.policy.personas[2].access = USIM_AUTHENTICATE;
    profile.policy.personas[2].bound = true;
    memcpy(profile.policy.personas[2].id, bank, sizeof bank);
    assert_int_equal(usim_profile_write(&profile, encoded, sizeof encoded, &size), USIM_OK);
    assert_int_equal(usim_file_write_issue(&by, encoded, size, file, sizeof file, &written), USIM_FILE_OK);
    disk_put(&disk, path, file, written, USIM_FILE_SIZE);
}

static void issue_card(uint64_t number, bool other, uint64_t generation) {
    struct p256_public device = world_request(&disk).key;
    issue(&ours, &device, number, other, generation);
}

static void issue_here(uint64_t number, uint64_t generation) { issue_card(number, false, generation); }

static void opens(bool begun) {
    bool good = vault_usim_open(&vault, &storage, &usim, reason);
    assert_string_equal(reason, "");
    assert_true(good);
    assert_true(usim.size > 0);
    assert_int_equal(usim.begun, begun);
}

static void fails(const char *why) {
    static const struct vault_usim nothing;
    assert_false(vault_usim_open(&vault, &storage, &usim, reason));
    assert_non_null(strstr(reason, why));
    assert_memory_equal(&usim, &nothing, sizeof usim);
}

static bool on_disk(const void *bytes, size_t size) {
    const uint8_t *file = disk_bytes(&disk, path);
    for (size_t i = 0; i + size <= USIM_FILE_SIZE; i++)
        if (memcmp(file + i, bytes, size) == 0)
            return true;
    return false;
}

static void test_none_is_no_fault(void **state) {
    (void)state;
    assert_true(vault_usim_open(&vault, &storage, &usim, reason));
    assert_int_equal(usim.size, 0);
    enum usim_access access;
    assert_false(vault_usim_allows(&usim, "work", NULL, &access));
    disk_put(&disk, path, "", 0, USIM_FILE_SIZE);
    assert_true(vault_usim_open(&vault, NULL, &usim, reason));
}

static void test_issued_once_then_kept(void **state) {
    static struct usim_profile profile;
    enum usim_access access;
    (void)state;
    issue_here(1, 1);
    opens(true);
    assert_true(vault_usim_allows(&usim, "work", NULL, &access) && access == USIM_AUTHENTICATE);
    assert_true(vault_usim_allows(&usim, "home", NULL, &access) && access == USIM_READ_ONLY);
    assert_false(vault_usim_allows(&usim, "other", NULL, &access));
    usim_profile_known(&profile);
    assert_false(on_disk(profile.secret.k, profile.secret.k_size));
    assert_false(on_disk(profile.secret.opc, profile.secret.k_size));
    assert_false(on_disk(profile.imsi, strlen(profile.imsi)));
    uint8_t kept[USIM_FILE_SIZE];
    memcpy(kept, disk_bytes(&disk, path), sizeof kept);
    for (unsigned i = 0; i < 3; i++) {
        restart();
        opens(false);
        assert_int_equal(vault.state.usim.start, 2 + i);
    }
    assert_memory_equal(kept, disk_bytes(&disk, path), sizeof kept);
}

/* A folder can be called anything by whoever writes the disk: plain, or a signed persona of another identifier. */
static void test_a_name_alone_is_no_signed_persona(void **state) {
    static const uint8_t other[KEYS_ID_SIZE] = "another persona";
    enum usim_access access;
    (void)state;
    issue_here(1, 1);
    opens(true);
    assert_true(vault_usim_allows(&usim, "bank", bank, &access) && access == USIM_AUTHENTICATE);
    assert_false(vault_usim_allows(&usim, "bank", NULL, &access));
    assert_false(vault_usim_allows(&usim, "bank", other, &access));
    assert_false(vault_usim_allows(&usim, "clerk", bank, &access));
    assert_true(vault_usim_allows(&usim, "work", other, &access));
}

/* The disk is as it was before the device took it: its state is not, and counts. */
static void test_an_issue_put_back_begins_nothing(void **state) {
    static struct usim_store store;
    static struct usim_state before, after;
    (void)state;
    issue_here(2, 2);
    opens(true);
    store.storage = storage;
    memcpy(store.key, usim.state_key, sizeof store.key);
    assert_int_equal(usim_state_look(&store, &before), USIM_OK);
    issue_here(2, 2);
    opens(false);
    assert_int_equal(usim_state_look(&store, &after), USIM_OK);
    assert_true(after.number > before.number && after.mark >= before.mark);
    issue_here(1, 2);
    fails("has had a later one");
    issue_here(3, 1);
    fails("another profile");
    issue_here(4, 3);
    opens(true);
}

/* Whoever kept a card's file, as it was issued or kept, cannot bring that card back when another one was there. */
static void test_a_card_that_was_replaced(void **state) {
    static uint8_t issued[USIM_FILE_SIZE], kept[USIM_FILE_SIZE];
    static struct usim_memory flash_before;
    static struct disk disk_before;
    (void)state;
    issue_here(1, 1);
    memcpy(issued, disk_bytes(&disk, path), sizeof issued);
    opens(true);
    memcpy(kept, disk_bytes(&disk, path), sizeof kept);
    flash_before = memory;
    disk_before = disk;
    restart();
    issue_card(2, true, 1);
    opens(true);
    restart();
    uint64_t limit = vault.state.usim.limit;
    memcpy(disk_bytes(&disk, path), issued, sizeof issued);
    fails("has had a later one");
    memcpy(disk_bytes(&disk, path), kept, sizeof kept);
    fails("has had a later one");
    const struct usim_memory now = memory;
    memory = flash_before;
    fails("has had a later one");
    memory = now;
    disk = disk_before; /* all of it, and there is no TPM */
    restart();
    fails("has had a later one");
    issue_here(3, 1);
    opens(true);
    assert_true(vault.state.usim.limit > limit);
    assert_int_equal(vault.state.usim.issue, 3);
}

/* Cut at each write of the state, then at each sector of the disk: the issue is taken in the end, and no earlier one.
 */
static void test_taking_is_cut(void **state) {
    static struct disk start;
    static struct drive recorded;
    (void)state;
    issue_here(1, 1);
    opens(true);
    issue_card(2, true, 1);
    start = disk;
    const struct usim_memory flash_start = memory;
    drive.recording = true;
    opens(true);
    recorded = drive;
    drive.recording = false;
    assert_true(recorded.record_count > 8);
    for (size_t cut = 0; cut <= USIM_COPIES + recorded.record_count; cut += cut < 4 ? 1 : 5) {
        disk = start;
        memory = flash_start;
        restart();
        memory.writes = 0;
        memory.torn = true;
        memory.allowed = cut < USIM_COPIES ? (unsigned)cut : UINT32_MAX;
        bool taken = vault_usim_open(&vault, &storage, &usim, reason);
        assert_int_equal(taken, cut >= USIM_COPIES);
        memory.allowed = UINT32_MAX;
        disk = start;
        for (size_t i = 0; i + USIM_COPIES < cut; i++)
            memcpy(disk.bytes + recorded.records[i].at, recorded.records[i].data, DISK_SECTOR);
        restart();
        if (!vault_usim_open(&vault, &storage, &usim, reason)) {
            assert_non_null(strstr(reason, "deliver it to this device again"));
            issue_card(2, true, 1);
            opens(false);
        }
        assert_int_equal(usim.begun, cut == 0); /* else the first copy says that it was */
        restart();
        opens(false);
        issue_here(1, 1);
        fails("has had a later one");
    }
}

static void test_a_board_that_keeps_nothing(void **state) {
    static uint8_t bytes[USIM_VOLATILE_SIZE];
    uint64_t limit = 0;
    (void)state;
    storage = usim_volatile_storage(bytes);
    issue_here(1, 1);
    fails("can't count guesses at its PIN");
    with_pin = false;
    issue_here(1, 1);
    for (unsigned i = 0; i < 3; i++) {
        memset(bytes, 0, sizeof bytes);
        opens(true);
        assert_true(vault.state.usim.limit > limit);
        limit = vault.state.usim.limit;
        restart();
    }
    issue_card(2, true, 1);
    opens(true);
    issue_here(1, 1);
    fails("has had a later one");
}

static void test_a_lost_state_is_not_begun_anew(void **state) {
    (void)state;
    issue_here(1, 1);
    opens(true);
    memset(memory.copies, 0xff, sizeof memory.copies);
    fails("no state is stored; have it issued to this device anew");
}

static void test_a_board_without_a_place_for_the_state(void **state) {
    (void)state;
    issue_here(1, 1);
    assert_false(vault_usim_open(&vault, NULL, &usim, reason));
    assert_non_null(strstr(reason, "nowhere to remember"));
}

static void test_what_is_not_for_this_device(void **state) {
    struct p256_private other;
    (void)state;
    assert_int_equal(p256_generate(&other, &random_numbers), P256_OK);
    issue(&ours, &other.public_key, 1, false, 1);
    fails("another device");
    struct p256_public device = world_request(&disk).key;
    issue(&theirs, &device, 1, false, 1);
    fails("not signed for this organisation");
}

static void test_damaged_files(void **state) {
    (void)state;
    for (unsigned kept = 0; kept < 2; kept++) {
        for (size_t at = 0; at < 1200; at += 37) {
            issue_here(1, 1);
            if (kept == 1)
                assert_true(vault_usim_open(&vault, &storage, &usim, reason));
            disk_bytes(&disk, path)[at] ^= 0x10;
            assert_false(vault_usim_open(&vault, &storage, &usim, reason));
            assert_string_not_equal(reason, "");
        }
    }
    issue_here(1, 1);
    drive.read_fails = true;
    fails("file");
}

/* The file stays as it was issued; the state was begun, and is gone on from at the next start. */
static void test_a_disk_that_cannot_be_written(void **state) {
    (void)state;
    issue_here(1, 1);
    drive.write_fails = STORE_FILE_FAILED;
    fails("can't be noted");
    drive.write_fails = STORE_FILE_OK;
    opens(false);
}

static void test_each_error_has_a_text(void **state) {
    (void)state;
    for (unsigned i = 0; i <= USIM_FILE_FAILED; i++)
        assert_string_not_equal(usim_file_error_text((enum usim_file_error)i), "unknown error");
    assert_string_equal(usim_file_error_text((enum usim_file_error)99), "unknown error");
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_none_is_no_fault),
        CASE(test_issued_once_then_kept),
        CASE(test_a_name_alone_is_no_signed_persona),
        CASE(test_an_issue_put_back_begins_nothing),
        CASE(test_a_card_that_was_replaced),
        CASE(test_taking_is_cut),
        CASE(test_a_lost_state_is_not_begun_anew),
        CASE(test_a_board_that_keeps_nothing),
        CASE(test_a_board_without_a_place_for_the_state),
        CASE(test_what_is_not_for_this_device),
        CASE(test_damaged_files),
        CASE(test_a_disk_that_cannot_be_written),
        CASE(test_each_error_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
