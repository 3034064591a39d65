// SPDX-License-Identifier: BSD-3-Clause
#ifndef USIM_KECCAK_H
#define USIM_KECCAK_H

/* Keccak-f[1600] (FIPS 202 3.3 with 24 rounds), without branches or table look-ups that depend on the state. */

#include <stdint.h>

enum { KECCAK_SIZE = 200 /* bytes of a state: lane x + 5y at 8 (x + 5y), little-endian */ };

void keccak_f1600(uint8_t *state);

#endif
