// SPDX-License-Identifier: BSD-3-Clause
// Key slots: opened by who may, by nobody else, and every byte of the file altered.
#include "persona/slots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "known_random.h"

static struct random_stream random_numbers;
static struct p256_private device, escrow, thief;
static uint8_t persona_key[KEYS_SIZE], opened[KEYS_SIZE], file[SLOTS_FILE_MAX];
static const uint8_t id[KEYS_ID_SIZE] = {1}, other_id[KEYS_ID_SIZE] = {2}, nothing[KEYS_SIZE];
static const uint8_t secret[SLOTS_SECRET_SIZE] = {3}, other_secret[SLOTS_SECRET_SIZE] = {4};
static const struct slots_binding binding = {(const uint8_t *)"blob", 4, secret};
static const struct pin_cost cheap = {PIN_MEMORY_MIN, 1};
static struct slots slots;
static size_t file_size;

static int start(void **state) {
    (void)state;
    random_numbers = known_random(20);
    return p256_generate(&device, &random_numbers) != P256_OK || p256_generate(&escrow, &random_numbers) != P256_OK ||
           p256_generate(&thief, &random_numbers) != P256_OK ||
           random_bytes(&random_numbers, persona_key, sizeof(persona_key)) != RANDOM_OK;
}

enum { OF_PIN, OF_BOUND_PIN, OF_DEVICE, OF_ESCROW };

static int fill(void **state) {
    (void)state;
    slots_begin(&slots, id);
    assert_int_equal(slots_add_pin(&slots, persona_key, "2580", 4, cheap, NULL, &random_numbers), SLOTS_OK);
    assert_int_equal(slots_add_pin(&slots, persona_key, "1379", 4, cheap, &binding, &random_numbers), SLOTS_OK);
    assert_int_equal(slots_add_sealed(&slots, SLOT_DEVICE, persona_key, &device.public_key, &random_numbers), SLOTS_OK);
    assert_int_equal(slots_add_sealed(&slots, SLOT_ESCROW, persona_key, &escrow.public_key, &random_numbers), SLOTS_OK);
    assert_int_equal(slots_write(&slots, persona_key, file, sizeof(file), &file_size), SLOTS_OK);
    slots_written(&slots);
    return 0;
}

static enum slots_error by_key(size_t index, const struct p256_private *key) {
    struct p256_software software = {key, &random_numbers};
    struct p256_agreer agreer = p256_software_agreer(&software);
    enum slots_error error = slots_open_sealed(&slots, index, &agreer, opened);
    assert_memory_equal(opened, error == SLOTS_OK ? persona_key : nothing, sizeof(opened));
    return error;
}

static enum slots_error by_pin(size_t index, const char *pin, const uint8_t *with) {
    enum slots_error error = slots_open_pin(&slots, index, pin, strlen(pin), with, opened);
    assert_memory_equal(opened, error == SLOTS_OK ? persona_key : nothing, sizeof(opened));
    return error;
}

static void test_who_may(void **state) {
    (void)state;
    assert_int_equal(slots_read(&slots, id, file, file_size), SLOTS_OK);
    assert_int_equal(slots.count, 4);
    assert_int_equal(by_pin(OF_PIN, "2580", NULL), SLOTS_OK);
    assert_int_equal(by_pin(OF_PIN, "2580", secret), SLOTS_OK);
    assert_int_equal(by_pin(OF_BOUND_PIN, "1379", secret), SLOTS_OK);
    assert_int_equal(by_key(OF_DEVICE, &device), SLOTS_OK);
    assert_int_equal(by_key(OF_ESCROW, &escrow), SLOTS_OK);
    assert_int_equal(slots_check(&slots, persona_key, file, file_size), SLOTS_OK);
}

static void test_who_may_not(void **state) {
    (void)state;
    assert_int_equal(by_pin(OF_PIN, "2581", NULL), SLOTS_WRONG_PIN);
    assert_int_equal(by_pin(OF_PIN, "", NULL), SLOTS_WRONG_PIN);
    assert_int_equal(by_pin(OF_PIN, "25800", NULL), SLOTS_WRONG_PIN);
    assert_int_equal(by_pin(OF_BOUND_PIN, "1379", NULL), SLOTS_NEEDS_SECRET);
    assert_int_equal(by_pin(OF_BOUND_PIN, "1379", other_secret), SLOTS_WRONG_PIN);
    assert_int_equal(by_pin(OF_DEVICE, "2580", NULL), SLOTS_NO_SLOT);
    assert_int_equal(by_pin(7, "2580", NULL), SLOTS_NO_SLOT);
    assert_int_equal(by_key(OF_DEVICE, &thief), SLOTS_WRONG_KEY);
    assert_int_equal(by_key(OF_ESCROW, &device), SLOTS_WRONG_KEY);
    assert_int_equal(by_key(OF_PIN, &device), SLOTS_NO_SLOT);
    assert_int_equal(slots_check(&slots, secret, file, file_size), SLOTS_ALTERED);
}

static void test_mixed_between_personas_and_kinds(void **state) {
    struct slots other;
    (void)state;
    slots_begin(&other, other_id);
    assert_int_equal(slots_add_sealed(&other, SLOT_ESCROW, persona_key, &device.public_key, &random_numbers), SLOTS_OK);
    assert_int_equal(slots_add_pin(&other, persona_key, "2580", 4, cheap, NULL, &random_numbers), SLOTS_OK);
    slots.slots[OF_DEVICE] = other.slots[0];
    assert_int_equal(by_key(OF_DEVICE, &device), SLOTS_ALTERED);
    slots.slots[OF_DEVICE].type = SLOT_DEVICE;
    assert_int_equal(by_key(OF_DEVICE, &device), SLOTS_ALTERED);
    slots.slots[OF_PIN] = other.slots[1];
    assert_int_equal(by_pin(OF_PIN, "2580", NULL), SLOTS_WRONG_PIN);
}

static bool opens_all(void) {
    return slots_read(&slots, id, file, file_size) == SLOTS_OK && slots.count == 4 &&
           by_pin(OF_PIN, "2580", NULL) == SLOTS_OK && by_pin(OF_BOUND_PIN, "1379", secret) == SLOTS_OK &&
           by_key(OF_DEVICE, &device) == SLOTS_OK && by_key(OF_ESCROW, &escrow) == SLOTS_OK &&
           slots_check(&slots, persona_key, file, file_size) == SLOTS_OK;
}

static void test_each_altered_byte_is_noticed(void **state) {
    (void)state;
    assert_true(opens_all());
    for (size_t i = 0; i < file_size; i++) {
        file[i] ^= 0x01;
        // A cost that an attacker raises takes no more than the format allows: here it stays small.
        if (slots_read(&slots, id, file, file_size) != SLOTS_OK || slots.slots[OF_PIN].pin.cost.memory_kib < 1000)
            assert_false(opens_all());
        assert_int_not_equal(slots_check(&slots, persona_key, file, file_size), SLOTS_OK);
        file[i] ^= 0x01;
    }
    for (size_t size = 0; size < file_size; size++)
        assert_int_equal(slots_read(&slots, id, file, size), SLOTS_MALFORMED);
    assert_int_equal(slots_read(&slots, other_id, file, file_size), SLOTS_WRONG_PERSONA);
    memset(file + file_size, 0, sizeof(file) - file_size);
    assert_int_equal(slots_read(&slots, id, file, sizeof(file)), SLOTS_OK);
    assert_int_equal(slots_check(&slots, persona_key, file, sizeof(file)), SLOTS_OK);
    file[sizeof(file) - 1] = 1;
    assert_int_equal(slots_read(&slots, id, file, sizeof(file)), SLOTS_MALFORMED);
}

