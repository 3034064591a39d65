// SPDX-License-Identifier: BSD-3-Clause
#include "usim/port.h"
#include "usim_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "hex.h"

enum { SESSION = 77 };

static struct usim_fixture fixture;
static struct usim_port port;
static struct usim_port_user user;
static struct usim_port_wear wear;
static uint8_t answer[USIM_PORT_ANSWER_MAX];
static size_t answer_size;

static int set_up(void **state) {
    (void)state;
    usim_fixture_open(&fixture, NULL);
    usim_card_power_off(&fixture.card);
    port = (struct usim_port){.card = &fixture.card};
    user = (struct usim_port_user){
        .allowed = true, .access = USIM_AUTHENTICATE, .session = SESSION, .wear = &wear, .now = 1000};
    wear = (struct usim_port_wear){0};
    return 0;
}

static enum usim_port_status ask(const void *message, size_t size) {
    memset(answer, 0xee, sizeof answer);
    answer_size = usim_port_answer(&port, &user, message, size, answer);
    assert_in_range(answer_size, 1, sizeof answer);
    return (enum usim_port_status)answer[0];
}

static enum usim_port_status order(uint8_t what) { return ask(&what, 1); }

static enum usim_port_status select_mf(void) {
    static const uint8_t command[] = {0x00, 0xa4, 0x00, 0x0c, 0x02, 0x3f, 0x00};
    return ask(command, sizeof command);
}

static unsigned verify(const char *pin) {
    uint8_t command[13] = {0x00, 0x20, 0x00, 0x01, 0x08};
    memset(command + 5, 0xff, 8);
    memcpy(command + 5, pin, strlen(pin));
    assert_int_equal(ask(command, sizeof command), USIM_PORT_OK);
    return (unsigned)(answer[1] << 8 | answer[2]);
}

static unsigned authenticate(uint8_t context) {
    const uint8_t command[] = {0x00, 0x88, 0x00, context, 0x03, 0xde, 0x00, 0x00};
    assert_int_equal(ask(command, sizeof command), USIM_PORT_OK);
    return (unsigned)(answer[1] << 8 | answer[2]);
}

static void test_orders(void **state) {
    uint8_t atr[USIM_ATR_MAX], known[USIM_ATR_MAX];
    size_t size = usim_card_atr(atr);
    assert_int_equal(from_hex("3b9f01801f878031e073fe211b674a4c753034054b3e", known), size);
    assert_memory_equal(atr, known, size);
    (void)state;
    assert_int_equal(order(USIM_PORT_ATR), USIM_PORT_IS_OFF);
    assert_int_equal(select_mf(), USIM_PORT_IS_OFF);
    static const uint8_t answered[] = {USIM_PORT_ON, USIM_PORT_ATR, USIM_PORT_RESET};
    for (unsigned i = 0; i < sizeof answered; i++) {
        assert_int_equal(order(answered[i]), USIM_PORT_OK);
        assert_int_equal(answer_size, 1 + size);
        assert_memory_equal(answer + 1, atr, size);
    }
    assert_int_equal(select_mf(), USIM_PORT_OK);
    assert_int_equal(answer_size, 3);
    assert_int_equal(order(USIM_PORT_OFF), USIM_PORT_OK);
    assert_int_equal(answer_size, 1);
    assert_int_equal(select_mf(), USIM_PORT_IS_OFF);
}

static void test_what_is_no_message(void **state) {
    uint8_t long_one[1024] = {0};
    (void)state;
    assert_int_equal(order(USIM_PORT_ON), USIM_PORT_OK);
    assert_int_equal(ask(NULL, 0), USIM_PORT_BAD_FRAME);
    assert_int_equal(ask("", 0), USIM_PORT_BAD_FRAME);
    for (unsigned what = 0; what < 256; what++)
        if (what > USIM_PORT_RESET && what != USIM_PORT_ATR)
            assert_int_equal(order((uint8_t)what), USIM_PORT_BAD_FRAME);
    for (size_t size = 2; size <= sizeof long_one; size += size < 4 ? 1 : 255) {
        assert_int_equal(ask(long_one, size), USIM_PORT_OK);
        assert_int_equal(answer_size, 3); /* a status word */
    }
}

/* As a flip does: the same persona, or another, at another time. */
static void test_another_session_finds_the_card_off(void **state) {
    (void)state;
    assert_int_equal(order(USIM_PORT_ON), USIM_PORT_OK);
    assert_int_equal(verify("1234"), 0x9000);
    user.session++;
    assert_int_equal(order(USIM_PORT_ATR), USIM_PORT_IS_OFF);
    assert_int_equal(select_mf(), USIM_PORT_IS_OFF);
    user.session--;
    assert_int_equal(select_mf(), USIM_PORT_IS_OFF);
    assert_int_equal(order(USIM_PORT_ON), USIM_PORT_OK);
    assert_false(fixture.card.verified[0]);
    user.session++;
    user.allowed = false;
    assert_int_equal(select_mf(), USIM_PORT_REFUSED);
    assert_false(fixture.card.powered);
}

/* Each instruction that writes is one that waits, and no other: nor what is too short to have data. */
static void test_what_waits_when_too_much_was_written(void **state) {
    static const uint8_t writes[] = {0x20, 0x24, 0x26, 0x28, 0x2c, 0x32, 0xd6, 0xdc};
    (void)state;
    assert_int_equal(order(USIM_PORT_ON), USIM_PORT_OK);
    wear = (struct usim_port_wear){.used = USIM_PORT_WRITES - 1, .given_at = user.now};
    for (unsigned ins = 0; ins < 256; ins++) {
        const uint8_t with_data[6] = {ins == 0x32 ? 0x80 : 0x00, (uint8_t)ins, 0, 1, 1};
        bool waits = memchr(writes, (int)ins, sizeof writes) != NULL;
        assert_int_equal(ask(with_data, 6), USIM_PORT_OK);
        assert_int_equal(memcmp(answer + 1, "\x93", 2) == 0, waits);
        assert_true(!waits || answer_size == 3);
        assert_int_equal(ask(with_data, 5), USIM_PORT_OK);
        assert_true(answer[1] != 0x93);
    }
}

/* A hostile persona that does nothing but make the card write: it comes to an end with that, and nobody else does. */
static void test_the_flash_is_not_worn_out(void **state) {
    struct usim_port_wear other = {0};
    uint64_t first = fixture.card.state.number;
    (void)state;
    assert_int_equal(order(USIM_PORT_ON), USIM_PORT_OK);
    for (unsigned i = 0; i < USIM_PORT_WRITES / 2; i++)
        assert_int_equal(verify("1234"), 0x9000);
    assert_int_equal(fixture.card.state.number - first, USIM_PORT_WRITES);
    assert_int_equal(verify("1234"), 0x9300);
    assert_int_equal(verify("9999"), 0x9300);     /* nothing is tried for free */
    assert_int_equal(authenticate(0x84), 0x9300); /* a NAF's keys are noted in a file */
    assert_int_equal(authenticate(0x81), 0x6985);
    assert_int_equal(fixture.card.state.number - first, USIM_PORT_WRITES);
    assert_int_equal(select_mf(), USIM_PORT_OK);
    user.session++;
    assert_int_equal(order(USIM_PORT_ON), USIM_PORT_OK);
    assert_int_equal(verify("1234"), 0x9300);
    user.wear = &other;
    assert_int_equal(verify("1234"), 0x9000);
    user.wear = &wear;
    user.now += 2 * USIM_PORT_WRITE_S;
    assert_int_equal(verify("1234"), 0x9000);
    assert_int_equal(verify("1234"), 0x9300);
    user.now += 3600 * 24;
    for (unsigned i = 0; i < USIM_PORT_WRITES / 2; i++)
        assert_int_equal(verify("1234"), 0x9000);
    assert_int_equal(verify("1234"), 0x9300);
}

static void test_who_may_not_comes_to_no_card(void **state) {
    (void)state;
    user.allowed = false;
    assert_int_equal(order(USIM_PORT_ON), USIM_PORT_REFUSED);
    assert_int_equal(order(USIM_PORT_ATR), USIM_PORT_REFUSED);
    assert_int_equal(select_mf(), USIM_PORT_REFUSED);
    assert_int_equal(ask(NULL, 0), USIM_PORT_REFUSED);
    assert_int_equal(answer_size, 1);
    user.allowed = true;
    port.card = NULL;
    assert_int_equal(order(USIM_PORT_ON), USIM_PORT_REFUSED);
    usim_port_off(&port);
}

static void test_reading_is_not_authenticating(void **state) {
    static const uint8_t usim[] = {0x00, 0xa4, 0x04, 0x0c, 0x07, 0xa0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02};
    uint8_t authenticate[39] = {0x00, 0x88, 0x00, 0x81, 0x22, 0x10};
    (void)state;
    authenticate[22] = 0x10;
    user.access = USIM_READ_ONLY;
    assert_int_equal(order(USIM_PORT_ON), USIM_PORT_OK);
    assert_int_equal(ask(usim, sizeof usim), USIM_PORT_OK);
    assert_int_equal(verify("1234"), 0x9000);
    assert_int_equal(ask(authenticate, sizeof authenticate), USIM_PORT_OK);
    assert_memory_equal(answer + 1, "\x69\x82", 2);
}

static void test_guesses_are_counted_over_sessions(void **state) {
    (void)state;
    for (unsigned left = 2;; left--) {
        user.session++;
        assert_int_equal(order(USIM_PORT_ON), USIM_PORT_OK);
        assert_int_equal(verify("9999"), 0x63c0 | left);
        if (left == 0)
            break;
    }
    user.session++;
    assert_int_equal(order(USIM_PORT_ON), USIM_PORT_OK);
    assert_int_equal(verify("1234"), 0x6983);
}

/* A device's power-on from end to end: prepared, opened, used, and closed before it goes off. */
static void test_opened_and_closed(void **state) {
    static struct usim_card card;
    static const uint8_t none[sizeof card];
    uint8_t key[SEAL_KEY_SIZE], seed[32] = {1};
    struct usim_port_setup setup = {fixture.encoded, fixture.encoded_size, key, seed, fixture.card.store.storage};
    (void)state;
    memset(key, 7, sizeof key);
    memset(&port, 0, sizeof port);
    assert_int_equal(usim_port_open(&port, &card, &setup), USIM_OK);
    assert_int_equal(order(USIM_PORT_ON), USIM_PORT_OK);
    assert_int_equal(verify("9999"), 0x63c2);
    const uint64_t number = card.state.number;
    usim_port_close(&port);
    assert_memory_equal(&card, none, sizeof card);
    assert_int_equal(order(USIM_PORT_ON), USIM_PORT_REFUSED);
    usim_port_close(&port);
    assert_int_equal(usim_fixture_restart(&fixture), USIM_OK);
    assert_int_equal(fixture.card.state.pins[0].tries, 2);
    assert_true(fixture.card.state.number > number + 1);
    key[0]++;
    assert_int_equal(usim_port_open(&port, &card, &setup), USIM_NO_STATE);
    assert_memory_equal(&card, none, sizeof card);
    assert_null(port.card);
    setup.profile_size--;
    assert_int_equal(usim_port_open(&port, &card, &setup), USIM_MALFORMED);
}

static void test_random_numbers_of_a_seed(void **state) {
    struct usim_seed seed = {.seed = {1}}, same = {.seed = {1}}, other = {.seed = {2}};
    uint8_t first[40] = {0}, second[40] = {0}, third[40] = {0}, fourth[40] = {1};
    static const uint8_t none[8];
    (void)state;
    assert_true(usim_random_of_seed(&seed, first, sizeof first));
    assert_true(usim_random_of_seed(&seed, second, sizeof second));
    assert_true(usim_random_of_seed(&other, third, sizeof third));
    assert_memory_not_equal(first, second, 8);
    assert_memory_not_equal(first, first + 32, 8);
    assert_memory_not_equal(first, third, 8);
    assert_true(usim_random_of_seed(&same, fourth, sizeof fourth));
    assert_memory_equal(first, fourth, sizeof first);
    for (unsigned at = 0; at < sizeof first; at += 8)
        assert_memory_not_equal(first + at, none, sizeof none);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_orders, set_up),
        cmocka_unit_test_setup(test_what_is_no_message, set_up),
        cmocka_unit_test_setup(test_another_session_finds_the_card_off, set_up),
        cmocka_unit_test_setup(test_what_waits_when_too_much_was_written, set_up),
        cmocka_unit_test_setup(test_the_flash_is_not_worn_out, set_up),
        cmocka_unit_test_setup(test_who_may_not_comes_to_no_card, set_up),
        cmocka_unit_test_setup(test_reading_is_not_authenticating, set_up),
        cmocka_unit_test_setup(test_guesses_are_counted_over_sessions, set_up),
        cmocka_unit_test_setup(test_opened_and_closed, set_up),
        cmocka_unit_test(test_random_numbers_of_a_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
