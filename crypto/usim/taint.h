// SPDX-License-Identifier: BSD-3-Clause
#ifndef USIM_TAINT_H
#define USIM_TAINT_H

/* Under the test of constant time, secrets are what valgrind takes for uninitialised, so that it reports each branch
 * and each address that depends on them. What comes of a secret and may be known to all is made known here. */

#ifdef USIM_TAINT
#include <valgrind/memcheck.h>
#define USIM_PUBLIC(place, size) ((void)VALGRIND_MAKE_MEM_DEFINED(place, size))
#else
#define USIM_PUBLIC(place, size) ((void)(place), (void)(size))
#endif

#endif
