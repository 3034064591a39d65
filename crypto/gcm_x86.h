// SPDX-License-Identifier: BSD-3-Clause
/* The primitives of gcm_kernel.h for one block, with AES-NI and PCLMULQDQ, and what the CPU has. */
#include <cpuid.h>
#include <immintrin.h>
#include <string.h>

#include "crypto/hkdf.h"
#include "gcm.h"

typedef __m128i block;

#define PRIMITIVE GCM_TARGET static inline __attribute__((always_inline))

PRIMITIVE block block_load(const void *from) { return _mm_loadu_si128((const __m128i *)from); }
PRIMITIVE void block_store(void *to, block value) { _mm_storeu_si128((__m128i *)to, value); }
PRIMITIVE block block_xor(block a, block b) { return _mm_xor_si128(a, b); }
PRIMITIVE block block_swap(block value) { return _mm_shuffle_epi32(value, 0x4e); }
PRIMITIVE block block_of(uint64_t high, uint64_t low) { return _mm_set_epi64x((long long)high, (long long)low); }
PRIMITIVE block reversal(void) { return _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); }
PRIMITIVE block block_reverse(block value) { return _mm_shuffle_epi8(value, reversal()); }
PRIMITIVE block clmul_low_low(block a, block b) { return _mm_clmulepi64_si128(a, b, 0x00); }
PRIMITIVE block clmul_high_high(block a, block b) { return _mm_clmulepi64_si128(a, b, 0x11); }
PRIMITIVE block clmul_cross(block a, block b) {
    return _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x01), _mm_clmulepi64_si128(a, b, 0x10));
}
PRIMITIVE block clmul_polynomial(block value) {
    return _mm_clmulepi64_si128(block_of(UINT64_C(0xc200000000000000), 1), value, 0x01);
}

PRIMITIVE block round_key(const uint8_t *keys, unsigned r) { return block_load(keys + r * 16); }
PRIMITIVE block aes_begin(block value, const uint8_t *keys) { return block_xor(value, round_key(keys, 0)); }
PRIMITIVE block aes_round(block value, const uint8_t *keys, unsigned r) {
    return _mm_aesenc_si128(value, round_key(keys, r));
}
PRIMITIVE block aes_end(block value, const uint8_t *keys) { return _mm_aesenclast_si128(value, round_key(keys, 14)); }
PRIMITIVE uint32_t sub_word(uint32_t word) {
    return (uint32_t)_mm_cvtsi128_si32(_mm_aeskeygenassist_si128(_mm_set1_epi32((int)word), 0));
}

/* The nonce as a block whose counter, the last word, is zero. */
PRIMITIVE block nonce_block(const uint8_t *nonce) {
    uint32_t words[3];
    memcpy(words, nonce, sizeof(words));
    return _mm_set_epi32(0, (int)words[2], (int)words[1], (int)words[0]);
}

/* Intel SDM, CPUID: bits of ECX for leaf 1, of EBX and ECX for leaf 7. */
static inline bool has_aesni(void) {
    unsigned a, b, c = 0, d;
    const unsigned aes = 1u << 25, pclmulqdq = 1u << 1, ssse3 = 1u << 9, sse41 = 1u << 19;
    const unsigned wanted = aes | pclmulqdq | ssse3 | sse41;
    return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & wanted) == wanted;
}
