// SPDX-License-Identifier: BSD-3-Clause
// Power cuts at every write and every raise of the counter, torn writes too, and every older state put back: no
// challenge is ever accepted twice, an unclean stop costs one resynchronisation at most, and no PIN is tried for free.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pseudorandom.h"
#include "usim_fixture.h"

enum { ACCEPTED_MAX = 400, STATES_MAX = 400 };

/* What a network and a thief know: every challenge that was accepted, and every state of the storage that there was. */
static struct {
    uint64_t accepted[ACCEPTED_MAX];
    size_t accepted_count;
    uint8_t copies[STATES_MAX][USIM_COPIES][USIM_RECORD_SIZE];
    size_t state_count;
    uint64_t next; /* SEQ of the network */
    unsigned resynchronised;
} world;

static struct usim_fixture fixture;
static const uint8_t rand_bytes[16] = {1, 2, 3};

static void remember_storage(void) {
    if (world.state_count < STATES_MAX)
        memcpy(world.copies[world.state_count++], fixture.memory.copies, sizeof(fixture.memory.copies));
}

/* @return the status word; accepted: RES was given */
static unsigned present(uint64_t sqn, bool *accepted) {
    uint8_t autn[16], response[USIM_RESPONSE_MAX];
    size_t size = 0;
    usim_network_challenge(&fixture.card.profile.secret, rand_bytes, sqn, autn);
    unsigned sw = usim_authenticate(&fixture.card, rand_bytes, autn, response, &size);
    *accepted = sw == 0x9000 && response[0] == 0xdb;
    return sw;
}

static void note_accepted(uint64_t sqn) {
    for (size_t i = 0; i < world.accepted_count; i++)
        assert_true(world.accepted[i] != sqn);
    assert_true(world.accepted_count < ACCEPTED_MAX);
    world.accepted[world.accepted_count++] = sqn;
}

/* All that was ever accepted is presented again. */
static void replay_all(void) {
    for (size_t i = 0; i < world.accepted_count; i++) {
        bool accepted = true;
        (void)present(world.accepted[i], &accepted);
        assert_false(accepted);
    }
}

/* The network's next challenges, of which any may be far ahead; it takes over SQN_MS when it is told. */
static void go_on(struct pseudorandom *random, unsigned count) {
    for (unsigned i = 0; i < count && !fixture.card.store.failed; i++) {
        bool accepted = false;
        world.next += pseudorandom_below(random, 2) == 0 ? 1500 : 1;
        uint64_t sqn = world.next << 5 | pseudorandom_below(random, 32);
        unsigned sw = present(sqn, &accepted);
        if (accepted)
            note_accepted(sqn);
        else if (sw == 0x9000) {
            world.next = aka_sqn_ms(&fixture.card.state.array) >> 5;
            world.resynchronised++;
        }
        remember_storage();
    }
}

static void without_pin(struct usim_profile *profile) { profile->pins[0].enabled = false; }

static void begin(void (*change)(struct usim_profile *profile)) {
    memset(&world, 0, sizeof(world));
    usim_fixture_open(&fixture, change);
    usim_begin(&fixture.card);
    remember_storage();
}

/* May be cut, too. */
static void close_card(void) {
    bool closed = usim_card_close(&fixture.card) == USIM_OK;
    (void)closed;
}

static void power(unsigned allowed, bool torn) {
    fixture.memory.writes = 0;
    fixture.memory.allowed = allowed;
    fixture.memory.torn = torn;
}

/* A session that is cut after so many writes, then one that is not. @return whether it was cut at all */
static bool cut_after(unsigned writes, bool torn, bool clean, uint64_t seed) {
    struct pseudorandom random = {seed};
    begin(NULL);
    go_on(&random, 5);
    power(writes, torn);
    go_on(&random, 12);
    if (clean && !fixture.card.store.failed)
        close_card();
    bool cut = fixture.memory.writes > writes;
    remember_storage();
    power(UINT32_MAX, false);
    world.resynchronised = 0;
    assert_int_equal(usim_fixture_restart(&fixture), USIM_OK);
    usim_begin(&fixture.card);
    replay_all();
    go_on(&random, 6);
    assert_true(world.resynchronised <= 1);
    replay_all();
    return cut;
}

static void test_cut_everywhere(void **state) {
    (void)state;
    for (unsigned variant = 0; variant < 4; variant++) {
        unsigned writes = 0;
        while (cut_after(writes, (variant & 1) != 0, (variant & 2) != 0, variant))
            writes++;
        assert_true(writes >= 4);
    }
}

/* The opening itself is cut, again and again, before one goes through. */
static void test_cut_while_opening(void **state) {
    struct pseudorandom random = {3};
    (void)state;
    begin(NULL);
    go_on(&random, 5);
    for (unsigned round = 0; round < 40; round++) {
        power((unsigned)pseudorandom_below(&random, 4), pseudorandom_below(&random, 2) == 0);
        if (usim_fixture_restart(&fixture) != USIM_OK) {
            remember_storage();
            continue;
        }
        power(UINT32_MAX, false);
        usim_begin(&fixture.card);
        go_on(&random, 3);
        replay_all();
    }
    power(UINT32_MAX, false);
    assert_int_equal(usim_fixture_restart(&fixture), USIM_OK);
}

