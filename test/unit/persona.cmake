# SPDX-License-Identifier: BSD-3-Clause
flipside_unit_test(NAME config SOURCES test_config.c persona/config.c INCLUDES persona/include)
flipside_unit_test(NAME store SOURCES test_store.c persona/store.c persona/config.c INCLUDES persona/include)
foreach(name manifest slots content state enrolment)
    flipside_unit_test(NAME ${name} SOURCES test_${name}.c LIBRARIES flipside_persona)
endforeach()
flipside_unit_test(NAME vault SOURCES test_vault.c vault_world.c vault_disk.c LIBRARIES flipside_persona)
flipside_unit_test(NAME vault_usim SOURCES test_vault_usim.c usim_fixture.c vault_world.c vault_disk.c INCLUDES crypto/usim
                   LIBRARIES flipside_persona)
