// SPDX-License-Identifier: BSD-3-Clause
#ifndef ATTACK_ACCESS_H
#define ATTACK_ACCESS_H

/** The ways to touch memory that accesses.S has. */

#define ACCESS_MUST_ABORT 1 /* where nothing may be touched */
#define ACCESS_HINT 2       /* changes and tells nothing by itself: it need not abort */

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stdint.h>

struct access {
    void (*touch)(uint64_t address);
    const char *name;
    uint32_t kind;  /* ACCESS_ */
    uint32_t bytes; /* touched from the address on */
};

extern const struct access accesses_begin[], accesses_end[];

/** Jumps to the address. */
void access_execute(uint64_t address);

/** @return whether the access was answered by an exception; then nothing of it was done */
bool access_aborts(void (*touch)(uint64_t address), uint64_t address);
#endif

#endif
