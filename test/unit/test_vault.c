// SPDX-License-Identifier: BSD-3-Clause
// The vault from a device's first start to recovery and wiping, without a TPM: what it does and what it says.
#include "persona/vault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "known_random.h"
#include "vault_world.h"

static struct world ours;
static struct disk disk, issued;
static struct drive drive = {.disk = &disk};
static struct random_stream random_numbers;
static struct vault vault;
static struct vault_unlocked unlocked;
static struct vault_persona persona;
static struct p256_public device;

static enum vault_error open_vault(void) {
    struct vault_setup setup = world_setup(&drive, &random_numbers, NULL);
    vault_close(&vault);
    return vault_open(&vault, &setup);
}

static enum vault_error unlock(const struct world_persona *which, const char *pin) {
    enum vault_error error = vault_unlock(&vault, which->name, pin, pin == NULL ? 0 : strlen(pin), &unlocked);
    static const struct vault_unlocked nothing;
    if (error == VAULT_OK) {
        assert_memory_equal(unlocked.persona_key, which->key, KEYS_SIZE);
        assert_memory_equal(unlocked.content_key, which->content_key, STREAM_KEY_SIZE);
        assert_string_equal(vault.reason, "");
    } else {
        assert_memory_equal(&unlocked, &nothing, sizeof(unlocked));
        assert_string_not_equal(vault.reason, "");
    }
    return error;
}

static enum vault_status look(const struct world_persona *which) {
    assert_int_equal(vault_look(&vault, which->name, &persona), VAULT_OK);
    return persona.status;
}

static bool is_blank(const char *path) {
    const struct disk_file *file = disk_find(&disk, path);
    for (size_t i = 0; i < file->size; i++)
        if (disk.bytes[file->start + i] != 0)
            return false;
    return true;
}

static int prepare(void **state) {
    (void)state;
    world_make(&ours, 1);
    random_numbers = known_random(2);
    memset(&disk, 0, sizeof(disk));
    world_install(&ours, &disk, 1);
    if (open_vault() != VAULT_OK || !vault.first_start)
        return 1;
    device = world_request(&disk).key;
    world_deliver(&ours, &disk, &device, &world_work, (struct world_version){1, 1, 'a'});
    world_deliver(&ours, &disk, &device, &world_home, (struct world_version){1, 1, 'a'});
    world_grant(&ours, &disk, &device, &world_work, GRANT_ISSUE, 1);
    world_grant(&ours, &disk, &device, &world_home, GRANT_ISSUE, 1);
    issued = disk;
    return 0;
}

/* A device to which both personas were just issued. */
static int restore(void **state) {
    (void)state;
    drive = (struct drive){.disk = &disk};
    disk = issued;
    return open_vault() != VAULT_OK;
}

/* The same, and both were opened once. */
static int restore_opened(void **state) {
    return restore(state) != 0 || unlock(&world_work, "2580") != VAULT_OK || unlock(&world_home, NULL) != VAULT_OK ||
           open_vault() != VAULT_OK;
}

static void test_first_start(void **state) {
    uint8_t thumbprint[P256_THUMBPRINT_SIZE];
    (void)state;
    assert_false(vault.first_start);
    assert_int_equal(vault.keeping, ENROLMENT_FILE);
    assert_int_equal(world_request(&disk).keeping, ENROLMENT_FILE);
    assert_string_equal(world_request(&disk).board, WORLD_BOARD);
    assert_int_equal(p256_thumbprint(&device, thumbprint), P256_OK);
    assert_memory_equal(vault.thumbprint, thumbprint, sizeof(thumbprint));
    assert_string_equal(vault.organisation.name, "Acme Ltd");
    assert_int_equal(drive.writes, 0);
}

