// SPDX-License-Identifier: BSD-3-Clause
// The reader driver against a switcher that a thread plays at the other end of a socket. Time goes on only while the
// driver waits for nothing else, so that it is the same on every machine.
#include "ifd.c"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "usim/port.h"

/* The driver, which is a package of its own, says the protocol again. */
#define SAME(a, b) _Static_assert((int)(a) == (int)(b), "one protocol")
SAME(PORT_OFF, USIM_PORT_OFF);
SAME(PORT_ON, USIM_PORT_ON);
SAME(PORT_RESET, USIM_PORT_RESET);
SAME(PORT_ATR, USIM_PORT_ATR);
SAME(PORT_OK, USIM_PORT_OK);
SAME(PORT_IS_OFF, USIM_PORT_IS_OFF);
SAME(PORT_REFUSED, USIM_PORT_REFUSED);
SAME(PORT_BAD_FRAME, USIM_PORT_BAD_FRAME);
SAME(PORT_BUSY, USIM_PORT_BUSY);
_Static_assert((int)PORT_ANSWER_MAX >= (int)USIM_PORT_ANSWER_MAX, "the longest answer fits");
_Static_assert((int)PORT_REQUEST_MAX >= (int)USIM_COMMAND_MAX, "so does the longest command");

enum { LUN = 0x10000 };

static const uint8_t atr[MAX_ATR_SIZE + 1] = {0x3b, 0x9f, 0x01, 0x80, 0x1f};
static uint8_t card_response[258];

/* What the other end does with a request. */
static enum manner { RIGHT, BYTE_BY_BYTE, SILENT, EMPTY, TOO_LONG, MORE_THAN_SAID, BAD_STATUS, GONE } manner;
static bool powered, refused;
static unsigned requests, busy;                  /* answers that the card's memory is busy, to come */
static size_t card_atr_size, card_response_size; /* what the card sends */
static int sockets[2];
static pthread_t thread;

/* ---- Time (-Wl,--wrap) */

static int64_t clock_ms, suspended_ms;
static void (*meanwhile)(void); /* what happens in each pause; NULL: nothing */

int __wrap_clock_gettime(clockid_t clock, struct timespec *time) {
    int64_t now = clock_ms + (clock == CLOCK_BOOTTIME ? suspended_ms : 0);
    *time = (struct timespec){now / 1000, (long)(now % 1000) * 1000000};
    return 0;
}

int __real_poll(struct pollfd *polled, nfds_t count, int timeout_ms);

int __wrap_poll(struct pollfd *polled, nfds_t count, int timeout_ms) {
    if (count > 0 && manner != SILENT)
        return __real_poll(polled, count, -1); /* something comes, however long the machine takes for it */
    clock_ms += timeout_ms;
    if (meanwhile != NULL)
        meanwhile();
    return 0;
}

/* ---- The other end */

static void send_all(const uint8_t *bytes, size_t size) {
    size_t step = manner == BYTE_BY_BYTE ? 1 : size;
    for (size_t done = 0; done < size; done += step)
        if (write(sockets[1], bytes + done, step) != (ssize_t)step)
            return;
}

static void answer(enum port_status status, const uint8_t *data, size_t size) {
    uint8_t frame[1024] = {(uint8_t)((size + 1) >> 8), (uint8_t)(size + 1), (uint8_t)status};
    if (size > 0)
        memcpy(frame + 3, data, size);
    if (manner == EMPTY)
        frame[0] = frame[1] = 0;
    if (manner == TOO_LONG)
        frame[0] = 0x80;
    if (manner == BAD_STATUS)
        frame[2] = 77;
    if (manner == GONE)
        (void)shutdown(sockets[1], SHUT_RDWR);
    else if (manner != SILENT)
        send_all(frame, 3 + size + (manner == MORE_THAN_SAID));
}

