# SPDX-License-Identifier: BSD-3-Clause
# How everything is compiled, and the warnings that our own code must be free of.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# The same bytes wherever the tree lies.
# The last one that fits counts, and the build may lie in the tree.
add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}=. -ffile-prefix-map=${CMAKE_BINARY_DIR}=build)
add_link_options(-Wl,--build-id=none)
set(CMAKE_C_ARCHIVE_CREATE "<CMAKE_AR> qcD <TARGET> <LINK_FLAGS> <OBJECTS>")
set(CMAKE_C_ARCHIVE_FINISH "<CMAKE_RANLIB> -D <TARGET>")

# Linked by every target of ours; third-party code is compiled without it.
add_library(flipside_strict INTERFACE)
target_compile_options(flipside_strict INTERFACE $<$<COMPILE_LANGUAGE:C>:-Wall -Wextra -Wconversion -Werror>)

if(FLIPSIDE_PLATFORM MATCHES "^(efi|bare)$")
    # Without the MMU an unaligned access aborts; x18 belongs to the platform (UEFI 2.10, 2.3.6); libgcc is not there.
    add_compile_options(-ffreestanding -fpie -mstrict-align -mno-outline-atomics -ffixed-x18 -fno-stack-protector
                        -fno-asynchronous-unwind-tables -fno-unwind-tables -ffunction-sections -fdata-sections)
    # The compiler's own headers (stdint.h and the like), then ours; never those of the machine that builds.
    execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=include OUTPUT_VARIABLE compiler_headers
                    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    add_compile_options(-nostdinc "SHELL:-isystem ${CMAKE_SOURCE_DIR}/loader/libc/include"
                        "SHELL:-isystem ${compiler_headers}")
    if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
        # Else the loop in memcpy becomes a call of memcpy.
        add_compile_options(-fno-tree-loop-distribute-patterns)
    endif()
    add_link_options(-nostdlib -static-pie -Wl,-Bsymbolic -Wl,--gc-sections -Wl,-z,max-page-size=4096
                     -Wl,-z,noexecstack)
endif()

# The libraries as well: what a fuzzer does not see the ways of, it does not find inputs for.
if(FLIPSIDE_PLATFORM STREQUAL "host" AND FLIPSIDE_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=address,undefined)
endif()

if(FLIPSIDE_PLATFORM STREQUAL "host" AND FLIPSIDE_SANITIZE)
    add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=address,undefined)
endif()
