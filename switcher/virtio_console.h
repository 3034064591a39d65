// SPDX-License-Identifier: BSD-3-Clause
#ifndef SWITCHER_VIRTIO_CONSOLE_H
#define SWITCHER_VIRTIO_CONSOLE_H

/**
 * A virtio console with named ports (virtio 1.2, 5.3 with VIRTIO_CONSOLE_F_MULTIPORT) behind a virtio-mmio register
 * file (4.2), one for each persona. The registers are a page that no stage 2 maps; trap.c brings the accesses here.
 *
 * Port 0, which the standard has for a console, stays without one. Each further port carries messages: two bytes with
 * the message's length, big-endian, then the message. Towards the switcher a message is one buffer (one write(2));
 * towards the persona it is one too, where the driver's buffers are long enough for it.
 *
 * All need the switcher lock, and are for the running persona's console only: interrupts go to it.
 */

#include "arch.h"
#include "switcher/handover.h"
#include "virtqueue.h"

enum {
    VIRTIO_CONSOLE_REGISTERS_SIZE = 0x1000, /* bytes: the whole page, so that nothing else can lie in it */
    VIRTIO_CONSOLE_PORTS_MAX = 2,           /* with a name: port 0 not counted */
    VIRTIO_CONSOLE_QUEUES = 2 * (VIRTIO_CONSOLE_PORTS_MAX + 2),
    VIRTIO_CONSOLE_MESSAGE_MAX = 1024,   /* bytes, from the persona */
    VIRTIO_CONSOLE_OUTGOING_SIZE = 4096, /* bytes of messages, lengths included, that wait for the driver */
};

/** A port as the switcher offers it. */
struct virtio_console_port {
    const char *name; /* in the persona /dev/virtio-ports/NAME */

    /** The persona starts afresh. */
    void (*started)(unsigned persona);

    /** A program in the persona has opened or closed the port; closed too when its driver starts anew. */
    void (*opened)(unsigned persona, bool open);

    /** A message came. @param message NULL: not framed as it must be, or too long; it was dropped */
    void (*received)(unsigned persona, const uint8_t *message, size_t size);

    bool one_by_one; /* it takes long: the driver can't give more than one message with a notification */
};

/** What the switcher keeps of one port. */
struct virtio_console_port_state {
    bool open;              /* by a program in the persona */
    uint8_t pending;        /* control messages yet to be sent */
    uint32_t dropped;       /* messages to the persona for which there was no room or no reader */
    uint32_t message_left;  /* bytes left of the message at the start of outgoing; 0: none of it is sent */
    uint32_t outgoing_size; /* bytes */
    uint8_t outgoing[VIRTIO_CONSOLE_OUTGOING_SIZE];
};

struct virtio_console {
    const struct virtio_console_port *table; /* port 1 first */
    unsigned port_count;
    unsigned persona;
    const struct handover_persona *description;
    uint32_t intid;

    uint32_t status;
    uint32_t interrupt_status;
    uint32_t device_features_select;
    uint32_t driver_features_select;
    uint32_t driver_features[2];
    uint32_t queue_select;
    bool draining;   /* what callbacks send goes out when the queue is done */
    bool interrupt;  /* to be raised before the persona goes on */
    uint32_t faults; /* how often the driver broke the protocol */
    struct virtqueue queues[VIRTIO_CONSOLE_QUEUES];
    struct virtio_console_port_state ports[VIRTIO_CONSOLE_PORTS_MAX];
};

/**
 * Makes a console as a persona finds it at its start.
 * @param persona     index, for the callbacks
 * @param description of the persona, whose partition holds the queues; kept by reference
 * @param intid       SPI to raise
 * @param table       ports, kept by reference
 * @param port_count  1 to VIRTIO_CONSOLE_PORTS_MAX
 */
void virtio_console_init(struct virtio_console *console, unsigned persona, const struct handover_persona *description,
                         uint32_t intid, const struct virtio_console_port *table, unsigned port_count);

/**
 * Carries out a read of a register (4.2.2).
 * @param offset bytes from the start of the page
 * @param size   of the access, bytes
 * @return the value; 0 for what is no register or not to be read with this size
 */
uint64_t virtio_console_read(const struct virtio_console *console, uint32_t offset, unsigned size);

/** Carries out a write to a register; one that means nothing is ignored. Callbacks of ports may come out of it. */
void virtio_console_write(struct virtio_console *console, uint32_t offset, unsigned size, uint64_t value);

/**
 * Sends a message to the persona, or keeps it until the driver has a buffer for it.
 * @param port    index into the table
 * @param message size bytes, at most VIRTIO_CONSOLE_OUTGOING_SIZE - 2
 * @return false: dropped whole, since nobody has the port open or there is no room
 */
bool virtio_console_send(struct virtio_console *console, unsigned port, const uint8_t *message, size_t size);

/** @return whether a driver serves the device and a program has the port open */
bool virtio_console_is_open(const struct virtio_console *console, unsigned port);

#endif
