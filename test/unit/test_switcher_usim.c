// SPDX-License-Identifier: BSD-3-Clause
// The USIM's port in the switcher: a card over flash, messages of three personas, of which one may authenticate, one
// reads, and one gets nothing.
#include "usim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "board/cfi_flash.h"
#include "channel.h"
#include "console.h"
#include "fake/machine.h"
#include "fake/nor_flash.h"
#include "hex.h"
#include "pseudorandom.h"
#include "switcher.h"
#include "usim/flash.h"
#include "usim/port.h"
#include "usim/volatile.h"
#include "usim_fixture.h"

enum { AUTHENTICATES, READS, NOBODY, PERSONAS, LANES = 0x10001, MESSAGE_MAX = 1024, RES_SIZE = 8 };

#define FLASH UINT64_C(0x4000000)

struct switcher switcher;

static struct handover handover;
static struct handover_persona descriptions[PERSONAS];
static struct nor_flash bank;
static uint8_t profile[USIM_PROFILE_MAX];
static const uint8_t rand_bytes[16] = {1, 2, 3};
static struct aka_secret secret;
static unsigned prints;

/* What went to the running persona. */
static struct {
    uint8_t bytes[USIM_PORT_ANSWER_MAX];
    size_t size;
    unsigned count;
    bool full; /* the ring: nothing goes */
} sent;

void console_print(const char *format, ...) {
    assert_non_null(strstr(format, "USIM"));
    prints++;
}

bool channel_send(enum channel_port to, const uint8_t *message, size_t size) {
    assert_int_equal(to, CHANNEL_USIM);
    assert_in_range(size, 1, sizeof sent.bytes);
    sent.count++;
    sent.size = sent.full ? 0 : size;
    memcpy(sent.bytes, message, sent.size);
    return !sent.full;
}

/* ---- The machine */

static uint64_t flash_read(void *context, uint64_t offset, unsigned size) {
    assert_int_equal(size, NOR_FLASH_BUS);
    return nor_flash_read(context, offset);
}

static void flash_write(void *context, uint64_t offset, unsigned size, uint64_t value) {
    assert_int_equal(size, NOR_FLASH_BUS);
    nor_flash_write(context, offset, (uint32_t)value);
}

static uint32_t bus_read(uint64_t address) { return nor_flash_read(&bank, address - FLASH); }
static void bus_write(uint64_t address, uint32_t value) { nor_flash_write(&bank, address - FLASH, value); }

/* As the loader leaves a profile and its state. */
static void hand_over(void) {
    static const struct cfi_bus bus = {bus_read, bus_write};
    static struct usim_profile known;
    static struct cfi_flash part;
    static struct usim_card card;
    struct handover_usim *usim = &handover.usim;
    struct usim_flash flash = {&part, 0, cfi_read, cfi_program, cfi_erase, cfi_rests, {0}};
    nor_flash_make(&bank, LANES);
    assert_int_equal(cfi_open_last(&part, &bus, FLASH, nor_flash_size(&bank), USIM_COPIES), CFI_OK);
    flash.block_size = part.block_size;
    usim_profile_known(&known);
    secret = known.secret;
    *usim = (struct handover_usim){
        .flash = part.base, .flash_block_size = part.block_size, .flash_lanes = part.lanes, .state_key = {7}};
    usim->profile.base = (uint64_t)(uintptr_t)profile;
    assert_int_equal(usim_profile_write(&known, profile, sizeof profile, &usim->profile.size), USIM_OK);
    card = (struct usim_card){.profile = known, .store.storage = usim_flash_storage(&flash)};
    memcpy(card.store.key, usim->state_key, sizeof card.store.key);
    assert_int_equal(usim_card_open(&card, NULL, true), USIM_OK);
    assert_int_equal(usim_card_close(&card), USIM_OK);
}