static void test_issue(void **state) {
    (void)state;
    assert_int_equal(look(&world_work), VAULT_ASKS_NEW_PIN);
    assert_false(persona.recovery);
    assert_string_equal(persona.title, "A persona");
    assert_int_equal(unlock(&world_work, NULL), VAULT_PIN_NEEDED);
    assert_int_equal(unlock(&world_work, "258"), VAULT_PIN_BAD);
    assert_int_equal(unlock(&world_work, "2580"), VAULT_OK);
    assert_int_equal(unlocked.manifest->version, 1);
    assert_string_equal(unlocked.directory, "personas/work/a");
    assert_int_equal(strlen(unlocked.up), 64);
    assert_true(unlocked.trial);
    assert_true(is_blank("personas/work/grant"));
    assert_true(is_blank("personas/work/a/content.key"));
    assert_false(is_blank("personas/work/a/content.own"));
    assert_int_equal(look(&world_work), VAULT_ASKS_PIN);
    assert_int_equal(persona.attempts_left, STATE_ATTEMPTS_MAX);
    assert_int_equal(look(&world_home), VAULT_READY);
    assert_int_equal(unlock(&world_home, NULL), VAULT_OK);
    assert_int_equal(open_vault(), VAULT_OK);
    assert_int_equal(unlock(&world_work, "2580"), VAULT_OK);
    assert_int_equal(unlock(&world_home, NULL), VAULT_OK);
}

static void test_wrong_pins(void **state) {
    (void)state;
    for (uint32_t left = STATE_ATTEMPTS_MAX; left > 1; left--) {
        assert_int_equal(look(&world_work), VAULT_ASKS_PIN);
        assert_int_equal(persona.attempts_left, left);
        assert_int_equal(persona.delay_s > 0, left <= STATE_ATTEMPTS_MAX - STATE_FREE_ATTEMPTS);
        assert_int_equal(unlock(&world_work, "0000"), VAULT_WRONG_PIN);
        assert_int_equal(open_vault(), VAULT_OK);
    }
    assert_int_equal(unlock(&world_work, "0000"), VAULT_LOCKED_OUT);
    assert_int_equal(look(&world_work), VAULT_IS_LOCKED_OUT);
    assert_int_equal(unlock(&world_work, "2580"), VAULT_LOCKED_OUT);
    assert_int_equal(unlock(&world_home, NULL), VAULT_OK);
}

static void test_the_reason_counts_down(void **state) {
    (void)state;
    assert_int_equal(unlock(&world_work, "0000"), VAULT_WRONG_PIN);
    assert_string_equal(vault.reason, "wrong PIN: 9 attempts left");
    assert_int_equal(unlock(&world_work, "2580"), VAULT_OK);
    assert_int_equal(look(&world_work), VAULT_ASKS_PIN);
    assert_int_equal(persona.attempts_left, STATE_ATTEMPTS_MAX);
}

static void test_recovery(void **state) {
    (void)state;
    for (unsigned i = 0; i < STATE_ATTEMPTS_MAX; i++)
        assert_int_not_equal(unlock(&world_work, "0000"), VAULT_OK);
    world_grant(&ours, &disk, &device, &world_work, GRANT_RECOVERY, 2);
    assert_int_equal(look(&world_work), VAULT_ASKS_NEW_PIN);
    assert_true(persona.recovery);
    assert_int_equal(unlock(&world_work, "1379"), VAULT_OK);
    assert_int_equal(open_vault(), VAULT_OK);
    assert_int_equal(unlock(&world_work, "2580"), VAULT_WRONG_PIN);
    assert_int_equal(unlock(&world_work, "1379"), VAULT_OK);
    world_grant(&ours, &disk, &device, &world_work, GRANT_RECOVERY, 2);
    assert_int_equal(look(&world_work), VAULT_ASKS_PIN); /* put back: it counts no more, and is wiped */
    assert_true(is_blank("personas/work/grant"));
}

