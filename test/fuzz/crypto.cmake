# SPDX-License-Identifier: BSD-3-Clause
flipside_fuzz_target(NAME cbor SOURCES crypto/cbor_read.c crypto/cbor_write.c INCLUDES crypto/include)
file(GLOB crypto RELATIVE ${CMAKE_SOURCE_DIR} CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/crypto/*.c)
# flipside_crypto_fuzz_target(NAME): of sources that are compiled with the checks.
function(flipside_crypto_fuzz_target name)
    flipside_fuzz_target(NAME ${name} SOURCES ${crypto} INCLUDES crypto/include test/unit
                         LIBRARIES mbedcrypto_small argon2_core)
endfunction()
flipside_crypto_fuzz_target(cose)
flipside_crypto_fuzz_target(stream)
# Without the curve and without digests: fuzz_tpm.c has its own.
file(GLOB tpm RELATIVE ${CMAKE_SOURCE_DIR} CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/crypto/tpm*.c)
flipside_fuzz_target(NAME tpm SOURCES ${tpm} crypto/cbor_read.c crypto/cbor_write.c crypto/hkdf.c crypto/random.c
                     INCLUDES crypto/include test/unit LIBRARIES mbedcrypto_small)
