// SPDX-License-Identifier: BSD-3-Clause
// SELECT and STATUS (TS 102 221 11.1.1, 11.1.2), and the FCP template that both give.
#include <string.h>

#include "command.h"

enum {
    BY_ID = 0x00,
    CHILD = 0x01,
    PARENT = 0x03,
    BY_NAME = 0x04,
    PATH_FROM_MF = 0x08,
    PATH_FROM_HERE = 0x09,
    P2_RETURN = 0x0c, /* what is returned */
    P2_FCP = 0x04,
    P2_NOTHING = 0x0c,
    P2_OCCURRENCE = 0x03,
    P2_SESSION = 0xe0,
    P2_END = 0x40, /* of the application's session */
    NAME_MIN = 5,  /* bytes of an AID: the RID */
    DESCRIPTOR_DIRECTORY = 0x78,
    DESCRIPTOR_TRANSPARENT = 0x41,
    DESCRIPTOR_LINEAR = 0x42,
    DESCRIPTOR_CYCLIC = 0x46,
    DATA_CODING = 0x21,
};

static const int mf;

bool in_usim(const struct usim_channel *channel) {
    const struct file *directory = file_at(channel->directory);
    return directory->id == FID_ADF_USIM || directory->directory == FID_ADF_USIM;
}

/* ---- FCP */

static void put_word(struct reply *reply, unsigned word) {
    reply_byte(reply, word >> 8);
    reply_byte(reply, word & 0xff);
}

static void put_descriptor(const struct file *file, struct reply *reply) {
    static const uint8_t descriptors[] = {[FILE_DIRECTORY] = DESCRIPTOR_DIRECTORY,
                                          [FILE_TRANSPARENT] = DESCRIPTOR_TRANSPARENT,
                                          [FILE_LINEAR] = DESCRIPTOR_LINEAR,
                                          [FILE_CYCLIC] = DESCRIPTOR_CYCLIC};
    bool records = file->record != 0;
    reply_byte(reply, 0x82);
    reply_byte(reply, records ? 5 : 2);
    reply_byte(reply, descriptors[file->kind]);
    reply_byte(reply, DATA_CODING);
    if (!records)
        return;
    put_word(reply, file->record);
    reply_byte(reply, (unsigned)file->size / file->record);
}

/* Which PINs there are, and which are needed (11.1.1.4.10): PIN1 and PIN2. */
static void put_pin_status(const struct usim_card *card, struct reply *reply) {
    const uint8_t keys[] = {0x83, 1, 0x01, 0x83, 1, 0x81};
    reply_byte(reply, 0xc6);
    reply_byte(reply, 3 + sizeof(keys));
    reply_byte(reply, 0x90);
    reply_byte(reply, 1);
    reply_byte(reply, (card->state.pins[0].enabled ? 0x80u : 0) | (card->state.pins[1].enabled ? 0x40u : 0));
    reply_bytes(reply, keys, sizeof(keys));
}

static void put_id(const struct file *file, struct reply *reply) {
    reply_bytes(reply, (const uint8_t[]){0x83, 2}, 2);
    put_word(reply, file->id);
}

/* The life cycle, activated, and which rule of which ARR (9.2.7). */
static void put_security(const struct file *file, struct reply *reply) {
    bool usim = file->directory != FID_MF || file->id == FID_ADF_USIM;
    reply_bytes(reply, (const uint8_t[]){0x8a, 1, 0x05, 0x8b, 3}, 5);
    put_word(reply, usim ? FID_ARR_USIM : FID_ARR_MF);
    reply_byte(reply, file->rule);
}

static void put_directory(const struct usim_card *card, const struct file *file, struct reply *reply) {
    /* UICC characteristics; supported system commands: TERMINAL CAPABILITY (11.1.1.4.6). */
    const uint8_t characteristics[] = {0xa5, 6, 0x80, 1, 0x71, 0x87, 1, 0x01};
    if (file->id == FID_ADF_USIM) {
        reply_byte(reply, 0x84);
        reply_byte(reply, AID_SIZE);
        reply_bytes(reply, usim_aid, AID_SIZE);
    } else {
        put_id(file, reply);
    }
    if (file->id == FID_MF)
        reply_bytes(reply, characteristics, sizeof(characteristics));
    put_security(file, reply);
    put_pin_status(card, reply);
}