static void serve(const uint8_t *request, size_t size) {
    requests++;
    if (busy > 0) {
        busy--;
        answer(PORT_BUSY, NULL, 0);
    } else if (refused) {
        answer(PORT_REFUSED, NULL, 0);
    } else if (size > 1) {
        answer(powered ? PORT_OK : PORT_IS_OFF, card_response, powered ? card_response_size : 0);
    } else {
        powered = request[0] == PORT_ON || request[0] == PORT_RESET || (powered && request[0] != PORT_OFF);
        answer(powered || request[0] == PORT_OFF ? PORT_OK : PORT_IS_OFF, atr, powered ? card_atr_size : 0);
    }
}

static void *run(void *context) {
    uint8_t frame[2 + PORT_REQUEST_MAX];
    ssize_t count;
    (void)context;
    while ((count = read(sockets[1], frame, sizeof frame)) > 2)
        serve(frame + 2, (size_t)count - 2);
    return NULL;
}

static int set_up(void **state) {
    char name[] = "/dev/null:/nowhere/at/all";
    (void)state;
    manner = RIGHT;
    powered = refused = false;
    requests = busy = 0;
    suspended_ms = 0;
    meanwhile = NULL;
    card_atr_size = 5;
    card_response_size = 2;
    for (size_t i = 0; i < sizeof card_response; i++)
        card_response[i] = (uint8_t)(i + 0x90);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets), 0);
    assert_int_equal(IFDHCreateChannelByName(LUN, name), IFD_SUCCESS);
    assert_string_equal(reader.port.path, "/nowhere/at/all");
    assert_int_equal(reader.port.fd, -1);
    reader.port.fd = sockets[0];
    /* The thread waits for what comes. */
    assert_int_equal(fcntl(sockets[1], F_SETFL, 0), 0);
    return pthread_create(&thread, NULL, run, NULL);
}

static int tear_down(void **state) {
    (void)state;
    (void)IFDHCloseChannel(LUN);
    (void)shutdown(sockets[1], SHUT_RDWR);
    (void)pthread_join(thread, NULL);
    (void)close(sockets[1]);
    return 0;
}

static RESPONSECODE power(DWORD action, DWORD *size) {
    UCHAR bytes[MAX_ATR_SIZE] = {0};
    *size = 77;
    RESPONSECODE result = IFDHPowerICC(LUN, action, bytes, size);
    assert_in_range(*size, 0, sizeof bytes);
    assert_memory_equal(bytes, atr, *size);
    return result;
}

static RESPONSECODE transmit(DWORD size, DWORD *answered) {
    static UCHAR command[PORT_REQUEST_MAX + 1] = {0, 0xa4, 0, 4};
    UCHAR response[sizeof card_response] = {0};
    const SCARD_IO_HEADER header = {.Protocol = 0, .Length = sizeof header};
    *answered = sizeof response;
    RESPONSECODE result = IFDHTransmitToICC(LUN, header, command, size, response, answered, NULL);
    assert_in_range(*answered, 0, sizeof response);
    assert_memory_equal(response, card_response, *answered);
    return result;
}

static void test_a_session(void **state) {
    DWORD size;
    (void)state;
    assert_int_equal(IFDHICCPresence(LUN), IFD_ICC_PRESENT);
    assert_int_equal(transmit(5, &size), IFD_ICC_NOT_PRESENT);
    assert_int_equal(power(IFD_POWER_UP, &size), IFD_SUCCESS);
    assert_int_equal(size, card_atr_size);
    assert_int_equal(IFDHSetProtocolParameters(LUN, SCARD_PROTOCOL_T0, 0, 0, 0, 0), IFD_SUCCESS);
    assert_int_equal(IFDHSetProtocolParameters(LUN, SCARD_PROTOCOL_T1, 0, 0, 0, 0), IFD_PROTOCOL_NOT_SUPPORTED);
    assert_int_equal(transmit(5, &size), IFD_SUCCESS);
    assert_int_equal(size, 2);
    assert_int_equal(IFDHICCPresence(LUN), IFD_ICC_PRESENT);
    assert_int_equal(power(IFD_RESET, &size), IFD_SUCCESS);
    assert_int_equal(power(IFD_POWER_DOWN, &size), IFD_SUCCESS);
    assert_false(powered);
    assert_int_equal(reader.atr_size, 0);
    assert_int_equal(IFDHICCPresence(LUN), IFD_ICC_PRESENT);
}

