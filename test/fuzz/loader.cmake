# SPDX-License-Identifier: BSD-3-Clause
flipside_fuzz_target(NAME elf SOURCES loader/elf.c INCLUDES loader)
flipside_fuzz_target(NAME kernel_image SOURCES loader/kernel_image.c loader/gunzip.c INCLUDES loader test/unit
                     LIBRARIES zlib_inflate)
flipside_fuzz_target(NAME initrd SOURCES loader/initrd.c loader/gunzip.c INCLUDES loader LIBRARIES zlib_inflate)
flipside_fuzz_target(NAME bundle SOURCES loader/bundle.c INCLUDES loader persona/include)
flipside_fuzz_target(NAME credential SOURCES loader/credential.c loader/initrd.c loader/gunzip.c INCLUDES loader
                     LIBRARIES zlib_inflate)
flipside_fuzz_target(NAME unlz4 SOURCES loader/unlz4.c INCLUDES loader test/unit LIBRARIES lz4)
