// SPDX-License-Identifier: BSD-3-Clause
// What a hostile persona may try with commands: to find what another one's session left, to learn of secrets by reading
// alone, to wear the flash out, and to keep the card busy.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "files.h"
#include "hex.h"
#include "pseudorandom.h"
#include "usim/port.h"
#include "usim_fixture.h"

enum { COMMAND_MAX = 300, WRITES_OF_ONE = 2 };

struct reader {
    struct usim_fixture fixture;
    struct usim_port port;
    struct usim_port_user user;
    struct usim_port_wear wear;
    uint8_t answer[USIM_PORT_ANSWER_MAX];
    size_t size;
};

static struct reader one, other;
static const uint8_t rand_bytes[16] = {7};

static void open_reader(struct reader *reader, void (*change)(struct usim_profile *profile), enum usim_access access) {
    memset(reader, 0, sizeof *reader);
    usim_fixture_open(&reader->fixture, change);
    usim_card_power_off(&reader->fixture.card);
    reader->port.card = &reader->fixture.card;
    reader->user = (struct usim_port_user){true, access, 1, &reader->wear, 1000};
}

static unsigned ask(struct reader *reader, const uint8_t *message, size_t size) {
    memset(reader->answer, 0, sizeof reader->answer);
    reader->size = usim_port_answer(&reader->port, &reader->user, message, size, reader->answer);
    if (reader->size < 3)
        return reader->answer[0];
    return (unsigned)reader->answer[reader->size - 2] << 8 | reader->answer[reader->size - 1];
}

static unsigned ask_hex(struct reader *reader, const char *digits) {
    uint8_t bytes[COMMAND_MAX];
    return ask(reader, bytes, from_hex(digits, bytes));
}

static void turn_on(struct reader *reader) {
    (void)ask_hex(reader, "01");
    assert_int_equal(reader->answer[0], USIM_PORT_OK);
}

static size_t challenge(const struct reader *reader, uint64_t seq, uint8_t *command) {
    static const uint8_t head[] = {0x00, 0x88, 0x00, 0x81, 34, 16};
    memcpy(command, head, sizeof head);
    memcpy(command + 6, rand_bytes, 16);
    command[22] = 16;
    usim_network_challenge(&reader->fixture.card.profile.secret, rand_bytes, seq << 5, command + 23);
    return 39;
}

/* ---- Commands: half of them such as terminals send, in any order */

static size_t named(struct pseudorandom *random, uint8_t *command) {
    static const char *const usual[] = {
        "00a4040c07a0000000871002",
        "002000010831323334ffffffff",
        "002000810835363738ffffffff",
        "0024000110 31323334ffffffff 31323334ffffffff",
        "0026000108 31323334ffffffff",
        "0028000108 31323334ffffffff",
        "002c000110 3132333435363738 31323334ffffffff",
        "0070000001",
        "00708001",
        "00708002",
        "80f2000000",
        "80f2000100",
        "8010000003ffffff",
        "801200000b",
        "801400000c810301040002028281030100",
        "8078000137",
        "008800801110 23553cbe9637a89d218ae64dae47bf35",
        "008800840cde06010203040506 03616263",
        "8032000003000001",
        "00c0000000",
        "00a2010401ff",
        "00a20004020000",
    };
    return from_hex(usual[pseudorandom_below(random, sizeof usual / sizeof usual[0])], command);
}

static size_t select_any(struct pseudorandom *random, uint8_t *command) {
    const struct file *file = file_at((int)pseudorandom_below(random, (unsigned)file_count));
    const uint16_t id = file->id == FID_ADF_USIM ? FID_CURRENT_ADF : file->id;
    memcpy(command, "\x00\xa4\x00\x0c\x02", 5);
    command[5] = (uint8_t)(id >> 8);
    command[6] = (uint8_t)id;
    return 7;
}

static size_t use_any(struct pseudorandom *random, uint8_t *command) {
    static const uint8_t instructions[] = {0xb0, 0xb2, 0xd6, 0xdc, 0xa2};
    const uint8_t sfi = (uint8_t)pseudorandom_below(random, 32), record = (uint8_t)pseudorandom_below(random, 5);
    const uint8_t ins = instructions[pseudorandom_below(random, sizeof instructions)];
    bool by_record = ins == 0xb2 || ins == 0xdc || ins == 0xa2, by_sfi = pseudorandom_below(random, 2) == 0;
    memset(command, (int)pseudorandom_below(random, 256), COMMAND_MAX);
    command[0] = 0;
    command[1] = ins;
    command[2] = by_record ? record : (uint8_t)(by_sfi ? 0x80 | sfi : 0);
    command[3] = (uint8_t)(by_record ? (by_sfi ? sfi << 3 : 0) | (record == 0 ? 2 : 4) : 0);
    command[4] = (uint8_t)(ins == 0xb0 || ins == 0xb2 ? 0 : 1 + pseudorandom_below(random, 60));
    return (size_t)5 + command[4];
}

static size_t anything(struct pseudorandom *random, uint8_t *command) {
    size_t size = 4 + pseudorandom_below(random, 50);
    for (size_t i = 0; i < size; i++)
        command[i] = (uint8_t)(pseudorandom_next(random) >> 17);
    command[0] &= 0x83;
    command[4] = (uint8_t)(size > 5 ? size - 5 : command[4]);
    return size;
}

static size_t any_command(struct pseudorandom *random, uint8_t *command) {
    static size_t (*const makers[])(struct pseudorandom *, uint8_t *) = {named,   select_any, select_any, use_any,
                                                                         use_any, anything,   use_any};
    size_t size = makers[pseudorandom_below(random, sizeof makers / sizeof makers[0])](random, command);
    if (pseudorandom_below(random, 8) == 0)
        command[0] = (uint8_t)((command[0] & 0x80) | pseudorandom_below(random, 4));
    return size;
}

/* What the status word asks for: the same with the right length, or GET RESPONSE. @return its size; 0: nothing */
static size_t follow(const struct reader *reader, unsigned sw, uint8_t *command) {
    if (sw >> 8 == 0x6c)
        command[4] = reader->answer[reader->size - 1];
    else if (sw >> 8 == 0x61)
        memcpy(command, (const uint8_t[]){command[0] & 3, 0xc0, 0, 0, reader->answer[reader->size - 1]}, 5);
    return sw >> 8 == 0x6c || sw >> 8 == 0x61 ? 5 : 0;
}

/* ---- After a flip */

/* @return whether bytes are somewhere in what the card keeps, but for those of its profile and state that may have them
 */
static bool is_kept(const struct reader *reader, const uint8_t *bytes, size_t size) {
    const uint8_t *start = (const uint8_t *)&reader->fixture.card;
    for (size_t at = 0; at + size <= sizeof reader->fixture.card; at++)
        if (memcmp(start + at, bytes, size) == 0)
            return true;
    return false;
}

/* A session that leaves as much as it can: an answer that waits, channels, files and records, PINs, a wish. */
static void leave_much(struct reader *reader) {
    uint8_t command[COMMAND_MAX];
    turn_on(reader);
    assert_int_equal(ask_hex(reader, "8010000003ffffff"), 0x910b);
    assert_int_equal(ask_hex(reader, "801200000b"), 0x9000);
    assert_int_equal(ask_hex(reader, "002000010831323334ffffffff"), 0x9000);
    assert_int_equal(ask_hex(reader, "002000810835363738ffffffff"), 0x9000);
    for (unsigned i = 1; i < USIM_CHANNELS; i++)
        assert_int_equal(ask_hex(reader, "0070000001"), 0x9000);
    assert_int_equal(ask_hex(reader, "00a4040c07a0000000871002"), 0x9000);
    assert_int_equal(ask_hex(reader, "02a4040c07a0000000871002"), 0x9000);
    assert_int_equal(ask_hex(reader, "02b2010c08"), 0x9000);
    assert_int_equal(ask_hex(reader, "00b0880021"), 0x9000);
    assert_int_equal(ask(reader, command, challenge(reader, 10, command)), 0x6135);
}