static int set_up(void **state) {
    static const uint32_t uses[PERSONAS] = {HANDOVER_USIM_AUTHENTICATE, HANDOVER_USIM_READ, HANDOVER_USIM_NONE};
    (void)state;
    fake_reset();
    hand_over();
    fake_map(FLASH, nor_flash_size(&bank), flash_read, flash_write, &bank);
    switcher.handover = &handover;
    for (unsigned i = 0; i < PERSONAS; i++) {
        descriptions[i].usim = uses[i];
        switcher.personas[i].description = &descriptions[i];
        switcher.personas[i].since = 1000 + i;
    }
    memset(&sent, 0, sizeof sent);
    prints = 0;
    return 0;
}

static int set_up_card(void **state) {
    (void)set_up(state);
    usim_init();
    assert_int_equal(prints, 0);
    return 0;
}

/* ---- A persona. Whatever it sends is answered once, and its vector registers are its own again. */

static enum usim_port_status ask(unsigned persona, const void *message, size_t size) {
    unsigned before = sent.count;
    fake_forget_events();
    switcher.running = persona;
    usim_received(persona, message, size);
    assert_int_equal(sent.count, before + 1);
    assert_int_equal(fake_events_of(FAKE_VECTORS_SAVE), 1);
    assert_int_equal(fake_events_of(FAKE_VECTORS_RESTORE), !fake.streaming);
    return sent.size == 0 ? USIM_PORT_OK : (enum usim_port_status)sent.bytes[0];
}

static enum usim_port_status order(unsigned persona, uint8_t what) { return ask(persona, &what, 1); }

/* @return the status word of a command */
static unsigned command(unsigned persona, const char *digits) {
    uint8_t bytes[64];
    assert_int_equal(ask(persona, bytes, from_hex(digits, bytes)), USIM_PORT_OK);
    assert_in_range(sent.size, 3, sizeof sent.bytes);
    return (unsigned)sent.bytes[sent.size - 2] << 8 | sent.bytes[sent.size - 1];
}

static void begin(unsigned persona) {
    assert_int_equal(order(persona, USIM_PORT_ON), USIM_PORT_OK);
    assert_int_equal(command(persona, "00a4040c07a0000000871002"), 0x9000);
    assert_int_equal(command(persona, "002000010831323334ffffffff"), 0x9000);
}

static enum usim_port_status send_challenge(unsigned persona, uint64_t seq) {
    uint8_t bytes[39] = {0x00, 0x88, 0x00, 0x81, 34, 16};
    memcpy(bytes + 6, rand_bytes, 16);
    bytes[22] = 16;
    usim_network_challenge(&secret, rand_bytes, seq << 5, bytes + 23);
    return ask(persona, bytes, sizeof bytes);
}

/* AUTHENTICATE and GET RESPONSE. @return the tag of the answer, 0xdb with RES or 0xdc with AUTS; 0: there is none */
static uint8_t authenticate(unsigned persona, uint64_t seq) {
    uint8_t more[5] = {0x00, 0xc0};
    if (send_challenge(persona, seq) != USIM_PORT_OK || sent.size != 3 || sent.bytes[1] != 0x61)
        return 0;
    more[4] = sent.bytes[2];
    assert_int_equal(ask(persona, more, sizeof more), USIM_PORT_OK);
    return sent.bytes[1];
}

/* ---- Tests. The port has no card before the first one opens, so these two come first. */

static void assert_no_card(void) {
    for (unsigned persona = 0; persona < PERSONAS; persona++) {
        assert_int_equal(order(persona, USIM_PORT_ON), USIM_PORT_REFUSED);
        assert_int_equal(send_challenge(persona, 1), USIM_PORT_REFUSED);
        assert_int_equal(ask(persona, NULL, 0), USIM_PORT_REFUSED);
        assert_int_equal(sent.size, 1);
    }
}

static void test_without_a_usim(void **state) {
    (void)state;
    handover.usim.profile.size = 0;
    usim_init();
    assert_int_equal(prints, 0);
    assert_no_card();
}

