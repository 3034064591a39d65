// SPDX-License-Identifier: BSD-3-Clause
#include "attention.h"
#include "channel.h"
#include "control.h"
#include "crypto/cbor.h"
#include "flip.h"
#include "history.h"
#include "log.h"
#include "machine.h"
#include "prewarm.h"
#include "pseudorandom.h"
#include "switcher.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct switcher switcher;

static struct handover handover;
static bool port_open, asked;
static unsigned requested, refusals, acknowledgements, target, ups;
static uint8_t sent[4096];
static size_t sent_size;
static unsigned sent_count;
static char printed[512];

bool channel_is_open(enum channel_port port) { return port == CHANNEL_CONTROL && port_open; }

bool channel_send(enum channel_port port, const uint8_t *message, size_t size) {
    assert_int_equal(port, CHANNEL_CONTROL);
    assert_in_range(size, 1, VIRTIO_CONSOLE_OUTGOING_SIZE - 2);
    memcpy(sent, message, size);
    sent_size = size;
    sent_count++;
    return port_open;
}

void flip_ask(unsigned index) {
    history_note(HISTORY_ASKED, switcher.running, index);
    requested = index;
}

void prewarm_up(void) { ups++; }

bool attention_acknowledged(void) {
    acknowledgements += asked;
    return asked;
}

bool attention_refused(void) {
    refusals += asked;
    return asked;
}

unsigned flip_target(void) { return target; }

void console_print(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(printed, sizeof printed, format, arguments);
    va_end(arguments);
}

static int set_up(void **state) {
    (void)state;
    fake_reset();
    memset(&handover, 0, sizeof handover);
    memset(&switcher, 0, sizeof switcher);
    const char *names[] = {"personal", "work", "work-2"};
    handover.persona_count = 3;
    switcher.handover = &handover;
    for (unsigned i = 0; i < 3; i++) {
        memcpy(handover.personas[i].name, names[i], strlen(names[i]));
        switcher.personas[i].description = &handover.personas[i];
        control_started(i);
    }
    switcher.running = 1;
    switcher.personas[1].state = PERSONA_RUNNING;
    target = 2;
    port_open = asked = true;
    requested = refusals = acknowledgements = sent_count = 0;
    sent_size = 0;
    printed[0] = '\0';
    return 0;
}

static void receive(const char *bytes, size_t size) { control_received(1, (const uint8_t *)bytes, size); }

#define RECEIVE(bytes) receive(bytes, sizeof(bytes) - 1)

static void expect_sent(const char *bytes, size_t size) {
    assert_int_equal(sent_count, 1);
    assert_int_equal(sent_size, size);
    assert_memory_equal(sent, bytes, size);
    sent_count = 0;
}

#define EXPECT_SENT(bytes) expect_sent(bytes, sizeof(bytes) - 1)

static void expect_error(enum control_error error) {
    const char *text = control_error_text(error);
    struct cbor_reader reader = cbor_read(sent, sent_size);
    assert_int_equal(sent_count, 1);
    assert_int_equal(cbor_read_array(&reader), 3);
    assert_int_equal(cbor_read_uint(&reader), 19);
    assert_int_equal(cbor_read_uint(&reader), error);
    struct cbor_text got = cbor_read_text(&reader, 100);
    assert_true(cbor_read_end(&reader));
    assert_int_equal(got.size, strlen(text));
    assert_memory_equal(got.start, text, got.size);
    sent_count = 0;
}

static void say_hello(void) {
    RECEIVE("\x83\x00\x01\x63"
            "1.0");
    EXPECT_SENT("\x82\x00\x01");
}

static void test_hello(void **state) {
    (void)state;
    control_opened(1, true);
    assert_false(control_ask());
    say_hello();
    assert_true(control_ask());
    EXPECT_SENT("\x82\x10\x66work-2");
    control_opened(1, false);
    assert_false(control_ask());
    control_opened(1, true);
    assert_false(control_ask());
    RECEIVE("\x83\x00\x02\x60");
    expect_error(CONTROL_BAD_VERSION);
    assert_false(control_ask());
    assert_int_equal(sent_count, 0);
}

