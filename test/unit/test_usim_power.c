// SPDX-License-Identifier: BSD-3-Clause
// Power cuts at every write, also of what is remembered elsewhere, torn writes too, and every older state put back: no
// challenge is ever accepted twice, a clean stop costs nothing and an unclean one a resynchronisation at most, and no
// PIN is tried for free.
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
static size_t refused;
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

static void other_card(struct usim_profile *profile) {
    without_pin(profile);
    profile->iccid[17] = '7';
    profile->iccid[18] = usim_iccid_check_digit(profile->iccid);
}

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
static bool cut_after(unsigned writes, bool torn, bool clean, bool alone, uint64_t seed) {
    struct pseudorandom random = {seed};
    begin(NULL);
    if (alone)
        assert_int_equal(usim_fixture_leave(&fixture), USIM_OK);
    usim_begin(&fixture.card);
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
    for (unsigned variant = 0; variant < 8; variant++) {
        unsigned writes = 0;
        while (cut_after(writes, (variant & 1) != 0, (variant & 2) != 0, (variant & 4) != 0, variant))
            writes++;
        assert_true(writes >= 2);
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
    const struct usim_memory now = fixture.memory;
    const struct usim_anchor anchor = fixture.anchor;
    memcpy(fixture.memory.copies[0], world.copies[first][0], USIM_RECORD_SIZE);
    memcpy(fixture.memory.copies[1], world.copies[second][1], USIM_RECORD_SIZE);
    enum usim_error error = usim_fixture_restart(&fixture);
    if (error == USIM_OK) {
        usim_begin(&fixture.card);
        replay_all();
    } else {
        assert_true(error == USIM_ROLLED_BACK || error == USIM_NO_STATE);
    }
    refused += error != USIM_OK;
    fixture.memory = now;
    fixture.anchor = anchor;
}

static void test_older_states(void **state) {
    struct pseudorandom random = {4};
    (void)state;
    begin(NULL);
    refused = 0;
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
    assert_true(refused > last && refused < 4 * last);
}

/* As a thief would: puts a state back at any time, goes on from it where that works, and keeps what comes of it. */
static void test_forks(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 30; seed++) {
        struct pseudorandom random = {seed};
        begin(without_pin);
        for (unsigned round = 0; round < 25; round++) {
            const struct usim_memory genuine = fixture.memory;
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
            } else {
                memcpy(fixture.memory.copies, genuine.copies, sizeof(genuine.copies));
            }
            remember_storage();
            if (world.accepted_count > ACCEPTED_MAX - 10 || world.state_count >= STATES_MAX)
                break;
        }
    }
}

/* After a clean stop the next challenge is taken, whatever the IND, and no SEQ is skipped; after another one AUTS says
 * where to go on, once. */
static void test_stops(void **state) {
    (void)state;
    for (unsigned clean = 0; clean < 2; clean++) {
        begin(without_pin);
        for (unsigned round = 0; round < 4; round++) {
            uint64_t high = world.next += 100;
            bool accepted = false;
            (void)present(high << 5 | 1, &accepted);
            assert_true(accepted);
            (void)present((high - 50) << 5 | 2, &accepted);
            assert_true(accepted);
            if (clean != 0)
                close_card();
            assert_int_equal(usim_fixture_restart(&fixture), USIM_OK);
            usim_begin(&fixture.card);
            (void)present((high - 50) << 5 | 2, &accepted);
            assert_false(accepted);
            (void)present((high - 49) << 5 | 2, &accepted);
            assert_int_equal(accepted, clean);
            world.next = aka_sqn_ms(&fixture.card.state.array) >> 5;
            assert_int_equal(world.next == high, clean);
        }
    }
}

/* What the loader left ready, or a clean stop's state of an earlier power-on, is no clean stop's of the last one. */
static void test_a_whole_state_that_is_not_the_last(void **state) {
    bool accepted = false;
    (void)state;
    for (unsigned stopped = 0; stopped < 2; stopped++) {
        begin(without_pin);
        close_card();
        remember_storage();
        assert_int_equal(usim_fixture_restart(&fixture), USIM_OK);
        usim_begin(&fixture.card);
        struct usim_memory ready = fixture.memory;
        memset(ready.copies[fixture.card.store.newest], 0xff, USIM_RECORD_SIZE);
        (void)present(UINT64_C(7) << 5, &accepted);
        assert_true(accepted);
        memcpy(fixture.memory.copies, stopped != 0 ? world.copies[world.state_count - 1] : ready.copies,
               sizeof(ready.copies));
        assert_int_equal(usim_fixture_restart(&fixture), stopped != 0 ? USIM_ROLLED_BACK : USIM_OK);
        if (stopped == 0) {
            usim_begin(&fixture.card);
            (void)present(UINT64_C(7) << 5, &accepted);
            assert_false(accepted);
        }
    }
}

