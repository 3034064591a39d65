// SPDX-License-Identifier: BSD-3-Clause
#include "virtio_console.h"

#include <string.h>

#include "console.h"
#include "gic.h"
#include "virtio_mmio.h"

/* 4.2.2: more registers. */
enum {
    SHM_LENGTH = 0x0b0,
    SHM_BASE = 0x0b8,
    CONFIG = 0x100,
    HIGH = 4,                                                               /* the upper half of a 64-bit register */
    QUEUE_ADDRESS_STEP = VIRTIO_MMIO_QUEUE_DRIVER - VIRTIO_MMIO_QUEUE_DESC, /* QueueDevice is as far behind */

    CONFIG_MAX_PORTS = 4, /* 5.3.4; the fields before and behind it belong to features that are not offered */
    CONFIG_SIZE = 12,
};

enum {
    ID_CONSOLE = 3,
    VENDOR = 0x50494c46, /* "FLIP" */

    FEATURES_LOW = 1 << 1, /* VIRTIO_CONSOLE_F_MULTIPORT */

    STATUS_OF_DRIVER = 0x8f, /* what the driver may set */

    INTERRUPT_USED = 1,
    INTERRUPT_CONFIG = 2,

    FAULTS_TOLD = 4, /* per start of the persona */
};

/* 5.3.2 */
enum { PORT_0_QUEUES = 2, CONTROL_TO_DRIVER = 2, CONTROL_FROM_DRIVER = 3, PORT_1_TO_DRIVER = 4 };

/* 5.3.6.2 */
enum control_event {
    DEVICE_READY = 0,
    DEVICE_ADD = 1,
    PORT_READY = 3,
    PORT_OPEN = 6,
    PORT_NAME = 7,
};

enum { CONTROL_SIZE = 8, NAME_MAX = 32, PREFIX_SIZE = 2 };

static bool works(const struct virtio_console *console) {
    return (console->status & (VIRTIO_STATUS_DRIVER_OK | VIRTIO_STATUS_NEEDS_RESET)) == VIRTIO_STATUS_DRIVER_OK;
}

/* 2.1.2: the driver broke the protocol. Its rings are not looked at again before it resets the device. */
static void fail(struct virtio_console *console, enum virtqueue_error error) {
    if (console->faults++ < FAULTS_TOLD)
        console_print("flipside: %s gave its channel %s; the channel waits for a reset\n", console->description->name,
                      virtqueue_error_text(error));
    if ((console->status & VIRTIO_STATUS_DRIVER_OK) != 0) {
        console->interrupt_status |= INTERRUPT_CONFIG;
        console->interrupt = true;
    }
    console->status |= VIRTIO_STATUS_NEEDS_RESET;
}

/* Returns false when there is no buffer, or none can be had any more. */
static bool take(struct virtio_console *console, unsigned index, struct virtqueue_buffer *buffer) {
    struct virtqueue *queue = &console->queues[index];
    if (!works(console) || !queue->ready)
        return false;
    enum virtqueue_direction direction = index % 2 == 0 ? VIRTQUEUE_TO_DRIVER : VIRTQUEUE_FROM_DRIVER;
    enum virtqueue_error error = virtqueue_take(queue, &console->description->partition, direction, buffer);
    if (error != VIRTQUEUE_OK && error != VIRTQUEUE_EMPTY)
        fail(console, error);
    return error == VIRTQUEUE_OK;
}

static void give(struct virtio_console *console, unsigned index, const struct virtqueue_buffer *buffer,
                 uint32_t written) {
    struct virtqueue *queue = &console->queues[index];
    virtqueue_give(queue, buffer, written);
    console->interrupt_status |= INTERRUPT_USED;
    if (virtqueue_wants_interrupt(queue))
        console->interrupt = true;
}

static void raise_interrupt(struct virtio_console *console) {
    if (console->interrupt)
        gic_pend(console->intid);
    console->interrupt = false;
}

static size_t control_message(const struct virtio_console *console, unsigned port, enum control_event event,
                              uint8_t message[CONTROL_SIZE + NAME_MAX]) {
    const char *name = console->table[port].name;
    size_t size = CONTROL_SIZE;
    memset(message, 0, CONTROL_SIZE);
    message[0] = (uint8_t)(port + 1);
    message[4] = (uint8_t)event;
    message[6] = 1; /* value: open, or ready */
    while (event == PORT_NAME && *name != '\0' && size < CONTROL_SIZE + NAME_MAX)
        message[size++] = (uint8_t)*name++;
    return size;
}