/* A profile that is none, one without its state, and flash that does not take what is written ahead. */
static void test_what_cannot_be_opened_is_told_and_refused(void **state) {
    profile[0] ^= 1;
    usim_init();
    assert_int_equal(prints, 1);
    assert_no_card();
    (void)set_up(state);
    handover.usim.state_key[0] ^= 1;
    usim_init();
    assert_int_equal(prints, 1);
    assert_no_card();
    (void)set_up(state);
    bank.errors = 0x10;
    usim_init();
    assert_int_equal(prints, 1);
    assert_no_card();
}

static void test_policy(void **state) {
    (void)state;
    begin(AUTHENTICATES);
    assert_int_equal(authenticate(AUTHENTICATES, 1), 0xdb);
    begin(READS);
    assert_int_equal(command(READS, "00b0870009"), 0x9000); /* the IMSI */
    assert_int_equal(send_challenge(READS, 2), USIM_PORT_OK);
    assert_memory_equal(sent.bytes + 1, "\x69\x82", 2);
    for (unsigned what = 0; what < 256; what++)
        assert_int_equal(order(NOBODY, (uint8_t)what), USIM_PORT_REFUSED);
    assert_int_equal(send_challenge(NOBODY, 2), USIM_PORT_REFUSED);
    assert_int_equal(ask(NOBODY, NULL, 0), USIM_PORT_REFUSED);
    assert_int_equal(sent.size, 1);
}

/* Nothing that another had selected or verified is there for the next, and nothing of it when it is back. */
static void test_another_persona_finds_the_card_off(void **state) {
    (void)state;
    begin(AUTHENTICATES);
    assert_int_equal(order(READS, USIM_PORT_ATR), USIM_PORT_IS_OFF);
    assert_int_equal(ask(READS, "\x00\xb0\x87\x00\x09", 5), USIM_PORT_IS_OFF);
    assert_int_equal(send_challenge(AUTHENTICATES, 1), USIM_PORT_IS_OFF);
    assert_int_equal(order(READS, USIM_PORT_ON), USIM_PORT_OK);
    assert_int_equal(command(READS, "00a4040c07a0000000871002"), 0x9000);
    assert_int_equal(command(READS, "00b0870009"), 0x6982);
    assert_int_equal(order(NOBODY, USIM_PORT_ATR), USIM_PORT_REFUSED);
    assert_int_equal(order(READS, USIM_PORT_ATR), USIM_PORT_IS_OFF);
}

/* RES waits for GET RESPONSE, and the persona is suspended and resumed. */
static void test_flip_in_the_middle(void **state) {
    (void)state;
    begin(AUTHENTICATES);
    assert_int_equal(send_challenge(AUTHENTICATES, 1), USIM_PORT_OK);
    assert_int_equal(sent.bytes[1], 0x61);
    switcher.personas[AUTHENTICATES].since += 50;
    assert_int_equal(ask(AUTHENTICATES, "\x00\xc0\x00\x00\x35", 5), USIM_PORT_IS_OFF);
    assert_int_equal(order(AUTHENTICATES, USIM_PORT_ON), USIM_PORT_OK);
    assert_int_equal(command(AUTHENTICATES, "00c0000035"), 0x6985);
    begin(AUTHENTICATES);
    assert_int_equal(authenticate(AUTHENTICATES, 1), 0xdc);
    assert_int_equal(authenticate(AUTHENTICATES, 2), 0xdb);
}

/* Another program has the port now. */
static void test_opening_ends_the_session(void **state) {
    (void)state;
    for (unsigned open = 0; open < 2; open++) {
        begin(AUTHENTICATES);
        usim_opened(AUTHENTICATES, open != 0);
        assert_int_equal(order(AUTHENTICATES, USIM_PORT_ATR), USIM_PORT_IS_OFF);
        assert_int_equal(send_challenge(AUTHENTICATES, 1), USIM_PORT_IS_OFF);
    }
}

