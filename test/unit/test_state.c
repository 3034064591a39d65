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
    state_written(&state);
    copies[copy] = (struct state_copy){files[copy], size};
    return copy;
}

static const uint8_t tpm[TPM_IDENTITY_SIZE] = {7}, other_tpm[TPM_IDENTITY_SIZE] = {8};
enum { BASE = 100 };

/* With the counter that belongs to a generation. */
static enum state_error load(uint64_t generation) {
    const struct state_counter counter = {STATE_COUNTER_VALUE, BASE + generation, tpm};
    return state_open(&state, copies, secret, device, &counter);
}

static int fill(void **unused) {
    (void)unused;
    memset(&state, 0, sizeof(state));
    memset(copies, 0, sizeof(copies));
    assert_int_equal(state_add(&state, work), STATE_OK);
    assert_int_equal(state_add(&state, play), STATE_OK);
    state.epoch = 6;
    state.root[0] = 11;
    state.counted = true;
    state.counter_base = BASE;
    memcpy(state.tpm, tpm, sizeof(tpm));
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
    assert_int_equal(load(1), STATE_OK);
    assert_int_equal(state_counter_lag(&state, BASE + 1), 1);
    assert_int_equal(load(2), STATE_OK);
    assert_int_equal(state_counter_lag(&state, BASE + 2), 0);
    memset(copies, 0, sizeof(copies));
    assert_int_equal(load(0), STATE_ABSENT);
    assert_int_equal(load(2), STATE_ABSENT);
}

static enum state_error load_with(struct state_counter counter) {
    return state_open(&state, copies, secret, device, &counter);
}

static void test_the_tpm_that_counts(void **unused) {
    (void)unused;
    assert_int_equal(load_with((struct state_counter){STATE_COUNTER_NONE, 0, NULL}), STATE_NO_TPM);
    assert_int_equal(load_with((struct state_counter){STATE_COUNTER_MISSING, 0, tpm}), STATE_NO_COUNTER);
    assert_int_equal(load_with((struct state_counter){STATE_COUNTER_VALUE, BASE - 1, tpm}), STATE_NO_COUNTER);
    assert_int_equal(load_with((struct state_counter){STATE_COUNTER_VALUE, BASE + 2, other_tpm}), STATE_OTHER_TPM);
    assert_int_equal(state.persona_count, 0);
    assert_int_equal(load(2), STATE_OK);
    state.counted = false;
    (void)store();
    (void)store();
    assert_int_equal(load_with((struct state_counter){STATE_COUNTER_NONE, 0, NULL}), STATE_OK);
    assert_int_equal(load_with((struct state_counter){STATE_COUNTER_VALUE, 999, other_tpm}), STATE_OK);
    assert_int_equal(state.root[0], 11);
}

/* The copy that may be damaged is the one that is written again. */
static void test_a_write_that_failed(void **unused) {
    uint8_t file[STATE_FILE_MAX];
    size_t size = 0;
    unsigned first = 2, again = 2;
    (void)unused;
    assert_int_equal(state_write(&state, secret, device, file, sizeof(file), &size, &first), STATE_OK);
    assert_int_equal(state_write(&state, secret, device, file, sizeof(file), &size, &again), STATE_OK);
    assert_int_equal(first, again);
    assert_int_equal(store(), first);
    assert_int_equal(store(), 1 - first);
}

static void test_peeking(void **unused) {
    (void)unused;
    files[0][copies[0].size - 1] ^= 1;
    assert_int_equal(state_peek(&state, copies), STATE_OK);
    assert_int_equal(state.generation, 2);
    copies[0].size = 0;
    assert_int_equal(state_peek(&state, copies), STATE_OK);
    assert_int_equal(state.generation, 1);
    copies[1].size = 0;
    assert_int_equal(state_peek(&state, copies), STATE_ABSENT);
}

static enum state_error load_as(const uint8_t *by, const uint8_t *whom) {
    const struct state_counter counter = {STATE_COUNTER_VALUE, BASE + 2, tpm};
    return state_open(&state, copies, by, whom, &counter);
}

