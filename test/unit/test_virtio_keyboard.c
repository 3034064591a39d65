// SPDX-License-Identifier: BSD-3-Clause
#include "console.h"
#include "machine.h"
#include "pseudorandom.h"
#include "virtio_keyboard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum {
    BASE = 0x0a003e00,
    VOLUME_UP = 115,
    POWER = 116,
    OTHER = 30,
    RELEASED = 0,
    PRESSED = 1,
    REPEATED = 2,
    STATUS_DRIVER_OK = 4,
    STATUS_FEATURES_OK = 8,
    STATUS_NEEDS_RESET = 64,
    STATUS_FAILED = 128,
    RESTARTS = 8, /* that the driver allows a device in its life */
    QUEUE_MAX = 64,
};

/* The driver's side of the queue, as the device finds it through the registers (virtio 1.2, 2.7). */
struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};

struct available {
    uint16_t flags, index, ring[QUEUE_MAX];
};

struct used {
    uint16_t flags, index;
    struct {
        uint32_t id, length;
    } ring[QUEUE_MAX];
};

struct input_event {
    uint16_t type, code;
    uint32_t value;
};

/* A virtio-input device, and what it does wrong. */
static struct {
    uint32_t magic, version, id, features_high, queue_max;
    bool refuses_features, never_resets;
    uint32_t status, features_sel, driver_features_sel, driver_features[2], interrupts;
    uint32_t queue_num, queue_ready;
    uint32_t address[6]; /* low and high of descriptors, available and used ring */
    uint16_t taken;      /* of the available ring */
    unsigned resets, notifications;
} device;

static void *ring(unsigned which) {
    return (void *)(uintptr_t)((uint64_t)device.address[2 * which + 1] << 32 | device.address[2 * which]);
}

static void device_reset(void) {
    device.status = device.never_resets ? device.status : 0;
    device.queue_ready = device.queue_num = device.interrupts = 0;
    device.taken = 0;
    device.driver_features[0] = device.driver_features[1] = 0;
    device.resets++;
}

static uint64_t device_read(void *context, uint64_t offset, unsigned size) {
    (void)context;
    assert_int_equal(size, 4);
    switch (offset) {
    case 0x000:
        return device.magic;
    case 0x004:
        return device.version;
    case 0x008:
        return device.id;
    case 0x010:
        return device.features_sel == 1 ? device.features_high : 0xffffffff;
    case 0x034:
        return device.queue_max;
    case 0x044:
        return device.queue_ready;
    case 0x060:
        return device.interrupts;
    case 0x070:
        return device.status;
    default:
        fail_msg("read of 0x%x", (unsigned)offset);
        return 0;
    }
}

static void write_status(uint32_t value) {
    if (value == 0) {
        device_reset();
        return;
    }
    /* 2.1.1: bits are only ever added. */
    assert_int_equal(device.status & value, device.status & ~(uint32_t)STATUS_NEEDS_RESET);
    if ((value & STATUS_FEATURES_OK) != 0 && (device.status & STATUS_FEATURES_OK) == 0) {
        assert_int_equal(device.driver_features[0], 0);
        assert_int_equal(device.driver_features[1], 1);
        if (device.refuses_features)
            value &= ~(uint32_t)STATUS_FEATURES_OK;
    }
    device.status = value;
}

static void device_write(void *context, uint64_t offset, unsigned size, uint64_t wide) {
    (void)context;
    uint32_t value = (uint32_t)wide;
    assert_int_equal(size, 4);
    switch (offset) {
    case 0x014:
        device.features_sel = value;
        break;
    case 0x020:
        device.driver_features[device.driver_features_sel] = value;
        break;
    case 0x024:
        assert_in_range(value, 0, 1);
        device.driver_features_sel = value;
        break;
    case 0x030:
        assert_int_equal(value, 0);
        break;
    case 0x038:
        device.queue_num = value;
        break;
    case 0x044:
        assert_in_range(device.queue_num, 1, device.queue_max);
        assert_int_equal(device.queue_num & (device.queue_num - 1), 0);
        device.queue_ready = value;
        break;
    case 0x050:
        assert_int_equal(value, 0);
        assert_true((device.status & STATUS_DRIVER_OK) != 0);
        device.notifications++;
        break;
    case 0x064:
        device.interrupts &= ~value;
        break;
    case 0x070:
        write_status(value);
        break;
    case 0x080:
    case 0x084:
        device.address[(offset - 0x080) / 4] = value;
        break;
    case 0x090:
    case 0x094:
        device.address[2 + (offset - 0x090) / 4] = value;
        break;
    case 0x0a0:
    case 0x0a4:
        device.address[4 + (offset - 0x0a0) / 4] = value;
        break;
    default:
        fail_msg("write to 0x%x", (unsigned)offset);
    }
}

