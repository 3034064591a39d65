// SPDX-License-Identifier: BSD-3-Clause
#include "gcm.h"

#if defined(__x86_64__)

#define GCM_TARGET __attribute__((target("aes,pclmul,ssse3,sse4.1")))
#define LANES 1u

#include "gcm_x86.h"

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
PRIMITIVE wide wide_counters(const uint8_t *nonce, uint32_t counter) {
    return _mm_insert_epi32(nonce_block(nonce), (int)__builtin_bswap32(counter), 3);
}

#include "gcm_kernel.h"

const struct gcm_implementation *gcm_aesni(void) { return has_aesni() ? &implementation : NULL; }

#else

const struct gcm_implementation *gcm_aesni(void) { return NULL; }

#endif
