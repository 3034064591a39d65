// SPDX-License-Identifier: BSD-3-Clause
#ifndef LIBC_SIGNAL_H
#define LIBC_SIGNAL_H

/* mbedTLS includes this header whether it uses signals or not. */

#endif
