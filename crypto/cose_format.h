// SPDX-License-Identifier: BSD-3-Clause
#ifndef COSE_FORMAT_H
#define COSE_FORMAT_H

#include "crypto/cose.h"

/* RFC 9052 2, 3.1, 7.1; RFC 9053 2.1, 4.1, 6.3.1, 6.2.1, 7.1.1 */
enum {
    COSE_SIGN1_TAG = 18,
    COSE_ENCRYPT_TAG = 96,
    COSE_HEADER_ALGORITHM = 1,
    COSE_HEADER_CONTENT_TYPE = 3,
    COSE_HEADER_KEY_ID = 4,
    COSE_HEADER_IV = 5,
    COSE_HEADER_EPHEMERAL_KEY = -1,
    COSE_KEY_TYPE = 1,
    COSE_KEY_TYPE_EC2 = 2,
    COSE_KEY_CURVE = -1,
    COSE_KEY_CURVE_P256 = 1,
    COSE_KEY_X = -2,
    COSE_KEY_Y = -3,
    COSE_ES256 = -7,
    COSE_A256GCM = 3,
    COSE_A256KW = -5,
    COSE_ECDH_ES_A256KW = -31,
};

/* An error of a key as one of an object. */
enum cose_error cose_error_of_key(enum p256_error error);

#endif
