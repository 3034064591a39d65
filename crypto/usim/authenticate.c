// SPDX-License-Identifier: BSD-3-Clause
// AUTHENTICATE and GET IDENTITY (TS 31.102 7.1, 7.5).
#include <string.h>

#include "command.h"
#include "crypto/hkdf.h"
#include "taint.h"
#include "usim/gba.h"
#include "usim/suci.h"

enum {
    CONTEXT_GSM = 0x80,
    CONTEXT_3G = 0x81,
    CONTEXT_GROUP = 0x82, /* VGCS and VBS: not on this card */
    TAG_DONE = 0xdb,
    TAG_RESYNCHRONISE = 0xdc,
    TAG_BOOTSTRAP = 0xdd,
    TAG_NAF = 0xde,
    TAG_NAF_ID = 0x80,
    TAG_B_TID = 0x81,
    TAG_SUCI = 0xa1,
    IDENTITY_SUCI = 0x01,
};

static void reply_field(struct reply *reply, const uint8_t *field, size_t size) {
    reply_byte(reply, (unsigned)size);
    reply_bytes(reply, field, size);
}

/* What is given may be known to whoever asked for it. */
static void reply_made_public(struct reply *reply) { USIM_PUBLIC(reply->data, sizeof(reply->data)); }

static unsigned gsm(struct usim_card *card, const struct command *command, struct reply *reply) {
    uint8_t sres[4], kc[8];
    if (!usim_service(&card->profile, USIM_SERVICE_GSM_SECURITY))
        return SW_CONTEXT;
    if (command->size != 1 + AKA_RAND_SIZE || command->data[0] != AKA_RAND_SIZE)
        return SW_LENGTH;
    if (!aka_gsm(&card->profile.secret, command->data + 1, sres, kc))
        return SW_NO_DIAGNOSIS;
    reply_field(reply, sres, sizeof(sres));
    reply_field(reply, kc, sizeof(kc));
    crypto_wipe(kc, sizeof(kc));
    reply_made_public(reply);
    return SW_OK;
}

static unsigned resynchronise(struct usim_card *card, const uint8_t *rand, struct reply *reply) {
    uint8_t auts[AKA_AUTS_SIZE];
    if (!aka_resynchronise(&card->profile.secret, rand, aka_sqn_ms(&card->state.array), auts))
        return SW_NO_DIAGNOSIS;
    reply_byte(reply, TAG_RESYNCHRONISE);
    reply_field(reply, auts, sizeof(auts));
    reply_made_public(reply);
    return SW_OK;
}

/* What the power-on may take narrows delta (C.2.2 i): the network is told where to go on. The next power-on's limit is
 * beyond what was refused for it. */
static bool is_beyond_limit(struct usim_card *card, uint64_t seq) {
    if (seq > card->state.anchor.limit && seq > card->state.mark) {
        usim_state_reserve(&card->state, seq);
        (void)card_save(card);
    }
    return seq > card->state.anchor.limit;
}

/* Takes a sequence number, and first, where it goes beyond the mark, writes that further ahead: the answer must not be
 * out before what makes it the only one is stored. */
static unsigned take(struct usim_card *card, uint64_t sqn, bool always) {
    uint64_t seq = sqn >> AKA_IND_BITS;
    aka_accept(&card->state.array, sqn);
    if (seq <= card->state.mark && !always)
        return card->store.failed ? SW_MEMORY : SW_OK;
    usim_state_reserve(&card->state, seq);
    return card_save(card);
}

/* MAC, then freshness (TS 33.102 6.3.3). @return SW_OK with an answer, or with AUTS in the reply */
static unsigned challenge(struct usim_card *card, const uint8_t *rand, const uint8_t *autn, struct aka_answer *answer,
                          struct reply *reply) {
    bool failed = false;
    if (card->store.failed)
        return SW_MEMORY;
    if (!aka_challenge(&card->profile.secret, rand, autn, answer, &failed))
        return failed ? SW_NO_DIAGNOSIS : SW_MAC;
    if (!aka_is_fresh(&card->state.array, &card->profile.rule, answer->sqn) ||
        is_beyond_limit(card, answer->sqn >> AKA_IND_BITS))
        return resynchronise(card, rand, reply);
    return SW_OK;
}

