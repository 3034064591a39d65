// SPDX-License-Identifier: BSD-3-Clause
#ifndef ATTACK_CHANNEL_H
#define ATTACK_CHANNEL_H

/** The driver's side of the channel to the switcher: a virtio console (virtio 1.2, 5.3) behind virtio-mmio registers.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ring.h"

enum {
    CHANNEL_NOTHING_TO_DRIVER, /* port 0, which is nobody's */
    CHANNEL_NOTHING_FROM_DRIVER,
    CHANNEL_CONTROL_TO_DRIVER,
    CHANNEL_CONTROL_FROM_DRIVER,
    CHANNEL_TO_DRIVER, /* the port flipside.control */
    CHANNEL_FROM_DRIVER,
    CHANNEL_QUEUES,
    CHANNEL_REGISTERS = 0x1000, /* bytes */
    CHANNEL_STATUS = 0x70,      /* offsets of registers (4.2.2) */
    CHANNEL_NOTIFY = 0x50,
    CHANNEL_WORKS = 15, /* STATUS */
    CHANNEL_NEEDS_RESET = 64,
};

extern volatile struct ring channel_rings[CHANNEL_QUEUES];

/** Where the device is told to put what it sends; own buffers after channel_own_buffers(). */
struct channel_buffers {
    uint64_t control, message; /* addresses */
    uint32_t control_length, message_length;
};

/** @return buffers of the payload's own */
struct channel_buffers channel_own_buffers(void);

/** @return STATUS */
uint32_t channel_status(void);

/** Resets the device and agrees on its features. */
void channel_begin(void);

/** Starts a queue. @return whether the device took it */
bool channel_queue(unsigned queue, const struct ring_place *place, uint32_t size);

/** Begins, starts all queues with their own rings, and offers buffers. */
void channel_start(const struct channel_buffers *buffers);

/** Sends a buffer on a queue and notifies. */
void channel_send(unsigned queue, const uint8_t *data, size_t size);

/** Opens the port as stock drivers do, after channel_start(). */
void channel_open(void);

/** Says hello and asks for the status, after channel_open(). */
void channel_ask(void);

/** Notifies the device of a queue. */
void channel_notify(uint32_t queue);

/** Starts, opens and asks. @return whether the right answers came */
bool channel_works(void);

/** Closes the port and resets the device. */
void channel_close(void);

#endif
