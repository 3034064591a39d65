// SPDX-License-Identifier: BSD-3-Clause
#ifndef USIM_FIELD_H
#define USIM_FIELD_H

/* Numbers modulo a prime of up to 256 bits in Montgomery's form, in constant time and without allocation. */

#include <stdbool.h>
#include <stdint.h>

enum { FIELD_WORDS = 4, FIELD_SIZE = 32 };

struct field {
    uint64_t prime[FIELD_WORDS];  /* least significant word first */
    uint64_t factor;              /* -prime^-1 mod 2^64 */
    uint64_t square[FIELD_WORDS]; /* 2^512 mod prime */
};

struct number {
    uint64_t word[FIELD_WORDS];
};

void field_open(struct field *field, const uint64_t *prime);

struct number field_add(const struct field *field, const struct number *a, const struct number *b);
struct number field_subtract(const struct field *field, const struct number *a, const struct number *b);
struct number field_multiply(const struct field *field, const struct number *a, const struct number *b);

/* exponent: public, least significant word first. */
struct number field_power(const struct field *field, const struct number *a, const uint64_t *exponent);

struct number field_invert(const struct field *field, const struct number *a);

/* Into Montgomery's form, and out of it; words below 2 * prime. */
struct number field_in(const struct field *field, const struct number *plain);
struct number field_out(const struct field *field, const struct number *a);
struct number field_small(const struct field *field, uint64_t value);

/* Swaps two numbers, or not, without a branch. swap: 0 or 1. */
void field_swap(struct number *a, struct number *b, uint64_t swap);

bool field_equal(const struct number *a, const struct number *b);

#endif
