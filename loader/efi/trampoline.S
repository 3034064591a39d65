// SPDX-License-Identifier: BSD-3-Clause
// cpu_hand_over(x0 = hand-over, x1 = entry, x2 = copy of cpu_clear): from whatever state the firmware left EL2 in to the one state that the
// switcher expects: interrupts masked, MMU and caches off, HCR_EL2 = RW, nothing trapped that EL2 itself uses.
// Uses no stack. The firmware's maps are identity maps, so the code stays where it is when the MMU goes off.

    .equ    SCTLR_EL2_OFF, 0x30c50830       // RES1 bits only
    .equ    CPTR_EL2_NONE, 0x33ff           // RES1 bits only: no floating-point trap (layout for E2H = 0)

    .section .text.trampoline, "ax"
    .global cpu_hand_over
    .global cpu_hand_over_end
    .balign 64
cpu_hand_over:
    msr     daifset, #0xf
    ldr     w3, =SCTLR_EL2_OFF
    dsb     sy                              // all stores are out before the caches go
    msr     sctlr_el2, x3
    isb
    // E2H changes the layout of TCR_EL2 and CPTR_EL2, and TGE where exceptions go: first this, then the others.
    mov     x3, #(1 << 31)
    msr     hcr_el2, x3
    isb
    mov     x3, #CPTR_EL2_NONE
    msr     cptr_el2, x3
    msr     vttbr_el2, xzr
    msr     cntvoff_el2, xzr
    isb
    tlbi    alle2                           // entries made with the firmware's tables and rights
    tlbi    alle1
    dsb     nsh
    ic      iallu
    dsb     nsh
    isb
    br      x2
    .ltorg
cpu_hand_over_end:

// cpu_clear(x0 = hand-over, x1 = entry, MMU off, no stack), wherever it was copied to: writes zeros to the ranges of the
// list behind it, the code that came here and its stack among them, then goes on to the entry with x0 as it is.
    .global cpu_clear
    .global cpu_clear_end
    .balign 16
cpu_clear:
    adr     x3, cpu_clear_end
    mrs     x4, ctr_el0
    ubfx    x4, x4, #16, #4                 // DminLine
    mov     x5, #4
    lsl     x5, x5, x4
    // Dirty lines would be written back over the zeros later, and clean ones hide them from whoever has caches on.
    mov     x6, x3
1:  ldp     x7, x8, [x6], #16
    cbz     x8, 3f
    add     x8, x7, x8
2:  dc      civac, x7
    add     x7, x7, x5
    cmp     x7, x8
    b.lo    2b
    b       1b
3:  dsb     sy
4:  ldp     x7, x8, [x3], #16
    cbz     x8, 6f
    add     x8, x7, x8
5:  stp     xzr, xzr, [x7], #16
    stp     xzr, xzr, [x7], #16
    stp     xzr, xzr, [x7], #16
    stp     xzr, xzr, [x7], #16
    cmp     x7, x8
    b.lo    5b
    b       4b
6:  dsb     sy
    ic      iallu                           // instructions that were here before
    dsb     nsh
    isb
    br      x1
    .balign 16
cpu_clear_end:
