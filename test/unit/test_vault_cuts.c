// SPDX-License-Identifier: BSD-3-Clause
// The power goes at every sector that the vault writes, whole and torn: each time the device starts again with the old
// or the new state, opens all that it could open before, and goes on.
//
// An operation is done once, on a disk that records its sectors. Then, for each sector, the disk is put together as it
// was when the power went at that one: the sectors before it new, those after it old, and the one itself old, new up to
// any of 127 places and old from there, the other way round, or garbled, in whole or in half (with the sanitizers,
// which are slow, 7 places). From that disk a device starts; what leaves the same disk is started from but once.
#include "persona/vault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "known_random.h"
#include "vault_memo.h"
#include "vault_world.h"

enum {
    STEP = CUT_STEP, /* bytes between places where a sector tears */
    PLACES = DISK_SECTOR / STEP - 1,
    TEARS = 1 + 2 * PLACES + 3,
    LEAST_CUTS = 10000,
};

static struct world ours;
static struct disk disk, before;
static struct drive drive = {.disk = &disk};
static struct random_stream random_numbers;
static unsigned seed;
static struct vault vault;
static struct vault_unlocked unlocked;
static struct vault_persona persona;
static struct p256_public device;
static size_t cuts, distinct, starts, saw_old, saw_new;

/* What runs after a cut has other random numbers than what was cut. */
enum { SEED_BEFORE = 5, SEED_AFTER = 6 };

static void start(void) {
    struct vault_setup setup = world_setup(&drive, &random_numbers, NULL);
    random_numbers = known_random(seed);
    vault_close(&vault);
    enum vault_error error = vault_open(&vault, &setup);
    assert_string_equal(vault.reason, "");
    assert_int_equal(error, VAULT_OK);
    starts++;
}

static enum vault_error try_unlock(const struct world_persona *which, const char *pin) {
    enum vault_error error = vault_unlock(&vault, which->name, pin, pin == NULL ? 0 : strlen(pin), &unlocked);
    if (error == VAULT_OK) {
        assert_memory_equal(unlocked.persona_key, which->key, KEYS_SIZE);
        assert_memory_equal(unlocked.content_key, which->content_key, STREAM_KEY_SIZE);
    }
    return error;
}

static void unlock(const struct world_persona *which, const char *pin) {
    enum vault_error error = try_unlock(which, pin);
    assert_string_equal(vault.reason, "");
    assert_int_equal(error, VAULT_OK);
}

static enum vault_status look(void) {
    assert_int_equal(vault_look(&vault, "work", &persona), VAULT_OK);
    return persona.status;
}

static void saw(bool new_state) {
    saw_old += !new_state;
    saw_new += new_state;
}

/* ---- Cutting */

/* What is left of a sector that was being written. */
static void tear(uint8_t *sector, const uint8_t *written, size_t how) {
    enum { HALF = DISK_SECTOR / 2 };
    size_t place = (how - 1) % PLACES * STEP + STEP;
    if (how == 0)
        return;
    if (how <= PLACES)
        memcpy(sector, written, place);
    else if (how <= 2 * PLACES)
        memcpy(sector + place, written + place, DISK_SECTOR - place);
    else if (how == TEARS - 3)
        memset(sector, 0x5a, DISK_SECTOR);
    else if (how == TEARS - 2)
        memset(sector + HALF, 0x5a, HALF);
    else {
        memcpy(sector, written, DISK_SECTOR);
        memset(sector, 0xff, HALF);
    }
}

/* All ways in which one sector is cut; those that leave the same bytes need be tried but once. */
static void try_sector(const struct disk_record *record, void (*check)(void)) {
    static uint8_t tried[TEARS][DISK_SECTOR];
    size_t tried_count = 0;
    for (size_t how = 0; how < TEARS; how++) {
        uint8_t *sector = tried[tried_count];
        bool is_new = true;
        memcpy(sector, before.bytes + record->at, DISK_SECTOR);
        tear(sector, record->data, how);
        for (size_t i = 0; i < tried_count && is_new; i++)
            is_new = memcmp(tried[i], sector, DISK_SECTOR) != 0;
        cuts++;
        if (!is_new)
            continue;
        tried_count++;
        distinct++;
        disk = before;
        memcpy(disk.bytes + record->at, sector, DISK_SECTOR);
        check();
    }
}

static void run(void (*operation)(void)) {
    seed = SEED_BEFORE;
    drive.record_count = 0;
    drive.recording = true;
    operation();
    drive.recording = false;
    seed = SEED_AFTER;
}

