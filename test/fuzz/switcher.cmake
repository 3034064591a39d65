# SPDX-License-Identifier: BSD-3-Clause
# The switcher on the fake machine of the unit tests, whose checks are cmocka's: one that fails ends the program.
find_package(PkgConfig REQUIRED)
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)

set(cbor crypto/cbor_read.c crypto/cbor_write.c)

# flipside_switcher_fuzz_target(NAME name SOURCES files...)
function(flipside_switcher_fuzz_target)
    cmake_parse_arguments(PARSE_ARGV 0 fuzz "" "NAME" "SOURCES")
    flipside_fuzz_target(NAME ${fuzz_NAME} SOURCES fake/machine.c fake/gicv3.c ${fuzz_SOURCES}
                         INCLUDES test/unit/fake test/unit switcher switcher/include crypto/include
                         LIBRARIES PkgConfig::CMOCKA)
endfunction()

flipside_fuzz_target(NAME handover SOURCES loader/handover.c INCLUDES switcher/include test/unit)
flipside_switcher_fuzz_target(NAME gicd SOURCES switcher/gic.c switcher/gic_switch.c switcher/gic_trap.c)
file(GLOB whole_switcher RELATIVE ${CMAKE_SOURCE_DIR} CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/switcher/*.c)
list(REMOVE_ITEM whole_switcher switcher/main.c)
flipside_switcher_fuzz_target(NAME psci SOURCES fake/platform.c fake/smmuv3.c fake/pl031.c fake/storm.c ${cbor}
                              board/cfi_flash.c ${whole_switcher})
target_include_directories(fuzz_psci PRIVATE ${CMAKE_SOURCE_DIR}/board/include)
target_link_libraries(fuzz_psci PRIVATE flipside_usim)
flipside_switcher_fuzz_target(NAME virtqueue SOURCES fake/guest_ring.c switcher/virtqueue.c switcher/virtio_console.c)
flipside_switcher_fuzz_target(NAME control SOURCES switcher/control.c ${cbor} switcher/history.c switcher/log.c)
