// SPDX-License-Identifier: BSD-3-Clause
// What a thief, or a bad disk, may do to a device's store: every byte of every object altered, files cut, made longer,
// mixed between personas and devices, put in another's place. Each is refused with a reason, and the other persona
// opens.
#include "persona/vault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "known_random.h"
#include "vault_world.h"

static struct world ours;
static struct disk disk, fresh, issued, opened, theirs;
static struct drive drive = {.disk = &disk};
static struct random_stream random_numbers;
static struct vault vault;
static struct vault_unlocked unlocked;
static struct vault_persona persona;

static enum vault_error open_vault(void) {
    struct vault_setup setup = world_setup(&drive, &random_numbers, NULL);
    vault_close(&vault);
    return vault_open(&vault, &setup);
}

static enum vault_error unlock(const struct world_persona *which, const char *pin) {
    return vault_unlock(&vault, which->name, pin, pin == NULL ? 0 : strlen(pin), &unlocked);
}

/* Devices of one organisation, with the same personas; a persona's key is another one on each. */
static void make_device(unsigned seed, uint8_t other_key) {
    random_numbers = known_random(seed);
    memset(&disk, 0, sizeof(disk));
    world_install(&ours, &disk, 1);
    assert_int_equal(open_vault(), VAULT_OK);
    fresh = disk;
    const struct p256_public device = world_request(&disk).key;
    struct world_persona work = world_work;
    work.key[KEYS_SIZE - 1] ^= other_key;
    const struct world_persona *const both[] = {&world_home, &work};
    for (size_t i = 0; i < 2; i++) {
        world_deliver(&ours, &disk, &device, both[i], (struct world_version){1, 1, 'a'});
        world_grant(&ours, &disk, &device, both[i], GRANT_ISSUE, 1);
    }
    assert_int_equal(unlock(&world_home, NULL), VAULT_OK);
    issued = disk;
    assert_int_equal(unlock(&world_work, "2580"), VAULT_OK);
    opened = disk;
}

static int prepare(void **state) {
    (void)state;
    world_make(&ours, 1);
    make_device(12, 1);
    theirs = opened;
    make_device(11, 0);
    return 0;
}

/* Opens a device whose disk was altered: the persona work must be refused, for a reason, and home must open. */
static const char *refused(void) {
    static char reason[STORE_REASON_SIZE];
    assert_int_equal(open_vault(), VAULT_OK);
    enum vault_error error = unlock(&world_work, "2580");
    assert_true(error == VAULT_REFUSED || error == VAULT_WRONG_PIN);
    assert_string_not_equal(vault.reason, "");
    memcpy(reason, vault.reason, sizeof(reason));
    assert_int_equal(unlock(&world_home, NULL), VAULT_OK);
    assert_memory_equal(unlocked.persona_key, world_home.key, KEYS_SIZE);
    return reason;
}

/* The same for a device that can't be opened as a whole. */
static void device_refused(enum vault_error expected) {
    enum vault_error error = open_vault();
    assert_int_equal(error, expected);
    assert_string_not_equal(vault.reason, "");
}

/* Bytes of a file that are not padding. */
static size_t used_of(const struct disk *from, const char *path) {
    const struct disk_file *file = disk_find((struct disk *)from, path);
    size_t used = file->size;
    while (used > 0 && from->bytes[file->start + used - 1] == 0)
        used--;
    return used;
}

static void flip_each_byte(const struct disk *from, const char *path) {
    const struct disk_file *file = disk_find((struct disk *)from, path);
    size_t used = used_of(from, path);
    for (size_t i = 0; i < file->size; i += i < used + 4 ? FLIP_STEP : 97) {
        disk = *from;
        disk.bytes[file->start + i] ^= 0x01;
        (void)refused();
    }
}

/* Cut within what it says, and made longer. */
static void change_length(const struct disk *from, const char *path) {
    size_t used = used_of(from, path);
    for (size_t size = 0; size < used; size += size + 8 < used && size > 8 ? 7 * FLIP_STEP : 1) {
        disk = *from;
        disk_find(&disk, path)->size = size;
        (void)refused();
    }
    disk = *from;
    struct disk_file *file = disk_find(&disk, path);
    uint8_t longer[DISK_FILE_MAX + 1] = {0};
    size_t size = file->size;
    memcpy(longer, disk.bytes + file->start, size);
    disk_put(&disk, path, longer, size + 1, size + 1);
    disk_bytes(&disk, path)[size] = 1;
    (void)refused();
}

static void test_manifest(void **state) {
    (void)state;
    flip_each_byte(&opened, "personas/work/a/manifest");
    change_length(&opened, "personas/work/a/manifest");
}

