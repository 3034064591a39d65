// SPDX-License-Identifier: BSD-3-Clause
#ifndef LIBC_ASSERT_H
#define LIBC_ASSERT_H

/* A caller's mistake stops the program rather than go on with wrong values. */
#define assert(condition) ((condition) ? (void)0 : __builtin_trap())
#define static_assert _Static_assert

#endif
