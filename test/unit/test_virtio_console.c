// SPDX-License-Identifier: BSD-3-Clause
#include "fake/guest_ring.h"
#include "gic.h"
#include "pseudorandom.h"
#include "virtio_console.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Registers (virtio 1.2, 4.2.2), queues (5.3.2) and control messages (5.3.6.2), as a driver knows them. */
enum {
    FEATURES = 0x010,
    FEATURES_SEL = 0x014,
    DRIVER_FEATURES = 0x020,
    DRIVER_FEATURES_SEL = 0x024,
    QUEUE_SEL = 0x030,
    QUEUE_NUM_MAX = 0x034,
    QUEUE_NUM = 0x038,
    QUEUE_READY = 0x044,
    QUEUE_NOTIFY = 0x050,
    INTERRUPT_STATUS = 0x060,
    INTERRUPT_ACK = 0x064,
    STATUS = 0x070,
    QUEUE_ADDRESSES = 0x080,

    DRIVER_OK = 4,
    FEATURES_OK = 8,
    NEEDS_RESET = 64,

    CONTROL_IN = 2,
    CONTROL_OUT = 3,
    PORT_IN = 4,
    PORT_OUT = 5,
    OTHER_OUT = 7,
    DRIVER_QUEUES = 8, /* of two ports with a name */

    DEVICE_READY = 0,
    DEVICE_ADD = 1,
    PORT_READY = 3,
    PORT_OPEN = 6,
    PORT_NAME = 7,

    INTID = 143,
    PERSONA = 3,
};

static struct virtio_console console;
static struct handover_persona description;
static unsigned pends, prints, starts[2], opens[2], closes[2], messages, bad_frames;
static uint8_t message[VIRTIO_CONSOLE_MESSAGE_MAX];
static size_t message_size;
static uint16_t seen[DRIVER_QUEUES]; /* used indices up to which the driver has looked */
static const char *echo;             /* sent back to whoever sends something */

void gic_pend(uint32_t intid) {
    assert_int_equal(intid, INTID);
    pends++;
}

void console_print(const char *format, ...) {
    assert_non_null(format);
    prints++;
}

static void started_0(unsigned persona) { starts[0] += persona == PERSONA; }
static void started_1(unsigned persona) { starts[1] += persona == PERSONA; }
static void opened_0(unsigned persona, bool open) { (open ? opens : closes)[0] += persona == PERSONA; }
static void opened_1(unsigned persona, bool open) { (open ? opens : closes)[1] += persona == PERSONA; }

static void received(unsigned persona, const uint8_t *data, size_t size) {
    assert_int_equal(persona, PERSONA);
    messages += data != NULL;
    bad_frames += data == NULL;
    message_size = size;
    if (data != NULL)
        memcpy(message, data, size);
    if (echo != NULL)
        (void)virtio_console_send(&console, 0, (const uint8_t *)echo, strlen(echo));
}

static const struct virtio_console_port table[] = {
    {"flipside.control", started_0, opened_0, received, .one_by_one = false},
    {"flipside.other", started_1, opened_1, received, .one_by_one = true},
};

static uint32_t get(uint32_t offset) { return (uint32_t)virtio_console_read(&console, offset, 4); }

static void set(uint32_t offset, uint32_t value) { virtio_console_write(&console, offset, 4, value); }

/* The other port's messages take long. */
static uint32_t entries_of(uint32_t queue) { return queue == OTHER_OUT ? 1 : GUEST_DESCRIPTORS; }

static void set_up_queue(uint32_t queue) {
    struct virtqueue place;
    guest_describe(queue, &place);
    const uint64_t addresses[] = {place.descriptors, place.available, place.used};
    memset(&guest.queues[queue], 0, sizeof guest.queues[queue]);
    seen[queue] = 0;
    set(QUEUE_SEL, queue);
    assert_int_equal(get(QUEUE_READY), 0);
    assert_int_equal(get(QUEUE_NUM_MAX), entries_of(queue));
    set(QUEUE_NUM, entries_of(queue));
    for (uint32_t i = 0; i < 3; i++) {
        set(QUEUE_ADDRESSES + 16 * i, (uint32_t)addresses[i]);
        set(QUEUE_ADDRESSES + 16 * i + 4, (uint32_t)(addresses[i] >> 32));
    }
    set(QUEUE_READY, 1);
    assert_int_equal(get(QUEUE_READY), 1);
}