static void test_ask_only_an_agent_that_is_there(void **state) {
    (void)state;
    say_hello();
    target = 1; /* the running persona: there is no other */
    assert_false(control_ask());
    target = 0;
    port_open = false; /* while its driver is suspended */
    assert_false(control_ask());
    port_open = true;
    assert_true(control_ask());
    EXPECT_SENT("\x82\x10\x68personal");
    control_started(1);
    assert_false(control_ask());
    control_cancel();
    assert_int_equal(sent_count, 0);
    say_hello();
    control_cancel();
    EXPECT_SENT("\x81\x11");
    switcher.running = 2; /* an agent in one persona is none in another */
    assert_false(control_ask());
}

static void test_up(void **state) {
    (void)state;
    uint64_t before = log_end();
    ups = 0;
    RECEIVE("\x81\x01");
    RECEIVE("\x81\x01");
    assert_int_equal(ups, 1);
    assert_true(control_is_up(1));
    assert_false(control_is_up(0));
    switcher.personas[1].state = PERSONA_LOADED; /* stopped while it was prepared */
    assert_false(control_is_up(1));
    switcher.personas[1].state = PERSONA_RUNNING;
    assert_int_equal(log_end(), before + 1);
    control_opened(1, false);
    assert_true(control_is_up(1));
    control_started(1);
    assert_false(control_is_up(1));
    assert_int_equal(sent_count, 0);
}

static void test_flip(void **state) {
    struct history_entry entry;
    (void)state;
    requested = 99;
    RECEIVE("\x82\x02\x68personal");
    assert_int_equal(requested, 0);
    assert_true(history_get(0, &entry));
    assert_int_equal(entry.stage, HISTORY_ASKED);
    assert_int_equal(entry.from, 1);
    assert_int_equal(entry.to, 0);
    assert_int_equal(sent_count, 0);
    RECEIVE("\x82\x02\x66work-2");
    assert_int_equal(requested, 2);
    const char *wrong[] = {"\x82\x02\x64work", "\x82\x02\x65work-", "\x82\x02\x67work-22", "\x82\x02\x60"};
    requested = 99;
    for (unsigned i = 0; i < 4; i++) {
        receive(wrong[i], strlen(wrong[i]));
        expect_error(CONTROL_NO_SUCH_PERSONA);
    }
    assert_int_equal(requested, 99);
}

static void test_answers(void **state) {
    struct history_entry entry;
    (void)state;
    history_note(HISTORY_ASKED, 1, 2);
    RECEIVE("\x81\x05");
    assert_int_equal(acknowledgements, 1);
    assert_true(history_get(0, &entry));
    assert_int_equal(entry.stage, HISTORY_ACKNOWLEDGED);
    RECEIVE("\x82\x04\x6b"
            "apt \x1b[31m\n!");
    assert_int_equal(refusals, 1);
    assert_string_equal(printed, "flipside: work does not want to flip now: apt ?[31m?!\n");
    assert_true(history_get(0, &entry));
    assert_int_equal(entry.stage, HISTORY_REFUSED);
    assert_int_equal(sent_count, 0);
    asked = false;
    RECEIVE("\x81\x05");
    expect_error(CONTROL_NOT_ASKED);
    RECEIVE("\x82\x04\x60");
    expect_error(CONTROL_NOT_ASKED);
}

static void test_longest_texts(void **state) {
    uint8_t message[300] = {0x82, 0x04, 0x78, CONTROL_REASON_MAX};
    (void)state;
    memset(message + 4, 0xff, CONTROL_REASON_MAX + 1);
    control_received(1, message, 4 + CONTROL_REASON_MAX);
    assert_int_equal(refusals, 1);
    message[3]++;
    control_received(1, message, 4 + CONTROL_REASON_MAX + 1);
    expect_error(CONTROL_BAD_MESSAGE);
    assert_int_equal(refusals, 1);
}

static void read_time(struct cbor_reader *reader, uint64_t milliseconds) {
    assert_int_equal(cbor_read_uint(reader), milliseconds * 1000000);
}

