// SPDX-License-Identifier: BSD-3-Clause
/* The way through a TPM's registers, against a device that keeps to the profile, or breaks it in one way. */
#include "tis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define BASE UINT64_C(0xc000000)

enum {
    ACCESS = 0x00,
    STS = 0x18,
    FIFO = 0x24,
    INTERFACE_ID = 0x30,
    VALID = 0x80,
    ACTIVE = 0x20,
    REQUEST = 0x02,
    READY = 0x40,
    GO = 0x20,
    DATA = 0x10,
    EXPECT = 0x08,
    HEADER = 10,
    BURST = 7, /* bytes: so that neither command nor response is a multiple of it */
    ROOM = 64,
};

enum state { IDLE, PREPARED, RECEPTION, EXECUTION, COMPLETION };

/* A TPM that answers each command with one of the same bytes, but for the tag. */
static struct {
    enum state state;
    bool active, absent, taken, deaf, stalls, mute, slow;
    uint32_t interface;
    uint8_t command[ROOM], response[ROOM];
    size_t taken_bytes, given_bytes, response_size;
    uint64_t time_ms;
    unsigned commands, relaxed;
} device;

static size_t command_size(void) {
    return device.taken_bytes < HEADER ? HEADER : (size_t)device.command[4] << 8 | device.command[5];
}

static uint8_t read8(uint64_t address) {
    device.time_ms++;
    if (device.absent)
        return 0xff;
    if (address == BASE + ACCESS)
        return (uint8_t)(VALID | (device.active ? ACTIVE : 0));
    assert_true(address == BASE + FIFO);
    assert_true(device.active);
    assert_int_equal(device.state, COMPLETION);
    assert_in_range(device.given_bytes, 0, device.response_size - 1);
    return device.response[device.given_bytes++];
}

static uint32_t read32(uint64_t address) {
    device.time_ms++;
    if (address == BASE + INTERFACE_ID)
        return device.interface;
    assert_true(address == BASE + STS);
    assert_true(device.active);
    const size_t done = device.state == COMPLETION ? device.given_bytes : device.taken_bytes;
    const bool stops = done == BURST && (device.state == COMPLETION ? device.mute : device.stalls);
    const uint32_t burst = stops ? 0 : (uint32_t)(BURST - done % BURST);
    switch (device.state) {
    case IDLE:
        return 0;
    case PREPARED:
        return burst << 8 | READY;
    case RECEPTION:
        return burst << 8 | (device.taken_bytes < command_size() ? VALID | EXPECT : VALID);
    case EXECUTION:
        return VALID;
    default:
        return burst << 8 | VALID | (device.given_bytes < device.response_size ? DATA : 0);
    }
}

static void write8(uint64_t address, uint8_t value) {
    if (address == BASE + ACCESS) {
        device.active = value == REQUEST ? device.active || !device.taken : device.active && value != ACTIVE;
        return;
    }
    assert_true(address == BASE + FIFO);
    assert_true(device.active);
    assert_true(device.state == PREPARED || device.state == RECEPTION);
    assert_in_range(device.taken_bytes, 0, command_size() - 1);
    device.state = RECEPTION;
    device.command[device.taken_bytes++] = value;
}

static void write32(uint64_t address, uint32_t value) {
    assert_true(address == BASE + STS);
    assert_true(device.active);
    if (value == READY) {
        device.state = device.deaf ? IDLE : PREPARED;
        device.taken_bytes = device.given_bytes = 0;
        return;
    }
    assert_int_equal(value, GO);
    assert_int_equal(device.taken_bytes, command_size());
    device.state = device.slow ? EXECUTION : COMPLETION;
    device.commands++;
}

static uint64_t milliseconds(void) { return device.time_ms++; }

static void relax(void) {
    device.time_ms += 3;
    device.relaxed++;
}

static const struct tis_machine machine = {read8, write8, read32, write32, milliseconds, relax};
static const uint8_t command[] = {0x80, 0x01, 0, 0, 0, 17, 0, 0, 1, 0x7b, 1, 2, 3, 4, 5, 6, 7};
static struct tis tis;

/* As long as is said, and as it says of itself. */
static void answer(size_t size, uint32_t stated) {
    for (size_t i = 0; i < size; i++)
        device.response[i] = (uint8_t)(0xa0 + i);
    device.response[0] = 0x80;
    for (size_t i = 0; i < 4; i++)
        device.response[2 + i] = (uint8_t)(stated >> (24 - 8 * i));
    device.response_size = size;
}

static int set_up(void **state) {
    (void)state;
    memset(&device, 0, sizeof(device));
    answer(25, 25);
    return tis_open(&tis, &machine, BASE) != TIS_OK;
}

