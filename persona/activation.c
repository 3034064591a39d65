// SPDX-License-Identifier: BSD-3-Clause
#include "persona/activation.h"

#include <string.h>

#include "crypto/hkdf.h"

enum {
    SYMBOL_BITS = 5,
    SYMBOL_MASK = 31,
    SYMBOL_COUNT = 32,
    POLYNOMIAL = 0x25, /* x^5 + x^2 + 1 */
};

static const char alphabet[SYMBOL_COUNT + 1] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* Twice, in GF(32). */
static unsigned twice(unsigned value) {
    value <<= 1;
    return (value >> SYMBOL_BITS & 1) != 0 ? value ^ POLYNOMIAL : value;
}

/* @return the check symbol's value */
static unsigned check_of(const uint8_t *values) {
    unsigned sum = 0;
    for (size_t i = 0; i + 1 < ACTIVATION_SYMBOLS; i++)
        sum = twice(sum ^ values[i]);
    return sum;
}

enum activation_error activation_make(struct random_stream *random, char *text) {
    uint8_t values[ACTIVATION_SYMBOLS];
    memset(text, 0, ACTIVATION_TEXT_SIZE);
    if (random_bytes(random, values, sizeof(values)) != RANDOM_OK)
        return ACTIVATION_NO_RANDOM;
    for (size_t i = 0; i < ACTIVATION_SYMBOLS; i++)
        values[i] &= SYMBOL_MASK;
    values[ACTIVATION_SYMBOLS - 1] = (uint8_t)check_of(values);
    for (size_t i = 0, at = 0; i < ACTIVATION_SYMBOLS; i++) {
        if (i > 0 && i % ACTIVATION_GROUP == 0)
            text[at++] = '-';
        text[at++] = alphabet[values[i]];
    }
    crypto_wipe(values, sizeof(values));
    return ACTIVATION_OK;
}

/* @return the symbol's value; SYMBOL_COUNT: it is none */
static unsigned value_of(char typed) {
    char symbol = (char)(typed >= 'a' && typed <= 'z' ? typed - 'a' + 'A' : typed);
    if (symbol == 'O')
        symbol = '0';
    if (symbol == 'I' || symbol == 'L')
        symbol = '1';
    for (unsigned value = 0; value < SYMBOL_COUNT; value++)
        if (alphabet[value] == symbol)
            return value;
    return SYMBOL_COUNT;
}

static enum activation_error read_values(const char *typed, size_t size, uint8_t *values) {
    size_t count = 0;
    for (size_t i = 0; i < size; i++) {
        if (typed[i] == '-' || typed[i] == ' ')
            continue;
        unsigned value = value_of(typed[i]);
        if (value == SYMBOL_COUNT || count == ACTIVATION_SYMBOLS)
            return ACTIVATION_NO_CODE;
        values[count++] = (uint8_t)value;
    }
    if (count != ACTIVATION_SYMBOLS)
        return ACTIVATION_NO_CODE;
    return values[count - 1] == check_of(values) ? ACTIVATION_OK : ACTIVATION_MISTYPED;
}

enum activation_error activation_read(const char *typed, size_t size, char *symbols) {
    uint8_t values[ACTIVATION_SYMBOLS];
    memset(symbols, 0, ACTIVATION_SYMBOLS);
    if (size > ACTIVATION_TYPED_MAX)
        return ACTIVATION_NO_CODE;
    enum activation_error error = read_values(typed, size, values);
    for (size_t i = 0; i < ACTIVATION_SYMBOLS && error == ACTIVATION_OK; i++)
        symbols[i] = alphabet[values[i]];
    crypto_wipe(values, sizeof(values));
    return error;
}

const char *activation_error_text(enum activation_error error) {
    switch (error) {
    case ACTIVATION_OK:
        return "no error";
    case ACTIVATION_NO_CODE:
        return "an activation code has four groups of four letters and digits";
    case ACTIVATION_MISTYPED:
        return "this is not quite the activation code: a symbol was mistyped, or two changed places";
    case ACTIVATION_NO_RANDOM:
        return "no random numbers";
    }
    return "unknown error";
}
