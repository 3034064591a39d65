// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "crypto/hkdf.h"
#include "usim/profile.h"

/* usim.cddl */
enum { FORMAT = 1 };

static void read_text(struct cbor_reader *reader, char *to, size_t most) {
    struct cbor_text text = cbor_read_text(reader, most);
    for (size_t i = 0; i < text.size && !reader->failed; i++) {
        to[i] = text.start[i];
        reader->failed |= to[i] == '\0';
    }
}

static uint64_t read_range(struct cbor_reader *reader, uint64_t least, uint64_t most) {
    uint64_t value = cbor_read_uint(reader);
    if (value >= least && value <= most)
        return value;
    reader->failed = true;
    return least;
}

static void read_key(struct cbor_reader *reader, uint8_t *to, size_t most, size_t *size) {
    struct cbor_bytes bytes = cbor_read_bytes(reader, most);
    *size = reader->failed ? 0 : bytes.size;
    if (*size > 0)
        memcpy(to, bytes.start, *size);
}

static void read_secret(struct cbor_reader *reader, struct aka_secret *secret) {
    size_t opc_size = 0;
    (void)cbor_read_array_of(reader, 7, 7);
    secret->algorithm = (enum aka_algorithm)read_range(reader, AKA_MILENAGE, AKA_TUAK);
    read_key(reader, secret->k, AKA_KEY_MAX, &secret->k_size);
    read_key(reader, secret->opc, AKA_KEY_MAX, &opc_size);
    secret->res_size = (size_t)read_range(reader, 4, AKA_KEY_MAX);
    secret->ck_size = (size_t)read_range(reader, 16, AKA_KEY_MAX);
    secret->ik_size = (size_t)read_range(reader, 16, AKA_KEY_MAX);
    secret->iterations = (unsigned)read_range(reader, 1, 255);
    if (opc_size != (secret->algorithm == AKA_MILENAGE ? 16u : 32u))
        reader->failed = true;
}

static void read_sequence(struct cbor_reader *reader, struct usim_profile *profile) {
    (void)cbor_read_array_of(reader, 3, 3);
    profile->rule.delta = read_range(reader, 1, AKA_SEQ_MAX);
    profile->rule.limit = read_range(reader, 0, AKA_SEQ_MAX);
    (void)cbor_read_array_of(reader, AKA_INDS, AKA_INDS);
    for (size_t i = 0; i < AKA_INDS; i++)
        profile->array.seq[i] = read_range(reader, 0, AKA_SEQ_MAX);
}

static void read_pins(struct cbor_reader *reader, struct usim_profile *profile) {
    (void)cbor_read_array_of(reader, USIM_PINS, USIM_PINS);
    for (size_t i = 0; i < USIM_PINS; i++) {
        (void)cbor_read_array_of(reader, 3, 3);
        profile->pins[i].enabled = cbor_read_bool(reader);
        cbor_read_exactly(reader, profile->pins[i].value, USIM_PIN_SIZE);
        cbor_read_exactly(reader, profile->pins[i].puk, USIM_PIN_SIZE);
    }
}

static void read_suci(struct cbor_reader *reader, struct usim_profile *profile) {
    (void)cbor_read_array_of(reader, 3, 3);
    read_text(reader, profile->routing_indicator, USIM_ROUTING_DIGITS);
    profile->scheme_count = (size_t)cbor_read_array_of(reader, 0, USIM_SCHEMES_MAX);
    for (size_t i = 0; i < profile->scheme_count; i++) {
        (void)cbor_read_array_of(reader, 2, 2);
        profile->schemes[i].scheme = (uint8_t)read_range(reader, USIM_SCHEME_NULL, USIM_SCHEME_B);
        profile->schemes[i].key_index = (uint8_t)read_range(reader, 0, USIM_HN_KEYS_MAX);
    }
    profile->hn_key_count = (size_t)cbor_read_array_of(reader, 0, USIM_HN_KEYS_MAX);
    for (size_t i = 0; i < profile->hn_key_count; i++) {
        (void)cbor_read_array_of(reader, 2, 2);
        profile->hn_keys[i].id = (uint8_t)read_range(reader, 0, 255);
        read_key(reader, profile->hn_keys[i].key, USIM_HN_KEY_MAX, &profile->hn_keys[i].size);
    }
}

static void read_contents(struct cbor_reader *reader, struct usim_profile *profile) {
    profile->content_count = (size_t)cbor_read_array_of(reader, 0, USIM_CONTENTS_MAX);
    for (size_t i = 0; i < profile->content_count; i++) {
        (void)cbor_read_array_of(reader, 3, 3);
        profile->contents[i].directory = (uint16_t)read_range(reader, 0, 0xffff);
        profile->contents[i].file = (uint16_t)read_range(reader, 0, 0xffff);
        profile->contents[i].bytes = cbor_read_bytes(reader, USIM_PROFILE_MAX);
    }
}

static void read_policy(struct cbor_reader *reader, struct usim_policy *policy) {
    policy->persona_count = (size_t)cbor_read_array_of(reader, 0, USIM_PERSONAS_MAX);
    for (size_t i = 0; i < policy->persona_count; i++) {
        policy->personas[i].bound = cbor_read_array_of(reader, 2, 3) == 3;
        read_text(reader, policy->personas[i].name, USIM_PERSONA_NAME_MAX);
        policy->personas[i].access = (enum usim_access)read_range(reader, USIM_READ_ONLY, USIM_AUTHENTICATE);
        if (policy->personas[i].bound)
            cbor_read_exactly(reader, policy->personas[i].id, USIM_PERSONA_ID_SIZE);
    }
}

static bool read_profile(struct usim_profile *profile, struct cbor_reader *reader) {
    struct cbor_map map = cbor_read_map(reader);
    cbor_map_need(reader, &map, 1);
    (void)read_range(reader, FORMAT, FORMAT);
    cbor_map_need(reader, &map, 2);
    profile->generation = cbor_read_uint(reader);
    cbor_map_need(reader, &map, 3);
    read_text(reader, profile->iccid, USIM_ICCID_DIGITS);
    cbor_map_need(reader, &map, 4);
    read_text(reader, profile->imsi, USIM_IMSI_DIGITS_MAX);
    cbor_map_need(reader, &map, 5);
    profile->mnc_digits = (unsigned)read_range(reader, 2, 3);
    cbor_map_need(reader, &map, 6);
    read_secret(reader, &profile->secret);
    cbor_map_need(reader, &map, 7);
    read_sequence(reader, profile);
    cbor_map_need(reader, &map, 8);
    cbor_read_exactly(reader, profile->services, USIM_SERVICES_SIZE);
    cbor_map_need(reader, &map, 9);
    read_pins(reader, profile);
    cbor_map_need(reader, &map, 10);
    read_suci(reader, profile);
    cbor_map_need(reader, &map, 11);
    read_contents(reader, profile);
    cbor_map_need(reader, &map, 12);
    read_policy(reader, &profile->policy);
    cbor_map_end(reader, &map);
    return cbor_read_end(reader);
}

enum usim_error usim_profile_read(struct usim_profile *profile, const uint8_t *data, size_t size) {
    struct cbor_reader reader = cbor_read(data, size);
    memset(profile, 0, sizeof(*profile));
    enum usim_error error = read_profile(profile, &reader) ? usim_profile_check(profile) : USIM_MALFORMED;
    if (error != USIM_OK)
        crypto_wipe(profile, sizeof(*profile));
    return error;
}
