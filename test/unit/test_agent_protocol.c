// SPDX-License-Identifier: BSD-3-Clause
/* Both ends of the control protocol, each compiled from its own sources, with one another. */
#include "attention.h"
#include "channel.h"
#include "control.h"
#include "flip.h"
#include "history.h"
#include "log.h"
#include "machine.h"
#include "message.h"
#include "prewarm.h"
#include "switcher.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

_Static_assert((int)MESSAGE_VERSION == (int)CONTROL_VERSION, "version");
_Static_assert((int)MESSAGE_TEXT_MAX == (int)CONTROL_REASON_MAX, "length of a reason");
_Static_assert((int)MESSAGE_NAME_MAX == (int)HANDOVER_NAME_SIZE - 1, "length of a name");
_Static_assert((int)MESSAGE_PERSONAS_MAX == (int)HANDOVER_PERSONAS_MAX, "personas");
_Static_assert((int)MESSAGE_FLIPS_MAX == (int)HISTORY_ENTRIES, "flips");
_Static_assert((int)MESSAGE_TO_PERSONA == (int)VIRTIO_CONSOLE_OUTGOING_SIZE - 2, "longest message to a persona");
_Static_assert((int)MESSAGE_TO_SWITCHER == (int)VIRTIO_CONSOLE_MESSAGE_MAX, "longest message to the switcher");
_Static_assert((int)MESSAGE_BAD_VERSION == (int)CONTROL_BAD_VERSION, "error code");
_Static_assert((int)STATE_LOADED == (int)PERSONA_LOADED && (int)STATE_CUT_OFF == (int)PERSONA_CUT_OFF, "states");
_Static_assert((int)STATE_SUSPENDED == (int)PERSONA_SUSPENDED && (int)STATE_ASLEEP == (int)PERSONA_ASLEEP, "states");
_Static_assert((int)STAGE_ASKED == (int)HISTORY_ASKED && (int)STAGE_GIVEN_UP == (int)HISTORY_GIVEN_UP, "stages");
_Static_assert((int)STAGE_FLIPPED == (int)HISTORY_FLIPPED && (int)STAGE_REFUSED == (int)HISTORY_REFUSED, "stages");
_Static_assert((int)TIMES == (int)HISTORY_TIMES, "times");
_Static_assert((int)COUNTERS == (int)LOG_COUNTERS, "counters");

struct switcher switcher;

static struct handover handover;
static uint8_t sent[4096];
static size_t sent_size;
static unsigned requested, refused, acknowledged;
static char printed[512];

bool channel_is_open(enum channel_port port) { return port == CHANNEL_CONTROL; }

bool channel_send(enum channel_port port, const uint8_t *message, size_t size) {
    (void)port;
    memcpy(sent, message, size);
    sent_size = size;
    return true;
}

void flip_ask(unsigned index) { requested = index; }

void prewarm_up(void) {}

bool attention_acknowledged(void) { return ++acknowledged != 0; }

bool attention_refused(void) { return ++refused != 0; }

unsigned flip_target(void) { return 0; }

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
    handover.persona_count = 2;
    strcpy(handover.personas[0].name, "personal");
    strcpy(handover.personas[1].name, "work");
    switcher.handover = &handover;
    for (unsigned i = 0; i < 2; i++) {
        switcher.personas[i].description = &handover.personas[i];
        control_started(i);
    }
    switcher.personas[1].state = PERSONA_RUNNING;
    switcher.running = 1;
    requested = 99;
    refused = acknowledged = 0;
    sent_size = 0;
    return 0;
}

static void say(struct message_bytes message) {
    assert_int_not_equal(message.size, 0);
    control_received(1, message.data, message.size);
}

static struct message hear(void) {
    static struct message message;
    assert_true(message_read(sent, sent_size, &message));
    sent_size = 0;
    return message;
}

static void test_greeting(void **state) {
    (void)state;
    say(message_hello("1.2"));
    struct message message = hear();
    assert_int_equal(message.kind, MESSAGE_HELLO);
    assert_int_equal(message.number, MESSAGE_VERSION);
    say(message_plain(MESSAGE_UP));
    assert_int_equal(sent_size, 0);
    assert_true(control_is_up(1));
}

static void test_request(void **state) {
    (void)state;
    say(message_hello("1.2"));
    assert_true(control_ask());
    struct message message = hear();
    assert_int_equal(message.kind, MESSAGE_FLIP_REQUEST);
    assert_string_equal(message.text, "personal");
    say(message_plain(MESSAGE_ACKNOWLEDGE));
    assert_int_equal(acknowledged, 1);
    say(message_with_text(MESSAGE_REFUSE, "apt: upgrade"));
    assert_int_equal(refused, 1);
    assert_string_equal(printed, "flipside: work does not want to flip now: apt: upgrade\n");
    control_cancel();
    assert_int_equal(hear().kind, MESSAGE_FLIP_CANCELLED);
}

static void test_flip(void **state) {
    (void)state;
    say(message_with_text(MESSAGE_FLIP, "personal"));
    assert_int_equal(requested, 0);
    assert_int_equal(sent_size, 0);
    say(message_with_text(MESSAGE_FLIP, "nobody"));
    struct message message = hear();
    assert_int_equal(message.kind, MESSAGE_ERROR);
    assert_string_equal(message.text, control_error_text(CONTROL_NO_SUCH_PERSONA));
}

static void test_status(void **state) {
    (void)state;
    fake.counter = 5000000;
    history_note(HISTORY_ASKED, 1, 0);
    history_note(HISTORY_SUSPENDING, 1, 0);
    history_note(HISTORY_FLIPPED, 1, 0);
    history_note(HISTORY_ASKED, 1, 0);
    history_note(HISTORY_REFUSED, 1, 0);
    log_count(COUNT_CHANNEL, 1);
    say(message_plain(MESSAGE_STATUS));
    struct message message = hear();
    assert_int_equal(message.kind, MESSAGE_STATUS_REPLY);
    const struct message_status *status = &message.status;
    assert_int_equal(status->self, 1);
    assert_string_equal(status->personas[0].name, "personal");
    assert_int_equal(status->personas[1].state, STATE_RUNNING);
    assert_in_range(status->flip_count, 2, MESSAGE_FLIPS_MAX);
    assert_int_equal(status->flips[0].stage, STAGE_REFUSED);
    assert_int_equal(status->flips[1].stage, STAGE_FLIPPED);
    assert_true(status->flips[1].times[TIME_ASKED] < status->flips[1].times[TIME_RESUMED]);
    assert_int_equal(status->flips[1].times[TIME_ACKNOWLEDGED], 0);
    assert_int_equal(status->counters[COUNTER_CHANNEL], 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_greeting, set_up),
        cmocka_unit_test_setup(test_request, set_up),
        cmocka_unit_test_setup(test_flip, set_up),
        cmocka_unit_test_setup(test_status, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