/* A network that jumps beyond what the power-on may take is told where to go on, and taken at its word in the next one.
 */
static void test_a_jump_beyond_the_limit(void **state) {
    const uint64_t far = USIM_RESERVE + 5;
    (void)state;
    for (unsigned variant = 0; variant < 4; variant++) {
        unsigned clean = variant & 1, near = variant >> 1;
        bool accepted = true;
        begin(without_pin);
        assert_int_equal(present(far << 5, &accepted), 0x9000);
        assert_false(accepted);
        /* Whoever sends it again and again does not wear out the flash. */
        const uint64_t number = fixture.card.state.number;
        assert_int_equal(present(far << 5, &accepted), 0x9000);
        assert_true(fixture.card.state.number == number);
        (void)present(UINT64_C(1) << 5, &accepted);
        assert_true(accepted);
        if (near != 0) {
            (void)present(USIM_RESERVE << 5, &accepted);
            assert_true(accepted);
        }
        assert_int_equal(present(far << 5, &accepted), 0x9000);
        assert_false(accepted);
        if (clean != 0)
            close_card();
        assert_int_equal(usim_fixture_restart(&fixture), USIM_OK);
        usim_begin(&fixture.card);
        (void)present(USIM_RESERVE << 5, &accepted);
        assert_int_equal(accepted, clean != 0 && near == 0);
        (void)present((far + 1 - clean) << 5, &accepted);
        assert_true(accepted);
    }
}

/* Each power-on may take half of what is reserved at least, and all of it where less is left. */
static void test_how_far_a_power_on_may_go(void **state) {
    const uint64_t half = USIM_RESERVE / 2;
    bool accepted = false;
    (void)state;
    begin(without_pin);
    assert_true(fixture.anchor.limit == USIM_RESERVE);
    /* So many are taken before anything is written. */
    const uint64_t number = fixture.card.state.number;
    (void)present(USIM_AHEAD << 5, &accepted);
    assert_true(accepted && fixture.card.state.number == number);
    (void)present((USIM_AHEAD + 1) << 5, &accepted);
    assert_true(accepted && fixture.card.state.number == number + 1);
    for (uint64_t seq = half; seq <= half + 1; seq++) {
        (void)present(seq << 5, &accepted);
        assert_true(accepted);
        close_card();
        assert_int_equal(usim_fixture_restart(&fixture), USIM_OK);
        assert_true(fixture.anchor.limit == (seq == half ? USIM_RESERVE : seq + USIM_RESERVE));
        usim_begin(&fixture.card);
    }
}

/* ---- A profile that was handed on */

static void handed_on(struct usim_profile *profile) {
    without_pin(profile);
    for (size_t ind = 0; ind < AKA_INDS; ind++)
        profile->array.seq[ind] = 5000 + 3 * ind;
}

/* What its last holder accepted is known, entry by entry; after an unclean stop before the first challenge, too. */
static void test_an_array_comes_with_the_profile(void **state) {
    (void)state;
    for (unsigned clean = 0; clean < 2; clean++) {
        bool accepted = true;
        begin(handed_on);
        assert_int_equal(usim_fixture_leave(&fixture), USIM_OK);
        if (clean != 0)
            close_card();
        assert_int_equal(usim_fixture_restart(&fixture), USIM_OK);
        usim_begin(&fixture.card);
        for (uint64_t ind = 0; ind < AKA_INDS; ind++) {
            (void)present((5000 + 3 * ind) << 5 | ind, &accepted);
            assert_false(accepted);
            (void)present((5001 + 3 * ind) << 5 | ind, &accepted);
            assert_int_equal(accepted, clean);
        }
    }
}

/* A card that is made where nothing else is remembered is used at once, without a resynchronisation. */
static void test_a_new_card_has_its_array(void **state) {
    (void)state;
    begin(handed_on);
    assert_int_equal(usim_fixture_leave(&fixture), USIM_OK);
    for (uint64_t ind = 0; ind < AKA_INDS; ind++)
        assert_true(fixture.card.state.array.seq[ind] == 5000 + 3 * ind);
    assert_int_equal(fixture.card.state.stage, USIM_IN_USE);
}

/* ---- Storage that forgets */

