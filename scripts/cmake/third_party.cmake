# SPDX-License-Identifier: BSD-3-Clause
# Static libraries from unpacked third-party sources (scripts/fetch): only the files that are used.
set(FLIPSIDE_THIRD_PARTY_DIR ${CMAKE_SOURCE_DIR}/build/third-party CACHE PATH
    "Directory with the unpacked sources argon2/, dtc/, lz4/, mbedtls/ and zlib/")

# flipside_third_party(TARGET DIRECTORY INCLUDE FILES...): a library of FILES, whose users see INCLUDE.
function(flipside_third_party target directory include)
    list(TRANSFORM ARGN PREPEND ${FLIPSIDE_THIRD_PARTY_DIR}/${directory}/ OUTPUT_VARIABLE files)
    foreach(file IN LISTS files)
        if(NOT EXISTS ${file})
            message(FATAL_ERROR "${file} is missing. Run scripts/fetch, or give -DFLIPSIDE_THIRD_PARTY_DIR=DIRECTORY.")
        endif()
    endforeach()
    add_library(${target} STATIC ${files})
    target_include_directories(${target} SYSTEM PUBLIC ${FLIPSIDE_THIRD_PARTY_DIR}/${directory}/${include})
    # They need more of the C library than the standard has, and newer compilers insist on its declarations.
    target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
    target_compile_options(${target} PRIVATE -w -ffile-prefix-map=${FLIPSIDE_THIRD_PARTY_DIR}=third-party)
endfunction()

if(FLIPSIDE_PLATFORM MATCHES "^(host|efi|linux)$")
    flipside_third_party(fdt dtc libfdt
        libfdt/fdt.c libfdt/fdt_addresses.c libfdt/fdt_check.c libfdt/fdt_empty_tree.c libfdt/fdt_ro.c libfdt/fdt_rw.c
        libfdt/fdt_strerror.c libfdt/fdt_sw.c libfdt/fdt_wip.c)
endif()

if(FLIPSIDE_PLATFORM MATCHES "^(host|efi)$")
    # Z_SOLO: no allocation, no files. memcpy is there all the same, and faster than zlib's own loop.
    flipside_third_party(zlib_inflate zlib .
        adler32.c crc32.c inffast.c inflate.c inftrees.c zutil.c)
    target_compile_definitions(zlib_inflate PUBLIC Z_SOLO PRIVATE HAVE_MEMCPY)
    target_compile_options(zlib_inflate PRIVATE "SHELL:-include string.h")
endif()

if(FLIPSIDE_PLATFORM STREQUAL "host")
    # Also what compresses. Other libraries bring an LZ4 of their own along, for which this one must not be taken.
    flipside_third_party(lz4 lz4 lib lib/lz4.c lib/lz4frame.c lib/lz4hc.c lib/xxhash.c)
    target_compile_definitions(lz4 PRIVATE LZ4LIB_VISIBILITY= LZ4FLIB_VISIBILITY= PUBLIC XXH_NAMESPACE=LZ4_)
    target_compile_options(lz4 PRIVATE -fvisibility=hidden)
    if(FLIPSIDE_FUZZ)
        # What compresses makes inputs and is not what is fuzzed; with all that is watched it takes clang half a minute.
        set_source_files_properties(${FLIPSIDE_THIRD_PARTY_DIR}/lz4/lib/lz4hc.c PROPERTIES COMPILE_OPTIONS -fno-sanitize=all)
    endif()
elseif(FLIPSIDE_PLATFORM STREQUAL "efi")
    flipside_third_party(lz4 lz4 lib lib/lz4.c lib/xxhash.c)
    target_compile_definitions(lz4 PUBLIC XXH_NAMESPACE=LZ4_ PRIVATE LZ4_FREESTANDING=1 LZ4_memcpy=__builtin_memcpy
                               LZ4_memmove=__builtin_memmove LZ4_memset=__builtin_memset)
    # It copies by words from anywhere: with the MMU on and alignment checks off, as SHA-256 below.
    set_source_files_properties(${FLIPSIDE_THIRD_PARTY_DIR}/lz4/lib/lz4.c PROPERTIES COMPILE_OPTIONS
                                "$<IF:$<C_COMPILER_ID:GNU>,-mno-strict-align,-munaligned-access>")
endif()

if(FLIPSIDE_PLATFORM MATCHES "^(host|efi|bare|linux)$")
    flipside_third_party(mbedcrypto_small mbedtls include
        library/aes.c library/aesce.c library/aesni.c library/asn1parse.c library/asn1write.c library/bignum.c
        library/bignum_core.c library/block_cipher.c library/cipher.c library/cipher_wrap.c library/constant_time.c library/ecdh.c library/ecdsa.c library/ecp.c
        library/ecp_curves.c library/gcm.c library/hkdf.c library/hmac_drbg.c library/md.c library/nist_kw.c library/platform_util.c
        library/sha1.c library/sha256.c)
    if(FLIPSIDE_PLATFORM MATCHES "^(efi|bare)$")
        # SHA-256 reads messages by vectors, which strict alignment would put together from single bytes. It runs with the
        # MMU on and alignment checks off (UEFI 2.10, 2.3.6; SCTLR_ELx.A is 0 in the switcher and in the unlocker).
        set_source_files_properties(${FLIPSIDE_THIRD_PARTY_DIR}/mbedtls/library/sha256.c PROPERTIES COMPILE_OPTIONS
                                    "$<IF:$<C_COMPILER_ID:GNU>,-mno-strict-align,-munaligned-access>")
    endif()
    target_compile_definitions(mbedcrypto_small PUBLIC
        MBEDTLS_CONFIG_FILE="${CMAKE_SOURCE_DIR}/crypto/mbedtls_config.h")

    # Its own text encoding is not used, so that what refers to it is left out when linking; not so beside another Argon2,
    # which libcryptsetup brings along for flipside, and for which this one must not be taken.
    set(fill src/ref.c)
    if(FLIPSIDE_PLATFORM STREQUAL "host")
        set(fill src/encoding.c src/ref.c)
        if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
            set(fill src/encoding.c src/opt.c)
        endif()
    endif()
    flipside_third_party(argon2_core argon2 include src/argon2.c src/blake2/blake2b.c src/core.c ${fill})
    target_compile_definitions(argon2_core PRIVATE ARGON2_NO_THREADS)
    target_compile_options(argon2_core PRIVATE -ffunction-sections -fvisibility=hidden)
    target_link_options(argon2_core INTERFACE -Wl,--gc-sections)
    # Optimised also where the rest is not, or each passphrase and each signature take long under the sanitizers.
    foreach(target argon2_core mbedcrypto_small)
        target_compile_options(${target} PRIVATE $<$<CONFIG:Debug>:-O2>)
    endforeach()
endif()