/* Every copy that there ever was beside every other: it is refused, or accepts nothing again. */
static void put_back(size_t first, size_t second) {
    uint64_t count = fixture.memory.count;
    struct usim_memory now = fixture.memory;
    memcpy(fixture.memory.copies[0], world.copies[first][0], USIM_RECORD_SIZE);
    memcpy(fixture.memory.copies[1], world.copies[second][1], USIM_RECORD_SIZE);
    enum usim_error error = usim_fixture_restart(&fixture);
    if (error == USIM_OK) {
        usim_begin(&fixture.card);
        replay_all();
    } else {
        assert_int_equal(error, USIM_ROLLED_BACK);
    }
    fixture.memory = now;
    assert_true(fixture.memory.count == count);
}

static void test_older_states(void **state) {
    struct pseudorandom random = {4};
    (void)state;
    begin(NULL);
    for (unsigned round = 0; round < 12; round++) {
        go_on(&random, 4);
        power((unsigned)pseudorandom_below(&random, 6), pseudorandom_below(&random, 2) == 0);
        go_on(&random, 4);
        if (!fixture.card.store.failed && pseudorandom_below(&random, 2) == 0)
            close_card();
        remember_storage();
        power(UINT32_MAX, false);
        assert_int_equal(usim_fixture_restart(&fixture), USIM_OK);
        usim_begin(&fixture.card);
        remember_storage();
    }
    size_t last = world.state_count - 1;
    for (size_t i = 0; i <= last; i++) {
        put_back(i, i);
        put_back(i, last);
        put_back(last, i);
        put_back(i, pseudorandom_below(&random, last));
    }
}

/* As a thief would: puts a state back at any time, goes on from it where that works, and keeps what comes of it. */
static void test_forks(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 30; seed++) {
        struct pseudorandom random = {seed};
        begin(without_pin);
        for (unsigned round = 0; round < 25; round++) {
            if (pseudorandom_below(&random, 3) == 0) {
                size_t back = world.state_count - 1 - pseudorandom_below(&random, world.state_count < 6 ? 1 : 5);
                memcpy(fixture.memory.copies[0], world.copies[back][0], USIM_RECORD_SIZE);
                memcpy(fixture.memory.copies[1], world.copies[back][1], USIM_RECORD_SIZE);
            }
            power(pseudorandom_below(&random, 2) == 0 ? UINT32_MAX : (unsigned)pseudorandom_below(&random, 5), false);
            if (usim_fixture_restart(&fixture) == USIM_OK) {
                usim_begin(&fixture.card);
                go_on(&random, (unsigned)pseudorandom_below(&random, 3) + 1);
                replay_all();
                if (!fixture.card.store.failed && pseudorandom_below(&random, 3) == 0)
                    close_card();
            }
            remember_storage();
            if (world.accepted_count > ACCEPTED_MAX - 10 || world.state_count >= STATES_MAX)
                break;
        }
    }
}

/* ---- PINs */

static unsigned wrong_pin(void) {
    uint8_t response[USIM_RESPONSE_MAX];
    size_t size = 0;
    return usim_exchange_hex(&fixture.card, "002000010830303030ffffffff", response, &size);
}

/* Whoever cuts the power before the answer, or right after, has no try more. */
static void test_pin_tries(void **state) {
    (void)state;
    for (unsigned writes = 0; writes < 3; writes++) {
        unsigned tried = 0;
        begin(NULL);
        for (unsigned round = 0; round < 20; round++) {
            power(writes, true);
            unsigned sw = wrong_pin();
            tried += (sw & 0xfff0) == 0x63c0;
            assert_true((sw & 0xfff0) == 0x63c0 || sw == 0x6581 || sw == 0x6983);
            power(UINT32_MAX, false);
            assert_int_equal(usim_fixture_restart(&fixture), USIM_OK);
        }
        assert_int_equal(tried, writes < 2 ? 0 : USIM_PIN_TRIES);
    }
}

static void test_pin_put_back(void **state) {
    (void)state;
    begin(NULL);
    for (unsigned round = 0; round < 3; round++)
        (void)wrong_pin();
    assert_int_equal(wrong_pin(), 0x6983);
    memcpy(fixture.memory.copies, world.copies[0], sizeof(fixture.memory.copies));
    assert_int_equal(usim_fixture_restart(&fixture), USIM_ROLLED_BACK);
}

/* Another generation's or another USIM's state is none of this profile. */
static void test_other_profile(void **state) {
    struct usim_profile *profile = &fixture.card.profile;
    uint8_t copies[USIM_COPIES][USIM_RECORD_SIZE];
    size_t size = 0;
    (void)state;
    begin(NULL);
    profile->generation = 2;
    memcpy(copies, fixture.memory.copies, sizeof(copies));
    assert_int_equal(usim_profile_write(profile, fixture.encoded, sizeof(fixture.encoded), &size), USIM_OK);
    fixture.encoded_size = size;
    assert_int_equal(usim_fixture_restart(&fixture), USIM_OTHER_PROFILE);
    assert_memory_equal(fixture.memory.copies, copies, sizeof(copies));
    memset(fixture.memory.copies, 0, sizeof(copies));
    assert_int_equal(usim_fixture_restart(&fixture), USIM_NO_STATE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_everywhere), cmocka_unit_test(test_cut_while_opening),
        cmocka_unit_test(test_older_states),   cmocka_unit_test(test_forks),
        cmocka_unit_test(test_pin_tries),      cmocka_unit_test(test_pin_put_back),
        cmocka_unit_test(test_other_profile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