/* Messages of all sizes, in part commands; the card answers all of them, and goes on. */
static void test_hostile_messages(void **state) {
    static const uint8_t instructions[] = {0xa4, 0xb0, 0xb2, 0x20, 0x88, 0xc0, 0x70, 0xf2};
    struct pseudorandom random = {5};
    uint8_t message[MESSAGE_MAX];
    unsigned worked = 0;
    (void)state;
    begin(AUTHENTICATES);
    for (size_t size = 0; size <= MESSAGE_MAX; size++) {
        unsigned persona = (unsigned)(size % 64 == 63 ? pseudorandom_next(&random) % PERSONAS : AUTHENTICATES);
        for (size_t i = 0; i < size; i++)
            message[i] = (uint8_t)pseudorandom_next(&random);
        if (size >= 5 && size % 4 != 0) {
            message[0] &= 0x83;
            message[1] = instructions[pseudorandom_next(&random) % sizeof instructions];
            message[4] = (uint8_t)(size - 5);
        }
        enum usim_port_status status = ask(persona, message, size);
        assert_in_range(status, USIM_PORT_OK, USIM_PORT_BAD_FRAME);
        assert_int_equal(sent.size > 1, status == USIM_PORT_OK && (size != 1 || message[0] != USIM_PORT_OFF));
        worked += status == USIM_PORT_OK;
        if (status != USIM_PORT_OK)
            (void)order(AUTHENTICATES, USIM_PORT_ON);
    }
    assert_true(worked > MESSAGE_MAX / 2);
    assert_int_equal(ask(AUTHENTICATES, NULL, 0), USIM_PORT_BAD_FRAME);
    assert_int_equal(ask(AUTHENTICATES, message, 0), USIM_PORT_BAD_FRAME);
    assert_int_equal(order(AUTHENTICATES, USIM_PORT_RESET), USIM_PORT_OK);
}

/* A persona that does not read loses its answer, and gains nothing by it: the challenge was answered once. */
static void test_ring_full(void **state) {
    (void)state;
    begin(AUTHENTICATES);
    sent.full = true;
    assert_int_equal(send_challenge(AUTHENTICATES, 1), USIM_PORT_OK);
    assert_int_equal(sent.size, 0);
    assert_int_equal(ask(AUTHENTICATES, "\x00\x20\x00\x01\x08wrongpin", 13), USIM_PORT_OK);
    sent.full = false;
    assert_int_equal(command(AUTHENTICATES, "0020000100"), 0x63c2);
    begin(AUTHENTICATES);
    assert_int_equal(authenticate(AUTHENTICATES, 1), 0xdc);
    assert_int_equal(authenticate(AUTHENTICATES, 2), 0xdb);
}

/* The vector registers cannot be had: nothing is computed, and the card stays as it was. */
static void test_streaming_mode(void **state) {
    (void)state;
    begin(AUTHENTICATES);
    fake.streaming = true;
    assert_int_equal(send_challenge(AUTHENTICATES, 1), USIM_PORT_REFUSED);
    assert_int_equal(sent.size, 1);
    fake.streaming = false;
    assert_int_equal(authenticate(AUTHENTICATES, 1), 0xdb);
}

/* An erasure of many looks at the chip, as real ones are: no message waits for it. The switcher looks when it comes to
 * a message that may write, and once when it has begun one. Nothing is done and no try is taken meanwhile, what only
 * reads goes on, and whoever asks again is answered. */
static void test_erasures_are_not_waited_for(void **state) {
    unsigned busy = 0;
    uint64_t seq = 0;
    (void)state;
    begin(AUTHENTICATES);
    bank.erase_polls = 40;
    for (unsigned i = 0; i < 200; i++) {
        bool challenge = i % 3 == 0;
        uint32_t before = bank.polls;
        seq += challenge && bank.erasing == 0 ? 2 * USIM_AHEAD : 0;
        enum usim_port_status status = challenge ? send_challenge(AUTHENTICATES, seq)
                                                 : ask(AUTHENTICATES,
                                                       "\x00\x20\x00\x01\x08"
                                                       "1234\xff\xff\xff\xff",
                                                       13);
        assert_in_range(bank.polls - before, 0, 2);
        if (status == USIM_PORT_BUSY) {
            busy++;
            assert_int_equal(sent.size, 1);
            assert_int_equal(command(AUTHENTICATES, "00b0870009"), 0x9000);
            assert_int_equal(command(AUTHENTICATES, "0020000100"), 0x63c3);
            i--;
            continue;
        }
        assert_int_equal(status, USIM_PORT_OK);
        assert_int_equal(sent.bytes[1], challenge ? 0x61 : 0x90);
    }
    assert_in_range(busy, 1000, bank.polls);
    bank.erase_polls = 0;
}

