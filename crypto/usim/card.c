// SPDX-License-Identifier: BSD-3-Clause
// What comes in is taken apart here, and nowhere else; what goes out is put together here.
#include "usim/card.h"

#include <string.h>

#include "command.h"
#include "crypto/hkdf.h"

enum {
    HEADER = 4,
    CLASS_OWN = 0x80,
    CLASS_FURTHER = 0x40,
    CLASS_SECURE = 0x0c,
    CLASS_CHAINED = 0x10,
    CLASS_CHANNEL = 3
};

/* Each instruction in one class (TS 102 221 10.1.2, TS 31.102 7). */
static const struct instruction {
    uint8_t ins;
    uint8_t cla; /* 0 or CLASS_OWN */
    enum usim_effect effect;
    command_run *run;
} instructions[] = {
    {0xa4, 0, USIM_STORES_NOTHING, card_select},
    {0xf2, CLASS_OWN, USIM_STORES_NOTHING, card_status},
    {0xb0, 0, USIM_STORES_NOTHING, card_read_binary},
    {0xd6, 0, USIM_STORES, card_update_binary},
    {0xb2, 0, USIM_STORES_NOTHING, card_read_record},
    {0xdc, 0, USIM_STORES, card_update_record},
    {0xa2, 0, USIM_STORES_NOTHING, card_search_record},
    {0x32, CLASS_OWN, USIM_STORES, card_increase},
    {0x20, 0, USIM_STORES, card_verify},
    {0x24, 0, USIM_STORES, card_change},
    {0x26, 0, USIM_STORES, card_disable},
    {0x28, 0, USIM_STORES, card_enable},
    {0x2c, 0, USIM_STORES, card_unblock},
    {0x70, 0, USIM_STORES_NOTHING, card_manage_channel},
    {0xc0, 0, USIM_STORES_NOTHING, card_get_response},
    /* After INCREASE, too, whose class T=0 repeats (ISO/IEC 7816-3 12.2). */
    {0xc0, CLASS_OWN, USIM_STORES_NOTHING, card_get_response},
    {0x88, 0, USIM_MAY_STORE, card_authenticate},
    {0x78, CLASS_OWN, USIM_STORES_NOTHING, card_get_identity},
    {0x10, CLASS_OWN, USIM_STORES_NOTHING, card_terminal_profile},
    {0xaa, CLASS_OWN, USIM_STORES_NOTHING, card_terminal_capability},
    {0x12, CLASS_OWN, USIM_STORES_NOTHING, card_fetch},
    {0x14, CLASS_OWN, USIM_STORES_NOTHING, card_terminal_response},
};

/* Among the card's capabilities (ISO/IEC 7816-4 12.1.1.9): four logical channels, numbered by either side. */
static const uint8_t atr[] = {0x3b, 0x9f, 0x01, 0x80, 0x1f, 0x87, 0x80, 0x31, 0xe0, 0x73, 0xfe,
                              0x21, 0x1b, 0x67, 0x4a, 0x4c, 0x75, 0x30, 0x34, 0x05, 0x4b, 0x3e};

size_t usim_card_atr(uint8_t *to) {
    memcpy(to, atr, sizeof(atr));
    return sizeof(atr);
}

static enum usim_error begin(struct usim_card *card) {
    if (file_offset(file_count) > USIM_FILES_SIZE)
        return USIM_NO_ROOM;
    usim_state_begin(&card->state, &card->profile);
    return files_begin(&card->profile, card->state.files);
}

enum usim_error usim_card_open(struct usim_card *card, const struct usim_random *random, bool fresh) {
    enum usim_error error = USIM_OK;
    card->powered = false;
    card->random = random == NULL ? (struct usim_random){NULL, NULL} : *random;
    if (fresh)
        error = begin(card);
    if (fresh && error == USIM_OK)
        error = usim_state_create(&card->store, &card->state);
    return error == USIM_OK ? usim_state_open(&card->store, &card->profile, &card->state) : error;
}

/* ---- The next power-on */

static void raise(uint64_t *value, uint64_t other) { *value = other > *value ? other : *value; }

/* Whether a new issue is not of the card that is there, or of one whose state is of no more use. */
static bool is_new(const struct usim_card *card, const struct usim_anchor *last) {
    const struct usim_state *state = &card->state;
    return strcmp(state->iccid, card->profile.iccid) != 0 || state->generation < card->profile.generation ||
           state->anchor.start < last->start;
}

/* What is wrong with the record that there is, for a profile that goes on from it. */
static enum usim_error check_record(const struct usim_card *card, const struct usim_anchor *last) {
    if (!usim_state_is_of(&card->state, &card->profile))
        return USIM_OTHER_PROFILE;
    return card->state.anchor.start < last->start ? USIM_ROLLED_BACK : USIM_OK;
}