/* Nothing was done by it, so it is asked for again, and whoever asked sees nothing of that. */
static void test_a_busy_card_is_asked_again(void **state) {
    DWORD size;
    (void)state;
    assert_int_equal(power(IFD_POWER_UP, &size), IFD_SUCCESS);
    requests = 0;
    busy = 5;
    assert_int_equal(transmit(5, &size), IFD_SUCCESS);
    assert_int_equal(size, 2);
    assert_int_equal(requests, 6);
    assert_int_equal(IFDHICCPresence(LUN), IFD_ICC_PRESENT);
    requests = 0;
    busy = 1000000; /* one that never ends: it is given up in time, and the next request goes on */
    struct port_answer late;
    port_ask(&reader.port, (const uint8_t[]){0, 0xb0, 0, 0, 1}, 5, 200, &late);
    assert_int_equal(late.status, PORT_BUSY);
    assert_int_equal(requests, 8); /* every 20 ms, and not in the last 60 */
    busy = 0;
    assert_int_equal(transmit(5, &size), IFD_SUCCESS);
}

/* The shortest command and the longest, the longest response, and what is no ATR and no response. */
static void test_sizes(void **state) {
    DWORD size;
    (void)state;
    card_atr_size = MAX_ATR_SIZE;
    assert_int_equal(power(IFD_POWER_UP, &size), IFD_SUCCESS);
    assert_int_equal(size, MAX_ATR_SIZE);
    card_response_size = sizeof card_response;
    assert_int_equal(transmit(4, &size), IFD_SUCCESS);
    assert_int_equal(size, sizeof card_response);
    assert_int_equal(transmit(PORT_REQUEST_MAX, &size), IFD_SUCCESS);
    card_response_size = 1;
    assert_int_equal(transmit(5, &size), IFD_COMMUNICATION_ERROR);
    assert_int_equal(size, 0);
    static const size_t bad[] = {0, MAX_ATR_SIZE + 1};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        card_atr_size = bad[i];
        assert_int_equal(power(IFD_RESET, &size), IFD_ERROR_POWER_ACTION);
        assert_int_equal(size, 0);
    }
}

/* What an answer is: how many bytes it says, which are all there, and a status. */
static void test_frames(void **state) {
    uint8_t bytes[PORT_PREFIX_SIZE + PORT_ANSWER_MAX + 1] = {0};
    struct port_answer got;
    (void)state;
    assert_int_equal(port_take(bytes, 0, &got), PORT_MORE);
    assert_int_equal(port_take(bytes, 1, &got), PORT_MORE);
    assert_int_equal(port_take(bytes, 2, &got), PORT_NONSENSE);
    for (size_t length = 1; length <= PORT_ANSWER_MAX + 1; length++) {
        bool fits = length <= PORT_ANSWER_MAX;
        bytes[0] = (uint8_t)(length >> 8);
        bytes[1] = (uint8_t)length;
        assert_int_equal(port_take(bytes, 2, &got), fits ? PORT_MORE : PORT_NONSENSE);
        if (!fits)
            break;
        assert_int_equal(port_take(bytes, 1 + length, &got), PORT_MORE);
        assert_int_equal(port_take(bytes, 2 + length, &got), PORT_TAKEN);
        assert_int_equal(got.size, length - 1);
        assert_int_equal(port_take(bytes, 3 + length, &got), PORT_NONSENSE);
    }
}

/* What was selected and verified is gone: whoever used the card has to be told. */
static void test_a_flip_takes_the_card_out_and_puts_it_in_again(void **state) {
    DWORD size;
    (void)state;
    assert_int_equal(power(IFD_POWER_UP, &size), IFD_SUCCESS);
    powered = false;
    assert_int_equal(transmit(5, &size), IFD_ICC_NOT_PRESENT);
    assert_int_equal(size, 0);
    assert_int_equal(IFDHICCPresence(LUN), IFD_ICC_NOT_PRESENT);
    assert_int_equal(IFDHICCPresence(LUN), IFD_ICC_PRESENT);
    assert_int_equal(power(IFD_POWER_UP, &size), IFD_SUCCESS);
}

