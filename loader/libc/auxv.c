// SPDX-License-Identifier: BSD-3-Clause
#include <stdint.h>
#include <sys/auxv.h>

/* Arm ARM, D19.2 (ID_AA64ISAR0_EL1, ID_AA64PFR0_EL1): fields of four bits. */
enum { AES_SHIFT = 4, SHA2_SHIFT = 12, ADVSIMD_SHIFT = 20, FIELD = 0xf, AES_WITH_PMULL = 2, ADVSIMD_ABSENT = 0xf };

unsigned long getauxval(unsigned long type) {
    uint64_t instructions = 0;
    uint64_t features = 0;
    __asm__("mrs %0, id_aa64isar0_el1" : "=r"(instructions));
    __asm__("mrs %0, id_aa64pfr0_el1" : "=r"(features));
    if (type != AT_HWCAP || ((features >> ADVSIMD_SHIFT) & FIELD) == ADVSIMD_ABSENT)
        return 0;
    // With AES come its carry-less products, or mbedTLS would find one and use both.
    unsigned long bits = HWCAP_ASIMD;
    if (((instructions >> AES_SHIFT) & FIELD) >= AES_WITH_PMULL)
        bits |= HWCAP_AES | HWCAP_PMULL;
    if (((instructions >> SHA2_SHIFT) & FIELD) != 0)
        bits |= HWCAP_SHA2;
    return bits;
}
