// SPDX-License-Identifier: BSD-3-Clause
#ifndef LOADER_EMBEDDED_H
#define LOADER_EMBEDDED_H

/** What the build puts into the loader's image. */

#include <stdint.h>

/** The switcher's ELF file: from switcher_image to switcher_image_end. */
extern const uint8_t switcher_image[];
extern const uint8_t switcher_image_end[];

/** What starts a persona that stays locked, an arm64 Image: from unlocker_image to unlocker_image_end. */
extern const uint8_t unlocker_image[];
extern const uint8_t unlocker_image_end[];

/** The compiled board descriptions one after the other: 64-bit size, then so many bytes, 8-byte aligned; size 0 ends.
 */
extern const uint8_t embedded_boards[];

#endif