static void *look(void *context) {
    *(RESPONSECODE *)context = IFDHICCPresence(LUN);
    return NULL;
}

/* As pcscd does from the thread of a program that wants to power the card. */
static RESPONSECODE look_from_elsewhere(void) {
    RESPONSECODE seen = IFD_COMMUNICATION_ERROR;
    pthread_t elsewhere;
    assert_int_equal(pthread_create(&elsewhere, NULL, look, &seen), 0);
    assert_int_equal(pthread_join(elsewhere, NULL), 0);
    return seen;
}

/* Else pcscd has no card for anybody any more: the thread that watches must see what a program's was told. */
static void test_who_watches_learns_what_a_program_saw(void **state) {
    RESPONSECODE (*watching)(DWORD, int) = NULL;
    DWORD size = sizeof watching, atr_size;
    (void)state;
    assert_int_equal(IFDHGetCapabilities(LUN, TAG_IFD_POLLING_THREAD_WITH_TIMEOUT, &size, (PUCHAR)&watching),
                     IFD_SUCCESS);
    assert_int_equal(size, sizeof watching);
    assert_int_equal(watching(LUN, 1), IFD_SUCCESS);
    for (unsigned programs = 0; programs < 3; programs++) {
        assert_int_equal(power(IFD_POWER_UP, &atr_size), IFD_SUCCESS);
        assert_int_equal(look_from_elsewhere(), IFD_ICC_PRESENT);
        powered = false;
        for (unsigned i = 0; i < programs; i++)
            assert_int_equal(look_from_elsewhere(), IFD_ICC_NOT_PRESENT);
        assert_int_equal(IFDHICCPresence(LUN), IFD_ICC_NOT_PRESENT);
        assert_int_equal(look_from_elsewhere(), IFD_ICC_PRESENT);
        assert_int_equal(IFDHICCPresence(LUN), IFD_ICC_PRESENT);
    }
}

static void test_a_card_that_is_not_for_this_persona_is_not_there(void **state) {
    DWORD size;
    (void)state;
    refused = true;
    assert_int_equal(IFDHICCPresence(LUN), IFD_ICC_NOT_PRESENT);
    assert_int_equal(power(IFD_POWER_UP, &size), IFD_ERROR_POWER_ACTION);
    assert_int_equal(size, 0);
    assert_int_equal(transmit(5, &size), IFD_ICC_NOT_PRESENT);
}

static void test_what_is_no_apdu_is_not_sent(void **state) {
    DWORD size;
    SCARD_IO_HEADER other = {.Protocol = 1};
    UCHAR bytes[5] = {0};
    (void)state;
    for (DWORD length = 0; length < 4; length++)
        assert_int_equal(transmit(length, &size), IFD_COMMUNICATION_ERROR);
    assert_int_equal(transmit(PORT_REQUEST_MAX + 1, &size), IFD_COMMUNICATION_ERROR);
    size = sizeof bytes;
    assert_int_equal(IFDHTransmitToICC(LUN, other, bytes, 5, bytes, &size, NULL), IFD_PROTOCOL_NOT_SUPPORTED);
    assert_int_equal(IFDHTransmitToICC(LUN, other, bytes, 5, bytes, NULL, NULL), IFD_COMMUNICATION_ERROR);
    assert_int_equal(size, 0);
    /* The port's own bounds, which do not cost it the port. */
    struct port_answer got;
    uint8_t request[PORT_REQUEST_MAX + 1] = {0};
    for (size_t length = 0; length <= sizeof request; length += sizeof request) {
        port_ask(&reader.port, request, length, 1000, &got);
        assert_int_equal(got.status, PORT_NOTHING);
        assert_int_equal(reader.port.fd, sockets[0]);
    }
    assert_int_equal(requests, 0);
    assert_int_equal(power(IFD_POWER_UP, &size), IFD_SUCCESS);
}

