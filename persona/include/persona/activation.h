// SPDX-License-Identifier: BSD-3-Clause
#ifndef PERSONA_ACTIVATION_H
#define PERSONA_ACTIVATION_H

/**
 * Activation codes: what a user needs besides his device to take a grant (grant.h) and choose his PIN. The grant
 * travels by any way and the device may be stolen; the code goes from the administrator to the user by a third one, by
 * telephone say, and is typed once. It is shown when the grant is made, and kept nowhere.
 *
 *     K7QF-2M8X-9RTB-4H6N    15 random symbols of 5 bits, 75 bits; the last one checks the others
 *
 * The symbols are those of Crockford's Base32, which has none that are taken for one another: a reader takes small
 * letters for capitals, O for 0, I and L for 1, and does not look at blanks and hyphens. The check symbol makes the
 * code a multiple of x - 2 over GF(32), modulo x^5 + x^2 + 1: any one wrong symbol, and any two that changed places,
 * show before anything is tried.
 *
 * 75 bits are more than anyone tries through Argon2id, even away from the device: a grant that somebody kept remains
 * worthless when the persona is in use for years.
 */

#include "crypto/random.h"

enum {
    ACTIVATION_SYMBOLS = 16,   /* with the check symbol */
    ACTIVATION_GROUP = 4,      /* symbols between two hyphens */
    ACTIVATION_TEXT_SIZE = 20, /* bytes of a code for people, with the NUL */
    ACTIVATION_TYPED_MAX = 64, /* bytes that are looked at of what was typed */
};

enum activation_error {
    ACTIVATION_OK = 0,
    ACTIVATION_NO_CODE,   /* more or fewer symbols, or something that is none */
    ACTIVATION_MISTYPED,  /* the check symbol is another one */
    ACTIVATION_NO_RANDOM, /* the generator failed */
};

/**
 * Makes a code.
 * @param text ACTIVATION_TEXT_SIZE bytes, "" on failure; a secret: the caller wipes it
 * @return ACTIVATION_OK, ACTIVATION_NO_RANDOM
 */
__attribute__((warn_unused_result)) enum activation_error activation_make(struct random_stream *random, char *text);

/**
 * Reads what somebody typed.
 * @param typed   size bytes
 * @param symbols ACTIVATION_SYMBOLS capitals and digits, all zero on failure; a secret: the caller wipes it
 * @return ACTIVATION_OK, ACTIVATION_NO_CODE, ACTIVATION_MISTYPED
 */
__attribute__((warn_unused_result)) enum activation_error activation_read(const char *typed, size_t size,
                                                                          char *symbols);

/** @return the error's text, one line without a full stop; never NULL */
const char *activation_error_text(enum activation_error error);

#endif
