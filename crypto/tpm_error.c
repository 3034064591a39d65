// SPDX-License-Identifier: BSD-3-Clause
#include "tpm_format.h"

#include <stdio.h>

const char *tpm_error_text(enum tpm_error error) {
    static const char *const texts[] = {
        [TPM_OK] = "no error",
        [TPM_NO_ANSWER] = "the TPM does not answer",
        [TPM_BAD_ANSWER] = "the TPM's answer makes no sense",
        [TPM_NOT_AUTHENTIC] = "the TPM's answer was altered on its way",
        [TPM_BUSY] = "the TPM is busy for too long",
        [TPM_BROKEN] = "the TPM's self-test failed",
        [TPM_UNSUPPORTED] = "the TPM can't do what is needed: P-256, AES-128 and SHA-256",
        [TPM_OWNED] = "the TPM has an owner's password, or its owner hierarchy is disabled",
        [TPM_WRONG_AUTH] = "wrong PIN",
        [TPM_LOCKED_OUT] = "the TPM is locked after too many wrong PINs",
        [TPM_OTHER] = "sealed by another TPM, or this one was cleared since",
        [TPM_BAD_BLOB] = "what the TPM sealed was altered, or is something else",
        [TPM_BAD_ARGUMENT] = "an authorisation value or a number is out of bounds",
        [TPM_NO_COUNTER] = "the TPM's counter is not there: never made, removed, or the TPM was cleared",
        [TPM_BAD_COUNTER] = "something else is where the TPM's counter should be",
        [TPM_FULL] = "the TPM has no room left",
        [TPM_REFUSED] = "the TPM refused",
        [TPM_NO_RANDOM] = "no random numbers",
        [TPM_FAILED] = "the cryptographic library failed",
    };
    return (size_t)error < sizeof(texts) / sizeof(texts[0]) ? texts[error] : "unknown error";
}

static enum tpm_error error_of_format_1(uint32_t code) {
    switch (code & TPM_RC_FORMAT_1_MASK) {
    case TPM_RC_AUTH_FAIL: // counts towards the lock-out
    case TPM_RC_BAD_AUTH:  // does not
        return TPM_WRONG_AUTH;
    case TPM_RC_INTEGRITY:
        return TPM_OTHER;
    case TPM_RC_HIERARCHY:
        return TPM_OWNED;
    case TPM_RC_ASYMMETRIC:
    case TPM_RC_HASH:
    case TPM_RC_SCHEME:
    case TPM_RC_SYMMETRIC:
    case TPM_RC_CURVE:
        return TPM_UNSUPPORTED;
    default:
        return TPM_REFUSED;
    }
}

enum tpm_error tpm_error_of(uint32_t code) {
    if (code == 0)
        return TPM_OK;
    if ((code & TPM_RC_FORMAT_1) != 0)
        return error_of_format_1(code);
    switch (code) {
    case TPM_RC_FAILURE:
        return TPM_BROKEN;
    case TPM_RC_COMMAND_CODE:
        return TPM_UNSUPPORTED;
    case TPM_RC_LOCKOUT:
        return TPM_LOCKED_OUT;
    case TPM_RC_NV_SPACE:
    case TPM_RC_OBJECT_MEMORY:
    case TPM_RC_SESSION_MEMORY:
    case TPM_RC_MEMORY:
    case TPM_RC_SESSION_HANDLES:
    case TPM_RC_OBJECT_HANDLES:
        return TPM_FULL;
    case TPM_RC_YIELDED:
    case TPM_RC_TESTING:
    case TPM_RC_NV_RATE:
    case TPM_RC_RETRY:
        return TPM_BUSY;
    default:
        return TPM_REFUSED;
    }
}

/* A time as people say it, rounded up: what was waited for that long is over. */
static void time_text(uint32_t seconds, char *text, size_t size) {
    const struct {
        uint32_t seconds;
        const char *name;
    } units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
    size_t unit = 0;
    while (unit < 3 && seconds < 2 * units[unit].seconds)
        unit++;
    uint32_t count = seconds / units[unit].seconds + (seconds % units[unit].seconds != 0 ? 1 : 0);
    (void)snprintf(text, size, "%u %s%s", (unsigned)count, units[unit].name, count == 1 ? "" : "s");
}

void tpm_lockout_text(const struct tpm_lockout *lockout, char *text) {
    char time[32];
    time_text(lockout->interval_s, time, sizeof(time));
    if (!lockout->locked)
        (void)snprintf(text, TPM_TEXT_SIZE, "%u of %u attempts left%s%s", (unsigned)lockout->left,
                       (unsigned)lockout->allowed,
                       lockout->failures != 0 && lockout->interval_s != 0 ? ", one more after " : "",
                       lockout->failures != 0 && lockout->interval_s != 0 ? time : "");
    else if (lockout->interval_s == 0)
        (void)snprintf(text, TPM_TEXT_SIZE, "locked after %u wrong attempts, until it is reset",
                       (unsigned)lockout->failures);
    else
        (void)snprintf(text, TPM_TEXT_SIZE, "locked after %u wrong attempts: leave it switched on for %s for the next",
                       (unsigned)lockout->failures, time);
}
