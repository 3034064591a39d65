// SPDX-License-Identifier: BSD-3-Clause
#include "virtio_keyboard.h"

#include "console.h"
#include "virtio_mmio.h"

enum {
    ID_INPUT = 18,

    INTERRUPT_ALL = 3, /* used buffers, configuration change */

    DESC_F_WRITE = 2, /* 2.7.5 */
    EVENT_QUEUE = 0,  /* 5.8.2 */

    /* Linux input events, which 5.8 carries. */
    EV_KEY = 1,
    KEY_RELEASED = 0,
    KEY_PRESSED = 1,
};

enum {
    BUFFERS = 16,       /* a power of two: 2.7 */
    RESTARTS_MAX = 8,   /* of a device that breaks the protocol; after that it stays silent */
    RESET_WAIT_MS = 50, /* for Status to read 0 after a reset: 4.2.3.1 */
};

/* 5.8.6 */
struct input_event {
    uint16_t type;
    uint16_t code;
    uint32_t value;
};

/* 2.7: a split virtqueue. The device reads and writes all of it at any time. */
struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags;
    uint16_t next;
};

struct used_element {
    uint32_t id;
    uint32_t length;
};

static volatile struct {
    struct descriptor descriptors[BUFFERS] __attribute__((aligned(16)));
    struct {
        uint16_t flags;
        uint16_t index;
        uint16_t ring[BUFFERS];
    } available __attribute__((aligned(2)));
    struct {
        uint16_t flags;
        uint16_t index;
        struct used_element ring[BUFFERS];
    } used __attribute__((aligned(4)));
    uint64_t events[BUFFERS]; /* struct input_event, read as a whole at once */
} queue __attribute__((aligned(64)));

static struct {
    uint64_t base; /* 0: given up */
    unsigned chord_length;
    uint16_t chord[HANDOVER_CHORD_MAX];
    uint32_t held;    /* bit n: chord[n] is down */
    bool reported;    /* the chord as it is held now */
    unsigned buffers; /* a power of two, as many as the device and we have room for */
    uint16_t available_index;
    uint16_t used_index;
    uint32_t offered; /* bit n: buffer n is the device's */
    unsigned restarts;
} keyboard;

static uint32_t get(uint32_t offset) { return arch_read32(keyboard.base + offset); }

static void set(uint32_t offset, uint32_t value) { arch_write32(keyboard.base + offset, value); }

static void set_address(uint32_t offset, const volatile void *memory) {
    uint64_t address = (uint64_t)(uintptr_t)memory;
    set(offset, (uint32_t)address);
    set(offset + 4, (uint32_t)(address >> 32));
}

static bool reset(void) {
    set(VIRTIO_MMIO_STATUS, 0);
    uint64_t deadline = arch_counter() + arch_counter_frequency() * RESET_WAIT_MS / 1000;
    while (get(VIRTIO_MMIO_STATUS) != 0) {
        if (arch_counter() >= deadline)
            return false;
        arch_relax();
    }
    return true;
}

