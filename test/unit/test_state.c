// SPDX-License-Identifier: BSD-3-Clause
// A device's state: two copies, cuts, putting back, attempts at a PIN, versions that are tried.
#include "persona/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t secret[KEYS_SIZE] = {1}, other_secret[KEYS_SIZE] = {9}, device[KEYS_ID_SIZE] = {2},
                     other_device[KEYS_ID_SIZE] = {3};
static const uint8_t work[KEYS_ID_SIZE] = {4}, play[KEYS_ID_SIZE] = {5};
static uint8_t files[2][STATE_FILE_MAX];
static struct state_copy copies[2];
static struct state state;

static unsigned store(void) {
    uint8_t file[STATE_FILE_MAX];
    size_t size = 0;
    unsigned copy = 2;
    assert_int_equal(state_write(&state, secret, device, file, sizeof(file), &size, &copy), STATE_OK);
    assert_in_range(copy, 0, 1);
    memcpy(files[copy], file, size);
    copies[copy] = (struct state_copy){files[copy], size};
    return copy;
}

static enum state_error load(uint64_t generation) { return state_open(&state, copies, secret, device, generation); }

static int fill(void **unused) {
    (void)unused;
    memset(&state, 0, sizeof(state));
    memset(copies, 0, sizeof(copies));
    assert_int_equal(state_add(&state, work), STATE_OK);
    assert_int_equal(state_add(&state, play), STATE_OK);
    state.epoch = 6;
    (void)store();
    (void)store();
    return 0;
}

static void test_copies_alternate(void **unused) {
    (void)unused;
    assert_int_equal(load(2), STATE_OK);
    assert_int_equal(state.generation, 2);
    assert_int_equal(state.epoch, 6);
    for (unsigned i = 0; i < 4; i++) {
        state_find(&state, play)->minimum_version = 10 + i;
        assert_int_equal(store(), (i + 1) % 2);
        assert_int_equal(load(3 + i), STATE_OK);
        assert_int_equal(state_find(&state, play)->minimum_version, 10 + i);
    }
}

/* Whatever a cut leaves of the copy that is written, the other one counts. */
static void test_cuts(void **unused) {
    (void)unused;
    state_find(&state, work)->version = 9;
    unsigned copy = store();
    size_t whole = copies[copy].size;
    for (size_t size = 0; size < whole; size++) {
        copies[copy].size = size;
        assert_int_equal(load(2), STATE_OK);
        assert_int_equal(state_find(&state, work)->version, 0);
    }
    copies[copy].size = whole;
    for (size_t i = 0; i < whole; i++) {
        files[copy][i] ^= 0x20;
        assert_int_equal(load(2), STATE_OK);
        assert_int_equal(state.generation, 2);
        files[copy][i] ^= 0x20;
    }
    assert_int_equal(load(2), STATE_OK);
    assert_int_equal(state_find(&state, work)->version, 9);
}

static void test_put_back(void **unused) {
    (void)unused;
    assert_int_equal(load(2), STATE_OK);
    assert_int_equal(load(3), STATE_ROLLED_BACK);
    assert_int_equal(state.persona_count, 0);
    assert_int_equal(load(0), STATE_OK);
    memset(copies, 0, sizeof(copies));
    assert_int_equal(load(0), STATE_ABSENT);
    assert_int_equal(load(2), STATE_ROLLED_BACK);
}

static void test_damaged(void **unused) {
    (void)unused;
    assert_int_equal(state_open(&state, copies, secret, other_device, 0), STATE_DAMAGED);
    assert_int_equal(state_open(&state, copies, other_secret, device, 0), STATE_DAMAGED);
    files[0][5] ^= 1;
    files[1][5] ^= 1;
    assert_int_equal(load(0), STATE_DAMAGED);
    copies[1].size = 0;
    assert_int_equal(load(0), STATE_ABSENT); /* the very first write, cut */
}