static void test_nothing_of_a_session_is_left(void **state) {
    uint8_t bytes[3][16], command[COMMAND_MAX];
    (void)state;
    for (unsigned how = 0; how < 3; how++) {
        open_reader(&one, NULL, USIM_AUTHENTICATE);
        leave_much(&one);
        memcpy(bytes[0], one.fixture.card.pending + 2, 8);
        memcpy(bytes[1], one.fixture.card.pending + 11, 16);
        memcpy(bytes[2], one.fixture.card.pending + 28, 16);
        assert_true(is_kept(&one, bytes[0], 8) && is_kept(&one, bytes[1], 16) && is_kept(&one, bytes[2], 16));
        one.user.session += how == 0; /* a flip; a reset; the card was turned off */
        if (how == 2)
            (void)ask_hex(&one, "00");
        for (uint8_t channel = 0; how != 1 && channel < USIM_CHANNELS; channel++)
            assert_int_equal(ask(&one, (const uint8_t[]){channel, 0xc0, 0, 0, 0x35}, 5), USIM_PORT_IS_OFF);
        turn_on(&one);
        assert_false(is_kept(&one, bytes[0], 8) || is_kept(&one, bytes[1], 16) || is_kept(&one, bytes[2], 16));
        assert_int_equal(ask_hex(&one, "00c0000035"), 0x6985);
        assert_int_equal(ask_hex(&one, "801200000b"), 0x6985);
        assert_int_equal(ask_hex(&one, "801400000c810301040002028281030100"), 0x6985);
        assert_int_equal(ask_hex(&one, "80f2000c"), 0x9000); /* and no proactive command waits */
        for (uint8_t channel = 1; channel < USIM_CHANNELS; channel++)
            assert_int_equal(ask(&one, (const uint8_t[]){channel, 0xc0, 0, 0, 0x35}, 5), 0x6881);
        assert_int_equal(ask_hex(&one, "00b0000001"), 0x6986);
        assert_int_equal(ask_hex(&one, "80f2000100"), 0x6a88);
        assert_int_equal(ask(&one, command, challenge(&one, 11, command)), 0x6985);
        assert_int_equal(ask_hex(&one, "00a4040c07a0000000871002"), 0x9000);
        assert_int_equal(ask(&one, command, challenge(&one, 11, command)), 0x6982);
        assert_int_equal(ask_hex(&one, "00d6850001ff"), 0x6982);
        assert_int_equal(ask_hex(&one, "00b2000c08"), 0x6a83); /* no current record */
    }
}

/* ---- Who may only read */

static void other_secrets(struct usim_profile *profile) {
    for (size_t i = 0; i < 16; i++) {
        profile->secret.k[i] ^= 0x5a;
        profile->secret.opc[i] ^= 0xa5;
    }
    for (size_t i = 0; i < AKA_INDS; i++)
        profile->array.seq[i] = 1000 + i;
}

/* What sessions of somebody else left on the card. */
static void fill_in_keys(struct usim_card *card, uint8_t with) {
    for (int i = 0; i < file_count; i++)
        if (file_at(i)->keys)
            memset(card->state.files + file_offset(i), with, file_at(i)->size);
    memset(card->state.gba.ks, with, sizeof card->state.gba.ks);
    card->state.gba.ks_size = 32;
}

static bool is_at_keys(const struct usim_card *card, unsigned channel) {
    int file = card->channels[channel].file;
    return card->verified[0] && file != FILE_NONE && file_at(file)->keys;
}

/* Two cards that differ in nothing but their secrets answer whatever a reader sends with the same bytes, and their
 * state stays as it is but for the tries of the PINs. */
