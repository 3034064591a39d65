// SPDX-License-Identifier: BSD-3-Clause
// MANAGE CHANNEL (TS 102 221 11.1.17), and the proactive session (11.2, TS 102 223): the card has one wish.
#include "command.h"

enum {
    OPEN = 0x00,
    CLOSE = 0x80,
    TERMINAL_CAPABILITIES = 0xa9,
    COMMAND_DETAILS = 0x01,
    COMPREHENSION = 0x80,
    PROFILE_BYTE = 2, /* of TERMINAL PROFILE, in which */
    PROFILE_POLLING_OFF = 0x40,
};

/* POLLING OFF: there is nothing that the terminal should ask after. */
static const uint8_t polling_off[] = {0xd0, 9, 0x81, 3, 1, 0x04, 0, 0x82, 2, 0x81, 0x82};

size_t toolkit_waiting(const struct usim_card *card, const uint8_t **bytes) {
    *bytes = polling_off;
    return card->proactive != 0 ? sizeof(polling_off) : 0;
}

static unsigned open_channel(struct usim_card *card, const struct command *command, struct reply *reply) {
    uint8_t number = command->p2;
    for (uint8_t i = USIM_CHANNELS - 1; i >= 1 && command->p2 == 0; i--)
        if (!card->channels[i].open)
            number = i;
    if (number >= USIM_CHANNELS)
        return SW_PARAMETERS;
    if (number == 0 || card->channels[number].open)
        return SW_NOT_SUPPORTED;
    if (command->p2 == 0 && command->expected != 1)
        return SW_EXACT_LENGTH | 1;
    /* From the basic channel the MF is current on the new one, else what is current on the one that asks (8.7). */
    card->channels[number] = (struct usim_channel){.open = true, .directory = 0, .file = FILE_NONE};
    if (command->channel_number != 0) {
        card->channels[number].directory = command->channel->directory;
        card->channels[number].usim_active = command->channel->usim_active;
    }
    if (command->p2 == 0)
        reply_byte(reply, number);
    return SW_OK;
}

static unsigned close_channel(struct usim_card *card, const struct command *command) {
    uint8_t number = command->p2;
    if (number == 0 || number >= USIM_CHANNELS)
        return SW_PARAMETERS;
    if (!card->channels[number].open)
        return SW_CHANNEL;
    card->channels[number] = (struct usim_channel){.open = false, .directory = 0, .file = FILE_NONE};
    return SW_OK;
}

unsigned card_manage_channel(struct usim_card *card, const struct command *command, struct reply *reply) {
    if (command->size > 0)
        return SW_LENGTH;
    if (command->p1 == OPEN)
        return open_channel(card, command, reply);
    return command->p1 == CLOSE ? close_channel(card, command) : SW_PARAMETERS;
}

/* A terminal is asked only for what its profile says that it can do (TS 102 223 5.2). */
unsigned card_terminal_profile(struct usim_card *card, const struct command *command, struct reply *reply) {
    (void)reply;
    if (command->p1 != 0 || command->p2 != 0)
        return SW_PARAMETERS;
    if (command->size == 0)
        return SW_LENGTH;
    card->proactive = command->size > PROFILE_BYTE && (command->data[PROFILE_BYTE] & PROFILE_POLLING_OFF) != 0;
    card->fetched = false;
    return SW_OK;
}

unsigned card_terminal_capability(struct usim_card *card, const struct command *command, struct reply *reply) {
    (void)card;
    (void)reply;
    if (command->p1 != 0 || command->p2 != 0)
        return SW_PARAMETERS;
    if (command->size < 2)
        return SW_LENGTH;
    bool fits = command->data[0] == TERMINAL_CAPABILITIES && command->data[1] == command->size - 2;
    return fits ? SW_OK : SW_WRONG_DATA;
}

unsigned card_fetch(struct usim_card *card, const struct command *command, struct reply *reply) {
    const uint8_t *bytes = NULL;
    size_t size = toolkit_waiting(card, &bytes);
    if (command->p1 != 0 || command->p2 != 0)
        return SW_PARAMETERS;
    if (command->size > 0)
        return SW_LENGTH;
    if (size == 0 || card->fetched)
        return SW_CONDITIONS;
    unsigned sw = command_expects(command, size);
    if (sw != SW_OK)
        return sw;
    reply_bytes(reply, bytes, size);
    card->fetched = true;
    return SW_OK;
}

/* It must be to this command (TS 102 223 6.8): its details are repeated; whatever the result, the card has no more. */
unsigned card_terminal_response(struct usim_card *card, const struct command *command, struct reply *reply) {
    (void)reply;
    if (command->p1 != 0 || command->p2 != 0)
        return SW_PARAMETERS;
    if (command->size < 5)
        return SW_LENGTH;
    if (!card->fetched)
        return SW_CONDITIONS;
    bool same = (command->data[0] & (uint8_t)~COMPREHENSION) == COMMAND_DETAILS && command->data[1] == 3;
    for (size_t i = 2; i < 5; i++)
        same &= command->data[i] == polling_off[2 + i];
    if (!same)
        return SW_WRONG_DATA;
    card->proactive = 0;
    card->fetched = false;
    return SW_OK;
}