/* At the end of the power-on it is waited for, and what is written last is there. */
static void test_a_stop_during_an_erasure(void **state) {
    (void)state;
    begin(AUTHENTICATES);
    assert_int_equal(authenticate(AUTHENTICATES, 1), 0xdb);
    bank.erase_polls = 1000;
    for (unsigned i = 0; i < 20 && bank.erasing == 0; i++)
        assert_int_equal(command(AUTHENTICATES, "002000010831323334ffffffff"), 0x9000);
    assert_int_not_equal(bank.erasing, 0);
    usim_stop();
    assert_int_equal(bank.erasing, 0);
    assert_int_equal(bank.mode, 0xff);
    bank.erase_polls = 0;
    usim_init();
    begin(AUTHENTICATES);
    assert_int_equal(authenticate(AUTHENTICATES, 2), 0xdb); /* no resynchronisation: the stop was clean */
}

/* A chip that says that it failed, or does not come to an end: what has to be written is not answered, reading is. */
static void test_an_erasure_fails(void **state) {
    for (unsigned hangs = 0; hangs < 2; hangs++) {
        (void)set_up(state);
        usim_init();
        begin(AUTHENTICATES);
        bank.erase_polls = hangs ? UINT32_MAX : 5;
        for (unsigned i = 0; i < 20 && bank.erasing == 0; i++)
            assert_int_equal(command(AUTHENTICATES, "002000010831323334ffffffff"), 0x9000);
        bank.errors = 0x20;
        for (unsigned i = 0; i < 10; i++)
            (void)send_challenge(AUTHENTICATES, 2 * USIM_AHEAD);
        assert_int_equal(sent.bytes[0], hangs ? USIM_PORT_BUSY : USIM_PORT_OK);
        assert_true(hangs || memcmp(sent.bytes + 1, "\x65\x81", 2) == 0);
        assert_int_equal(command(AUTHENTICATES, "00b0870009"), 0x9000);
        assert_int_equal(bank.mode, hangs ? 0x70 : 0xff);
    }
}

/* What has to be stored first and is not, is not answered; nor afterwards, until the card is opened again. */
static void test_flash_fails(void **state) {
    const uint64_t far = 2 * USIM_AHEAD; /* beyond the mark, which has to be written ahead */
    (void)state;
    begin(AUTHENTICATES);
    assert_int_equal(authenticate(AUTHENTICATES, 1), 0xdb);
    bank.errors = 0x10;
    assert_int_equal(authenticate(AUTHENTICATES, far), 0);
    assert_memory_equal(sent.bytes + 1, "\x65\x81", 2);
    assert_int_equal(command(AUTHENTICATES, "002000010834333231ffffffff"), 0x6581);
    bank.errors = 0;
    assert_int_equal(authenticate(AUTHENTICATES, far), 0);
    assert_int_equal(command(AUTHENTICATES, "002000010831323334ffffffff"), 0x6581);
    usim_init();
    begin(AUTHENTICATES);
    assert_int_equal(authenticate(AUTHENTICATES, 1), 0xdc);
    assert_int_equal(authenticate(AUTHENTICATES, far), 0xdb);
    assert_int_equal(authenticate(AUTHENTICATES, far), 0xdc);
}

