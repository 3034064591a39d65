// SPDX-License-Identifier: BSD-3-Clause
// What profiles are made of, from text.
#include <string.h>

#include "crypto/hkdf.h"
#include "usim.h"

/* Service numbers of TS 31.102 4.2.8 that every profile has: what their files are for is in the card's table of files.
 */
static const unsigned services[] = {2, 10, 12, 13, 17, 19, 20, 21, 33, 34, 42, 43, 68, 71, 85, 122, 123, 124, 126};

/* Digits at random; a remainder of 256 / 10 would favour some. */
static bool random_digits(struct random_stream *random, uint8_t *digits, size_t count) {
    for (size_t i = 0; i < count;) {
        uint8_t byte = 0;
        if (random_bytes(random, &byte, 1) != RANDOM_OK)
            return false;
        if (byte < 250)
            digits[i++] = (uint8_t)('0' + byte % 10);
    }
    return true;
}

bool usim_profile_new(struct random_stream *random, struct usim_profile *profile) {
    bool good = true;
    memset(profile, 0, sizeof(*profile));
    profile->generation = 1;
    profile->mnc_digits = 2;
    profile->rule.delta = UINT64_C(1) << 28;
    profile->secret = (struct aka_secret){
        .algorithm = AKA_MILENAGE, .k_size = 16, .res_size = 8, .ck_size = 16, .ik_size = 16, .iterations = 1};
    good &= random_bytes(random, profile->secret.k, profile->secret.k_size) == RANDOM_OK;
    good &= random_bytes(random, profile->secret.opc, 16) == RANDOM_OK;
    for (size_t i = 0; i < USIM_PINS; i++) {
        memset(profile->pins[i].value, 0xff, USIM_PIN_SIZE);
        good &= random_digits(random, profile->pins[i].value, 4) &&
                random_digits(random, profile->pins[i].puk, USIM_PIN_SIZE);
    }
    profile->pins[1].enabled = true;
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
        usim_service_on(profile, services[i]);
    if (!good)
        cli_error("no random numbers");
    return good;
}

static bool is_digits(const char *text, size_t least, size_t most) {
    size_t length = strlen(text);
    return length >= least && length <= most && strspn(text, "0123456789") == length;
}

bool usim_take_iccid(struct usim_profile *profile, const char *text) {
    if (!is_digits(text, USIM_ICCID_DIGITS - 1, USIM_ICCID_DIGITS)) {
        cli_error("ICCID %s: %d digits are needed, and may be followed by the check digit", text,
                  USIM_ICCID_DIGITS - 1);
        return false;
    }
    char check = usim_iccid_check_digit(text);
    if (strlen(text) == USIM_ICCID_DIGITS && text[USIM_ICCID_DIGITS - 1] != check) {
        cli_error("ICCID %s: its check digit must be %c", text, check);
        return false;
    }
    memcpy(profile->iccid, text, USIM_ICCID_DIGITS - 1);
    profile->iccid[USIM_ICCID_DIGITS - 1] = check;
    profile->iccid[USIM_ICCID_DIGITS] = '\0';
    return true;
}

bool usim_take_imsi(struct usim_profile *profile, const char *text, unsigned mnc_digits) {
    if (!is_digits(text, USIM_IMSI_DIGITS_MIN, USIM_IMSI_DIGITS_MAX)) {
        cli_error("IMSI %s: %d to %d digits are needed", text, USIM_IMSI_DIGITS_MIN, USIM_IMSI_DIGITS_MAX);
        return false;
    }
    memcpy(profile->imsi, text, strlen(text) + 1);
    profile->mnc_digits = mnc_digits;
    return true;
}

bool usim_take_pin(uint8_t *pin, const char *text, bool whole) {
    if (!is_digits(text, whole ? USIM_PIN_SIZE : 4, USIM_PIN_SIZE)) {
        cli_error(whole ? "a PUK has 8 digits" : "a PIN has 4 to 8 digits");
        return false;
    }
    memset(pin, 0xff, USIM_PIN_SIZE);
    for (size_t i = 0; text[i] != '\0'; i++)
        pin[i] = (uint8_t)text[i];
    return true;
}

static int digit_of(char digit) {
    const char *digits = "0123456789abcdef";
    const char *found = digit == '\0' ? NULL : strchr(digits, digit >= 'A' && digit <= 'F' ? digit - 'A' + 'a' : digit);
    return found == NULL ? -1 : (int)(found - digits);
}

bool usim_take_hex(const char *what, const char *text, uint8_t *bytes, size_t size) {
    bool good = strlen(text) == 2 * size;
    for (size_t i = 0; i < size && good; i++) {
        int high = digit_of(text[2 * i]), low = digit_of(text[2 * i + 1]);
        good = high >= 0 && low >= 0;
        bytes[i] = (uint8_t)(((unsigned)high & 0xf) << 4 | ((unsigned)low & 0xf));
    }
    if (!good)
        cli_error("%s: %zu hexadecimal digits are needed", what, 2 * size);
    return good;
}

static void report_suci(struct report *report, const struct usim_profile *profile) {
    static const char *const names[] = {"null", "A", "B"};
    report_text(report, "routing-indicator", profile->routing_indicator);
    report_list_begin(report, "suci-schemes");
    for (size_t i = 0; i < profile->scheme_count; i++) {
        report_item_begin(report);
        report_text(report, "scheme", names[profile->schemes[i].scheme]);
        if (profile->schemes[i].key_index > 0)
            report_number(report, "key", profile->hn_keys[profile->schemes[i].key_index - 1].id);
        report_item_end(report);
    }
    report_list_end(report);
}

void usim_report(struct report *report, const struct usim_profile *profile) {
    report_text(report, "iccid", profile->iccid);
    report_text(report, "imsi", profile->imsi);
    report_number(report, "mnc-digits", profile->mnc_digits);
    report_number(report, "generation", profile->generation);
    report_text(report, "algorithm", profile->secret.algorithm == AKA_TUAK ? "tuak" : "milenage");
    report_bool(report, "pin", profile->pins[0].enabled);
    report_hex(report, "services", profile->services, USIM_SERVICES_SIZE);
    report_suci(report, profile);
    report_list_begin(report, "personas");
    for (size_t i = 0; i < profile->policy.persona_count; i++) {
        report_item_begin(report);
        report_text(report, "name", profile->policy.personas[i].name);
        report_text(report, "access",
                    profile->policy.personas[i].access == USIM_AUTHENTICATE ? "authenticate" : "read");
        report_item_end(report);
    }
    report_list_end(report);
}