static void test_grants_that_are_refused(void **state) {
    struct world_persona other_key = world_work;
    (void)state;
    world_grant(&ours, &disk, &device, &world_work, GRANT_ISSUE, 2);
    assert_int_equal(look(&world_work), VAULT_ASKS_PIN);
    assert_non_null(strstr(persona.reason, "recovery takes another one"));
    other_key.key[0] ^= 1;
    world_grant(&ours, &disk, &device, &other_key, GRANT_RECOVERY, 2);
    assert_int_equal(look(&world_work), VAULT_ASKS_PIN);
    assert_string_equal(persona.reason, grant_error_text(GRANT_WRONG_KEY));
    world_grant(&ours, &disk, &ours.root.public_key, &world_work, GRANT_RECOVERY, 2);
    assert_int_equal(look(&world_work), VAULT_ASKS_PIN);
    assert_string_equal(persona.reason, grant_error_text(GRANT_WRONG_DEVICE));
    world_grant(&ours, &disk, &device, &world_home, GRANT_RECOVERY, 2);
    disk_put(&disk, "personas/work/grant", disk_bytes(&disk, "personas/home/grant"), GRANT_SIZE_MAX, GRANT_SIZE_MAX);
    assert_int_equal(look(&world_work), VAULT_ASKS_PIN);
    assert_string_equal(persona.reason, grant_error_text(GRANT_WRONG_PERSONA));
    assert_int_equal(unlock(&world_work, "2580"), VAULT_OK);
}

/* Who may sign manifests may issue, but not set back a PIN. */
static void test_a_recovery_takes_its_role(void **state) {
    struct grant grant = {.kind = GRANT_RECOVERY, .number = 2, .unlock = MANIFEST_UNLOCK_PIN};
    const struct grant_target target = {.device = &device, .escrow = &ours.escrow.public_key};
    struct p256_signer signer = p256_software_signer(&ours.manifest_software);
    struct cbor_bytes chain = {ours.manifest_delegation, ours.manifest_delegation_size};
    uint8_t file[GRANT_SIZE_MAX];
    size_t size = 0;
    (void)state;
    memcpy(grant.id, world_work.id, sizeof(grant.id));
    assert_int_equal(grant_seal(&grant, world_work.key, &target, &ours.random), GRANT_OK);
    assert_int_equal(grant_write(&grant, &chain, 1, &signer, file, sizeof(file), &size), GRANT_OK);
    disk_put(&disk, "personas/work/grant", file, size, GRANT_SIZE_MAX);
    assert_int_equal(look(&world_work), VAULT_ASKS_PIN);
    assert_string_equal(persona.reason, delegation_error_text(DELEGATION_NOT_ALLOWED));
}

static enum vault_error activate(const char *typed) { return vault_activate(&vault, "work", typed, strlen(typed)); }

/* To the user of a device on which the persona is new; the grant is number 2, so that issued disks can have it. */
static void grant_with_code(enum grant_kind kind, const char *code) {
    ours.code = code;
    world_grant(&ours, &disk, &device, &world_work, kind, 2);
    ours.code = NULL;
}

static void test_an_activation_code(void **state) {
    (void)state;
    grant_with_code(GRANT_ISSUE, "100000000000000Z");
    assert_int_equal(look(&world_work), VAULT_ASKS_NEW_PIN);
    assert_true(persona.code);
    assert_int_equal(unlock(&world_work, "2580"), VAULT_CODE_NEEDED);
    assert_int_equal(activate("1000-0000"), VAULT_CODE_BAD);
    assert_int_equal(activate("1000-0000-0000-000Y"), VAULT_CODE_BAD);
    assert_non_null(strstr(vault.reason, "mistyped"));
    for (unsigned i = 0; i < STATE_ATTEMPTS_MAX + 1; i++)
        assert_int_equal(activate("0000-0000-0000-0000"), VAULT_WRONG_CODE);
    assert_string_equal(vault.reason, "wrong activation code");
    assert_int_equal(unlock(&world_work, "2580"), VAULT_CODE_NEEDED);
    assert_int_equal(activate("1000-0000-0000-000z"), VAULT_OK);
    assert_int_equal(look(&world_work), VAULT_ASKS_NEW_PIN);
    assert_false(persona.code);
    // Who goes away takes it with him, and so does a restart.
    vault_forget_code(&vault);
    assert_int_equal(unlock(&world_work, "2580"), VAULT_CODE_NEEDED);
    assert_int_equal(activate("1000-0000-0000-000Z"), VAULT_OK);
    assert_int_equal(open_vault(), VAULT_OK);
    assert_int_equal(unlock(&world_work, "2580"), VAULT_CODE_NEEDED);
    assert_int_equal(activate("1000-0000-0000-000Z"), VAULT_OK);
    assert_int_equal(unlock(&world_work, "258"), VAULT_PIN_BAD);
    assert_int_equal(unlock(&world_work, "2580"), VAULT_OK);
    assert_true(is_blank("personas/work/grant"));
    // Once: from then on it is the PIN.
    assert_int_equal(open_vault(), VAULT_OK);
    assert_int_equal(look(&world_work), VAULT_ASKS_PIN);
    assert_false(persona.code);
    assert_int_equal(unlock(&world_work, "2580"), VAULT_OK);
    assert_int_equal(activate("nothing is asked for"), VAULT_OK);
}

