# SPDX-License-Identifier: BSD-3-Clause
flipside_unit_test(NAME memory_plan SOURCES test_memory_plan.c loader/memory_plan.c INCLUDES loader)
flipside_unit_test(NAME tables SOURCES test_tables.c loader/tables.c INCLUDES loader)
flipside_unit_test(NAME device_path SOURCES test_device_path.c loader/device_path.c INCLUDES loader)
flipside_unit_test(NAME elf SOURCES test_elf.c loader/elf.c INCLUDES loader)
flipside_unit_test(NAME kernel_image SOURCES test_kernel_image.c loader/kernel_image.c loader/gunzip.c INCLUDES loader
                   LIBRARIES zlib_inflate)
flipside_unit_test(NAME initrd SOURCES test_initrd.c loader/initrd.c loader/gunzip.c INCLUDES loader
                   LIBRARIES zlib_inflate)
flipside_unit_test(NAME pieces SOURCES test_pieces.c loader/libc/pieces.c INCLUDES loader)
flipside_unit_test(NAME unlz4 SOURCES test_unlz4.c loader/unlz4.c INCLUDES loader LIBRARIES lz4)
flipside_unit_test(NAME libc SOURCES test_libc.c INCLUDES loader)
flipside_unit_test(NAME credential SOURCES test_credential.c loader/credential.c loader/initrd.c loader/gunzip.c
                   INCLUDES loader LIBRARIES zlib_inflate)
flipside_unit_test(NAME clear SOURCES test_clear.c loader/clear.c INCLUDES loader)
flipside_unit_test(NAME tis SOURCES test_tis.c loader/tis.c INCLUDES loader crypto/include)
flipside_unit_test(NAME bundle SOURCES test_bundle.c loader/bundle.c loader/initrd.c loader/gunzip.c
                   INCLUDES loader persona/include LIBRARIES zlib_inflate)
flipside_unit_test(NAME unlocker SOURCES test_unlocker.c loader/unlocker/attempts.c loader/unlocker/line.c
                   loader/unlocker/open.c loader/unlocker/tree.c
                   INCLUDES loader/unlocker LIBRARIES flipside_loader flipside_persona fdt lz4)
