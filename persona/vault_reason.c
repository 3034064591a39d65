// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "vault_parts.h"

const char *vault_error_text(enum vault_error error) {
    switch (error) {
    case VAULT_OK:
        return "no error";
    case VAULT_NO_ORGANISATION:
        return "this device belongs to no organisation";
    case VAULT_BAD_ORGANISATION:
        return "the organisation's file is damaged";
    case VAULT_WRONG_ROOT:
        return "this device belongs to another organisation: its root key is not the one that it was set up for";
    case VAULT_NO_ENTROPY:
        return "nothing gives random numbers";
    case VAULT_KEY_LOST:
        return "the device's key is missing or damaged: enrol the device anew, without the folder flipside/device";
    case VAULT_NO_TPM:
        return "the device's key is sealed in a TPM that is not there";
    case VAULT_OTHER_TPM:
        return "the device's key is sealed in another TPM, or this one was cleared";
    case VAULT_TPM_FAILED:
        return "the TPM failed";
    case VAULT_STATE_LOST:
        return "the device's state is missing or damaged: enrol the device anew, without the folder flipside/device";
    case VAULT_ROLLED_BACK:
        return "the device's state was put back to an earlier one; put the latest back, or enrol anew without "
               "flipside/device";
    case VAULT_NO_PERSONA:
        return "there is no such persona";
    case VAULT_REFUSED:
        return "the persona is damaged, or not for this device";
    case VAULT_TOO_MANY:
        return "the device has as many personas as it can have";
    case VAULT_CODE_NEEDED:
        return grant_error_text(GRANT_CODE_NEEDED);
    case VAULT_CODE_BAD:
        return activation_error_text(ACTIVATION_NO_CODE);
    case VAULT_WRONG_CODE:
        return grant_error_text(GRANT_WRONG_CODE);
    case VAULT_PIN_NEEDED:
        return "a PIN is needed";
    case VAULT_NO_PIN:
        return "the persona opens without a PIN";
    case VAULT_PIN_BAD:
        return "a PIN has at least 4 and at most 128 characters";
    case VAULT_WRONG_PIN:
        return "wrong PIN";
    case VAULT_LOCKED_OUT:
        return "locked out after too many wrong PINs: the organisation can help";
    case VAULT_TPM_LOCKED_OUT:
        return "the TPM takes no PIN for a while";
    case VAULT_NO_MEMORY:
        return "not enough memory to check the PIN";
    case VAULT_READ_FAILED:
        return "the disk can't be read";
    case VAULT_WRITE_FAILED:
        return "the disk can't be written";
    case VAULT_DISK_FULL:
        return "the disk is full or write-protected";
    case VAULT_FAILED:
        return "the cryptographic library failed";
    }
    return "unknown error";
}

void vault_say(char *line, const char *more) {
    size_t used = strlen(line);
    while (*more != '\0' && used + 1 < STORE_REASON_SIZE)
        line[used++] = *more++;
    line[used] = '\0';
}

void vault_say_number(char *line, uint64_t number) {
    char digits[21];
    size_t place = sizeof(digits) - 1;
    digits[place] = '\0';
    do {
        digits[--place] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    vault_say(line, digits + place);
}

enum vault_error vault_end(struct vault *vault, enum vault_error error) {
    if (error != VAULT_OK)
        return error;
    vault->error = VAULT_OK;
    vault->reason[0] = '\0';
    return VAULT_OK;
}

enum vault_error vault_fail(struct vault *vault, enum vault_error error, const char *what, const char *why) {
    vault->error = error;
    vault->reason[0] = '\0';
    if (what != NULL) {
        vault_say(vault->reason, what);
        vault_say(vault->reason, ": ");
    }
    vault_say(vault->reason, why != NULL ? why : vault_error_text(error));
    return error;
}

/* A TPM that was locked says for how long. */
static enum vault_error fail_locked(struct vault *vault) {
    struct tpm_lockout lockout;
    char text[TPM_TEXT_SIZE];
    if (tpm_lockout(&vault->tpm, &lockout) != TPM_OK)
        return vault_fail(vault, VAULT_TPM_LOCKED_OUT, NULL, NULL);
    tpm_lockout_text(&lockout, text);
    return vault_fail(vault, VAULT_TPM_LOCKED_OUT, NULL, text);
}

enum vault_error vault_fail_tpm(struct vault *vault, enum tpm_error error) {
    vault->tpm_error = error;
    switch (error) {
    case TPM_LOCKED_OUT:
        return fail_locked(vault);
    case TPM_OTHER:
        return vault_fail(vault, VAULT_OTHER_TPM, NULL, NULL);
    case TPM_NO_RANDOM:
        return vault_fail(vault, VAULT_NO_ENTROPY, NULL, NULL);
    case TPM_FAILED:
        return vault_fail(vault, VAULT_FAILED, NULL, NULL);
    default:
        return vault_fail(vault, VAULT_TPM_FAILED, "the TPM failed", tpm_error_text(error));
    }
}

enum vault_error vault_fail_slots(struct vault *vault, enum slots_error error) {
    switch (error) {
    case SLOTS_NO_MEMORY:
        return vault_fail(vault, VAULT_NO_MEMORY, NULL, NULL);
    case SLOTS_NO_RANDOM:
        return vault_fail(vault, VAULT_NO_ENTROPY, NULL, NULL);
    case SLOTS_UNAVAILABLE:
        return vault_fail(vault, VAULT_TPM_FAILED, NULL, NULL);
    case SLOTS_TOO_LONG:
        return vault_fail(vault, VAULT_PIN_BAD, NULL, NULL);
    case SLOTS_FAILED:
        return vault_fail(vault, VAULT_FAILED, NULL, NULL);
    default:
        return vault_fail(vault, VAULT_REFUSED, NULL, slots_error_text(error));
    }
}
