# SPDX-License-Identifier: BSD-3-Clause
# The switcher's sources on the fake machine: fake/ comes first, for its arch_inline.h.

# flipside_switcher_test(NAME name SOURCES files of the switcher and more...): test_NAME.c with them.
function(flipside_switcher_test)
    cmake_parse_arguments(PARSE_ARGV 0 test "" "NAME" "SOURCES")
    flipside_unit_test(NAME ${test_NAME} SOURCES test_${test_NAME}.c fake/machine.c ${test_SOURCES}
                       INCLUDES fake switcher switcher/include)
endfunction()

flipside_switcher_test(NAME gic SOURCES fake/gicv3.c switcher/gic.c switcher/gic_switch.c switcher/gic_trap.c)
