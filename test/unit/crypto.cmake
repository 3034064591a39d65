# SPDX-License-Identifier: BSD-3-Clause
flipside_unit_test(NAME hkdf SOURCES test_hkdf.c crypto/hkdf.c INCLUDES crypto/include LIBRARIES mbedcrypto_small)
flipside_unit_test(NAME random SOURCES test_random.c crypto/random.c crypto/hkdf.c INCLUDES crypto/include
                   LIBRARIES mbedcrypto_small)
flipside_unit_test(NAME cbor SOURCES test_cbor.c crypto/cbor_read.c crypto/cbor_write.c INCLUDES crypto/include)
foreach(name p256 aead cose stream keys pin)
    flipside_unit_test(NAME ${name} SOURCES test_${name}.c LIBRARIES flipside_crypto)
endforeach()
# Against a TPM simulator, which the test starts itself.
flipside_unit_test(NAME tpm SOURCES test_tpm.c swtpm.c LIBRARIES flipside_crypto)
flipside_unit_test(NAME tpm_answers SOURCES test_tpm_answers.c swtpm.c LIBRARIES flipside_crypto)
set_tests_properties(unit.tpm PROPERTIES SKIP_RETURN_CODE 77)
flipside_unit_test(NAME gcm SOURCES test_gcm.c INCLUDES crypto LIBRARIES flipside_crypto)
