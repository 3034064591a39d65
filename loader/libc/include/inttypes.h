// SPDX-License-Identifier: BSD-3-Clause
#ifndef LIBC_INTTYPES_H
#define LIBC_INTTYPES_H

#include <stdint.h>

#define PRIu32 "u"
#define PRIx32 "x"
#define PRId32 "d"
#define PRIu64 "lu"
#define PRIx64 "lx"
#define PRId64 "ld"

#endif
