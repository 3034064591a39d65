// SPDX-License-Identifier: BSD-3-Clause
// cpu_hand_over(x0 = hand-over, x1 = entry): from whatever state the firmware left EL2 in to the one state that the
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
    ldr     w2, =SCTLR_EL2_OFF
    dsb     sy                              // all stores are out before the caches go
    msr     sctlr_el2, x2
    isb
    // E2H changes the layout of TCR_EL2 and CPTR_EL2, and TGE where exceptions go: first this, then the others.
    mov     x2, #(1 << 31)
    msr     hcr_el2, x2
    isb
    mov     x2, #CPTR_EL2_NONE
    msr     cptr_el2, x2
    msr     vttbr_el2, xzr
    msr     cntvoff_el2, xzr
    isb
    tlbi    alle2                           // entries made with the firmware's tables and rights
    tlbi    alle1
    dsb     nsh
    ic      iallu
    dsb     nsh
    isb
    br      x1
    .ltorg
cpu_hand_over_end:
