# SPDX-License-Identifier: BSD-3-Clause
flipside_fuzz_target(NAME config SOURCES persona/config.c INCLUDES persona/include)
foreach(name manifest slots state grant organisation device_key)
    flipside_fuzz_target(NAME ${name} SOURCES test/unit/known_random.h INCLUDES test/unit LIBRARIES flipside_persona)
endforeach()