static void test_personas(void **unused) {
    (void)unused;
    for (uint8_t i = 10; state.persona_count < STORE_PERSONAS_MAX; i++)
        assert_int_equal(state_add(&state, (const uint8_t[KEYS_ID_SIZE]){i}), STATE_OK);
    assert_int_equal(state_add(&state, work), STATE_OK);
    assert_int_equal(state_add(&state, (const uint8_t[KEYS_ID_SIZE]){99}), STATE_FULL);
    state_remove(&state, work);
    state_remove(&state, work);
    assert_null(state_find(&state, work));
    assert_non_null(state_find(&state, play));
    assert_int_equal(state.persona_count, STORE_PERSONAS_MAX - 1);
    (void)store();
    assert_int_equal(load(0), STATE_OK);
    assert_int_equal(state.persona_count, STORE_PERSONAS_MAX - 1);
}

static void test_attempts(void **unused) {
    static const uint32_t delays[] = {0, 0, 0, 5, 10, 20, 40, 80, 160, 300};
    struct state_persona *persona = state_find(&state, work);
    (void)unused;
    for (uint32_t i = 0; i < STATE_ATTEMPTS_MAX; i++) {
        assert_int_equal(state_attempts_left(persona), STATE_ATTEMPTS_MAX - i);
        assert_int_equal(state_delay_s(persona), delays[i]);
        assert_int_equal(state_attempt(persona), STATE_OK);
    }
    assert_int_equal(state_attempts_left(persona), 0);
    assert_int_equal(state_attempt(persona), STATE_LOCKED_OUT);
    assert_int_equal(state_attempts_left(state_find(&state, play)), STATE_ATTEMPTS_MAX);
    (void)store();
    assert_int_equal(load(0), STATE_OK);
    persona = state_find(&state, work);
    assert_int_equal(state_attempt(persona), STATE_LOCKED_OUT);
    state_attempt_good(persona);
    assert_int_equal(state_attempts_left(persona), STATE_ATTEMPTS_MAX);
}

static void test_a_version_that_comes_up(void **unused) {
    struct state_persona *persona = state_find(&state, work);
    (void)unused;
    assert_int_equal(state_version_to_start(persona), 0);
    state_came_up(persona, 4, 2);
    assert_int_equal(state_version_to_start(persona), 4);
    state_try(persona, 5);
    assert_int_equal(state_version_to_start(persona), 5);
    state_came_up(persona, 5, 4);
    assert_int_equal(persona->trying, 0);
    assert_int_equal(state_version_to_start(persona), 5);
    assert_int_equal(persona->minimum_version, 4);
    state_came_up(persona, 5, 3);
    assert_int_equal(persona->minimum_version, 4);
}

static void test_a_version_that_does_not(void **unused) {
    struct state_persona *persona = state_find(&state, work);
    (void)unused;
    state_came_up(persona, 4, 2);
    state_try(persona, 5);
    for (unsigned i = 0; i < STATE_TRIES_MAX; i++)
        assert_int_equal(state_version_to_start(persona), 5);
    assert_int_equal(state_version_to_start(persona), 4);
    assert_int_equal(persona->trying, 0);
    assert_int_equal(persona->minimum_version, 2);
}

static void test_no_room(void **unused) {
    uint8_t file[40];
    size_t size = 1;
    unsigned copy = 0;
    uint64_t generation = state.generation;
    (void)unused;
    assert_int_equal(state_write(&state, secret, device, file, sizeof(file), &size, &copy), STATE_TOO_LONG);
    assert_int_equal(size, 0);
    assert_int_equal(state.generation, generation);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_copies_alternate, fill),
        cmocka_unit_test_setup(test_cuts, fill),
        cmocka_unit_test_setup(test_put_back, fill),
        cmocka_unit_test_setup(test_damaged, fill),
        cmocka_unit_test_setup(test_personas, fill),
        cmocka_unit_test_setup(test_attempts, fill),
        cmocka_unit_test_setup(test_a_version_that_comes_up, fill),
        cmocka_unit_test_setup(test_a_version_that_does_not, fill),
        cmocka_unit_test_setup(test_no_room, fill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
