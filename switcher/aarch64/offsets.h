// SPDX-License-Identifier: BSD-3-Clause
// Offsets for assembly; arch.c asserts that they are those of the C structures.
#ifndef SWITCHER_OFFSETS_H
#define SWITCHER_OFFSETS_H

#define HANDOVER_MAIR 16
#define HANDOVER_TCR 24
#define HANDOVER_TTBR0 32
#define HANDOVER_CPU_COUNT 48
#define HANDOVER_CPUS 56

#define FRAME_SIZE 272
#define FRAME_ELR 248
#define FRAME_SPSR 256

/* RES1 bits, and M, C, SA, I, WXN. */
#define SCTLR_EL2_VALUE 0x30cd183d

/* arch_features: what arch_clear_registers has to clear. */
#define FEATURE_SVE 0
#define FEATURE_SME 1
#define FEATURE_PAUTH 2
#define FEATURE_MTE 3
#define FEATURE_PMU 4
#define FEATURE_CSV2 5
#define FEATURE_RAS 6

#endif