static void send_pending(struct virtio_console *console, unsigned port) {
    static const enum control_event order[] = {DEVICE_ADD, PORT_NAME, PORT_OPEN};
    struct virtio_console_port_state *state = &console->ports[port];
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        uint8_t message[CONTROL_SIZE + NAME_MAX];
        struct virtqueue_buffer buffer;
        if ((state->pending & 1u << order[i]) == 0)
            continue;
        if (!take(console, CONTROL_TO_DRIVER, &buffer))
            return;
        size_t size = control_message(console, port, order[i], message);
        give(console, CONTROL_TO_DRIVER, &buffer, virtqueue_write(&buffer, message, size));
        state->pending &= (uint8_t) ~(1u << order[i]);
    }
}

static void remove_outgoing(struct virtio_console_port_state *state, uint32_t size) {
    state->outgoing_size -= size;
    memmove(state->outgoing, state->outgoing + size, state->outgoing_size);
}

/* A buffer gets the bytes of one message only, so that a reader with room for it reads it whole. */
static void send_outgoing(struct virtio_console *console, unsigned port) {
    struct virtio_console_port_state *state = &console->ports[port];
    unsigned queue = PORT_1_TO_DRIVER + 2 * port;
    struct virtqueue_buffer buffer;
    /* No more than the queue's length at once: its driver may add buffers, empty ones too, as fast as they are used. */
    for (uint32_t i = 0; i < console->queues[queue].size && state->outgoing_size > 0; i++) {
        if (!take(console, queue, &buffer))
            return;
        if (state->message_left == 0)
            state->message_left = PREFIX_SIZE + ((uint32_t)state->outgoing[0] << 8 | state->outgoing[1]);
        uint32_t written = virtqueue_write(&buffer, state->outgoing, state->message_left);
        give(console, queue, &buffer, written);
        state->message_left -= written;
        remove_outgoing(state, written);
    }
}

static void send_all(struct virtio_console *console) {
    for (unsigned port = 0; port < console->port_count; port++) {
        send_pending(console, port);
        send_outgoing(console, port);
    }
}

static void close_port(struct virtio_console *console, unsigned port, bool tell) {
    struct virtio_console_port_state *state = &console->ports[port];
    state->open = false;
    state->message_left = 0;
    state->outgoing_size = 0;
    if (tell)
        console->table[port].opened(console->persona, false);
}

static void port_control(struct virtio_console *console, unsigned port, unsigned event, unsigned value) {
    struct virtio_console_port_state *state = &console->ports[port];
    if (event == PORT_READY && value == 1)
        state->pending |= 1u << PORT_NAME | 1u << PORT_OPEN;
    if (event != PORT_OPEN)
        return;
    close_port(console, port, value == 0);
    state->open = value != 0;
    if (state->open)
        console->table[port].opened(console->persona, true);
}

/* 5.3.6.2. DEVICE_READY is for no port; after a resume a driver leaves it out. */
static void control_from_driver(struct virtio_console *console, const uint8_t message[CONTROL_SIZE]) {
    uint32_t id =
        (uint32_t)message[0] | (uint32_t)message[1] << 8 | (uint32_t)message[2] << 16 | (uint32_t)message[3] << 24;
    unsigned event = (unsigned)(message[4] | message[5] << 8);
    unsigned value = (unsigned)(message[6] | message[7] << 8);
    if (event != DEVICE_READY) {
        if (id >= 1 && id <= console->port_count)
            port_control(console, id - 1, event, value);
        return;
    }
    for (unsigned port = 0; value == 1 && port < console->port_count; port++) {
        close_port(console, port, true);
        console->ports[port].pending = 1u << DEVICE_ADD;
    }
}

static void message_from_driver(struct virtio_console *console, unsigned port, const struct virtqueue_buffer *buffer) {
    uint8_t message[PREFIX_SIZE + VIRTIO_CONSOLE_MESSAGE_MAX];
    const struct virtio_console_port *handler = &console->table[port];
    if (buffer->length < PREFIX_SIZE || buffer->length > sizeof message) {
        handler->received(console->persona, NULL, 0);
        return;
    }
    size_t size = (size_t)buffer->length;
    virtqueue_read(buffer, message, size);
    bool whole = (size_t)(message[0] << 8 | message[1]) == size - PREFIX_SIZE;
    handler->received(console->persona, whole ? message + PREFIX_SIZE : NULL, whole ? size - PREFIX_SIZE : 0);
}

static void from_driver(struct virtio_console *console, unsigned queue, const struct virtqueue_buffer *buffer) {
    uint8_t control[CONTROL_SIZE];
    if (queue == CONTROL_FROM_DRIVER) {
        virtqueue_read(buffer, control, sizeof control);
        control_from_driver(console, control);
    } else if (queue > PORT_1_TO_DRIVER) {
        unsigned port = (queue - PORT_1_TO_DRIVER) / 2;
        if (console->ports[port].open)
            message_from_driver(console, port, buffer);
    }
}