static void accept(uint32_t low, uint32_t high) {
    set(DRIVER_FEATURES_SEL, 1);
    set(DRIVER_FEATURES, high);
    set(DRIVER_FEATURES_SEL, 0);
    set(DRIVER_FEATURES, low);
}

/* 3.1.1, and buffers for everything that may come. */
static void bring_up(void) {
    set(STATUS, 0);
    set(STATUS, 1);
    set(STATUS, 3);
    accept(2, 1);
    set(STATUS, 11);
    assert_int_equal(get(STATUS), 11);
    for (uint32_t queue = 0; queue < DRIVER_QUEUES; queue++)
        set_up_queue(queue);
    set(STATUS, 15);
    for (uint32_t queue = 0; queue < DRIVER_QUEUES; queue += 2) {
        for (uint16_t i = 0; i < GUEST_DESCRIPTORS; i++)
            guest_offer(queue, i, GUEST_BUFFER_SIZE, GUEST_WRITE);
        set(QUEUE_NOTIFY, queue);
    }
}

static void send(uint32_t queue, const void *data, uint32_t size) {
    uint16_t head = guest.queues[queue].available.index % GUEST_DESCRIPTORS;
    guest_send(queue, head, data, size);
    set(QUEUE_NOTIFY, queue);
}

static void control(uint32_t id, uint16_t event, uint16_t value) {
    struct {
        uint32_t id;
        uint16_t event, value;
    } cpkt = {id, event, value};
    send(CONTROL_OUT, &cpkt, sizeof cpkt);
}

/* Takes the next buffer that the device used, and offers it again. Returns its size. */
static size_t next(uint32_t queue, uint8_t *data) {
    struct guest_queue *ring = &guest.queues[queue];
    assert_int_not_equal(ring->used.index, seen[queue]);
    uint32_t id = ring->used.ring[seen[queue] % GUEST_DESCRIPTORS].id;
    uint32_t length = ring->used.ring[seen[queue]++ % GUEST_DESCRIPTORS].length;
    assert_in_range(length, 0, GUEST_BUFFER_SIZE);
    memcpy(data, guest.buffers[queue][id], length);
    guest_offer(queue, (uint16_t)id, GUEST_BUFFER_SIZE, GUEST_WRITE);
    return length;
}

static void expect_nothing(uint32_t queue) { assert_int_equal(guest.queues[queue].used.index, seen[queue]); }

static void expect_control(uint8_t port, uint8_t event, const char *name) {
    uint8_t data[GUEST_BUFFER_SIZE];
    const uint8_t head[] = {port, 0, 0, 0, event, 0, 1, 0};
    assert_int_equal(next(CONTROL_IN, data), sizeof head + strlen(name));
    assert_memory_equal(data, head, sizeof head);
    assert_memory_equal(data + sizeof head, name, strlen(name));
}

static void expect_message(uint32_t queue, const char *text) {
    uint8_t data[GUEST_BUFFER_SIZE];
    size_t size = strlen(text);
    assert_int_equal(next(queue, data), size + 2);
    assert_int_equal(data[0] << 8 | data[1], size);
    assert_memory_equal(data + 2, text, size);
}

/* What Linux does in its probe, then a program opens the port. */
static void probe(void) {
    bring_up();
    control(UINT32_MAX, DEVICE_READY, 1);
    expect_control(1, DEVICE_ADD, "");
    expect_control(2, DEVICE_ADD, "");
    expect_nothing(CONTROL_IN);
    for (uint8_t port = 1; port <= 2; port++) {
        control(port, PORT_READY, 1);
        expect_control(port, PORT_NAME, table[port - 1].name);
        expect_control(port, PORT_OPEN, "");
    }
    control(1, PORT_OPEN, 1);
    expect_nothing(CONTROL_IN);
}

static int set_up(void **state) {
    (void)state;
    fake_reset();
    guest_reset();
    memset(seen, 0, sizeof seen);
    memset(starts, 0, sizeof starts);
    echo = NULL;
    description = (struct handover_persona){.name = "work", .partition = guest_partition};
    virtio_console_init(&console, PERSONA, &description, INTID, table, 2);
    pends = prints = messages = bad_frames = 0;
    memset(opens, 0, sizeof opens);
    memset(closes, 0, sizeof closes);
    return 0;
}

