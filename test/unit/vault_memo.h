// SPDX-License-Identifier: BSD-3-Clause
#ifndef VAULT_MEMO_H
#define VAULT_MEMO_H

/* Results of computations on P-256, kept: the power-cut simulator starts the same device thousands of times, and spent
 * nearly all its time verifying the same signatures. Each is a function of its arguments; linked in by --wrap. */

#include <stddef.h>

/* @return computations that were done, and those that were found */
struct vault_memo_count {
    size_t done;
    size_t found;
};

struct vault_memo_count vault_memo_count(void);

#endif
