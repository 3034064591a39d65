# SPDX-License-Identifier: BSD-3-Clause
# Boards, and what the loader makes of them. Device trees are compiled here, so that the tests read what dtc writes.
set(trees "")
foreach(source data/virt.dts data/virt-u-boot.dts data/soc.dts data/soc-board.dts
               ${CMAKE_SOURCE_DIR}/board/qemu-virt/board.dts)
    cmake_path(ABSOLUTE_PATH source)
    cmake_path(GET source STEM stem)
    if(stem STREQUAL "board")
        set(stem qemu-virt)
    endif()
    set(tree ${CMAKE_CURRENT_BINARY_DIR}/${stem}.dtb)
    add_custom_command(OUTPUT ${tree} COMMAND ${FLIPSIDE_DTC} -q -I dts -O dtb -o ${tree} ${source}
                       DEPENDS ${source} ${CMAKE_CURRENT_SOURCE_DIR}/data/virt.dtsi VERBATIM)
    list(APPEND trees ${tree})
endforeach()
add_custom_target(test_trees DEPENDS ${trees})

set(tree_uses INCLUDES board/include loader DEFINITIONS TREES="${CMAKE_CURRENT_BINARY_DIR}" DTC="${FLIPSIDE_DTC}"
              LIBRARIES fdt)
flipside_test_objects(test_board_objects
    SOURCES tree_fixture.c board/board.c board/description.c board/devices.c board/isolation.c board/processors.c board/tree.c
            board/view.c ${tree_uses})

# flipside_tree_test(name files...): a unit test that reads those trees.
function(flipside_tree_test name)
    flipside_unit_test(NAME ${name} SOURCES test_${name}.c ${ARGN} ${tree_uses} test_board_objects)
    add_dependencies(test_${name} test_trees)
endfunction()

flipside_tree_test(tree)
flipside_tree_test(board)
flipside_tree_test(devicetree loader/devicetree.c loader/devicetree_nodes.c loader/devicetree_properties.c)
flipside_unit_test(NAME pci SOURCES test_pci.c loader/pci.c INCLUDES board/include loader)
flipside_tree_test(region loader/devicetree.c loader/devicetree_nodes.c loader/devicetree_properties.c loader/region.c
                   loader/region_handover.c loader/region_streams.c loader/region_tables.c loader/tables.c loader/handover.c)
target_include_directories(test_region PRIVATE ${CMAKE_SOURCE_DIR}/switcher/include)
flipside_unit_test(NAME cfi_flash SOURCES test_cfi_flash.c fake/nor_flash.c board/cfi_flash.c INCLUDES board/include)