static void test_grant(void **state) {
    (void)state;
    flip_each_byte(&issued, "personas/work/grant");
    change_length(&issued, "personas/work/grant");
}

/* A thief with the device, and with the grant that he caught on its way: he sets no PIN, and nothing changes. */
static void test_a_grant_and_the_device_without_the_code(void **state) {
    static struct disk before;
    (void)state;
    disk = issued;
    assert_int_equal(open_vault(), VAULT_OK);
    const struct p256_public device = world_request(&disk).key;
    ours.code = "100000000000000Z";
    world_grant(&ours, &disk, &device, &world_work, GRANT_ISSUE, 2);
    ours.code = NULL;
    before = disk;
    static const char *const guesses[] = {"", "0000-0000-0000-0000", "0000-0000-0000-0012", "1000-0000-0000-000Y"};
    for (size_t i = 0; i < sizeof(guesses) / sizeof(guesses[0]); i++) {
        enum vault_error error = vault_activate(&vault, "work", guesses[i], strlen(guesses[i]));
        assert_true(error == VAULT_WRONG_CODE || error == VAULT_CODE_BAD);
        assert_int_equal(unlock(&world_work, "2580"), VAULT_CODE_NEEDED);
        assert_int_equal(unlock(&world_work, NULL), VAULT_CODE_NEEDED);
    }
    assert_memory_equal(&disk, &before, sizeof(disk));
}

static const char *slots_that_count(void) {
    return used_of(&opened, "personas/work/slots.a") > 0 ? "personas/work/slots.a" : "personas/work/slots.b";
}

static void test_slots(void **state) {
    (void)state;
    flip_each_byte(&opened, slots_that_count());
    change_length(&opened, slots_that_count());
}

/* The same slots in another order, as an array of the same length. */
static void test_slots_in_another_order(void **state) {
    static struct slots slots;
    static uint8_t file[VAULT_SLOTS_FILE_SIZE];
    size_t size = 0;
    (void)state;
    disk = opened;
    assert_int_equal(slots_read(&slots, world_work.id, disk_bytes(&disk, slots_that_count()), VAULT_SLOTS_FILE_SIZE),
                     SLOTS_OK);
    struct slot first = slots.slots[0];
    slots.slots[0] = slots.slots[1];
    slots.slots[1] = first;
    slots.generation--;
    const uint8_t another_key[KEYS_SIZE] = {1};
    assert_int_equal(slots_write(&slots, another_key, file, sizeof(file), &size), SLOTS_OK);
    disk_put(&disk, slots_that_count(), file, size, sizeof(file));
    assert_string_equal(refused(), slots_error_text(SLOTS_ALTERED));
}

static void test_content_key(void **state) {
    (void)state;
    flip_each_byte(&issued, "personas/work/a/content.key");
    change_length(&issued, "personas/work/a/content.key");
    // Only what wraps the key counts there: of what was wiped nothing is left to fall back on.
    flip_each_byte(&opened, "personas/work/a/content.own");
}

static void test_state(void **state) {
    (void)state;
    const struct disk_file *a = disk_find(&opened, "device/state.a"), *b = disk_find(&opened, "device/state.b");
    size_t used = used_of(&opened, "device/state.a");
    for (size_t i = 0; i < used; i += FLIP_STEP) {
        disk = opened;
        disk.bytes[a->start + i] ^= 0x01;
        disk.bytes[b->start + i] ^= 0x01;
        device_refused(VAULT_STATE_LOST);
        // One of both is as after a cut: the other one counts.
        disk = opened;
        disk.bytes[(i % 2 == 0 ? a : b)->start + i] ^= 0x01;
        assert_int_equal(open_vault(), VAULT_OK);
        assert_int_equal(unlock(&world_home, NULL), VAULT_OK);
    }
    size_t shorter = used_of(&opened, "device/state.b") < used ? used_of(&opened, "device/state.b") : used;
    for (size_t size = 0; size < shorter; size += 5) {
        disk = opened;
        disk_find(&disk, "device/state.a")->size = size;
        disk_find(&disk, "device/state.b")->size = size;
        device_refused(VAULT_STATE_LOST);
    }
    disk = opened;
    disk_remove(&disk, "device/state.a");
    disk_remove(&disk, "device/state.b");
    device_refused(VAULT_STATE_LOST);
}

static void test_device_key(void **state) {
    (void)state;
    const struct disk_file *file = disk_find(&opened, "device/key");
    size_t used = used_of(&opened, "device/key");
    for (size_t i = 0; i < file->size; i += i < used ? FLIP_STEP : 61) {
        disk = opened;
        disk.bytes[file->start + i] ^= 0x01;
        device_refused(VAULT_KEY_LOST);
    }
    for (size_t size = 0; size < used; size += FLIP_STEP) {
        disk = opened;
        disk_find(&disk, "device/key")->size = size;
        device_refused(VAULT_KEY_LOST);
    }
    disk = opened;
    disk_remove(&disk, "device/key");
    device_refused(VAULT_KEY_LOST);
}

