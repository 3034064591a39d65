# SPDX-License-Identifier: BSD-3-Clause
file(GLOB usim RELATIVE ${CMAKE_SOURCE_DIR} CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/crypto/usim/*.c
     ${CMAKE_SOURCE_DIR}/crypto/*.c)
foreach(name usim_card usim_profile)
    flipside_fuzz_target(NAME ${name} SOURCES ${usim} test/unit/usim_fixture.c
                         INCLUDES crypto/include crypto/usim/include crypto/usim test/unit
                         LIBRARIES mbedcrypto_small argon2_core)
endforeach()
