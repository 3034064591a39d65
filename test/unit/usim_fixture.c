// SPDX-License-Identifier: BSD-3-Clause
#include "usim_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hex.h"
#include "known_random.h"
#include "usim/milenage.h"
#include "usim/tuak.h"
#include "usim/volatile.h"

static const unsigned services[] = {2,  10, 12, 13, 17, 19,  20,  21,  27,  33, 38,
                                    42, 43, 68, 71, 85, 122, 123, 124, 126, 130};

static void require(bool good, const char *what) {
    if (good)
        return;
    (void)fprintf(stderr, "usim_fixture: %s\n", what);
    abort();
}

void usim_profile_known(struct usim_profile *profile) {
    memset(profile, 0, sizeof(*profile));
    profile->generation = 1;
    strcpy(profile->iccid, "8988211000000000015");
    profile->iccid[18] = usim_iccid_check_digit(profile->iccid);
    strcpy(profile->imsi, "001010123456789");
    profile->mnc_digits = 2;
    profile->secret = (struct aka_secret){
        .algorithm = AKA_MILENAGE, .k_size = 16, .res_size = 8, .ck_size = 16, .ik_size = 16, .iterations = 1};
    from_hex("465b5ce8b199b49faa5f0a2ee238a6bc", profile->secret.k);
    from_hex("cd63cb71954a9f4e48a5994e37a02baf", profile->secret.opc);
    profile->rule = (struct aka_rule){UINT64_C(1) << 28, 0};
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
        usim_service_on(profile, services[i]);
    for (size_t i = 0; i < USIM_PINS; i++) {
        memcpy(profile->pins[i].value, i == 0 ? "1234\xff\xff\xff\xff" : "5678\xff\xff\xff\xff", USIM_PIN_SIZE);
        memcpy(profile->pins[i].puk, i == 0 ? "12345678" : "87654321", USIM_PIN_SIZE);
        profile->pins[i].enabled = true;
    }
    strcpy(profile->routing_indicator, "17");
    profile->hn_key_count = 2;
    profile->hn_keys[0] = (struct usim_hn_key){.id = 27, .size = 32};
    from_hex("5a8d38864820197c3394b92613b20b91633cbd897119273bf8e4a6f4eec0a650", profile->hn_keys[0].key);
    profile->hn_keys[1] = (struct usim_hn_key){.id = 28, .size = 33};
    from_hex("0272da71976234ce833a6907425867b82e074d44ef907dfb4b3e21c1c2256ebcd1", profile->hn_keys[1].key);
    profile->scheme_count = 2;
    profile->schemes[0] = (struct usim_suci_scheme){USIM_SCHEME_A, 1};
    profile->schemes[1] = (struct usim_suci_scheme){USIM_SCHEME_B, 2};
}

/* ---- Storage */

static bool memory_read(void *context, unsigned copy, uint8_t *record) {
    memcpy(record, ((struct usim_memory *)context)->copies[copy], USIM_RECORD_SIZE);
    return true;
}

static bool memory_write(void *context, unsigned copy, const uint8_t *record) {
    struct usim_memory *memory = context;
    bool cut = memory->writes++ >= memory->allowed;
    if (!cut || memory->torn)
        memcpy(memory->copies[copy], record, cut ? USIM_RECORD_SIZE / 2 : USIM_RECORD_SIZE);
    return !cut;
}

struct usim_storage usim_memory_storage(struct usim_memory *memory) {
    return (struct usim_storage){.context = memory, .read = memory_read, .write = memory_write};
}

/* ---- Card */

static struct random_stream random_numbers;

static bool fill(void *context, void *bytes, size_t size) { return random_bytes(context, bytes, size) == RANDOM_OK; }

static void insert(struct usim_fixture *fixture) {
    memset(&fixture->card, 0, sizeof(fixture->card));
    require(usim_profile_read(&fixture->card.profile, fixture->encoded, fixture->encoded_size) == USIM_OK, "profile");
    if (fixture->storage != NULL)
        fixture->card.store.storage = *fixture->storage;
    else if (fixture->forgets)
        fixture->card.store.storage = usim_volatile_storage(fixture->memory.copies[0]);
    else
        fixture->card.store.storage = usim_memory_storage(&fixture->memory);
    memset(fixture->card.store.key, 7, SEAL_KEY_SIZE);
}

/* What the loader does. */
static enum usim_error prepare(struct usim_fixture *fixture) {
    struct usim_anchor anchor = fixture->anchor;
    bool begun = false;
    if (fixture->forgets)
        memset(fixture->memory.copies, 0, sizeof(fixture->memory.copies));
    insert(fixture);
    enum usim_error error = usim_card_prepare(&fixture->card, fixture->issue, &anchor, &begun);
    if (error != USIM_OK)
        return error;
    if (fixture->memory.writes++ >= fixture->memory.allowed)
        return USIM_STORAGE;
    fixture->anchor = anchor;
    return USIM_OK;
}