static void test_organisation(void **state) {
    (void)state;
    const struct disk_file *file = disk_find(&opened, "organisation");
    for (size_t i = 0; i < file->size; i += FLIP_STEP) {
        disk = opened;
        disk.bytes[file->start + i] ^= 0x01;
        device_refused(VAULT_BAD_ORGANISATION);
    }
    for (size_t size = 1; size < file->size; size += FLIP_STEP) {
        disk = opened;
        disk_find(&disk, "organisation")->size = size;
        device_refused(VAULT_BAD_ORGANISATION);
    }
}

/* It says nothing that the device needs: it is written anew. */
static void test_request(void **state) {
    (void)state;
    disk = opened;
    disk_bytes(&disk, "device/request")[20] ^= 1;
    assert_int_equal(open_vault(), VAULT_OK);
    assert_memory_equal(disk_bytes(&disk, "device/request"), disk_bytes(&opened, "device/request"),
                        VAULT_REQUEST_FILE_SIZE);
}

/* ---- Mixed */

static void copy_from(struct disk *from, const char *source, const char *to) {
    const struct disk_file *file = disk_find(from, source);
    disk_put(&disk, to, from->bytes + file->start, file->size, file->size);
}

static void expect_mixed(const struct disk *base, struct disk *from, const char *source, const char *to,
                         const char *why) {
    disk = *base;
    copy_from(from, source, to);
    const char *reason = refused();
    if (strstr(reason, why) == NULL)
        print_error("%s for %s: %s\n", source, to, reason);
    assert_non_null(strstr(reason, why));
}

static void test_mixed_between_personas(void **state) {
    (void)state;
    expect_mixed(&opened, &opened, "personas/home/a/manifest", "personas/work/a/manifest",
                 manifest_error_text(MANIFEST_WRONG_PERSONA));
    expect_mixed(&opened, &opened, "personas/home/slots.b", "personas/work/slots.b",
                 slots_error_text(SLOTS_WRONG_PERSONA));
    expect_mixed(&opened, &opened, "personas/home/a/content.own", "personas/work/a/content.own", "content key");
    disk = fresh;
    const struct p256_public device = world_request(&disk).key;
    world_deliver(&ours, &disk, &device, &world_home, (struct world_version){1, 1, 'a'});
    world_grant(&ours, &disk, &device, &world_home, GRANT_ISSUE, 1);
    fresh = disk;
    expect_mixed(&issued, &fresh, "personas/home/grant", "personas/work/grant", grant_error_text(GRANT_WRONG_PERSONA));
    expect_mixed(&issued, &fresh, "personas/home/a/content.key", "personas/work/a/content.key",
                 content_error_text(CONTENT_NOT_AUTHENTIC));
}

static void test_mixed_between_devices(void **state) {
    uint8_t grant[GRANT_SIZE_MAX];
    const struct p256_public other = world_request(&theirs).key;
    (void)state;
    expect_mixed(&opened, &theirs, "personas/work/a/manifest", "personas/work/a/manifest",
                 manifest_error_text(MANIFEST_WRONG_DEVICE));
    expect_mixed(&opened, &theirs, slots_that_count(), slots_that_count(), "");
    world_write_grant(&ours, &other, &world_work, GRANT_ISSUE, 1, grant);
    disk = issued;
    disk_put(&disk, "personas/work/grant", grant, sizeof(grant), sizeof(grant));
    assert_string_equal(refused(), grant_error_text(GRANT_WRONG_DEVICE));
    disk = opened;
    copy_from(&theirs, "device/state.a", "device/state.a");
    copy_from(&theirs, "device/state.b", "device/state.b");
    device_refused(VAULT_STATE_LOST);
    disk = opened;
    copy_from(&theirs, "device/key", "device/key");
    device_refused(VAULT_STATE_LOST);
}

/* A folder under another persona's name. */
static void test_renamed(void **state) {
    static const char *const files[] = {"a/manifest", "a/content.own", "slots.a", "slots.b", "grant"};
    (void)state;
    disk = opened;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char from[STORE_PATH_SIZE], to[STORE_PATH_SIZE];
        (void)snprintf(from, sizeof(from), "personas/home/%s", files[i]);
        (void)snprintf(to, sizeof(to), "personas/bank/%s", files[i]);
        copy_from(&opened, from, to);
    }
    assert_int_equal(open_vault(), VAULT_OK);
    assert_int_equal(vault_look(&vault, "bank", &persona), VAULT_OK);
    assert_int_equal(persona.status, VAULT_CANT_BE_OPENED);
    assert_string_equal(persona.reason, "a/manifest: the manifest is of another persona");
    assert_int_equal(vault_unlock(&vault, "bank", NULL, 0, &unlocked), VAULT_REFUSED);
}

