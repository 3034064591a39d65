# SPDX-License-Identifier: BSD-3-Clause
flipside_fuzz_target(NAME config SOURCES persona/config.c INCLUDES persona/include)

file(GLOB persona RELATIVE ${CMAKE_SOURCE_DIR} CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/persona/*.c
     ${CMAKE_SOURCE_DIR}/crypto/*.c)
# flipside_persona_fuzz_target(NAME): of sources that are compiled with the checks.
function(flipside_persona_fuzz_target name)
    flipside_fuzz_target(NAME ${name} SOURCES ${persona} INCLUDES persona/include crypto/include test/unit
                         LIBRARIES mbedcrypto_small argon2_core)
endfunction()
flipside_persona_fuzz_target(manifest)
flipside_persona_fuzz_target(slots)
flipside_persona_fuzz_target(state)
flipside_persona_fuzz_target(grant)
flipside_persona_fuzz_target(organisation)
flipside_persona_fuzz_target(device_key)