static unsigned umts(struct usim_card *card, const struct command *command, struct reply *reply) {
    const struct aka_secret *secret = &card->profile.secret;
    struct aka_answer answer;
    uint8_t kc[8];
    if (command->size != 2 + AKA_RAND_SIZE + AKA_AUTN_SIZE)
        return SW_LENGTH;
    const uint8_t *rand = command->data + 1, *autn = rand + AKA_RAND_SIZE + 1;
    if (command->data[0] != AKA_RAND_SIZE || autn[-1] != AKA_AUTN_SIZE)
        return SW_LENGTH;
    unsigned sw = challenge(card, rand, autn, &answer, reply);
    if (sw == SW_OK && reply->size == 0)
        sw = take(card, answer.sqn, false);
    if (sw == SW_OK && reply->size == 0) {
        reply_byte(reply, TAG_DONE);
        reply_field(reply, answer.res, secret->res_size);
        reply_field(reply, answer.ck, secret->ck_size);
        reply_field(reply, answer.ik, secret->ik_size);
        aka_kc(answer.ck, answer.ik, kc);
        if (usim_service(&card->profile, USIM_SERVICE_GSM_ACCESS))
            reply_field(reply, kc, sizeof(kc));
        reply_made_public(reply);
    }
    crypto_wipe(&answer, sizeof(answer));
    crypto_wipe(kc, sizeof(kc));
    return sw;
}

/* ---- GBA */

/* EF GBABP: RAND; what the terminal adds to it, B-TID and lifetime, is of the last bootstrapping and goes. */
static void note_bootstrap(struct usim_card *card, const uint8_t *rand) {
    int number = file_find(&card->profile, FID_ADF_USIM, FID_GBABP);
    uint8_t *contents = file_contents(card, number);
    memset(contents, 0xff, file_at(number)->size);
    contents[0] = AKA_RAND_SIZE;
    memcpy(contents + 1, rand, AKA_RAND_SIZE);
}

static unsigned bootstrap(struct usim_card *card, const struct command *command, struct reply *reply) {
    const struct aka_secret *secret = &card->profile.secret;
    uint8_t genuine[AKA_AUTN_SIZE];
    struct aka_answer answer;
    if (command->size != 3 + AKA_RAND_SIZE + AKA_AUTN_SIZE)
        return SW_LENGTH;
    const uint8_t *rand = command->data + 2, *autn = rand + AKA_RAND_SIZE + 1;
    if (command->data[1] != AKA_RAND_SIZE || autn[-1] != AKA_AUTN_SIZE)
        return SW_LENGTH;
    if (!gba_unmark(secret, rand, autn, genuine))
        return SW_NO_DIAGNOSIS;
    unsigned sw = challenge(card, rand, genuine, &answer, reply);
    if (sw == SW_OK && reply->size == 0) {
        gba_bootstrap(&card->state.gba, secret, &answer, rand);
        note_bootstrap(card, rand);
        sw = take(card, answer.sqn, true);
        reply_byte(reply, TAG_DONE);
        reply_field(reply, answer.res, secret->res_size);
        reply_made_public(reply);
    }
    crypto_wipe(genuine, sizeof(genuine));
    crypto_wipe(&answer, sizeof(answer));
    return sw;
}

/* A record of EF GBANL (TS 31.102 4.2.83): NAF_Id, then the B-TID that the terminal wrote behind RAND in EF GBABP.
 * @return false when it does not fit */
static bool begin_naf_record(struct usim_card *card, const struct gba_naf *naf, uint8_t *record) {
    int number = file_find(&card->profile, FID_ADF_USIM, FID_GBABP);
    const uint8_t *b_tid = file_contents(card, number) + 1 + AKA_RAND_SIZE;
    size_t size = *b_tid <= file_at(number)->size - 2u - AKA_RAND_SIZE ? *b_tid : 0;
    memset(record, 0xff, GBANL_RECORD);
    if (4 + naf->id_size + size > GBANL_RECORD)
        return false;
    record[0] = TAG_NAF_ID;
    record[1] = (uint8_t)naf->id_size;
    memcpy(record + 2, naf->id, naf->id_size);
    record[2 + naf->id_size] = TAG_B_TID;
    record[3 + naf->id_size] = (uint8_t)size;
    memcpy(record + 4 + naf->id_size, b_tid + 1, size);
    return true;
}

