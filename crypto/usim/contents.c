// SPDX-License-Identifier: BSD-3-Clause
// What a new card's files contain.
#include <string.h>

#include "files.h"

enum { NIBBLE_NONE = 0xf, APPLICATION = 0x61, AID = 0x4f, LABEL = 0x50 };

/* A place to write a file's contents to; what does not fit is counted and not written. */
struct place {
    uint8_t *start;
    size_t room;
    size_t size;
};

static void put(struct place *place, unsigned byte) {
    if (place->size < place->room)
        place->start[place->size] = (uint8_t)byte;
    place->size++;
}

static void put_all(struct place *place, const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++)
        put(place, bytes[i]);
}

static unsigned nibble(const char *digits, size_t count, size_t at) {
    return at < count ? (unsigned)(digits[at] - '0') : (unsigned)NIBBLE_NONE;
}

/* Two digits a byte, the first in the lower half (TS 24.008). */
static void put_digits(struct place *place, const char *digits, size_t count) {
    for (size_t i = 0; i < count; i += 2)
        put(place, nibble(digits, count, i + 1) << 4 | nibble(digits, count, i));
}

static size_t length_of(const char *text) {
    size_t length = 0;
    while (text[length] != '\0')
        length++;
    return length;
}

static struct place place_of(const struct usim_profile *profile, uint8_t *contents, uint16_t directory, uint16_t id) {
    int number = file_find(profile, directory, id);
    if (number == FILE_NONE)
        return (struct place){.start = contents};
    return (struct place){contents + file_offset(number), file_at(number)->size, 0};
}

/* TS 31.102 4.2.2: length, then the parity and type digit before the first one. */
static void begin_imsi(const struct usim_profile *profile, struct place place) {
    size_t count = length_of(profile->imsi);
    put(&place, (unsigned)(1 + count / 2));
    put(&place, nibble(profile->imsi, count, 0) << 4 | (count % 2 == 1 ? 9u : 1u));
    put_digits(&place, profile->imsi + 1, count - 1);
}

/* TS 102 221 13.1: one application. */
static void begin_directory(struct place place) {
    static const uint8_t label[] = {'U', 'S', 'I', 'M'};
    put(&place, APPLICATION);
    put(&place, 2 + AID_SIZE + 2 + sizeof(label));
    put(&place, AID);
    put(&place, AID_SIZE);
    put_all(&place, usim_aid, AID_SIZE);
    put(&place, LABEL);
    put(&place, sizeof(label));
    put_all(&place, label, sizeof(label));
}

/* Security conditions (TS 102 221 9.2.3, ISO/IEC 7816-4): nothing, never, or a key reference in a CRT. */
static void put_condition(struct place *place, enum file_condition condition) {
    static const uint8_t always[] = {0x90, 0x00}, never[] = {0x97, 0x00},
                         pins[][8] = {{0xa4, 0x06, 0x83, 0x01, 0x01, 0x95, 0x01, 0x08},
                                      {0xa4, 0x06, 0x83, 0x01, 0x81, 0x95, 0x01, 0x08},
                                      {0xa4, 0x06, 0x83, 0x01, 0x0a, 0x95, 0x01, 0x08}};
    if (condition == ALWAYS)
        put_all(place, always, sizeof(always));
    else if (condition == NEVER)
        put_all(place, never, sizeof(never));
    else
        put_all(place, pins[condition - PIN1], sizeof(pins[0]));
}

/* TS 102 221 9.2.4, 13.4: access mode, then its condition. INCREASE is named by its instruction. A directory's modes
 * are to create, delete, activate and deactivate (ISO/IEC 7816-4 9.3.3). */
static void begin_rules(struct place place, size_t record) {
    static const uint8_t modes[FILE_RIGHTS][3] = {{0x80, 0x01, 0x01}, {0x80, 0x01, 0x02}, {0x84, 0x01, 0x32}},
                         all[] = {0x80, 0x01, 0x7f};
    for (unsigned rule = 1; rule <= RULE_COUNT && place.room > 0; rule++) {
        struct place one = {place.start + (rule - 1) * record, record, 0};
        for (unsigned right = 0; right < FILE_RIGHTS && rule != RULE_DIRECTORY; right++) {
            put_all(&one, modes[right], sizeof(modes[0]));
            put_condition(&one, file_condition((enum file_rule)rule, (enum file_right)right));
        }
        if (rule == RULE_DIRECTORY) {
            put_all(&one, all, sizeof(all));
            put_condition(&one, NEVER);
        }
    }
}

/* TS 31.102 4.4.11.8: the protection schemes with their priority, then the keys. */
static void begin_suci(const struct usim_profile *profile, struct place place) {
    size_t keys = 0;
    put(&place, 0xa0);
    put(&place, (unsigned)(2 * profile->scheme_count));
    for (size_t i = 0; i < profile->scheme_count; i++) {
        put(&place, profile->schemes[i].scheme);
        put(&place, profile->schemes[i].key_index);
    }
    for (size_t i = 0; i < profile->hn_key_count; i++)
        keys += 5 + profile->hn_keys[i].size;
    put(&place, 0xa1);
    if (keys > 127)
        put(&place, 0x81);
    put(&place, (unsigned)keys);
    for (size_t i = 0; i < profile->hn_key_count; i++) {
        const uint8_t head[] = {0x80, 1, profile->hn_keys[i].id, 0x81, (uint8_t)profile->hn_keys[i].size};
        put_all(&place, head, sizeof(head));
        put_all(&place, profile->hn_keys[i].key, profile->hn_keys[i].size);
    }
}

/* An EF that says "not updated" (TS 31.102 4.2.5, 4.2.7, 4.2.9 and others), and the like. */
static void begin_fixed(const struct usim_profile *profile, uint8_t *contents) {
    static const struct {
        uint16_t directory, id;
        uint8_t size, at, bytes[6];
    } fixed[] = {
        {FID_ADF_USIM, 0x6f08, 1, 0, {0x07}},                               /* Keys: no KSI */
        {FID_ADF_USIM, 0x6f09, 1, 0, {0x07}},                               /* KeysPS */
        {FID_ADF_USIM, 0x6f31, 1, 0, {0x0a}},                               /* HPPLMN: every 60 minutes */
        {FID_ADF_USIM, 0x6f5b, 6, 0, {0xf0, 0x00, 0x00, 0xf0, 0x00, 0x00}}, /* START-HFN */
        {FID_ADF_USIM, 0x6f41, 5, 0, {0xff, 0xff, 0xff, 0x00, 0x00}},       /* PUCT: no currency */
        {FID_ADF_USIM, 0x6f73, 4, 10, {0xff, 0xfe, 0xff, 0x01}},            /* PSLOCI: no area, not updated */
        {FID_ADF_USIM, 0x6f7e, 4, 7, {0xff, 0xfe, 0xff, 0x01}},             /* LOCI */
        {FID_ADF_USIM, 0x6fe3, 3, 15, {0xff, 0xfe, 0x01}},                  /* EPSLOCI */
        {FID_DF_5GS, 0x4f01, 4, 16, {0xff, 0xff, 0xfe, 0x01}},              /* 5GS3GPPLOCI */
        {FID_DF_5GS, 0x4f02, 4, 16, {0xff, 0xff, 0xfe, 0x01}},              /* 5GSN3GPPLOCI */
        {FID_ADF_USIM, 0x6fb7, 3, 0, {0x11, 0xf2, 0xff}},                   /* ECC: 112 */
        {FID_ADF_USIM, 0x6fb7, 1, 7, {0x00}},                               /* of any service */
        {FID_DF_GSM_ACCESS, 0x4f20, 1, 8, {0x07}},                          /* Kc: no CKSN */
        {FID_DF_GSM_ACCESS, 0x4f52, 1, 8, {0x07}},                          /* KcGPRS */
        {FID_MF, 0x2f08, 5, 0, {0x00, 0x00, 0x00, 0x00, 0x00}},             /* UMPC */
    };
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
        struct place place = place_of(profile, contents, fixed[i].directory, fixed[i].id);
        if (place.room > 0)
            memcpy(place.start + fixed[i].at, fixed[i].bytes, fixed[i].size);
    }
}

/* TS 31.102 4.2.25: a record's first byte says that there is no message in it. */
static void begin_messages(const struct usim_profile *profile, uint8_t *contents) {
    int number = file_find(profile, FID_ADF_USIM, FID_SMS);
    for (size_t at = 0; number != FILE_NONE && at < file_at(number)->size; at += file_at(number)->record)
        contents[file_offset(number) + at] = 0x00;
}

static void begin_identity(const struct usim_profile *profile, uint8_t *contents) {
    struct place place = place_of(profile, contents, FID_MF, 0x2fe2);
    put_digits(&place, profile->iccid, USIM_ICCID_DIGITS);
    begin_directory(place_of(profile, contents, FID_MF, 0x2f00));
    begin_imsi(profile, place_of(profile, contents, FID_ADF_USIM, 0x6f07));
    place = place_of(profile, contents, FID_ADF_USIM, 0x6f38);
    put_all(&place, profile->services, USIM_SERVICES_SIZE);
    place = place_of(profile, contents, FID_ADF_USIM, 0x6fad);
    place.size = 3;
    put(&place, profile->mnc_digits);
    /* Access class: the last digit of the IMSI, as is usual (TS 22.011 4.2). */
    unsigned class = nibble(profile->imsi, length_of(profile->imsi), length_of(profile->imsi) - 1);
    place = place_of(profile, contents, FID_ADF_USIM, 0x6f78);
    put(&place, 1u << class >> 8);
    put(&place, 1u << class & 0xff);
    place = place_of(profile, contents, FID_DF_5GS, 0x4f0a);
    put_digits(&place, profile->routing_indicator, length_of(profile->routing_indicator));
    begin_suci(profile, place_of(profile, contents, FID_DF_5GS, 0x4f07));
}

static enum usim_error take_contents(const struct usim_profile *profile, uint8_t *contents) {
    for (size_t i = 0; i < profile->content_count; i++) {
        const struct usim_content *content = &profile->contents[i];
        int number = file_find(profile, content->directory, content->file);
        if (number == FILE_NONE || content->bytes.size > file_at(number)->size)
            return USIM_BAD_VALUE;
        if (content->bytes.size > 0)
            memcpy(contents + file_offset(number), content->bytes.start, content->bytes.size);
    }
    return USIM_OK;
}

enum usim_error files_begin(const struct usim_profile *profile, uint8_t *contents) {
    for (int i = 0; i < file_count; i++)
        memset(contents + file_offset(i), file_at(i)->fill, file_at(i)->size);
    begin_fixed(profile, contents);
    begin_messages(profile, contents);
    begin_identity(profile, contents);
    begin_rules(place_of(profile, contents, FID_MF, FID_ARR_MF), 40);
    begin_rules(place_of(profile, contents, FID_ADF_USIM, FID_ARR_USIM), 40);
    return take_contents(profile, contents);
}