/* The device goes off: what was accepted is stored, and the next power-on needs no resynchronisation. */
static void test_stop(void **state) {
    (void)state;
    begin(AUTHENTICATES);
    assert_int_equal(authenticate(AUTHENTICATES, 1), 0xdb);
    usim_stop();
    assert_int_equal(order(AUTHENTICATES, USIM_PORT_ON), USIM_PORT_REFUSED);
    usim_init();
    begin(AUTHENTICATES);
    assert_int_equal(authenticate(AUTHENTICATES, 1), 0xdc);
    assert_int_equal(authenticate(AUTHENTICATES, 2), 0xdb);
    /* The vector registers cannot be had: as an unclean stop. */
    fake.streaming = true;
    usim_stop();
    fake.streaming = false;
    usim_init();
    begin(AUTHENTICATES);
    assert_int_equal(authenticate(AUTHENTICATES, 3), 0xdc);
    assert_int_equal(authenticate(AUTHENTICATES, 3 + USIM_AHEAD), 0xdb);
}

/* A board without flash: the records are where the loader left them, in memory. */
static void test_memory_in_place_of_flash(void **state) {
    static uint8_t memory[USIM_COPIES * USIM_RECORD_SIZE];
    static struct usim_card card;
    (void)state;
    card = (struct usim_card){.store.storage = usim_volatile_storage(memory)};
    assert_int_equal(usim_profile_read(&card.profile, profile, handover.usim.profile.size), USIM_OK);
    memcpy(card.store.key, handover.usim.state_key, sizeof card.store.key);
    assert_int_equal(usim_card_open(&card, NULL, true), USIM_OK);
    assert_int_equal(usim_card_close(&card), USIM_OK);
    handover.usim.flash = (uint64_t)(uintptr_t)memory;
    handover.usim.flash_lanes = 0;
    usim_init();
    assert_int_equal(prints, 0);
    begin(AUTHENTICATES);
    assert_int_equal(authenticate(AUTHENTICATES, 1), 0xdb);
    assert_int_equal(authenticate(AUTHENTICATES, 1), 0xdc);
}

/* VERIFY, which writes twice. @return its status word */
static unsigned write_once(void) {
    fake_forget_events();
    return command(AUTHENTICATES, "002000010831323334ffffffff");
}

/* A persona that only writes has to wait, by the clock in seconds. */
static void test_writes_come_back_with_time(void **state) {
    (void)state;
    fake.counter_step = 0;
    fake.counter = 100000 * fake.frequency; /* what other tests wrote is given back */
    begin(AUTHENTICATES);
    unsigned commands = 1, sw = 0;
    while ((sw = write_once()) == 0x9000)
        commands++;
    assert_int_equal(sw, 0x9300);
    assert_in_range(commands, USIM_PORT_WRITES / 3, USIM_PORT_WRITES / 2); /* room in a block takes writes, too */
    fake.counter += (USIM_PORT_WRITE_S - 1) * fake.frequency;
    assert_int_equal(write_once(), 0x9300);
    fake.counter += (2 * USIM_PORT_WRITE_S + 1) * fake.frequency; /* as much as the longest command may write */
    assert_int_equal(write_once(), 0x9000);
    assert_int_equal(write_once(), 0x9300);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_without_a_usim, set_up),
        cmocka_unit_test_setup(test_what_cannot_be_opened_is_told_and_refused, set_up),
        cmocka_unit_test_setup(test_policy, set_up_card),
        cmocka_unit_test_setup(test_another_persona_finds_the_card_off, set_up_card),
        cmocka_unit_test_setup(test_flip_in_the_middle, set_up_card),
        cmocka_unit_test_setup(test_opening_ends_the_session, set_up_card),
        cmocka_unit_test_setup(test_hostile_messages, set_up_card),
        cmocka_unit_test_setup(test_ring_full, set_up_card),
        cmocka_unit_test_setup(test_streaming_mode, set_up_card),
        cmocka_unit_test_setup(test_erasures_are_not_waited_for, set_up_card),
        cmocka_unit_test_setup(test_a_stop_during_an_erasure, set_up_card),
        cmocka_unit_test_setup(test_an_erasure_fails, set_up_card),
        cmocka_unit_test_setup(test_flash_fails, set_up_card),
        cmocka_unit_test_setup(test_stop, set_up_card),
        cmocka_unit_test_setup(test_memory_in_place_of_flash, set_up),
        cmocka_unit_test_setup(test_writes_come_back_with_time, set_up_card),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
