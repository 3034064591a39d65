// SPDX-License-Identifier: BSD-3-Clause
#include "gcm.h"

#if defined(__x86_64__)

#define GCM_TARGET __attribute__((target("aes,pclmul,ssse3,sse4.1")))

#include "gcm_x86.h"
/* after the blocks */
#include "gcm_one_lane.h"

PRIMITIVE wide wide_counters(const uint8_t *nonce, uint32_t counter) {
    return _mm_insert_epi32(nonce_block(nonce), (int)__builtin_bswap32(counter), 3);
}

#include "gcm_kernel.h"

const struct gcm_implementation *gcm_aesni(void) { return has_aesni() ? &implementation : NULL; }

#else

const struct gcm_implementation *gcm_aesni(void) { return NULL; }

#endif
