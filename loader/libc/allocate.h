// SPDX-License-Identifier: BSD-3-Clause
#ifndef LIBC_ALLOCATE_H
#define LIBC_ALLOCATE_H

/** Where malloc() and its kin get memory from: small pieces are the loader's own, others the firmware's. They return
 * NULL before this and must not be called after boot services. */

#include "efi.h"

/** Forgets what was taken before. @param services whose pools are used (UEFI 2.10, 7.2.4) */
void allocate_open(struct efi_boot_services *services);

#endif