/* The next buffer that the driver offers; a real device drops the event when there is none. */
static bool next_buffer(uint16_t *id) {
    const struct available *available = ring(1);
    if (available->index == device.taken)
        return false;
    *id = available->ring[device.taken++ % device.queue_num];
    assert_true(*id < device.queue_num);
    return true;
}

static void put_used(uint32_t id, uint32_t length) {
    struct used *used = ring(2);
    used->ring[used->index % device.queue_num].id = id;
    used->ring[used->index % device.queue_num].length = length;
    used->index++;
    device.interrupts |= 1;
}

static bool send(uint16_t type, uint16_t code, uint32_t value) {
    uint16_t id;
    if (!next_buffer(&id))
        return false;
    const struct descriptor *descriptor = (const struct descriptor *)ring(0) + id;
    assert_int_equal(descriptor->length, sizeof(struct input_event));
    assert_int_equal(descriptor->flags, 2);
    *(struct input_event *)(uintptr_t)descriptor->address = (struct input_event){type, code, value};
    put_used(id, sizeof(struct input_event));
    return true;
}

static void send_key(uint16_t code, uint32_t value) {
    assert_true(send(1, code, value));
    assert_true(send(0, 0, 0));
}

/* The interrupt is level triggered: once handled, it must be down. */
static void expect(enum attention_press press) {
    assert_int_equal(virtio_keyboard_interrupt(), press);
    assert_int_equal(device.interrupts, 0);
}

static void expect_key(uint16_t code, uint32_t value, enum attention_press press) {
    send_key(code, value);
    expect(press);
}

static struct handover_keyboard keyboard;

static int set_up_device(void **state) {
    (void)state;
    memset(&device, 0, sizeof device);
    device.magic = 0x74726976;
    device.version = 2;
    device.id = 18;
    device.features_high = 0xffffffff;
    device.queue_max = QUEUE_MAX;
    keyboard = (struct handover_keyboard){.base = BASE, .intid = 79, .chord_length = 2, .chord = {VOLUME_UP, POWER}};
    fake_reset();
    fake_map(BASE, 0x200, device_read, device_write, NULL);
    console_init(0);
    return 0;
}

static int set_up(void **state) {
    set_up_device(state);
    assert_true(virtio_keyboard_init(&keyboard));
    return 0;
}

static void test_start(void **state) {
    (void)state;
    device.status = 0xf; /* as firmware left it */
    assert_true(virtio_keyboard_init(&keyboard));
    assert_int_equal(device.resets, 1);
    assert_int_equal(device.status, 0xf);
    assert_int_equal(device.queue_ready, 1);
    assert_int_equal(device.queue_num, 16);
    assert_int_equal(((const struct available *)ring(1))->index, 16);
    assert_int_equal(device.notifications, 1);
    assert_int_equal((uintptr_t)ring(0) % 16, 0);
    assert_int_equal((uintptr_t)ring(1) % 2, 0);
    assert_int_equal((uintptr_t)ring(2) % 4, 0);
}

static void expect_no_start(void) {
    assert_false(virtio_keyboard_init(&keyboard));
    assert_int_equal(device.status & STATUS_DRIVER_OK, 0);
    fake_forget_events();
    expect(ATTENTION_NONE);
    assert_int_equal(fake_events_of(FAKE_WRITE), 0);
    set_up_device(NULL);
}

static void test_not_a_keyboard(void **state) {
    (void)state;
    device.magic = 0;
    expect_no_start();
    device.version = 1;
    expect_no_start();
    device.id = 0; /* an empty transport */
    expect_no_start();
    device.id = 2;
    expect_no_start();
}

static void test_device_that_does_not_take_the_driver(void **state) {
    (void)state;
    device.features_high = 0xfffffffe;
    expect_no_start();
    device.refuses_features = true;
    expect_no_start();
    device.queue_max = 0;
    expect_no_start();
    device.queue_max = 0;
    assert_false(virtio_keyboard_init(&keyboard));
    assert_true((device.status & STATUS_FAILED) != 0);
}

static void test_device_that_never_resets(void **state) {
    (void)state;
    device.status = 1;
    device.never_resets = true;
    uint64_t before = fake.counter;
    assert_false(virtio_keyboard_init(&keyboard));
    assert_in_range(fake.counter - before, 1, fake.frequency / 10);
}

