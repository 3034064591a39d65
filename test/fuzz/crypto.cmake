# SPDX-License-Identifier: BSD-3-Clause
flipside_fuzz_target(NAME cbor SOURCES crypto/cbor_read.c crypto/cbor_write.c INCLUDES crypto/include)
foreach(name cose stream)
    flipside_fuzz_target(NAME ${name} SOURCES test/unit/known_random.h INCLUDES test/unit LIBRARIES flipside_crypto)
endforeach()
# Without the curve and without digests: fuzz_tpm.c has its own.
file(GLOB tpm RELATIVE ${CMAKE_SOURCE_DIR} CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/crypto/tpm*.c)
flipside_fuzz_target(NAME tpm SOURCES ${tpm} crypto/cbor_read.c crypto/cbor_write.c crypto/hkdf.c crypto/random.c
                     INCLUDES crypto/include test/unit LIBRARIES mbedcrypto_small)