static unsigned queue_count(const struct virtio_console *console) {
    return 2 * PORT_0_QUEUES + 2 * console->port_count;
}

/* As many buffers as the queue can hold: what is added meanwhile comes with a notification of its own. */
static void notified(struct virtio_console *console, uint32_t queue) {
    struct virtqueue_buffer buffer;
    if (queue >= queue_count(console))
        return;
    console->draining = true;
    for (uint32_t i = 0; queue % 2 == 1 && i < console->queues[queue].size && take(console, queue, &buffer); i++) {
        from_driver(console, queue, &buffer);
        give(console, queue, &buffer, 0);
    }
    console->draining = false;
    send_all(console);
}

static void reset(struct virtio_console *console) {
    console->status = 0;
    console->interrupt_status = 0;
    console->device_features_select = 0;
    console->driver_features_select = 0;
    console->queue_select = 0;
    memset(console->driver_features, 0, sizeof console->driver_features);
    memset(console->queues, 0, sizeof console->queues);
    for (unsigned port = 0; port < console->port_count; port++) {
        console->ports[port].pending = 0;
        /* Not told: after a resume the driver says who has a port open still. */
        close_port(console, port, false);
    }
}

static bool features_accepted(const struct virtio_console *console) {
    return (console->driver_features[0] & ~(uint32_t)FEATURES_LOW) == 0 &&
           console->driver_features[1] == VIRTIO_VERSION_1;
}

/* 2.1: the driver sets bits, and clears them by a reset alone. */
static void write_status(struct virtio_console *console, uint32_t value) {
    if (value == 0) {
        reset(console);
        return;
    }
    uint32_t set = value & STATUS_OF_DRIVER;
    if ((console->status & VIRTIO_STATUS_FEATURES_OK) == 0) {
        set &= ~(uint32_t)VIRTIO_STATUS_DRIVER_OK;
        if (!features_accepted(console))
            set &= ~(uint32_t)VIRTIO_STATUS_FEATURES_OK;
    }
    console->status |= set;
    send_all(console);
}

static void write_driver_features(struct virtio_console *console, uint32_t value) {
    if ((console->status & VIRTIO_STATUS_FEATURES_OK) != 0)
        return;
    if (console->driver_features_select < 2)
        console->driver_features[console->driver_features_select] = value;
    else if (value != 0)
        console->driver_features[1] = UINT32_MAX; /* what nobody offered is never accepted */
}

static void write_queue_ready(struct virtio_console *console, struct virtqueue *queue, uint32_t value) {
    if (value == 0) {
        queue->ready = false;
        return;
    }
    if (queue->ready || (console->status & VIRTIO_STATUS_NEEDS_RESET) != 0)
        return;
    enum virtqueue_error error = virtqueue_start(queue, &console->description->partition);
    if (error != VIRTQUEUE_OK)
        fail(console, error);
}

/* What one notification costs is bounded by it: interrupts, the attention keys too, wait meanwhile. */
static uint32_t queue_max(const struct virtio_console *console) {
    uint32_t index = console->queue_select;
    bool from_driver = index % 2 == 1 && index > PORT_1_TO_DRIVER;
    return from_driver && console->table[(index - PORT_1_TO_DRIVER) / 2].one_by_one ? 1 : VIRTQUEUE_SIZE_MAX;
}

/* What describes a queue stays as it is while the queue is in use. */
static void write_queue(struct virtqueue *queue, uint32_t most, uint32_t offset, uint32_t value) {
    uint64_t *const addresses[] = {&queue->descriptors, &queue->available, &queue->used};
    uint32_t which = (offset - VIRTIO_MMIO_QUEUE_DESC) / QUEUE_ADDRESS_STEP;
    if (queue->ready)
        return;
    if (offset == VIRTIO_MMIO_QUEUE_NUM)
        queue->size = value <= most ? value : 0;
    if (offset < VIRTIO_MMIO_QUEUE_DESC || which >= sizeof addresses / sizeof addresses[0])
        return;
    if (offset % QUEUE_ADDRESS_STEP == 0)
        *addresses[which] = (*addresses[which] & ~(uint64_t)UINT32_MAX) | value;
    if (offset % QUEUE_ADDRESS_STEP == HIGH)
        *addresses[which] = (*addresses[which] & UINT32_MAX) | (uint64_t)value << 32;
}

