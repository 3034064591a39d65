// SPDX-License-Identifier: BSD-3-Clause
// The entry point, called by the firmware. The header before it is loader.ld's.

    .equ    R_AARCH64_RELATIVE, 1027

    .section .text.entry, "ax"
    .global image_entry
// efi_status image_entry(efi_handle image, struct efi_system_table *table): relocates the image, then runs it.
image_entry:
    stp     x29, x30, [sp, #-16]!
    mov     x29, sp
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
2:  bl      loader_main
    ldp     x29, x30, [sp], #16
    ret