static void test_status(void **state) {
    (void)state;
    fake.counter_step = 0;
    fake.counter = 1000;
    history_note(HISTORY_ASKED, 0, 1);
    fake.counter = 2000;
    history_note(HISTORY_SUSPENDING, 0, 1);
    fake.counter = 3000;
    history_note(HISTORY_FLIPPED, 0, 1);
    switcher.personas[1].since = 3000;
    switcher.personas[0].state = PERSONA_SUSPENDED;
    log_count(COUNT_FAULT, 1);
    uint64_t faults = log_counted(COUNT_FAULT, 1);
    fake.counter = 5000;
    RECEIVE("\x81\x03");
    struct cbor_reader reader = cbor_read(sent, sent_size);
    assert_int_equal(cbor_read_array(&reader), 6);
    assert_int_equal(cbor_read_uint(&reader), 18);
    read_time(&reader, 5);
    assert_int_equal(cbor_read_uint(&reader), 1);
    assert_int_equal(cbor_read_array(&reader), 3);
    const enum persona_state states[] = {PERSONA_SUSPENDED, PERSONA_RUNNING, PERSONA_LOADED};
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(cbor_read_array(&reader), 4);
        assert_int_equal(cbor_read_text(&reader, 31).size, strlen(handover.personas[i].name));
        assert_int_equal(cbor_read_uint(&reader), states[i]);
        read_time(&reader, i == 1 ? 3 : 0);
        assert_int_equal(cbor_read_uint(&reader), 0);
    }
    uint64_t flips = cbor_read_array(&reader);
    assert_in_range(flips, 1, HISTORY_ENTRIES);
    for (uint64_t i = 0; i < flips; i++) {
        assert_int_equal(cbor_read_array(&reader), 7);
        const uint64_t newest[] = {0, 1, HISTORY_FLIPPED, 1000000, 0, 2000000, 3000000};
        for (unsigned j = 0; j < 7; j++) {
            uint64_t value = cbor_read_uint(&reader);
            assert_true(i > 0 || value == newest[j]);
        }
    }
    assert_int_equal(cbor_read_array(&reader), LOG_COUNTERS);
    for (unsigned i = 0; i < LOG_COUNTERS; i++) {
        uint64_t value = cbor_read_uint(&reader);
        assert_true(i != 5 || value == faults);
    }
    assert_true(cbor_read_end(&reader));
}

/* The largest status that can be fits; times beyond what a machine lives. */
static void test_largest_status(void **state) {
    (void)state;
    handover.persona_count = HANDOVER_PERSONAS_MAX;
    fake.counter = UINT64_MAX - 1000000;
    for (unsigned i = 0; i < HANDOVER_PERSONAS_MAX; i++) {
        memset(handover.personas[i].name, 'a', HANDOVER_NAME_SIZE - 1);
        switcher.personas[i].description = &handover.personas[i];
        switcher.personas[i].since = UINT64_MAX;
        for (unsigned stage = HISTORY_ASKED; stage <= HISTORY_FLIPPED; stage++)
            history_note((enum history_stage)stage, 0, 1);
    }
    RECEIVE("\x81\x03");
    assert_int_equal(sent_count, 1);
    assert_true(sent_size < 1500);
}

static void test_malformed(void **state) {
    static const struct {
        const char *bytes;
        size_t size;
    } bad[] = {
#define BAD(text) {text, sizeof(text) - 1}
        BAD(""),
        BAD("\x81"),     /* no type */
        BAD("\x80"),     /* empty array */
        BAD("\x81\x06"), /* no such type */
        BAD("\x81\x10"), /* one of the switcher's */
        BAD("\x81\x1b\x01\0\0\0\0\0\0\x01"),
        BAD("\x82\x01\x00"), /* too many items */
        BAD("\x81\x02"),     /* too few */
        BAD("\x81\x01\x00"), /* something behind it */
        BAD("\x9f\x01\xff"), /* indefinite length */
        BAD("\x98\x01\x01"), /* not the shortest form */
        BAD("\x81\x18\x01"),
        BAD("\x81\x19\x00\x01"),
        BAD("\x81\x1a\x00\x00\x00\x01"),
        BAD("\x81\x1b\0\0\0\0\0\0\0\x01"),
        BAD("\x81\x1c"),             /* reserved */
        BAD("\x81\x21"),             /* a negative type */
        BAD("\x81\xf5"),             /* true */
        BAD("\xc1\x81\x01"),         /* a tag */
        BAD("\xa1\x01\x01"),         /* a map */
        BAD("\x82\x02\x44work"),     /* bytes for text */
        BAD("\x82\x02\x65work"),     /* longer than the message */
        BAD("\x82\x02\x78\x04work"), /* not the shortest form */
        BAD("\x82\x02\x7fwork\xff"), /* indefinite length */
        BAD("\x82\x02\x7b\xff\xff\xff\xff\xff\xff\xff\xff"),
        BAD("\x83\x00\x01\x78\x41"),
        BAD("\x83\x00\x61x\x61x"), /* text for the version */
        BAD("\x82\x02\x78\x20"
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), /* longer than a name can be */
#undef BAD
    };
    (void)state;
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        receive(bad[i].bytes, bad[i].size);
        expect_error(CONTROL_BAD_MESSAGE);
    }
    control_received(1, NULL, 0);
    expect_error(CONTROL_BAD_FRAME);
    assert_int_equal(refusals + acknowledgements, 0);
    assert_false(control_ask());
}

