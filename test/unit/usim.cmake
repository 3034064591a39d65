# SPDX-License-Identifier: BSD-3-Clause
foreach(name milenage tuak)
    flipside_unit_test(NAME usim_${name} SOURCES test_usim_${name}.c INCLUDES crypto/usim LIBRARIES flipside_usim)
endforeach()
flipside_test_objects(test_usim_objects SOURCES usim_fixture.c usim_cases.c INCLUDES crypto/usim LIBRARIES flipside_usim)
foreach(name aka power suci card port hostile profile)
    flipside_unit_test(NAME usim_${name} SOURCES test_usim_${name}.c INCLUDES crypto/usim
                       LIBRARIES test_usim_objects flipside_usim)
endforeach()
flipside_unit_test(NAME usim_flash SOURCES test_usim_flash.c usim_fixture.c INCLUDES crypto/usim LIBRARIES flipside_usim)
if(NOT FLIPSIDE_SANITIZE) # whose code is not optimised: each instruction of AES leaves its operands on the stack
    flipside_unit_test(NAME usim_wipe SOURCES test_usim_wipe.c usim_fixture.c INCLUDES crypto/usim LIBRARIES flipside_usim
                       DEFINITIONS _GNU_SOURCE)
endif()
flipside_unit_test(NAME usim_seal SOURCES test_usim_seal.c LIBRARIES flipside_usim)

# Under valgrind, from sources of their own: the card's say there what of a secret becomes known.
find_program(VALGRIND valgrind)
if(VALGRIND AND NOT FLIPSIDE_SANITIZE AND CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    file(GLOB usim RELATIVE ${CMAKE_SOURCE_DIR} CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/crypto/usim/*.c)
    add_executable(test_usim_taint test_usim_taint.c usim_fixture.c)
    foreach(file IN LISTS usim)
        target_sources(test_usim_taint PRIVATE ${CMAKE_SOURCE_DIR}/${file})
    endforeach()
    target_compile_definitions(test_usim_taint PRIVATE USIM_TAINT)
    target_include_directories(test_usim_taint PRIVATE ${CMAKE_SOURCE_DIR}/crypto/usim ${CMAKE_SOURCE_DIR}/crypto/usim/include
                               ${CMAKE_CURRENT_SOURCE_DIR})
    target_link_libraries(test_usim_taint PRIVATE flipside_crypto flipside_strict)
    if(CMAKE_C_COMPILER_ID MATCHES "Clang")
        # Debian 12's valgrind does not read clang's DWARF 5, and gives up.
        target_link_options(test_usim_taint PRIVATE -Wl,--strip-debug)
    endif()
    add_test(NAME unit.usim_taint COMMAND ${VALGRIND} -q --error-exitcode=1 $<TARGET_FILE:test_usim_taint>)
    # A comparison that leaks is told: with 1, memcheck's own status.
    add_test(NAME unit.usim_taint_finds
             COMMAND ${VALGRIND} -q --error-exitcode=1 $<TARGET_FILE:test_usim_taint> --leak)
    set_tests_properties(unit.usim_taint PROPERTIES SKIP_RETURN_CODE 77)
    set_tests_properties(unit.usim_taint_finds PROPERTIES SKIP_RETURN_CODE 77 WILL_FAIL TRUE)
endif()