static void test_damaged(void **unused) {
    (void)unused;
    assert_int_equal(load_as(secret, other_device), STATE_DAMAGED);
    assert_int_equal(load_as(other_secret, device), STATE_DAMAGED);
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
    assert_int_equal(load(3), STATE_OK);
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

static void expect_choice(uint64_t newest, uint64_t other, struct state_choice expected) {
    struct state_choice choice = state_choose(state_find(&state, work), newest, other);
    assert_int_equal(choice.version, expected.version);
    assert_int_equal(choice.trial, expected.trial);
    assert_int_equal(choice.fell_back, expected.fell_back);
}

static void test_a_version_that_comes_up(void **unused) {
    struct state_persona *persona = state_find(&state, work);
    (void)unused;
    state_came_up(persona, 4, 2);
    expect_choice(4, 0, (struct state_choice){4, false, false});
    expect_choice(5, 4, (struct state_choice){5, true, false});
    state_came_up(persona, 5, 4);
    assert_int_equal(persona->trying, 0);
    expect_choice(5, 4, (struct state_choice){5, false, false});
    assert_int_equal(persona->minimum_version, 4);
    state_came_up(persona, 5, 3);
    assert_int_equal(persona->minimum_version, 4);
}

static void test_a_version_that_does_not(void **unused) {
    struct state_persona *persona = state_find(&state, work);
    (void)unused;
    state_came_up(persona, 4, 2);
    for (unsigned i = 0; i < STATE_TRIES_MAX; i++)
        expect_choice(5, 4, (struct state_choice){5, true, false});
    for (unsigned i = 0; i < 3; i++)
        expect_choice(5, 4, (struct state_choice){4, false, true});
    assert_int_equal(persona->trying, 0);
    assert_int_equal(persona->minimum_version, 2);
    expect_choice(6, 4, (struct state_choice){6, true, false}); /* the next one is tried again */
    expect_choice(5, 0, (struct state_choice){5, true, false}); /* nothing else is left */
    state_came_up(persona, 5, 2);
    expect_choice(5, 4, (struct state_choice){5, false, false});
}

/* Where there is nothing to go back to, nothing is given up. */
static void test_a_first_version(void **unused) {
    (void)unused;
    for (unsigned i = 0; i < 3 * STATE_TRIES_MAX; i++)
        expect_choice(1, 0, (struct state_choice){1, true, false});
    expect_choice(0, 0, (struct state_choice){0, false, false});
    for (unsigned i = 0; i < STATE_TRIES_MAX; i++)
        expect_choice(2, 1, (struct state_choice){2, true, false});
    expect_choice(2, 1, (struct state_choice){1, true, true});
}

/* What was written before there was a USIM is read as ever; then it is remembered, and comes back. */
static void test_the_usim(void **unused) {
    const size_t before = copies[0].size;
    (void)unused;
    assert_int_equal(load(2), STATE_OK);
    assert_int_equal(state.usim.start, 0);
    state.usim = (struct usim_anchor){3, 40, UINT64_C(1) << 42};
    (void)store();
    assert_true(copies[1].size > before);
    (void)store();
    assert_int_equal(load(4), STATE_OK);
    assert_int_equal(state.usim.issue, 3);
    assert_int_equal(state.usim.start, 40);
    assert_int_equal(state.usim.limit, UINT64_C(1) << 42);
    assert_int_equal(state_peek(&state, copies), STATE_OK);
    assert_int_equal(state.usim.start, 40);
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
        cmocka_unit_test_setup(test_the_tpm_that_counts, fill),
        cmocka_unit_test_setup(test_a_write_that_failed, fill),
        cmocka_unit_test_setup(test_peeking, fill),
        cmocka_unit_test_setup(test_a_first_version, fill),
        cmocka_unit_test_setup(test_the_usim, fill),
        cmocka_unit_test_setup(test_no_room, fill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