static void test_small_queue(void **state) {
    (void)state;
    for (uint32_t queue_max = 1; queue_max <= 16; queue_max++) {
        set_up_device(NULL);
        device.queue_max = queue_max;
        assert_true(virtio_keyboard_init(&keyboard));
        for (unsigned i = 0; i < 100; i++) {
            assert_true(send(1, OTHER, PRESSED));
            expect(ATTENTION_NONE);
        }
        assert_int_equal(device.resets, 1);
    }
}

/* Every order of two presses and two releases in which each key is pressed before it is released. */
static void test_chord_in_every_order(void **state) {
    (void)state;
    const uint16_t keys[2] = {VOLUME_UP, POWER};
    for (unsigned first = 0; first < 2; first++) {
        for (unsigned released = 0; released < 2; released++) {
            expect_key(keys[first], PRESSED, ATTENTION_NONE);
            expect_key(keys[!first], PRESSED, ATTENTION_SHORT);
            expect_key(keys[released], RELEASED, ATTENTION_NONE);
            expect_key(keys[!released], RELEASED, ATTENTION_NONE);
        }
        expect_key(keys[first], PRESSED, ATTENTION_NONE);
        expect_key(keys[first], RELEASED, ATTENTION_NONE);
        expect_key(keys[!first], PRESSED, ATTENTION_NONE);
        expect_key(keys[!first], RELEASED, ATTENTION_NONE);
    }
}

static void test_chord_in_one_interrupt(void **state) {
    (void)state;
    send_key(VOLUME_UP, PRESSED);
    send_key(POWER, PRESSED);
    send_key(POWER, RELEASED);
    send_key(VOLUME_UP, RELEASED);
    expect(ATTENTION_SHORT);
    expect(ATTENTION_NONE);
}

static void test_repeats_and_foreign_keys(void **state) {
    (void)state;
    expect_key(VOLUME_UP, REPEATED, ATTENTION_NONE);
    expect_key(POWER, REPEATED, ATTENTION_NONE);
    expect_key(OTHER, PRESSED, ATTENTION_NONE);
    expect_key(VOLUME_UP, PRESSED, ATTENTION_NONE);
    expect_key(VOLUME_UP, REPEATED, ATTENTION_NONE);
    expect_key(POWER, 17, ATTENTION_NONE);
    expect_key(POWER, PRESSED, ATTENTION_SHORT);
    expect_key(VOLUME_UP, REPEATED, ATTENTION_NONE);
    expect_key(POWER, REPEATED, ATTENTION_NONE);
    expect_key(OTHER, RELEASED, ATTENTION_NONE);
    expect_key(OTHER, PRESSED, ATTENTION_NONE);
    expect_key(POWER, RELEASED, ATTENTION_NONE);
    expect_key(POWER, PRESSED, ATTENTION_SHORT);
}

static void test_only_key_events_count(void **state) {
    (void)state;
    for (uint16_t type = 0; type < 32; type++) {
        if (type == 1)
            continue;
        assert_true(send(type, VOLUME_UP, PRESSED));
        assert_true(send(type, POWER, PRESSED));
        expect(ATTENTION_NONE);
    }
}

static void test_chords_of_other_lengths(void **state) {
    (void)state;
    keyboard.chord_length = 1;
    assert_true(virtio_keyboard_init(&keyboard));
    expect_key(POWER, PRESSED, ATTENTION_NONE);
    expect_key(VOLUME_UP, PRESSED, ATTENTION_SHORT);
    expect_key(VOLUME_UP, REPEATED, ATTENTION_NONE);
    keyboard.chord_length = 4;
    for (uint16_t i = 0; i < 4; i++)
        keyboard.chord[i] = (uint16_t)(100 + i);
    assert_true(virtio_keyboard_init(&keyboard));
    for (uint16_t i = 0; i < 4; i++)
        expect_key((uint16_t)(103 - i), PRESSED, i == 3 ? ATTENTION_SHORT : ATTENTION_NONE);
}

/* The device dropped releases: neither does the chord go dead, nor is one key of it alone enough. */
static void test_lost_releases(void **state) {
    (void)state;
    expect_key(VOLUME_UP, PRESSED, ATTENTION_NONE);
    expect_key(POWER, PRESSED, ATTENTION_SHORT);
    expect_key(VOLUME_UP, PRESSED, ATTENTION_NONE);
    expect_key(POWER, PRESSED, ATTENTION_SHORT);
    expect_key(POWER, PRESSED, ATTENTION_NONE);
    expect_key(VOLUME_UP, PRESSED, ATTENTION_SHORT);
}

static void test_buffers_never_run_out(void **state) {
    (void)state;
    for (unsigned i = 0; i < 200000; i++) {
        unsigned sent = 0;
        while (sent <= i % 16 && send(1, OTHER, i & 1))
            sent++;
        assert_int_equal(sent, i % 16 + 1);
        expect(ATTENTION_NONE);
    }
    assert_int_equal(device.resets, 1);
}

