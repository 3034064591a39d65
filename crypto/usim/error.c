// SPDX-License-Identifier: BSD-3-Clause
#include "usim/error.h"

const char *usim_error_text(enum usim_error error) {
    switch (error) {
    case USIM_OK:
        return "no error";
    case USIM_MALFORMED:
        return "not a USIM's profile or state that this version reads";
    case USIM_BAD_VALUE:
        return "the profile has a value that no card can have";
    case USIM_NO_SERVICE:
        return "the profile's service table promises what this card does not have; make one without that service";
    case USIM_NOT_AUTHENTIC:
        return "altered, or sealed under another key";
    case USIM_ROLLED_BACK:
        return "its state was put back to an earlier one; have it issued to this device anew";
    case USIM_REPLACED:
        return "this device has had a later one; have it issued anew if it is to be used again";
    case USIM_PIN_NOT_KEPT:
        return "this board can't count guesses at its PIN; have one issued whose PIN is disabled";
    case USIM_NO_STATE:
        return "no state is stored; have it issued to this device anew";
    case USIM_OTHER_PROFILE:
        return "the stored state is another profile's";
    case USIM_STORAGE:
        return "the card's state can't be read or written";
    case USIM_NO_ROOM:
        return "too long";
    case USIM_FAILED:
        return "the cryptographic library failed";
    }
    return "unknown error";
}
