// SPDX-License-Identifier: BSD-3-Clause
// Entry of every CPU: from the loader (x0 = hand-over) and from the firmware's CPU_ON (context = hand-over).
// State: EL2, MMU off, HCR_EL2 = RW. Everything used before the MMU is on was cleaned to the point of coherency.

#include "offsets.h"

    .section .text.start, "ax"
    .global _start
_start:
    msr     daifset, #0xf
    mov     x19, x0
    ldr     x1, [x19, #HANDOVER_MAIR]
    ldr     x2, [x19, #HANDOVER_TCR]
    ldr     x3, [x19, #HANDOVER_TTBR0]
    msr     mair_el2, x1
    msr     tcr_el2, x2
    msr     ttbr0_el2, x3
    isb
    tlbi    alle2               // what the firmware mapped must not be hit again
    dsb     nsh
    ic      iallu
    dsb     nsh
    isb
    mov     x1, #(SCTLR_EL2_VALUE & 0xffff)
    movk    x1, #(SCTLR_EL2_VALUE >> 16), lsl #16
    msr     sctlr_el2, x1
    isb

    // Find this CPU by its affinity; x20 becomes its index.
    mrs     x1, mpidr_el1
    mov     x2, #0xffffff
    movk    x2, #0xff, lsl #32
    and     x1, x1, x2
    ldr     w2, [x19, #HANDOVER_CPU_COUNT]
    add     x3, x19, #HANDOVER_CPUS
    mov     x20, #0
1:  cmp     w20, w2
    b.hs    3f
    ldp     x4, x5, [x3], #16
    cmp     x4, x1
    b.eq    2f
    add     x20, x20, #1
    b       1b

2:  msr     tpidr_el2, x20
    sub     sp, x5, #FRAME_SIZE
    adrp    x6, vectors
    add     x6, x6, :lo12:vectors
    msr     vbar_el2, x6
    isb
    mov     x0, x19
    mov     x1, sp
    bl      switcher_main
    b       trap_exit

3:  wfi                         // a CPU that the hand-over does not know has no stack to say so
    b       3b
