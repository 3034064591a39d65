// SPDX-License-Identifier: BSD-3-Clause
// The switcher's ELF file inside the loader's image.

    .section .rodata.switcher_image, "a"
    .balign 16
    .global switcher_image
    .global switcher_image_end
switcher_image:
    .incbin "switcher.stripped"
switcher_image_end:
