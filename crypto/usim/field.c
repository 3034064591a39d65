// SPDX-License-Identifier: BSD-3-Clause
#include "field.h"

__extension__ typedef unsigned __int128 uint128;

static uint64_t add_words(const uint64_t *a, const uint64_t *b, uint64_t *sum) {
    uint64_t carry = 0;
    for (unsigned i = 0; i < FIELD_WORDS; i++) {
        uint128 word = (uint128)a[i] + b[i] + carry;
        sum[i] = (uint64_t)word;
        carry = (uint64_t)(word >> 64);
    }
    return carry;
}

static uint64_t subtract_words(const uint64_t *a, const uint64_t *b, uint64_t *difference) {
    uint64_t borrow = 0;
    for (unsigned i = 0; i < FIELD_WORDS; i++) {
        uint128 word = (uint128)a[i] - b[i] - borrow;
        difference[i] = (uint64_t)word;
        borrow = (uint64_t)(word >> 64) & 1;
    }
    return borrow;
}

/* a - prime where that is not negative, with a carry above a; else a. */
static struct number reduce(const struct field *field, const uint64_t *a, uint64_t carry) {
    struct number reduced;
    uint64_t borrow = subtract_words(a, field->prime, reduced.word);
    uint64_t keep = 0 - (borrow & (carry ^ 1));
    for (unsigned i = 0; i < FIELD_WORDS; i++)
        reduced.word[i] = (a[i] & keep) | (reduced.word[i] & ~keep);
    return reduced;
}

struct number field_add(const struct field *field, const struct number *a, const struct number *b) {
    uint64_t sum[FIELD_WORDS];
    uint64_t carry = add_words(a->word, b->word, sum);
    return reduce(field, sum, carry);
}

struct number field_subtract(const struct field *field, const struct number *a, const struct number *b) {
    struct number difference;
    uint64_t prime[FIELD_WORDS];
    uint64_t negative = 0 - subtract_words(a->word, b->word, difference.word);
    for (unsigned i = 0; i < FIELD_WORDS; i++)
        prime[i] = field->prime[i] & negative;
    (void)add_words(difference.word, prime, difference.word);
    return difference;
}

/* sum += a * word, with FIELD_WORDS + 1 words; @return the carry above them */
static uint64_t accumulate(uint64_t *sum, const uint64_t *a, uint64_t word) {
    uint64_t carry = 0;
    for (unsigned i = 0; i < FIELD_WORDS; i++) {
        uint128 product = (uint128)a[i] * word + sum[i] + carry;
        sum[i] = (uint64_t)product;
        carry = (uint64_t)(product >> 64);
    }
    uint128 top = (uint128)sum[FIELD_WORDS] + carry;
    sum[FIELD_WORDS] = (uint64_t)top;
    return (uint64_t)(top >> 64);
}

struct number field_multiply(const struct field *field, const struct number *a, const struct number *b) {
    uint64_t sum[FIELD_WORDS + 1] = {0};
    for (unsigned i = 0; i < FIELD_WORDS; i++) {
        uint64_t above = accumulate(sum, a->word, b->word[i]);
        above += accumulate(sum, field->prime, sum[0] * field->factor);
        for (unsigned j = 0; j < FIELD_WORDS; j++)
            sum[j] = sum[j + 1];
        sum[FIELD_WORDS] = above;
    }
    return reduce(field, sum, sum[FIELD_WORDS]);
}

void field_open(struct field *field, const uint64_t *prime) {
    struct number power = {{1, 0, 0, 0}};
    uint64_t inverse = 1;
    for (unsigned i = 0; i < FIELD_WORDS; i++)
        field->prime[i] = prime[i];
    /* Newton: each step doubles the bits that are right. */
    for (unsigned i = 0; i < 6; i++)
        inverse *= 2 - prime[0] * inverse;
    field->factor = 0 - inverse;
    for (unsigned i = 0; i < 2 * FIELD_WORDS * 64; i++)
        power = field_add(field, &power, &power);
    for (unsigned i = 0; i < FIELD_WORDS; i++)
        field->square[i] = power.word[i];
}

struct number field_in(const struct field *field, const struct number *plain) {
    struct number square, reduced = reduce(field, plain->word, 0);
    for (unsigned i = 0; i < FIELD_WORDS; i++)
        square.word[i] = field->square[i];
    return field_multiply(field, &reduced, &square);
}

struct number field_out(const struct field *field, const struct number *a) {
    const struct number one = {{1, 0, 0, 0}};
    return field_multiply(field, a, &one);
}

struct number field_small(const struct field *field, uint64_t value) {
    const struct number plain = {{value, 0, 0, 0}};
    return field_in(field, &plain);
}

struct number field_power(const struct field *field, const struct number *a, const uint64_t *exponent) {
    struct number power = field_small(field, 1);
    for (unsigned bit = FIELD_WORDS * 64; bit-- > 0;) {
        power = field_multiply(field, &power, &power);
        if ((exponent[bit / 64] >> bit % 64 & 1) != 0)
            power = field_multiply(field, &power, a);
    }
    return power;
}

struct number field_invert(const struct field *field, const struct number *a) {
    const uint64_t two[FIELD_WORDS] = {2, 0, 0, 0};
    uint64_t exponent[FIELD_WORDS];
    (void)subtract_words(field->prime, two, exponent);
    return field_power(field, a, exponent);
}

void field_swap(struct number *a, struct number *b, uint64_t swap) {
    uint64_t mask = 0 - swap;
    for (unsigned i = 0; i < FIELD_WORDS; i++) {
        uint64_t changed = (a->word[i] ^ b->word[i]) & mask;
        a->word[i] ^= changed;
        b->word[i] ^= changed;
    }
}

bool field_equal(const struct number *a, const struct number *b) {
    uint64_t different = 0;
    for (unsigned i = 0; i < FIELD_WORDS; i++)
        different |= a->word[i] ^ b->word[i];
    return different == 0;
}
