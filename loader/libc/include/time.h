// SPDX-License-Identifier: BSD-3-Clause
#ifndef LIBC_TIME_H
#define LIBC_TIME_H

/* mbedTLS includes this header whether it uses the time or not. */

typedef long time_t;

#endif