static void test_an_answer_in_pieces(void **state) {
    DWORD size;
    (void)state;
    manner = BYTE_BY_BYTE;
    assert_int_equal(power(IFD_POWER_UP, &size), IFD_SUCCESS);
    assert_int_equal(transmit(5, &size), IFD_SUCCESS);
}

static void test_nonsense_closes_the_port(void **state) {
    static const enum manner manners[] = {EMPTY, TOO_LONG, MORE_THAN_SAID, BAD_STATUS, GONE};
    struct port_answer got;
    uint8_t on = PORT_ON;
    DWORD size;
    for (size_t i = 0; i < sizeof manners / sizeof manners[0]; i++) {
        manner = manners[i];
        port_ask(&reader.port, &on, 1, 200, &got);
        assert_int_equal(got.status, PORT_NOTHING);
        assert_int_equal(reader.port.fd, -1);
        assert_int_equal(transmit(5, &size), IFD_COMMUNICATION_ERROR); /* there is no port to open */
        tear_down(state);
        set_up(state);
    }
}

static void test_silence_ends_in_time(void **state) {
    struct port_answer got;
    uint8_t on = PORT_ON;
    int64_t start = clock_ms;
    (void)state;
    manner = SILENT;
    port_ask(&reader.port, &on, 1, 100, &got);
    assert_int_equal(got.status, PORT_NOTHING);
    assert_int_equal(clock_ms - start, 100);
    reader.port.path =
        "/dev/null"; /* as a port is while the switcher does not have it open: written to, and at its end */
    port_ask(&reader.port, &on, 1, 100, &got);
    assert_int_equal(got.status, PORT_NOTHING);
    assert_int_equal(clock_ms - start, 200);
    assert_int_equal(IFDHICCPresence(LUN), IFD_ICC_NOT_PRESENT);
}

static void suspend(void) { suspended_ms = 3600000; }

/* What was on its way when the system was suspended is lost: nobody waits for it after the resume. */
static void test_a_flip_ends_the_waiting(void **state) {
    struct port_answer got;
    uint8_t on = PORT_ON;
    (void)state;
    manner = SILENT;
    meanwhile = suspend;
    int64_t start = clock_ms;
    port_ask(&reader.port, &on, 1, 60000, &got);
    assert_int_equal(got.status, PORT_NOTHING);
    assert_in_range(clock_ms - start, 1, 1000);
}

/* A port that can't be written to, or read, fails then, and not when the time is over. */
static void test_errors_are_told_at_once(void **state) {
    static const int flags[] = {O_RDONLY, O_WRONLY};
    struct port_answer got;
    uint8_t on = PORT_ON;
    (void)state;
    (void)close(sockets[0]);
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        int64_t start = clock_ms;
        reader.port.fd = open("/dev/null", flags[i]);
        port_ask(&reader.port, &on, 1, 60000, &got);
        assert_int_equal(got.status, PORT_NOTHING);
        assert_int_equal(reader.port.fd, -1);
        assert_int_equal(clock_ms, start);
    }
}

static void answer_later(void) {
    static const uint8_t frame[] = {0, 3, PORT_OK, 0x3b, 0x9f};
    static unsigned pauses;
    if (++pauses == 3)
        assert_int_equal(pwrite(reader.port.fd, frame, sizeof frame, 3), sizeof frame);
}

/* After a resume the port is at its end until the switcher has it open again: a file does as it does. */
static void test_an_answer_after_the_end(void **state) {
    char name[] = "/tmp/test_ifd.XXXXXX";
    struct port_answer got;
    uint8_t on = PORT_ON;
    (void)state;
    (void)close(sockets[0]);
    reader.port.fd = mkstemp(name);
    assert_true(reader.port.fd >= 0);
    (void)unlink(name);
    meanwhile = answer_later;
    port_ask(&reader.port, &on, 1, 30000, &got);
    assert_int_equal(got.status, PORT_OK);
    assert_int_equal(got.size, 2);
    assert_memory_equal(got.data, atr, 2);
}

