// SPDX-License-Identifier: BSD-3-Clause
#ifndef USIM_PROFILE_H
#define USIM_PROFILE_H

/**
 * A profile: what one USIM is, as whoever issues it says (crypto/usim/usim.cddl). It is read once, into this structure,
 * and all of it is checked then. It never changes on a card; what changes is the state (state.h).
 *
 * One holder at a time: `generation` goes up with each time that the profile is issued, and a state belongs to one
 * generation. A profile that is handed on carries the array of sequence numbers as it was, so that nothing is accepted
 * twice.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/cbor.h"
#include "usim/aka.h"
#include "usim/error.h"

enum {
    USIM_PROFILE_MAX = 6144, /* bytes of a profile as it is encoded */
    USIM_IMSI_DIGITS_MIN = 6,
    USIM_IMSI_DIGITS_MAX = 15, /* TS 23.003 2.2 */
    USIM_ICCID_DIGITS = 19,    /* ITU-T E.118: with the check digit */
    USIM_ROUTING_DIGITS = 4,   /* at most, of a routing indicator */
    USIM_SERVICES_SIZE = 18,   /* bytes of the service table: services 1 to 144 */
    USIM_PINS = 2,
    USIM_PIN_SIZE = 8, /* bytes: 4 to 8 digits, then 0xff (TS 102 221 9.5.1) */
    USIM_PIN_TRIES = 3,
    USIM_PUK_TRIES = 10,
    USIM_SCHEMES_MAX = 4, /* protection schemes of SUCI, the preferred one first */
    USIM_HN_KEYS_MAX = 4, /* public keys of the home network */
    USIM_HN_KEY_MAX = 65, /* bytes: X25519 32; P-256 33 or 65 */
    USIM_CONTENTS_MAX = 32,
    USIM_PERSONAS_MAX = 8,
    USIM_PERSONA_NAME_MAX = 32, /* bytes */
    USIM_PERSONA_ID_SIZE = 16,  /* bytes */
};

/** Services that the card itself looks at (TS 31.102 4.2.8); a file's service is in the table of files. */
enum usim_service {
    USIM_SERVICE_FDN = 2,
    USIM_SERVICE_GSM_ACCESS = 27,
    USIM_SERVICE_EST = 34,
    USIM_SERVICE_GSM_SECURITY = 38,
    USIM_SERVICE_GBA = 68,
    USIM_SERVICE_SUCI = 124,
    USIM_SERVICE_SUCI_BY_CARD = 125,
};

/** PIN1 and PIN2 and their unblocking keys. Secret. */
struct usim_pin_profile {
    bool enabled; /* PIN2 always is */
    uint8_t value[USIM_PIN_SIZE];
    uint8_t puk[USIM_PIN_SIZE];
};

enum usim_scheme {
    USIM_SCHEME_NULL = 0,
    USIM_SCHEME_A = 1, /* ECIES on Curve25519 (TS 33.501 C.3.4.1) */
    USIM_SCHEME_B = 2, /* ECIES on P-256 (C.3.4.2) */
};

/** A protection scheme, and the index in hn_keys, from 1, of its key; 0 for the null scheme. */
struct usim_suci_scheme {
    uint8_t scheme;
    uint8_t key_index;
};

struct usim_hn_key {
    uint8_t id;
    size_t size; /* bytes */
    uint8_t key[USIM_HN_KEY_MAX];
};

/** What a file of the card contains at first, in place of what the table of files says. */
struct usim_content {
    uint16_t directory; /* 3f00, 7ff0 for ADF.USIM, 5f3b for DF.GSM-ACCESS, 5fc0 for DF.5GS */
    uint16_t file;
    struct cbor_bytes bytes; /* within the encoded profile */
};

/** What a persona may do with the card. */
enum usim_access {
    USIM_READ_ONLY = 0,    /* files, but those in which terminals keep the keys of their sessions */
    USIM_AUTHENTICATE = 1, /* all of them, AUTHENTICATE and GET IDENTITY */
};

struct usim_policy {
    size_t persona_count; /* 0: every one */
    struct {
        char name[USIM_PERSONA_NAME_MAX + 1];
        enum usim_access access;
        bool bound;                       /* to a persona that its organisation signed: a name alone is anyone's */
        uint8_t id[USIM_PERSONA_ID_SIZE]; /* if bound: that one's */
    } personas[USIM_PERSONAS_MAX];
};

/** Wiped by its owner: K, OPc, PINs. */
struct usim_profile {
    uint64_t generation; /* from 1 */
    char iccid[USIM_ICCID_DIGITS + 1];
    char imsi[USIM_IMSI_DIGITS_MAX + 1];
    unsigned mnc_digits; /* 2 or 3 */
    struct aka_secret secret;
    struct aka_rule rule;
    struct aka_array array; /* as it is when the profile is issued */
    uint8_t services[USIM_SERVICES_SIZE];
    struct usim_pin_profile pins[USIM_PINS];
    char routing_indicator[USIM_ROUTING_DIGITS + 1];
    size_t scheme_count;
    struct usim_suci_scheme schemes[USIM_SCHEMES_MAX];
    size_t hn_key_count;
    struct usim_hn_key hn_keys[USIM_HN_KEYS_MAX];
    size_t content_count;
    struct usim_content contents[USIM_CONTENTS_MAX];
    struct usim_policy policy;
};

/** @return whether a service of the service table is on (TS 31.102 4.2.8) */
bool usim_service(const struct usim_profile *profile, unsigned service);

/** @return whether the card has what terminals expect of a USIM whose table has this service, of any number: a profile
 * with another one is refused */
bool usim_service_is_carried(unsigned service);

/** Turns a service on, 1 to 8 * USIM_SERVICES_SIZE. */
void usim_service_on(struct usim_profile *profile, unsigned service);

/** @return the check digit of an ICCID's first 18 digits (ITU-T E.118, ISO/IEC 7812-1: Luhn), '0' to '9' */
char usim_iccid_check_digit(const char *digits);

/** @return whether a PIN or PUK is coded as TS 102 221 9.5.1 says. @param whole 8 digits are needed, as of a PUK */
bool usim_pin_is_coded(const uint8_t *pin, bool whole);

/**
 * Checks a profile's values.
 * @return USIM_OK, USIM_BAD_VALUE, USIM_NO_SERVICE
 */
__attribute__((warn_unused_result)) enum usim_error usim_profile_check(const struct usim_profile *profile);

/**
 * Reads and checks a profile.
 * @param profile points into data where it says so; all zero on failure
 * @param data    size bytes, which stay until the card is open
 * @return USIM_OK, USIM_MALFORMED, USIM_BAD_VALUE, USIM_NO_SERVICE
 */
__attribute__((warn_unused_result)) enum usim_error usim_profile_read(struct usim_profile *profile, const uint8_t *data,
                                                                      size_t size);

/**
 * Writes a profile, which is checked before.
 * @param data room bytes; USIM_PROFILE_MAX are enough
 * @param size its bytes; 0 on failure
 * @return USIM_OK, USIM_BAD_VALUE, USIM_NO_SERVICE, USIM_NO_ROOM
 */
__attribute__((warn_unused_result)) enum usim_error usim_profile_write(const struct usim_profile *profile,
                                                                       uint8_t *data, size_t room, size_t *size);

#endif
