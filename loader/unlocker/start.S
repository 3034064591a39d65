// SPDX-License-Identifier: BSD-3-Clause
// The unlocker's entry (Linux, Documentation/arch/arm64/booting.rst: x0 is the device tree, MMU off), its exception
// vectors, its way into a suspend and out of it, and its end.

    .equ    R_AARCH64_RELATIVE, 1027
    .equ    PSCI_SYSTEM_SUSPEND, 0xc400000e
    .equ    STACK_SIZE, 0x10000
    .equ    SCTLR_OFF, 0x30d00800           // RES1 bits, as at an entry by PSCI
    .equ    SCTLR_ON, 0x100d                // MMU, data cache, stack alignment, instruction cache
    .equ    CPACR_FPEN, 3 << 20
    .equ    CNTKCTL_EVENTS, 1 << 2 | 15 << 4 // an event each 2^16 ticks, for WFE

    .section .text.entry, "ax"
    .global image_entry
image_entry:
    b       start
    .long   0
    // the rest of the header is in unlocker.ld

    .macro  address register, symbol
    adrp    \register, \symbol
    add     \register, \register, :lo12:\symbol
    .endm

    .text
start:
    msr     daifset, #0xf
    mov     x19, x0
    mov     x1, #CPACR_FPEN
    msr     cpacr_el1, x1
    isb
    bl      clean_data                      // what an earlier system left in the caches must not come over this
    bl      relocate
    address x1, bss_begin
    address x2, image_end
1:  cmp     x1, x2
    b.hs    2f
    stp     xzr, xzr, [x1], #16
    b       1b
2:  address x1, stack + STACK_SIZE
    mov     sp, x1
    mov     x0, x19
    bl      machine_prepare
    cbz     w0, halt
    bl      clean_data
    bl      mmu_on
    mov     x0, x19
    bl      unlocker_main
halt:
    wfi
    b       halt

relocate:
    address x2, image_base
    address x3, relocations_begin
    address x4, relocations_end
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

// Cleans and invalidates data, bss and stack to the point of coherency. Leaf; x0 to x3.
clean_data:
    address x0, data_begin
    address x1, image_end
    // fall through
// void machine_clean(const void *from, const void *to): the same for any memory.
    .global machine_clean
machine_clean:
    mrs     x2, ctr_el0
    ubfx    x2, x2, #16, #4                 // DminLine
    mov     x3, #4
    lsl     x3, x3, x2
    sub     x2, x3, #1
    bic     x0, x0, x2
1:  dc      civac, x0
    add     x0, x0, x3
    cmp     x0, x1
    b.lo    1b
    dsb     sy
    ret

// Leaf; x1 to x4.
mmu_on:
    mov     x1, #CPACR_FPEN
    msr     cpacr_el1, x1
    mov     x1, #CNTKCTL_EVENTS
    msr     cntkctl_el1, x1
    address x1, vectors
    msr     vbar_el1, x1
    address x4, machine_registers
    ldp     x1, x2, [x4]
    ldr     x3, [x4, #16]
    msr     mair_el1, x1
    msr     tcr_el1, x2
    msr     ttbr0_el1, x3
    isb
    tlbi    vmalle1
    dsb     nsh
    ic      iallu
    dsb     nsh
    isb
    ldr     w1, =SCTLR_OFF | SCTLR_ON
    msr     sctlr_el1, x1
    isb
    ret

// int64_t machine_suspend(void): SYSTEM_SUSPEND; returns 0 after the resume, or PSCI's error. The registers that a callee
// must keep are kept in memory, which is read with the MMU off.
    .global machine_suspend
machine_suspend:
    address x9, saved
    stp     x19, x20, [x9]
    stp     x21, x22, [x9, #16]
    stp     x23, x24, [x9, #32]
    stp     x25, x26, [x9, #48]
    stp     x27, x28, [x9, #64]
    stp     x29, x30, [x9, #80]
    stp     d8, d9, [x9, #96]
    stp     d10, d11, [x9, #112]
    stp     d12, d13, [x9, #128]
    stp     d14, d15, [x9, #144]
    mov     x10, sp
    str     x10, [x9, #160]
    bl      clean_data
    movz    x0, #PSCI_SYSTEM_SUSPEND & 0xffff
    movk    x0, #PSCI_SYSTEM_SUSPEND >> 16, lsl #16
    adr     x1, resume
    mov     x2, #0
    hvc     #0
    address x9, saved
    ldp     x29, x30, [x9, #80]
    ret
resume:
    bl      mmu_on
    address x9, saved
    ldp     x19, x20, [x9]
    ldp     x21, x22, [x9, #16]
    ldp     x23, x24, [x9, #32]
    ldp     x25, x26, [x9, #48]
    ldp     x27, x28, [x9, #64]
    ldp     x29, x30, [x9, #80]
    ldp     d8, d9, [x9, #96]
    ldp     d10, d11, [x9, #112]
    ldp     d12, d13, [x9, #128]
    ldp     d14, d15, [x9, #144]
    ldr     x10, [x9, #160]
    mov     sp, x10
    mov     x0, #0
    ret

// void machine_leave(uint64_t kernel, uint64_t tree): wipes all that this program has written to in its own image, its
// stack and the registers, and enters the kernel as a loader does. What the kernel reads was cleaned before.
    .global machine_leave
machine_leave:
    mov     x19, x0
    mov     x20, x1
    bl      clean_data
    ldr     w1, =SCTLR_OFF
    msr     sctlr_el1, x1
    isb
    tlbi    vmalle1
    dsb     nsh
    isb
    bl      clean_data                      // lines that came in meanwhile would hide the zeros
    address x0, data_begin
    address x1, image_end
1:  stp     xzr, xzr, [x0], #16
    cmp     x0, x1
    b.lo    1b
    dsb     sy
    ic      iallu
    dsb     nsh
    isb
    .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    movi    v\n\().2d, #0
    .endr
    msr     fpsr, xzr
    msr     cpacr_el1, xzr
    msr     cntkctl_el1, xzr
    msr     vbar_el1, xzr
    msr     ttbr0_el1, xzr
    isb
    mov     x0, x20
    .irp    n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,20,21,22,23,24,25,26,27,28,29,30
    mov     x\n, #0
    .endr
    mov     sp, x1
    br      x19

// Nothing here causes exceptions on purpose.
    .macro  vector
    .balign 0x80
    b       exception
    .endm
    .balign 0x800
vectors:
    .rept   16
    vector
    .endr
exception:
    address x0, stack + STACK_SIZE
    mov     sp, x0
    mrs     x0, esr_el1
    mrs     x1, elr_el1
    mrs     x2, far_el1
    bl      unlocker_fault
    b       halt
    .ltorg

    .data
    .balign 16
saved:
    .skip   176
    .bss
    .balign 16
stack:
    .skip   STACK_SIZE
