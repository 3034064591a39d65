// SPDX-License-Identifier: BSD-3-Clause
#include "usim/profile.h"

#include "usim/suci.h"

bool usim_service(const struct usim_profile *profile, unsigned service) {
    return service == 0 || (profile->services[(service - 1) / 8] >> (service - 1) % 8 & 1) != 0;
}

void usim_service_on(struct usim_profile *profile, unsigned service) {
    profile->services[(service - 1) / 8] |= (uint8_t)(1u << (service - 1) % 8);
}

char usim_iccid_check_digit(const char *digits) {
    unsigned sum = 0;
    for (unsigned i = 0; i < USIM_ICCID_DIGITS - 1; i++) {
        unsigned digit = (unsigned)(digits[i] - '0');
        unsigned weighed = i % 2 == 1 ? 2 * digit : digit;
        sum += weighed / 10 + weighed % 10;
    }
    return (char)('0' + (10 - sum % 10) % 10);
}

bool usim_pin_is_coded(const uint8_t *pin, bool whole) {
    unsigned digits = 0, good = 1;
    /* Without branches: digits first, then nothing but 0xff. */
    for (unsigned i = 0; i < USIM_PIN_SIZE; i++) {
        unsigned is_digit = (unsigned)((unsigned)(pin[i] - '0') < 10u), is_pad = (unsigned)(pin[i] == 0xff);
        unsigned in_order = (unsigned)(digits == i);
        good &= (is_digit & in_order) | is_pad;
        digits += is_digit;
    }
    return (good & (unsigned)(digits >= (whole ? 8u : 4u))) != 0;
}

/* @return digits of a text, which has nothing else; 0: it has */
static size_t digits_of(const char *text) {
    size_t count = 0;
    for (; text[count] != '\0'; count++)
        if (text[count] < '0' || text[count] > '9')
            return 0;
    return count;
}

static bool sequence_fits(const struct usim_profile *profile) {
    for (size_t i = 0; i < AKA_INDS; i++)
        if (profile->array.seq[i] > AKA_SEQ_MAX)
            return false;
    return profile->rule.delta >= 1 && profile->rule.delta <= AKA_SEQ_MAX && profile->rule.limit <= AKA_SEQ_MAX;
}

static bool pins_fit(const struct usim_profile *profile) {
    bool good = profile->pins[1].enabled;
    for (size_t i = 0; i < USIM_PINS; i++)
        good &= usim_pin_is_coded(profile->pins[i].value, false) && usim_pin_is_coded(profile->pins[i].puk, true);
    return good;
}

static bool scheme_fits(const struct usim_profile *profile, const struct usim_suci_scheme *scheme) {
    if (scheme->scheme == USIM_SCHEME_NULL)
        return scheme->key_index == 0;
    if (scheme->key_index == 0 || scheme->key_index > profile->hn_key_count)
        return false;
    return suci_key_fits((enum usim_scheme)scheme->scheme, &profile->hn_keys[scheme->key_index - 1]);
}

static bool suci_fits(const struct usim_profile *profile) {
    if (profile->scheme_count > USIM_SCHEMES_MAX || profile->hn_key_count > USIM_HN_KEYS_MAX)
        return false;
    for (size_t i = 0; i < profile->scheme_count; i++)
        if (!scheme_fits(profile, &profile->schemes[i]))
            return false;
    return profile->routing_indicator[0] == '\0' || digits_of(profile->routing_indicator) > 0;
}

/* The keys of a GSM context come from CK and IK of 128 bits. */
static bool services_fit(const struct usim_profile *profile) {
    bool gsm = usim_service(profile, USIM_SERVICE_GSM_ACCESS) || usim_service(profile, USIM_SERVICE_GSM_SECURITY);
    return !gsm || profile->secret.ck_size == 16;
}

/* Terminals believe the table: each service in it must be one that the card has, and EST lies in FDN's files. */
static bool services_are_carried(const struct usim_profile *profile) {
    for (unsigned service = 1; service <= 8 * USIM_SERVICES_SIZE; service++)
        if (usim_service(profile, service) && !usim_service_is_carried(service))
            return false;
    return usim_service(profile, USIM_SERVICE_FDN) || !usim_service(profile, USIM_SERVICE_EST);
}

static bool identity_fits(const struct usim_profile *profile) {
    return digits_of(profile->iccid) == USIM_ICCID_DIGITS &&
           usim_iccid_check_digit(profile->iccid) == profile->iccid[USIM_ICCID_DIGITS - 1] &&
           digits_of(profile->imsi) >= USIM_IMSI_DIGITS_MIN && digits_of(profile->imsi) <= USIM_IMSI_DIGITS_MAX &&
           (profile->mnc_digits == 2 || profile->mnc_digits == 3) && profile->generation >= 1;
}

enum usim_error usim_profile_check(const struct usim_profile *profile) {
    bool good = identity_fits(profile) && aka_secret_fits(&profile->secret) && sequence_fits(profile) &&
                pins_fit(profile) && suci_fits(profile) && services_fit(profile) &&
                profile->content_count <= USIM_CONTENTS_MAX && profile->policy.persona_count <= USIM_PERSONAS_MAX;
    if (!good)
        return USIM_BAD_VALUE;
    return services_are_carried(profile) ? USIM_OK : USIM_NO_SERVICE;
}