static void write_register(struct virtio_console *console, uint32_t offset, uint32_t value) {
    switch (offset) {
    case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
        console->device_features_select = value;
        return;
    case VIRTIO_MMIO_DRIVER_FEATURES:
        write_driver_features(console, value);
        return;
    case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
        console->driver_features_select = value;
        return;
    case VIRTIO_MMIO_QUEUE_SEL:
        console->queue_select = value;
        return;
    case VIRTIO_MMIO_QUEUE_NOTIFY:
        notified(console, value);
        return;
    case VIRTIO_MMIO_INTERRUPT_ACK:
        console->interrupt_status &= ~value;
        return;
    case VIRTIO_MMIO_STATUS:
        write_status(console, value);
        return;
    default:
        break;
    }
    if (console->queue_select >= queue_count(console))
        return;
    if (offset == VIRTIO_MMIO_QUEUE_READY)
        write_queue_ready(console, &console->queues[console->queue_select], value);
    else
        write_queue(&console->queues[console->queue_select], queue_max(console), offset, value);
}

static uint32_t read_register(const struct virtio_console *console, uint32_t offset) {
    bool queue_exists = console->queue_select < queue_count(console);
    switch (offset) {
    case VIRTIO_MMIO_MAGIC_VALUE:
        return VIRTIO_MMIO_MAGIC;
    case VIRTIO_MMIO_VERSION:
        return VIRTIO_MMIO_VERSION_2;
    case VIRTIO_MMIO_DEVICE_ID:
        return ID_CONSOLE;
    case VIRTIO_MMIO_VENDOR_ID:
        return VENDOR;
    case VIRTIO_MMIO_DEVICE_FEATURES:
        return console->device_features_select == 0   ? FEATURES_LOW
               : console->device_features_select == 1 ? VIRTIO_VERSION_1
                                                      : 0;
    case VIRTIO_MMIO_QUEUE_NUM_MAX:
        return queue_exists ? queue_max(console) : 0;
    case VIRTIO_MMIO_QUEUE_READY:
        return queue_exists && console->queues[console->queue_select].ready;
    case VIRTIO_MMIO_INTERRUPT_STATUS:
        return console->interrupt_status;
    case VIRTIO_MMIO_STATUS:
        return console->status;
    case SHM_LENGTH:
    case SHM_LENGTH + HIGH:
    case SHM_BASE:
    case SHM_BASE + HIGH:
        return UINT32_MAX; /* there is no shared memory region */
    default:
        return 0; /* ConfigGeneration too: the configuration never changes */
    }
}

/* The configuration alone may be read in parts. */
static uint32_t read_config(const struct virtio_console *console, uint32_t offset, unsigned size) {
    uint32_t value = offset / 4 * 4 == CONFIG_MAX_PORTS ? console->port_count + 1 : 0;
    value >>= offset % 4 * 8;
    return size == 4 ? value : value & ((UINT32_C(1) << size * 8) - 1);
}

uint64_t virtio_console_read(const struct virtio_console *console, uint32_t offset, unsigned size) {
    if (size > 4 || offset % size != 0)
        return 0;
    if (offset >= CONFIG)
        return offset < CONFIG + CONFIG_SIZE ? read_config(console, offset - CONFIG, size) : 0;
    return size == 4 ? read_register(console, offset) : 0;
}

void virtio_console_write(struct virtio_console *console, uint32_t offset, unsigned size, uint64_t value) {
    if (size == 4 && offset % 4 == 0 && offset < CONFIG)
        write_register(console, offset, (uint32_t)value);
    raise_interrupt(console);
}

bool virtio_console_is_open(const struct virtio_console *console, unsigned port) {
    return works(console) && port < console->port_count && console->ports[port].open;
}

bool virtio_console_send(struct virtio_console *console, unsigned port, const uint8_t *message, size_t size) {
    struct virtio_console_port_state *state = &console->ports[port];
    if (!virtio_console_is_open(console, port) || PREFIX_SIZE + size > sizeof state->outgoing - state->outgoing_size) {
        state->dropped++;
        return false;
    }
    uint8_t *to = state->outgoing + state->outgoing_size;
    to[0] = (uint8_t)(size >> 8);
    to[1] = (uint8_t)size;
    memcpy(to + PREFIX_SIZE, message, size);
    state->outgoing_size += PREFIX_SIZE + (uint32_t)size;
    if (!console->draining) {
        send_outgoing(console, port);
        raise_interrupt(console);
    }
    return true;
}

void virtio_console_init(struct virtio_console *console, unsigned persona, const struct handover_persona *description,
                         uint32_t intid, const struct virtio_console_port *table, unsigned port_count) {
    memset(console, 0, sizeof *console);
    console->table = table;
    console->port_count = port_count;
    console->persona = persona;
    console->description = description;
    console->intid = intid;
    for (unsigned port = 0; port < port_count; port++)
        table[port].started(persona);
}
