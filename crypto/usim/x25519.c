// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "crypto/hkdf.h"
#include "curves.h"
#include "field.h"

static const uint64_t prime[FIELD_WORDS] = {0xffffffffffffffed, 0xffffffffffffffff, 0xffffffffffffffff,
                                            0x7fffffffffffffff};
enum { A24 = 121665, BITS = 255, BASE = 9 };

/* The ladder's two points, without y. */
struct ladder {
    struct number x1, x2, z2, x3, z3;
};

static struct number load(const uint8_t *bytes) {
    struct number number = {{0}};
    for (unsigned i = 0; i < CURVE_SIZE; i++)
        number.word[i / 8] |= (uint64_t)bytes[i] << i % 8 * 8;
    number.word[FIELD_WORDS - 1] &= 0x7fffffffffffffff;
    return number;
}

/* RFC 7748 5, a step; its letters. */
static void step(const struct field *field, const struct number *a24, struct ladder *at) {
    struct number a = field_add(field, &at->x2, &at->z2), b = field_subtract(field, &at->x2, &at->z2);
    struct number aa = field_multiply(field, &a, &a), bb = field_multiply(field, &b, &b);
    struct number e = field_subtract(field, &aa, &bb);
    struct number c = field_add(field, &at->x3, &at->z3), d = field_subtract(field, &at->x3, &at->z3);
    struct number da = field_multiply(field, &d, &a), cb = field_multiply(field, &c, &b);
    struct number sum = field_add(field, &da, &cb), difference = field_subtract(field, &da, &cb);
    at->x3 = field_multiply(field, &sum, &sum);
    difference = field_multiply(field, &difference, &difference);
    at->z3 = field_multiply(field, &at->x1, &difference);
    at->x2 = field_multiply(field, &aa, &bb);
    struct number scaled = field_multiply(field, a24, &e);
    scaled = field_add(field, &aa, &scaled);
    at->z2 = field_multiply(field, &e, &scaled);
}

void curve_x25519(const uint8_t *scalar, const uint8_t *u, uint8_t *shared) {
    static const uint8_t base[CURVE_SIZE] = {BASE};
    struct field field;
    struct ladder at;
    uint8_t clamped[CURVE_SIZE];
    uint64_t swap = 0;
    memcpy(clamped, scalar, CURVE_SIZE);
    clamped[0] &= 0xf8;
    clamped[CURVE_SIZE - 1] = (uint8_t)((clamped[CURVE_SIZE - 1] & 0x7f) | 0x40);
    field_open(&field, prime);
    struct number a24 = field_small(&field, A24), plain = load(u == NULL ? base : u);
    at.x1 = at.x3 = field_in(&field, &plain);
    at.x2 = at.z3 = field_small(&field, 1);
    at.z2 = field_small(&field, 0);
    for (unsigned bit = BITS; bit-- > 0;) {
        uint64_t now = clamped[bit / 8] >> bit % 8 & 1;
        field_swap(&at.x2, &at.x3, swap ^ now);
        field_swap(&at.z2, &at.z3, swap ^ now);
        swap = now;
        step(&field, &a24, &at);
    }
    field_swap(&at.x2, &at.x3, swap);
    field_swap(&at.z2, &at.z3, swap);
    struct number inverse = field_invert(&field, &at.z2), quotient = field_multiply(&field, &at.x2, &inverse);
    struct number result = field_out(&field, &quotient);
    for (unsigned i = 0; i < CURVE_SIZE; i++)
        shared[i] = (uint8_t)(result.word[i / 8] >> i % 8 * 8);
    /* The same of a zero, which overwrites what the last multiplication left on the stack. */
    const struct number zero = {{0}};
    inverse = field_out(&field, &zero);
    result = field_out(&field, &zero);
    crypto_wipe(clamped, sizeof(clamped));
    crypto_wipe(&at, sizeof(at));
    crypto_wipe(&quotient, sizeof(quotient));
    crypto_wipe(&result, sizeof(result));
}