/* The last derivation's record is the first one; of another NAF's the oldest goes (TS 33.220 G.2). */
static unsigned note_naf(struct usim_card *card, const struct gba_naf *naf) {
    int number = file_find(&card->profile, FID_ADF_USIM, FID_GBANL);
    uint8_t record[GBANL_RECORD], *records = file_contents(card, number);
    size_t at = 0;
    if (!begin_naf_record(card, naf, record))
        return SW_NO_ROOM;
    if (memcmp(records, record, sizeof(record)) == 0)
        return SW_OK;
    while (at + sizeof(record) < file_at(number)->size && memcmp(records + at, record, 2 + naf->id_size) != 0)
        at += sizeof(record);
    memmove(records + sizeof(record), records, at);
    memcpy(records, record, sizeof(record));
    return card_save(card);
}

static unsigned derive_naf(struct usim_card *card, const struct command *command, struct reply *reply) {
    uint8_t external[GBA_NAF_KEY_SIZE], internal[GBA_NAF_KEY_SIZE];
    struct gba_naf naf = {.id = command->data + 2, .id_size = command->data[1]};
    if (command->size < 3 + naf.id_size)
        return SW_LENGTH;
    naf.impi_size = naf.id[naf.id_size];
    naf.impi = naf.id + naf.id_size + 1;
    if (command->size != 3 + naf.id_size + naf.impi_size || naf.id_size < 6 || naf.impi_size == 0)
        return SW_LENGTH;
    if (card->store.failed)
        return SW_MEMORY;
    if (card->state.gba.ks_size == 0)
        return SW_CONDITIONS;
    unsigned sw = note_naf(card, &naf);
    if (sw != SW_OK)
        return sw;
    if (!gba_derive(&card->state.gba, &naf, external, internal))
        return SW_NO_DIAGNOSIS;
    reply_byte(reply, TAG_DONE);
    reply_field(reply, external, sizeof(external));
    crypto_wipe(external, sizeof(external));
    crypto_wipe(internal, sizeof(internal));
    reply_made_public(reply);
    return SW_OK;
}

static unsigned gba(struct usim_card *card, const struct command *command, struct reply *reply) {
    if (!usim_service(&card->profile, USIM_SERVICE_GBA))
        return SW_CONTEXT;
    if (command->size < 3)
        return SW_LENGTH;
    if (command->data[0] == TAG_BOOTSTRAP)
        return bootstrap(card, command, reply);
    return command->data[0] == TAG_NAF ? derive_naf(card, command, reply) : SW_NOT_SUPPORTED;
}

/* ---- */

static unsigned may_use_keys(const struct usim_card *card, const struct command *command) {
    if (!command->channel->usim_active || !in_usim(command->channel))
        return SW_CONDITIONS;
    return card->access == USIM_AUTHENTICATE && condition_met(card, PIN1) ? SW_OK : SW_SECURITY;
}

unsigned card_authenticate(struct usim_card *card, const struct command *command, struct reply *reply) {
    if (command->p1 != 0)
        return SW_PARAMETERS;
    if ((command->p2 < CONTEXT_GSM || command->p2 > CONTEXT_GROUP) && command->p2 != CONTEXT_GBA)
        return SW_PARAMETERS;
    unsigned sw = may_use_keys(card, command);
    if (sw != SW_OK)
        return sw;
    switch (command->p2) {
    case CONTEXT_GSM:
        return gsm(card, command, reply);
    case CONTEXT_3G:
        return umts(card, command, reply);
    case CONTEXT_GBA:
        return gba(card, command, reply);
    default:
        return SW_CONTEXT;
    }
}

/* Whether the subscriber is one whose identity is no IMSI (TS 31.102 4.4.11.10): that one is not concealed here. */
static bool has_nai(struct usim_card *card) {
    int number = file_find(&card->profile, FID_DF_5GS, FID_SUPI_NAI);
    return number != FILE_NONE && *file_contents(card, number) != 0xff;
}

unsigned card_get_identity(struct usim_card *card, const struct command *command, struct reply *reply) {
    uint8_t suci[USIM_SUCI_MAX];
    size_t size = 0;
    if (command->p1 != 0 || command->p2 != IDENTITY_SUCI)
        return SW_PARAMETERS;
    if (command->size > 0)
        return SW_LENGTH;
    unsigned sw = may_use_keys(card, command);
    if (sw != SW_OK)
        return sw;
    if (!usim_service(&card->profile, USIM_SERVICE_SUCI) || !usim_service(&card->profile, USIM_SERVICE_SUCI_BY_CARD))
        return SW_CONDITIONS;
    if (has_nai(card))
        return SW_NOT_SUPPORTED;
    if (!usim_suci(&card->profile, &card->random, suci, &size))
        return SW_NO_DIAGNOSIS;
    reply_byte(reply, TAG_SUCI);
    reply_field(reply, suci, size);
    return SW_OK;
}
