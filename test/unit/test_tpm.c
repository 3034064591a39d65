// SPDX-License-Identifier: BSD-3-Clause
/* The TPM's part of the key hierarchy against a TPM simulator. */
#include "crypto/tpm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "hex.h"
#include "known_random.h"
#include "swtpm.h"

static const uint8_t secret[TPM_SECRET_SIZE + 1] = "a secret that is 32 bytes long..";
static const struct tpm_auth right = {(const uint8_t *)"1234", 4}, wrong = {(const uint8_t *)"1235", 4};

/* A TPM and its use. */
struct fixture {
    struct swtpm swtpm;
    struct random_stream random;
    struct tpm tpm;
};

static void use(struct fixture *fixture) {
    struct tpm_transport transport = swtpm_transport(&fixture->swtpm);
    assert_int_equal(tpm_open(&fixture->tpm, &transport, &fixture->random), TPM_OK);
}

static int set_up(void **state) {
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    fixture->random = known_random(1);
    swtpm_make(&fixture->swtpm);
    use(fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    tpm_close(&fixture->tpm);
    swtpm_remove(&fixture->swtpm);
    free(fixture);
    return 0;
}

/* Switched off in order, or not, and on again. */
static void restart(struct fixture *fixture, bool in_order) {
    if (in_order)
        tpm_close(&fixture->tpm);
    swtpm_restart(&fixture->swtpm);
    use(fixture);
}

static void seal(struct fixture *fixture, const struct tpm_auth *auth, struct tpm_blob *blob) {
    assert_int_equal(tpm_seal(&fixture->tpm, auth, secret, blob), TPM_OK);
    assert_in_range(blob->size, 1, TPM_BLOB_MAX);
}

static enum tpm_error unseal(struct fixture *fixture, const struct tpm_blob *blob, const struct tpm_auth *auth) {
    static const uint8_t zeros[TPM_SECRET_SIZE];
    uint8_t unsealed[TPM_SECRET_SIZE];
    memset(unsealed, 0xff, sizeof(unsealed));
    enum tpm_error error = tpm_unseal(&fixture->tpm, blob->bytes, blob->size, auth, unsealed);
    assert_memory_equal(unsealed, error == TPM_OK ? secret : zeros, sizeof(unsealed));
    return error;
}

static struct tpm_lockout lockout_of(struct fixture *fixture) {
    struct tpm_lockout lockout;
    assert_int_equal(tpm_lockout(&fixture->tpm, &lockout), TPM_OK);
    return lockout;
}

/* Sends a command that the product does not have. */
static void raw(struct fixture *fixture, const char *digits) {
    static const uint8_t good[] = {0, 0, 0, 0};
    uint8_t command[256], response[256];
    struct tpm_transport transport = swtpm_transport(&fixture->swtpm);
    size_t size = from_hex(digits, command);
    size_t received = transport.submit(transport.context, command, size, response, sizeof(response));
    assert_in_range(received, 10, sizeof(response));
    assert_memory_equal(response + 6, good, sizeof(good));
}

/* With the empty password: TPM2_DictionaryAttackLockReset, TPM2_DictionaryAttackParameters (3 attempts, 1 s for one to
 * be forgotten), TPM2_Clear, TPM2_HierarchyChangeAuth of the owner's, TPM2_PCR_Extend of PCR 5. */
#define NO_PASSWORD " 00000009 40000009 0000 00 0000 "
static const char lock_reset[] = "8002 0000001b 00000139 4000000a" NO_PASSWORD;
static const char quick_forgetting[] = "8002 00000027 0000013a 4000000a" NO_PASSWORD "00000003 00000001 00000001";
static const char clear[] = "8002 0000001b 00000126 4000000c" NO_PASSWORD;
static const char own[] = "8002 00000021 00000129 40000001" NO_PASSWORD "0004 61626364";
static const char extend[] = "8002 00000041 00000182 00000005" NO_PASSWORD "00000001 000b"
                             "0000000000000000000000000000000000000000000000000000000000000001";

static void test_seal_and_unseal(void **state) {
    struct fixture *fixture = *state;
    struct tpm_blob with, without;
    seal(fixture, &right, &with);
    seal(fixture, NULL, &without);
    assert_int_equal(unseal(fixture, &with, &right), TPM_OK);
    assert_int_equal(unseal(fixture, &without, NULL), TPM_OK);
    // Another use, another start: the parent is made again, and is the same.
    restart(fixture, true);
    assert_int_equal(unseal(fixture, &without, NULL), TPM_OK);
    assert_int_equal(unseal(fixture, &with, &right), TPM_OK);
    assert_int_equal(lockout_of(fixture).failures, 0);
}

static void test_many_in_one_use(void **state) {
    struct fixture *fixture = *state;
    struct tpm_blob blob;
    // A TPM has room for three objects and three sessions: nothing may be left behind.
    for (unsigned i = 0; i < 8; i++) {
        seal(fixture, &right, &blob);
        assert_int_equal(unseal(fixture, &blob, &right), TPM_OK);
        restart(fixture, i % 2 == 0);
        assert_int_equal(unseal(fixture, &blob, i % 2 == 0 ? &right : NULL), i % 2 == 0 ? TPM_OK : TPM_BAD_BLOB);
        raw(fixture, lock_reset);
    }
}

static void test_longest_authorisation_value(void **state) {
    struct fixture *fixture = *state;
    struct tpm_blob blob;
    uint8_t value[TPM_AUTH_MAX + 1];
    memset(value, 0xa5, sizeof(value));
    const struct tpm_auth longest = {value, TPM_AUTH_MAX}, longer = {value, TPM_AUTH_MAX + 1};
    seal(fixture, &longest, &blob);
    assert_int_equal(unseal(fixture, &blob, &longest), TPM_OK);
    assert_int_equal(tpm_seal(&fixture->tpm, &longer, secret, &blob), TPM_BAD_ARGUMENT);
    assert_int_equal(blob.size, 0);
}

static void test_authorisation_value_with_zeros(void **state) {
    struct fixture *fixture = *state;
    struct tpm_blob blob;
    const struct tpm_auth padded = {(const uint8_t *)"\0001\0\0", 4}, all_zero = {(const uint8_t *)"\0\0", 2};
    seal(fixture, &padded, &blob);
    assert_int_equal(unseal(fixture, &blob, &padded), TPM_OK);
    assert_int_equal(tpm_seal(&fixture->tpm, &all_zero, secret, &blob), TPM_BAD_ARGUMENT);
    assert_int_equal(tpm_seal(&fixture->tpm, &(struct tpm_auth){0}, secret, &blob), TPM_BAD_ARGUMENT);
}

static void test_wrong_value_counts_down(void **state) {
    struct fixture *fixture = *state;
    struct tpm_blob blob;
    seal(fixture, &right, &blob);
    struct tpm_lockout before = lockout_of(fixture);
    assert_false(before.locked);
    assert_int_equal(before.left, before.allowed);
    for (uint32_t tried = 1; tried <= before.allowed; tried++) {
        assert_int_equal(unseal(fixture, &blob, &wrong), TPM_WRONG_AUTH);
        assert_int_equal(lockout_of(fixture).left, before.allowed - tried);
    }
    assert_true(lockout_of(fixture).locked);
    assert_int_equal(unseal(fixture, &blob, &right), TPM_LOCKED_OUT);
}

static void lock(struct fixture *fixture, struct tpm_blob *blob) {
    seal(fixture, &right, blob);
    while (!lockout_of(fixture).locked)
        assert_int_equal(unseal(fixture, blob, &wrong), TPM_WRONG_AUTH);
}

static void test_locked_for_all_but_what_has_no_value(void **state) {
    struct fixture *fixture = *state;
    struct tpm_blob blob, without;
    uint64_t value;
    seal(fixture, NULL, &without);
    lock(fixture, &blob);
    assert_int_equal(unseal(fixture, &without, NULL), TPM_OK);
    assert_int_equal(tpm_counter_make(&fixture->tpm, 0, &value), TPM_OK);
}

static void test_restart_does_not_unlock(void **state) {
    struct fixture *fixture = *state;
    struct tpm_blob blob;
    lock(fixture, &blob);
    for (int in_order = 0; in_order <= 1; in_order++) {
        restart(fixture, in_order != 0);
        assert_true(lockout_of(fixture).locked);
        assert_int_equal(unseal(fixture, &blob, &right), TPM_LOCKED_OUT);
    }
    raw(fixture, lock_reset);
    assert_false(lockout_of(fixture).locked);
    assert_int_equal(unseal(fixture, &blob, &right), TPM_OK);
}

static void test_time_unlocks(void **state) {
    struct fixture *fixture = *state;
    struct tpm_blob blob;
    raw(fixture, quick_forgetting);
    lock(fixture, &blob);
    assert_int_equal(lockout_of(fixture).interval_s, 1);
    for (unsigned seconds = 0; lockout_of(fixture).locked; seconds++) {
        assert_in_range(seconds, 0, 60);
        sleep(1);
    }
    assert_int_equal(unseal(fixture, &blob, &right), TPM_OK);
}

static void test_end_in_order_costs_no_attempt(void **state) {
    struct fixture *fixture = *state;
    struct tpm_blob blob;
    seal(fixture, &right, &blob);
    assert_int_equal(unseal(fixture, &blob, &right), TPM_OK);
    // Firmware that measures what comes after us, as U-Boot does when boot services end, must not spoil it.
    tpm_close(&fixture->tpm);
    raw(fixture, extend);
    swtpm_restart(&fixture->swtpm);
    use(fixture);
    assert_int_equal(lockout_of(fixture).failures, 0);
    assert_int_equal(unseal(fixture, &blob, &right), TPM_OK);
    restart(fixture, false);
    assert_int_equal(lockout_of(fixture).failures, 1);
}

static void test_guarded_lockout(void **state) {
    struct fixture *fixture = *state;
    const struct tpm_limits limits = {5, 3600, 86400};
    const struct tpm_auth password = {(const uint8_t *)"in the safe", 11}, other = {(const uint8_t *)"anything", 8};
    struct tpm_blob blob;
    assert_false(lockout_of(fixture).guarded);
    assert_int_equal(tpm_guard(&fixture->tpm, NULL, &other, &limits), TPM_OK);
    assert_int_equal(tpm_guard(&fixture->tpm, &other, &password, &limits), TPM_OK);
    lock(fixture, &blob);
    struct tpm_lockout lockout = lockout_of(fixture);
    assert_true(lockout.guarded);
    assert_int_equal(lockout.failures, 5);
    assert_int_equal(lockout.interval_s, 3600);
    assert_int_equal(tpm_lift_lockout(&fixture->tpm, &password), TPM_OK);
    assert_int_equal(unseal(fixture, &blob, &right), TPM_OK);
    // The password itself may be tried once.
    assert_int_equal(tpm_lift_lockout(&fixture->tpm, NULL), TPM_WRONG_AUTH);
    assert_int_equal(tpm_lift_lockout(&fixture->tpm, &password), TPM_LOCKED_OUT);
    assert_int_equal(tpm_guard(&fixture->tpm, &password, NULL, &limits), TPM_BAD_ARGUMENT);
    assert_int_equal(tpm_guard(&fixture->tpm, &password, &other, &(struct tpm_limits){0, 1, 1}), TPM_BAD_ARGUMENT);
}

static void test_other_tpm(void **state) {
    struct fixture *fixture = *state;
    struct fixture *other;
    struct tpm_blob with, without;
    assert_int_equal(set_up((void **)&other), 0);
    seal(other, &right, &with);
    seal(other, NULL, &without);
    assert_int_equal(unseal(fixture, &with, &right), TPM_OTHER);
    assert_int_equal(unseal(fixture, &without, NULL), TPM_OTHER);
    assert_int_equal(lockout_of(fixture).failures, 0);
    // Though the blob says that it is of this one, the object does not load.
    struct tpm_blob mine;
    seal(fixture, NULL, &mine);
    memcpy(without.bytes, mine.bytes, 4 + TPM_IDENTITY_SIZE);
    assert_int_equal(unseal(fixture, &without, NULL), TPM_OTHER);
    assert_int_equal(tear_down((void **)&other), 0);
}

static void test_cleared_tpm(void **state) {
    struct fixture *fixture = *state;
    struct tpm_blob blob;
    uint8_t before[TPM_IDENTITY_SIZE], after[TPM_IDENTITY_SIZE];
    uint64_t value, last;
    seal(fixture, &right, &blob);
    assert_int_equal(tpm_counter_make(&fixture->tpm, 3, &last), TPM_OK);
    assert_int_equal(tpm_counter_raise(&fixture->tpm, 3, &last), TPM_OK);
    assert_int_equal(tpm_identity(&fixture->tpm, before), TPM_OK);
    tpm_close(&fixture->tpm);
    raw(fixture, clear);
    use(fixture);
    assert_int_equal(unseal(fixture, &blob, &right), TPM_OTHER);
    assert_int_equal(tpm_counter_read(&fixture->tpm, 3, &value), TPM_NO_COUNTER);
    assert_int_equal(tpm_counter_make(&fixture->tpm, 3, &value), TPM_OK);
    assert_true(value > last); // not even so does it begin again
    assert_int_equal(tpm_identity(&fixture->tpm, after), TPM_OK);
    assert_memory_not_equal(before, after, sizeof(before));
}

static void test_owned_tpm(void **state) {
    struct fixture *fixture = *state;
    struct tpm_blob blob;
    uint8_t identity[TPM_IDENTITY_SIZE];
    raw(fixture, own);
    assert_int_equal(tpm_seal(&fixture->tpm, NULL, secret, &blob), TPM_OWNED);
    assert_int_equal(tpm_identity(&fixture->tpm, identity), TPM_OWNED);
    assert_int_not_equal(fixture->tpm.code, 0);
}

static void test_altered_blob(void **state) {
    struct fixture *fixture = *state;
    struct tpm_blob blob, altered;
    uint8_t unsealed[TPM_SECRET_SIZE];
    seal(fixture, NULL, &blob);
    for (size_t i = 0; i < blob.size; i++) {
        altered = blob;
        altered.bytes[i] ^= 1;
        enum tpm_error error = unseal(fixture, &altered, NULL);
        assert_true(error == TPM_BAD_BLOB || error == TPM_OTHER);
        assert_int_equal(tpm_unseal(&fixture->tpm, blob.bytes, i, NULL, unsealed), TPM_BAD_BLOB);
    }
    assert_int_equal(unseal(fixture, &blob, NULL), TPM_OK);
    assert_int_equal(unseal(fixture, &blob, &right), TPM_BAD_BLOB);
}

static void test_counter_goes_up(void **state) {
    struct fixture *fixture = *state;
    uint64_t first, second, value;
    assert_int_equal(tpm_counter_read(&fixture->tpm, 7, &value), TPM_NO_COUNTER);
    assert_int_equal(tpm_counter_raise(&fixture->tpm, 7, &value), TPM_NO_COUNTER);
    assert_int_equal(tpm_counter_make(&fixture->tpm, 7, &first), TPM_OK);
    assert_int_equal(tpm_counter_make(&fixture->tpm, 7, &value), TPM_OK);
    assert_int_equal(value, first);
    assert_int_equal(tpm_counter_raise(&fixture->tpm, 7, &second), TPM_OK);
    assert_int_equal(second, first + 1);
    for (int in_order = 0; in_order <= 1; in_order++) {
        restart(fixture, in_order != 0);
        assert_int_equal(tpm_counter_read(&fixture->tpm, 7, &value), TPM_OK);
        assert_int_equal(value, second);
    }
    assert_int_equal(tpm_counter_make(&fixture->tpm, TPM_COUNTERS_MAX, &value), TPM_BAD_ARGUMENT);
}

static void test_removed_counter_does_not_begin_again(void **state) {
    struct fixture *fixture = *state;
    uint64_t value, last;
    assert_int_equal(tpm_counter_make(&fixture->tpm, 0, &value), TPM_OK);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(tpm_counter_raise(&fixture->tpm, 0, &last), TPM_OK);
    assert_int_equal(tpm_counter_remove(&fixture->tpm, 0), TPM_OK);
    assert_int_equal(tpm_counter_read(&fixture->tpm, 0, &value), TPM_NO_COUNTER);
    assert_int_equal(tpm_counter_remove(&fixture->tpm, 0), TPM_NO_COUNTER);
    assert_int_equal(tpm_counter_make(&fixture->tpm, 0, &value), TPM_OK);
    assert_true(value > last);
}

/* TPM2_NV_DefineSpace of an ordinary index of 8 bytes, and of a counter like ours, at the place of counter 9. */
static const char ordinary[] =
    "8002 0000002d 0000012a 40000001" NO_PASSWORD "0000 000e 01a0f509 000b 02040004 0000 0008";
static const char unwritten[] =
    "8002 0000002d 0000012a 40000001" NO_PASSWORD "0000 000e 01a0f509 000b 02040014 0000 0008";

static void test_something_else_at_the_counters_place(void **state) {
    struct fixture *fixture = *state;
    uint64_t value;
    raw(fixture, ordinary);
    assert_int_equal(tpm_counter_read(&fixture->tpm, 9, &value), TPM_BAD_COUNTER);
    assert_int_equal(tpm_counter_make(&fixture->tpm, 9, &value), TPM_BAD_COUNTER);
}

static void test_counter_whose_making_was_cut_off(void **state) {
    struct fixture *fixture = *state;
    uint64_t value;
    raw(fixture, unwritten);
    assert_int_equal(tpm_counter_read(&fixture->tpm, 9, &value), TPM_NO_COUNTER);
    assert_int_equal(tpm_counter_make(&fixture->tpm, 9, &value), TPM_OK);
    assert_int_equal(tpm_counter_read(&fixture->tpm, 9, &value), TPM_OK);
}

static void test_room_for_counters_ends(void **state) {
    struct fixture *fixture = *state;
    enum tpm_error error = TPM_OK;
    uint64_t value;
    uint32_t made = 0;
    while (made < TPM_COUNTERS_MAX && (error = tpm_counter_make(&fixture->tpm, made, &value)) == TPM_OK)
        made++;
    assert_true(made >= 8);
    assert_int_equal(error, made == TPM_COUNTERS_MAX ? TPM_OK : TPM_FULL);
    assert_int_equal(tpm_counter_read(&fixture->tpm, 0, &value), TPM_OK);
}

static void test_random_bytes(void **state) {
    struct fixture *fixture = *state;
    uint8_t a[TPM_RANDOM_MAX], b[TPM_RANDOM_MAX], more[TPM_RANDOM_MAX + 1];
    assert_int_equal(tpm_random(&fixture->tpm, a, sizeof(a)), TPM_OK);
    assert_int_equal(tpm_random(&fixture->tpm, b, sizeof(b)), TPM_OK);
    assert_memory_not_equal(a, b, sizeof(a));
    assert_int_equal(tpm_random(&fixture->tpm, more, sizeof(more)), TPM_BAD_ARGUMENT);
}

static void test_what_it_is(void **state) {
    struct fixture *fixture = *state;
    char text[TPM_MANUFACTURER_SIZE];
    assert_int_equal(tpm_manufacturer(&fixture->tpm, text), TPM_OK);
    assert_string_equal(text, "IBM");
}

/* Whoever listens on the bus. */
struct listener {
    struct tpm_transport transport;
    const char *secrets[2];
    unsigned exchanges;
};

static void require_absent(const struct listener *listener, const uint8_t *data, size_t size) {
    for (size_t i = 0; i < 2; i++) {
        size_t length = strlen(listener->secrets[i]);
        for (size_t at = 0; at + length <= size; at++)
            assert_memory_not_equal(data + at, listener->secrets[i], length);
    }
}

static size_t listen(void *context, const uint8_t *command, size_t size, uint8_t *response, size_t capacity) {
    struct listener *listener = context;
    size_t received = listener->transport.submit(listener->transport.context, command, size, response, capacity);
    require_absent(listener, command, size);
    require_absent(listener, response, received);
    listener->exchanges++;
    return received;
}

static void listener_wait(void *context, unsigned milliseconds) {
    struct listener *listener = context;
    listener->transport.wait(listener->transport.context, milliseconds);
}

static void test_nothing_secret_on_the_bus(void **state) {
    struct fixture *fixture = *state;
    const struct tpm_auth pin = {(const uint8_t *)"not 1234", 8};
    struct listener listener = {swtpm_transport(&fixture->swtpm), {(const char *)secret, (const char *)pin.value}, 0};
    struct tpm_blob blob;
    fixture->tpm.transport.context = &listener;
    fixture->tpm.transport.submit = listen;
    fixture->tpm.transport.wait = listener_wait;
    seal(fixture, &pin, &blob);
    assert_int_equal(tpm_guard(&fixture->tpm, NULL, &pin, &(struct tpm_limits){5, 60, 60}), TPM_OK);
    assert_int_equal(unseal(fixture, &blob, &pin), TPM_OK);
    assert_int_equal(unseal(fixture, &blob, &wrong), TPM_WRONG_AUTH);
    tpm_close(&fixture->tpm);
    assert_in_range(listener.exchanges, 10, 100);
    use(fixture);
}

/* A use that is cut off after so many commands, as when a persona is started anew in the middle of an attempt. */
struct cut {
    struct tpm_transport transport;
    unsigned left; /* commands until then */
};

static size_t submit_until_cut(void *context, const uint8_t *command, size_t size, uint8_t *response, size_t capacity) {
    struct cut *cut = context;
    if (cut->left == 0)
        return 0;
    cut->left--;
    return cut->transport.submit(cut->transport.context, command, size, response, capacity);
}

static void wait_until_cut(void *context, unsigned milliseconds) {
    const struct cut *cut = context;
    cut->transport.wait(cut->transport.context, milliseconds);
}

/* @return whether the attempt came to its end before it was cut off; then nothing of it is closed */
static bool attempt_until_cut(struct fixture *fixture, const struct tpm_blob *blob, unsigned commands) {
    struct cut cut = {swtpm_transport(&fixture->swtpm), commands};
    const struct tpm_transport transport = {&cut, submit_until_cut, wait_until_cut};
    uint8_t unsealed[TPM_SECRET_SIZE];
    bool whole = tpm_open(&fixture->tpm, &transport, &fixture->random) == TPM_OK &&
                 tpm_flush_left(&fixture->tpm) == TPM_OK &&
                 tpm_unseal(&fixture->tpm, blob->bytes, blob->size, &right, unsealed) == TPM_OK;
    memset(&fixture->tpm, 0, sizeof(fixture->tpm));
    return whole;
}

static void test_attempts_that_are_cut_off_fill_nothing(void **state) {
    struct fixture *fixture = *state;
    struct tpm_blob blob;
    unsigned commands = 1;
    seal(fixture, &right, &blob);
    tpm_close(&fixture->tpm);
    while (!attempt_until_cut(fixture, &blob, commands)) {
        commands++;
        use(fixture);
        assert_int_equal(tpm_flush_left(&fixture->tpm), TPM_OK);
        assert_int_equal(unseal(fixture, &blob, &right), TPM_OK);
        tpm_close(&fixture->tpm);
    }
    // All the way to the object that is loaded with its parent and the session; again and again, with no end between.
    assert_in_range(commands, 7, 20);
    for (unsigned i = 0; i < 70; i++)
        (void)attempt_until_cut(fixture, &blob, commands - 1 - i % 3);
    use(fixture);
    assert_int_equal(tpm_flush_left(&fixture->tpm), TPM_OK);
    assert_int_equal(lockout_of(fixture).failures, 0);
    assert_int_equal(unseal(fixture, &blob, &right), TPM_OK);
}

/* What the test above is about: without it the TPM is full. */
static void test_what_is_left_fills_a_tpm(void **state) {
    struct fixture *fixture = *state;
    struct tpm_blob blob;
    seal(fixture, &right, &blob);
    for (unsigned i = 0; i < 3; i++) {
        memset(&fixture->tpm, 0, sizeof(fixture->tpm));
        use(fixture);
        enum tpm_error error = unseal(fixture, &blob, &right);
        assert_true(error == TPM_OK || error == TPM_FULL);
    }
    assert_int_equal(unseal(fixture, &blob, &right), TPM_FULL);
    memset(&fixture->tpm, 0, sizeof(fixture->tpm));
    use(fixture);
    assert_int_equal(tpm_flush_left(&fixture->tpm), TPM_OK);
    assert_int_equal(unseal(fixture, &blob, &right), TPM_OK);
}

static void test_without_random_numbers(void **state) {
    struct fixture *fixture = *state;
    struct tpm_blob blob;
    fixture->tpm.random = NULL;
    assert_int_equal(tpm_seal(&fixture->tpm, NULL, secret, &blob), TPM_NO_RANDOM);
    assert_int_equal(lockout_of(fixture).failures, 0);
}

static void test_tpm_that_went_away(void **state) {
    struct fixture *fixture = *state;
    struct tpm_blob blob;
    seal(fixture, NULL, &blob);
    swtpm_restart(&fixture->swtpm); // and nobody opened it again: it has neither parent nor session any more
    assert_int_equal(unseal(fixture, &blob, NULL), TPM_REFUSED);
}

#define TPM_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TPM_TEST(test_seal_and_unseal),
        TPM_TEST(test_many_in_one_use),
        TPM_TEST(test_longest_authorisation_value),
        TPM_TEST(test_authorisation_value_with_zeros),
        TPM_TEST(test_wrong_value_counts_down),
        TPM_TEST(test_locked_for_all_but_what_has_no_value),
        TPM_TEST(test_restart_does_not_unlock),
        TPM_TEST(test_time_unlocks),
        TPM_TEST(test_end_in_order_costs_no_attempt),
        TPM_TEST(test_guarded_lockout),
        TPM_TEST(test_other_tpm),
        TPM_TEST(test_cleared_tpm),
        TPM_TEST(test_owned_tpm),
        TPM_TEST(test_altered_blob),
        TPM_TEST(test_counter_goes_up),
        TPM_TEST(test_removed_counter_does_not_begin_again),
        TPM_TEST(test_something_else_at_the_counters_place),
        TPM_TEST(test_counter_whose_making_was_cut_off),
        TPM_TEST(test_room_for_counters_ends),
        TPM_TEST(test_random_bytes),
        TPM_TEST(test_what_it_is),
        TPM_TEST(test_nothing_secret_on_the_bus),
        TPM_TEST(test_attempts_that_are_cut_off_fill_nothing),
        TPM_TEST(test_what_is_left_fills_a_tpm),
        TPM_TEST(test_without_random_numbers),
        TPM_TEST(test_tpm_that_went_away),
    };

    if (!swtpm_is_there()) {
        puts("swtpm is not installed; scripts/setup installs it");
        return 77; // ctest's sign for a test that was skipped
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
