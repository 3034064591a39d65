// SPDX-License-Identifier: BSD-3-Clause
#ifndef CBOR_FORMAT_H
#define CBOR_FORMAT_H

#include "crypto/cbor.h"

/* RFC 8949 3.1, 3, 3.3: major types, additional information, first bytes of simple values. */
enum {
    CBOR_UINT = 0,
    CBOR_NEGATIVE = 1,
    CBOR_BYTES = 2,
    CBOR_TEXT = 3,
    CBOR_ARRAY = 4,
    CBOR_MAP = 5,
    CBOR_TAG = 6,
    CBOR_SIMPLE = 7,
    CBOR_INLINE_END = 24, /* below it the value is in the first byte */
    CBOR_LARGEST = 27,    /* eight bytes follow */
    CBOR_FALSE = 0xf4,
    CBOR_TRUE = 0xf5,
    CBOR_NULL = 0xf6,
};

#endif