/* Guesses can't be counted beyond the power-on: none is allowed, and where the PIN is needed there is no card. */
static enum usim_error block_pins(struct usim_state *state) {
    if (state->pins[0].enabled)
        return USIM_PIN_NOT_KEPT;
    for (size_t i = 0; i < USIM_PINS; i++)
        state->pins[i].tries = state->pins[i].puk_tries = 0;
    return USIM_OK;
}

static enum usim_error begin_next(struct usim_card *card, struct usim_anchor *anchor) {
    const uint64_t number = card->state.number;
    enum usim_error error = begin(card);
    card->state.number = number;
    if (error == USIM_OK && card->store.storage.forgets)
        error = block_pins(&card->state);
    if (error != USIM_OK)
        return error;
    usim_state_start(&card->state, anchor, true);
    return usim_state_create(&card->store, &card->state);
}

enum usim_error usim_card_prepare(struct usim_card *card, uint64_t issue, struct usim_anchor *anchor, bool *begun) {
    bool forgets = card->store.storage.forgets;
    memset(&card->state, 0, sizeof(card->state));
    enum usim_error error = forgets ? USIM_NO_STATE : usim_state_look(&card->store, &card->state);
    *begun = false;
    if (error != USIM_OK && error != USIM_NO_STATE)
        return error;
    raise(&anchor->issue, card->state.anchor.issue);
    raise(&anchor->start, card->state.anchor.start);
    raise(&anchor->limit, card->state.anchor.limit);
    if (issue < anchor->issue)
        return USIM_REPLACED;
    *begun = forgets || (issue > anchor->issue && is_new(card, anchor));
    if (error == USIM_OK && !*begun)
        error = check_record(card, anchor);
    if (error != USIM_OK && !*begun)
        return error;
    anchor->issue = issue;
    if (*begun)
        return begin_next(card, anchor);
    usim_state_start(&card->state, anchor, false);
    return usim_state_restart(&card->store, &card->state);
}

enum usim_error usim_card_close(struct usim_card *card) {
    enum usim_error error = usim_state_close(&card->store, &card->state);
    crypto_wipe(card, sizeof(*card));
    return error;
}

void usim_card_power_on(struct usim_card *card, enum usim_access access) {
    usim_card_power_off(card);
    card->powered = true;
    card->access = access;
    card->channels[0].open = true;
}

void usim_card_power_off(struct usim_card *card) {
    card->powered = false;
    for (size_t i = 0; i < USIM_CHANNELS; i++)
        card->channels[i] = (struct usim_channel){.directory = 0, .file = FILE_NONE};
    memset(card->verified, 0, sizeof(card->verified));
    crypto_wipe(card->pending, sizeof(card->pending));
    card->pending_size = 0;
    card->proactive = 0;
    card->fetched = false;
}

/* ---- In */

static bool parse(const uint8_t *bytes, size_t size, struct command *command) {
    if (size < HEADER || size > USIM_COMMAND_MAX)
        return false;
    *command = (struct command){.cla = bytes[0], .ins = bytes[1], .p1 = bytes[2], .p2 = bytes[3]};
    if (size == HEADER)
        return true;
    size_t length = bytes[HEADER];
    if (size == HEADER + 1) {
        command->expected = length == 0 ? 256 : length;
        return true;
    }
    command->data = bytes + HEADER + 1;
    command->size = length;
    if (length == 0 || size < HEADER + 1 + length || size > HEADER + 1 + length + 1)
        return false;
    if (size == HEADER + 1 + length + 1)
        command->expected = command->data[length] == 0 ? 256 : command->data[length];
    return true;
}

/* TS 102 221 10.1.1 */
static unsigned check_class(struct usim_card *card, struct command *command) {
    uint8_t kind = command->cla & (uint8_t)~CLASS_OWN;
    if ((kind & CLASS_FURTHER) != 0 && command->cla != 0xff)
        return SW_CHANNEL;
    if ((kind & 0x60) != 0 || command->cla == 0xff)
        return SW_CLASS;
    if ((kind & CLASS_CHAINED) != 0)
        return SW_CHAINING;
    if ((kind & CLASS_SECURE) != 0)
        return SW_SECURE_MESSAGING;
    command->channel_number = kind & CLASS_CHANNEL;
    command->channel = &card->channels[command->channel_number];
    return command->channel->open ? SW_OK : SW_CHANNEL;
}

static const struct instruction *instruction_of(const struct command *command, unsigned *sw) {
    *sw = SW_INSTRUCTION;
    for (size_t i = 0; i < sizeof(instructions) / sizeof(instructions[0]); i++) {
        if (instructions[i].ins != command->ins)
            continue;
        *sw = SW_CLASS;
        if (instructions[i].cla == (command->cla & CLASS_OWN))
            return &instructions[i];
    }
    return NULL;
}

