# SPDX-License-Identifier: BSD-3-Clause
foreach(name usim_card usim_port usim_profile)
    flipside_fuzz_target(NAME ${name} SOURCES test/unit/usim_fixture.c INCLUDES crypto/usim test/unit LIBRARIES flipside_usim)
endforeach()