static enum usim_error open_card(struct usim_fixture *fixture, bool fresh) {
    const struct usim_random random = {&random_numbers, fill};
    insert(fixture);
    enum usim_error error = usim_card_open(&fixture->card, &random, fresh);
    if (error == USIM_OK)
        usim_card_power_on(&fixture->card, USIM_AUTHENTICATE);
    return error;
}

void usim_fixture_change(struct usim_fixture *fixture, void (*change)(struct usim_profile *profile)) {
    struct usim_profile profile;
    usim_profile_known(&profile);
    if (change != NULL)
        change(&profile);
    require(usim_profile_write(&profile, fixture->encoded, sizeof(fixture->encoded), &fixture->encoded_size) == USIM_OK,
            "profile");
}

void usim_fixture_open(struct usim_fixture *fixture, void (*change)(struct usim_profile *profile)) {
    memset(fixture, 0, sizeof(*fixture));
    fixture->memory.allowed = UINT32_MAX;
    fixture->issue = 1;
    random_numbers = known_random(5);
    usim_fixture_change(fixture, change);
    enum usim_error error = usim_fixture_restart(fixture);
    require(error == USIM_OK, usim_error_text(error));
}

enum usim_error usim_fixture_restart(struct usim_fixture *fixture) {
    enum usim_error error = fixture->alone ? USIM_OK : prepare(fixture);
    return error == USIM_OK ? open_card(fixture, false) : error;
}

enum usim_error usim_fixture_leave(struct usim_fixture *fixture) {
    fixture->alone = true;
    fixture->memory.writes = 0;
    return open_card(fixture, true);
}

/* ---- Network */

void usim_network_challenge(const struct aka_secret *secret, const uint8_t *rand, uint64_t sqn, uint8_t *autn) {
    struct milenage milenage = {secret->k, secret->opc};
    struct tuak tuak = {secret->k,        secret->opc,     secret->k_size,  8,
                        secret->res_size, secret->ck_size, secret->ik_size, secret->iterations};
    struct milenage_answer answer = {.ak = {0}};
    struct tuak_answer tuak_answer;
    uint8_t mac_s[8], bytes[6], amf[2] = {0x80, 0};
    for (unsigned i = 0; i < 6; i++)
        bytes[i] = (uint8_t)(sqn >> (40 - 8 * i));
    if (secret->algorithm == AKA_MILENAGE) {
        require(milenage_f2345(&milenage, rand, &answer) && milenage_f1(&milenage, rand, bytes, amf, autn + 8, mac_s),
                "milenage");
    } else {
        tuak_f2345(&tuak, rand, &tuak_answer);
        tuak_f1(&tuak, rand, bytes, amf, autn + 8);
        memcpy(answer.ak, tuak_answer.ak, 6);
    }
    for (unsigned i = 0; i < 6; i++)
        autn[i] = bytes[i] ^ answer.ak[i];
    memcpy(autn + 6, amf, 2);
}

/* ---- Commands */

unsigned usim_exchange(struct usim_card *card, const uint8_t *command, size_t size, uint8_t *response,
                       size_t *response_size) {
    size_t got = usim_card_transmit(card, command, size, response);
    require(got >= 2 && got <= USIM_RESPONSE_MAX, "response");
    if (response[got - 2] == 0x61 && command[1] != 0xc0) {
        const uint8_t more[] = {(uint8_t)(command[0] & 3), 0xc0, 0, 0, response[got - 1]};
        got = usim_card_transmit(card, more, sizeof(more), response);
    }
    *response_size = got - 2;
    return (unsigned)response[got - 2] << 8 | response[got - 1];
}

unsigned usim_exchange_hex(struct usim_card *card, const char *command, uint8_t *response, size_t *response_size) {
    uint8_t bytes[300];
    size_t size = from_hex(command, bytes);
    return usim_exchange(card, bytes, size, response, response_size);
}

void usim_begin(struct usim_card *card) {
    uint8_t response[USIM_RESPONSE_MAX];
    size_t size = 0;
    require(usim_exchange_hex(card, "00a4040c07a0000000871002", response, &size) == 0x9000, "SELECT");
    unsigned sw = usim_exchange_hex(card, "002000010831323334ffffffff", response, &size);
    require(sw == 0x9000 || sw == 0x6984, "VERIFY");
}

unsigned usim_authenticate(struct usim_card *card, const uint8_t *rand, const uint8_t *autn, uint8_t *response,
                           size_t *response_size) {
    uint8_t command[39] = {0x00, 0x88, 0x00, 0x81, 34, 16};
    memcpy(command + 6, rand, 16);
    command[22] = 16;
    memcpy(command + 23, autn, 16);
    return usim_exchange(card, command, sizeof(command), response, response_size);
}