enum usim_effect usim_card_effect(const uint8_t *bytes, size_t size) {
    unsigned sw = SW_OK;
    if (size <= HEADER + 1) /* without data VERIFY and its kin only ask */
        return USIM_STORES_NOTHING;
    const struct command command = {.cla = bytes[0], .ins = bytes[1]};
    const struct instruction *instruction = instruction_of(&command, &sw);
    if (instruction == NULL)
        return USIM_STORES_NOTHING;
    return instruction->run == card_authenticate && bytes[3] == CONTEXT_GBA ? USIM_STORES : instruction->effect;
}

static void forget_pending(struct usim_card *card) {
    crypto_wipe(card->pending, sizeof(card->pending));
    card->pending_size = 0;
}

static unsigned carry_out(struct usim_card *card, struct command *command, struct reply *reply) {
    unsigned sw = check_class(card, command);
    if (sw != SW_OK)
        return sw;
    const struct instruction *instruction = instruction_of(command, &sw);
    if (instruction == NULL)
        return sw;
    if (instruction->run != card_get_response)
        forget_pending(card);
    return instruction->run(card, command, reply);
}

/* ---- Out */

unsigned command_expects(const struct command *command, size_t size) {
    return command->expected == size ? (unsigned)SW_OK : SW_EXACT_LENGTH | (unsigned)(size & 0xff);
}

void reply_byte(struct reply *reply, unsigned byte) {
    if (reply->size < sizeof(reply->data))
        reply->data[reply->size++] = (uint8_t)byte;
}

void reply_bytes(struct reply *reply, const void *bytes, size_t size) {
    if (size > sizeof(reply->data) - reply->size)
        size = sizeof(reply->data) - reply->size;
    memcpy(reply->data + reply->size, bytes, size);
    reply->size += size;
}

unsigned card_save(struct usim_card *card) {
    return usim_state_save(&card->store, &card->state) == USIM_OK ? SW_OK : SW_MEMORY;
}

static unsigned keep_pending(struct usim_card *card, const struct command *command, struct reply *reply) {
    memcpy(card->pending, reply->data, reply->size);
    card->pending_size = reply->size;
    card->pending_channel = command->channel_number;
    reply->size = 0;
    return SW_DATA | (unsigned)(card->pending_size & 0xff);
}

unsigned card_get_response(struct usim_card *card, const struct command *command, struct reply *reply) {
    if (command->p1 != 0 || command->p2 != 0)
        return SW_PARAMETERS;
    if (card->pending_size == 0 || card->pending_channel != command->channel_number)
        return SW_CONDITIONS;
    if (command->size > 0)
        return SW_LENGTH;
    if (command->expected == 0 || command->expected > card->pending_size)
        return SW_EXACT_LENGTH | (unsigned)(card->pending_size & 0xff);
    reply_bytes(reply, card->pending, command->expected);
    size_t left = card->pending_size - reply->size;
    for (size_t i = 0; i < left; i++)
        card->pending[i] = card->pending[i + reply->size];
    crypto_wipe(card->pending + left, sizeof(card->pending) - left);
    card->pending_size = left;
    return left == 0 ? (unsigned)SW_OK : SW_DATA | (unsigned)left;
}

/* What follows a command that was carried out: data by GET RESPONSE, or at once; or a proactive command. */
static unsigned finish(struct usim_card *card, const struct command *command, struct reply *reply, unsigned sw) {
    const uint8_t *waiting = NULL;
    if (sw == SW_OK && reply->size > 0 && command->size > 0)
        return keep_pending(card, command, reply);
    if (sw == SW_OK && reply->size > 0)
        sw = command_expects(command, reply->size);
    if (sw != SW_OK)
        return sw;
    size_t size = toolkit_waiting(card, &waiting);
    return size > 0 && !card->fetched ? SW_PROACTIVE | (unsigned)size : (unsigned)SW_OK;
}

size_t usim_card_transmit(struct usim_card *card, const uint8_t *bytes, size_t size, uint8_t *response) {
    struct command command;
    struct reply reply = {.size = 0};
    unsigned sw = SW_LENGTH;
    if (!card->powered)
        return 0;
    if (parse(bytes, size, &command)) {
        sw = carry_out(card, &command, &reply);
        if (command.ins != 0xc0 || sw == SW_OK)
            sw = finish(card, &command, &reply, sw);
    }
    if (sw != SW_OK && sw >> 8 != SW_PROACTIVE >> 8 && (sw >> 8 != SW_DATA >> 8 || command.ins != 0xc0))
        reply.size = 0;
    memcpy(response, reply.data, reply.size);
    response[reply.size] = (uint8_t)(sw >> 8);
    response[reply.size + 1] = (uint8_t)sw;
    size_t total = reply.size + 2;
    crypto_wipe(&reply, sizeof(reply));
    return total;
}