static int set_up_open(void **state) {
    (void)set_up(state);
    probe();
    pends = 0;
    return 0;
}

static void text_message(char *frame, const char *text) {
    size_t size = strlen(text);
    frame[0] = (char)(size >> 8);
    frame[1] = (char)size;
    memcpy(frame + 2, text, size + 1);
}

static void send_text(uint32_t queue, const char *text) {
    char frame[300];
    text_message(frame, text);
    send(queue, frame, (uint32_t)strlen(text) + 2);
}

static bool send_to_guest(unsigned port, const char *text) {
    return virtio_console_send(&console, port, (const uint8_t *)text, strlen(text));
}

static void expect_broken(void) {
    assert_int_equal(get(STATUS) & NEEDS_RESET, NEEDS_RESET);
    assert_int_equal(get(INTERRUPT_STATUS) & 2, 2);
    assert_false(virtio_console_is_open(&console, 0));
    assert_false(send_to_guest(0, "lost"));
    fake_forget_events();
    for (uint32_t queue = 0; queue < 12; queue++)
        set(QUEUE_NOTIFY, queue);
    assert_int_equal(fake_events_of(FAKE_WRITE), 0);
    probe(); /* a reset makes all well again */
    assert_true(send_to_guest(0, "found"));
    expect_message(PORT_IN, "found");
    (void)set_up_open(NULL);
}

static void test_identity(void **state) {
    (void)state;
    assert_int_equal(get(0x000), 0x74726976);
    assert_int_equal(get(0x004), 2);
    assert_int_equal(get(0x008), 3);
    assert_int_equal(starts[0], 1);
    assert_int_equal(starts[1], 1);
    const uint32_t features[] = {2, 1, 0, 0};
    for (uint32_t i = 0; i < 4; i++) {
        set(FEATURES_SEL, i);
        assert_int_equal(get(FEATURES), features[i]);
    }
    assert_int_equal(get(0x0b0), UINT32_MAX);
    assert_int_equal(get(0x0fc), 0);
    for (uint32_t queue = 0; queue < 20; queue++) {
        set(QUEUE_SEL, queue);
        assert_int_equal(get(QUEUE_NUM_MAX), queue < DRIVER_QUEUES ? entries_of(queue) : 0);
    }
}

static void test_configuration_in_all_widths(void **state) {
    (void)state;
    assert_int_equal(get(0x104), 3);
    assert_int_equal(virtio_console_read(&console, 0x104, 1), 3);
    assert_int_equal(virtio_console_read(&console, 0x105, 1), 0);
    assert_int_equal(virtio_console_read(&console, 0x104, 2), 3);
    assert_int_equal(virtio_console_read(&console, 0x106, 2), 0);
    assert_int_equal(get(0x100), 0);
    assert_int_equal(get(0x10c), 0);
    assert_int_equal(get(0xffc), 0);
}

/* Every access that is none to a register: nothing happens, whatever it writes. */
static void test_accesses_to_nothing(void **state) {
    (void)state;
    struct virtio_console before = console;
    for (uint32_t offset = 0; offset < VIRTIO_CONSOLE_REGISTERS_SIZE; offset++) {
        for (unsigned size = 1; size <= 8; size *= 2) {
            (void)virtio_console_read(&console, offset, size);
            if (size != 4 || offset % 4 != 0 || offset >= 0x100)
                virtio_console_write(&console, offset, size, UINT64_MAX);
        }
    }
    assert_int_equal(virtio_console_read(&console, 0, 2), 0);
    assert_int_equal(virtio_console_read(&console, 0, 8), 0);
    assert_int_equal(virtio_console_read(&console, 2, 4), 0);
    assert_memory_equal(&console, &before, sizeof before);
    assert_int_equal(pends, 0);
}

static void test_features_that_were_not_offered(void **state) {
    const uint32_t refused[][2] = {{2, 0}, {0, 0}, {3, 1}, {2, 3}, {0x10000002, 1}, {UINT32_MAX, UINT32_MAX}};
    (void)state;
    for (unsigned i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        set(STATUS, 0);
        set(STATUS, 3);
        accept(refused[i][0], refused[i][1]);
        set(STATUS, 11);
        assert_int_equal(get(STATUS), 3);
        set(STATUS, 15);
        assert_int_equal(get(STATUS), 3);
    }
    set(STATUS, 0);
    set(DRIVER_FEATURES_SEL, 2);
    set(DRIVER_FEATURES, 1);
    set(STATUS, 11);
    assert_int_equal(get(STATUS), 3);
}

