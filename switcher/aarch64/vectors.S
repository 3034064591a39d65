// SPDX-License-Identifier: BSD-3-Clause
// Exceptions to EL2. Each saves the general registers in a struct trap_frame on this CPU's stack and calls C.

#include "offsets.h"

    .macro save_frame
    sub     sp, sp, #FRAME_SIZE
    stp     x0, x1, [sp, #0]
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    stp     x8, x9, [sp, #64]
    stp     x10, x11, [sp, #80]
    stp     x12, x13, [sp, #96]
    stp     x14, x15, [sp, #112]
    stp     x16, x17, [sp, #128]
    stp     x18, x19, [sp, #144]
    stp     x20, x21, [sp, #160]
    stp     x22, x23, [sp, #176]
    stp     x24, x25, [sp, #192]
    stp     x26, x27, [sp, #208]
    stp     x28, x29, [sp, #224]
    mrs     x1, elr_el2
    mrs     x2, spsr_el2
    stp     x30, x1, [sp, #240]
    str     x2, [sp, #FRAME_SPSR]
    mov     x0, sp
    .endm

    .macro lower_entry handler
    .balign 0x80
    save_frame
    bl      \handler
    b       trap_exit
    .endm

    .macro unexpected_entry kind
    .balign 0x80
    b       1f
    .subsection 1
1:  save_frame
    mov     x1, #\kind
    b       unexpected
    .previous
    .endm

    .text
unexpected:
    bl      trap_unexpected
    mov     sp, x0              // it returns the frame to go on with: of another persona, at the top of the stack

    .global trap_exit
trap_exit:
    ldp     x30, x1, [sp, #240]
    ldr     x2, [sp, #FRAME_SPSR]
    msr     elr_el2, x1
    msr     spsr_el2, x2
    ldp     x2, x3, [sp, #16]
    ldp     x4, x5, [sp, #32]
    ldp     x6, x7, [sp, #48]
    ldp     x8, x9, [sp, #64]
    ldp     x10, x11, [sp, #80]
    ldp     x12, x13, [sp, #96]
    ldp     x14, x15, [sp, #112]
    ldp     x16, x17, [sp, #128]
    ldp     x18, x19, [sp, #144]
    ldp     x20, x21, [sp, #160]
    ldp     x22, x23, [sp, #176]
    ldp     x24, x25, [sp, #192]
    ldp     x26, x27, [sp, #208]
    ldp     x28, x29, [sp, #224]
    ldp     x0, x1, [sp], #FRAME_SIZE
    eret
    dsb     nsh                 // no speculation past the return
    isb

    .balign 0x800
    .global vectors
vectors:
    unexpected_entry 0          // current EL, SP_EL0: never used
    unexpected_entry 1
    unexpected_entry 2
    unexpected_entry 3
    unexpected_entry 4          // current EL, SP_EL2: a fault of the switcher itself
    unexpected_entry 5
    unexpected_entry 6
    unexpected_entry 7
    lower_entry trap_sync       // a persona, AArch64
    unexpected_entry 9          // IRQ: HCR_EL2.IMO is 0
    lower_entry trap_fiq
    unexpected_entry 11         // SError: HCR_EL2.AMO is 0
    lower_entry trap_sync       // AArch32 at EL0 of a persona
    unexpected_entry 13
    lower_entry trap_fiq
    unexpected_entry 15
