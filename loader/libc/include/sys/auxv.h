// SPDX-License-Identifier: BSD-3-Clause
#ifndef LIBC_SYS_AUXV_H
#define LIBC_SYS_AUXV_H

/** How mbedTLS asks for the CPU's cryptographic instructions, with the bits that Linux has for arm64. */

#define AT_HWCAP 16
#define HWCAP_ASIMD (1 << 1)
#define HWCAP_AES (1 << 3)
#define HWCAP_PMULL (1 << 4)
#define HWCAP_SHA2 (1 << 6)

/** @param type AT_HWCAP @return of the bits above those that this CPU has; 0 for other types */
unsigned long getauxval(unsigned long type);

#endif
