// SPDX-License-Identifier: BSD-3-Clause
#include "gcm.h"

#if defined(__x86_64__)

#define GCM_TARGET __attribute__((target("aes,pclmul,ssse3,sse4.1,avx2,vaes,vpclmulqdq")))
#define LANES 2u

#include "gcm_x86.h"

typedef __m256i wide;

PRIMITIVE wide wide_load(const void *from) { return _mm256_loadu_si256((const __m256i *)from); }
PRIMITIVE void wide_store(void *to, wide value) { _mm256_storeu_si256((__m256i *)to, value); }
PRIMITIVE wide wide_xor(wide a, wide b) { return _mm256_xor_si256(a, b); }
PRIMITIVE wide wide_both(block value) { return _mm256_broadcastsi128_si256(value); }
PRIMITIVE wide wide_reverse(wide value) { return _mm256_shuffle_epi8(value, wide_both(reversal())); }
PRIMITIVE wide wide_low_low(wide a, wide b) { return _mm256_clmulepi64_epi128(a, b, 0x00); }
PRIMITIVE wide wide_high_high(wide a, wide b) { return _mm256_clmulepi64_epi128(a, b, 0x11); }
PRIMITIVE wide wide_cross(wide a, wide b) {
    return _mm256_xor_si256(_mm256_clmulepi64_epi128(a, b, 0x01), _mm256_clmulepi64_epi128(a, b, 0x10));
}
PRIMITIVE wide wide_first(block value) { return _mm256_set_m128i(_mm_setzero_si128(), value); }
PRIMITIVE block wide_fold(wide value) {
    return block_xor(_mm256_castsi256_si128(value), _mm256_extracti128_si256(value, 1));
}
PRIMITIVE wide wide_begin(wide value, const uint8_t *keys) { return wide_xor(value, wide_both(round_key(keys, 0))); }
PRIMITIVE wide wide_round(wide value, const uint8_t *keys, unsigned r) {
    return _mm256_aesenc_epi128(value, wide_both(round_key(keys, r)));
}
PRIMITIVE wide wide_end(wide value, const uint8_t *keys) {
    return _mm256_aesenclast_epi128(value, wide_both(round_key(keys, 14)));
}
PRIMITIVE wide wide_counters(const uint8_t *nonce, uint32_t counter) {
    block both = nonce_block(nonce);
    return _mm256_set_m128i(_mm_insert_epi32(both, (int)__builtin_bswap32(counter + 1), 3),
                            _mm_insert_epi32(both, (int)__builtin_bswap32(counter), 3));
}

#include "gcm_kernel.h"

/* Intel SDM, CPUID and 14.3: the instructions, and that the system keeps the wide registers. */
static bool has_vaes(void) {
    unsigned a, b = 0, c = 0, d;
    const unsigned osxsave = 1u << 27, avx2 = 1u << 5, vaes = 1u << 9, vpclmulqdq = 1u << 10, ymm = 6;
    unsigned low, high;
    if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & osxsave) == 0)
        return false;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & ymm) == ymm && __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & avx2) != 0 && (c & vaes) != 0 &&
           (c & vpclmulqdq) != 0;
}

const struct gcm_implementation *gcm_vaes(void) { return has_aesni() && has_vaes() ? &implementation : NULL; }

#else

const struct gcm_implementation *gcm_vaes(void) { return NULL; }

#endif