static void test_a_recovery_has_a_code_of_its_own(void **state) {
    (void)state;
    grant_with_code(GRANT_RECOVERY, "0000000000000012");
    assert_int_equal(look(&world_work), VAULT_ASKS_NEW_PIN);
    assert_true(persona.recovery && persona.code);
    assert_int_equal(activate("0000-0000-0000-0012"), VAULT_OK);
    // A grant in its place that came meanwhile, with another code, does not open with this one.
    ours.code = "100000000000000Z";
    world_grant(&ours, &disk, &device, &world_work, GRANT_RECOVERY, 3);
    ours.code = NULL;
    assert_int_equal(unlock(&world_work, "1111"), VAULT_CODE_NEEDED);
    assert_int_equal(activate("0000-0000-0000-0012"), VAULT_WRONG_CODE);
    assert_int_equal(activate("1000-0000-0000-000Z"), VAULT_OK);
    assert_int_equal(unlock(&world_work, "1111"), VAULT_OK);
}

static void test_new_pin(void **state) {
    uint8_t wrong[KEYS_SIZE] = {0};
    (void)state;
    assert_int_equal(vault_set_pin(&vault, "work", world_work.key, "147", 3), VAULT_PIN_BAD);
    assert_int_equal(vault_set_pin(&vault, "work", wrong, "14789", 5), VAULT_REFUSED);
    assert_int_equal(vault_set_pin(&vault, "home", world_home.key, "14789", 5), VAULT_NO_PIN);
    assert_int_equal(vault_set_pin(&vault, "play", world_home.key, "14789", 5), VAULT_NO_PERSONA);
    assert_int_equal(vault_set_pin(&vault, "work", world_work.key, "14789", 5), VAULT_OK);
    assert_int_equal(unlock(&world_work, "2580"), VAULT_WRONG_PIN);
    assert_int_equal(unlock(&world_work, "14789"), VAULT_OK);
    assert_int_equal(open_vault(), VAULT_OK);
    assert_int_equal(unlock(&world_work, "14789"), VAULT_OK);
}

/* Only one copy of the slots is left, the one that counts: what an earlier PIN opened is nowhere. */
static void test_an_old_pin_leaves_nothing(void **state) {
    static uint8_t old[VAULT_SLOTS_FILE_SIZE];
    bool in_a = is_blank("personas/work/slots.b");
    const char *first = in_a ? "personas/work/slots.a" : "personas/work/slots.b";
    const char *second = in_a ? "personas/work/slots.b" : "personas/work/slots.a";
    (void)state;
    memcpy(old, disk_bytes(&disk, first), sizeof(old));
    assert_int_equal(vault_set_pin(&vault, "work", world_work.key, "14789", 5), VAULT_OK);
    assert_true(is_blank(first));
    assert_false(is_blank(second));
    /* The power went before the old copy was wiped: the next opening does it. */
    memcpy(disk_bytes(&disk, first), old, sizeof(old));
    assert_int_equal(open_vault(), VAULT_OK);
    assert_int_equal(unlock(&world_work, "14789"), VAULT_OK);
    assert_true(is_blank(first));
    /* A recovery is a new PIN, too. */
    world_grant(&ours, &disk, &device, &world_work, GRANT_RECOVERY, 2);
    assert_int_equal(unlock(&world_work, "1111"), VAULT_OK);
    assert_true(is_blank(second));
    assert_false(is_blank(first));
    assert_int_equal(unlock(&world_work, "1111"), VAULT_OK);
}

