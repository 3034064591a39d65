// SPDX-License-Identifier: BSD-3-Clause
#include "gcm.h"

#if defined(__aarch64__)

#include <arm_neon.h>
#include <string.h>
#include <sys/auxv.h>

#include "crypto/hkdf.h"

#if !defined(HWCAP_AES)
#define HWCAP_AES (1 << 3)
#endif
#if !defined(HWCAP_PMULL)
#define HWCAP_PMULL (1 << 4)
#endif

#if defined(__clang__)
#define GCM_TARGET __attribute__((target("aes")))
#else
#define GCM_TARGET __attribute__((target("+crypto")))
#endif
#define PRIMITIVE GCM_TARGET static inline __attribute__((always_inline))

/*
 * The instructions are assembly: compilers differ in how they let a single function have them. An AESE and the AESMC
 * that follows it stand together, since CPUs carry such a pair out as one.
 */
typedef uint8x16_t block;

/* Told to keep to alignments (the loader is), compilers put blocks together from single bytes. LD1 and ST1 of bytes
 * have no alignment to keep (Arm ARM, B2.5.2). */
PRIMITIVE block block_load(const void *from) {
    block value;
    __asm__("ld1 {%0.16b}, %1" : "=w"(value) : "Q"(*(const uint8_t(*)[16])from));
    return value;
}
PRIMITIVE void block_store(void *to, block value) {
    __asm__("st1 {%1.16b}, %0" : "=Q"(*(uint8_t(*)[16])to) : "w"(value));
}
PRIMITIVE block block_xor(block a, block b) { return veorq_u8(a, b); }
PRIMITIVE block block_swap(block value) { return vextq_u8(value, value, 8); }
PRIMITIVE block block_of(uint64_t high, uint64_t low) {
    return vreinterpretq_u8_u64(vcombine_u64(vcreate_u64(low), vcreate_u64(high)));
}
PRIMITIVE block block_reverse(block value) { return block_swap(vrev64q_u8(value)); }
PRIMITIVE block clmul_low_low(block a, block b) {
    block product;
    __asm__("pmull %0.1q, %1.1d, %2.1d" : "=w"(product) : "w"(a), "w"(b));
    return product;
}
PRIMITIVE block clmul_high_high(block a, block b) {
    block product;
    __asm__("pmull2 %0.1q, %1.2d, %2.2d" : "=w"(product) : "w"(a), "w"(b));
    return product;
}
PRIMITIVE block clmul_cross(block a, block b) {
    block swapped = block_swap(b);
    return block_xor(clmul_low_low(a, swapped), clmul_high_high(a, swapped));
}
PRIMITIVE block clmul_polynomial(block value) {
    return clmul_low_low(value, block_of(0, UINT64_C(0xc200000000000000)));
}

PRIMITIVE block round_key(const uint8_t *keys, unsigned r) { return block_load(keys + (size_t)r * 16); }
PRIMITIVE block aes_begin(block value, const uint8_t *keys) {
    (void)keys;
    return value;
}
/* AESE adds the round's key first, so it is that of the round before. */
PRIMITIVE block aes_round(block value, const uint8_t *keys, unsigned r) {
    __asm__("aese %0.16b, %1.16b\naesmc %0.16b, %0.16b" : "+w"(value) : "w"(round_key(keys, r - 1)));
    return value;
}
PRIMITIVE block aes_end(block value, const uint8_t *keys) {
    __asm__("aese %0.16b, %1.16b" : "+w"(value) : "w"(round_key(keys, 13)));
    return block_xor(value, round_key(keys, 14));
}
PRIMITIVE uint32_t sub_word(uint32_t word) {
    block value = vreinterpretq_u8_u32(vdupq_n_u32(word));
    // All columns are the same, so that shifting rows changes nothing.
    __asm__("aese %0.16b, %1.16b" : "+w"(value) : "w"(vdupq_n_u8(0)));
    return vgetq_lane_u32(vreinterpretq_u32_u8(value), 0);
}

#include "gcm_one_lane.h"

PRIMITIVE wide wide_counters(const uint8_t *nonce, uint32_t counter) {
    uint32x4_t words = vreinterpretq_u32_u8(block_load(nonce));
    return vreinterpretq_u8_u32(vsetq_lane_u32(__builtin_bswap32(counter), words, 3));
}

#include "gcm_kernel.h"

const struct gcm_implementation *gcm_armv8(void) {
    const unsigned long wanted = HWCAP_AES | HWCAP_PMULL;
    return (getauxval(AT_HWCAP) & wanted) == wanted ? &implementation : NULL;
}

#else

const struct gcm_implementation *gcm_armv8(void) { return NULL; }

#endif
