// SPDX-License-Identifier: BSD-3-Clause
/* For instructions that take one block at a time: what gcm_kernel.h calls wide is a block. */

#define LANES 1u

typedef block wide;

PRIMITIVE wide wide_load(const void *from) { return block_load(from); }
PRIMITIVE void wide_store(void *to, wide value) { block_store(to, value); }
PRIMITIVE wide wide_xor(wide a, wide b) { return block_xor(a, b); }
PRIMITIVE wide wide_reverse(wide value) { return block_reverse(value); }
PRIMITIVE wide wide_low_low(wide a, wide b) { return clmul_low_low(a, b); }
PRIMITIVE wide wide_high_high(wide a, wide b) { return clmul_high_high(a, b); }
PRIMITIVE wide wide_cross(wide a, wide b) { return clmul_cross(a, b); }
PRIMITIVE wide wide_first(block value) { return value; }
PRIMITIVE block wide_fold(wide value) { return value; }
PRIMITIVE wide wide_begin(wide value, const uint8_t *keys) { return aes_begin(value, keys); }
PRIMITIVE wide wide_round(wide value, const uint8_t *keys, unsigned r) { return aes_round(value, keys, r); }
PRIMITIVE wide wide_end(wide value, const uint8_t *keys) { return aes_end(value, keys); }
