# SPDX-License-Identifier: BSD-3-Clause
flipside_fuzz_target(NAME ifd SOURCES persona/ifd/port.c INCLUDES persona/ifd)
target_include_directories(fuzz_ifd SYSTEM PRIVATE ${FLIPSIDE_PCSC_HEADERS})
target_compile_definitions(fuzz_ifd PRIVATE _GNU_SOURCE)