static void test_a_burst_beyond_the_buffers(void **state) {
    (void)state;
    unsigned sent = 0;
    while (send(1, VOLUME_UP, PRESSED))
        sent++;
    assert_int_equal(sent, 16);
    expect(ATTENTION_NONE);
    expect_key(POWER, PRESSED, ATTENTION_SHORT);
}

static void test_device_asks_for_a_reset(void **state) {
    (void)state;
    expect_key(VOLUME_UP, PRESSED, ATTENTION_NONE);
    device.status |= STATUS_NEEDS_RESET;
    device.interrupts |= 2;
    expect(ATTENTION_NONE);
    assert_int_equal(device.resets, 2);
    /* What was held before is forgotten. */
    expect_key(POWER, PRESSED, ATTENTION_NONE);
    expect_key(VOLUME_UP, PRESSED, ATTENTION_SHORT);
}

static void expect_restart(void) {
    unsigned resets = device.resets;
    expect(ATTENTION_NONE);
    assert_int_equal(device.resets, resets + 1);
    set_up(NULL);
}

static void test_hostile_device(void **state) {
    (void)state;
    struct used *used = ring(2);
    put_used(16, 8);
    expect_restart();
    put_used(UINT32_MAX, 8);
    expect_restart();
    put_used(0, UINT32_MAX);
    expect_restart();
    put_used(0, 0);
    expect_restart();
    put_used(3, 8); /* the same buffer three times: it was offered again once */
    put_used(3, 8);
    put_used(3, 8);
    expect(ATTENTION_NONE);
    set_up(NULL);
    used->index = 17;
    expect_restart();
    used->index = UINT16_MAX;
    expect_restart();
    used->index = 0x8000;
    expect_restart();
}

static void test_a_device_that_keeps_failing_is_given_up(void **state) {
    (void)state;
    for (unsigned i = 0; i < RESTARTS; i++) {
        put_used(99, 8);
        expect(ATTENTION_NONE);
        assert_int_equal(device.resets, 2 + i);
        expect_key(VOLUME_UP, PRESSED, ATTENTION_NONE);
        expect_key(POWER, PRESSED, ATTENTION_SHORT);
    }
    put_used(99, 8);
    expect(ATTENTION_NONE);
    assert_int_equal(device.status, 0);
    fake_forget_events();
    expect(ATTENTION_NONE);
    assert_int_equal(fake.event_count, 0);
}

/* Whatever it writes where it may: no access outside of the driver's own memory (the sanitizers look), no endless work.
 */
static void test_random_device(void **state) {
    (void)state;
    struct pseudorandom random = {3};
    for (unsigned i = 0; i < 20000; i++) {
        if (device.queue_ready == 0)
            set_up(NULL);
        uint8_t *used = ring(2);
        for (uint64_t count = pseudorandom_below(&random, 12); count > 0; count--)
            used[pseudorandom_below(&random, 4 + 8 * device.queue_num)] = (uint8_t)pseudorandom_below(&random, 20);
        device.status ^= pseudorandom_below(&random, 50) == 0 ? STATUS_NEEDS_RESET : 0;
        (void)virtio_keyboard_interrupt();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_start, set_up_device),
        cmocka_unit_test_setup(test_not_a_keyboard, set_up_device),
        cmocka_unit_test_setup(test_device_that_does_not_take_the_driver, set_up_device),
        cmocka_unit_test_setup(test_device_that_never_resets, set_up_device),
        cmocka_unit_test_setup(test_small_queue, set_up_device),
        cmocka_unit_test_setup(test_chord_in_every_order, set_up),
        cmocka_unit_test_setup(test_chord_in_one_interrupt, set_up),
        cmocka_unit_test_setup(test_repeats_and_foreign_keys, set_up),
        cmocka_unit_test_setup(test_only_key_events_count, set_up),
        cmocka_unit_test_setup(test_chords_of_other_lengths, set_up),
        cmocka_unit_test_setup(test_lost_releases, set_up),
        cmocka_unit_test_setup(test_buffers_never_run_out, set_up),
        cmocka_unit_test_setup(test_a_burst_beyond_the_buffers, set_up),
        cmocka_unit_test_setup(test_device_asks_for_a_reset, set_up),
        cmocka_unit_test_setup(test_hostile_device, set_up),
        cmocka_unit_test_setup(test_a_device_that_keeps_failing_is_given_up, set_up),
        cmocka_unit_test_setup(test_random_device, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