static void put_elementary(const struct file *file, struct reply *reply) {
    put_id(file, reply);
    put_security(file, reply);
    reply_bytes(reply, (const uint8_t[]){0x80, 2}, 2);
    put_word(reply, file->size);
    reply_byte(reply, 0x88);
    reply_byte(reply, file->sfi == 0 ? 0 : 1);
    if (file->sfi != 0)
        reply_byte(reply, (unsigned)file->sfi << 3);
}

void reply_fcp(const struct usim_card *card, int number, struct reply *reply) {
    const struct file *file = file_at(number);
    reply_byte(reply, 0x62);
    reply_byte(reply, 0);
    put_descriptor(file, reply);
    if (file->kind == FILE_DIRECTORY)
        put_directory(card, file, reply);
    else
        put_elementary(file, reply);
    reply->data[1] = (uint8_t)(reply->size - 2);
}

/* ---- SELECT */

/* Where a selection goes, before it is done: a selection that fails changes nothing. */
struct target {
    int directory;
    int file;
};

static int parent_of(const struct usim_card *card, int directory) {
    uint16_t id = file_at(directory)->directory;
    return id == FID_ADF_USIM ? file_find(&card->profile, FID_MF, id) : mf;
}

static int child(const struct usim_card *card, int directory, uint16_t id) {
    /* ADFs are not children of anything, and the MF is not its own. */
    if (id == FID_ADF_USIM || id == FID_MF)
        return FILE_NONE;
    return file_find(&card->profile, file_at(directory)->id, id);
}

static bool go_to(int number, struct target *target) {
    if (number == FILE_NONE)
        return false;
    if (file_at(number)->kind == FILE_DIRECTORY)
        *target = (struct target){number, FILE_NONE};
    else
        target->file = number;
    return true;
}

/* 8.4.2: children, then the directory itself, its parent, and directories beside it. */
static bool by_id(const struct usim_card *card, const struct usim_channel *channel, uint16_t id,
                  struct target *target) {
    int here = target->directory, up = parent_of(card, here);
    if (id == FID_MF)
        return go_to(mf, target);
    if (id == FID_CURRENT_ADF)
        return channel->usim_active && go_to(file_find(&card->profile, FID_MF, FID_ADF_USIM), target);
    if (go_to(child(card, here, id), target))
        return true;
    if (id != FID_ADF_USIM && (file_at(here)->id == id || file_at(up)->id == id))
        return go_to(file_at(here)->id == id ? here : up, target);
    int beside = here == mf ? FILE_NONE : child(card, up, id);
    return beside != FILE_NONE && file_at(beside)->kind == FILE_DIRECTORY && go_to(beside, target);
}

static bool by_path(const struct usim_card *card, const struct command *command, struct target *target) {
    if (command->p1 == PATH_FROM_MF)
        *target = (struct target){mf, FILE_NONE};
    for (size_t i = 0; i < command->size; i += 2) {
        uint16_t id = (uint16_t)(command->data[i] << 8 | command->data[i + 1]);
        bool adf = i == 0 && id == FID_CURRENT_ADF && command->p1 == PATH_FROM_MF;
        if (target->file != FILE_NONE)
            return false;
        if (adf ? !by_id(card, command->channel, id, target) : !go_to(child(card, target->directory, id), target))
            return false;
    }
    return true;
}

static bool names_usim(const struct command *command) {
    return command->size >= NAME_MIN && command->size <= AID_SIZE &&
           memcmp(command->data, usim_aid, command->size) == 0;
}