static void test_status(void **state) {
    (void)state;
    bring_up();
    set(STATUS, NEEDS_RESET | 15);
    assert_int_equal(get(STATUS), 15); /* the device's own bit */
    set(STATUS, 1);
    assert_int_equal(get(STATUS), 15);
    accept(0, 0); /* too late to mean anything */
    set(STATUS, 0x8f);
    assert_int_equal(get(STATUS), 0x8f);
    set(STATUS, 0);
    assert_int_equal(get(STATUS), 0);
    for (uint32_t queue = 0; queue < DRIVER_QUEUES; queue++) {
        set(QUEUE_SEL, queue);
        assert_int_equal(get(QUEUE_READY), 0);
    }
}

static void test_a_queue_in_use_does_not_change(void **state) {
    (void)state;
    probe();
    for (uint32_t queue = 0; queue < DRIVER_QUEUES; queue++) {
        set(QUEUE_SEL, queue);
        set(QUEUE_NUM, 1);
        for (uint32_t offset = QUEUE_ADDRESSES; offset < QUEUE_ADDRESSES + 48; offset += 4)
            set(offset, 0x12345678);
        set(QUEUE_READY, 1);
    }
    assert_true(send_to_guest(0, "as before"));
    expect_message(PORT_IN, "as before");
}

static void test_handshake(void **state) {
    (void)state;
    probe();
    assert_true(virtio_console_is_open(&console, 0));
    assert_false(virtio_console_is_open(&console, 1));
    assert_int_equal(opens[0], 1);
    assert_int_equal(opens[1], 0);
}

static void test_nothing_before_driver_ok(void **state) {
    (void)state;
    set(STATUS, 3);
    accept(2, 1);
    set(STATUS, 11);
    set_up_queue(CONTROL_OUT);
    control(UINT32_MAX, DEVICE_READY, 1);
    assert_int_equal(guest.queues[CONTROL_OUT].used.index, 0);
    assert_int_equal(pends, 0);
}

static void test_messages_both_ways(void **state) {
    (void)state;
    send_text(PORT_OUT, "hello");
    assert_int_equal(messages, 1);
    assert_int_equal(message_size, 5);
    assert_memory_equal(message, "hello", 5);
    assert_int_equal(guest.queues[PORT_OUT].used.index, 1);
    assert_true(send_to_guest(0, "good day"));
    expect_message(PORT_IN, "good day");
    echo = "answer";
    for (unsigned i = 0; i < 1000; i++) {
        send_text(PORT_OUT, i % 2 == 0 ? "one" : "");
        expect_message(PORT_IN, "answer");
    }
    assert_int_equal(messages, 1001);
}

static void test_interrupts(void **state) {
    (void)state;
    set(INTERRUPT_ACK, 3);
    assert_int_equal(get(INTERRUPT_STATUS), 0);
    assert_true(send_to_guest(0, "x"));
    assert_int_equal(get(INTERRUPT_STATUS), 1);
    assert_int_equal(pends, 1);
    set(INTERRUPT_ACK, 2);
    assert_int_equal(get(INTERRUPT_STATUS), 1);
    set(INTERRUPT_ACK, 1);
    assert_int_equal(get(INTERRUPT_STATUS), 0);
    guest.queues[PORT_IN].available.flags = 1;
    assert_true(send_to_guest(0, "x"));
    assert_int_equal(pends, 1);
}

static void test_bad_frames(void **state) {
    char big[VIRTIO_CONSOLE_MESSAGE_MAX + 8] = {0};
    (void)state;
    send(PORT_OUT, "\0\5four", 6);
    send(PORT_OUT, "\0\3four", 6);
    send(PORT_OUT, "\0", 1);
    send(PORT_OUT, "", 0);
    assert_int_equal(bad_frames, 4);
    guest_offer(PORT_OUT, 4, VIRTIO_CONSOLE_MESSAGE_MAX + 3, 0);
    set(QUEUE_NOTIFY, PORT_OUT);
    assert_int_equal(bad_frames, 5);
    assert_int_equal(messages, 0);
    big[0] = (char)(VIRTIO_CONSOLE_MESSAGE_MAX >> 8);
    memcpy(guest.buffers[PORT_OUT][5], big, 8);
    guest_offer(PORT_OUT, 5, VIRTIO_CONSOLE_MESSAGE_MAX + 2, 0);
    set(QUEUE_NOTIFY, PORT_OUT);
    assert_int_equal(messages, 1);
    assert_int_equal(message_size, VIRTIO_CONSOLE_MESSAGE_MAX);
    assert_int_equal(get(STATUS), 15);
}

