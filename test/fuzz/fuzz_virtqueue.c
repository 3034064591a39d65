// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as what a driver does to the channel: writes to its registers and to its rings, in any order. No access
// leaves the persona's memory (the fake machine ends the program), no call takes for ever, and a reset helps.
#include <stdlib.h>
#include <string.h>

#include "console.h"
#include "fake/guest_ring.h"
#include "gic.h"
#include "virtio_console.h"

enum { QUEUES = 8, INTID = 143, RECORD_SIZE = 8, STATUS = 0x70, NOTIFY = 0x50 };

static struct virtio_console channel;
static struct handover_persona persona;
static const uint8_t text[VIRTIO_CONSOLE_OUTGOING_SIZE - 1]; /* one more than the largest message */

void console_print(const char *format, ...) { (void)format; }

void gic_pend(uint32_t intid) {
    if (intid != INTID)
        abort();
}

static void started(unsigned index) { (void)index; }

static void opened(unsigned index, bool open) {
    (void)index;
    (void)open;
}

static void received(unsigned index, const uint8_t *message, size_t size) {
    (void)index;
    if (message != NULL)
        (void)virtio_console_send(&channel, 0, message, size);
}

static const struct virtio_console_port table[] = {{"flipside.control", started, opened, received, .one_by_one = false},
                                                   {"flipside.other", started, opened, received, .one_by_one = true}};

static void set(uint32_t offset, uint32_t value) { virtio_console_write(&channel, offset, 4, value); }

static void set_up_queue(uint32_t index) {
    struct virtqueue place;
    guest_describe(index, &place);
    set(0x30, index);
    set(0x38, (uint32_t)virtio_console_read(&channel, 0x34, 4));
    set(0x80, (uint32_t)place.descriptors);
    set(0x90, (uint32_t)place.available);
    set(0xa0, (uint32_t)place.used);
    set(0x44, 1);
}

static void bring_up(void) {
    set(STATUS, 0);
    if (virtio_console_read(&channel, STATUS, 4) != 0)
        abort();
    set(STATUS, 3);
    set(0x24, 1);
    set(0x20, 1);
    set(STATUS, 11);
    for (uint32_t index = 0; index < QUEUES; index++)
        set_up_queue(index);
    set(STATUS, 15);
    if (virtio_console_read(&channel, STATUS, 4) != 15)
        abort();
    for (uint32_t index = 0; index < QUEUES; index += 2)
        for (uint16_t i = 0; i < GUEST_DESCRIPTORS; i++)
            guest_offer(index, i, GUEST_BUFFER_SIZE, GUEST_WRITE);
    const uint8_t open[] = {1, 0, 0, 0, 6, 0, 1, 0};
    guest_send(3, 0, open, sizeof open);
    set(NOTIFY, 3);
}

static void step(const uint8_t *record) {
    uint32_t value;
    memcpy(&value, record + 4, sizeof value);
    struct guest_queue *queue = &guest.queues[record[1] % QUEUES];
    uint32_t place = (uint32_t)(record[2] | record[3] << 8);
    switch (record[0] % 6) {
    case 0:
        virtio_console_write(&channel, place % VIRTIO_CONSOLE_REGISTERS_SIZE, 1u << record[1] % 4, value);
        break;
    case 1:
        memcpy((uint8_t *)queue + place % (sizeof *queue - sizeof value), &value, sizeof value);
        break;
    case 2:
        guest_send(record[1] % QUEUES, place % GUEST_DESCRIPTORS, record + 4, record[2] % 5);
        break;
    case 3:
        (void)virtio_console_send(&channel, record[1] % 2, text, place % sizeof text);
        break;
    case 4:
        guest_offer(record[1] % QUEUES, place % (GUEST_DESCRIPTORS + 1), value, record[3] & 7);
        break;
    default:
        set(NOTIFY, record[1]);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fake_reset();
    guest_reset();
    persona = (struct handover_persona){.name = "work", .partition = guest_partition};
    virtio_console_init(&channel, 0, &persona, INTID, table, 2);
    bring_up();
    for (; size >= RECORD_SIZE; data += RECORD_SIZE, size -= RECORD_SIZE)
        step(data);
    memset(&guest, 0, sizeof guest);
    bring_up();
    if (!virtio_console_is_open(&channel, 0))
        abort();
    return 0;
}
