// SPDX-License-Identifier: BSD-3-Clause
#ifndef USIM_COMMAND_H
#define USIM_COMMAND_H

/* A command that was taken apart, and what carries it out: each function returns a status word. */

#include "files.h"
#include "usim/card.h"

enum sw {
    SW_OK = 0x9000,
    SW_DATA = 0x6100,      /* + bytes for GET RESPONSE */
    SW_PROACTIVE = 0x9100, /* + bytes for FETCH */
    SW_NOT_FOUND_IN_RECORDS = 0x6282,
    SW_TRIES = 0x63c0, /* + tries left */
    SW_MEMORY = 0x6581,
    SW_LENGTH = 0x6700,
    SW_CHANNEL = 0x6881,
    SW_SECURE_MESSAGING = 0x6882,
    SW_CHAINING = 0x6884,
    SW_FILE_STRUCTURE = 0x6981,
    SW_SECURITY = 0x6982,
    SW_BLOCKED = 0x6983,
    SW_INVALIDATED = 0x6984,
    SW_CONDITIONS = 0x6985,
    SW_NO_CURRENT_FILE = 0x6986,
    SW_WRONG_DATA = 0x6a80,
    SW_NOT_SUPPORTED = 0x6a81,
    SW_FILE_NOT_FOUND = 0x6a82,
    SW_RECORD_NOT_FOUND = 0x6a83,
    SW_PARAMETERS = 0x6a86,
    SW_REFERENCE = 0x6a88,
    SW_OFFSET = 0x6b00,
    SW_EXACT_LENGTH = 0x6c00, /* + bytes that there are */
    SW_INSTRUCTION = 0x6d00,
    SW_CLASS = 0x6e00,
    SW_NO_DIAGNOSIS = 0x6f00,
    SW_INCREASE = 0x9850,
    SW_MAC = 0x9862,
    SW_CONTEXT = 0x9864,
    SW_NO_ROOM = 0x9866,
};

enum { CONTEXT_GBA = 0x84 }; /* P2 of AUTHENTICATE */

struct command {
    uint8_t cla, ins, p1, p2;
    const uint8_t *data;
    size_t size;     /* Lc */
    size_t expected; /* Le, 1 to 256; 0: none */
    uint8_t channel_number;
    struct usim_channel *channel;
};

struct reply {
    uint8_t data[256];
    size_t size;
};

typedef unsigned command_run(struct usim_card *card, const struct command *command, struct reply *reply);

command_run card_select, card_status;
command_run card_read_binary, card_update_binary;
command_run card_read_record, card_update_record, card_search_record, card_increase;
command_run card_verify, card_change, card_disable, card_enable, card_unblock;
command_run card_manage_channel, card_get_response;
command_run card_terminal_profile, card_terminal_capability, card_fetch, card_terminal_response;
command_run card_authenticate, card_get_identity;

/* @return SW_OK when the command expects exactly so many bytes; else 6Cxx */
unsigned command_expects(const struct command *command, size_t size);

void reply_byte(struct reply *reply, unsigned byte);
void reply_bytes(struct reply *reply, const void *bytes, size_t size);

/* The proactive command that waits (TS 102 223). @return its size; 0: none */
size_t toolkit_waiting(const struct usim_card *card, const uint8_t **bytes);

/* Puts a file's FCP template into the reply, in which there is nothing else (TS 102 221 11.1.1.3). */
void reply_fcp(const struct usim_card *card, int number, struct reply *reply);

bool condition_met(const struct usim_card *card, enum file_condition condition);

/* @return SW_OK, or why this may not be done with this EF of this kind */
unsigned file_allows(const struct usim_card *card, int number, enum file_right right);

uint8_t *file_contents(struct usim_card *card, int number);

/* Finds the EF that a command means: by its short identifier, which makes it the current one, or the current one. */
unsigned command_file(struct usim_card *card, const struct command *command, bool by_sfi, uint8_t sfi, int *number);

/* Stores the card's state. @return SW_OK, SW_MEMORY */
unsigned card_save(struct usim_card *card);

/* Whether the channel's current directory is the USIM's or in it. */
bool in_usim(const struct usim_channel *channel);

#endif