static void test_a_late_answer_is_dropped(void **state) {
    static const uint8_t late[] = {0, 3, 0, 0x6f, 0};
    DWORD size;
    (void)state;
    assert_int_equal(power(IFD_POWER_UP, &size), IFD_SUCCESS);
    assert_int_equal(write(sockets[1], late, sizeof late), sizeof late);
    assert_int_equal(transmit(5, &size), IFD_SUCCESS);
    assert_int_equal(size, 2);
}

static void test_capabilities(void **state) {
    UCHAR value[MAX_ATR_SIZE];
    DWORD size = sizeof value, powered_size;
    (void)state;
    assert_int_equal(power(IFD_POWER_UP, &powered_size), IFD_SUCCESS);
    assert_int_equal(IFDHGetCapabilities(LUN, TAG_IFD_ATR, &size, value), IFD_SUCCESS);
    assert_int_equal(size, card_atr_size);
    assert_memory_equal(value, atr, card_atr_size);
    size = 2;
    assert_int_equal(IFDHGetCapabilities(LUN, TAG_IFD_ATR, &size, value), IFD_ERROR_INSUFFICIENT_BUFFER);
    size = 1;
    assert_int_equal(IFDHGetCapabilities(LUN, TAG_IFD_SLOTS_NUMBER, &size, value), IFD_SUCCESS);
    assert_int_equal(value[0], 1);
    assert_int_equal(IFDHGetCapabilities(LUN, TAG_IFD_SLOT_THREAD_SAFE, &size, value), IFD_SUCCESS);
    assert_int_equal(value[0], 0);
    assert_int_equal(IFDHGetCapabilities(LUN, 0x7777, &size, value), IFD_ERROR_TAG);
    assert_int_equal(IFDHSetCapabilities(LUN, 0x7777, 1, value), IFD_ERROR_TAG);
    assert_int_equal(IFDHControl(LUN, 0, NULL, 0, NULL, 0, &size), IFD_ERROR_NOT_SUPPORTED);
    assert_int_equal(size, 0);
}

static void test_another_reader_is_not_ours(void **state) {
    UCHAR value[MAX_ATR_SIZE];
    DWORD size = sizeof value;
    const SCARD_IO_HEADER header = {0};
    (void)state;
    assert_int_equal(IFDHCreateChannel(LUN + 1, 0), IFD_COMMUNICATION_ERROR);
    assert_int_equal(IFDHICCPresence(LUN + 1), IFD_COMMUNICATION_ERROR);
    assert_int_equal(IFDHPowerICC(LUN + 1, IFD_POWER_UP, value, &size), IFD_COMMUNICATION_ERROR);
    assert_int_equal(IFDHTransmitToICC(LUN + 1, header, value, 5, value, &size, NULL), IFD_COMMUNICATION_ERROR);
    assert_int_equal(IFDHGetCapabilities(LUN + 1, TAG_IFD_ATR, &size, value), IFD_COMMUNICATION_ERROR);
    assert_int_equal(IFDHCloseChannel(LUN + 1), IFD_COMMUNICATION_ERROR);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_a_session),
        CASE(test_a_busy_card_is_asked_again),
        CASE(test_a_flip_takes_the_card_out_and_puts_it_in_again),
        CASE(test_who_watches_learns_what_a_program_saw),
        CASE(test_a_card_that_is_not_for_this_persona_is_not_there),
        CASE(test_what_is_no_apdu_is_not_sent),
        CASE(test_an_answer_in_pieces),
        CASE(test_nonsense_closes_the_port),
        CASE(test_sizes),
        CASE(test_frames),
        CASE(test_silence_ends_in_time),
        CASE(test_a_flip_ends_the_waiting),
        CASE(test_errors_are_told_at_once),
        CASE(test_an_answer_after_the_end),
        CASE(test_a_late_answer_is_dropped),
        CASE(test_capabilities),
        CASE(test_another_reader_is_not_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