static void test_ports_that_nobody_has_open(void **state) {
    (void)state;
    assert_false(send_to_guest(1, "x"));
    assert_int_equal(console.ports[1].dropped, 1);
    send_text(7, "x");
    assert_int_equal(messages, 0);
    assert_int_equal(guest.queues[7].used.index, 1);
    control(1, PORT_OPEN, 0);
    assert_int_equal(closes[0], 1 + 1); /* the other one at DEVICE_READY */
    assert_false(send_to_guest(0, "x"));
    send_text(1, "port 0 leads nowhere");
    assert_int_equal(guest.queues[1].used.index, 1);
    assert_int_equal(messages, 0);
}

static void test_control_messages_without_meaning(void **state) {
    (void)state;
    for (uint16_t event = 0; event < 12; event++) {
        for (uint32_t port = 0; port < 5; port++)
            if (port != 1 && port != 2 && event != DEVICE_READY)
                control(port, event, 1);
        if (event != PORT_OPEN && event != PORT_READY && event != DEVICE_READY)
            control(1, event, 1);
    }
    control(UINT32_MAX, DEVICE_READY, 0);
    control(1, PORT_READY, 0);
    send(CONTROL_OUT, "abc", 3);
    expect_nothing(CONTROL_IN);
    assert_true(virtio_console_is_open(&console, 0));
    assert_int_equal(get(STATUS), 15);
}

static void test_messages_wait_for_buffers(void **state) {
    char text[8];
    unsigned sent = 0;
    (void)state;
    while (sent < 5000 && snprintf(text, sizeof text, "%06u", sent) > 0 && send_to_guest(0, text))
        sent++;
    assert_int_equal(sent, GUEST_DESCRIPTORS + VIRTIO_CONSOLE_OUTGOING_SIZE / 8);
    assert_int_equal(console.ports[0].dropped, 1);
    for (unsigned i = 0; i < sent; i++) {
        (void)snprintf(text, sizeof text, "%06u", i);
        expect_message(PORT_IN, text);
        set(QUEUE_NOTIFY, PORT_IN);
    }
    expect_nothing(PORT_IN);
    assert_true(send_to_guest(0, "room again"));
}

static void test_a_message_as_large_as_can_be(void **state) {
    static uint8_t text[VIRTIO_CONSOLE_OUTGOING_SIZE], data[GUEST_BUFFER_SIZE];
    size_t got = 0;
    (void)state;
    assert_false(virtio_console_send(&console, 0, text, VIRTIO_CONSOLE_OUTGOING_SIZE - 1));
    assert_false(virtio_console_send(&console, 0, text, VIRTIO_CONSOLE_OUTGOING_SIZE));
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(i * 7);
    assert_true(virtio_console_send(&console, 0, text, VIRTIO_CONSOLE_OUTGOING_SIZE - 2));
    assert_true(send_to_guest(0, "next"));
    for (unsigned i = 0; i < 8; i++) {
        size_t size = next(PORT_IN, data);
        size_t skip = i == 0 ? 2 : 0;
        assert_memory_equal(data + skip, text + got, size - skip);
        got += size - skip;
    }
    assert_int_equal(got, VIRTIO_CONSOLE_OUTGOING_SIZE - 2);
    expect_message(PORT_IN, "next"); /* in a buffer of its own */
}

static void test_buffers_without_room(void **state) {
    (void)state;
    for (unsigned i = 0; i < GUEST_DESCRIPTORS; i++)
        guest.queues[PORT_IN].descriptors[i].length = i < 3 ? i : GUEST_BUFFER_SIZE;
    assert_true(send_to_guest(0, "text"));
    assert_int_equal(guest.queues[PORT_IN].used.ring[0].length, 0);
    assert_int_equal(guest.queues[PORT_IN].used.ring[1].length, 1);
    assert_int_equal(guest.queues[PORT_IN].used.ring[2].length, 2);
    assert_int_equal(guest.queues[PORT_IN].used.ring[3].length, 3);
}