static void test_readers_learn_nothing(void **state) {
    static struct usim_state before;
    struct pseudorandom random = {11};
    uint8_t command[COMMAND_MAX], kept[COMMAND_MAX];
    unsigned read = 0, refused = 0;
    (void)state;
    open_reader(&one, NULL, USIM_READ_ONLY);
    open_reader(&other, other_secrets, USIM_READ_ONLY);
    fill_in_keys(&one.fixture.card, 0x77);
    fill_in_keys(&other.fixture.card, 0x33);
    turn_on(&one);
    turn_on(&other);
    before = one.fixture.card.state;
    for (unsigned i = 0; i < 20000; i++) {
        size_t size = i % 64 == 0 ? challenge(&one, 2000 + i, command) : any_command(&random, command);
        one.user.now = other.user.now += 2 * USIM_PORT_WRITE_S;
        for (unsigned sw = 0; size > 0; size = follow(&one, sw, command)) {
            memcpy(kept, command, sizeof kept);
            sw = ask(&one, command, size);
            assert_int_equal(ask(&other, kept, size), sw);
            assert_int_equal(one.size, other.size);
            assert_memory_equal(one.answer, other.answer, one.size);
            read += sw == 0x9000 && one.size > 10;
            refused += sw == 0x6982 && is_at_keys(&one.fixture.card, kept[0] & 3);
        }
    }
    assert_true(read > 300 && refused > 50);
    before.number = one.fixture.card.state.number;
    memcpy(before.pins, one.fixture.card.state.pins, sizeof before.pins);
    assert_memory_equal(&before, &one.fixture.card.state, sizeof before);
    for (unsigned i = 0; i < USIM_PINS; i++) {
        assert_memory_equal(before.pins[i].value, one.fixture.card.profile.pins[i].value, USIM_PIN_SIZE);
        assert_true(before.pins[i].enabled);
    }
}

/* ---- Wear and time */

/* Whatever is sent, no command writes more than twice or reads anything back, and all of them together no more than
 * they may; and what writes is what the port is told that writes. */
static void test_commands_write_little(void **state) {
    struct pseudorandom random = {12};
    uint8_t command[COMMAND_MAX];
    (void)state;
    open_reader(&one, NULL, USIM_AUTHENTICATE);
    fill_in_keys(&one.fixture.card, 0x77);
    turn_on(&one);
    uint64_t first = one.fixture.card.state.number;
    for (unsigned i = 0; i < 20000; i++) {
        size_t size = any_command(&random, command);
        uint64_t before = one.fixture.card.state.number;
        unsigned writes = one.fixture.memory.writes;
        enum usim_effect effect = usim_card_effect(command, size);
        (void)ask(&one, command, size);
        assert_true(one.fixture.memory.writes - writes <= WRITES_OF_ONE);
        assert_int_equal(one.fixture.memory.writes - writes, one.fixture.card.state.number - before);
        assert_true(effect != USIM_STORES_NOTHING || before == one.fixture.card.state.number);
    }
    uint64_t all = one.fixture.card.state.number - first;
    assert_in_range(all, USIM_PORT_WRITES - WRITES_OF_ONE, USIM_PORT_WRITES);
}

/* A challenge that was overheard, or that the card refused, makes it write no more than once. */
static void test_replays_write_nothing(void **state) {
    uint8_t command[COMMAND_MAX];
    (void)state;
    open_reader(&one, NULL, USIM_AUTHENTICATE);
    turn_on(&one);
    usim_begin(&one.fixture.card);
    const uint64_t limit = one.fixture.card.state.mark + 5 * USIM_AHEAD;
    one.fixture.card.state.anchor.limit = limit;
    const uint64_t seqs[] = {10, limit - 1, limit + 1, limit + (UINT64_C(1) << 27)};
    for (unsigned i = 0; i < sizeof seqs / sizeof seqs[0]; i++) {
        size_t size = challenge(&one, seqs[i], command);
        uint64_t written = one.fixture.card.state.number + (i == 0 ? 0 : 1);
        assert_int_equal(ask(&one, command, size), i < 2 ? 0x6135 : 0x6110);
        for (unsigned j = 0; j < 50; j++)
            assert_int_equal(ask(&one, command, size), 0x6110);
        assert_int_equal(one.fixture.card.state.number, written);
    }
    /* What was refused is known after a power cut, so that the network is followed there. */
    assert_int_equal(usim_fixture_restart(&one.fixture), USIM_OK);
    assert_true(one.fixture.card.state.anchor.limit > seqs[3]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_of_a_session_is_left),
        cmocka_unit_test(test_readers_learn_nothing),
        cmocka_unit_test(test_commands_write_little),
        cmocka_unit_test(test_replays_write_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
