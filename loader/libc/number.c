// SPDX-License-Identifier: BSD-3-Clause
#include <limits.h>
#include <stdlib.h>

static int digit_of(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'Z')
        return c - 'A' + 10;
    return INT_MAX;
}

unsigned long strtoul(const char *restrict text, char **restrict end, int base) {
    const char *at = text;
    const char *last = text;
    unsigned long value = 0;
    int overflow = 0;

    if ((base == 0 || base == 16) && at[0] == '0' && (at[1] == 'x' || at[1] == 'X') && digit_of(at[2]) < 16) {
        base = 16;
        at += 2;
    } else if (base == 0) {
        base = at[0] == '0' ? 8 : 10;
    }
    for (; digit_of(*at) < base; last = ++at) {
        overflow |= __builtin_mul_overflow(value, (unsigned long)base, &value);
        overflow |= __builtin_add_overflow(value, (unsigned long)digit_of(*at), &value);
    }
    if (end != NULL)
        *end = (char *)last;
    return overflow ? ULONG_MAX : value;
}