static void start(const char *notice, uint64_t version, bool trial) {
    assert_int_equal(open_vault(), VAULT_OK);
    assert_int_equal(unlock(&world_work, "2580"), VAULT_OK);
    assert_int_equal(unlocked.manifest->version, version);
    assert_int_equal(unlocked.trial, trial);
    assert_string_equal(unlocked.notice, notice);
}

static void test_an_update_that_comes_up(void **state) {
    (void)state;
    start("", 1, true);
    world_up(&disk, &world_work, 1);
    start("", 1, false);
    world_deliver(&ours, &disk, &device, &world_work, (struct world_version){2, 2, 'b'});
    start("", 2, true);
    assert_string_equal(unlocked.directory, "personas/work/b");
    world_up(&disk, &world_work, 2);
    start("", 2, false);
    /* The older one is refused now, and an update goes into its place. */
    assert_int_equal(look(&world_work), VAULT_ASKS_PIN);
    assert_string_equal(persona.reason, "a/manifest: an older version than this device may go back to");
    disk_remove(&disk, "personas/work/b/manifest");
    assert_int_equal(look(&world_work), VAULT_CANT_BE_OPENED);
    assert_int_equal(unlock(&world_work, "2580"), VAULT_REFUSED);
    assert_string_equal(vault.reason, "a/manifest: an older version than this device may go back to");
}

static void test_an_update_that_does_not(void **state) {
    static const char notice[] = "version 2 did not come up: version 1 is started";
    (void)state;
    world_up(&disk, &world_work, 1);
    world_deliver(&ours, &disk, &device, &world_work, (struct world_version){2, 2, 'b'});
    for (unsigned i = 0; i < STATE_TRIES_MAX; i++)
        start("", 2, true);
    start(notice, 1, false);
    start(notice, 1, false);
    world_deliver(&ours, &disk, &device, &world_work, (struct world_version){3, 1, 'b'});
    start("", 3, true);
    world_up(&disk, &world_work, 3);
    start("", 3, false);
}

static void test_an_update_whose_key_is_not_for_us(void **state) {
    (void)state;
    world_up(&disk, &world_work, 1);
    world_deliver(&ours, &disk, &device, &world_work, (struct world_version){2, 1, 'b'});
    disk_bytes(&disk, "personas/work/b/content.key")[100] ^= 1;
    assert_int_equal(unlock(&world_work, "2580"), VAULT_OK);
    assert_int_equal(unlocked.manifest->version, 1);
    assert_non_null(strstr(unlocked.notice, "version 2: the content key"));
    disk_remove(&disk, "personas/work/a/content.own");
    assert_int_equal(unlock(&world_work, "2580"), VAULT_REFUSED);
}

/* A manifest that was verified is not verified again, but only as long as its bytes are the same. */
static void test_a_manifest_altered_after_a_look(void **state) {
    uint8_t *last =
        disk_bytes(&disk, "personas/work/a/manifest") + disk_find(&disk, "personas/work/a/manifest")->size - 1;
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(look(&world_work), VAULT_ASKS_PIN);
        assert_int_equal(look(&world_home), VAULT_READY);
        *last ^= 1; /* of the signature */
        assert_int_equal(look(&world_work), VAULT_CANT_BE_OPENED);
        assert_string_equal(persona.reason, "a/manifest: the manifest was altered");
        assert_int_equal(unlock(&world_work, "2580"), VAULT_REFUSED);
        *last ^= 1;
    }
    assert_int_equal(look(&world_work), VAULT_ASKS_PIN);
    *last ^= 1;
    assert_int_equal(look(&world_work), VAULT_CANT_BE_OPENED);
}

static void test_epochs_go_up(void **state) {
    (void)state;
    world_install(&ours, &disk, 2);
    assert_int_equal(open_vault(), VAULT_OK);
    assert_int_equal(look(&world_work), VAULT_CANT_BE_OPENED);
    assert_string_equal(persona.reason, "a/manifest: the organisation has taken the signing key back");
    world_install(&ours, &disk, 1);
    assert_int_equal(open_vault(), VAULT_OK);
    assert_int_equal(look(&world_work), VAULT_CANT_BE_OPENED);
}