/* Does an operation, then cuts it at each sector; leaves the disk as it is when it was not cut. */
static void cut(const char *name, void (*operation)(void), void (*check)(void)) {
    static struct disk done;
    size_t old_cuts = cuts, old_starts = starts;
    before = disk;
    run(operation);
    // Files that it makes are there from the beginning, and blank.
    for (size_t i = before.file_count; i < disk.file_count; i++)
        disk_put(&before, disk.files[i].path, NULL, 0, disk.files[i].size);
    disk = before;
    run(operation);
    done = disk;
    saw_old = saw_new = 0;
    for (size_t at = 0; at < drive.record_count; at++) {
        try_sector(&drive.records[at], check);
        memcpy(before.bytes + drive.records[at].at, drive.records[at].data, DISK_SECTOR);
    }
    disk = done;
    check();
    disk = done;
    cuts++;
    printf("%-40s %4zu sectors %6zu cuts %6zu starts: %5zu old, %5zu new\n", name, drive.record_count, cuts - old_cuts,
           starts - old_starts, saw_old, saw_new);
}

/* ---- Operations, and what must be true after a cut in each */

static void check_first_start(void) {
    uint8_t thumbprint[P256_THUMBPRINT_SIZE];
    start();
    saw(!vault.first_start);
    memcpy(thumbprint, vault.thumbprint, sizeof(thumbprint));
    start();
    assert_false(vault.first_start);
    assert_memory_equal(vault.thumbprint, thumbprint, sizeof(thumbprint));
    struct enrolment request = world_request(&disk);
    assert_int_equal(p256_thumbprint(&request.key, thumbprint), P256_OK);
    assert_memory_equal(vault.thumbprint, thumbprint, sizeof(thumbprint));
}

static void issue_home(void) {
    start();
    unlock(&world_home, NULL);
}

static void check_home(void) {
    start();
    assert_int_equal(vault_look(&vault, "home", &persona), VAULT_OK);
    assert_int_equal(persona.status, VAULT_READY);
    saw(vault.grant_waits ? false : true);
    unlock(&world_home, NULL);
    start();
    unlock(&world_home, NULL);
}

static const char *old_pin, *new_pin;

static void issue_work(void) {
    start();
    unlock(&world_work, new_pin);
}

/* A grant waits still, or it was taken and its PIN set. */
static void check_grant(void) {
    start();
    bool taken = look() == VAULT_ASKS_PIN;
    saw(taken);
    assert_true(taken || persona.status == VAULT_ASKS_NEW_PIN);
    unlock(&world_work, taken ? new_pin : "5555");
    unlock(&world_home, NULL);
    start();
    unlock(&world_work, taken ? new_pin : "5555");
}

static void change_pin(void) {
    start();
    assert_int_equal(vault_set_pin(&vault, "work", world_work.key, new_pin, strlen(new_pin)), VAULT_OK);
}

/* One of both PINs opens it, and the other one does not. */
static void check_pin(void) {
    start();
    assert_int_equal(look(), VAULT_ASKS_PIN);
    bool changed = try_unlock(&world_work, new_pin) == VAULT_OK;
    saw(changed);
    assert_int_equal(try_unlock(&world_work, changed ? old_pin : "5555"), VAULT_WRONG_PIN);
    start();
    unlock(&world_work, changed ? new_pin : old_pin);
    unlock(&world_home, NULL);
}

static void enter_right_pin(void) {
    start();
    unlock(&world_work, new_pin);
}

static void enter_wrong_pin(void) {
    start();
    assert_int_not_equal(try_unlock(&world_work, "0000"), VAULT_OK);
}

static void check_attempts(void) {
    start();
    assert_int_equal(look(), VAULT_ASKS_PIN);
    assert_true(persona.attempts_left >= STATE_ATTEMPTS_MAX - 1);
    saw(persona.attempts_left == STATE_ATTEMPTS_MAX);
    unlock(&world_work, new_pin);
    start();
    assert_int_equal(look(), VAULT_ASKS_PIN);
    assert_int_equal(persona.attempts_left, STATE_ATTEMPTS_MAX);
    unlock(&world_home, NULL);
}

static uint64_t old_version, new_version;
static char new_folder;
static struct disk delivery;

/* What a running system, or an administrator's machine, does: with no more care than file by file. */
static void deliver(void) {
    static const char *const files[] = {"manifest", "kernel", "content.key", "content.own"};
    struct store_write write = drive_write(&drive);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char path[STORE_PATH_SIZE];
        (void)snprintf(path, sizeof(path), "personas/work/%c/%s", new_folder, files[i]);
        const struct disk_file *file = disk_find(&delivery, path);
        assert_int_equal(write.write(write.context, path, delivery.bytes + file->start, file->size), STORE_FILE_OK);
    }
}

static void prepare_delivery(uint64_t version, char folder) {
    memset(&delivery, 0, sizeof(delivery));
    old_version = version - 1;
    new_version = version;
    new_folder = folder;
    world_deliver(&ours, &delivery, &device, &world_work, (struct world_version){version, 1, folder});
}

static void check_version(void) {
    start();
    unlock(&world_work, new_pin);
    uint64_t version = unlocked.manifest->version;
    assert_true(version == old_version || version == new_version);
    saw(version == new_version);
    unlock(&world_home, NULL);
    start();
    unlock(&world_work, new_pin);
    assert_true(unlocked.manifest->version == version);
}

static void wipe(void) {
    start();
    assert_int_equal(vault_wipe(&vault, "work"), VAULT_OK);
}

