# SPDX-License-Identifier: BSD-3-Clause
flipside_unit_test(NAME ifd SOURCES test_ifd.c persona/ifd/port.c INCLUDES persona/ifd LIBRARIES flipside_usim
                   DEFINITIONS _GNU_SOURCE)
target_include_directories(test_ifd SYSTEM PRIVATE ${FLIPSIDE_PCSC_HEADERS})
target_link_options(test_ifd PRIVATE -Wl,--wrap=clock_gettime -Wl,--wrap=poll)