static void test_wiping(void **state) {
    (void)state;
    assert_int_equal(vault_wipe(&vault, "work"), VAULT_OK);
    assert_true(is_blank("personas/work/slots.a") && is_blank("personas/work/slots.b"));
    assert_true(is_blank("personas/work/a/content.own"));
    assert_int_equal(look(&world_work), VAULT_CANT_BE_OPENED);
    assert_int_equal(unlock(&world_work, "2580"), VAULT_REFUSED);
    assert_int_equal(unlock(&world_home, NULL), VAULT_OK);
    world_grant(&ours, &disk, &device, &world_work, GRANT_ISSUE, 1);
    assert_int_equal(look(&world_work), VAULT_CANT_BE_OPENED); /* the old grant does not bring it back */
    world_grant(&ours, &disk, &device, &world_work, GRANT_ISSUE, 2);
    world_deliver(&ours, &disk, &device, &world_work, (struct world_version){1, 1, 'a'});
    assert_int_equal(unlock(&world_work, "9999"), VAULT_OK);
    assert_int_equal(vault_wipe(&vault, "play"), VAULT_NO_PERSONA);
}

static void test_slots_put_back(void **state) {
    static struct disk before;
    (void)state;
    before = disk;
    assert_int_equal(vault_set_pin(&vault, "work", world_work.key, "14789", 5), VAULT_OK);
    for (unsigned i = 0; i < 2; i++) {
        const char *path = i == 0 ? "personas/work/slots.a" : "personas/work/slots.b";
        memcpy(disk_bytes(&disk, path), disk_bytes(&before, path), VAULT_SLOTS_FILE_SIZE);
    }
    assert_int_equal(look(&world_work), VAULT_CANT_BE_OPENED);
    memcpy(disk_bytes(&disk, "personas/work/slots.a"), disk_bytes(&before, "personas/work/slots.b"),
           VAULT_SLOTS_FILE_SIZE);
    assert_int_equal(look(&world_work), VAULT_CANT_BE_OPENED);
    assert_string_equal(persona.reason, "the key slots were put back to earlier ones");
    assert_int_equal(unlock(&world_home, NULL), VAULT_OK);
}

static void test_what_has_no_organisation(void **state) {
    static struct world theirs;
    (void)state;
    world_make(&theirs, 99);
    world_install(&theirs, &disk, 1);
    assert_int_equal(open_vault(), VAULT_WRONG_ROOT);
    disk_bytes(&disk, "organisation")[30] ^= 1;
    assert_int_equal(open_vault(), VAULT_BAD_ORGANISATION);
    /* Its key says that the device is somebody's. */
    disk_remove(&disk, "organisation");
    assert_int_equal(open_vault(), VAULT_BAD_ORGANISATION);
    assert_non_null(strstr(vault.reason, "is missing"));
    disk_remove(&disk, "device/key");
    assert_int_equal(open_vault(), VAULT_NO_ORGANISATION);
    assert_string_equal(vault.reason, vault_error_text(VAULT_NO_ORGANISATION));
}

static void test_another_board(void **state) {
    struct vault_setup setup = world_setup(&drive, &random_numbers, NULL);
    (void)state;
    setup.board = "rpi4";
    vault_close(&vault);
    assert_int_equal(vault_open(&vault, &setup), VAULT_OK);
    assert_int_equal(look(&world_work), VAULT_CANT_BE_OPENED);
    assert_string_equal(persona.reason, "a/manifest: the persona is not for this kind of board");
}

static void test_no_entropy(void **state) {
    struct vault_setup setup = world_setup(&drive, NULL, NULL);
    (void)state;
    vault_close(&vault);
    assert_int_equal(vault_open(&vault, &setup), VAULT_NO_ENTROPY);
    assert_string_equal(vault.reason, "nothing gives random numbers");
}

/* What a PIN costs here is found out when one is set. */
static uint64_t running_clock(void *context) {
    uint64_t *now = context;
    return *now += 900000000;
}

static void test_cost_of_a_pin(void **state) {
    struct vault_setup setup = world_setup(&drive, &random_numbers, NULL);
    uint64_t now = 0;
    (void)state;
    setup.pin_cost = (struct pin_cost){0, 0};
    setup.pin_memory_kib = 16384;
    setup.clock = running_clock;
    setup.clock_context = &now;
    vault_close(&vault);
    assert_int_equal(vault_open(&vault, &setup), VAULT_OK);
    assert_int_equal(unlock(&world_work, "2580"), VAULT_OK);
    assert_int_equal(look(&world_work), VAULT_ASKS_PIN);
    assert_int_equal(vault.slots.slots[0].pin.cost.memory_kib, 16384);
    assert_int_equal(vault.slots.slots[0].pin.cost.passes, 2);
}

static void test_a_disk_that_fails(void **state) {
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        drive.write_fails = i == 0 ? STORE_FILE_FULL : STORE_FILE_FAILED;
        enum vault_error expected = i == 0 ? VAULT_DISK_FULL : VAULT_WRITE_FAILED;
        assert_int_equal(unlock(&world_work, "2580"), expected);
        assert_non_null(strstr(vault.reason, vault_error_text(expected)));
        assert_int_equal(vault_set_pin(&vault, "work", world_work.key, "14789", 5), expected);
        assert_int_equal(vault_wipe(&vault, "work"), expected);
        assert_int_equal(unlock(&world_home, NULL), VAULT_OK);
        drive.write_fails = STORE_FILE_OK;
        assert_int_equal(unlock(&world_work, "2580"), VAULT_OK);
    }
    drive.read_fails = true;
    assert_int_equal(open_vault(), VAULT_READ_FAILED);
    assert_non_null(strstr(vault.reason, "organisation: the disk can't be read"));
    drive.read_fails = false;
    assert_int_equal(open_vault(), VAULT_OK);
}

/* The very first start on a disk that is full leaves nothing that counts. */
static void test_a_first_start_without_room(void **state) {
    (void)state;
    memset(&disk, 0, sizeof(disk));
    world_install(&ours, &disk, 1);
    drive.write_fails = STORE_FILE_FULL;
    assert_int_equal(open_vault(), VAULT_DISK_FULL);
    assert_false(vault.first_start);
    drive.write_fails = STORE_FILE_OK;
    assert_int_equal(open_vault(), VAULT_OK);
    assert_true(vault.first_start);
}

static int clean_up(void **state) {
    (void)state;
    vault_close(&vault);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_first_start, restore),
        cmocka_unit_test_setup(test_issue, restore),
        cmocka_unit_test_setup(test_wrong_pins, restore_opened),
        cmocka_unit_test_setup(test_the_reason_counts_down, restore_opened),
        cmocka_unit_test_setup(test_recovery, restore_opened),
        cmocka_unit_test_setup(test_grants_that_are_refused, restore_opened),
        cmocka_unit_test_setup(test_a_recovery_takes_its_role, restore_opened),
        cmocka_unit_test_setup(test_an_activation_code, restore),
        cmocka_unit_test_setup(test_a_recovery_has_a_code_of_its_own, restore_opened),
        cmocka_unit_test_setup(test_new_pin, restore_opened),
        cmocka_unit_test_setup(test_an_old_pin_leaves_nothing, restore_opened),
        cmocka_unit_test_setup(test_an_update_that_comes_up, restore_opened),
        cmocka_unit_test_setup(test_an_update_that_does_not, restore_opened),
        cmocka_unit_test_setup(test_an_update_whose_key_is_not_for_us, restore_opened),
        cmocka_unit_test_setup(test_a_manifest_altered_after_a_look, restore_opened),
        cmocka_unit_test_setup(test_epochs_go_up, restore_opened),
        cmocka_unit_test_setup(test_wiping, restore_opened),
        cmocka_unit_test_setup(test_slots_put_back, restore_opened),
        cmocka_unit_test_setup(test_what_has_no_organisation, restore_opened),
        cmocka_unit_test_setup(test_another_board, restore_opened),
        cmocka_unit_test_setup(test_no_entropy, restore_opened),
        cmocka_unit_test_setup(test_cost_of_a_pin, restore),
        cmocka_unit_test_setup(test_a_disk_that_fails, restore_opened),
        cmocka_unit_test_setup(test_a_first_start_without_room, restore),
    };
    return cmocka_run_group_tests(tests, prepare, clean_up);
}