/* There is one application: the next and the previous one of it are not there. */
static unsigned by_name(struct usim_card *card, const struct command *command, struct target *target) {
    if (!names_usim(command))
        return SW_FILE_NOT_FOUND;
    if ((command->p2 & P2_OCCURRENCE) >= 2 && command->channel->usim_active)
        return SW_FILE_NOT_FOUND;
    if ((command->p2 & P2_SESSION) == P2_END) {
        command->channel->usim_active = false;
        *target = (struct target){mf, FILE_NONE};
        return SW_OK;
    }
    command->channel->usim_active = true;
    return go_to(file_find(&card->profile, FID_MF, FID_ADF_USIM), target) ? SW_OK : SW_FILE_NOT_FOUND;
}

static unsigned find(struct usim_card *card, const struct command *command, struct target *target) {
    bool found = false;
    switch (command->p1) {
    case BY_ID:
    case CHILD:
        if (command->size == 0 && command->p1 == BY_ID)
            return go_to(mf, target) ? SW_OK : SW_FILE_NOT_FOUND;
        if (command->size != 2)
            return SW_LENGTH;
        uint16_t id = (uint16_t)(command->data[0] << 8 | command->data[1]);
        if (command->p1 == BY_ID)
            return by_id(card, command->channel, id, target) ? SW_OK : SW_FILE_NOT_FOUND;
        found = go_to(child(card, target->directory, id), target) && target->file == FILE_NONE;
        return found ? SW_OK : SW_FILE_NOT_FOUND;
    case PARENT:
        if (command->size != 0)
            return SW_LENGTH;
        found = target->directory != mf && go_to(parent_of(card, target->directory), target);
        return found ? SW_OK : SW_FILE_NOT_FOUND;
    case BY_NAME:
        return by_name(card, command, target);
    case PATH_FROM_MF:
    case PATH_FROM_HERE:
        if (command->size == 0 || command->size % 2 != 0)
            return SW_LENGTH;
        return by_path(card, command, target) ? SW_OK : SW_FILE_NOT_FOUND;
    default:
        return SW_PARAMETERS;
    }
}

/* Occurrences and sessions are of applications only. */
static bool parameters_fit(const struct command *command) {
    uint8_t returned = command->p2 & P2_RETURN, session = command->p2 & P2_SESSION;
    bool named = command->p1 == BY_NAME;
    return (returned == P2_FCP || returned == P2_NOTHING) && (command->p2 & 0x10) == 0 &&
           (named || (command->p2 & P2_OCCURRENCE) == 0) && (session == 0 || (named && session == P2_END));
}

unsigned card_select(struct usim_card *card, const struct command *command, struct reply *reply) {
    struct usim_channel *channel = command->channel;
    struct target target = {channel->directory, FILE_NONE};
    /* Android looks for applications with P2 of ISO/IEC 7816-4, and must be told that they are not there. */
    if (!parameters_fit(command))
        return command->p1 != BY_NAME || names_usim(command) ? SW_PARAMETERS : SW_FILE_NOT_FOUND;
    unsigned sw = find(card, command, &target);
    if (sw != SW_OK)
        return sw;
    if ((command->p2 & P2_RETURN) == P2_FCP)
        reply_fcp(card, target.file != FILE_NONE ? target.file : target.directory, reply);
    /* What 6Cxx answers is sent again, and must not have been done: to go to the parent twice is to go elsewhere. */
    if (reply->size > 0 && command->size == 0)
        sw = command_expects(command, reply->size);
    if (sw != SW_OK)
        return sw;
    channel->directory = target.directory;
    channel->file = target.file;
    channel->record = 0;
    return SW_OK;
}

/* ---- STATUS */

unsigned card_status(struct usim_card *card, const struct command *command, struct reply *reply) {
    if (command->p1 > 2)
        return SW_PARAMETERS;
    if (command->size > 0)
        return SW_LENGTH;
    switch (command->p2) {
    case 0x00:
        reply_fcp(card, command->channel->directory, reply);
        return SW_OK;
    case 0x01:
        if (!command->channel->usim_active)
            return SW_REFERENCE;
        reply_bytes(reply, (const uint8_t[]){0x84, AID_SIZE}, 2);
        reply_bytes(reply, usim_aid, AID_SIZE);
        return SW_OK;
    case 0x0c:
        return SW_OK;
    default:
        return SW_PARAMETERS;
    }
}