/* Each power-on costs one resynchronisation and is beyond all before it; the first one costs none. */
static void test_nothing_outlives_the_power_off(void **state) {
    struct pseudorandom random = {6};
    (void)state;
    begin(without_pin);
    usim_fixture_open(&fixture, without_pin);
    fixture.anchor = (struct usim_anchor){.issue = 0};
    fixture.forgets = true;
    for (unsigned round = 0; round < 20; round++) {
        uint8_t response[USIM_RESPONSE_MAX];
        size_t size = 0;
        assert_int_equal(usim_fixture_restart(&fixture), USIM_OK);
        assert_int_equal(usim_exchange_hex(&fixture.card, "00a4040c07a0000000871002", response, &size), 0x9000);
        replay_all();
        world.resynchronised = 0;
        go_on(&random, 6);
        assert_true(world.resynchronised <= (round == 0 ? 0 : 1));
        replay_all();
        /* No PIN: neither verified, enabled nor unblocked. */
        assert_int_equal(usim_exchange_hex(&fixture.card, "002000810835363738ffffffff", response, &size), 0x6983);
        assert_int_equal(usim_exchange_hex(&fixture.card, "002800010831323334ffffffff", response, &size), 0x6983);
        assert_int_equal(
            usim_exchange_hex(&fixture.card, "002c000110313233343536373831323334ffffffff", response, &size), 0x6983);
        if (round % 2 == 0)
            close_card();
    }
    usim_fixture_change(&fixture, NULL);
    assert_int_equal(usim_fixture_restart(&fixture), USIM_PIN_NOT_KEPT);
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
    for (unsigned writes = 0; writes < 2; writes++) {
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
        assert_int_equal(tried, writes == 0 ? 0 : USIM_PIN_TRIES);
    }
}

/* The unblocking key's ten tries are ten over any number of restarts, and then the right one is of no use, either. */
static void test_puk_tries(void **state) {
    static const char wrong[] = "002c000110 3939393939393939 31323334ffffffff";
    static const char right[] = "002c000110 3132333435363738 31323334ffffffff";
    uint8_t response[USIM_RESPONSE_MAX];
    size_t size = 0;
    (void)state;
    begin(NULL);
    for (unsigned left = USIM_PUK_TRIES; left-- > 0;) {
        assert_int_equal(usim_exchange_hex(&fixture.card, wrong, response, &size), 0x63c0 | left);
        power(0, true);
        (void)usim_exchange_hex(&fixture.card, wrong, response, &size);
        power(UINT32_MAX, false);
        assert_int_equal(usim_fixture_restart(&fixture), USIM_OK);
    }
    assert_int_equal(usim_exchange_hex(&fixture.card, right, response, &size), 0x6983);
    assert_int_equal(usim_exchange_hex(&fixture.card, "002c000100", response, &size), 0x63c0);
}

