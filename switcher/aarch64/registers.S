// SPDX-License-Identifier: BSD-3-Clause
// arch_clear_registers: nothing that one persona left in a register reaches the next one.
// General registers are in the trap frame; the GIC's CPU interface is arch_icc_init's.

#include "offsets.h"

    .arch armv8.5-a+sve+memtag
    .text
    .global arch_clear_registers
arch_clear_registers:
    // What Linux expects at an entry by PSCI: MMU and caches off, RES1 bits set.
    mov     x0, #0x0800
    movk    x0, #0x30d0, lsl #16
    msr     sctlr_el1, x0
    msr     ttbr0_el1, xzr
    msr     ttbr1_el1, xzr
    msr     tcr_el1, xzr
    msr     mair_el1, xzr
    msr     amair_el1, xzr
    msr     vbar_el1, xzr
    msr     esr_el1, xzr
    msr     far_el1, xzr
    msr     afsr0_el1, xzr
    msr     afsr1_el1, xzr
    msr     elr_el1, xzr
    msr     spsr_el1, xzr
    msr     sp_el0, xzr
    msr     sp_el1, xzr
    msr     tpidr_el0, xzr
    msr     tpidrro_el0, xzr
    msr     tpidr_el1, xzr
    msr     contextidr_el1, xzr
    msr     cpacr_el1, xzr
    msr     par_el1, xzr
    msr     csselr_el1, xzr
    msr     actlr_el1, xzr
    // AArch32 at EL0 may have used these.
    msr     spsr_abt, xzr
    msr     spsr_und, xzr
    msr     spsr_irq, xzr
    msr     spsr_fiq, xzr

    // Timers: both off, no deadline left to read.
    msr     cntkctl_el1, xzr
    msr     cntv_ctl_el0, xzr
    msr     cntp_ctl_el0, xzr
    msr     cntv_cval_el0, xzr
    msr     cntp_cval_el0, xzr

    // Self-hosted debug: no breakpoint or watchpoint, each register.
    msr     mdscr_el1, xzr
    msr     mdccint_el1, xzr
    mov     x0, #0xff
    msr     dbgclaimclr_el1, x0         // the claim tags: eight bits that keep what was written
    mrs     x0, id_aa64dfr0_el1
    ubfx    x1, x0, #12, #4             // breakpoints - 1
    adr     x2, 1f
    mov     x3, #15
    sub     x3, x3, x1
    add     x2, x2, x3, lsl #3
    br      x2
1:  .irp    n, 15,14,13,12,11,10,9,8,7,6,5,4,3,2,1,0
    msr     dbgbcr\n\()_el1, xzr
    msr     dbgbvr\n\()_el1, xzr
    .endr
    ubfx    x1, x0, #20, #4             // watchpoints - 1
    adr     x2, 2f
    mov     x3, #15
    sub     x3, x3, x1
    add     x2, x2, x3, lsl #3
    br      x2
2:  .irp    n, 15,14,13,12,11,10,9,8,7,6,5,4,3,2,1,0
    msr     dbgwcr\n\()_el1, xzr
    msr     dbgwvr\n\()_el1, xzr
    .endr

    adrp    x9, arch_features
    ldr     w9, [x9, :lo12:arch_features]

    tbz     w9, #FEATURE_PMU, 4f
    mov     x0, #6                      // PMCR_EL0.P and C: event and cycle counters to zero
    msr     pmcr_el0, x0
    mov     x0, #0xffffffff
    msr     pmcntenclr_el0, x0
    msr     pmintenclr_el1, x0
    msr     pmovsclr_el0, x0
    msr     pmuserenr_el0, xzr
    msr     pmccfiltr_el0, xzr
    mrs     x0, pmcr_el0
    ubfx    x0, x0, #11, #5             // number of event counters
3:  cbz     x0, 31f
    sub     x0, x0, #1
    msr     pmselr_el0, x0
    isb
    msr     pmxevtyper_el0, xzr
    b       3b
31: msr     pmselr_el0, xzr
4:
    tbz     w9, #FEATURE_PAUTH, 5f
    .irp    key, apia, apib, apda, apdb, apga
    msr     \key\()keylo_el1, xzr
    msr     \key\()keyhi_el1, xzr
    .endr
5:
    tbz     w9, #FEATURE_MTE, 6f
    msr     gcr_el1, xzr
    msr     rgsr_el1, xzr
    msr     tfsr_el1, xzr
    msr     tfsre0_el1, xzr
6:
    tbz     w9, #FEATURE_CSV2, 7f
    msr     S3_0_C13_C0_7, xzr          // SCXTNUM_EL1
    msr     S3_3_C13_C0_7, xzr          // SCXTNUM_EL0
7:
    tbz     w9, #FEATURE_RAS, 71f
    msr     S3_0_C12_C1_1, xzr          // DISR_EL1
71:
    tbz     w9, #FEATURE_SME, 8f
    msr     S3_3_C13_C0_5, xzr          // TPIDR2_EL0
    msr     S3_3_C4_C2_2, xzr           // SVCR: streaming mode and ZA off; ZA reads zero when it is turned on again
    msr     S3_0_C1_C2_6, xzr           // SMCR_EL1
    msr     S3_0_C1_C2_4, xzr           // SMPRI_EL1
8:
    tbz     w9, #FEATURE_SVE, 9f
    pfalse  p0.b
    wrffr   p0.b
    .irp    n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    pfalse  p\n\().b
    .endr
    msr     S3_0_C1_C2_0, xzr           // ZCR_EL1
9:
    // A write to Vn zeroes the rest of Zn up to the length that EL2 set, the longest there is.
    .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    movi    v\n\().2d, #0
    .endr
    msr     fpcr, xzr
    msr     fpsr, xzr
    isb
    ret

// arch_vectors_store, arch_vectors_load: all vector registers, as long as they are. x0 = the area.
    .macro  move_vectors instruction
    adrp    x9, arch_features
    ldr     w9, [x9, :lo12:arch_features]
    tbnz    w9, #FEATURE_SVE, 1f
    .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    \instruction q\n, [x0, #16 * \n]
    .endr
    ret
1:  .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    \instruction z\n, [x0, #\n, mul vl]
    .endr
    ret
    .endm

    .global arch_vectors_store, arch_vectors_load
arch_vectors_store:
    move_vectors str
arch_vectors_load:
    move_vectors ldr

    .bss
    .balign 16
    .global arch_vectors
arch_vectors:
    .skip   32 * 256                    // the longest vectors that there can be