static void test_slots_taken_away_and_put_back(void **state) {
    static uint8_t before[SLOTS_FILE_MAX];
    size_t before_size = file_size;
    (void)state;
    memcpy(before, file, file_size);
    uint64_t generation = slots.generation;
    assert_int_equal(slots_find(&slots, SLOT_PIN, 0), OF_PIN);
    assert_int_equal(slots_find(&slots, SLOT_PIN, 1), OF_BOUND_PIN);
    assert_int_equal(slots_remove(&slots, OF_PIN), SLOTS_OK);
    assert_int_equal(slots_remove(&slots, 3), SLOTS_NO_SLOT);
    assert_int_equal(slots_find(&slots, SLOT_PIN, 1), SIZE_MAX);
    assert_int_equal(slots_find(&slots, SLOT_ESCROW, 0), 2);
    assert_memory_equal(&slots.slots[3], &(struct slot){0}, sizeof(struct slot));
    assert_int_equal(slots_write(&slots, persona_key, file, sizeof(file), &file_size), SLOTS_OK);
    assert_int_equal(slots_read(&slots, id, file, file_size), SLOTS_OK);
    assert_int_equal(slots.generation, generation + 1);
    assert_int_equal(slots_check(&slots, persona_key, before, before_size), SLOTS_OK);
    assert_int_equal(slots_check(&slots, persona_key, file, file_size), SLOTS_OK);
    assert_int_equal(by_pin(0, "2580", secret), SLOTS_WRONG_PIN);
}

static void test_limits(void **state) {
    static const uint8_t blob[SLOTS_BINDING_MAX + 1] = {1};
    struct slots_binding long_binding = {blob, sizeof(blob), secret}, longest = {blob, SLOTS_BINDING_MAX, secret};
    struct p256_public wrong = device.public_key;
    (void)state;
    wrong.y[0] ^= 1;
    assert_int_equal(slots_add_pin(&slots, persona_key, "1", 1, cheap, &long_binding, &random_numbers), SLOTS_TOO_LONG);
    assert_int_equal(slots_add_pin(&slots, persona_key, blob, PIN_SIZE_MAX + 1, cheap, NULL, &random_numbers),
                     SLOTS_TOO_LONG);
    assert_int_equal(slots_add_pin(&slots, persona_key, "1", 1, (struct pin_cost){0, 0}, NULL, &random_numbers),
                     SLOTS_MALFORMED);
    assert_int_equal(slots_add_sealed(&slots, SLOT_DEVICE, persona_key, &wrong, &random_numbers), SLOTS_MALFORMED);
    assert_int_equal(slots_add_sealed(&slots, SLOT_PIN, persona_key, &device.public_key, &random_numbers),
                     SLOTS_MALFORMED);
    assert_int_equal(slots.count, 4);
    while (slots.count < SLOTS_MAX)
        assert_int_equal(slots_add_pin(&slots, persona_key, "1", 1, cheap, &longest, &random_numbers), SLOTS_OK);
    assert_int_equal(slots_add_pin(&slots, persona_key, "1", 1, cheap, NULL, &random_numbers), SLOTS_FULL);
    assert_int_equal(slots_add_sealed(&slots, SLOT_DEVICE, persona_key, &device.public_key, &random_numbers),
                     SLOTS_FULL);
    assert_int_equal(slots_write(&slots, persona_key, file, sizeof(file), &file_size), SLOTS_OK);
    assert_int_equal(slots_read(&slots, id, file, file_size), SLOTS_OK);
    assert_int_equal(slots_write(&slots, persona_key, file, file_size - 1, &file_size), SLOTS_TOO_LONG);
    assert_int_equal(file_size, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_who_may, fill),
        cmocka_unit_test_setup(test_who_may_not, fill),
        cmocka_unit_test_setup(test_mixed_between_personas_and_kinds, fill),
        cmocka_unit_test_setup(test_each_altered_byte_is_noticed, fill),
        cmocka_unit_test_setup(test_slots_taken_away_and_put_back, fill),
        cmocka_unit_test_setup(test_limits, fill),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