/* ---- Files of a version, as the loader reads them */

struct kernel {
    uint8_t bytes[2 * WORLD_KERNEL_SIZE];
    size_t size;
};

static bool get(void *context, uint64_t offset, void *data, size_t size) {
    const struct kernel *kernel = context;
    if (offset > kernel->size || size > kernel->size - offset)
        return false;
    memcpy(data, kernel->bytes + offset, size);
    return true;
}

static bool decrypts(struct kernel *kernel) {
    static uint8_t chunk[1 << STREAM_CHUNK_SHIFT_MIN], plain[WORLD_KERNEL_SIZE];
    struct content_version version = {.version = 1};
    uint8_t name[STREAM_NAME_MAX];
    struct stream_reader reader;
    memcpy(version.id, world_work.id, sizeof(version.id));
    const struct stream_key key = {world_work.content_key, name, content_name(&version, MANIFEST_KERNEL, name)};
    bool good = stream_read_open(&reader, &key, kernel->size, chunk, sizeof(chunk), get, kernel) == STREAM_OK &&
                reader.size == sizeof(plain) && stream_read(&reader, 0, plain, sizeof(plain)) == STREAM_OK;
    stream_read_close(&reader);
    return good;
}

static bool digest_is_good(const struct kernel *kernel) {
    uint8_t digest[DIGEST_SIZE];
    assert_true(digest_of(kernel->bytes, kernel->size, digest));
    return manifest_check_component(persona.manifest, MANIFEST_KERNEL, kernel->size, digest) == MANIFEST_OK;
}

static void expect_bad(struct kernel *kernel) {
    assert_false(digest_is_good(kernel));
    assert_false(decrypts(kernel));
}

/* The header, each chunk and their order: noticed by the digest that is signed, and by the encryption by itself. */
static void test_files(void **state) {
    static struct kernel genuine, altered;
    enum { CHUNK = (1 << STREAM_CHUNK_SHIFT_MIN) + AEAD_TAG_SIZE };
    (void)state;
    disk = opened;
    assert_int_equal(open_vault(), VAULT_OK);
    assert_int_equal(vault_look(&vault, "work", &persona), VAULT_OK);
    genuine.size = disk_find(&disk, "personas/work/a/kernel")->size;
    memcpy(genuine.bytes, disk_bytes(&disk, "personas/work/a/kernel"), genuine.size);
    assert_true(digest_is_good(&genuine) && decrypts(&genuine));
    for (size_t i = 0; i < genuine.size; i += i < STREAM_HEADER_SIZE + 16 ? FLIP_STEP : 13 * FLIP_STEP) {
        altered = genuine;
        altered.bytes[i] ^= 0x01;
        expect_bad(&altered);
    }
    for (size_t size = 0; size < genuine.size; size += 11) {
        altered = genuine;
        altered.size = size;
        expect_bad(&altered);
    }
    altered = genuine;
    altered.size++;
    expect_bad(&altered);
    altered = genuine; // the last chunk twice, and before the first
    memcpy(altered.bytes + altered.size, altered.bytes + STREAM_HEADER_SIZE + CHUNK,
           genuine.size - STREAM_HEADER_SIZE - CHUNK);
    altered.size += genuine.size - STREAM_HEADER_SIZE - CHUNK;
    expect_bad(&altered);
    altered = genuine;
    size_t last = genuine.size - STREAM_HEADER_SIZE - CHUNK;
    memcpy(altered.bytes + STREAM_HEADER_SIZE, genuine.bytes + STREAM_HEADER_SIZE + CHUNK, last);
    memcpy(altered.bytes + STREAM_HEADER_SIZE + last, genuine.bytes + STREAM_HEADER_SIZE, CHUNK);
    expect_bad(&altered);
}

static int clean_up(void **state) {
    (void)state;
    vault_close(&vault);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_manifest),
        cmocka_unit_test(test_grant),
        cmocka_unit_test(test_a_grant_and_the_device_without_the_code),
        cmocka_unit_test(test_slots),
        cmocka_unit_test(test_slots_in_another_order),
        cmocka_unit_test(test_content_key),
        cmocka_unit_test(test_state),
        cmocka_unit_test(test_device_key),
        cmocka_unit_test(test_organisation),
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_mixed_between_personas),
        cmocka_unit_test(test_mixed_between_devices),
        cmocka_unit_test(test_renamed),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, prepare, clean_up);
}
