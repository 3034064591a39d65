// SPDX-License-Identifier: BSD-3-Clause
#ifndef SWITCHER_VIRTIO_KEYBOARD_H
#define SWITCHER_VIRTIO_KEYBOARD_H

/** A virtio-input keyboard (virtio 1.2, 5.8) on a virtio-mmio transport that only the switcher sees. */

#include "attention.h"

/** @param keyboard base != 0 @return false when there is no virtio-input device there, or it does not take the driver: reported on the console, the chord is dead */
__attribute__((warn_unused_result)) bool virtio_keyboard_init(const struct handover_keyboard *keyboard);

/** Takes the events that the device has used. @return ATTENTION_SHORT when the chord became complete (once until a key of it is released) */
enum attention_press virtio_keyboard_interrupt(void);

#endif
