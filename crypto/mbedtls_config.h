// SPDX-License-Identifier: BSD-3-Clause
#ifndef FLIPSIDE_MBEDTLS_CONFIG_H
#define FLIPSIDE_MBEDTLS_CONFIG_H

/* What of mbedTLS is used: HKDF (RFC 5869) over HMAC-SHA-256. The same on every platform. */

#define MBEDTLS_HKDF_C
#define MBEDTLS_MD_C
#define MBEDTLS_SHA256_C

#endif
