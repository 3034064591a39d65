// SPDX-License-Identifier: BSD-3-Clause
#include "channel.h"

#include <string.h>

#include "machine.h"

enum {
    DRIVER_FEATURES = 0x20,
    DRIVER_FEATURES_SELECT = 0x24,
    QUEUE_SELECT = 0x30,
    QUEUE_SIZE = 0x38,
    QUEUE_READY = 0x44,
    QUEUE_ADDRESSES = 0x80, /* three of 64 bits, each 16 bytes further on */
    ACKNOWLEDGE_DRIVER = 3,
    FEATURES_OK = 8,
    DRIVER_OK = 4,
    F_MULTIPORT = 1 << 1,
    F_VERSION_1 = 1, /* bit 32 */

    /* 5.3.6.2 */
    DEVICE_READY = 0,
    PORT_READY = 3,
    PORT_OPEN = 6,
    PORT = 1,

    BUFFER_SIZE = 256,
    ANSWER_STATUS = 18, /* switcher/control.cddl */
};

volatile struct ring channel_rings[CHANNEL_QUEUES];

static uint8_t sent[RING_SIZE][BUFFER_SIZE];
static uint8_t controls[RING_SIZE][BUFFER_SIZE], messages[RING_SIZE][BUFFER_SIZE];

static void set(uint32_t offset, uint32_t value) { write32(machine.channel + offset, value); }

uint32_t channel_status(void) { return read32(machine.channel + CHANNEL_STATUS); }

void channel_notify(uint32_t queue) {
    barrier();
    set(CHANNEL_NOTIFY, queue);
}

struct channel_buffers channel_own_buffers(void) {
    return (struct channel_buffers){.control = address_of(controls),
                                    .message = address_of(messages),
                                    .control_length = BUFFER_SIZE,
                                    .message_length = BUFFER_SIZE};
}

void channel_begin(void) {
    set(CHANNEL_STATUS, 0);
    set(CHANNEL_STATUS, ACKNOWLEDGE_DRIVER);
    set(DRIVER_FEATURES_SELECT, 0);
    set(DRIVER_FEATURES, F_MULTIPORT);
    set(DRIVER_FEATURES_SELECT, 1);
    set(DRIVER_FEATURES, F_VERSION_1);
    set(CHANNEL_STATUS, ACKNOWLEDGE_DRIVER | FEATURES_OK);
}

bool channel_queue(unsigned queue, const struct ring_place *place, uint32_t size) {
    const uint64_t addresses[] = {place->descriptors, place->available, place->used};
    set(QUEUE_SELECT, queue);
    set(QUEUE_SIZE, size);
    for (uint32_t i = 0; i < 3; i++) {
        set(QUEUE_ADDRESSES + 16 * i, (uint32_t)addresses[i]);
        set(QUEUE_ADDRESSES + 16 * i + 4, (uint32_t)(addresses[i] >> 32));
    }
    set(QUEUE_READY, 1);
    return read32(machine.channel + QUEUE_READY) != 0;
}

static void offer_all(unsigned queue, uint64_t address, uint32_t length) {
    for (uint16_t i = 0; i < RING_SIZE; i++) {
        const struct ring_buffer buffer = {address + i * (uint64_t)BUFFER_SIZE, length, true};
        ring_chain(&channel_rings[queue].descriptors[i], &buffer, 1);
        ring_offer(&channel_rings[queue], i);
    }
    channel_notify(queue);
}

void channel_start(const struct channel_buffers *buffers) {
    channel_begin();
    for (unsigned queue = 0; queue < CHANNEL_QUEUES; queue++) {
        const struct ring_place place = ring_clear(&channel_rings[queue]);
        (void)channel_queue(queue, &place, RING_SIZE);
    }
    memset(controls, 0, sizeof(controls));
    memset(messages, 0, sizeof(messages));
    set(CHANNEL_STATUS, ACKNOWLEDGE_DRIVER | FEATURES_OK | DRIVER_OK);
    offer_all(CHANNEL_CONTROL_TO_DRIVER, buffers->control, buffers->control_length);
    offer_all(CHANNEL_TO_DRIVER, buffers->message, buffers->message_length);
}

void channel_send(unsigned queue, const uint8_t *data, size_t size) {
    uint16_t head = channel_rings[queue].available.index % RING_SIZE;
    const struct ring_buffer buffer = {address_of(sent[head]), (uint32_t)size, false};
    memcpy(sent[head], data, size);
    ring_chain(&channel_rings[queue].descriptors[head], &buffer, 1);
    ring_offer(&channel_rings[queue], head);
    channel_notify(queue);
}

static void control(uint8_t port, uint8_t event, uint8_t value) {
    const uint8_t message[] = {port, 0, 0, 0, event, 0, value, 0};
    channel_send(CHANNEL_CONTROL_FROM_DRIVER, message, sizeof(message));
}

void channel_open(void) {
    control(0, DEVICE_READY, 1);
    control(PORT, PORT_READY, 1);
    control(PORT, PORT_OPEN, 1);
}

void channel_ask(void) {
    static const uint8_t hello[] = {0, 8, 0x83, 0, 1, 0x64, 't', 'e', 's', 't'}, status[] = {0, 2, 0x81, 3};
    channel_send(CHANNEL_FROM_DRIVER, hello, sizeof(hello));
    channel_send(CHANNEL_FROM_DRIVER, status, sizeof(status));
}

bool channel_works(void) {
    const struct channel_buffers own = channel_own_buffers();
    static const uint8_t hello[] = {0, 3, 0x82, 0, 1};
    channel_start(&own);
    channel_open();
    channel_ask();
    return channel_status() == CHANNEL_WORKS && channel_rings[CHANNEL_CONTROL_TO_DRIVER].used.index == 3 &&
           memcmp(messages[0], hello, sizeof(hello)) == 0 && messages[1][3] == ANSWER_STATUS;
}

void channel_close(void) {
    control(PORT, PORT_OPEN, 0);
    set(CHANNEL_STATUS, 0);
}
