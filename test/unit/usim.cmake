# SPDX-License-Identifier: BSD-3-Clause
foreach(name milenage tuak)
    flipside_unit_test(NAME usim_${name} SOURCES test_usim_${name}.c INCLUDES crypto/usim LIBRARIES flipside_usim)
endforeach()
foreach(name aka power suci card)
    flipside_unit_test(NAME usim_${name} SOURCES test_usim_${name}.c usim_fixture.c usim_cases.c INCLUDES crypto/usim
                       LIBRARIES flipside_usim)
endforeach()
flipside_unit_test(NAME usim_flash SOURCES test_usim_flash.c LIBRARIES flipside_usim)
