# SPDX-License-Identifier: BSD-3-Clause
flipside_fuzz_target(NAME board SOURCES board/board.c board/description.c board/devices.c board/isolation.c
                     board/processors.c board/tree.c board/view.c
                     loader/devicetree.c loader/devicetree_nodes.c loader/devicetree_properties.c
                     INCLUDES board/include loader LIBRARIES fdt)
target_compile_definitions(fuzz_board PRIVATE TREES="${CMAKE_BINARY_DIR}/test/unit")
add_dependencies(fuzz_board test_trees)