static void test_pin_put_back(void **state) {
    (void)state;
    begin(NULL);
    for (unsigned round = 0; round < 3; round++)
        (void)wrong_pin();
    assert_int_equal(wrong_pin(), 0x6983);
    assert_int_equal(usim_fixture_restart(&fixture), USIM_OK);
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

/* The same where nothing else is remembered: nothing of the other card's is given out. */
static void test_other_profile_alone(void **state) {
    static const struct usim_state none;
    (void)state;
    begin(without_pin);
    assert_int_equal(usim_fixture_leave(&fixture), USIM_OK);
    usim_fixture_change(&fixture, other_card);
    assert_int_equal(usim_fixture_restart(&fixture), USIM_OTHER_PROFILE);
    assert_memory_equal(&fixture.card.state, &none, sizeof(none));
}

/* A record that is authentic and not as it must be, of a later format perhaps, is none. */
static void test_a_record_that_is_none(void **state) {
    static uint8_t plain[USIM_RECORD_SIZE - SEAL_OVERHEAD];
    (void)state;
    begin(without_pin);
    close_card();
    memset(plain, 0, sizeof(plain));
    for (unsigned copy = 0; copy < USIM_COPIES; copy++) {
        uint8_t key[SEAL_KEY_SIZE];
        memset(key, 7, sizeof(key));
        assert_int_equal(usim_seal(key, SEAL_STATE, plain, sizeof(plain), fixture.memory.copies[copy]), USIM_OK);
        plain[1] = 1; /* an item that is no array */
    }
    assert_int_equal(usim_fixture_restart(&fixture), USIM_NO_STATE);
}

/* An earlier issue is refused whatever is put back with it, and one that is new begins beyond all that was accepted. */
static void test_issues(void **state) {
    static struct usim_memory first;
    bool accepted = false;
    (void)state;
    begin(without_pin);
    (void)present(UINT64_C(9) << 5, &accepted);
    assert_true(accepted);
    note_accepted(UINT64_C(9) << 5);
    first = fixture.memory;
    fixture.card.state.gba.ks_size = GBA_KS_MAX;
    close_card();
    fixture.issue = 2;
    usim_fixture_change(&fixture, other_card);
    assert_int_equal(usim_fixture_restart(&fixture), USIM_OK);
    assert_int_equal(fixture.card.state.gba.ks_size, 0); /* the other card's keys are not this one's */
    fixture.issue = 1;
    usim_fixture_change(&fixture, without_pin);
    assert_int_equal(usim_fixture_restart(&fixture), USIM_REPLACED);
    /* What is remembered elsewhere was put back alone: the state tells; then the state alone. */
    const struct usim_anchor now = fixture.anchor;
    fixture.anchor = (struct usim_anchor){.issue = 1, .start = 1};
    assert_int_equal(usim_fixture_restart(&fixture), USIM_REPLACED);
    fixture.anchor = now;
    memcpy(fixture.memory.copies, first.copies, sizeof(first.copies));
    assert_int_equal(usim_fixture_restart(&fixture), USIM_REPLACED);
    fixture.issue = 2;
    assert_int_equal(usim_fixture_restart(&fixture), USIM_ROLLED_BACK);
    fixture.issue = 3;
    assert_int_equal(usim_fixture_restart(&fixture), USIM_OK);
    usim_begin(&fixture.card);
    replay_all();
}

/* The flash is a log: a power cut in an erasure may leave of a block what was written to it long ago, by the card that
 * was replaced, too. It is older than whatever the new card wrote. */
static void test_records_of_a_card_that_was_replaced(void **state) {
    bool accepted = false;
    (void)state;
    begin(without_pin);
    for (uint64_t seq = 1; seq < 20; seq++)
        (void)present((seq * 2 * USIM_AHEAD) << 5, &accepted);
    const struct usim_memory old = fixture.memory;
    fixture.issue = 2;
    usim_fixture_change(&fixture, other_card);
    for (unsigned copy = 0; copy < USIM_COPIES; copy++) {
        assert_int_equal(usim_fixture_restart(&fixture), USIM_OK);
        memcpy(fixture.memory.copies[1 - fixture.card.store.newest], old.copies[copy], USIM_RECORD_SIZE);
    }
    assert_int_equal(usim_fixture_restart(&fixture), USIM_OK);
}

/* A challenge whose acceptance could not be stored may come again: nothing is derived from it, not later either. */
static void test_no_keys_of_what_was_not_stored(void **state) {
    uint8_t command[45] = {0x00, 0x88, 0x00, 0x84, 35, 0xdd, 16}, autn[16], response[USIM_RESPONSE_MAX];
    size_t size = 0;
    (void)state;
    begin(NULL);
    memcpy(command + 7, rand_bytes, 16);
    command[23] = 16;
    usim_network_challenge(&fixture.card.profile.secret, rand_bytes, UINT64_C(5) << 5, autn);
    assert_true(gba_unmark(&fixture.card.profile.secret, rand_bytes, autn, command + 24)); /* marks as well */
    power(0, false);
    assert_int_equal(usim_exchange(&fixture.card, command, 40, response, &size), 0x6581);
    assert_int_equal(usim_exchange_hex(&fixture.card, "0088008411de084e414631323334350642524f415448", response, &size),
                     0x6581);
    assert_int_equal(size, 0);
    power(UINT32_MAX, false);
    assert_int_equal(usim_fixture_restart(&fixture), USIM_OK);
    usim_begin(&fixture.card);
    assert_int_equal(usim_exchange_hex(&fixture.card, "0088008411de084e414631323334350642524f415448", response, &size),
                     0x6985);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_everywhere),
        cmocka_unit_test(test_cut_while_opening),
        cmocka_unit_test(test_older_states),
        cmocka_unit_test(test_forks),
        cmocka_unit_test(test_stops),
        cmocka_unit_test(test_a_whole_state_that_is_not_the_last),
        cmocka_unit_test(test_a_jump_beyond_the_limit),
        cmocka_unit_test(test_how_far_a_power_on_may_go),
        cmocka_unit_test(test_an_array_comes_with_the_profile),
        cmocka_unit_test(test_a_new_card_has_its_array),
        cmocka_unit_test(test_nothing_outlives_the_power_off),
        cmocka_unit_test(test_pin_tries),
        cmocka_unit_test(test_puk_tries),
        cmocka_unit_test(test_pin_put_back),
        cmocka_unit_test(test_other_profile),
        cmocka_unit_test(test_other_profile_alone),
        cmocka_unit_test(test_a_record_that_is_none),
        cmocka_unit_test(test_issues),
        cmocka_unit_test(test_records_of_a_card_that_was_replaced),
        cmocka_unit_test(test_no_keys_of_what_was_not_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