/* It opens, or it does not and can be wiped again; and what was issued anew opens. */
static void check_wiped(void) {
    start();
    bool open = try_unlock(&world_work, new_pin) == VAULT_OK;
    saw(!open);
    if (!open)
        assert_int_equal(vault_wipe(&vault, "work"), VAULT_OK);
    unlock(&world_home, NULL);
    if (!open)
        assert_int_equal(look(), VAULT_CANT_BE_OPENED);
}

static void raise_epoch(void) { start(); }

static void check_epoch(void) {
    start();
    assert_int_equal(vault.state.epoch, 1);
    unlock(&world_work, new_pin);
    unlock(&world_home, NULL);
}

static void first_start(void) { start(); }

/* ---- */

static void test_issuing(void **state) {
    (void)state;
    world_install(&ours, &disk, 0);
    cut("first start", first_start, check_first_start);
    device = world_request(&disk).key;
    world_deliver(&ours, &disk, &device, &world_home, (struct world_version){1, 1, 'a'});
    world_grant(&ours, &disk, &device, &world_home, GRANT_ISSUE, 1);
    cut("issue, the device alone", issue_home, check_home);
    world_deliver(&ours, &disk, &device, &world_work, (struct world_version){1, 1, 'a'});
    world_grant(&ours, &disk, &device, &world_work, GRANT_ISSUE, 1);
    new_pin = "2580";
    cut("issue, first PIN", issue_work, check_grant);
    assert_true(saw_old > 0 && saw_new > 0);
}

static void test_pins(void **state) {
    (void)state;
    cut("right PIN", enter_right_pin, check_attempts);
    cut("wrong PIN", enter_wrong_pin, check_attempts);
    assert_true(saw_old > 0 && saw_new > 0);
    for (unsigned i = 0; i < 2; i++) { // of both copies, each is the one that counts once
        old_pin = new_pin;
        new_pin = i == 0 ? "1379" : "14789";
        cut("PIN change, slots to the other copy", change_pin, check_pin);
        assert_true(saw_old > 0 && saw_new > 0);
    }
    cut("right PIN", enter_right_pin, check_attempts);
}

static void test_recovery(void **state) {
    (void)state;
    start();
    for (unsigned i = 0; i < STATE_ATTEMPTS_MAX; i++)
        assert_int_not_equal(try_unlock(&world_work, "0000"), VAULT_OK);
    assert_int_equal(look(), VAULT_IS_LOCKED_OUT);
    world_grant(&ours, &disk, &device, &world_work, GRANT_RECOVERY, 2);
    new_pin = "4567";
    cut("recovery", issue_work, check_grant);
    assert_true(saw_old > 0 && saw_new > 0);
}

static void come_up(uint64_t version) {
    old_version = version;
    new_version = version;
    world_up(&disk, &world_work, version);
    cut("the start after it came up", enter_right_pin, check_version);
    start();
    unlock(&world_work, new_pin);
    assert_false(unlocked.trial);
}

static void test_update(void **state) {
    (void)state;
    come_up(1);
    prepare_delivery(2, 'b');
    cut("update to version 2, delivered", deliver, check_version);
    assert_true(saw_old > 0 && saw_new > 0);
    cut("its first start", enter_right_pin, check_version);
    come_up(2);
    prepare_delivery(3, 'a');
    cut("update to version 3, over version 1", deliver, check_version);
    assert_true(saw_old > 0 && saw_new > 0);
    for (unsigned i = 0; i < STATE_TRIES_MAX; i++) {
        start();
        unlock(&world_work, new_pin);
        assert_int_equal(unlocked.manifest->version, 3);
    }
    cut("it did not come up: falling back", enter_right_pin, check_version);
    assert_int_equal(saw_new, 0);
    cut("the start after that", enter_right_pin, check_version);
    world_install(&ours, &disk, 1);
    cut("a higher epoch", raise_epoch, check_epoch);
}

static void test_wiping(void **state) {
    (void)state;
    cut("wiping", wipe, check_wiped);
    assert_true(saw_old > 0 && saw_new > 0);
    world_grant(&ours, &disk, &device, &world_work, GRANT_ISSUE, 3);
    world_deliver(&ours, &disk, &device, &world_work, (struct world_version){2, 1, 'b'});
    new_pin = "8888";
    cut("issue after wiping", issue_work, check_grant);
}

static void test_enough(void **state) {
    struct vault_memo_count memo = vault_memo_count();
    (void)state;
    vault_close(&vault);
    printf("%zu cuts, which leave %zu different disks; %zu starts; on P-256 %zu computations done, %zu kept\n", cuts,
           distinct, starts, memo.done, memo.found);
    assert_true(cuts >= LEAST_CUTS);
}

static int prepare(void **state) {
    (void)state;
    world_make(&ours, 1);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_issuing), cmocka_unit_test(test_pins),   cmocka_unit_test(test_recovery),
        cmocka_unit_test(test_update),  cmocka_unit_test(test_wiping), cmocka_unit_test(test_enough),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
