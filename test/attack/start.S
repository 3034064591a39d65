// SPDX-License-Identifier: BSD-3-Clause
// Entries into the payload, its exception vectors, and the way out by SYSTEM_SUSPEND.

#include "snapshot.h"

    .equ    R_AARCH64_RELATIVE, 1027
    .equ    PSCI_SYSTEM_SUSPEND, 0xc400000e
    .equ    STACK_SIZE, 0x8000

// The header of an arm64 Image (Linux, Documentation/arch/arm64/booting.rst).
    .section .text.entry, "ax"
    .global image_entry
image_entry:
    b       start
    .long   0
    // the rest of the header is in attack.ld

// Keeps everything that this payload itself changes on its way to C. x0: the snapshot; x0 itself is known.
    .macro  take_snapshot
    stp     x1, x2, [x0, #8]
    stp     x3, x4, [x0, #24]
    stp     x5, x6, [x0, #40]
    stp     x7, x8, [x0, #56]
    stp     x9, x10, [x0, #72]
    stp     x11, x12, [x0, #88]
    stp     x13, x14, [x0, #104]
    stp     x15, x16, [x0, #120]
    stp     x17, x18, [x0, #136]
    stp     x19, x20, [x0, #152]
    stp     x21, x22, [x0, #168]
    stp     x23, x24, [x0, #184]
    stp     x25, x26, [x0, #200]
    stp     x27, x28, [x0, #216]
    stp     x29, x30, [x0, #232]
    str     xzr, [x0]
    mrs     x1, vbar_el1
    mrs     x2, sctlr_el1
    stp     x1, x2, [x0, #SNAPSHOT_SYSTEM]
    mrs     x1, cpacr_el1
    mrs     x2, spsr_el1
    stp     x1, x2, [x0, #SNAPSHOT_SYSTEM + 16]
    mrs     x1, elr_el1
    mrs     x2, esr_el1
    stp     x1, x2, [x0, #SNAPSHOT_SYSTEM + 32]
    mrs     x1, far_el1
    mrs     x2, nzcv
    stp     x1, x2, [x0, #SNAPSHOT_SYSTEM + 48]
    mrs     x1, daif
    mrs     x2, spsel
    stp     x1, x2, [x0, #SNAPSHOT_SYSTEM + 64]
    mov     x1, #3 << 20                    // CPACR_EL1.FPEN
    msr     cpacr_el1, x1
    isb
    add     x1, x0, #SNAPSHOT_VECTORS
    stp     q0, q1, [x1, #0]
    stp     q2, q3, [x1, #32]
    stp     q4, q5, [x1, #64]
    stp     q6, q7, [x1, #96]
    stp     q8, q9, [x1, #128]
    stp     q10, q11, [x1, #160]
    stp     q12, q13, [x1, #192]
    stp     q14, q15, [x1, #224]
    stp     q16, q17, [x1, #256]
    stp     q18, q19, [x1, #288]
    stp     q20, q21, [x1, #320]
    stp     q22, q23, [x1, #352]
    stp     q24, q25, [x1, #384]
    stp     q26, q27, [x1, #416]
    stp     q28, q29, [x1, #448]
    stp     q30, q31, [x1, #480]
    .endm

    .text
start:
    mov     sp, x0                          // kept there for a moment: SP_EL1 is looked at after a resume only
    adrp    x0, snapshot
    add     x0, x0, :lo12:snapshot
    take_snapshot
    str     xzr, [x0, #SNAPSHOT_STACK]
    mov     x19, sp
    bl      relocate
    adrp    x1, bss_begin
    add     x1, x1, :lo12:bss_begin
    adrp    x2, bss_end
    add     x2, x2, :lo12:bss_end
1:  cmp     x1, x2
    b.hs    2f
    stp     xzr, xzr, [x1], #16
    b       1b
2:  adrp    x1, main_stack + STACK_SIZE
    add     x1, x1, :lo12:main_stack + STACK_SIZE
    mov     sp, x1
    mov     x0, x19
    b       payload_main

// The snapshot's address is the context that was given to SYSTEM_SUSPEND.
resume:
    take_snapshot
    mov     x1, sp
    str     x1, [x0, #SNAPSHOT_STACK]
    mov     x20, #0
back:
    adrp    x1, resume_stack + STACK_SIZE   // what called for the suspend still has the other one
    add     x1, x1, :lo12:resume_stack + STACK_SIZE
    mov     sp, x1
    bl      payload_resumed
    mov     x0, x20
    adrp    x9, saved
    add     x9, x9, :lo12:saved
    ldp     x19, x20, [x9]
    ldp     x21, x22, [x9, #16]
    ldp     x23, x24, [x9, #32]
    ldp     x25, x26, [x9, #48]
    ldp     x27, x28, [x9, #64]
    ldp     x29, x30, [x9, #80]
    ldr     x10, [x9, #96]
    mov     sp, x10
    ret

relocate:
    adrp    x2, image_base
    add     x2, x2, :lo12:image_base
    adrp    x3, relocations_begin
    add     x3, x3, :lo12:relocations_begin
    adrp    x4, relocations_end
    add     x4, x4, :lo12:relocations_end
1:  cmp     x3, x4
    b.hs    2f
    ldp     x5, x6, [x3], #16               // where, kind
    ldr     x7, [x3], #8                    // what
    cmp     w6, #R_AARCH64_RELATIVE
    b.ne    1b
    add     x7, x7, x2
    str     x7, [x2, x5]
    b       1b
2:  ret

    .macro  keep_callee
    adrp    x9, saved
    add     x9, x9, :lo12:saved
    stp     x19, x20, [x9]
    stp     x21, x22, [x9, #16]
    stp     x23, x24, [x9, #32]
    stp     x25, x26, [x9, #48]
    stp     x27, x28, [x9, #64]
    stp     x29, x30, [x9, #80]
    mov     x10, sp
    str     x10, [x9, #96]
    .endm

    .macro  suspend_arguments
    movz    x0, #PSCI_SYSTEM_SUSPEND & 0xffff
    movk    x0, #PSCI_SYSTEM_SUSPEND >> 16, lsl #16
    adr     x1, resume
    adrp    x2, snapshot
    add     x2, x2, :lo12:snapshot
    .endm

// int64_t suspend_plain(void): SYSTEM_SUSPEND; returns 0 after the resume, or PSCI's error.
    .global suspend_plain
suspend_plain:
    keep_callee
    suspend_arguments
    hvc     #0
    mov     x20, x0
    b       back

// int64_t suspend_filled(uint64_t pattern, bool sve): the same with the pattern in everything that C needs itself: the
// translation registers, the vector registers and the general ones. The image must be clean in the caches.
    .arch   armv8.2-a+sve
    .global suspend_filled
suspend_filled:
    keep_callee
    mov     x3, x0
    .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    dup     v\n\().2d, x3
    .endr
    cbz     x1, 1f
    .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    dup     z\n\().d, x3
    .endr
    .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    ptrue   p\n\().b
    .endr
    setffr
1:  msr     fpsr, x3
    mov     x4, #1 << 22                    // FPCR.RMode
    msr     fpcr, x4
    mrs     x4, sctlr_el1
    bic     x4, x4, #1                      // MMU off
    bic     x4, x4, #4                      // data cache off
    msr     sctlr_el1, x4
    isb
    msr     ttbr0_el1, x3
    msr     ttbr1_el1, x3
    msr     tcr_el1, x3
    msr     mair_el1, x3
    msr     vbar_el1, x3
    msr     esr_el1, x3
    msr     far_el1, x3
    msr     elr_el1, x3
    msr     spsr_el1, x3
    mov     sp, x3
    suspend_arguments
    .irp    n, 4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
    mov     x\n, x3
    .endr
    hvc     #0
    mov     x20, x0
    b       back

// void vectors_store_sve(void *to): Z0-Z31, then P0-P15 and FFR, at the longest length there is (32 x 256 + 17 x 32 bytes).
    .global vectors_store_sve
vectors_store_sve:
    .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    str     z\n, [x0]
    addvl   x0, x0, #1
    .endr
    .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    str     p\n, [x0]
    addpl   x0, x0, #1
    .endr
    rdffr   p0.b
    str     p0, [x0]
    ret

// void call(uint64_t registers[18], bool smc): HVC or SMC with x0 to x17 from there, and back to there.
    .global call
call:
    stp     x29, x30, [sp, #-16]!
    stp     x0, x19, [sp, #-16]!
    mov     x19, x1
    mov     x18, x0
    ldp     x0, x1, [x18]
    ldp     x2, x3, [x18, #16]
    ldp     x4, x5, [x18, #32]
    ldp     x6, x7, [x18, #48]
    ldp     x8, x9, [x18, #64]
    ldp     x10, x11, [x18, #80]
    ldp     x12, x13, [x18, #96]
    ldp     x14, x15, [x18, #112]
    ldp     x16, x17, [x18, #128]
    cbnz    x19, 1f
    hvc     #0
    b       2f
1:  smc     #0
2:  ldp     x18, x19, [sp], #16
    stp     x0, x1, [x18]
    stp     x2, x3, [x18, #16]
    stp     x4, x5, [x18, #32]
    stp     x6, x7, [x18, #48]
    stp     x8, x9, [x18, #64]
    stp     x10, x11, [x18, #80]
    stp     x12, x13, [x18, #96]
    stp     x14, x15, [x18, #112]
    stp     x16, x17, [x18, #128]
    ldp     x29, x30, [sp], #16
    ret

// Where other CPUs are started: one turns itself off again, the other never does anything.
    .global park
park:
    movz    x0, #0x8400, lsl #16            // CPU_OFF
    movk    x0, #0x0002
    hvc     #0
    b       park
    .global spin
spin:
    msr     daifset, #0xf
1:  b       1b

// Where another CPU writes two values in turn. x0: struct hammering, clean in memory.
    .global hammer
hammer:
    ldp     x1, x2, [x0]                    // mair, tcr
    ldp     x3, x4, [x0, #16]               // ttbr, sctlr
    msr     mair_el1, x1
    msr     tcr_el1, x2
    msr     ttbr0_el1, x3
    tlbi    vmalle1
    dsb     nsh
    isb
    msr     sctlr_el1, x4
    isb
    ldp     x1, x2, [x0, #32]               // where, first
    ldr     x3, [x0, #48]                   // second
    mov     x5, #0
1:  str     w2, [x1]
    str     w3, [x1]
    add     x5, x5, #1
    ldr     x4, [x0, #56]                   // stop
    str     x5, [x0, #64]                   // count
    cbz     x4, 1b
    b       park

// Synchronous exceptions are noted; what caused them is skipped. Outside the image, where a jump has led, it goes on at
// the return address.
    .macro  vector target
    .balign 0x80
    b       \target
    .endm
    .balign 0x800
    .global vectors
vectors:
    .rept   4
    vector  sync_exception
    vector  other_exception
    vector  other_exception
    vector  other_exception
    .endr

sync_exception:
    stp     x0, x1, [sp, #-32]!
    stp     x2, x3, [sp, #16]
    adrp    x0, exception
    add     x0, x0, :lo12:exception
    mrs     x1, esr_el1
    mrs     x2, far_el1
    stp     x1, x2, [x0, #8]
    mrs     x2, elr_el1
    adrp    x1, image_base
    add     x1, x1, :lo12:image_base
    cmp     x2, x1
    adrp    x1, bss_end
    add     x1, x1, :lo12:bss_end
    ccmp    x2, x1, #2, hs
    add     x2, x2, #4
    csel    x2, x2, x30, lo
    msr     elr_el1, x2
    ldr     x1, [x0]
    add     x1, x1, #1
    str     x1, [x0]
    ldp     x2, x3, [sp, #16]
    ldp     x0, x1, [sp], #32
    eret

other_exception:
    stp     x0, x1, [sp, #-16]!
    adrp    x0, exception
    add     x0, x0, :lo12:exception
    ldr     x1, [x0, #24]
    add     x1, x1, #1
    str     x1, [x0, #24]
    ldp     x0, x1, [sp], #16
    eret

    .data
    .balign 16
    .global snapshot
snapshot:
    .skip   SNAPSHOT_SIZE
saved:
    .skip   112
    .bss
    .balign 16
main_stack:
    .skip   STACK_SIZE
resume_stack:
    .skip   STACK_SIZE