/* Each message cut at each length, and with each byte changed. */
static void test_damaged(void **state) {
    static const char *messages[] = {"\x83\x01\x01\x63"
                                     "1.0",
                                     "\x82\x02\x64work",
                                     "\x82\x04\x64"
                                     "busy"};
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        size_t size = strlen(messages[i]);
        sent_count = 0;
        for (size_t length = 0; length < size; length++) {
            receive(messages[i], length);
            expect_error(CONTROL_BAD_MESSAGE);
        }
        for (size_t at = 0; at < size; at++) {
            for (unsigned value = 0; value < 256; value++) {
                char copy[16];
                memcpy(copy, messages[i], size);
                copy[at] = (char)value;
                sent_count = 0;
                receive(copy, size);
                assert_in_range(sent_count, 0, 1);
            }
        }
    }
}

static void test_numbers_in_all_lengths(void **state) {
    const uint64_t values[] = {0, 23, 24, 255, 256, 65535, 65536, UINT32_MAX, UINT64_C(1) << 32, UINT64_MAX};
    const size_t sizes[] = {1, 1, 2, 2, 3, 3, 5, 5, 9, 9};
    uint8_t data[16];
    (void)state;
    for (unsigned i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct cbor_writer writer = cbor_write(data, sizeof data);
        cbor_write_uint(&writer, values[i]);
        assert_false(writer.failed);
        assert_int_equal(writer.size, sizes[i]);
        struct cbor_reader reader = cbor_read(data, writer.size);
        assert_true(cbor_read_uint(&reader) == values[i]);
        assert_true(cbor_read_end(&reader));
        struct cbor_writer small = cbor_write(data, sizes[i] - 1);
        cbor_write_uint(&small, values[i]);
        assert_true(small.failed);
    }
}

static void test_history(void **state) {
    struct history_entry entry;
    (void)state;
    history_note(HISTORY_ASKED, 0, 1);
    history_note(HISTORY_TIMED_OUT, 0, 0);
    history_note(HISTORY_FLIPPED, 0, 0); /* nothing is under way */
    assert_true(history_get(0, &entry));
    assert_int_equal(entry.stage, HISTORY_TIMED_OUT);
    history_note(HISTORY_SUSPENDING, 2, 0); /* out of its sleep */
    history_note(HISTORY_FLIPPED, 0, 0);
    assert_true(history_get(0, &entry));
    assert_int_equal(entry.from, 2);
    assert_int_equal(entry.times[0], 0);
    assert_int_not_equal(entry.times[3], 0);
    history_note(HISTORY_ASKED, 0, 1);
    history_note(HISTORY_ASKED, 0, 2);
    assert_true(history_get(1, &entry));
    assert_int_equal(entry.stage, HISTORY_GIVEN_UP);
    for (unsigned i = 0; i < 20; i++)
        history_note(HISTORY_ASKED, 1, 2);
    assert_true(history_get(HISTORY_ENTRIES - 1, &entry));
    assert_false(history_get(HISTORY_ENTRIES, &entry));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_hello, set_up),
        cmocka_unit_test_setup(test_ask_only_an_agent_that_is_there, set_up),
        cmocka_unit_test_setup(test_up, set_up),
        cmocka_unit_test_setup(test_flip, set_up),
        cmocka_unit_test_setup(test_answers, set_up),
        cmocka_unit_test_setup(test_longest_texts, set_up),
        cmocka_unit_test_setup(test_status, set_up),
        cmocka_unit_test_setup(test_largest_status, set_up),
        cmocka_unit_test_setup(test_malformed, set_up),
        cmocka_unit_test_setup(test_damaged, set_up),
        cmocka_unit_test_setup(test_numbers_in_all_lengths, set_up),
        cmocka_unit_test_setup(test_history, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
