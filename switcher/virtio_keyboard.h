// SPDX-License-Identifier: BSD-3-Clause
#ifndef SWITCHER_VIRTIO_KEYBOARD_H
#define SWITCHER_VIRTIO_KEYBOARD_H

/** A virtio-input keyboard (virtio 1.2, 5.8) on a virtio-mmio transport that only the switcher sees. */

#include "attention.h"

/**
 * Brings the device to life and offers it its buffers.
 * @param keyboard checked, base != 0
 * @return false when there is no virtio-input device there, or it does not take the driver: said on the console, the
 * chord is dead
 */
__attribute__((warn_unused_result)) bool virtio_keyboard_init(const struct handover_keyboard *keyboard);

/**
 * Acknowledges the interrupt and takes the events that the device has used. What the device writes is not trusted: one
 * that breaks the protocol, or asks for it (DEVICE_NEEDS_RESET), is started again, a few times at most.
 * @return ATTENTION_SHORT when the chord became complete (once until a key of it is released), otherwise ATTENTION_NONE
 */
enum attention_press virtio_keyboard_interrupt(void);

#endif
