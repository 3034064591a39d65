// SPDX-License-Identifier: BSD-3-Clause
#include "crypto/hkdf.h"
#include "usim/profile.h"

/* usim.cddl */
enum { FORMAT = 1 };

static void write_secret(struct cbor_writer *writer, const struct aka_secret *secret) {
    cbor_write_array(writer, 7);
    cbor_write_uint(writer, (uint64_t)secret->algorithm);
    cbor_write_bytes(writer, secret->k, secret->k_size);
    cbor_write_bytes(writer, secret->opc, secret->algorithm == AKA_MILENAGE ? 16 : 32);
    cbor_write_uint(writer, secret->res_size);
    cbor_write_uint(writer, secret->ck_size);
    cbor_write_uint(writer, secret->ik_size);
    cbor_write_uint(writer, secret->iterations);
}

static void write_sequence(struct cbor_writer *writer, const struct usim_profile *profile) {
    cbor_write_array(writer, 3);
    cbor_write_uint(writer, profile->rule.delta);
    cbor_write_uint(writer, profile->rule.limit);
    cbor_write_array(writer, AKA_INDS);
    for (size_t i = 0; i < AKA_INDS; i++)
        cbor_write_uint(writer, profile->array.seq[i]);
}

static void write_pins(struct cbor_writer *writer, const struct usim_profile *profile) {
    cbor_write_array(writer, USIM_PINS);
    for (size_t i = 0; i < USIM_PINS; i++) {
        cbor_write_array(writer, 3);
        cbor_write_bool(writer, profile->pins[i].enabled);
        cbor_write_bytes(writer, profile->pins[i].value, USIM_PIN_SIZE);
        cbor_write_bytes(writer, profile->pins[i].puk, USIM_PIN_SIZE);
    }
}

static void write_suci(struct cbor_writer *writer, const struct usim_profile *profile) {
    cbor_write_array(writer, 3);
    cbor_write_text(writer, profile->routing_indicator);
    cbor_write_array(writer, profile->scheme_count);
    for (size_t i = 0; i < profile->scheme_count; i++) {
        cbor_write_array(writer, 2);
        cbor_write_uint(writer, profile->schemes[i].scheme);
        cbor_write_uint(writer, profile->schemes[i].key_index);
    }
    cbor_write_array(writer, profile->hn_key_count);
    for (size_t i = 0; i < profile->hn_key_count; i++) {
        cbor_write_array(writer, 2);
        cbor_write_uint(writer, profile->hn_keys[i].id);
        cbor_write_bytes(writer, profile->hn_keys[i].key, profile->hn_keys[i].size);
    }
}

static void write_contents(struct cbor_writer *writer, const struct usim_profile *profile) {
    cbor_write_array(writer, profile->content_count);
    for (size_t i = 0; i < profile->content_count; i++) {
        cbor_write_array(writer, 3);
        cbor_write_uint(writer, profile->contents[i].directory);
        cbor_write_uint(writer, profile->contents[i].file);
        cbor_write_bytes(writer, profile->contents[i].bytes.start, profile->contents[i].bytes.size);
    }
}

static void write_policy(struct cbor_writer *writer, const struct usim_policy *policy) {
    cbor_write_array(writer, policy->persona_count);
    for (size_t i = 0; i < policy->persona_count; i++) {
        cbor_write_array(writer, policy->personas[i].bound ? 3 : 2);
        cbor_write_text(writer, policy->personas[i].name);
        cbor_write_uint(writer, (uint64_t)policy->personas[i].access);
        if (policy->personas[i].bound)
            cbor_write_bytes(writer, policy->personas[i].id, USIM_PERSONA_ID_SIZE);
    }
}

static void write_profile(struct cbor_writer *writer, const struct usim_profile *profile) {
    cbor_write_map(writer, 12);
    cbor_write_uint(writer, 1);
    cbor_write_uint(writer, FORMAT);
    cbor_write_uint(writer, 2);
    cbor_write_uint(writer, profile->generation);
    cbor_write_uint(writer, 3);
    cbor_write_text(writer, profile->iccid);
    cbor_write_uint(writer, 4);
    cbor_write_text(writer, profile->imsi);
    cbor_write_uint(writer, 5);
    cbor_write_uint(writer, profile->mnc_digits);
    cbor_write_uint(writer, 6);
    write_secret(writer, &profile->secret);
    cbor_write_uint(writer, 7);
    write_sequence(writer, profile);
    cbor_write_uint(writer, 8);
    cbor_write_bytes(writer, profile->services, USIM_SERVICES_SIZE);
    cbor_write_uint(writer, 9);
    write_pins(writer, profile);
    cbor_write_uint(writer, 10);
    write_suci(writer, profile);
    cbor_write_uint(writer, 11);
    write_contents(writer, profile);
    cbor_write_uint(writer, 12);
    write_policy(writer, &profile->policy);
}

enum usim_error usim_profile_write(const struct usim_profile *profile, uint8_t *data, size_t room, size_t *size) {
    struct cbor_writer writer = cbor_write(data, room);
    *size = 0;
    enum usim_error error = usim_profile_check(profile);
    if (error != USIM_OK)
        return error;
    write_profile(&writer, profile);
    if (!writer.failed && writer.size <= USIM_PROFILE_MAX) {
        *size = writer.size;
        return USIM_OK;
    }
    crypto_wipe(data, room);
    return USIM_NO_ROOM;
}