static bool negotiate(void) {
    set(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
    if ((get(VIRTIO_MMIO_DEVICE_FEATURES) & VIRTIO_VERSION_1) == 0)
        return false;
    set(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
    set(VIRTIO_MMIO_DRIVER_FEATURES, 0);
    set(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
    set(VIRTIO_MMIO_DRIVER_FEATURES, VIRTIO_VERSION_1);
    set(VIRTIO_MMIO_STATUS, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_FEATURES_OK);
    return (get(VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_FEATURES_OK) != 0;
}

static void offer(unsigned buffer) {
    queue.available.ring[keyboard.available_index % keyboard.buffers] = (uint16_t)buffer;
    keyboard.available_index++;
    keyboard.offered |= 1u << buffer;
}

static void publish(void) {
    /* The device may take a buffer as soon as the index says so: 2.7.13. */
    arch_barrier();
    queue.available.index = keyboard.available_index;
    arch_barrier();
    set(VIRTIO_MMIO_QUEUE_NOTIFY, EVENT_QUEUE);
}

static unsigned buffers_for(uint32_t queue_num_max) {
    unsigned count = BUFFERS;
    while (count > queue_num_max)
        count /= 2;
    return count;
}

/* 4.2.3.2 */
static bool set_up_queue(void) {
    set(VIRTIO_MMIO_QUEUE_SEL, EVENT_QUEUE);
    keyboard.buffers = buffers_for(get(VIRTIO_MMIO_QUEUE_NUM_MAX));
    if (get(VIRTIO_MMIO_QUEUE_READY) != 0 || keyboard.buffers == 0)
        return false;
    keyboard.available_index = 0;
    keyboard.used_index = 0;
    keyboard.offered = 0;
    queue.available.flags = 0;
    queue.available.index = 0;
    queue.used.index = 0;
    for (unsigned i = 0; i < keyboard.buffers; i++) {
        queue.descriptors[i].address = (uint64_t)(uintptr_t)&queue.events[i];
        queue.descriptors[i].length = sizeof(struct input_event);
        queue.descriptors[i].flags = DESC_F_WRITE;
        queue.descriptors[i].next = 0;
        offer(i);
    }
    set(VIRTIO_MMIO_QUEUE_NUM, keyboard.buffers);
    set_address(VIRTIO_MMIO_QUEUE_DESC, queue.descriptors);
    set_address(VIRTIO_MMIO_QUEUE_DRIVER, &queue.available);
    set_address(VIRTIO_MMIO_QUEUE_DEVICE, &queue.used);
    arch_barrier();
    set(VIRTIO_MMIO_QUEUE_READY, 1);
    return true;
}

/* 3.1.1, in its order. */
static bool start(void) {
    keyboard.held = 0;
    keyboard.reported = false;
    if (!reset())
        return false;
    set(VIRTIO_MMIO_STATUS, VIRTIO_STATUS_ACKNOWLEDGE);
    set(VIRTIO_MMIO_STATUS, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER);
    if (!negotiate() || !set_up_queue()) {
        set(VIRTIO_MMIO_STATUS, get(VIRTIO_MMIO_STATUS) | VIRTIO_STATUS_FAILED);
        return false;
    }
    set(VIRTIO_MMIO_STATUS,
        VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_DRIVER_OK);
    publish();
    return true;
}

static bool identify(void) {
    return get(VIRTIO_MMIO_MAGIC_VALUE) == VIRTIO_MMIO_MAGIC && get(VIRTIO_MMIO_VERSION) == VIRTIO_MMIO_VERSION_2 &&
           get(VIRTIO_MMIO_DEVICE_ID) == ID_INPUT;
}

bool virtio_keyboard_init(const struct handover_keyboard *description) {
    keyboard.base = description->base;
    keyboard.restarts = 0;
    keyboard.chord_length = description->chord_length;
    for (unsigned i = 0; i < description->chord_length; i++)
        keyboard.chord[i] = description->chord[i];
    bool found = identify();
    if (found && start())
        return true;
    console_print(found ? "flipside: the attention keyboard does not take its driver, its chord is dead\n"
                        : "flipside: no attention keyboard attached, its chord is dead\n");
    keyboard.base = 0;
    return false;
}

/* What the device wrote makes no sense: nothing that is held is known any more. */
static void restart(void) {
    if (keyboard.restarts++ < RESTARTS_MAX && start())
        return;
    console_print("flipside: the attention keyboard keeps failing, its chord is dead\n");
    (void)reset();
    keyboard.base = 0;
}

/* Takes a buffer back. Returns false when it was not the device's to give. */
static bool take(const volatile struct used_element *element, struct input_event *event) {
    uint32_t id = element->id;
    uint32_t length = element->length;
    if (id >= keyboard.buffers || (keyboard.offered >> id & 1) == 0 || length != sizeof *event)
        return false;
    keyboard.offered &= ~(1u << id);
    uint64_t bits = queue.events[id];
    *event = (struct input_event){(uint16_t)bits, (uint16_t)(bits >> 16), (uint32_t)(bits >> 32)};
    offer(id);
    return true;
}

static uint32_t chord_bit(const struct input_event *event) {
    for (unsigned i = 0; event->type == EV_KEY && i < keyboard.chord_length; i++)
        if (keyboard.chord[i] == event->code)
            return 1u << i;
    return 0;
}

static bool chord_complete(void) { return keyboard.held == (1u << keyboard.chord_length) - 1; }

/* Returns whether this event completes the chord. */
static bool key_event(const struct input_event *event) {
    uint32_t bit = chord_bit(event);
    if (bit == 0)
        return false;
    if (event->value == KEY_RELEASED) {
        keyboard.held &= ~bit;
        keyboard.reported = false;
        return false;
    }
    if (event->value != KEY_PRESSED)
        return false;
    /* Pressed though it never came up: a release was lost, and perhaps others with it. */
    if ((keyboard.held & bit) != 0) {
        keyboard.held = 0;
        keyboard.reported = false;
    }
    keyboard.held |= bit;
    bool completes = chord_complete() && !keyboard.reported;
    keyboard.reported |= completes;
    return completes;
}

/* Returns false when the device broke the protocol. */
static bool take_events(bool *completed) {
    uint16_t used_index = queue.used.index;
    uint16_t count = (uint16_t)(used_index - keyboard.used_index);
    if (count > keyboard.buffers)
        return false;
    /* The elements are read after the index that says that they are there: 2.7.14. */
    arch_barrier();
    for (uint16_t i = 0; i < count; i++) {
        struct input_event event;
        if (!take(&queue.used.ring[keyboard.used_index % keyboard.buffers], &event))
            return false;
        keyboard.used_index++;
        *completed |= key_event(&event);
    }
    if (count != 0)
        publish();
    return true;
}

enum attention_press virtio_keyboard_interrupt(void) {
    if (keyboard.base == 0)
        return ATTENTION_NONE;
    /* Acknowledged first: what the device uses from here on interrupts again. */
    set(VIRTIO_MMIO_INTERRUPT_ACK, get(VIRTIO_MMIO_INTERRUPT_STATUS) & INTERRUPT_ALL);
    arch_barrier();
    bool completed = false;
    if ((get(VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET) != 0 || !take_events(&completed))
        restart();
    return completed ? ATTENTION_SHORT : ATTENTION_NONE;
}
