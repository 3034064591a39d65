// SPDX-License-Identifier: BSD-3-Clause
#ifndef FAKE_STORM_H
#define FAKE_STORM_H

#include <stddef.h>
#include <stdint.h>

/**
 * A storm over the fake platform: all CPUs call at once, each goes on by a step at any time, keys are pressed, time
 * passes and the firmware fails, as the bytes say. Fails the test when a CPU gets into the wrong persona, when the
 * machine does not settle afterwards, or when the attention key does not work any more.
 * @param data, size any bytes; the first two choose the machine
 */
void storm(const uint8_t *data, size_t size);

#endif
