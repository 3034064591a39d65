// SPDX-License-Identifier: BSD-3-Clause
#ifndef AGENT_TUNE_H
#define AGENT_TUNE_H

/**
 * Settings that make suspend fast (Linux, Documentation/ABI/testing/sysfs-power, sysfs-devices-power): devices with
 * a driver suspend in parallel, file systems are not written back before, and the state is that which flips. What they
 * were is kept in a file, so that they can be put back; what somebody else has changed since is not.
 */

#include <stdbool.h>
#include <stdio.h>

#define TUNE_KEPT "/run/flipside/tuned"

/**
 * Applies the settings; does nothing to those that are applied already.
 * @param root directory above sys/, "" for the system's own
 * @param kept file for the settings' former values; those that it has are kept
 * @return false, with errno: not all could be
 */
__attribute__((warn_unused_result)) bool tune_on(const char *root, const char *kept);

/** Puts back what tune_on() changed and removes the file. @return false, with errno: not all could be */
__attribute__((warn_unused_result)) bool tune_off(const char *root, const char *kept);

/** Prints what the settings are. */
void tune_show(const char *root, const char *kept, FILE *to);

#endif
