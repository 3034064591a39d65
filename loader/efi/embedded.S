// SPDX-License-Identifier: BSD-3-Clause
// The switcher's ELF file and the unlocker's Image inside the loader's image.

    .section .rodata.switcher_image, "a"
    .balign 16
    .global switcher_image
    .global switcher_image_end
switcher_image:
    .incbin "switcher.stripped"
switcher_image_end:

    .balign 16
    .global unlocker_image
    .global unlocker_image_end
unlocker_image:
    .incbin "unlocker.image"
unlocker_image_end:
