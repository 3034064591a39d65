# SPDX-License-Identifier: BSD-3-Clause
flipside_unit_test(NAME config SOURCES test_config.c persona/config.c INCLUDES persona/include)
flipside_unit_test(NAME store SOURCES test_store.c persona/store.c persona/config.c INCLUDES persona/include)
foreach(name manifest slots content state enrolment activation)
    flipside_unit_test(NAME ${name} SOURCES test_${name}.c LIBRARIES flipside_persona)
endforeach()
flipside_test_objects(test_vault_objects SOURCES vault_world.c vault_disk.c LIBRARIES flipside_persona)
flipside_unit_test(NAME grant SOURCES test_grant.c LIBRARIES test_vault_objects flipside_persona)
flipside_unit_test(NAME vault SOURCES test_vault.c vault_memo.c LIBRARIES test_vault_objects flipside_persona)
flipside_unit_test(NAME vault_usim SOURCES test_vault_usim.c usim_fixture.c INCLUDES crypto/usim
                   LIBRARIES test_vault_objects flipside_persona)
flipside_unit_test(NAME vault_tpm SOURCES test_vault_tpm.c usim_fixture.c swtpm.c INCLUDES crypto/usim
                   LIBRARIES test_vault_objects flipside_persona)
set_tests_properties(unit.vault_tpm PROPERTIES SKIP_RETURN_CODE 77)
# The power-cut simulator.
flipside_unit_test(NAME vault_cuts SOURCES test_vault_cuts.c vault_memo.c
                   LIBRARIES test_vault_objects flipside_persona DEFINITIONS CUT_STEP=$<IF:$<BOOL:${FLIPSIDE_SANITIZE}>,64,4>)
flipside_unit_test(NAME vault_attacks SOURCES test_vault_attacks.c vault_memo.c
                   LIBRARIES test_vault_objects flipside_persona DEFINITIONS FLIP_STEP=$<IF:$<BOOL:${FLIPSIDE_SANITIZE}>,7,1>)
foreach(test vault vault_cuts vault_attacks)
    foreach(function verify sign from_scalar software_agreer generate)
        target_link_options(test_${test} PRIVATE -Wl,--wrap=p256_${function})
    endforeach()
endforeach()