static size_t submit(uint8_t *response, size_t capacity) {
    const struct tpm_transport transport = tis_transport(&tis);
    return transport.submit(transport.context, command, sizeof(command), response, capacity);
}

static void require_error(enum tis_error error) {
    uint8_t response[ROOM];
    assert_int_equal(submit(response, sizeof(response)), 0);
    assert_int_equal(tis.error, error);
    assert_false(device.active); /* nobody is kept out by what failed */
}

static void require_good(void) {
    uint8_t response[ROOM];
    assert_int_equal(submit(response, sizeof(response)), device.response_size);
    assert_memory_equal(response, device.response, device.response_size);
    assert_memory_equal(device.command, command, sizeof(command));
    assert_int_equal(tis.error, TIS_OK);
    assert_false(device.active);
}

static void test_command_and_response(void **state) {
    (void)state;
    for (unsigned i = 1; i <= 3; i++) {
        require_good();
        assert_int_equal(device.commands, i);
    }
    answer(HEADER, HEADER);
    require_good();
}

/* As a persona leaves it that is cut off in an attempt. */
static void test_cut_off_anywhere(void **state) {
    (void)state;
    for (enum state left = IDLE; left <= COMPLETION; left++) {
        device.active = true;
        device.state = left;
        device.taken_bytes = left >= RECEPTION ? 5 : 0;
        device.given_bytes = left == COMPLETION ? 3 : 0;
        require_good();
    }
}

static void test_no_device(void **state) {
    (void)state;
    device.absent = true;
    assert_int_equal(tis_open(&tis, &machine, BASE), TIS_ABSENT);
}

static void test_interfaces(void **state) {
    (void)state;
    device.interface = 0xf;
    assert_int_equal(tis_open(&tis, &machine, BASE), TIS_OK);
    device.interface = 1;
    assert_int_equal(tis_open(&tis, &machine, BASE), TIS_UNSUPPORTED);
}

static void test_another_locality_keeps_it(void **state) {
    (void)state;
    device.taken = true;
    require_error(TIS_TAKEN);
    assert_in_range(device.time_ms, 2000, 2500);
    device.taken = false;
    require_good();
}

static void test_never_ready(void **state) {
    (void)state;
    device.deaf = true;
    require_error(TIS_NOT_READY);
    assert_int_equal(device.commands, 0);
    device.deaf = false;
    require_good();
}

static void test_stops_in_the_middle(void **state) {
    (void)state;
    device.stalls = true;
    require_error(TIS_STOPPED);
    assert_int_equal(device.commands, 0);
    device.stalls = false;
    device.mute = true;
    require_error(TIS_STOPPED);
    device.mute = false;
    require_good();
}

static void test_too_slow(void **state) {
    (void)state;
    device.slow = true;
    require_error(TIS_TOO_SLOW);
    assert_in_range(device.time_ms, 120000, 121000);
    device.slow = false;
    require_good();
}

static void test_sizes_that_cannot_be(void **state) {
    uint8_t response[ROOM];
    static const uint32_t sizes[] = {0, HEADER - 1, ROOM + 1, 0x10019, UINT32_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        answer(25, sizes[i]);
        require_error(TIS_BAD_SIZE);
    }
    answer(25, 25);
    assert_int_equal(submit(response, 24), 0);
    assert_int_equal(tis.error, TIS_BAD_SIZE);
    assert_int_equal(submit(response, 25), 25);
}

static void test_waits(void **state) {
    (void)state;
    const struct tpm_transport transport = tis_transport(&tis);
    uint64_t begin = device.time_ms;
    transport.wait(transport.context, 20);
    assert_in_range(device.time_ms - begin, 20, 30);
    assert_in_range(device.relaxed, 1, 10);
}

static void test_every_error_has_its_text(void **state) {
    (void)state;
    for (enum tis_error error = TIS_OK; error <= TIS_BAD_SIZE; error++)
        for (enum tis_error other = TIS_OK; other < error; other++)
            assert_string_not_equal(tis_error_text(error), tis_error_text(other));
}

#define TIS_TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void) {
    const struct CMUnitTest tests[] = {
        TIS_TEST(test_command_and_response),
        TIS_TEST(test_cut_off_anywhere),
        TIS_TEST(test_no_device),
        TIS_TEST(test_interfaces),
        TIS_TEST(test_another_locality_keeps_it),
        TIS_TEST(test_never_ready),
        TIS_TEST(test_stops_in_the_middle),
        TIS_TEST(test_too_slow),
        TIS_TEST(test_sizes_that_cannot_be),
        TIS_TEST(test_waits),
        TIS_TEST(test_every_error_has_its_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
