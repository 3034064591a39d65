# SPDX-License-Identifier: BSD-3-Clause
# The switcher's sources on the fake machine: fake/ comes first, for its arch_inline.h.

set(cbor crypto/cbor_read.c crypto/cbor_write.c)

set(switcher_includes fake switcher switcher/include crypto/include)

# flipside_switcher_test(NAME name SOURCES files of the switcher and more...): test_NAME.c with them.
function(flipside_switcher_test)
    cmake_parse_arguments(PARSE_ARGV 0 test "" "NAME" "SOURCES")
    flipside_unit_test(NAME ${test_NAME} SOURCES test_${test_NAME}.c fake/machine.c ${test_SOURCES} INCLUDES ${switcher_includes})
endfunction()

flipside_switcher_test(NAME gic SOURCES fake/gicv3.c switcher/gic.c switcher/gic_switch.c switcher/gic_trap.c)
flipside_switcher_test(NAME attention SOURCES switcher/attention.c)
flipside_switcher_test(NAME console SOURCES switcher/console.c)
flipside_switcher_test(NAME handover SOURCES loader/handover.c)
flipside_switcher_test(NAME log SOURCES switcher/log.c switcher/console.c)
flipside_switcher_test(NAME pl061 SOURCES switcher/pl061.c)
flipside_switcher_test(NAME quiet SOURCES switcher/quiet.c)
flipside_switcher_test(NAME smmu SOURCES fake/smmuv3.c switcher/smmu.c)
flipside_switcher_test(NAME virtio_keyboard SOURCES switcher/virtio_keyboard.c switcher/console.c)
flipside_switcher_test(NAME virtqueue SOURCES fake/guest_ring.c switcher/virtqueue.c)
flipside_switcher_test(NAME virtio_console SOURCES fake/guest_ring.c switcher/virtqueue.c switcher/virtio_console.c)
flipside_switcher_test(NAME control SOURCES switcher/control.c ${cbor} switcher/history.c switcher/log.c)

# The same for what needs the whole switcher: on a whole machine, whose main.c fake/platform.c brings along.
file(GLOB whole_switcher CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/switcher/*.c)
list(REMOVE_ITEM whole_switcher ${CMAKE_SOURCE_DIR}/switcher/main.c)
flipside_test_objects(test_whole_switcher
    SOURCES fake/machine.c fake/gicv3.c fake/smmuv3.c fake/pl031.c fake/platform.c ${cbor} board/cfi_flash.c ${whole_switcher}
    INCLUDES ${switcher_includes} board/include LIBRARIES flipside_usim)
function(flipside_whole_switcher_test name)
    flipside_unit_test(NAME ${name} SOURCES test_${name}.c INCLUDES ${switcher_includes} board/include
                       LIBRARIES test_whole_switcher flipside_usim)
endfunction()

flipside_switcher_test(NAME inject SOURCES switcher/inject.c)
flipside_whole_switcher_test(psci)
flipside_whole_switcher_test(pl031)
flipside_whole_switcher_test(flip)
flipside_whole_switcher_test(prewarm)
flipside_whole_switcher_test(trap)
flipside_whole_switcher_test(psci_model)
flipside_whole_switcher_test(storm)
target_sources(test_storm PRIVATE fake/storm.c)

# The USIM's card is crypto/usim's own, over flash.
flipside_switcher_test(NAME switcher_usim SOURCES fake/nor_flash.c usim_fixture.c switcher/usim.c board/cfi_flash.c)
target_include_directories(test_switcher_usim PRIVATE ${CMAKE_SOURCE_DIR}/board/include)
target_link_libraries(test_switcher_usim PRIVATE flipside_usim)