/* The driver resets the device, sets its queues up again and says of each port only that it is there. */
static void test_suspend_and_resume(void **state) {
    (void)state;
    for (unsigned i = 0; i < 40; i++)
        (void)send_to_guest(0, "never read");
    unsigned closed = closes[0];
    bring_up();
    assert_false(virtio_console_is_open(&console, 0));
    control(1, PORT_READY, 1);
    control(1, PORT_OPEN, 1);
    expect_control(1, PORT_NAME, "flipside.control");
    expect_control(1, PORT_OPEN, "");
    expect_nothing(CONTROL_IN);
    expect_nothing(PORT_IN);
    assert_int_equal(closes[0], closed); /* the same program has it open still */
    assert_int_equal(starts[0], 1);
    assert_true(send_to_guest(0, "again"));
    expect_message(PORT_IN, "again");
    probe(); /* the driver is taken out and put in again */
    assert_int_equal(closes[0], closed + 1);
    (void)set_up(NULL);
    probe(); /* the persona starts anew */
}

/* Without room for control messages they wait, each once. */
static void test_control_messages_wait(void **state) {
    (void)state;
    bring_up();
    set(STATUS, 0);
    set(STATUS, 3);
    accept(2, 1);
    set(STATUS, 11);
    set_up_queue(CONTROL_IN);
    set_up_queue(CONTROL_OUT);
    set(STATUS, 15);
    control(UINT32_MAX, DEVICE_READY, 1);
    control(1, PORT_READY, 1);
    control(1, PORT_READY, 1);
    for (uint16_t i = 0; i < 6; i++) {
        guest_offer(CONTROL_IN, i, GUEST_BUFFER_SIZE, GUEST_WRITE);
        set(QUEUE_NOTIFY, CONTROL_IN);
    }
    expect_control(1, DEVICE_ADD, "");
    expect_control(1, PORT_NAME, "flipside.control");
    expect_control(1, PORT_OPEN, "");
    expect_control(2, DEVICE_ADD, "");
    expect_nothing(CONTROL_IN);
}

static void test_bad_queues(void **state) {
    (void)state;
    set(STATUS, 3);
    accept(2, 1);
    set(STATUS, 11);
    set(QUEUE_SEL, PORT_OUT);
    set(QUEUE_NUM, 3);
    set(QUEUE_READY, 1);
    assert_int_equal(get(QUEUE_READY), 0);
    assert_int_equal(get(STATUS) & NEEDS_RESET, NEEDS_RESET);
    assert_int_equal(get(INTERRUPT_STATUS), 0); /* before DRIVER_OK there is nobody to tell: 2.1.2 */
    set(QUEUE_NUM, 4);
    set(QUEUE_READY, 1);
    assert_int_equal(get(QUEUE_READY), 0);
    probe();
    set(QUEUE_SEL, 9);
    set(QUEUE_READY, 1);
    assert_int_equal(get(STATUS), 15);
}

/* A driver cannot make the switcher carry out many slow messages, with interrupts held off, by one notification. */
static void test_what_takes_long_comes_one_by_one(void **state) {
    (void)state;
    control(2, PORT_OPEN, 1);
    memcpy(guest.buffers[OTHER_OUT][0], "\0\1x", 3);
    guest_offer(OTHER_OUT, 0, 3, 0);
    set(QUEUE_NOTIFY, OTHER_OUT);
    assert_int_equal(messages, 1);
    guest_offer(OTHER_OUT, 0, 3, 0);
    guest_offer(OTHER_OUT, 0, 3, 0);
    set(QUEUE_NOTIFY, OTHER_OUT);
    assert_int_equal(messages, 1);
    assert_int_equal(get(STATUS) & NEEDS_RESET, NEEDS_RESET);
    set(STATUS, 0);
    set(STATUS, 3);
    accept(2, 1);
    set(STATUS, 11);
    set(QUEUE_SEL, OTHER_OUT);
    set(QUEUE_NUM, 2);
    set(QUEUE_READY, 1);
    assert_int_equal(get(QUEUE_READY), 0);
    assert_int_equal(get(STATUS) & NEEDS_RESET, NEEDS_RESET);
}

