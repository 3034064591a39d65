// SPDX-License-Identifier: BSD-3-Clause
#ifndef USIM_ERROR_H
#define USIM_ERROR_H

/** What can be wrong with a USIM's profile or state. What is wrong with a command is told by its status word. */

enum usim_error {
    USIM_OK = 0,
    USIM_MALFORMED,     /* not a profile or a state in deterministic encoding, or of another version of the format */
    USIM_BAD_VALUE,     /* a value of the profile that no card can have */
    USIM_NO_SERVICE,    /* a service in the profile's table that the card does not have */
    USIM_NOT_AUTHENTIC, /* sealed under another key, or altered */
    USIM_ROLLED_BACK,   /* the state is of an earlier power-on than the last: it was put back */
    USIM_REPLACED,      /* this device has had a later issue of a profile */
    USIM_PIN_NOT_KEPT,  /* the profile's PIN is enabled, and there is no storage that would count guesses at it */
    USIM_NO_STATE,      /* nothing is stored */
    USIM_OTHER_PROFILE, /* the stored state is another profile's, or of another generation */
    USIM_STORAGE,       /* the storage failed */
    USIM_NO_ROOM,       /* the caller's buffer, or more than the format allows */
    USIM_FAILED,        /* the cryptographic library failed */
};

/** @return the error's text, one line without a full stop; never NULL */
const char *usim_error_text(enum usim_error error);

#endif
