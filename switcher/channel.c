// SPDX-License-Identifier: BSD-3-Clause
#include "channel.h"

#include "control.h"
#include "log.h"
#include "switcher.h"
#include "usim.h"

static const struct virtio_console_port ports[CHANNEL_PORTS] = {
    [CHANNEL_CONTROL] = {"flipside.control", control_started, control_opened, control_received, .one_by_one = false},
    /* The last: left out without a USIM. */
    [CHANNEL_USIM] = {"flipside.usim", usim_started, usim_opened, usim_received, .one_by_one = true},
};

_Static_assert((int)CHANNEL_PORTS <= (int)VIRTIO_CONSOLE_PORTS_MAX, "a console has room for every port");

static struct virtio_console *running_console(void) { return &running_persona()->channel; }

void channel_start(unsigned persona) {
    struct virtio_console *console = &switcher.personas[persona].channel;
    virtio_console_init(console, persona, switcher.personas[persona].description, switcher.handover->channel.intid,
                        ports, switcher.handover->usim.profile.size != 0 ? CHANNEL_PORTS : CHANNEL_USIM);
}

bool channel_holds(uint64_t address) {
    uint64_t base = switcher.handover->channel.base;
    return base != 0 && address - base < VIRTIO_CONSOLE_REGISTERS_SIZE;
}

static uint32_t offset_of(uint64_t address) { return (uint32_t)(address - switcher.handover->channel.base); }

uint64_t channel_read(uint64_t address, unsigned size) {
    log_count(COUNT_CHANNEL, switcher.running);
    return virtio_console_read(running_console(), offset_of(address), size);
}

void channel_write(uint64_t address, unsigned size, uint64_t value) {
    log_count(COUNT_CHANNEL, switcher.running);
    virtio_console_write(running_console(), offset_of(address), size, value);
}

bool channel_send(enum channel_port port, const uint8_t *message, size_t size) {
    return virtio_console_send(running_console(), port, message, size);
}

bool channel_is_open(enum channel_port port) { return virtio_console_is_open(running_console(), port); }
