// SPDX-License-Identifier: BSD-3-Clause
#ifndef FLIPSIDE_MBEDTLS_CONFIG_H
#define FLIPSIDE_MBEDTLS_CONFIG_H

/*
 * What of mbedTLS is used, the same on every platform: SHA-256 and HKDF (RFC 5869), AES-256-GCM, AES key wrap (RFC
 * 3394), and ECDSA and ECDH on P-256. Hardware is used where the CPU has it, which is found out at run time.
 */

#define MBEDTLS_HAVE_ASM
/* Double-width division would need the compiler's library, which is not there in the loader. */
#define MBEDTLS_NO_UDBL_DIVISION

#define MBEDTLS_MD_C
#define MBEDTLS_SHA256_C
/* Only for what TS 33.220 asks of a USIM. */
#define MBEDTLS_SHA1_C
#define MBEDTLS_HKDF_C

#define MBEDTLS_AES_C
#define MBEDTLS_AES_ROM_TABLES
#define MBEDTLS_CIPHER_MODE_CFB /* parameters of TPM commands */
#define MBEDTLS_GCM_C
#define MBEDTLS_GCM_LARGE_TABLE
#define MBEDTLS_CIPHER_C
#define MBEDTLS_NIST_KW_C

#define MBEDTLS_BIGNUM_C
#define MBEDTLS_ECP_C
#define MBEDTLS_ECP_DP_SECP256R1_ENABLED
#define MBEDTLS_ECP_NIST_OPTIM
#define MBEDTLS_ECDH_C
#define MBEDTLS_ECDSA_C
#define MBEDTLS_ECDSA_DETERMINISTIC
#define MBEDTLS_HMAC_DRBG_C
#define MBEDTLS_ASN1_PARSE_C
#define MBEDTLS_ASN1_WRITE_C

#if defined(__aarch64__)
#define MBEDTLS_AESCE_C
#define MBEDTLS_SHA256_USE_ARMV8_A_CRYPTO_IF_PRESENT
#elif defined(__x86_64__)
#define MBEDTLS_AESNI_C
#endif

#endif