static void test_hostile_rings(void **state) {
    (void)state;
    for (uint32_t queue = 1; queue < DRIVER_QUEUES; queue += 2) {
        guest.queues[queue].available.index = (uint16_t)(guest.queues[queue].available.index + 17);
        set(QUEUE_NOTIFY, queue);
        expect_broken();
        guest_offer(queue, 16, 4, 0);
        set(QUEUE_NOTIFY, queue);
        expect_broken();
        uint16_t head = guest.queues[queue].available.index % GUEST_DESCRIPTORS;
        guest_offer(queue, head, 4, 0);
        guest.queues[queue].descriptors[head].address = GUEST_BASE - 4;
        set(QUEUE_NOTIFY, queue);
        expect_broken();
        guest_offer(queue, head, 4, GUEST_NEXT);
        guest.queues[queue].descriptors[head].next = head;
        set(QUEUE_NOTIFY, queue);
        expect_broken();
        guest_offer(queue, head, 4, GUEST_WRITE);
        set(QUEUE_NOTIFY, queue);
        expect_broken();
    }
    guest.queues[PORT_IN].descriptors[0].address = 0;
    assert_true(send_to_guest(0, "x")); /* accepted, before it was seen that there is nowhere to put it */
    expect_broken();
    guest.queues[CONTROL_IN].available.index += 100;
    control(1, PORT_READY, 1);
    expect_broken();
}

static void test_faults_are_told_a_few_times(void **state) {
    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        guest_offer(PORT_OUT, 16, 4, 0);
        set(QUEUE_NOTIFY, PORT_OUT);
        probe();
    }
    assert_in_range(prints, 1, 8);
}

/* Random registers, random memory: nothing but the persona's memory is touched, and every call comes back. */
static void test_random_driver(void **state) {
    struct pseudorandom random = {5};
    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        (void)set_up_open(NULL);
        echo = round % 2 == 0 ? "echo" : NULL;
        for (unsigned step = 0; step < 50; step++) {
            uint8_t *ring = (uint8_t *)&guest.queues[pseudorandom_below(&random, DRIVER_QUEUES)];
            for (uint64_t count = pseudorandom_below(&random, 4); count > 0; count--)
                ring[pseudorandom_below(&random, sizeof guest.queues[0])] = (uint8_t)pseudorandom_below(&random, 24);
            if (pseudorandom_below(&random, 10) == 0)
                set((uint32_t)pseudorandom_below(&random, 0x40) * 4, (uint32_t)pseudorandom_below(&random, 20));
            set(QUEUE_NOTIFY, (uint32_t)pseudorandom_below(&random, 10));
            (void)send_to_guest(0, "text");
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_identity, set_up),
        cmocka_unit_test_setup(test_configuration_in_all_widths, set_up),
        cmocka_unit_test_setup(test_accesses_to_nothing, set_up),
        cmocka_unit_test_setup(test_features_that_were_not_offered, set_up),
        cmocka_unit_test_setup(test_status, set_up),
        cmocka_unit_test_setup(test_a_queue_in_use_does_not_change, set_up),
        cmocka_unit_test_setup(test_handshake, set_up),
        cmocka_unit_test_setup(test_nothing_before_driver_ok, set_up),
        cmocka_unit_test_setup(test_messages_both_ways, set_up_open),
        cmocka_unit_test_setup(test_interrupts, set_up_open),
        cmocka_unit_test_setup(test_bad_frames, set_up_open),
        cmocka_unit_test_setup(test_ports_that_nobody_has_open, set_up_open),
        cmocka_unit_test_setup(test_control_messages_without_meaning, set_up_open),
        cmocka_unit_test_setup(test_messages_wait_for_buffers, set_up_open),
        cmocka_unit_test_setup(test_a_message_as_large_as_can_be, set_up_open),
        cmocka_unit_test_setup(test_buffers_without_room, set_up_open),
        cmocka_unit_test_setup(test_suspend_and_resume, set_up_open),
        cmocka_unit_test_setup(test_control_messages_wait, set_up),
        cmocka_unit_test_setup(test_bad_queues, set_up),
        cmocka_unit_test_setup(test_what_takes_long_comes_one_by_one, set_up_open),
        cmocka_unit_test_setup(test_hostile_rings, set_up_open),
        cmocka_unit_test_setup(test_faults_are_told_a_few_times, set_up_open),
        cmocka_unit_test_setup(test_random_driver, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
